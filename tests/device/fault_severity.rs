//! Faults of the line on their way to full severity.

use itbsim::catheter::CatheterFault;
use itbsim::signals::{Destination, Level};

const INTO: Destination = Destination::Epidural;

#[test]
fn nothing_is_wrong_at_no_severity_or_at_none_that_is_a_number() {
    let fault = CatheterFault::Retrograde { volume: 4.0 };
    for u in [0.0, -1.0, f64::NAN] {
        assert_eq!(fault.at_severity(u), None, "{u}");
    }
}

#[test]
fn holes_shares_offsets_and_volumes_grow_in_proportion() {
    let (position, level, bore) = (30.0, Level::T10, 1.0);
    let of = |size: f64, share: f64| {
        [
            CatheterFault::Leak {
                position,
                conductance: size,
                into: INTO,
            },
            CatheterFault::Disconnection {
                position,
                opening: share,
                into: INTO,
            },
            CatheterFault::Granuloma { bore, share },
            CatheterFault::Misalignment { offset: size },
            CatheterFault::Fracture {
                position,
                conductance: size,
                bore,
                into: INTO,
            },
            CatheterFault::CsfLeak {
                level,
                conductance: size,
            },
            CatheterFault::Retrograde { volume: size },
        ]
    };
    for (full, half) in of(4.0, 0.5).into_iter().zip(of(2.0, 0.25)) {
        assert_eq!(full.at_severity(0.5), Some(half));
    }
}
