//! The sign of the microgram, as the charts have it.
//!
//! Events and scenario files write `ug`, which any keyboard has. A page writes one sign for one
//! unit everywhere.

use super::data::PageData;

/// A text with `\u{b5}g` for the unit `ug`.
pub(super) fn micro(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find("ug") {
        let (before, found) = rest.split_at(at);
        let after = &found[2..];
        let starts = before.chars().next_back().or(out.chars().next_back());
        let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        out.push_str(before);
        // "300ug" is a unit too.
        let is_unit = (alone(starts) || starts.is_some_and(|c| c.is_ascii_digit())) && alone(after.chars().next());
        out.push_str(if is_unit { "\u{b5}g" } else { "ug" });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The same in every text of a page that a reader sees.
pub(super) fn in_page(page: &mut PageData) {
    let change = |text: &mut String| {
        if text.contains("ug") {
            *text = micro(text);
        }
    };
    change(&mut page.manifest.title);
    change(&mut page.manifest.lesson);
    page.manifest.sources.iter_mut().for_each(change);
    for run in &mut page.runs {
        change(&mut run.label);
        for mark in &mut run.marks {
            [&mut mark.what, &mut mark.value, &mut mark.because, &mut mark.source]
                .into_iter()
                .for_each(change);
        }
        for bar in &mut run.bars {
            [&mut bar.words, &mut bar.note].into_iter().for_each(change);
        }
        run.anatomy.faults.iter_mut().map(|f| &mut f.words).for_each(change);
    }
    for why in &mut page.why {
        [&mut why.what, &mut why.sentence].into_iter().for_each(change);
        why.chain.iter_mut().map(|link| &mut link.words).for_each(change);
        for other in &mut why.but_for {
            [&mut other.without, &mut other.words].into_iter().for_each(change);
        }
    }
    for decision in &mut page.decisions {
        [&mut decision.question, &mut decision.reveal]
            .into_iter()
            .for_each(change);
        for choice in &mut decision.choices {
            [&mut choice.text, &mut choice.reason, &mut choice.followed]
                .into_iter()
                .for_each(change);
        }
        let d = &mut decision.debrief;
        [&mut d.happened, &mut d.seen, &mut d.done, &mut d.gap]
            .into_iter()
            .for_each(change);
    }
    if let Some(teaching) = &mut page.teaching {
        change(&mut teaching.introduction);
        teaching.goals.iter_mut().for_each(change);
        for stage in &mut teaching.stages {
            [&mut stage.title, &mut stage.text].into_iter().for_each(change);
        }
        for (ask, answer) in &mut teaching.questions {
            [ask, answer].into_iter().for_each(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_changed_and_words_that_hold_its_letters_are_not() {
        assert_eq!(micro("400 ug/day, then 5ug"), "400 \u{b5}g/day, then 5\u{b5}g");
        assert_eq!(micro("(ug) ug"), "(\u{b5}g) \u{b5}g");
        assert_eq!(
            micro("the drug, through a plug; delivered_ug"),
            "the drug, through a plug; delivered_ug"
        );
        assert_eq!(micro("enough ug."), "enough \u{b5}g.");
    }
}
