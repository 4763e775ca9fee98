//! From what the grammar read to the syntax tree.
//!
//! The shape of what the grammar reads is known, so the builders below take the parts they know to be there; where one
//! is missing they yield nothing, and the statement is reported as unreadable.

use super::{Failure, Rule};
use crate::ast::{
    Addend, Argument, Call, Expert, Expression, ExpressionKind, Factor, Formal, ItemKind, Mixture, Name, NetBody,
    Order, Over, Selector, Set, Setting, Space, Table,
};
use crate::diagnostics::{MOST_OPERATORS, messages};
use crate::graph::{Operator, Role, Side, Value};
use crate::source::Span;
use pest::iterators::{Pair, Pairs};
use std::cell::{Cell, RefCell};

/// Builds one statement.
pub(super) struct Builder {
    /// Of the statement in the file.
    offset: usize,
    operators: Cell<usize>,
    failure: RefCell<Option<Failure>>,
}

impl Builder {
    pub(super) fn new(offset: usize) -> Self {
        Self { offset, operators: Cell::new(0), failure: RefCell::new(None) }
    }

    /// What was wrong with the statement beyond its grammar.
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
            Rule::objective_item => self.objective(parts),
            _ => None,
        }
    }

    fn objective(&self, parts: Parts<'_>) -> Option<ItemKind> {
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
                Rule::condition => condition = Some(self.name(Parts(part.into_inner()).skip_to(Rule::name)?)),
                _ => {}
            }
        }
        let (sign, side, variable) = (sign?, side?, variable?);
        Some(ItemKind::Objective(Addend { sign, scale, side, variable, parents, head, condition }))
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
            // Two words, with blanks of any kind between them.
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

    /// The clause after a statement.
    pub(super) fn over(&self, statement: &Pair<'_, Rule>) -> Option<Over> {
        let clause = statement.clone().into_inner().find(|part| part.as_rule() == Rule::for_clause)?;
        let span = self.span(&clause);
        let mut parts = Parts(clause.into_inner());
        let index = self.name(parts.skip_to(Rule::name)?);
        Some(Over { index, set: self.set(parts.skip_to(Rule::set)?)?, span })
    }

    fn set(&self, pair: Pair<'_, Rule>) -> Option<Set> {
        let mut parts = pair.into_inner();
        let first = parts.next()?;
        if first.as_rule() == Rule::list {
            return Some(Set::List(self.list(first)?));
        }
        let last = parts.find(|part| part.as_rule() == Rule::sum)?;
        Some(Set::Range(Box::new([self.expression(first)?, self.expression(last)?])))
    }

    fn list(&self, pair: Pair<'_, Rule>) -> Option<Vec<Expression>> {
        let sums = pair.into_inner().filter(|part| part.as_rule() == Rule::sum);
        sums.map(|sum| self.expression(sum)).collect()
    }

    fn table(&self, pair: Pair<'_, Rule>) -> Option<ItemKind> {
        let mut parts = Parts(pair.into_inner());
        let (name, index) = (self.name(parts.skip_to(Rule::name)?), self.name(parts.skip_to(Rule::name)?));
        let values = parts.0.find(|part| matches!(part.as_rule(), Rule::runs | Rule::list))?;
        if values.as_rule() == Rule::list {
            return Some(ItemKind::Table { name, index, values: Table::List(self.list(values)?) });
        }
        let runs = values.into_inner().filter(|part| part.as_rule() == Rule::run);
        let runs = runs.map(|run| {
            let mut sums = run.into_inner().filter(|part| part.as_rule() == Rule::sum);
            Some((self.expression(sums.next()?)?, self.expression(sums.next()?)?))
        });
        Some(ItemKind::Table { name, index, values: Table::Runs(runs.collect::<Option<_>>()?) })
    }

    fn indexed(&self, pair: Pair<'_, Rule>) -> Option<Name> {
        let mut parts = Parts(pair.into_inner());
        let mut name = self.name(parts.skip_to(Rule::name)?);
        if let Some(subscript) = parts.skip_to(Rule::subscript) {
            let selectors = subscript.into_inner().filter(|part| part.as_rule() == Rule::selector);
            name.subscript = selectors.map(|selector| self.selector(selector)).collect::<Option<_>>()?;
        }
        Some(name)
    }

    fn selector(&self, pair: Pair<'_, Rule>) -> Option<Selector> {
        let (mut order, mut values) = (None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::order => {
                    order = Some(match part.as_str() {
                        "<" => Order::Less,
                        "<=" => Order::AtMost,
                        ">" => Order::More,
                        _ => Order::AtLeast,
                    });
                }
                Rule::sum => values.push(self.expression(part)?),
                _ => {}
            }
        }
        let mut values = values.into_iter();
        Some(Selector { order, value: values.next()?, to: values.next() })
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

    /// The path in quotes, without them.
    fn rust(&self, pair: Pair<'_, Rule>) -> Option<Name> {
        let string = Parts(pair.into_inner()).skip_to(Rule::string)?;
        Some(Name::plain(string.as_str().trim_matches('"'), self.span(&string)))
    }

    fn factor(&self, mut parts: Parts<'_>) -> Option<ItemKind> {
        let side = parts.skip_to(Rule::side)?;
        let start = self.span(&side).start;
        let variable = self.indexed(parts.skip_to(Rule::indexed)?)?;
        let (mut parents, mut body, mut network, mut end) = (Vec::new(), None, None, start);
        let (mut experts, mut mixture) = (Vec::new(), None);
        for part in parts.0 {
            match part.as_rule() {
                Rule::parents => parents = self.names(part)?,
                Rule::close => end = self.span(&part).end,
                Rule::expression => body = Some(self.expression(part)?),
                Rule::network => network = Some(self.expression(part.into_inner().next()?)?),
                Rule::experts => {
                    let each = part.into_inner().filter(|part| part.as_rule() == Rule::expert);
                    experts = each.map(|expert| self.expert(expert)).collect::<Option<Vec<_>>>()?;
                    body = experts.first().map(|expert| expert.body.clone());
                }
                Rule::mixture => {
                    let (name, span) = (Name::plain("mixture", self.span(&part)), self.span(&part));
                    body = Some(Expression { kind: ExpressionKind::Call(Call { name, arguments: None }), span });
                    mixture = Some(self.mixture(part)?);
                }
                _ => {}
            }
        }
        let side = side_of(&side);
        Some(ItemKind::Factor(Factor {
            side,
            variable,
            parents,
            body: body?,
            experts,
            mixture,
            network,
            head: Span::new(start, end),
        }))
    }

    fn mixture(&self, pair: Pair<'_, Rule>) -> Option<Mixture> {
        let mut parts = Parts(pair.into_inner());
        let side = parts.skip_to(Rule::side)?;
        let mut head = self.span(&side);
        let variable = self.indexed(parts.skip_to(Rule::indexed)?)?;
        let mut values = Vec::new();
        for part in parts.0 {
            match part.as_rule() {
                Rule::stated => {
                    let mut parts = Parts(part.into_inner());
                    let name = self.indexed(parts.skip_to(Rule::indexed)?)?;
                    values.push((name, vec![self.expression(parts.skip_to(Rule::expression)?)?]));
                }
                Rule::close => head = head.to(self.span(&part)),
                _ => {}
            }
        }
        Some(Mixture { side: side_of(&side), variable, values, components: 0, head })
    }

    fn expert(&self, pair: Pair<'_, Rule>) -> Option<Expert> {
        let span = self.span(&pair);
        let (mut body, mut network) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::expression | Rule::call => body = Some(self.expression(part)?),
                Rule::network => network = Some(self.expression(part.into_inner().next()?)?),
                _ => {}
            }
        }
        Some(Expert { body: body?, network, span })
    }

    fn setting(&self, pair: Pair<'_, Rule>) -> Option<Setting> {
        let mut parts = Parts(pair.into_inner());
        let name = self.name(parts.skip_to(Rule::name)?);
        let literal = parts.skip_to(Rule::literal)?;
        let value_span = self.span(&literal);
        Some(Setting { name, value: self.literal(literal)?, value_span })
    }

    fn literal(&self, literal: Pair<'_, Rule>) -> Option<Value> {
        let mut negative = false;
        for part in literal.into_inner() {
            return Some(match part.as_rule() {
                Rule::minus => {
                    negative = true;
                    continue;
                }
                Rule::number => match self.number(&part) {
                    Value::Int(value) if negative => Value::Int(-value),
                    Value::Real(value) if negative => Value::Real(-value),
                    value => value,
                },
                Rule::name => word(part.as_str()),
                _ => continue,
            });
        }
        None
    }

    fn space(&self, pair: Pair<'_, Rule>) -> Option<Space> {
        let span = self.span(&pair);
        let mut parts = Parts(pair.into_inner());
        let name = self.name(parts.skip_to(Rule::name)?);
        let sizes = parts.0.filter(|part| part.as_rule() == Rule::sum);
        Some(Space { name, sizes: sizes.map(|size| self.expression(size)).collect::<Option<_>>()?, span })
    }

    /// An expression, a sum, a product or an operand: a chain of parts with signs between them.
    ///
    /// Recursion goes one round deeper with each bracket, whose nesting the layout bounds.
    fn expression(&self, pair: Pair<'_, Rule>) -> Option<Expression> {
        let (rule, span) = (pair.as_rule(), self.span(&pair));
        match rule {
            Rule::expression => {
                let stages = pair.into_inner().filter(|part| part.as_rule() != Rule::pipe);
                let mut stages: Vec<_> = stages.map(|stage| self.expression(stage)).collect::<Option<_>>()?;
                if stages.len() == 1 {
                    return stages.pop();
                }
                Some(Expression { kind: ExpressionKind::Pipeline(stages), span })
            }
            Rule::sum | Rule::product | Rule::scale => self.chain(pair.into_inner()),
            Rule::operand => self.operand(pair.into_inner(), span),
            Rule::group => {
                let inner = self.expression(Parts(pair.into_inner()).skip_to(Rule::expression)?)?;
                Some(Expression { kind: ExpressionKind::Group(Box::new(inner)), span })
            }
            Rule::learned => {
                let space = match Parts(pair.into_inner()).skip_to(Rule::space) {
                    Some(space) => Some(self.space(space)?),
                    None => None,
                };
                Some(Expression { kind: ExpressionKind::Learned(space), span })
            }
            Rule::call => Some(Expression { kind: ExpressionKind::Call(self.call(pair)?), span }),
            Rule::number => Some(Expression { kind: ExpressionKind::Number(self.number(&pair)), span }),
            _ => None,
        }
    }

    fn chain(&self, mut parts: Pairs<'_, Rule>) -> Option<Expression> {
        let mut left = self.expression(parts.next()?)?;
        while let Some(sign) = parts.next() {
            let operator = match sign.as_rule() {
                Rule::plus => Operator::Add,
                Rule::minus => Operator::Subtract,
                Rule::times => Operator::Multiply,
                _ => Operator::Divide,
            };
            let right = self.expression(parts.next()?)?;
            self.operators.set(self.operators.get() + 1);
            if self.operators.get() > MOST_OPERATORS {
                // Reported at the end; a deeper tree is not built.
                continue;
            }
            let span = left.span.to(right.span);
            left = Expression { kind: ExpressionKind::Binary(operator, Box::new(left), Box::new(right)), span };
        }
        Some(left)
    }

    fn operand(&self, mut parts: Pairs<'_, Rule>, span: Span) -> Option<Expression> {
        let first = parts.next()?;
        if first.as_rule() != Rule::minus {
            return self.expression(first);
        }
        let inner = self.expression(parts.next()?)?;
        Some(Expression { kind: ExpressionKind::Negate(Box::new(inner)), span })
    }

    fn call(&self, pair: Pair<'_, Rule>) -> Option<Call> {
        let mut parts = pair.into_inner();
        let name = self.indexed(parts.next()?)?;
        let Some(list) = parts.next() else { return Some(Call { name, arguments: None }) };
        let arguments = list.into_inner().filter(|part| part.as_rule() == Rule::argument);
        Some(Call { name, arguments: Some(arguments.map(|part| self.argument(part)).collect::<Option<_>>()?) })
    }

    fn argument(&self, pair: Pair<'_, Rule>) -> Option<Argument> {
        let mut name = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::label => name = Some(self.name(part)),
                Rule::expression => return Some(Argument { name, value: self.expression(part)? }),
                Rule::range => return Some(Argument { name, value: self.range(part)? }),
                _ => {}
            }
        }
        None
    }

    fn range(&self, pair: Pair<'_, Rule>) -> Option<Expression> {
        let span = self.span(&pair);
        let (mut ends, mut after) = ([None, None], 0);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::dots => after = 1,
                _ => ends[after] = Some(Box::new(self.expression(part)?)),
            }
        }
        let [from, to] = ends;
        Some(Expression { kind: ExpressionKind::Range(from, to), span })
    }

    fn number(&self, pair: &Pair<'_, Rule>) -> Value {
        let text = pair.as_str();
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            if let Ok(value) = text.parse() {
                return Value::Int(value);
            }
        } else if let Ok(value) = text.parse::<f64>()
            && value.is_finite()
        {
            return Value::Real(value);
        }
        let too_large = messages::number_too_large(self.span(pair));
        self.failure.borrow_mut().get_or_insert_with(|| Box::new(too_large));
        Value::Int(0)
    }

    fn name(&self, pair: Pair<'_, Rule>) -> Name {
        Name::plain(pair.as_str(), self.span(&pair))
    }

    /// In the file, without blanks after it.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let start = self.offset + pair.as_span().start();
        Span::new(start, start + pair.as_str().trim_end().len())
    }
}

fn side_of(pair: &Pair<'_, Rule>) -> Side {
    if pair.as_str() == "p" { Side::P } else { Side::Q }
}

/// A bare word as a value.
pub(crate) fn word(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::Word(text.to_owned()),
    }
}

/// The parts of what a rule read.
struct Parts<'a>(Pairs<'a, Rule>);

impl<'a> Parts<'a> {
    /// The next part that this rule read.
    fn skip_to(&mut self, rule: Rule) -> Option<Pair<'a, Rule>> {
        self.0.find(|part| part.as_rule() == rule)
    }
}
