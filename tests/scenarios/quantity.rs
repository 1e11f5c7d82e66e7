//! Quantities: what is read, what is refused, and that print and parse agree.

use itbsim::quantity::{Dimension, Quantity, QuantityError, convert, is_unit, parse};
use proptest::prelude::*;

#[test]
fn common_spellings_arrive_in_base_units() {
    use Dimension::*;
    for (text, dimension, value) in [
        ("50 ug", Mass, 50.0),
        ("50mcg", Mass, 50.0),
        ("50 \u{b5}g", Mass, 50.0),
        ("50 \u{3bc}g", Mass, 50.0),
        ("0.05 mg", Mass, 50.0),
        ("20 mg", TabletMass, 20.0),
        ("18 mL", Volume, 18.0),
        ("18 ml", Volume, 18.0),
        ("1.5 L", Volume, 1500.0),
        ("2.5 uL", Volume, 0.0025),
        ("90 d", Time, 2160.0),
        ("90 days", Time, 2160.0),
        ("30 min", Time, 0.5),
        ("1 s", Time, 1.0 / 3600.0),
        ("2 weeks", Time, 336.0),
        ("1 year", Time, 8766.0),
        ("89 cm", Length, 89.0),
        ("890 mm", Length, 89.0),
        ("2 mg/mL", Concentration, 2000.0),
        ("500 ng/mL", Concentration, 0.5),
        ("300 ug/day", DoseRate, 12.5),
        ("300 ug/d", DoseRate, 12.5),
        ("0.24 mL/day", VolumeFlow, 0.01),
        ("0.35 mL/min", VolumeFlow, 21.0),
        ("10 cmH2O", Pressure, 0.980665),
        ("1 mmHg", Pressure, 0.133322387415),
        ("37 degC", Temperature, 37.0),
        ("0.25 /h", Rate, 0.25),
        ("0.25/h", Rate, 0.25),
        ("0.25 1/h", Rate, 0.25),
        ("87.66 /year", Rate, 0.01),
        ("0.02 mL/h/kPa", Conductance, 0.02),
        ("0.02 mL/(h kPa)", Conductance, 0.02),
        ("0.02 mL h^-1 kPa^-1", Conductance, 0.02),
        ("0.001 mL/kPa", Compliance, 0.001),
        ("0.1 cm2/s", Diffusivity, 0.1),
        ("10 mm²/s", Diffusivity, 0.1),
        ("70 kg", BodyWeight, 70.0),
        ("2.5 mL/min/kg", WeightedClearance, 2.5),
        ("0.8 L/kg", WeightedVolume, 0.8),
        ("1500 mT", Field, 1.5),
        ("50 %", Fraction, 0.5),
        ("50%", Fraction, 0.5),
        ("1.145", Number, 1.145),
        ("114.5 %", Number, 1.145),
        ("-1e-3 mL", Volume, -0.001),
    ] {
        let got = parse(text, dimension).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert!(
            (got - value).abs() <= 1e-15 * value.abs(),
            "{text}: {got} is not {value}"
        );
    }
}

#[test]
fn a_unit_of_its_own_dimension_is_exact() {
    assert_eq!(convert("0.1 cm2/s", "cm2/s"), Ok(0.1));
    assert_eq!(convert("0.35 mL/min", "mL/min"), Ok(0.35));
    assert_eq!(convert("7 1/month", "1/month"), Ok(7.0));
    assert_eq!(convert("120 ug/mL", "mg/mL"), Ok(0.12));
    assert_eq!(convert("0.3", "1"), Ok(0.3));
    assert_eq!(convert("30 %", "1"), Ok(0.3));
}

#[test]
fn letters_mean_what_their_case_says() {
    assert_eq!(
        parse("5 ML", Dimension::Volume).unwrap_err().help().unwrap(),
        "did you mean `mL`?"
    );
    assert_eq!(
        parse("5 M", Dimension::Length).unwrap_err().to_string(),
        "unknown unit `M`"
    );
    assert_eq!(parse("5 m", Dimension::Length), Ok(500.0));
    assert_eq!(
        parse("1 T", Dimension::Time).unwrap_err().to_string(),
        "`1 T` is a magnetic field, but a time is needed here"
    );
}

#[test]
fn what_is_no_quantity_is_refused_with_advice() {
    for (text, message, help) in [
        (
            "50",
            "`50` has no unit",
            "write a mass with its unit, such as \"50 ug\"",
        ),
        ("", "`` does not start with a number", "write a mass such as \"50 ug\""),
        (
            "ug",
            "`ug` does not start with a number",
            "write a mass such as \"50 ug\"",
        ),
        ("50 ugg", "unknown unit `ugg`", "did you mean `ug`?"),
        ("50 zorkmid", "unknown unit `zorkmid`", "write for example \"50 ug\""),
        ("50 ug/", "unknown unit `ug/`", "did you mean `ug`?"),
        (
            "1,5 ug",
            "`1,5 ug` does not start with a number",
            "write numbers with a decimal point and no separators, as in \"50 ug\"",
        ),
        (
            "50 mL",
            "`50 mL` is a volume, but a mass is needed here",
            "write a mass such as \"50 ug\"",
        ),
        (
            "5 ug2",
            "`5 ug2` is a quantity in ug2, but a mass is needed here",
            "write a mass such as \"50 ug\"",
        ),
        (
            "nan ug",
            "`nan ug` is not a finite number",
            "write for example \"50 ug\"",
        ),
        (
            "-inf ug",
            "`-inf ug` is not a finite number",
            "write for example \"50 ug\"",
        ),
        (
            "1e999 ug",
            "`1e999 ug` is not a finite number",
            "write for example \"50 ug\"",
        ),
        (
            "1e305 kg",
            "`1e305 kg` is not a finite number",
            "write for example \"50 ug\"",
        ),
    ] {
        let error = parse(text, Dimension::Mass).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.help().unwrap(), help, "{text}");
    }
}

#[test]
fn a_share_must_say_percent() {
    assert!(matches!(
        parse("0.5", Dimension::Fraction),
        Err(QuantityError::NoUnit { .. })
    ));
}

#[test]
fn hostile_units_are_refused_quickly() {
    for unit in [
        "((((((((((mL",
        "mL^-",
        "mL^99999",
        "mL999",
        "/",
        "//h",
        ")",
        "²",
        &"mL ".repeat(1000),
        &"h^9 ".repeat(20),
    ] {
        assert!(!is_unit(unit), "{unit}");
    }
}

#[test]
fn every_example_and_usual_unit_is_of_its_dimension() {
    for d in Dimension::ALL {
        parse(d.example(), d).unwrap_or_else(|e| panic!("{d:?}: {e}"));
        parse(&format!("1 {}", d.usual_unit()), d)
            .or_else(|_| parse("1", d))
            .unwrap_or_else(|e| panic!("{d:?}: {e}"));
    }
}

#[test]
fn the_units_of_the_parameter_tables_are_understood() {
    for unit in [
        "1",
        "1/mL",
        "1/month",
        "month",
        "mL/cm",
        "mL/(h kPa)",
        "uL/(kPa cm)",
        "uL/kPa",
        "mPa s",
        "mm",
        "cm2/s",
        "ng/mL",
    ] {
        assert!(is_unit(unit), "{unit}");
    }
    assert_eq!(convert("1 cP", "mPa s"), Ok(1.0));
}

#[test]
fn zero_has_no_sign() {
    assert_eq!(parse("-0 ug", Dimension::Mass).unwrap().to_bits(), 0.0f64.to_bits());
    assert_eq!(Quantity::new(-0.0, Dimension::Mass).to_string(), "0 ug");
}

fn dimension() -> impl Strategy<Value = Dimension> {
    proptest::sample::select(Dimension::ALL.to_vec())
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_to_the_same_bits(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO, d in dimension()) {
        prop_assume!(d != Dimension::Fraction);
        let text = Quantity::new(value, d).to_string();
        let back = parse(&text, d).unwrap();
        prop_assert_eq!(back.to_bits(), (value + 0.0).to_bits(), "{}", text);
    }

    #[test]
    fn a_printed_share_reads_back_within_one_rounding(value in 0.0..1.0f64) {
        let back = parse(&Quantity::new(value, Dimension::Fraction).to_string(), Dimension::Fraction).unwrap();
        prop_assert!((back - value).abs() <= f64::EPSILON * value);
    }

    #[test]
    fn there_and_back_again_keeps_the_value(value in 1e-6..1e6f64, pair in proptest::sample::select(vec![
        ("ug/day", "mg/h"), ("mL/day", "mL/h"), ("mL/min", "mL/h"), ("cm2/s", "cm2/h"), ("mmHg", "kPa"),
        ("cmH2O", "mmHg"), ("/year", "1/h"), ("week", "s"), ("mL/h/kPa", "uL/min/mmHg"), ("ng/mL", "mg/L"),
    ])) {
        let there = convert(&format!("{value} {}", pair.0), pair.1).unwrap();
        let back = convert(&format!("{there} {}", pair.1), pair.0).unwrap();
        prop_assert!((back - value).abs() <= 4.0 * f64::EPSILON * value, "{} {}", value, back);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}", d in dimension()) {
        let _ = parse(&text, d);
        let _ = convert("1 mL", &text);
    }

    #[test]
    fn every_accepted_number_is_finite(number in "[+-]?[0-9]{1,4}(\\.[0-9]{0,4})?([eE][+-]?[0-9]{1,3})?", unit in "(ug|mg|kg)") {
        if let Ok(value) = parse(&format!("{number} {unit}"), Dimension::Mass) {
            prop_assert!(value.is_finite());
        }
    }
}
