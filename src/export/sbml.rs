//! SBML Level 3 Version 2 core.
//!
//! Amounts of drug are species in \[ug\] (`hasOnlySubstanceUnits`), each in a
//! compartment of its own volume or in the one without extent; a transfer is a
//! reaction with a first-order mass-action law; delivery is a zeroth-order reaction
//! per place. Effect sites and rescue drugs are parameters with rate rules, since they
//! take nothing from what they read. The columns of `timeseries.csv` are assignment
//! rules under their own names. What changes the system during the run (a rate of
//! delivery, a dose, a matrix changed by posture or fault) is one event per instant,
//! with trigger `time >= t`. Changes can lie a nanosecond apart, closer than the root
//! finding of a solver resolves, so each event has a priority below the one before it and
//! adds to the values it finds when its turn comes.
//!
//! What happens at time zero stands in the initial amounts.

use std::collections::BTreeMap;
use std::io;

use crate::simulation::SystemTrace;

use super::network::{Change, Entry, Network};
use super::units;
use super::xml::{Math, SBML, Xml};
use super::{About, ExportError, decimal, is_amount};

/// Terms of the Systems Biology Ontology (Courtot 2011).
mod sbo {
    pub const CONTINUOUS: &str = "SBO:0000062";
    pub const COMPARTMENT: &str = "SBO:0000290";
    pub const SPECIES: &str = "SBO:0000247";
    pub const TRANSPORT: &str = "SBO:0000185";
    pub const INPUT: &str = "SBO:0000393";
    pub const FIRST_ORDER: &str = "SBO:0000049";
    pub const ZEROTH_ORDER: &str = "SBO:0000047";
    pub const RATE_CONSTANT: &str = "SBO:0000035";
    pub const INPUT_RATE: &str = "SBO:0000048";
    pub const QUANTITY: &str = "SBO:0000002";
}

/// The compartment of amounts that are dissolved in no volume of their own.
const NOWHERE: &str = "no_volume";

/// Writes the kinetics of a run as SBML. The same run gives the same bytes.
///
/// # Errors
/// [`ExportError`] if the record is empty or is not made of transfers.
pub fn document(trace: &SystemTrace, about: &About) -> Result<String, ExportError> {
    let network = Network::new(trace)?;
    let mut outputs = Vec::new();
    for (name, weights) in &trace.outputs {
        outputs.push(Output::new(trace, name, weights)?);
    }
    let writer = Writer {
        trace,
        network: &network,
        outputs: &outputs,
    };
    let mut xml = Xml::new()?;
    let root = [("xmlns", SBML), ("level", "3"), ("version", "2")];
    xml.element("sbml", &root, |x| writer.model(x, about))?;
    Ok(xml.finish()?)
}

/// A column of the time series as an assignment.
struct Output<'a> {
    name: &'a str,
    unit: &'static str,
    formula: Math,
}

impl<'a> Output<'a> {
    fn new(trace: &SystemTrace, name: &'a str, weights: &[f64]) -> Result<Self, ExportError> {
        let mut unit = None;
        let mut terms = Vec::new();
        for (i, weight) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            let (whole, factor) = units::of_output(name, trace.units[i])?;
            unit = Some(whole);
            let state = Math::id(&trace.states[i]);
            terms.push(if *weight == 1.0 {
                state
            } else {
                Math::product(Math::Number(*weight, factor), state)
            });
        }
        let unit = unit.ok_or_else(|| ExportError::Output { name: name.to_owned() })?;
        Ok(Output {
            name,
            unit,
            formula: Math::sum(terms, unit),
        })
    }
}

struct Writer<'a> {
    trace: &'a SystemTrace,
    network: &'a Network,
    outputs: &'a [Output<'a>],
}

impl Writer<'_> {
    fn model(&self, x: &mut Xml, about: &About) -> io::Result<()> {
        let attributes = [
            ("id", "itbsim_kinetics"),
            ("name", about.title.as_str()),
            ("sboTerm", sbo::CONTINUOUS),
            ("substanceUnits", "ug"),
            ("timeUnits", "h"),
            ("volumeUnits", "mL"),
            ("extentUnits", "ug"),
        ];
        x.element("model", &attributes, |x| {
            let mut notes = about.lines();
            notes.push(format!(
                "Amounts in ug, time in h, volumes in mL. The run ends at {} h.",
                self.network.end_h
            ));
            x.notes(&notes)?;
            self.units(x)?;
            self.compartments(x)?;
            self.species(x)?;
            self.parameters(x)?;
            self.rules(x)?;
            self.reactions(x)?;
            self.events(x)
        })
    }

    fn units(&self, x: &mut Xml) -> io::Result<()> {
        x.element("listOfUnitDefinitions", &[], |x| {
            units::DEFINITIONS.iter().try_for_each(|(id, parts)| {
                x.element("unitDefinition", &[("id", id)], |x| {
                    x.element("listOfUnits", &[], |x| {
                        parts.iter().try_for_each(|(kind, exponent, scale, multiplier)| {
                            let unit = [
                                ("kind", *kind),
                                ("exponent", &exponent.to_string()),
                                ("scale", &scale.to_string()),
                                ("multiplier", &decimal(*multiplier)),
                            ];
                            x.empty("unit", &unit)
                        })
                    })
                })
            })
        })
    }

    fn amounts(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.trace.states.len()).filter(|&i| is_amount(self.trace, i))
    }

    fn others(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.trace.states.len()).filter(|&i| !is_amount(self.trace, i))
    }

    fn name(&self, state: usize) -> &str {
        &self.trace.states[state]
    }

    /// Id of the rate of an entry.
    fn rate(&self, (to, from): Entry) -> String {
        format!("k_{}__{}", self.name(from), self.name(to))
    }

    /// Id of an input.
    fn input(&self, state: usize) -> String {
        format!("input_{}", self.name(state))
    }

    fn compartments(&self, x: &mut Xml) -> io::Result<()> {
        x.element("listOfCompartments", &[], |x| {
            for i in self.amounts() {
                let Some(volume) = self.trace.volumes[i] else { continue };
                x.empty(
                    "compartment",
                    &[
                        ("id", &format!("V_{}", self.name(i))),
                        ("sboTerm", sbo::COMPARTMENT),
                        ("spatialDimensions", "3"),
                        ("size", &decimal(volume)),
                        ("units", "mL"),
                        ("constant", "true"),
                    ],
                )?;
            }
            x.empty(
                "compartment",
                &[
                    ("id", NOWHERE),
                    ("name", "amounts without a volume of their own"),
                    ("sboTerm", sbo::COMPARTMENT),
                    ("spatialDimensions", "0"),
                    ("units", "dimensionless"),
                    ("constant", "true"),
                ],
            )
        })
    }

    fn species(&self, x: &mut Xml) -> io::Result<()> {
        x.element("listOfSpecies", &[], |x| {
            self.amounts().try_for_each(|i| {
                let compartment = match self.trace.volumes[i] {
                    Some(_) => format!("V_{}", self.name(i)),
                    None => NOWHERE.to_owned(),
                };
                x.empty(
                    "species",
                    &[
                        ("id", self.name(i)),
                        ("name", &format!("baclofen, {}", self.name(i).replace('_', " "))),
                        ("sboTerm", sbo::SPECIES),
                        ("compartment", &compartment),
                        ("initialAmount", &decimal(self.network.start[i])),
                        ("substanceUnits", "ug"),
                        ("hasOnlySubstanceUnits", "true"),
                        ("boundaryCondition", "false"),
                        ("constant", "false"),
                    ],
                )
            })
        })
    }

    fn parameters(&self, x: &mut Xml) -> io::Result<()> {
        let unit = |i: usize| self.trace.units[i];
        let one = |x: &mut Xml, id: &str, term: &str, value: Option<f64>, unit: &str, constant: bool| {
            let text = value.map(decimal);
            let mut attributes = vec![("id", id), ("sboTerm", term)];
            if let Some(text) = &text {
                attributes.push(("value", text));
            }
            attributes.extend([("units", unit), ("constant", if constant { "true" } else { "false" })]);
            x.empty("parameter", &attributes)
        };
        x.element("listOfParameters", &[], |x| {
            for (entry, value) in &self.network.transfers {
                let fixed = !self.network.moving.contains(entry);
                one(x, &self.rate(*entry), sbo::RATE_CONSTANT, Some(*value), "per_h", fixed)?;
            }
            for (entry, value) in &self.network.readers {
                let fixed = !self.network.moving.contains(entry);
                let units = units::of_coefficient(unit(entry.0), unit(entry.1));
                one(x, &self.rate(*entry), sbo::QUANTITY, Some(*value), units, fixed)?;
            }
            for (state, value) in &self.network.inputs {
                let units = units::of_input(unit(*state));
                let moves = self
                    .network
                    .changes
                    .iter()
                    .any(|c| c.inputs.iter().any(|(i, _)| i == state));
                one(x, &self.input(*state), sbo::INPUT_RATE, Some(*value), units, !moves)?;
            }
            for i in self.others() {
                let start = Some(self.network.start[i]);
                one(x, self.name(i), sbo::QUANTITY, start, units::of_state(unit(i)), false)?;
            }
            for output in self.outputs {
                one(x, output.name, sbo::QUANTITY, None, output.unit, false)?;
            }
            Ok(())
        })
    }

    fn rules(&self, x: &mut Xml) -> io::Result<()> {
        let mut rows: BTreeMap<usize, Vec<Math>> = self.others().map(|i| (i, Vec::new())).collect();
        for entry in self.network.readers.keys() {
            let term = Math::product(Math::Id(self.rate(*entry)), Math::id(self.name(entry.1)));
            rows.entry(entry.0).or_default().push(term);
        }
        for state in self.network.inputs.keys().filter(|i| !is_amount(self.trace, **i)) {
            rows.entry(*state).or_default().push(Math::Id(self.input(*state)));
        }
        x.element("listOfRules", &[], |x| {
            for output in self.outputs {
                x.element("assignmentRule", &[("variable", output.name)], |x| {
                    x.math(&output.formula)
                })?;
            }
            for (state, terms) in rows {
                let unit = units::of_input(self.trace.units[state]);
                x.element("rateRule", &[("variable", self.name(state))], |x| {
                    x.math(&Math::sum(terms, unit))
                })?;
            }
            Ok(())
        })
    }

    fn reactions(&self, x: &mut Xml) -> io::Result<()> {
        let side = |x: &mut Xml, list: &str, state: Option<usize>| match state {
            None => Ok(()),
            Some(state) => x.element(list, &[], |x| {
                x.empty(
                    "speciesReference",
                    &[
                        ("species", self.name(state)),
                        ("stoichiometry", "1"),
                        ("constant", "true"),
                    ],
                )
            }),
        };
        let reaction = |x: &mut Xml, id: &str, term: &str, from: Option<usize>, to: usize, law: (&str, Math)| {
            let head = [("id", id), ("sboTerm", term), ("reversible", "false")];
            x.element("reaction", &head, |x| {
                side(x, "listOfReactants", from)?;
                side(x, "listOfProducts", Some(to))?;
                x.element("kineticLaw", &[("sboTerm", law.0)], |x| x.math(&law.1))
            })
        };
        x.element("listOfReactions", &[], |x| {
            for entry in self.network.transfers.keys() {
                let (to, from) = *entry;
                let id = format!("from_{}_to_{}", self.name(from), self.name(to));
                let law = Math::product(Math::Id(self.rate(*entry)), Math::id(self.name(from)));
                reaction(x, &id, sbo::TRANSPORT, Some(from), to, (sbo::FIRST_ORDER, law))?;
            }
            for &state in self.network.inputs.keys().filter(|i| is_amount(self.trace, **i)) {
                let id = format!("delivery_to_{}", self.name(state));
                let law = Math::Id(self.input(state));
                reaction(x, &id, sbo::INPUT, None, state, (sbo::ZEROTH_ORDER, law))?;
            }
            Ok(())
        })
    }

    fn events(&self, x: &mut Xml) -> io::Result<()> {
        if self.network.changes.is_empty() {
            return Ok(());
        }
        x.element("listOfEvents", &[], |x| {
            let mut numbered = self.network.changes.iter().enumerate();
            numbered.try_for_each(|(n, change)| self.event(x, n + 1, change))
        })
    }

    fn event(&self, x: &mut Xml, number: usize, change: &Change) -> io::Result<()> {
        let what = [
            (change.inputs.is_empty(), "delivery"),
            (change.jumps.is_empty(), "dose"),
            (change.rates.is_empty(), "transfers"),
        ];
        let words: Vec<&str> = what.iter().filter(|(none, _)| !none).map(|(_, w)| *w).collect();
        let head = [
            ("id", &*format!("change_{number}")),
            ("name", &*words.join(", ")),
            ("useValuesFromTriggerTime", "false"),
        ];
        let unit = |i: usize| self.trace.units[i];
        let set = |x: &mut Xml, variable: &str, formula: Math| {
            x.element("eventAssignment", &[("variable", variable)], |x| x.math(&formula))
        };
        x.element("event", &head, |x| {
            x.element("trigger", &[("initialValue", "false"), ("persistent", "true")], |x| {
                let at = Math::Number(change.time_h, "h");
                x.math(&Math::Apply("geq", vec![Math::Time, at]))
            })?;
            x.element("priority", &[], |x| {
                x.math(&Math::Number(-(number as f64), "dimensionless"))
            })?;
            x.element("listOfEventAssignments", &[], |x| {
                for (state, amount) in &change.jumps {
                    let jump = Math::Number(*amount, units::of_state(unit(*state)));
                    let sum = Math::sum(vec![Math::id(self.name(*state)), jump], "ug");
                    set(x, self.name(*state), sum)?;
                }
                for (state, value) in &change.inputs {
                    let value = Math::Number(*value, units::of_input(unit(*state)));
                    set(x, &self.input(*state), value)?;
                }
                for (entry, value) in &change.rates {
                    let units = if is_amount(self.trace, entry.0) {
                        "per_h"
                    } else {
                        units::of_coefficient(unit(entry.0), unit(entry.1))
                    };
                    set(x, &self.rate(*entry), Math::Number(*value, units))?;
                }
                Ok(())
            })
        })
    }
}
