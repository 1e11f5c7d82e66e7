//! Whatever stands in the file, the loader answers with a story or with messages.

use crate::scenario_common::read;
use itbsim::scenario::template;
use proptest::prelude::*;

/// Cuts a stretch out of the template and puts something else there.
fn mutilated(at: usize, length: usize, with: &str) -> String {
    let text = template();
    let clip = |mut i: usize| {
        i = i.min(text.len());
        while !text.is_char_boundary(i) {
            i -= 1;
        }
        i
    };
    let (start, end) = (clip(at), clip(at + length));
    format!("{}{with}{}", &text[..start], &text[end..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_mutilated_scenario_never_panics(
        at in 0usize..4000,
        length in 0usize..60,
        with in prop_oneof![
            Just(String::new()),
            Just("\"".to_owned()),
            Just("-1".to_owned()),
            Just("1e308 year".to_owned()),
            Just("nan".to_owned()),
            Just("[[fault]]".to_owned()),
            Just("{}".to_owned()),
            Just("[]".to_owned()),
            Just("1979-05-27".to_owned()),
            Just("leak.start - 1 d".to_owned()),
            "\\PC{0,12}",
        ],
    ) {
        if let Err(all) = read(&mutilated(at, length, &with)) {
            prop_assert!(!all.items().is_empty());
            prop_assert!(all.items().iter().all(|i| i.code() != "internal"), "{}", all);
            // Rendering quotes the file, so it must cope with any of it.
            prop_assert!(all.to_string().contains("error"));
            prop_assert!(all.render(true).contains("error"));
            let json: serde_json::Value = serde_json::from_str(&all.to_json()).unwrap();
            prop_assert_eq!(json.as_array().unwrap().len(), all.items().len());
        }
    }

    #[test]
    fn swapping_any_value_for_another_type_never_panics(line in 0usize..120, value in prop_oneof![
        Just("1"), Just("-1.5"), Just("true"), Just("\"x\""), Just("[]"), Just("{}"), Just("[[1]]"), Just("nan"), Just("\"5 mL\""),
    ]) {
        let lines: Vec<String> = template()
            .lines()
            .enumerate()
            .map(|(i, l)| match l.split_once('=') {
                Some((key, _)) if i == line && !l.starts_with('#') => format!("{key}= {value}"),
                _ => l.to_owned(),
            })
            .collect();
        if let Err(all) = read(&lines.join("\n")) {
            prop_assert!(all.items().iter().all(|i| i.code() != "internal"), "{}", all);
        }
    }
}
