//! The schema for editors says the same as the loader.

use std::collections::BTreeSet;

use crate::scenario_common::{KINDS, catalog, file, mistakes};
use itbsim::scenario::schema;
use serde_json::Value;

fn parsed() -> Value {
    serde_json::from_str(&schema(&catalog())).unwrap()
}

fn keys(object: &Value) -> BTreeSet<String> {
    assert_eq!(object["additionalProperties"], false, "{object}");
    object["properties"].as_object().unwrap().keys().cloned().collect()
}

/// The keys the loader names when it meets one that it does not know.
fn known(text: &str) -> BTreeSet<String> {
    let all = mistakes(text);
    let item = all
        .items()
        .iter()
        .find(|i| i.title().contains("`zzzzzzzz`"))
        .unwrap_or_else(|| panic!("{all}"));
    item.helps()
        .iter()
        .find_map(|h| h.strip_prefix("known here: "))
        .unwrap_or_else(|| panic!("{all}"))
        .replace(" or ", ", ")
        .split(", ")
        .map(|k| k.trim_matches('`').to_owned())
        .collect()
}

#[test]
fn every_table_has_the_same_keys_in_schema_and_loader() {
    let s = parsed();
    let top = &s["properties"];
    let block = |name: &str| &top[name]["items"]["properties"];
    let z = "zzzzzzzz = 1";
    let programme = |mode: &str| file("", &format!("[[programme]]\nat = \"1 d\"\n{mode} = {{ {z} }}"));
    let action = |act: &str| file("", &format!("[[action]]\nat = \"1 d\"\n{act} = {{ {z} }}"));
    let fault = |lines: &str| {
        file(
            "",
            &format!("[[fault]]\nid = \"x\"\nkind = \"pump.stall\"\nat = \"1 d\"\n{lines}"),
        )
    };
    let shapes = &top["fault"]["items"]["oneOf"][0]["properties"]["profile"]["oneOf"][1];
    for (schema, text) in [
        (&s, file(z, "")),
        (&top["patient"], file(&format!("[patient]\n{z}"), "")),
        (&top["pump"], file("", "").replace("family", &format!("{z}\nfamily"))),
        (
            &top["pump"]["properties"]["reservoir"],
            file("", "").replace("{ size", &format!("{{ {z}, size")),
        ),
        (&top["catheter"], file(&format!("[catheter]\n{z}"), "")),
        (&top["model"], file(&format!("[model]\n{z}"), "")),
        (&top["population"], file(&format!("[population]\n{z}"), "")),
        (&top["hazards"], file(&format!("[hazards]\n{z}"), "")),
        (
            &top["hazards"]["properties"]["pump.stall"],
            file(&format!("[hazards.\"pump.stall\"]\n{z}"), ""),
        ),
        (&top["programme"]["items"], file("", &format!("[[programme]]\n{z}"))),
        (&block("programme")["periodic_bolus"], programme("periodic_bolus")),
        (&block("programme")["single_bolus"], programme("single_bolus")),
        (&block("programme")["priming_bolus"], programme("priming_bolus")),
        (&block("programme")["bridge_bolus"], programme("bridge_bolus")),
        (&block("programme")["patient_bolus"], programme("patient_bolus")),
        (&block("action")["demand_bolus"]["oneOf"][1], action("demand_bolus")),
        (&top["uncertain"], file(&format!("[uncertain]\n{z}"), "")),
        (&block("programme")["flex"]["oneOf"][1], programme("flex")),
        (
            &block("programme")["flex"]["oneOf"][0]["items"],
            programme("flex").replace("{ zz", "[{ zz").replace("1 }", "1 }]"),
        ),
        (&top["action"]["items"], file("", &format!("[[action]]\n{z}"))),
        (&block("action")["refill"], action("refill")),
        (
            &block("action")["check_reservoir"]["oneOf"][1],
            action("check_reservoir"),
        ),
        (
            &block("action")["when"],
            file("", &format!("[[action]]\nwhen = {{ {z} }}\ninterrogate = true")),
        ),
        (
            &top["patient"]["properties"]["alarm"],
            file(&format!("[patient]\nalarm = {{ {z} }}"), ""),
        ),
        (&block("action")["lumbar_bolus"], action("lumbar_bolus")),
        (&block("action")["oral_baclofen"], action("oral_baclofen")),
        (&block("action")["drain_csf"], action("drain_csf")),
        (&top["drug"]["items"], file("", &format!("[[drug]]\n{z}"))),
        (
            &block("drug")["kinetics"],
            file("", &format!("[[drug]]\n[drug.kinetics]\n{z}")),
        ),
        (
            &block("drug")["effect"]["items"],
            file("", &format!("[[drug]]\n[[drug.effect]]\n{z}")),
        ),
        (&block("action")["implant"], action("implant")),
        (
            &block("action")["benzodiazepine_infusion"],
            action("benzodiazepine_infusion"),
        ),
        (&top["expect"]["items"], file("", &format!("[[expect]]\n{z}"))),
        (&top["arm"]["items"], file("", &format!("[[arm]]\n{z}"))),
        (&top["decision"]["items"], file("", &format!("[[decision]]\n{z}"))),
        (
            &block("decision")["choice"]["items"],
            file(
                "",
                &format!(
                    "[[decision]]\nat = \"1 d\"\nquestion = \"?\"\nchoice = [{{ {z} }}, {{ text = \"b\", chosen = true }}]"
                ),
            ),
        ),
        (&top["teaching"], file(&format!("[teaching]\n{z}"), "")),
        (
            &top["teaching"]["properties"]["stage"]["items"],
            file("", &format!("[[teaching.stage]]\n{z}")),
        ),
        (
            &top["teaching"]["properties"]["question"]["items"],
            file("", &format!("[[teaching.question]]\n{z}")),
        ),
        (shapes, fault(&format!("profile = {{ {z} }}"))),
        (
            &shapes["properties"]["intermittent"],
            fault(&format!("profile = {{ intermittent = {{ {z} }} }}")),
        ),
    ] {
        let loader = known(&text);
        assert_eq!(keys(schema), loader, "{text}");
    }
}

#[test]
fn every_fault_kind_has_its_own_fields() {
    let s = parsed();
    let kinds = s["properties"]["fault"]["items"]["oneOf"].as_array().unwrap();
    assert_eq!(kinds.len(), KINDS.len());
    for (schema, kind) in kinds.iter().zip(KINDS) {
        assert_eq!(schema["properties"]["kind"]["const"], kind.kind);
        let text = file(
            "",
            &format!(
                "[[fault]]\nid = \"x\"\nkind = \"{}\"\nat = \"1 d\"\nzzzzzzzz = 1",
                kind.kind
            ),
        );
        assert_eq!(keys(schema), known(&text));
    }
}

#[test]
fn words_are_those_of_the_catalog() {
    let s = parsed();
    let families = &s["properties"]["pump"]["properties"]["family"]["enum"];
    assert_eq!(
        families,
        &serde_json::json!(["gas-pressure", "peristaltic", "valve-gated"])
    );
    assert_eq!(
        s["properties"]["catheter"]["properties"]["tip"]["enum"]
            .as_array()
            .unwrap()
            .len(),
        26
    );
    assert_eq!(s["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn the_same_catalog_gives_the_same_bytes() {
    assert_eq!(schema(&catalog()), schema(&catalog()));
}
