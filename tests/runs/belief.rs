//! What the pump believes beside what is true, and what a visit makes of the difference.

use crate::run_common::{column, event, listing, run_with, scenario, text, time};
use itbsim::simulation::{RunOptions, RunResult, VisitRow};

const DAY: f64 = 24.0;

/// A full 20 mL pump at 0.2 mL/day with a true gain, sampled daily; so thin that nobody
/// is harmed when it runs dry.
fn pump(days: f64, gain: f64, blocks: &str) -> RunResult {
    let text = text(days, blocks)
        .replace("fill = \"18 mL\"", "fill = \"20 mL\"")
        .replace("gain = 1.0", &format!("gain = {gain}"))
        .replace("sample = \"1 h\"", "sample = \"1 d\"")
        .replace("history = \"established\"", "history = \"naive\"")
        .replace("2 mg/mL", "100 ug/mL")
        .replace("400 ug/day", "20 ug/day");
    run_with(&scenario(&text), &RunOptions::default())
}

fn close(found: f64, wanted: f64, tolerance: f64) {
    assert!((found - wanted).abs() <= tolerance, "found {found}, wanted {wanted}");
}

/// First time at which a falling column is at a level, linear between rows \[h\].
fn falls_to(run: &RunResult, name: &str, level: f64) -> f64 {
    let rows = column(run, name);
    let pair = rows
        .windows(2)
        .find(|w| w[0].1 > level && w[1].1 <= level)
        .unwrap_or_else(|| panic!("{name} never falls to {level}"));
    let ((t0, v0), (t1, v1)) = (pair[0], pair[1]);
    t0 + (v0 - level) / (v0 - v1) * (t1 - t0)
}

mod columns {
    use super::*;

    #[test]
    fn the_computed_alarm_keeps_its_day_while_the_truth_runs_ahead_or_behind() {
        // True gain, day of 2 mL left, day empty; the alarm stays at day 90.
        for (gain, two_left, empty) in [
            (0.855, 90.0 / 0.855, 100.0 / 0.855),
            (1.0, 90.0, 100.0),
            (1.145, 90.0 / 1.145, 100.0 / 1.145),
            (1.5, 60.0, 100.0 / 1.5),
        ] {
            let run = pump(118.0, gain, "");
            close(time(&run, "alarm.low_reservoir.raised") / DAY, 90.0, 1e-9);
            close(falls_to(&run, "reservoir_ml", 2.0) / DAY, two_left, 1e-9);
            close(time(&run, "pump.empty") / DAY, empty, 1e-9);
            close(falls_to(&run, "believed_reservoir_ml", 2.0) / DAY, 90.0, 1e-9);
            close(time(&run, "alarm.empty_reservoir.raised") / DAY, 100.0, 1e-9);
            for ((hours, promised), day) in column(&run, "believed_low_alarm_in_h").into_iter().zip(0..) {
                assert_eq!(hours, f64::from(day) * DAY);
                close(promised, (90.0 * DAY - hours).max(0.0), 1e-6);
            }
        }
    }

    #[test]
    fn counted_and_true_volume_part_by_the_gain_until_the_pump_is_dry() {
        for gain in [0.855, 1.0, 1.145, 1.5] {
            let run = pump(80.0, gain, "");
            let counted = column(&run, "believed_delivered_ml");
            for ((hours, delivered), (_, counted)) in column(&run, "delivered_ml").into_iter().zip(counted) {
                close(counted, 0.2 * hours / DAY, 1e-9);
                close(delivered, (0.2 * gain * hours / DAY).min(20.0), 1e-7);
            }
        }
    }

    #[test]
    fn a_stall_is_counted_as_delivered() {
        let run = pump(4.0, 1.0, "[[fault]]\nid = \"f\"\nkind = \"pump.stall\"\nat = \"2 d\"");
        close(column(&run, "delivered_ml")[4].1, 0.4, 1e-9);
        close(column(&run, "believed_delivered_ml")[4].1, 0.8, 1e-9);
        close(column(&run, "believed_reservoir_ml")[4].1, 19.2, 1e-9);
        close(column(&run, "reservoir_ml")[4].1, 19.6, 1e-9);
    }

    #[test]
    fn a_stopped_pump_has_no_alarm_date_before_its_end_of_service() {
        let run = pump(4.0, 1.0, "[[programme]]\nid = \"s\"\nat = \"1.5 d\"\nstopped = true");
        let (low, service) = (
            column(&run, "believed_low_alarm_in_h"),
            column(&run, "believed_service_left_h"),
        );
        close(low[1].1, 89.0 * DAY, 1e-6);
        for k in 2..5 {
            assert_eq!(low[k].1, service[k].1);
        }
        assert!(service[4].1 > 5.0 * 365.0 * DAY);
    }

    #[test]
    fn new_columns_stand_behind_the_old_ones() {
        let names = pump(1.0, 1.0, "").columns;
        assert_eq!(names[..3], ["time_h", "programmed_ug_per_day", "delivered_ug_per_day"]);
        assert_eq!(names[4..6], ["reservoir_ml", "believed_reservoir_ml"]);
        let tail = [
            "delivered_ml",
            "believed_delivered_ml",
            "believed_low_alarm_in_h",
            "believed_service_left_h",
        ];
        assert!(names.windows(4).any(|w| w == tail), "{names:?}");
    }
}

mod visits {
    use super::*;

    fn one(run: &RunResult, id: &str) -> VisitRow {
        let found: Vec<&VisitRow> = run.visits.iter().filter(|v| v.visit == id).collect();
        assert_eq!(found.len(), 1, "{id}\n{}", listing(run));
        found[0].clone()
    }

    fn check(days: f64, more: &str) -> String {
        format!(
            "[[action]]\nid = \"look\"\nat = \"{days} d\"\ncheck_reservoir = {{ syringe_error = \"0 mL\"{more} }}\n"
        )
    }

    #[test]
    fn expected_less_aspirated_is_what_the_gain_has_done() {
        // Gain, verdict on day 60: 8 mL expected.
        for (gain, verdict) in [
            (0.855, "more than expected"),
            (0.92, "as expected"),
            (1.0, "as expected"),
            (1.08, "as expected"),
            (1.145, "less than expected"),
            (1.5, "less than expected"),
        ] {
            let run = pump(61.0, gain, &check(60.0, ""));
            let v = one(&run, "look");
            close(v.expected_ml, 8.0, 1e-9);
            close(v.aspirated_ml.unwrap(), 20.0 - 12.0 * gain, 1e-9);
            close(v.discrepancy_ml.unwrap(), 12.0 - 12.0 * gain, 1e-9);
            close(v.percent.unwrap(), 100.0 * (12.0 - 12.0 * gain) / 8.0, 1e-7);
            assert_eq!((v.verdict.as_str(), v.injected_ml), (verdict, 0.0), "{gain}");
            assert!(event(&run, "action.look.done").detail.contains(verdict));
        }
    }

    #[test]
    fn a_large_pump_is_allowed_twice_as_much_and_an_implant_a_fifth() {
        let large = |text: String| text.replace("size = \"20 mL\"", "size = \"40 mL\"");
        let with = |gain: f64, more: &str, big: bool| {
            let text = text(61.0, &check(60.0, more))
                .replace("fill = \"18 mL\"", "fill = \"20 mL\"")
                .replace("gain = 1.0", &format!("gain = {gain}"))
                .replace("sample = \"1 h\"", "sample = \"1 d\"");
            let text = if big { large(text) } else { text };
            one(&run_with(&scenario(&text), &RunOptions::default()), "look").verdict
        };
        // 12 mL x 0.125 = 1.5 mL too much delivered, of 8 mL expected: 18.75 %.
        assert_eq!(with(1.125, "", false), "less than expected");
        assert_eq!(with(1.125, "", true), "as expected");
        assert_eq!(with(1.125, ", rule = \"implant\"", false), "as expected");
        // 1.68 mL: 21 %.
        assert_eq!(with(1.14, ", rule = \"implant\"", true), "less than expected");
    }

    #[test]
    fn a_pocket_fill_shows_at_the_next_visit() {
        let fill = |id: &str, at: &str, more: &str| {
            format!(
                "[[action]]\nid = \"{id}\"\nat = \"{at}\"\nrefill = {{ volume = \"18 mL\", concentration = \"2 mg/mL\", \
                 syringe_error = \"0 mL\"{more} }}\n"
            )
        };
        let ventilate = "[[action]]\nid = \"air\"\nat = \"first\"\nventilate = true\n";
        let blocks = fill("first", "1 d", ", pocket_share = \"100 %\"") + &fill("second", "1.25 d", "") + ventilate;
        let run = pump(2.0, 1.0, &blocks);
        let (first, second) = (one(&run, "first"), one(&run, "second"));
        assert_eq!((first.verdict.as_str(), first.injected_ml), ("as expected", 18.0));
        close(second.expected_ml, 18.0 - 0.05, 1e-9);
        assert_eq!(
            (second.aspirated_ml, second.verdict.as_str()),
            (Some(0.0), "less than expected")
        );
    }

    #[test]
    fn without_aspiration_there_is_no_verdict() {
        let blocks = "[[action]]\nid = \"top\"\nat = \"10 d\"\nrefill = { volume = \"1 mL\", concentration = \"2 mg/mL\", aspirate = false }\n";
        let v = one(&pump(11.0, 1.0, blocks), "top");
        assert_eq!((v.aspirated_ml, v.discrepancy_ml, v.percent), (None, None, None));
        assert_eq!(v.verdict, "not aspirated");
        close(v.expected_ml, 18.0, 1e-9);
    }

    #[test]
    fn looking_changes_nothing() {
        let (with, without) = (pump(20.0, 1.1, &check(10.0, "")), pump(20.0, 1.1, ""));
        assert_eq!(with.rows, without.rows);
        assert_eq!(with.ledger, without.ledger);
        assert_eq!(with.events.len(), without.events.len() + 1);
    }

    #[test]
    fn a_syringe_errs_by_its_spread_and_only_on_paper() {
        let sd = 0.5;
        let text = text(0.5, &check(0.25, "").replace("0 mL", &format!("{sd} mL")))
            .replace("history = \"established\"", "history = \"naive\"");
        let s = scenario(&text);
        let n = 200;
        let errors: Vec<f64> = (0..n)
            .map(|replicate| {
                let options = RunOptions {
                    replicate,
                    observe: false,
                    ..RunOptions::default()
                };
                let v = one(&run_with(&s, &options), "look");
                v.discrepancy_ml.unwrap() / sd
            })
            .collect();
        let n = n as f64;
        let mean = errors.iter().sum::<f64>() / n;
        let variance = errors.iter().map(|e| (e - mean) * (e - mean)).sum::<f64>() / (n - 1.0);
        assert!(mean.abs() < 4.0 / n.sqrt(), "{mean}");
        assert!((variance - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{variance}");
        // The drug does not err: other luck with the syringe, the same fingerprint.
        let of = |replicate| {
            run_with(
                &s,
                &RunOptions {
                    replicate,
                    ..RunOptions::default()
                },
            )
        };
        let (a, b) = (of(1), of(2));
        assert_ne!(a.visits, b.visits);
        assert_eq!((a.fingerprint, a.rows), (b.fingerprint, b.rows));
    }

    #[test]
    fn an_empty_syringe_is_not_misread() {
        let blocks =
            "[[action]]\nid = \"late\"\nat = \"101 d\"\nrefill = { volume = \"18 mL\", concentration = \"2 mg/mL\" }\n";
        let v = one(&pump(102.0, 1.0, blocks), "late");
        assert_eq!((v.expected_ml, v.aspirated_ml, v.percent), (0.0, Some(0.0), None));
        assert_eq!(v.verdict, "as expected");
    }
}
