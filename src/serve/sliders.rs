//! Sliders and switches of a scenario: which fields of a file may be moved, between which
//! ends, and how a move is written into its text.
//!
//! A move changes the text of the file and nothing else, comments and layout stay. So what is
//! shared is what was run. Which fields have sliders says [`TABLE`]; a field without a row
//! there is changed in the text itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TableLike, Value};

pub use super::rows::{Row, TABLE};
use crate::quantity;

/// Lists whose blocks have sliders and switches, in the order in which they are shown.
const LISTS: [&str; 4] = ["fault", "programme", "action", "care"];

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

/// A block of a list, in the sheet of this number.
struct Block<'s> {
    id: &'s str,
    number: usize,
    table: &'s Table,
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

    /// Number of arms that the file makes: those listed, times the cells of `[matrix]`.
    pub fn arms(&self) -> usize {
        let sheets = || (0..=self.bases.len()).map(|number| self.sheet(number));
        let listed = sheets().find_map(|sheet| match sheet.get("arm")? {
            Item::ArrayOfTables(arms) => Some(arms.len()),
            item => item.as_array().map(Array::len),
        });
        // A base's factors stay beside those of the file, unless it gives the same anew.
        let mut factors = BTreeMap::new();
        for sheet in sheets() {
            if let Some(table) = sheet.get("matrix").and_then(Item::as_table_like) {
                gather(table, "", &mut factors);
            }
        }
        factors
            .values()
            .fold(listed.unwrap_or(0).max(1), |n, values| n.saturating_mul(*values))
    }

    fn sheet(&self, number: usize) -> &Table {
        match number.checked_sub(1) {
            None => self.own.as_table(),
            Some(base) => self.bases[base].as_table(),
        }
    }

    /// Blocks of a list, base first, each as the nearest sheet has it.
    fn blocks(&self, list: &str) -> Vec<Block<'_>> {
        let mut out: Vec<Block<'_>> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for number in (0..=self.bases.len()).rev() {
            let Some(tables) = self.sheet(number).get(list).and_then(Item::as_array_of_tables) else {
                continue;
            };
            for table in tables {
                let Some(id) = table.get("id").and_then(Item::as_str) else {
                    continue;
                };
                let block = Block { id, number, table };
                match places.get(id) {
                    // An id that one sheet has twice is told by the loader; the first counts here.
                    Some(&place) if out[place].number == number => {}
                    Some(&place) => out[place] = block,
                    None => {
                        places.insert(id, out.len());
                        out.push(block);
                    }
                }
            }
        }
        out
    }

    fn block(&self, list: &str, id: &str) -> Option<Block<'_>> {
        self.blocks(list).into_iter().find(|b| b.id == id)
    }

    fn arm(&self, arm: &str) -> Option<&Table> {
        self.own
            .get("arm")?
            .as_array_of_tables()?
            .iter()
            .find(|t| t.get("id").and_then(Item::as_str) == Some(arm))
    }

    /// Ids that an arm leaves out.
    fn without(&self, arm: &str) -> BTreeSet<&str> {
        let list = self.arm(arm).and_then(|a| a.get("without")?.as_array());
        list.into_iter().flatten().filter_map(|v| v.as_str()).collect()
    }

    /// Fields that an arm changes.
    fn set(&self, arm: &str) -> Option<&dyn TableLike> {
        self.arm(arm)?.get("set")?.as_table_like()
    }

    /// The value of a field as an arm has it, and where that is decided.
    fn find(&self, path: &str, arm: &str) -> Option<(&Item, Seat)> {
        if let Some(item) = self.set(arm).and_then(|set| set.get(path)) {
            return Some((item, Seat::Arm(path.to_owned())));
        }
        let (list, rest) = path.split_once('.')?;
        if LISTS.contains(&list) {
            let (id, keys) = rest.split_once('.')?;
            let block = self.block(list, id)?;
            return Some((walk(block.table, keys)?, Seat::Block(block.number)));
        }
        (0..=self.bases.len()).find_map(|number| Some((walk(self.sheet(number), path)?, Seat::Block(number))))
    }

    /// The sliders of an arm, those of faults first.
    pub fn sliders(&self, arm: &str) -> Vec<Slider> {
        let gone = self.without(arm);
        let set = self.set(arm);
        let mut out = Vec::new();
        let mut offer = |path: String, group: &str, row: &Row, item: Option<&Item>| {
            let Some(item) = item else { return };
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
            // Each block is looked up once: a file may have thousands.
            for Block { id, table, .. } in self.blocks(list) {
                if gone.contains(id) {
                    continue;
                }
                for row in TABLE {
                    if let Some(keys) = row.path.strip_prefix(list).and_then(|p| p.strip_prefix(".*.")) {
                        let path = format!("{list}.{id}.{keys}");
                        let item = set.and_then(|set| set.get(&path)).or_else(|| walk(table, keys));
                        offer(path, id, row, item);
                    }
                }
            }
        }
        for row in TABLE.iter().filter(|r| !r.path.contains('*')) {
            let item = self.find(row.path, arm).map(|(item, _)| item);
            offer(row.path.to_owned(), "pump", row, item);
        }
        out
    }

    /// The switches of an arm. The only programme of a patient has none.
    pub fn switches(&self, arm: &str) -> Vec<Switch> {
        let gone = self.without(arm);
        let mut out = Vec::new();
        for list in LISTS {
            for Block { id, table, .. } in self.blocks(list) {
                let word = ["kind", "policy"].iter().find_map(|k| table.get(k)?.as_str());
                let verb = || {
                    let keys = table.iter().map(|(k, _)| k);
                    keys.filter(|k| !["id", "at", "when", "unless", "prescribed"].contains(k))
                        .last()
                        .unwrap_or(list)
                };
                out.push(Switch {
                    on: !gone.contains(id),
                    kind: word.unwrap_or_else(verb).replace('_', " "),
                    list,
                    id: id.to_owned(),
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
                        let copy = self.block(list, id).ok_or_else(by_hand)?.table.clone();
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
        let known = LISTS.iter().any(|list| self.block(list, id).is_some());
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

/// Numbers of values of the factors in a matrix.
fn gather(table: &dyn TableLike, prefix: &str, out: &mut BTreeMap<String, usize>) {
    for (key, item) in table.iter() {
        let name = format!("{prefix}.{key}");
        let values = |item: &Item| item.as_array().map(Array::len);
        match item.as_table_like() {
            Some(inner) if inner.get("values").is_some() => {
                out.entry(name)
                    .or_insert(inner.get("values").and_then(values).unwrap_or(1));
            }
            Some(inner) => gather(inner, &name, out),
            None => {
                out.entry(name).or_insert(values(item).unwrap_or(1));
            }
        }
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
        assert_eq!(s.without("late"), BTreeSet::from(["repair"]));
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
