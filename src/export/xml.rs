//! XML and MathML, as much as SBML needs.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::decimal;

/// Namespace of the documents.
pub(super) const SBML: &str = "http://www.sbml.org/sbml/level3/version2/core";
const MATHML: &str = "http://www.w3.org/1998/Math/MathML";
const TIME: &str = "http://www.sbml.org/sbml/symbols/time";

/// An XML document in the making.
pub(super) struct Xml {
    writer: Writer<Vec<u8>>,
}

/// What a formula is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Math {
    /// A value by its id.
    Id(String),
    /// A number with the id of its unit.
    Number(f64, &'static str),
    /// Time.
    Time,
    /// A MathML function, such as `times`, of its arguments.
    Apply(&'static str, Vec<Math>),
}

impl Math {
    /// A value by its id.
    pub fn id(id: &str) -> Math {
        Math::Id(id.to_owned())
    }

    /// A sum, also of one term or none.
    pub fn sum(mut terms: Vec<Math>, unit: &'static str) -> Math {
        match terms.len() {
            0 => Math::Number(0.0, unit),
            1 => terms.remove(0),
            _ => Math::Apply("plus", terms),
        }
    }

    /// A product.
    pub fn product(one: Math, other: Math) -> Math {
        Math::Apply("times", vec![one, other])
    }
}

impl Xml {
    /// Begins a document.
    pub fn new() -> io::Result<Xml> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        Ok(Xml { writer })
    }

    /// An element with attributes and what stands in it.
    pub fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        inside: impl FnOnce(&mut Xml) -> io::Result<()>,
    ) -> io::Result<()> {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.writer.write_event(Event::Start(start))?;
        inside(self)?;
        self.writer.write_event(Event::End(BytesEnd::new(name)))
    }

    /// An element with attributes and nothing in it.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.writer.write_event(Event::Empty(start))
    }

    /// An element that holds text.
    pub fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
        self.element(name, attributes, |x| {
            x.writer.write_event(Event::Text(BytesText::new(text)))
        })
    }

    /// Notes of paragraphs.
    pub fn notes(&mut self, lines: &[String]) -> io::Result<()> {
        self.element("notes", &[], |x| {
            x.element("body", &[("xmlns", "http://www.w3.org/1999/xhtml")], |x| {
                lines.iter().try_for_each(|line| x.text("p", &[], line))
            })
        })
    }

    /// A formula.
    pub fn math(&mut self, formula: &Math) -> io::Result<()> {
        self.element("math", &[("xmlns", MATHML), ("xmlns:sbml", SBML)], |x| x.term(formula))
    }

    fn term(&mut self, formula: &Math) -> io::Result<()> {
        match formula {
            Math::Id(id) => self.text("ci", &[], id),
            Math::Number(value, unit) => self.text("cn", &[("sbml:units", unit)], &decimal(*value)),
            Math::Time => self.text("csymbol", &[("encoding", "text"), ("definitionURL", TIME)], "t"),
            Math::Apply(function, terms) => self.element("apply", &[], |x| {
                x.empty(function, &[])?;
                terms.iter().try_for_each(|t| x.term(t))
            }),
        }
    }

    /// The finished text.
    pub fn finish(self) -> io::Result<String> {
        let mut text = String::from_utf8(self.writer.into_inner()).map_err(io::Error::other)?;
        text.push('\n');
        Ok(text)
    }
}
