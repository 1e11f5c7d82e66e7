//! Intensive care, slips of the programmer, appointments, posture, and acts left out.

use crate::run_common::{at, column, count, event, listing, run, run_with, scenario, text, time};
use itbsim::simulation::{LEDGER_LIMIT, RunOptions, RunResult};

const HOME: &str = "[[care]]\nid = \"home\"\npolicy = \"people\"\nignore = \"0 %\"\n";

const APART: &str = "[[fault]]\nid = \"apart\"\nkind = \"catheter.disconnection\"\nat = \"1 d\"\nposition = \"0 cm\"\ninto = \"subcutaneous\"\n";

/// A dose cut to a quarter: the patient is unwell and calls, and the parts are sound.
const CUT: &str = "[[programme]]\nid = \"cut\"\nat = \"1 d\"\nsimple_continuous = \"100 ug/day\"\n";

fn sound(run: &RunResult) {
    assert!(run.ledger_residual < LEDGER_LIMIT, "{:e}", run.ledger_residual);
}

fn care(id: &str, policy: &str, lines: &str) -> String {
    format!("[[care]]\nid = \"{id}\"\npolicy = \"{policy}\"\n{lines}\n")
}

fn peak(run: &RunResult, name: &str) -> f64 {
    column(run, name).into_iter().map(|(_, v)| v).fold(f64::MIN, f64::max)
}

mod intensive_care {
    use super::*;

    fn withdrawal(lines: &str) -> RunResult {
        let hospital = care("hospital", "rescue_withdrawal", lines);
        let found = run(6.0, &format!("{APART}{HOME}{hospital}"));
        sound(&found);
        found
    }

    #[test]
    fn severe_withdrawal_goes_there_and_the_stay_is_counted() {
        let found = withdrawal("delay = \"8 h\"\nrestore = \"external\"");
        let (inside, admitted) = (
            time(&found, "care.hospital.intensive_care"),
            time(&found, "care.hospital.admitted"),
        );
        assert!(inside >= admitted);
        let left = time(&found, "care.hospital.left_intensive_care");
        let o = &found.outcomes;
        assert!(
            (o.icu_days - (left - inside) / 24.0).abs() < 1e-9,
            "{}",
            listing(&found)
        );
        assert!(o.icu_days <= o.hospital_days);
        let ward = withdrawal("delay = \"8 h\"\nintensive = \"no\"");
        assert_eq!(count(&ward, "care.hospital.intensive_care"), 0);
        assert_eq!(ward.outcomes.icu_days, 0.0);
    }

    #[test]
    fn cooling_takes_heat_out_of_the_body_and_spares_the_muscle() {
        let lines = "delay = \"12 h\"\nrestore = \"none\"\noral = \"no\"\nbenzodiazepine = \"no\"\n";
        let cooled = withdrawal(lines);
        let hot = withdrawal(&format!("{lines}cool_from = \"42 degC\"\n"));
        let begun = time(&cooled, "action.hospital.cool.done");
        assert_eq!(count(&hot, "action.hospital.cool.done"), 0);
        let after = begun + 6.0;
        let (one, other) = (at(&cooled, "temperature_c", after), at(&hot, "temperature_c", after));
        assert!(one < other - 0.5, "{one} and {other}");
        assert!(peak(&cooled, "muscle_damage") < peak(&hot, "muscle_damage"));
    }

    #[test]
    fn a_monitor_brings_somebody_to_the_bed_long_before_the_round() {
        let slip = "[[programme]]\nid = \"slip\"\nat = \"2 d\"\nsingle_bolus = { dose = \"0.7 mg\", over = \"3 h\" }\n";
        let home = "[[care]]\nid = \"home\"\npolicy = \"people\"\nignore = \"0 %\"\nnotice_danger = \"3 min\"\nemergency_delay = \"5 min\"\nspread = 0.0\n";
        let [watched, ward] = [
            "intensive_coma = 15.0\nintensive_round = \"4 h\"\n",
            "intensive = \"no\"\nround = \"4 h\"\n",
        ]
        .map(|lines| {
            let rescue = care(
                "hospital",
                "rescue_overdose",
                &format!("delay = \"3 min\"\ndrain = \"no\"\npump = \"leave\"\n{lines}"),
            );
            let found = run(4.0, &format!("{slip}{home}{rescue}"));
            sound(&found);
            found
        });
        assert!(!watched.outcomes.died, "{}", listing(&watched));
        let bedside = watched
            .events
            .iter()
            .filter(|e| e.name() == "care.hospital.seen" && e.detail.starts_with("bedside"));
        let calls: Vec<f64> = bedside.map(|e| e.time_h).collect();
        assert!(!calls.is_empty(), "{}", listing(&watched));
        // Each look follows the onset of a sign by the time it takes to walk there.
        for call in &calls {
            let onset = |e: &&itbsim::simulation::EventRow| {
                e.component.starts_with("symptom.")
                    && matches!(e.kind.as_str(), "onset")
                    && (e.time_h - (call - 0.05)).abs() < 1e-6
            };
            assert!(
                watched.events.iter().any(|e| onset(&e)),
                "{call}: {}",
                listing(&watched)
            );
        }
        let none = |e: &itbsim::simulation::EventRow| e.detail.starts_with("bedside");
        assert!(!ward.events.iter().any(none));
        let helped = |run: &RunResult| {
            let first = run.events.iter().find(|e| e.name() == "action.hospital.ventilate.done");
            first.map_or(f64::INFINITY, |e| e.time_h)
        };
        assert!(
            helped(&watched) < helped(&ward),
            "{} {}",
            listing(&watched),
            listing(&ward)
        );
    }

    #[test]
    fn an_infusion_gives_what_many_small_doses_give() {
        let steady = run(
            3.0,
            "[[action]]\nid = \"run\"\nat = \"1 d\"\nbenzodiazepine_infusion = { dose = \"24 mg\", over = \"12 h\" }\n",
        );
        let doses = run(
            3.0,
            "[[action]]\nid = \"many\"\nat = \"1 d\"\nbenzodiazepine = { dose = \"0.5 mg\", every = \"15 min\", count = 48 }\n",
        );
        sound(&steady);
        let (one, other) = (
            at(&steady, "benzodiazepine_effect_mg", 48.0),
            at(&doses, "benzodiazepine_effect_mg", 48.0),
        );
        // The doses come half an interval early on average: 0.125 h of a half-life of 36 h.
        assert!((one / other - 1.0).abs() < 0.005 && one > 10.0, "{one} {other}");
        assert_eq!(at(&steady, "benzodiazepine_effect_mg", 24.0), 0.0);
    }
}

mod the_notes {
    use super::*;

    #[test]
    fn a_volume_typed_wrong_is_set_right_by_the_notes() {
        let wrong = "[[action]]\nid = \"typed\"\nat = \"1 d\"\nenter_volume = \"8 mL\"\n";
        let right = "[[action]]\nid = \"set\"\nat = \"2 d\"\ncorrect_programme = true\n";
        let look = "[[action]]\nid = \"look\"\nat = \"3 d\"\ncheck_reservoir = { syringe_error = \"0 mL\" }\n";
        let expected = |blocks: String| {
            let found = run(4.0, &blocks);
            sound(&found);
            found.visits[0].expected_ml
        };
        let plain = expected(look.to_owned());
        let slip = expected(format!("{wrong}{look}"));
        let mended = expected(format!("{wrong}{right}{look}"));
        // Two days at 0.2 mL/day after the entry.
        assert!((slip - (8.0 - 0.4)).abs() < 1e-9, "{slip}");
        assert!((mended - plain).abs() < 1e-9, "{mended} {plain}");
    }

    #[test]
    fn whoever_lays_the_notes_beside_the_programmer_finds_the_slip_at_a_visit() {
        let slip = "[[programme]]\nid = \"slip\"\nat = \"1 d\"\nsimple_continuous = \"200 ug/day\"\nprescribed = \"400 ug/day\"\n";
        let visit = care("clinic", "titration", "phase = \"course\"\ninterval = \"2 d\"");
        let blocks = |chance: f64| {
            format!(
                "{slip}{visit}{}[parameters]\n\"care.measure.compares\" = {chance:.1}\n",
                care("workup", "workup", "signs = 20\n")
            )
        };
        let found = run(12.0, &blocks(1.0));
        sound(&found);
        let seen = event(&found, "care.workup.diagnosed");
        assert_eq!(seen.detail, "programme, by interrogation of the pump");
        assert!(
            event(&found, "action.workup.correct.done")
                .detail
                .starts_with("corrected: ")
        );
        assert_eq!(count(&found, "care.workup.repaired"), 1);
        let not = run(12.0, &blocks(0.0));
        assert_eq!(count(&not, "action.workup.correct.done"), 0, "{}", listing(&not));
    }
}

mod appointments {
    use super::*;

    fn search(lines: &str) -> RunResult {
        let kink = "[[fault]]\nid = \"kink\"\nkind = \"catheter.occlusion\"\nat = \"2 d\"\nposition = \"55 cm\"\nprofile = { intermittent = { on = \"9 h\", off = \"15 h\" } }\n";
        let steps = "steps = [{ test = \"interrogation\" }, { test = \"exploration\" }]\n";
        let workup = care("workup", "workup", &format!("{steps}{lines}"));
        let found = run(20.0, &format!("{kink}{HOME}{workup}"));
        sound(&found);
        found
    }

    #[test]
    fn late_appointments_move_the_diagnosis_by_their_lateness() {
        let punctual = search("late = 0.0\nmissed = 0.0");
        let late = search("late = 1.0\nmissed = 0.0\nlateness = \"30 h\"\nspread = 0.0");
        let [one, other] = [&punctual, &late].map(|r| r.outcomes.to_diagnosis_h.expect("it is found"));
        // Two appointments, 30 h late each.
        assert!((other - one - 60.0).abs() < 1e-6, "{one} {other}\n{}", listing(&late));
    }

    #[test]
    fn a_missed_appointment_is_made_again_and_is_no_missed_refill() {
        let missed = search("missed = 1.0\nrebook = \"2 d\"");
        assert!(count(&missed, "care.workup.missed") > 3, "{}", listing(&missed));
        assert_eq!(missed.outcomes.tests, 0);
        assert_eq!(missed.outcomes.fault_h, Some(48.0));
        let gaps: Vec<f64> = missed
            .events
            .iter()
            .filter(|e| e.name() == "care.workup.missed")
            .map(|e| e.time_h)
            .collect();
        for pair in gaps.windows(2) {
            assert!((pair[1] - pair[0] - 48.0).abs() < 1e-6, "{gaps:?}");
        }
    }
}

mod tests_of_a_work_up {
    use super::*;

    #[test]
    fn the_last_of_two_tests_lets_the_patient_up() {
        let both = ["a", "b"].map(|id| {
            let wait = if id == "a" { "1 h" } else { "3 h" };
            let steps = "steps = [{ test = \"x_ray\" }]\nsigns = 1\nlate = 0.0\nmissed = 0.0\n";
            care(
                id,
                "workup",
                &format!("{steps}phone_wait = \"{wait}\"\nemergency_wait = \"{wait}\""),
            )
        });
        let blocks = format!(
            "{CUT}{HOME}{}[parameters]\n\"care.test.x_ray.specificity\" = 1.0\n",
            both.concat()
        );
        let upright = text(6.0, &blocks).replace(
            "history = \"established\"",
            "history = \"established\"\nposture = \"upright\"",
        );
        let found = run_with(&scenario(&upright), &RunOptions::default());
        sound(&found);
        // A: 1 h to 5 h, B: 3 h to 7 h after the call.
        let call = time(&found, "care.a.suspected");
        assert_eq!(time(&found, "care.b.suspected"), call);
        // Later both may suspect something again.
        let moves: Vec<(String, f64)> = found
            .events
            .iter()
            .filter(|e| e.time_h < call + 7.5 && (e.name().contains("lie_down") || e.name().contains("get_up")))
            .map(|e| (e.name(), ((e.time_h - call) * 1e6).round() / 1e6))
            .collect();
        let wanted = [("action.a.lie_down.done", 1.0), ("action.b.get_up.done", 7.0)];
        assert_eq!(
            moves,
            wanted.map(|(name, at)| (name.to_owned(), at)),
            "{}",
            listing(&found)
        );
    }

    #[test]
    fn each_aspiration_has_its_own_luck() {
        let list = vec!["{ test = \"port_aspiration\" }"; 16].join(", ");
        let lines =
            format!("steps = [{list}]\nsigns = 1\nphone_wait = \"1 h\"\nbetween = \"1 h\"\nlate = 0.0\nmissed = 0.0\n");
        let workup = care("workup", "workup", &lines);
        let chance = "[parameters]\n\"care.test.port_aspiration.dry\" = 0.5\n";
        let found = run(6.0, &format!("{CUT}{HOME}{workup}{chance}"));
        let (fluid, dry) = (
            count(&found, "care.workup.port_aspiration_normal"),
            count(&found, "care.workup.port_aspiration_abnormal"),
        );
        assert!(fluid > 0 && dry > 0 && fluid + dry == 16, "{fluid} {dry}");
    }

    #[test]
    fn a_tone_that_was_ended_is_not_told_of_again() {
        let stall = "[[fault]]\nid = \"stall\"\nkind = \"pump.stall\"\nat = \"2 d\"\n";
        let workup = care("workup", "workup", "repair_wait_urgent = \"2 h\"");
        let found = run(12.0, &format!("{stall}{HOME}{workup}"));
        sound(&found);
        assert_eq!(count(&found, "care.workup.repaired"), 1);
        assert_eq!(count(&found, "care.workup.suspected"), 1, "{}", listing(&found));
        assert_eq!(found.outcomes.unnecessary_tests, 0);
    }
}

#[test]
fn an_act_of_a_policy_can_be_left_out_and_its_work_shows() {
    let hospital = care("hospital", "rescue_withdrawal", "restore = \"external\"");
    let told = scenario(&text(5.0, &format!("{APART}{HOME}{hospital}")));
    let with = run_with(&told, &RunOptions::default());
    let without = run_with(
        &told,
        &RunOptions {
            without: vec!["action.hospital.external_infusion".to_owned()],
            ..RunOptions::default()
        },
    );
    sound(&without);
    assert!(count(&with, "action.hospital.external_infusion.done") > 0);
    assert_eq!(count(&without, "action.hospital.external_infusion.done"), 0);
    assert!(count(&without, "action.hospital.external_infusion.dropped") > 0);
    // Up to the act they are one run.
    let first = time(&with, "action.hospital.external_infusion.done");
    let before = |run: &RunResult| {
        let early = run.events.iter().filter(|e| e.time_h < first);
        early.map(|e| (e.time_h.to_bits(), e.name())).collect::<Vec<_>>()
    };
    assert_eq!(before(&with), before(&without));
    assert!(with.outcomes.withdrawal_h + 12.0 < without.outcomes.withdrawal_h);
}

#[test]
fn pumps_come_and_go_by_acts_of_the_scenario() {
    let blocks = "[[action]]\nid = \"out\"\nat = \"1 d\"\nexplant = true\n[[action]]\nid = \"in\"\nat = \"2 d\"\nimplant = { volume = \"18 mL\", concentration = \"2 mg/mL\" }\n[[programme]]\nid = \"again\"\nat = \"49 h\"\nsimple_continuous = \"400 ug/day\"\n";
    let found = run(5.0, blocks);
    sound(&found);
    assert_eq!(at(&found, "delivered_ug_per_day", 30.0), 0.0);
    // The new catheter is empty and nobody primed it: the drug has a way to go first.
    assert_eq!(at(&found, "delivered_ug_per_day", 60.0), 0.0);
    assert!((at(&found, "delivered_ug_per_day", 110.0) - 400.0).abs() < 1e-6);
}
