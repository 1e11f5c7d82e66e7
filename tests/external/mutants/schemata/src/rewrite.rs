//! One file with all its mutants in it, chosen at run time.
//!
//! The text is spliced, not printed anew: what has no mutant stays as it was written, and an error
//! of the compiler can be charged to the mutant whose text it is about.
//!
//! An operator keeps its operands: the second `-` of `a - b - c` becomes `/` as `(a - b) / c`.
//! cargo-mutants exchanges the sign alone, which makes it `a - (b / c)`; of such a mutant, where the
//! replacement binds otherwise than what it replaces, the two may judge differently.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use anyhow::Result;
use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::list::{Genre, Mutant, Place};

/// Number of a mutant; 0 is none.
pub type Id = u32;
type Bytes = Range<usize>;
type Alternatives = Vec<(Id, String)>;

/// What says at run time which mutant is meant; [`crate::check`] puts it into the library.
const CHOSEN: &str = "crate::schemata_mutant()";

/// A file and the places in it that have mutants.
pub struct Source {
    text: String,
    /// Outer before inner, in the order of the text.
    nodes: Vec<Node>,
    /// Mutants whose place was not found, or cannot be chosen at run time.
    pub unplaced: Vec<Id>,
}

struct Node {
    range: Bytes,
    edit: Edit,
}

enum Edit {
    Binary {
        left: Bytes,
        right: Bytes,
        operator: String,
        others: Alternatives,
    },
    Unary {
        operand: Bytes,
        operator: String,
        id: Id,
    },
    /// The statements of a function.
    Body {
        values: Alternatives,
    },
    /// What stands between the pattern of an arm and its arrow.
    Guard {
        guard: Option<Bytes>,
        deletion: Option<Id>,
        others: Alternatives,
    },
    Field {
        name: String,
        value: Bytes,
        base: Bytes,
        id: Id,
    },
    /// What is matched on; it stays, but is where a missing arm is complained of.
    Scrutinee {
        deletions: Vec<Id>,
    },
}

/// A file as the compiler gets it.
pub struct Rewritten {
    pub text: String,
    pub marks: Vec<Mark>,
}

/// Whose text a stretch of a rewritten file is.
pub struct Mark {
    pub range: Bytes,
    pub kind: Kind,
    pub ids: Vec<Id>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Edit,
    Scrutinee,
    Function,
}

impl Source {
    /// Finds the places of a file's mutants.
    pub fn parse(text: String, mutants: &[(Id, &Mutant)]) -> Result<Source> {
        let mut wanted: BTreeMap<_, Alternatives> = BTreeMap::new();
        for (id, mutant) in mutants {
            let key = (mutant.genre, mutant.span.start);
            wanted.entry(key).or_default().push((*id, mutant.replacement.clone()));
        }
        let file = syn::parse_file(&text)?;
        let mut finder = Finder {
            text: &text,
            wanted,
            nodes: Vec::new(),
            beyond: Vec::new(),
        };
        finder.visit_file(&file);
        let Finder {
            wanted,
            mut nodes,
            beyond,
            ..
        } = finder;
        // Stable, so that of two of the same extent the outer one, seen first, stays first.
        nodes.sort_by_key(|node| (node.range.start, Reverse(node.range.end)));
        let unplaced = wanted.into_values().flatten().map(|(id, _)| id).chain(beyond).collect();
        Ok(Source { text, nodes, unplaced })
    }

    /// The file with all its mutants but the dropped ones.
    pub fn render(&self, dropped: &BTreeSet<Id>) -> Rewritten {
        let mut writer = Writer {
            source: self,
            dropped,
            out: String::new(),
            marks: Vec::new(),
        };
        writer.copy(0..self.text.len(), 0);
        Rewritten {
            text: writer.out,
            marks: writer.marks,
        }
    }
}

struct Finder<'a> {
    text: &'a str,
    wanted: BTreeMap<(Genre, Place), Alternatives>,
    nodes: Vec<Node>,
    /// Found, but not to be had here.
    beyond: Vec<Id>,
}

impl Finder<'_> {
    fn take(&mut self, genre: Genre, span: Span) -> Alternatives {
        let start = span.start();
        let place = Place {
            line: start.line,
            column: start.column + 1,
        };
        self.wanted.remove(&(genre, place)).unwrap_or_default()
    }

    fn push(&mut self, range: Bytes, edit: Edit) {
        self.nodes.push(Node { range, edit });
    }

    fn text_of(&self, span: Span) -> String {
        self.text[span.byte_range()].to_owned()
    }

    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        // Nothing can be chosen at run time where the compiler computes.
        if signature.constness.is_some() {
            return;
        }
        if let Some(first) = block.stmts.first() {
            let opaque = self.text_of(signature.output.span()).contains("impl ");
            // A value of another type than the hidden one makes the hidden one ambiguous.
            let values = if opaque {
                Vec::new()
            } else {
                self.take(Genre::FnValue, first.span())
            };
            let end = block.brace_token.span.close().byte_range().start;
            self.push(first.span().byte_range().start..end, Edit::Body { values });
        }
        self.visit_block(block);
    }

    fn arm(&mut self, arm: &syn::Arm) -> Option<Id> {
        let guard = arm.guard.as_ref().map(|(_, guard)| guard);
        if guard.is_some_and(|guard| has_let(guard)) {
            return None;
        }
        let others = guard
            .map(|guard| self.take(Genre::MatchArmGuard, guard.span()))
            .unwrap_or_default();
        let deletion = self.take(Genre::MatchArm, arm.span()).first().map(|(id, _)| *id);
        if deletion.is_some() || !others.is_empty() {
            let range = arm.pat.span().byte_range().end..arm.fat_arrow_token.span().byte_range().start;
            let guard = guard.map(|guard| guard.span().byte_range());
            self.push(
                range,
                Edit::Guard {
                    guard,
                    deletion,
                    others,
                },
            );
        }
        deletion
    }
}

/// Whether a condition binds names, so that it cannot move into a block of its own.
fn has_let(condition: &syn::Expr) -> bool {
    match condition {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.body(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.body(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.body(&item.sig, block);
        }
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        if !has_let(&binary.left) && !has_let(&binary.right) {
            let mut others = self.take(Genre::BinaryOperator, binary.op.span());
            if let syn::BinOp::And(_) | syn::BinOp::Or(_) = binary.op {
                // Only the opposite can be had without a second copy of the operands.
                let (opposite, rest) = others
                    .into_iter()
                    .partition(|(_, other)| other == "&&" || other == "||");
                others = opposite;
                self.beyond.extend(rest.into_iter().map(|(id, _): (Id, String)| id));
            }
            if !others.is_empty() {
                let (left, right) = (binary.left.span().byte_range(), binary.right.span().byte_range());
                let operator = self.text_of(binary.op.span());
                self.push(
                    binary.span().byte_range(),
                    Edit::Binary {
                        left,
                        right,
                        operator,
                        others,
                    },
                );
            }
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        if let Some((id, _)) = self.take(Genre::UnaryOperator, unary.op.span()).pop() {
            let (operand, operator) = (unary.expr.span().byte_range(), self.text_of(unary.op.span()));
            self.push(unary.span().byte_range(), Edit::Unary { operand, operator, id });
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let deletions: Vec<Id> = expression.arms.iter().filter_map(|arm| self.arm(arm)).collect();
        if !deletions.is_empty() {
            self.push(expression.expr.span().byte_range(), Edit::Scrutinee { deletions });
        }
        visit::visit_expr_match(self, expression);
    }

    fn visit_expr_struct(&mut self, literal: &'ast syn::ExprStruct) {
        if let Some(base) = &literal.rest {
            for field in &literal.fields {
                if let Some((id, _)) = self.take(Genre::StructField, field.span()).pop() {
                    let (name, value) = (self.text_of(field.member.span()), field.expr.span().byte_range());
                    let base = base.span().byte_range();
                    self.push(field.span().byte_range(), Edit::Field { name, value, base, id });
                }
            }
        }
        visit::visit_expr_struct(self, literal);
    }

    // What follows is computed by the compiler, or is no expression: nothing in it can be chosen.
    fn visit_expr_repeat(&mut self, array: &'ast syn::ExprRepeat) {
        self.visit_expr(&array.expr);
    }
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_item_enum(&mut self, _: &'ast syn::ItemEnum) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
}

struct Writer<'a> {
    source: &'a Source,
    dropped: &'a BTreeSet<Id>,
    out: String,
    marks: Vec<Mark>,
}

impl Writer<'_> {
    /// Copies a stretch of the source; `from` is the first node that may lie in it.
    fn copy(&mut self, range: Bytes, from: usize) {
        let source = self.source;
        let (mut at, mut index) = (range.start, from);
        while let Some(node) = source.nodes.get(index).filter(|node| node.range.start < range.end) {
            if node.range.start < at || node.range.end > range.end {
                index += 1;
                continue;
            }
            self.out.push_str(&source.text[at..node.range.start]);
            self.node(node, index + 1);
            at = node.range.end;
            index += 1;
        }
        self.out.push_str(&source.text[at..range.end]);
    }

    fn node(&mut self, node: &Node, inner: usize) {
        let start = self.out.len();
        let (kind, ids) = match &node.edit {
            Edit::Body { values } => {
                let values = self.kept(values);
                for (id, value) in &values {
                    self.marked(&[*id], &format!("if {CHOSEN} == {id} {{ return {value}; }} "));
                }
                self.copy(node.range.clone(), inner);
                (Kind::Function, ids(&values))
            }
            Edit::Scrutinee { deletions } => {
                self.copy(node.range.clone(), inner);
                (
                    Kind::Scrutinee,
                    deletions
                        .iter()
                        .copied()
                        .filter(|id| !self.dropped.contains(id))
                        .collect(),
                )
            }
            Edit::Binary {
                left,
                right,
                operator,
                others,
            } => {
                let others = self.kept(others);
                if !self.binary(left, right, operator, &others, inner) {
                    return self.copy(node.range.clone(), inner);
                }
                (Kind::Edit, ids(&others))
            }
            Edit::Unary { operand, operator, id } => {
                if self.dropped.contains(id) {
                    return self.copy(node.range.clone(), inner);
                }
                self.out.push_str("(match (");
                self.copy(operand.clone(), inner);
                self.out.push_str(&format!(
                    ") {{ __v => if {CHOSEN} == {id} {{ __v }} else {{ {operator} __v }} }})"
                ));
                (Kind::Edit, vec![*id])
            }
            Edit::Field { name, value, base, id } => {
                if self.dropped.contains(id) {
                    return self.copy(node.range.clone(), inner);
                }
                // One mutant at a time: what is taken from the base needs none of its own.
                let base = &self.source.text[base.clone()];
                self.out
                    .push_str(&format!("{name}: (if {CHOSEN} == {id} {{ ({base}).{name} }} else {{ "));
                self.copy(value.clone(), inner);
                self.out.push_str(" })");
                (Kind::Edit, vec![*id])
            }
            Edit::Guard {
                guard,
                deletion,
                others,
            } => {
                let others = self.kept(others);
                let deletion = deletion.filter(|id| !self.dropped.contains(id));
                if others.is_empty() && deletion.is_none() {
                    return self.copy(node.range.clone(), inner);
                }
                self.guard(guard.as_ref(), deletion, &others, inner);
                (Kind::Edit, ids(&others).into_iter().chain(deletion).collect())
            }
        };
        self.marks.push(Mark {
            range: start..self.out.len(),
            kind,
            ids,
        });
    }

    /// Writes an operator and what it may become; `false` if nothing is left of that.
    fn binary(&mut self, left: &Bytes, right: &Bytes, operator: &str, others: &Alternatives, inner: usize) -> bool {
        if others.is_empty() {
            return false;
        }
        // What is in brackets here and below keeps its operands in one place, evaluated once.
        let (open, between, close, compare, sides) = match operator {
            "&&" | "||" => {
                let same = if operator == "&&" { "!=" } else { "==" };
                self.out.push_str("({ let __l: bool = ");
                self.copy(left.clone(), inner);
                self.out
                    .push_str(&format!("; if __l {same} ({CHOSEN} == {}) {{ ", others[0].0));
                self.copy(right.clone(), inner);
                self.out.push_str(" } else { __l } })");
                return true;
            }
            "==" | "!=" | "<" | "<=" | ">" | ">=" => ("(match (&(", "), &(", ")) { (__l, __r)", "*", [left, right]),
            // The right-hand side comes first, as it does for numbers: it may read what the left borrows.
            _ if operator.ends_with('=') => ("(match (", ") { __r => match &mut (", ") { __l", "=", [right, left]),
            _ => ("(match ((", "), (", ")) { (__l, __r)", "", [left, right]),
        };
        self.out.push_str(open);
        self.copy(sides[0].clone(), inner);
        self.out.push_str(between);
        self.copy(sides[1].clone(), inner);
        self.out.push_str(close);
        self.out.push_str(&format!(" => match {CHOSEN} {{ "));
        let (l, r) = match compare {
            "*" => ("*__l", "*__r"),
            "=" => ("*__l", "__r"),
            _ => ("__l", "__r"),
        };
        for (id, other) in others {
            self.marked(&[*id], &format!("{id} => {l} {other} {r}, "));
        }
        self.out.push_str(&format!("_ => {l} {operator} {r} }} }}"));
        self.out.push_str(if compare == "=" { " })" } else { ")" });
        true
    }

    fn guard(&mut self, guard: Option<&Bytes>, deletion: Option<Id>, others: &Alternatives, inner: usize) {
        self.out.push_str(" if ");
        if let Some(id) = deletion {
            self.marked(&[id], &format!("{CHOSEN} != {id}"));
        }
        if let Some(guard) = guard {
            self.out
                .push_str(if deletion.is_some() { " && (match " } else { "(match " });
            self.out.push_str(&format!("{CHOSEN} {{ "));
            for (id, other) in others {
                self.marked(&[*id], &format!("{id} => {other}, "));
            }
            self.out.push_str("_ => (");
            self.copy(guard.clone(), inner);
            self.out.push_str(") })");
        }
        self.out.push(' ');
    }

    fn kept(&self, all: &Alternatives) -> Alternatives {
        all.iter()
            .filter(|(id, _)| !self.dropped.contains(id))
            .cloned()
            .collect()
    }

    fn marked(&mut self, ids: &[Id], text: &str) {
        let start = self.out.len();
        self.out.push_str(text);
        self.marks.push(Mark {
            range: start..self.out.len(),
            kind: Kind::Edit,
            ids: ids.to_vec(),
        });
    }
}

fn ids(alternatives: &Alternatives) -> Vec<Id> {
    alternatives.iter().map(|(id, _)| *id).collect()
}
