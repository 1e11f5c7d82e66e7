//! Sliders and switches of a scenario: which fields of a file may be moved, between which
//! ends, and how a move is written into its text.
//!
//! A move changes the text of the file and nothing else, comments and layout stay. So what is
//! shared is what was run. Which fields have sliders says [`TABLE`]; a field without a row
//! there is changed in the text itself.

use serde::{Deserialize, Serialize};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TableLike, Value};

use crate::quantity;

/// Lists whose blocks have sliders and switches, in the order in which they are shown.
const LISTS: [&str; 4] = ["fault", "programme", "action", "care"];

/// A kind of field that a slider may move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Where it stands; `*` is the id of a block.
    pub path: &'static str,
    /// For a reader.
    pub label: &'static str,
    /// Unit of the slider; empty for a bare number.
    pub unit: &'static str,
    /// Lower end, in that unit.
    pub low: f64,
    /// Upper end, in that unit.
    pub high: f64,
    /// Smallest move, in that unit.
    pub step: f64,
    /// Whether equal moves are equal ratios.
    pub logarithmic: bool,
    /// Whether the field is a moment, of which the slider moves the time.
    pub moment: bool,
}

const fn row(path: &'static str, label: &'static str, unit: &'static str, ends: (f64, f64), step: f64) -> Row {
    Row {
        path,
        label,
        unit,
        low: ends.0,
        high: ends.1,
        step,
        logarithmic: false,
        moment: false,
    }
}

const fn ratio(row: Row) -> Row {
    Row {
        logarithmic: true,
        ..row
    }
}

const fn moment(row: Row) -> Row {
    Row { moment: true, ..row }
}

/// Every field that has a slider. The ends are what is useful in class, not what the loader
/// accepts; a file may hold less or more, and its slider then reaches there.
pub const TABLE: &[Row] = &[
    ratio(row(
        "programme.*.simple_continuous",
        "dose",
        "ug/day",
        (20.0, 3000.0),
        1.0,
    )),
    ratio(row("programme.*.single_bolus.dose", "bolus", "ug", (5.0, 2000.0), 1.0)),
    ratio(row("programme.*.periodic_bolus.dose", "bolus", "ug", (5.0, 500.0), 1.0)),
    moment(row("programme.*.at", "time", "h", (0.0, 96.0), 0.5)),
    ratio(row(
        "pump.reservoir.concentration",
        "drug in the reservoir",
        "ug/mL",
        (50.0, 4000.0),
        10.0,
    )),
    row("pump.reservoir.fill", "fill of the reservoir", "mL", (0.5, 40.0), 0.1),
    row("pump.gain", "delivered over programmed", "", (0.5, 2.0), 0.005),
    ratio(row(
        "action.*.refill.concentration",
        "drug refilled",
        "ug/mL",
        (50.0, 4000.0),
        10.0,
    )),
    row("action.*.refill.volume", "volume refilled", "mL", (1.0, 40.0), 0.5),
    moment(row("fault.*.at", "time", "h", (0.0, 96.0), 0.5)),
    ratio(row("fault.*.bore", "severity: bore left", "", (0.001, 1.0), 0.001)),
    ratio(row(
        "fault.*.conductance",
        "severity: size of the hole",
        "mL/h/kPa",
        (0.0001, 1.0),
        0.0001,
    )),
    row(
        "fault.*.gain",
        "severity: delivered over programmed",
        "",
        (0.0, 5.0),
        0.01,
    ),
    row("fault.*.severity", "severity", "", (0.0, 1.0), 0.01),
    row("fault.*.offset", "severity: offset", "mm", (0.0, 2.0), 0.01),
    row("fault.*.position", "place, from the pump", "cm", (0.0, 89.0), 1.0),
    row("fault.*.profile.ramp", "growing over", "d", (0.0, 120.0), 1.0),
    moment(row("action.*.at", "time", "h", (0.0, 96.0), 0.5)),
    row("action.*.when.after", "time after", "h", (0.0, 96.0), 0.5),
    row("action.*.lumbar_bolus.dose", "dose by needle", "ug", (5.0, 300.0), 5.0),
    row("action.*.oral_baclofen.dose", "tablet", "mg", (5.0, 40.0), 5.0),
    row("action.*.drain_csf.volume", "fluid let out", "mL", (5.0, 60.0), 1.0),
    row("care.*.delay", "time to rescue", "h", (0.0, 72.0), 0.25),
    row("care.*.emergency_wait", "wait in an emergency", "h", (0.0, 72.0), 0.5),
    row(
        "care.*.repair_wait_urgent",
        "wait for the operation",
        "h",
        (0.0, 168.0),
        1.0,
    ),
    row("care.*.interval", "between visits", "d", (1.0, 90.0), 1.0),
    row(
        "care.*.raises",
        "rises before a fault is suspected",
        "",
        (1.0, 10.0),
        1.0,
    ),
    row(
        "care.*.signs",
        "signs before a fault is suspected",
        "",
        (1.0, 20.0),
        1.0,
    ),
];

/// A slider of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slider {
    /// Field it moves, such as `programme.maintenance.simple_continuous`.
    pub path: String,
    /// Block it belongs to, or `pump`.
    pub group: String,
    /// For a reader.
    pub label: String,
    /// Unit of the numbers below; empty for a bare number.
    pub unit: &'static str,
    /// As it stands in the file.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Smallest move.
    pub step: f64,
    /// Whether equal moves are equal ratios.
    pub logarithmic: bool,
}

/// A block that the arm at hand has or leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// Id of the block.
    pub id: String,
    /// List it stands in: `fault`, `programme`, `action` or `care`.
    pub list: &'static str,
    /// What it does: kind of a fault, policy, or the verb of an act.
    pub kind: String,
    /// Whether the arm has it.
    pub on: bool,
}

/// One move.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Move {
    /// A slider to a value, in the unit of the slider.
    Slide {
        /// Field, as in [`Slider::path`].
        path: String,
        /// New value.
        value: f64,
    },
    /// A block in or out of the arm at hand.
    Switch {
        /// Id of the block.
        id: String,
        /// Whether the arm has it afterwards.
        on: bool,
    },
}

/// A move that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// The text is no TOML.
    #[error("the text cannot be changed before it is valid TOML")]
    NotToml,
    /// No slider has this path.
    #[error("`{path}` has no slider")]
    NoSlider {
        /// The path asked for.
        path: String,
    },
    /// No block has this id.
    #[error("no block has the id `{id}`")]
    NoBlock {
        /// The id asked for.
        id: String,
    },
    /// A value that no slider can have.
    #[error("`{path}` cannot be set to that number")]
    NoNumber {
        /// The path asked for.
        path: String,
    },
    /// The field is written in a form that can only be changed by hand.
    #[error("`{path}` is written in a form that only its text can change")]
    ByHand {
        /// The path asked for.
        path: String,
    },
}

/// A file and those it extends, as text that can be changed. The file itself comes first.
#[derive(Debug, Clone)]
pub struct Sheets {
    own: DocumentMut,
    bases: Vec<DocumentMut>,
}

/// Where the value of a field is decided.
enum Seat {
    /// In `set` of the arm, under this key.
    Arm(String),
    /// In the file itself or in the sheet of this number.
    Block(usize),
}

impl Sheets {
    /// Reads a file and its bases, nearest first.
    ///
    /// # Errors
    /// [`MoveError::NotToml`].
    pub fn new(text: &str, bases: &[String]) -> Result<Self, MoveError> {
        let read = |text: &str| text.parse::<DocumentMut>().map_err(|_| MoveError::NotToml);
        Ok(Self {
            own: read(text)?,
            bases: bases.iter().map(|b| read(b)).collect::<Result<_, _>>()?,
        })
    }

    /// The text of the file itself as it stands now.
    pub fn text(&self) -> String {
        self.own.to_string()
    }

    /// Number of arms of the file itself.
    pub fn arms(&self) -> usize {
        let arms = self.own.get("arm").and_then(Item::as_array_of_tables);
        arms.map_or(0, ArrayOfTables::len)
    }

    fn sheet(&self, number: usize) -> &Table {
        match number.checked_sub(1) {
            None => self.own.as_table(),
            Some(base) => self.bases[base].as_table(),
        }
    }

    /// Ids of the blocks of a list, base first, each with the sheet it is taken from.
    fn blocks(&self, list: &str) -> Vec<(String, usize)> {
        let mut out: Vec<(String, usize)> = Vec::new();
        for number in (0..=self.bases.len()).rev() {
            let Some(tables) = self.sheet(number).get(list).and_then(Item::as_array_of_tables) else {
                continue;
            };
            for id in tables.iter().filter_map(|t| t.get("id")?.as_str()) {
                match out.iter_mut().find(|(known, _)| known == id) {
                    Some(known) => known.1 = number,
                    None => out.push((id.to_owned(), number)),
                }
            }
        }
        out
    }

    fn block(&self, list: &str, id: &str, number: usize) -> Option<&Table> {
        let tables = self.sheet(number).get(list)?.as_array_of_tables()?;
        tables.iter().find(|t| t.get("id").and_then(Item::as_str) == Some(id))
    }

    fn arm(&self, arm: &str) -> Option<&Table> {
        self.own
            .get("arm")?
            .as_array_of_tables()?
            .iter()
            .find(|t| t.get("id").and_then(Item::as_str) == Some(arm))
    }

    /// Ids that an arm leaves out.
    fn without(&self, arm: &str) -> Vec<String> {
        let list = self.arm(arm).and_then(|a| a.get("without")?.as_array());
        list.map_or(Vec::new(), |l| {
            l.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
        })
    }

    /// The value of a field as an arm has it, and where that is decided.
    fn find(&self, path: &str, arm: &str) -> Option<(&Item, Seat)> {
        let set = self.arm(arm).and_then(|a| a.get("set"));
        if let Some(item) = set.and_then(|s| s.as_table_like()?.get(path)) {
            return Some((item, Seat::Arm(path.to_owned())));
        }
        let (list, rest) = path.split_once('.')?;
        if LISTS.contains(&list) {
            let (id, keys) = rest.split_once('.')?;
            let number = self.blocks(list).into_iter().find(|(known, _)| known == id)?.1;
            let item = walk(self.block(list, id, number)?, keys)?;
            return Some((item, Seat::Block(number)));
        }
        (0..=self.bases.len()).find_map(|number| Some((walk(self.sheet(number), path)?, Seat::Block(number))))
    }

    /// The sliders of an arm, those of faults first.
    pub fn sliders(&self, arm: &str) -> Vec<Slider> {
        let gone = self.without(arm);
        let mut out = Vec::new();
        let mut offer = |path: String, group: &str, row: &Row| {
            let Some((item, _)) = self.find(&path, arm) else { return };
            let Some((value, after)) = read(item, row) else { return };
            if row.moment && after.is_none() && value == 0.0 {
                return; // the therapy itself, which began with the run
            }
            let label = match after {
                Some(event) => format!("{} after {event}", row.label),
                None => row.label.to_owned(),
            };
            out.push(Slider {
                path,
                group: group.to_owned(),
                label,
                unit: row.unit,
                value,
                low: row.low.min(value),
                high: row.high.max(value),
                step: row.step,
                logarithmic: row.logarithmic && value > 0.0,
            });
        };
        for list in LISTS {
            for (id, _) in self.blocks(list) {
                if gone.contains(&id) {
                    continue;
                }
                for row in TABLE {
                    if let Some(keys) = row.path.strip_prefix(list).and_then(|p| p.strip_prefix(".*.")) {
                        offer(format!("{list}.{id}.{keys}"), &id, row);
                    }
                }
            }
        }
        for row in TABLE.iter().filter(|r| !r.path.contains('*')) {
            offer(row.path.to_owned(), "pump", row);
        }
        out
    }

    /// The switches of an arm. The only programme of a patient has none.
    pub fn switches(&self, arm: &str) -> Vec<Switch> {
        let gone = self.without(arm);
        let mut out = Vec::new();
        for list in LISTS {
            for (id, number) in self.blocks(list) {
                let Some(block) = self.block(list, &id, number) else {
                    continue;
                };
                let word = ["kind", "policy"].iter().find_map(|k| block.get(k)?.as_str());
                let verb = || {
                    let keys = block.iter().map(|(k, _)| k);
                    keys.filter(|k| !["id", "at", "when", "unless", "prescribed"].contains(k))
                        .last()
                        .unwrap_or(list)
                };
                out.push(Switch {
                    on: !gone.contains(&id),
                    kind: word.unwrap_or_else(verb).replace('_', " "),
                    list,
                    id,
                });
            }
        }
        out
    }

    /// Makes a move in the text of the file itself.
    ///
    /// # Errors
    /// [`MoveError`]; the text is as it was.
    pub fn make(&mut self, change: &Move, arm: &str) -> Result<(), MoveError> {
        match change {
            Move::Slide { path, value } => self.slide(path, *value, arm),
            Move::Switch { id, on } => self.switch(id, *on, arm),
        }
    }

    fn slide(&mut self, path: &str, value: f64, arm: &str) -> Result<(), MoveError> {
        let own = || path.to_owned();
        let row = TABLE
            .iter()
            .find(|row| matches(row.path, path))
            .ok_or_else(|| MoveError::NoSlider { path: own() })?;
        if !value.is_finite() {
            return Err(MoveError::NoNumber { path: own() });
        }
        let by_hand = || MoveError::ByHand { path: own() };
        let (item, seat) = self.find(path, arm).ok_or_else(by_hand)?;
        read(item, row).ok_or_else(by_hand)?;
        let written = write(item, row, value);
        let slot = match seat {
            Seat::Arm(key) => {
                arm_mut(&mut self.own, arm).and_then(|a| a.get_mut("set")?.as_table_like_mut()?.get_mut(&key))
            }
            Seat::Block(number) => {
                let (list, rest) = path.split_once('.').ok_or_else(by_hand)?;
                if LISTS.contains(&list) {
                    let (id, keys) = rest.split_once('.').ok_or_else(by_hand)?;
                    if number > 0 {
                        let copy = self.block(list, id, number).ok_or_else(by_hand)?.clone();
                        append(&mut self.own, list, copy).ok_or_else(by_hand)?;
                    }
                    self.own
                        .get_mut(list)
                        .and_then(Item::as_array_of_tables_mut)
                        .and_then(|tables| {
                            tables
                                .iter_mut()
                                .find(|t| t.get("id").and_then(Item::as_str) == Some(id))
                        })
                        .and_then(|table| walk_mut(table, keys))
                } else {
                    if number > 0 {
                        reach(self.own.as_table_mut(), path).ok_or_else(by_hand)?;
                    }
                    walk_mut(self.own.as_table_mut(), path)
                }
            }
        };
        replace(slot.ok_or_else(by_hand)?, written);
        Ok(())
    }

    fn switch(&mut self, id: &str, on: bool, arm: &str) -> Result<(), MoveError> {
        let known = LISTS.iter().any(|list| self.blocks(list).iter().any(|(i, _)| i == id));
        if !known {
            return Err(MoveError::NoBlock { id: id.to_owned() });
        }
        let by_hand = || MoveError::ByHand {
            path: "without".to_owned(),
        };
        if self.arm(arm).is_none() {
            if on || self.own.contains_key("arm") {
                return if on { Ok(()) } else { Err(by_hand()) };
            }
            // A file without arms gets one, and is that from now on.
            let mut table = Table::new();
            table.decor_mut().set_prefix("\n");
            table.insert("id", toml_edit::value("changed"));
            append(&mut self.own, "arm", table).ok_or_else(by_hand)?;
        }
        let name = if self.arm(arm).is_some() { arm } else { "changed" };
        let block = arm_mut(&mut self.own, name).ok_or_else(by_hand)?;
        let list = block
            .entry("without")
            .or_insert_with(|| toml_edit::value(Array::new()))
            .as_array_mut()
            .ok_or_else(by_hand)?;
        list.retain(|v| v.as_str() != Some(id));
        if !on {
            list.push(id);
        }
        Ok(())
    }
}

fn arm_mut<'d>(document: &'d mut DocumentMut, arm: &str) -> Option<&'d mut Table> {
    document
        .get_mut("arm")?
        .as_array_of_tables_mut()?
        .iter_mut()
        .find(|t| t.get("id").and_then(Item::as_str) == Some(arm))
}

/// Puts a block at the end of its list, and of the file.
fn append(document: &mut DocumentMut, list: &str, mut block: Table) -> Option<()> {
    block.set_position(None);
    let prefix = block.decor().prefix().and_then(|p| p.as_str()).unwrap_or_default();
    if !prefix.starts_with('\n') {
        let prefix = format!("\n{prefix}");
        block.decor_mut().set_prefix(prefix);
    }
    document
        .entry(list)
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()?
        .push(block);
    Some(())
}

/// Whether a path is one of a row.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once(".*.") {
        None => pattern == path,
        Some((list, keys)) => path
            .strip_prefix(list)
            .and_then(|p| p.strip_prefix('.'))
            .and_then(|p| p.strip_suffix(keys))
            .and_then(|p| p.strip_suffix('.'))
            .is_some_and(|id| !id.is_empty() && !id.contains('.')),
    }
}

fn walk<'t>(table: &'t dyn TableLike, keys: &str) -> Option<&'t Item> {
    match keys.split_once('.') {
        None => table.get(keys),
        Some((head, rest)) => walk(table.get(head)?.as_table_like()?, rest),
    }
}

fn walk_mut<'t>(table: &'t mut dyn TableLike, keys: &str) -> Option<&'t mut Item> {
    match keys.split_once('.') {
        None => table.get_mut(keys),
        Some((head, rest)) => walk_mut(table.get_mut(head)?.as_table_like_mut()?, rest),
    }
}

/// Makes the tables on the way to a field that only a base has, and the field itself.
fn reach(table: &mut dyn TableLike, keys: &str) -> Option<()> {
    match keys.split_once('.') {
        None => {
            if table.get(keys).is_none() {
                table.insert(keys, toml_edit::value(0));
            }
            Some(())
        }
        Some((head, rest)) => {
            if table.get(head).is_none() {
                // A value within a table, so that no heading can swallow what follows.
                let new = if rest.contains('.') {
                    Item::Table(Table::new())
                } else {
                    Item::Value(Value::InlineTable(Default::default()))
                };
                table.insert(head, new);
            }
            reach(table.get_mut(head)?.as_table_like_mut()?, rest)
        }
    }
}

/// Value of a field in the unit of its row, and the event it waits for; `None` if it is
/// written in a way that no slider understands.
fn read(item: &Item, row: &Row) -> Option<(f64, Option<String>)> {
    let value = item.as_value()?;
    let number = value.as_float().or_else(|| value.as_integer().map(|n| n as f64));
    if row.unit.is_empty() {
        let number = number.or_else(|| quantity::convert(value.as_str()?, "1").ok())?;
        return number.is_finite().then_some((number, None));
    }
    let text = value.as_str()?.trim();
    if row.moment && text.starts_with(|c: char| c.is_alphabetic()) {
        let (event, span) = match text.split_once('+') {
            Some((event, span)) => (event.trim(), quantity::convert(span.trim(), row.unit).ok()?),
            None if text.contains(" -") => return None,
            None => (text, 0.0),
        };
        return Some((tidy(span), Some(event.to_owned())));
    }
    Some((tidy(quantity::convert(text, row.unit).ok()?), None))
}

/// The value as the file will hold it.
fn write(old: &Item, row: &Row, value: f64) -> Value {
    let value = tidy(value);
    if row.unit.is_empty() {
        let whole = old.as_value().is_some_and(|v| v.as_integer().is_some());
        return if whole && value.fract() == 0.0 && value.abs() < 1e15 {
            Value::from(value as i64)
        } else {
            Value::from(value)
        };
    }
    let span = format!("{value} {}", row.unit);
    match read(old, row) {
        Some((_, Some(event))) => Value::from(format!("{event} + {span}")),
        _ => Value::from(span),
    }
}

/// Six digits: what a slider means, without what binary fractions add to it.
fn tidy(value: f64) -> f64 {
    // The text of a finite number can be read again.
    format!("{value:.5e}").parse::<f64>().unwrap_or(value) + 0.0
}

/// Changes a value and leaves what stands around it.
fn replace(slot: &mut Item, new: Value) {
    match slot {
        Item::Value(old) => {
            let decor = old.decor().clone();
            *old = new;
            *old.decor_mut() = decor;
        }
        other => *other = Item::Value(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "[pump]\nreservoir = { fill = \"18 mL\", concentration = \"2 mg/mL\" }\n\n# the usual dose\n[[programme]]\nid = \"maintenance\"\nat = \"0 d\"\nsimple_continuous = \"400 ug/day\" # per day\n";
    const OWN: &str = "extends = \"b.toml\" # the base\ntitle = \"x\"\n\n[[fault]]\nid = \"kink\"\nkind = \"catheter.kink\"\nat = \"1 d\"\nbore = 0.005   # nearly shut\n\n[[action]]\nid = \"repair\"\nat = \"kink.start + 2 d\"\nrepair = [\"kink\"]\n\n[[arm]]\nid = \"late\"\nset = { \"fault.kink.bore\" = 0.1 }\n\n[[arm]]\nid = \"none\"\nwithout = [\"kink\"]\n";

    fn sheets() -> Sheets {
        Sheets::new(OWN, &[BASE.to_owned()]).unwrap()
    }

    fn value(s: &Sheets, arm: &str, path: &str) -> Option<f64> {
        s.sliders(arm).into_iter().find(|k| k.path == path).map(|k| k.value)
    }

    #[test]
    fn sliders_show_what_each_arm_has() {
        let s = sheets();
        assert_eq!(value(&s, "", "fault.kink.bore"), Some(0.005));
        assert_eq!(value(&s, "late", "fault.kink.bore"), Some(0.1));
        assert_eq!(value(&s, "none", "fault.kink.bore"), None);
        assert_eq!(value(&s, "late", "fault.kink.at"), Some(24.0));
        assert_eq!(value(&s, "late", "action.repair.at"), Some(48.0));
        assert_eq!(value(&s, "", "programme.maintenance.simple_continuous"), Some(400.0));
        assert_eq!(value(&s, "", "pump.reservoir.concentration"), Some(2000.0));
        let label = s
            .sliders("")
            .into_iter()
            .find(|k| k.path == "action.repair.at")
            .unwrap()
            .label;
        assert_eq!(label, "time after kink.start");
    }

    #[test]
    fn a_move_changes_one_value_and_leaves_comments_and_layout() {
        let mut s = sheets();
        let slide = |path: &str, value: f64| Move::Slide {
            path: path.to_owned(),
            value,
        };
        s.make(&slide("fault.kink.bore", 0.02), "").unwrap();
        assert_eq!(s.text(), OWN.replace("bore = 0.005   #", "bore = 0.02   #"));
        s.make(&slide("action.repair.at", 30.0), "").unwrap();
        assert!(s.text().contains("at = \"kink.start + 30 h\""), "{}", s.text());
        // The arm has a value of its own, and that is what its slider moves.
        s.make(&slide("fault.kink.bore", 0.3), "late").unwrap();
        assert!(s.text().contains("\"fault.kink.bore\" = 0.3"), "{}", s.text());
        assert_eq!(value(&s, "", "fault.kink.bore"), Some(0.02));
    }

    #[test]
    fn what_only_the_base_has_is_copied_into_the_file() {
        let mut s = sheets();
        for (path, to) in [
            ("programme.maintenance.simple_continuous", 650.0),
            ("pump.reservoir.concentration", 500.0),
        ] {
            let change = Move::Slide {
                path: path.to_owned(),
                value: to,
            };
            s.make(&change, "").unwrap();
            assert_eq!(value(&s, "", path), Some(to));
        }
        let text = s.text();
        assert!(text.starts_with("extends = \"b.toml\" # the base\n"), "{text}");
        assert!(text.contains("# the usual dose"), "{text}");
        assert!(text.contains("simple_continuous = \"650 ug/day\" # per day"), "{text}");
        // Read again it says the same.
        let again = Sheets::new(&text, &[BASE.to_owned()]).unwrap();
        assert_eq!(again.sliders(""), s.sliders(""));
        assert_eq!(value(&again, "", "pump.reservoir.fill"), Some(18.0));
    }

    #[test]
    fn a_switch_writes_what_the_arm_leaves_out() {
        let mut s = sheets();
        let switch = |id: &str, on: bool| Move::Switch { id: id.to_owned(), on };
        s.make(&switch("repair", false), "late").unwrap();
        assert_eq!(s.without("late"), ["repair"]);
        s.make(&switch("repair", true), "late").unwrap();
        assert!(s.without("late").is_empty());
        s.make(&switch("kink", true), "none").unwrap();
        assert!(s.switches("none").iter().all(|b| b.on));

        let mut plain = Sheets::new("title = \"x\"\n[[fault]]\nid = \"a\"\n", &[]).unwrap();
        plain.make(&switch("a", false), "").unwrap();
        assert!(
            plain.text().contains("[[arm]]\nid = \"changed\"\nwithout = [\"a\"]"),
            "{}",
            plain.text()
        );
    }

    #[test]
    fn moves_that_cannot_be_made_say_why_and_change_nothing() {
        let mut s = sheets();
        let slide = |path: &str, value: f64| Move::Slide {
            path: path.to_owned(),
            value,
        };
        for (change, wanted) in [
            (slide("title", 1.0), "no slider"),
            (slide("fault.kink.at.more", 1.0), "no slider"),
            (slide("fault.leak.bore", 1.0), "form"),
            (slide("fault.kink.bore", f64::NAN), "number"),
            (
                Move::Switch {
                    id: "nobody".to_owned(),
                    on: true,
                },
                "no block",
            ),
        ] {
            let error = s.make(&change, "").unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        assert_eq!(s.text(), OWN);
        assert_eq!(Sheets::new("= 3", &[]).unwrap_err(), MoveError::NotToml);
    }

    #[test]
    fn every_row_of_the_table_has_a_unit_that_exists_and_ends_in_order() {
        for row in TABLE {
            assert!(row.low < row.high && row.step > 0.0, "{}", row.path);
            assert!(row.unit.is_empty() || quantity::is_unit(row.unit), "{}", row.path);
            assert!(!row.logarithmic || row.low > 0.0, "{}", row.path);
        }
    }
}
