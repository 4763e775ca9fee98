//! From the parse of the grammar to the syntax tree.
//!
//! The grammar guarantees the parts of each rule, so the builders below expect them. If a part were missing, they would
//! return `None`, and the statement would be reported as unreadable.

mod expressions;
mod factors;
mod indices;

use super::{Failure, Rule};
use crate::ast::{Addend, Expression, ExpressionKind, Formal, ItemKind, Name, NetBody};
use crate::diagnostics::{MOST_OPERATORS, messages};
use crate::graph::{Operator, Role, Side, Value};
use crate::source::Span;
use pest::iterators::{Pair, Pairs};
use std::cell::{Cell, RefCell};

/// Builds one statement.
pub(super) struct Builder {
    /// The offset of the statement in the file.
    offset: usize,
    operators: Cell<usize>,
    failure: RefCell<Option<Failure>>,
}

impl Builder {
    pub(super) fn new(offset: usize) -> Self {
        Self { offset, operators: Cell::new(0), failure: RefCell::new(None) }
    }

    /// Errors of the statement that the grammar does not detect.
    pub(super) fn finish(&self, statement: Span) -> Result<(), Failure> {
        if self.operators.get() > MOST_OPERATORS {
            return Err(Box::new(messages::too_many_operators(self.operators.get(), statement)));
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    pub(super) fn item(&self, pair: Pair<'_, Rule>) -> Option<ItemKind> {
        let rule = pair.as_rule();
        let mut parts = Parts(pair.into_inner());
        match rule {
            Rule::model_item => Some(ItemKind::Model(self.name(parts.skip_to(Rule::name)?))),
            Rule::param_item => match parts.0.find(|part| matches!(part.as_rule(), Rule::setting | Rule::table))? {
                part if part.as_rule() == Rule::setting => Some(ItemKind::Param(self.setting(part)?)),
                table => self.table(table),
            },
            Rule::index_item => {
                let name = self.name(parts.skip_to(Rule::name)?);
                Some(ItemKind::Index { name, set: self.set(parts.skip_to(Rule::set)?)? })
            }
            Rule::length_item => {
                let name = self.name(parts.skip_to(Rule::name)?);
                let value = parts.skip_to(Rule::literal).and_then(|literal| self.literal(literal));
                Some(ItemKind::Length { name, value })
            }
            Rule::checkpoint_item => {
                let index = self.name(parts.skip_to(Rule::name)?);
                Some(ItemKind::Checkpoint { index, every: self.expression(parts.skip_to(Rule::sum)?)? })
            }
            Rule::preset_item => {
                let name = self.name(parts.skip_to(Rule::name)?);
                let settings = parts.0.filter(|part| part.as_rule() == Rule::setting);
                Some(ItemKind::Preset {
                    name,
                    settings: settings.map(|part| self.setting(part)).collect::<Option<_>>()?,
                })
            }
            Rule::variables_item => self.variables(parts),
            Rule::net_item => self.net(parts),
            Rule::factor_item => self.factor(parts),
            Rule::let_item => {
                let name = self.indexed(parts.skip_to(Rule::indexed)?)?;
                Some(ItemKind::Let { name, value: self.expression(parts.skip_to(Rule::expression)?)? })
            }
            Rule::flow_item => {
                let name = self.indexed(parts.skip_to(Rule::indexed)?)?;
                Some(ItemKind::Flow { name, value: self.expression(parts.skip_to(Rule::expression)?)? })
            }
            Rule::learned_item => {
                let name = self.indexed(parts.skip_to(Rule::indexed)?)?;
                let space = self.space(parts.skip_to(Rule::space)?)?;
                let span = space.span;
                Some(ItemKind::Let { name, value: Expression { kind: ExpressionKind::Learned(Some(space)), span } })
            }
            Rule::bound_item => {
                let term = self.indexed(parts.skip_to(Rule::indexed)?)?;
                Some(ItemKind::Bound { term, estimator: self.name(parts.skip_to(Rule::name)?) })
            }
            Rule::draw_item => {
                let variable = self.indexed(parts.skip_to(Rule::indexed)?)?;
                Some(ItemKind::Draw { variable, method: self.call(parts.skip_to(Rule::call)?)? })
            }
            Rule::weight_item => {
                let term = self.indexed(parts.skip_to(Rule::indexed)?)?;
                Some(ItemKind::Weight { term, value: self.expression(parts.skip_to(Rule::sum)?)? })
            }
            Rule::objective_item => {
                let addends = parts.0.filter(|part| part.as_rule() == Rule::addend);
                let addends = addends.map(|part| self.addend(Parts(part.into_inner())));
                Some(ItemKind::Objective(addends.collect::<Option<_>>()?))
            }
            _ => None,
        }
    }

    fn addend(&self, parts: Parts<'_>) -> Option<Addend> {
        let (mut sign, mut scale, mut side, mut variable) = (None, None, None, None);
        let (mut parents, mut condition, mut head) = (Vec::new(), None, Span::default());
        for part in parts.0 {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::plus => sign = Some(Operator::Add),
                Rule::minus => sign = Some(Operator::Subtract),
                Rule::scale => scale = Some(self.expression(part)?),
                Rule::side => (side, head) = (Some(side_of(&part)), span),
                Rule::indexed => variable = Some(self.indexed(part)?),
                Rule::parents => parents = self.names(part)?,
                Rule::close => head = head.to(span),
                Rule::condition => condition = Some(self.indexed(Parts(part.into_inner()).skip_to(Rule::indexed)?)?),
                _ => {}
            }
        }
        let (sign, side, variable) = (sign?, side?, variable?);
        Some(Addend { sign, scale, side, variable, parents, head, condition })
    }

    /// The names of a list.
    fn names(&self, list: Pair<'_, Rule>) -> Option<Vec<Name>> {
        list.into_inner().filter(|part| part.as_rule() == Rule::indexed).map(|name| self.indexed(name)).collect()
    }

    fn variables(&self, mut parts: Parts<'_>) -> Option<ItemKind> {
        let role = match parts.skip_to(Rule::role)?.as_str() {
            "observed" => Role::Observed,
            "latent" => Role::Latent,
            "global" => Role::Global,
            "given" => Role::Given,
            // Two words, separated by any whitespace.
            _ => Role::Partly,
        };
        let mut names = Vec::new();
        for part in parts.0 {
            match part.as_rule() {
                Rule::indexed => names.push(self.indexed(part)?),
                Rule::space => return Some(ItemKind::Variables { role, names, space: self.space(part)? }),
                _ => {}
            }
        }
        None
    }

    fn net(&self, mut parts: Parts<'_>) -> Option<ItemKind> {
        let name = self.indexed(parts.skip_to(Rule::indexed)?)?;
        let (mut formals, mut output) = (Vec::new(), None);
        for part in parts.0 {
            let body = match part.as_rule() {
                Rule::formal => {
                    formals.push(self.formal(part)?);
                    continue;
                }
                Rule::space => {
                    output = Some(self.space(part)?);
                    continue;
                }
                Rule::rust => NetBody::Rust(self.rust(part)?),
                Rule::expression => NetBody::Expression(self.expression(part)?),
                _ => continue,
            };
            return Some(ItemKind::Net { name, formals, output, body });
        }
        None
    }

    fn formal(&self, pair: Pair<'_, Rule>) -> Option<Formal> {
        let mut parts = Parts(pair.into_inner());
        let name = self.name(parts.skip_to(Rule::name)?);
        let space = match parts.skip_to(Rule::space) {
            Some(space) => Some(self.space(space)?),
            None => None,
        };
        Some(Formal { name, space })
    }

    /// The path without its quotes.
    fn rust(&self, pair: Pair<'_, Rule>) -> Option<Name> {
        let string = Parts(pair.into_inner()).skip_to(Rule::string)?;
        Some(Name::plain(string.as_str().trim_matches('"'), self.span(&string)))
    }

    fn name(&self, pair: Pair<'_, Rule>) -> Name {
        Name::plain(pair.as_str(), self.span(&pair))
    }

    /// The span in the file, without trailing whitespace.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let start = self.offset + pair.as_span().start();
        Span::new(start, start + pair.as_str().trim_end().len())
    }
}

fn side_of(pair: &Pair<'_, Rule>) -> Side {
    if pair.as_str() == "p" { Side::P } else { Side::Q }
}

/// A single word as a value.
pub(crate) fn word(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::Word(text.to_owned()),
    }
}

/// The parts of a rule.
struct Parts<'a>(Pairs<'a, Rule>);

impl<'a> Parts<'a> {
    /// The next part with this rule.
    fn skip_to(&mut self, rule: Rule) -> Option<Pair<'a, Rule>> {
        self.0.find(|part| part.as_rule() == rule)
    }
}
