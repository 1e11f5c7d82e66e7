//! The figures, by what they contain rather than by golden pixels.

use crate::report_fixture::{FAULT, bolus, undisturbed, withdrawal};
use itbsim::report::plots::{
    Figure, PlotOptions, compare, concentration, figures, neuraxis, response, symptoms, zoom_window,
};
use itbsim::report::{Marker, MarkerKind, RunData, Table, column};

/// Vector only: rendering is slow without optimisation and tested once.
fn vector() -> PlotOptions {
    PlotOptions {
        png_dpi: None,
        ..PlotOptions::default()
    }
}

/// Texts of an SVG in the order drawn.
fn texts(svg: &str) -> Vec<String> {
    svg.split("<text ")
        .skip(1)
        .filter_map(|part| part.split_once(">\n")?.1.split_once('\n').map(|(t, _)| t.to_owned()))
        .collect()
}

/// Polylines of a colour, as canvas points.
fn polylines(svg: &str, colour: &str) -> Vec<Vec<(f64, f64)>> {
    svg.split("<polyline ")
        .skip(1)
        .filter(|p| p.contains(&format!("stroke=\"{colour}\"")))
        .filter_map(|p| {
            let points = p.split_once("points=\"")?.1.split_once('"')?.0;
            points
                .split_whitespace()
                .map(|xy| {
                    xy.split_once(',')
                        .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
                })
                .collect()
        })
        .collect()
}

/// Width and height in the header of a PNG.
fn png_size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let word = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (word(16), word(20))
}

fn assert_sound(figure: &Figure) {
    let Figure { name, svg, .. } = figure;
    assert!(svg.len() < 300_000, "{name}: {} bytes", svg.len());
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{name}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
    let told = texts(svg);
    assert!(
        told.iter()
            .any(|t| t == "For teaching and research, not for treating a person."),
        "{name}"
    );
    // A canvas is 85 mm wide and 20 units a point: no text below 7 pt.
    for size in svg.split("font-size=\"").skip(1) {
        let size: f64 = size.split_once('"').unwrap().0.parse().unwrap();
        assert!(size / 20.0 > 6.99, "{name}: text of {} pt", size / 20.0);
    }
}

#[test]
fn a_long_run_with_a_fault_gets_all_figures_and_their_zoom() {
    let all = figures(&withdrawal(45.0), &vector()).unwrap();
    let names: Vec<&str> = all.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "concentration",
            "response",
            "symptoms",
            "neuraxis",
            "vitals",
            "concentration_zoom",
            "response_zoom",
            "symptoms_zoom",
            "neuraxis_zoom",
            "vitals_zoom"
        ]
    );
    all.iter().for_each(assert_sound);
    let again = figures(&withdrawal(45.0), &vector()).unwrap();
    assert_eq!(all, again, "equal data give equal bytes");
}

#[test]
fn every_figure_carries_its_provenance() {
    for figure in figures(&withdrawal(45.0), &vector()).unwrap() {
        let told = texts(&figure.svg);
        assert!(
            told.iter()
                .any(|t| t == "itbsim 0.1.0 · 3f2a9c1d · seed 42 · 9f3c0a1b2c3d4e5f"),
            "{told:?}"
        );
        assert!(told.iter().any(|t| t.starts_with("Slow connector leak")));
    }
}

#[test]
fn quantities_have_units_and_lines_have_names() {
    let told = texts(&concentration(&withdrawal(45.0), &vector()).unwrap().svg);
    for label in [
        "Baclofen (ng/mL)",
        "Rate (µg/day)",
        "Time (days)",
        "L3",
        "T10",
        "T4",
        "C5",
        "cisternal",
        "plasma",
        "programmed",
        "delivered",
        "leak at the connector",
        "100",
        "0.1",
    ] {
        assert!(told.iter().any(|t| t == label), "{label} is missing in {told:?}");
    }
    let told = texts(&response(&withdrawal(45.0), &vector()).unwrap().svg);
    for label in [
        "Ashworth, spasms (0–4)",
        "Index (0–1)",
        "legs",
        "arms",
        "spasms",
        "withdrawal",
        "sedation",
    ] {
        assert!(told.iter().any(|t| t == label), "{label} is missing in {told:?}");
    }
}

#[test]
fn the_line_lies_where_the_data_say() {
    // A single tooth on the 0-4 scale, in a run of ten hours.
    let mut run = RunData::default();
    run.meta.duration_h = 10.0;
    run.trajectory = Table {
        columns: vec![column::TIME.to_owned(), column::ASHWORTH_LEGS.to_owned()],
        rows: vec![vec![0.0, 0.0], vec![5.0, 4.0], vec![5.0, 2.0], vec![10.0, 2.0]],
    };
    let svg = response(&run, &vector()).unwrap().svg;
    let lines = polylines(&svg, "#D55E00");
    let line = lines.iter().max_by_key(|l| l.len()).unwrap();
    let &[(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = &line[..] else {
        panic!("{line:?}");
    };
    assert!(
        (x1 - x0 - (x3 - x1)).abs() <= 1.0,
        "half of the time is half of the way"
    );
    assert_eq!(x1, x2, "both limits of a jump stand at one instant");
    assert!(
        y0 - y1 > 1000.0 && ((y0 - y2) - 0.5 * (y0 - y1)).abs() <= 1.0,
        "half of the score is half of the height"
    );
    assert_eq!(y2, y3);
}

#[test]
fn the_png_has_the_size_of_print_and_is_the_same_twice() {
    let options = PlotOptions {
        png_dpi: Some(300),
        ..PlotOptions::default()
    };
    let one = symptoms(&withdrawal(45.0), &options).unwrap();
    let (width, height) = png_size(&one.png);
    assert_eq!(width, 1004, "8.5 cm at 300 dpi");
    let view = one
        .svg
        .split_once("viewBox=\"0 0 ")
        .unwrap()
        .1
        .split_once('"')
        .unwrap()
        .0;
    let (w, h) = view.split_once(' ').unwrap();
    let ratio = h.parse::<f64>().unwrap() / w.parse::<f64>().unwrap();
    assert!((f64::from(height) - ratio * f64::from(width)).abs() <= 1.0);
    assert_eq!(one, symptoms(&withdrawal(45.0), &options).unwrap());
    assert!(one.png.len() > 20_000, "text and bars were drawn");
}

#[test]
fn symptoms_stand_in_order_of_onset_with_words() {
    let told = texts(&symptoms(&withdrawal(45.0), &vector()).unwrap().svg);
    let at = |word: &str| {
        told.iter()
            .position(|t| t == word)
            .unwrap_or_else(|| panic!("{word} is missing in {told:?}"))
    };
    assert!(at("spasms increased") < at("itch without rash"));
    assert!(
        at("itch without rash") < at("paraesthesia"),
        "a name without words is made readable"
    );
    assert!(at("fever") < at("autonomic dysreflexia") && at("autonomic dysreflexia") < at("hallucinations"));
    assert_eq!(
        told.iter().filter(|t| *t == "autonomic dysreflexia").count(),
        1,
        "episodes share a row"
    );
    for word in [
        "Fault",
        "Action",
        "Refill",
        "Alarm",
        "withdrawal",
        "overdose",
        "+14 h",
        "low reservoir",
        "catheter revised",
    ] {
        at(word);
    }
}

#[test]
fn the_map_has_one_row_a_level_and_a_bar_with_units() {
    let figure = neuraxis(&withdrawal(45.0), &vector()).unwrap();
    assert_sound(&figure);
    let told = texts(&figure.svg);
    for label in [
        "S2",
        "L3",
        "T9",
        "C2",
        "cist.",
        "Baclofen (ng/mL)",
        "Spinal level",
        "10",
    ] {
        assert!(told.iter().any(|t| t == label), "{label} is missing in {told:?}");
    }
    // Every cell is covered: the widths of all runs of colour add up to rows times width.
    let mut area = 0.0;
    for path in figure.svg.split("<path fill=\"").skip(1) {
        let d = path.split_once("d=\"").unwrap().1.split_once('"').unwrap().0;
        for cell in d.split('z').filter(|c| !c.is_empty()) {
            let (_, rest) = cell.split_once('h').unwrap();
            let (w, rest) = rest.split_once('v').unwrap();
            let (h, _) = rest.split_once('h').unwrap();
            area += w.parse::<f64>().unwrap() * h.parse::<f64>().unwrap();
        }
    }
    let row = area / 27.0 / 104.0;
    assert!((2500.0..4500.0).contains(&row), "{row} canvas pixels wide");
    assert_eq!(row.fract(), 0.0, "27 full rows");
}

#[test]
fn short_runs_are_told_in_hours_and_zeros_do_not_break_the_log_axis() {
    let all = figures(&bolus(), &vector()).unwrap();
    assert_eq!(all.len(), 5, "nothing to zoom on");
    all.iter().for_each(assert_sound);
    let told = texts(&all[0].svg);
    assert!(told.iter().any(|t| t == "Time (hours)"));
    assert!(!told.iter().any(|t| t == "not recorded"));
}

#[test]
fn runs_without_anything_still_draw() {
    let all = figures(&RunData::default(), &vector()).unwrap();
    assert_eq!(all.len(), 3);
    all.iter().for_each(assert_sound);
    assert!(texts(&all[0].svg).iter().any(|t| t == "not recorded"));
    assert!(texts(&all[2].svg).iter().any(|t| t == "no symptom in this time"));
    assert!(neuraxis(&RunData::default(), &vector()).is_ok());
    assert!(compare(&[], &vector()).unwrap().is_empty());
    // Values that no axis can show.
    let mut odd = bolus();
    for row in &mut odd.table.rows {
        for v in &mut row[1..] {
            *v = f64::NAN;
        }
    }
    odd.table.rows[0][3] = f64::INFINITY;
    odd.table.rows[1][4] = 1e300;
    odd.table.rows[2][4] = 1e-300;
    odd.table.rows[3][4] = -5.0;
    figures(&odd, &vector()).unwrap().iter().for_each(assert_sound);
    let backwards = PlotOptions {
        window: Some((9.0, 3.0)),
        ..vector()
    };
    figures(&bolus(), &backwards).unwrap().iter().for_each(assert_sound);
    let nowhere = PlotOptions {
        window: Some((5000.0, 6000.0)),
        ..vector()
    };
    figures(&withdrawal(45.0), &nowhere)
        .unwrap()
        .iter()
        .for_each(assert_sound);
}

#[test]
fn half_a_year_of_pulses_and_crowded_marks_stays_small() {
    let mut run = withdrawal(180.0);
    for (i, row) in run.trajectory.rows.iter_mut().enumerate() {
        let pulse = if i % 24 < 3 {
            2.5
        } else {
            0.6 + 0.1 * ((i * 7919) % 13) as f64
        };
        for v in &mut row[1..31] {
            *v *= pulse;
        }
        row[29] = if i % 24 < 3 { 900.0 } else { 120.0 };
        row[30] = if i % 24 < 3 { 880.0 } else { 110.0 + (i % 5) as f64 };
        for v in &mut row[31..] {
            *v *= 1.0 + 0.02 * ((i * 104_729) % 17) as f64;
        }
    }
    for i in 0..300 {
        run.markers.push(Marker {
            time_h: f64::from(i) * 14.0,
            end_h: None,
            label: format!("visit number {i}"),
            kind: MarkerKind::Action,
        });
    }
    run.meta.title = "A title that goes on and on <b>with & without</b> an end ".repeat(4);
    let all = figures(&run, &vector()).unwrap();
    all.iter().for_each(assert_sound);
    assert!(all[0].svg.contains("&lt;b&gt;with &amp; without"));
}

#[test]
fn a_short_bolus_does_not_flatten_the_rates() {
    let mut run = withdrawal(45.0);
    run.trajectory.rows[50][29] = 48_000.0;
    let told = texts(&concentration(&run, &vector()).unwrap().svg);
    assert!(told.iter().any(|t| t == "cut off; peak 48000"), "{told:?}");
    assert!(told.iter().any(|t| t == "250") && !told.iter().any(|t| t == "20000"));
}

#[test]
fn arms_are_compared_in_one_figure_with_one_colour_each() {
    let mut leak = withdrawal(45.0);
    leak.meta.arm = "leak".to_owned();
    let quiet = undisturbed(45.0);
    let all = compare(&[&leak, &quiet], &vector()).unwrap();
    let names: Vec<&str> = all.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["compare", "compare_zoom"]);
    all.iter().for_each(assert_sound);
    let told = texts(&all[0].svg);
    for label in [
        "leak",
        "no-leak",
        "Legs Ashworth (0–4)",
        "Withdrawal (0–1)",
        "CSF L3 (ng/mL)",
    ] {
        assert!(told.iter().any(|t| t == label), "{label} is missing in {told:?}");
    }
    assert_eq!(polylines(&all[0].svg, "#0072B2").len(), 4, "legend and three panels");
    assert_eq!(polylines(&all[0].svg, "#D55E00").len(), 4);
    let many: Vec<&RunData> = vec![&quiet; 12];
    compare(&many, &vector()).unwrap().iter().for_each(assert_sound);
    let twins = compare(&[&quiet, &quiet], &vector()).unwrap();
    assert_eq!(twins.len(), 1, "nothing to zoom on");
    let refills = texts(&twins[0].svg).iter().filter(|t| *t == "refill 18 mL").count();
    assert_eq!(refills, 1, "a shared mark is drawn once");
}

#[test]
fn the_zoom_shows_a_day_before_and_some_days_after() {
    let run = withdrawal(45.0);
    assert_eq!(zoom_window(&run), Some((FAULT - 24.0, FAULT + 14.0 + 144.0)));
    let mut late = run.clone();
    late.symptoms.retain(|s| s.symptom == "drowsiness");
    let onset = late.symptoms[0].onset_h;
    assert_eq!(
        zoom_window(&late),
        Some((onset - 24.0, onset + 144.0)),
        "a late symptom is shown by itself"
    );
    late.symptoms.clear();
    assert_eq!(zoom_window(&late), Some((FAULT - 24.0, FAULT + 144.0)));
    late.markers.clear();
    assert_eq!(zoom_window(&late), None);
    assert_eq!(zoom_window(&bolus()), None);
}
