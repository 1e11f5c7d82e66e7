//! The shipped scenarios, compiled in, so that the program needs no folder beside it.

/// A shipped file: its path and its text.
macro_rules! shipped {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../", $path)))),+]
    };
}

/// Every scenario of the folder `scenarios`, and what they extend.
pub(super) const FILES: &[(&str, &str)] = shipped![
    "scenarios/lessons/1-what-itb-is.toml",
    "scenarios/lessons/2-missed-refill.toml",
    "scenarios/lessons/3-kink.toml",
    "scenarios/lessons/4-over-delivery.toml",
    "scenarios/lessons/5-concentration-without-bridge.toml",
    "scenarios/lessons/6-who-finds-the-leak.toml",
    "scenarios/alarm-heard-or-not.toml",
    "scenarios/battery-early.toml",
    "scenarios/battery-replacement.toml",
    "scenarios/bolus-on-demand.toml",
    "scenarios/catheter-fracture.toml",
    "scenarios/catheter-kink.toml",
    "scenarios/catheter-migration.toml",
    "scenarios/clonidine-baclofen-mixed.toml",
    "scenarios/concentration-by-policy.toml",
    "scenarios/concentration-change.toml",
    "scenarios/connector-leak.toml",
    "scenarios/connector-misalignment.toml",
    "scenarios/course-cerebral.toml",
    "scenarios/course-child.toml",
    "scenarios/course-spinal.toml",
    "scenarios/csf-leak-along-catheter.toml",
    "scenarios/disconnection.toml",
    "scenarios/dose-by-wrong-concentration.toml",
    "scenarios/gas-pump-altitude.toml",
    "scenarios/gas-pump-fever.toml",
    "scenarios/granuloma.toml",
    "scenarios/hazards-six-years.toml",
    "scenarios/hidden-occlusion.toml",
    "scenarios/hyperbaric-course.toml",
    "scenarios/kink-by-pump-family.toml",
    "scenarios/late-refill.toml",
    "scenarios/memory-error.toml",
    "scenarios/migration-level.toml",
    "scenarios/missed-refill.toml",
    "scenarios/morphine-alone.toml",
    "scenarios/morphine-baclofen-mixed.toml",
    "scenarios/motor-stalls.toml",
    "scenarios/mri-stall.toml",
    "scenarios/occlusion-intermittent-posture.toml",
    "scenarios/oral-cannot-replace.toml",
    "scenarios/over-infusion-ramp.toml",
    "scenarios/overdose-rescue.toml",
    "scenarios/overfull-reservoir.toml",
    "scenarios/part-of-the-fill-lost.toml",
    "scenarios/pocket-fill.toml",
    "scenarios/pocket-infection.toml",
    "scenarios/post-dural-headache.toml",
    "scenarios/priming-error.toml",
    "scenarios/programming-error.toml",
    "scenarios/pump-exchange.toml",
    "scenarios/pump-wear-stall.toml",
    "scenarios/refill-tone.toml",
    "scenarios/restrictor-blocked.toml",
    "scenarios/retrograde-flow.toml",
    "scenarios/screening-bolus.toml",
    "scenarios/silent-leak.toml",
    "scenarios/skin-erosion.toml",
    "scenarios/slip-found-or-not.toml",
    "scenarios/spinal-haematoma.toml",
    "scenarios/stable-therapy.toml",
    "scenarios/stop-or-taper.toml",
    "scenarios/stopped-pump-48h.toml",
    "scenarios/subdural-catheter.toml",
    "scenarios/taper-explant.toml",
    "scenarios/telemetry-hang.toml",
    "scenarios/valve-dump-mri.toml",
    "scenarios/valves-stuck.toml",
    "scenarios/virtual-screening.toml",
    "scenarios/withdrawal-rescue.toml",
    "scenarios/workup-algorithms.toml",
    "scenarios/wrong-catheter-volume.toml",
    "scenarios/wrong-concentration.toml",
    "scenarios/base/adult-spinal.toml",
    "scenarios/base/candidate-spinal.toml",
    "scenarios/base/drug-clonidine.toml",
    "scenarios/base/drug-morphine.toml",
    "scenarios/base/gas-pump.toml",
];

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn every_shipped_scenario_is_compiled_in() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        for folder in ["scenarios/lessons", "scenarios", "scenarios/base"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if name.ends_with(".toml") {
                    found.push(format!("{folder}/{name}"));
                }
            }
        }
        found.sort();
        let mut listed: Vec<String> = FILES.iter().map(|f| f.0.to_owned()).collect();
        listed.sort();
        assert_eq!(listed, found);
    }
}
