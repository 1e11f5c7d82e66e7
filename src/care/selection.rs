//! Who is a candidate: contraindications and what follows from them.

use crate::scenario::model::Selection;

/// What forbids the therapy, in words (label, and reviews of selection).
pub fn absolute(s: &Selection) -> Vec<&'static str> {
    let list = [
        (s.infection, "active infection"),
        (s.coagulopathy, "coagulopathy"),
        (s.anatomy, "spinal anatomy"),
    ];
    named(&list)
}

/// What calls for caution, in words.
pub fn relative(s: &Selection) -> Vec<&'static str> {
    let list = [
        (s.arachnoiditis, "arachnoiditis"),
        (s.kidney_disease, "kidney disease"),
        (s.pregnancy, "pregnancy"),
        (s.unreliable_follow_up, "unreliable follow-up"),
        (s.anticoagulated, "anticoagulation"),
        (s.vp_shunt, "ventriculoperitoneal shunt"),
    ];
    named(&list)
}

fn named(list: &[(bool, &'static str)]) -> Vec<&'static str> {
    list.iter().filter(|(there, _)| *there).map(|(_, name)| *name).collect()
}

/// What a judgement comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against it.
    Proceed,
    /// Go on with these cautions.
    Warn(String),
    /// Not a candidate, for these reasons.
    Decline(String),
}

/// Judges a candidate. `rule` is `label` (absolute contraindications decline, relative ones
/// warn), `strict` (any declines) or `ignore` (any warns).
pub fn judge(s: &Selection, rule: &str) -> Verdict {
    let (hard, soft) = (absolute(s), relative(s));
    let all = [hard.clone(), soft.clone()].concat().join(", ");
    match rule {
        _ if all.is_empty() => Verdict::Proceed,
        "ignore" => Verdict::Warn(all),
        "strict" => Verdict::Decline(all),
        _ if hard.is_empty() => Verdict::Warn(all),
        _ => Verdict::Decline(hard.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_ones_decline_and_relative_ones_warn() {
        let none = Selection::default();
        assert_eq!(judge(&none, "strict"), Verdict::Proceed);
        let soft = Selection {
            pregnancy: true,
            vp_shunt: true,
            ..none
        };
        assert_eq!(
            judge(&soft, "label"),
            Verdict::Warn("pregnancy, ventriculoperitoneal shunt".into())
        );
        assert!(matches!(judge(&soft, "strict"), Verdict::Decline(_)));
        let hard = Selection {
            infection: true,
            ..soft
        };
        assert_eq!(judge(&hard, "label"), Verdict::Decline("active infection".into()));
        assert!(matches!(judge(&hard, "ignore"), Verdict::Warn(_)));
    }
}
