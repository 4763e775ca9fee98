//! Expands a statement at given values of its indices.

use super::members::Definitions;
use super::sets::mentions;
use super::{At, Unroller, member_name};
use crate::ast::{
    Addend, Argument, Call, Expert, Expression, ExpressionKind, Factor, Item, ItemKind, Mixture, Name, NetBody, Over,
    Space,
};
use crate::catalog;
use crate::diagnostics::messages;
use crate::graph::Value;

impl Unroller<'_> {
    /// The statement once for each of its members.
    pub(super) fn member(&mut self, definition: &Definitions<'_>) -> Vec<Item> {
        let item = definition.item;
        let mut all = Vec::with_capacity(definition.at.len());
        for at in &definition.at {
            if let Some(kind) = self.kind(definition, at) {
                all.push(Item { docs: item.docs.clone(), kind, over: None, span: item.span });
            }
        }
        all
    }

    fn kind(&mut self, definition: &Definitions<'_>, at: &At) -> Option<ItemKind> {
        Some(match &definition.item.kind {
            ItemKind::Variables { role, names, space } => {
                let names = names.iter().map(|name| self.defined(definition, name, at)).collect::<Option<_>>()?;
                ItemKind::Variables { role: *role, names, space: self.space(space, at)? }
            }
            ItemKind::Net { name, formals, output, body } => {
                let output = match output {
                    Some(space) => Some(self.space(space, at)?),
                    None => None,
                };
                let body = match body {
                    NetBody::Expression(expression) => NetBody::Expression(self.expression(expression, at)?),
                    NetBody::Rust(path) => NetBody::Rust(path.clone()),
                };
                ItemKind::Net { name: self.defined(definition, name, at)?, formals: formals.clone(), output, body }
            }
            ItemKind::Let { name, value } => {
                ItemKind::Let { name: self.defined(definition, name, at)?, value: self.expression(value, at)? }
            }
            ItemKind::Flow { name, value } => {
                ItemKind::Flow { name: self.defined(definition, name, at)?, value: self.flow(value, at)? }
            }
            ItemKind::Factor(factor) => ItemKind::Factor(self.factor(definition, factor, at)?),
            ItemKind::Bound { term, estimator } => {
                ItemKind::Bound { term: self.one(term, at)?, estimator: estimator.clone() }
            }
            ItemKind::Weight { term, value } => {
                ItemKind::Weight { term: self.one(term, at)?, value: self.expression(value, at)? }
            }
            ItemKind::Objective(addends) => {
                ItemKind::Objective(addends.iter().map(|addend| self.addend(addend, at)).collect::<Option<_>>()?)
            }
            ItemKind::Draw { variable, method } => {
                ItemKind::Draw { variable: self.one(variable, at)?, method: self.call(method, at)? }
            }
            other => other.clone(),
        })
    }

    fn addend(&mut self, addend: &Addend, at: &At) -> Option<Addend> {
        let scale = match &addend.scale {
            Some(scale) => Some(self.expression(scale, at)?),
            None => None,
        };
        let parents = self.parents(&addend.parents, at)?;
        let condition = match &addend.condition {
            Some(name) => Some(self.one(name, at)?),
            None => None,
        };
        Some(Addend { variable: self.one(&addend.variable, at)?, scale, parents, condition, ..addend.clone() })
    }

    fn factor(&mut self, definition: &Definitions<'_>, factor: &Factor, at: &At) -> Option<Factor> {
        let names = std::iter::once(&factor.variable).chain(&factor.parents);
        if names.filter(|name| !self.has_index(name)).count() > 0 {
            return None;
        }
        let variable = self.one(&factor.variable, at)?;
        let path = self.path(definition, &factor.variable, at);
        let side = factor.side.name();
        self.paths.insert(format!("{side}({})", variable.text), format!("{side}_{path}"));
        let parents = self.parents(&factor.parents, at)?;
        let network = match &factor.network {
            Some(network) => Some(self.expression(network, at)?),
            None => None,
        };
        let each = self.parts(definition.item.over.as_ref(), at)?;
        let experts = self.experts(&factor.experts, &each)?;
        // Among several distributions, the first reads the clause's index as the others do.
        let body = match experts.first() {
            Some(first) => first.body.clone(),
            None => self.expression(&factor.body, at)?,
        };
        let mixture = match &factor.mixture {
            Some(mixture) => {
                let components = definition.item.over.as_ref().map_or(0, |_| each.len());
                Some(Mixture { components, ..self.mixture(mixture, &each, at)? })
            }
            None => None,
        };
        let (side, joint, head) = (factor.side, factor.joint, factor.head);
        Some(Factor { side, variable, parents, body, experts, joint, mixture, network, head })
    }

    /// The values of the indices in each part of a factor's right side. The clause of a statement ranges over the parts
    /// unless its index is that of the factor's variable.
    fn parts(&mut self, over: Option<&Over>, at: &At) -> Option<Vec<At>> {
        let Some(over) = over.filter(|over| !at.contains_key(&over.index.text)) else { return Some(vec![at.clone()]) };
        let with = |value| at.iter().map(|(name, at)| (name.clone(), *at)).chain([(over.index.text.clone(), value)]);
        Some(self.set(&over.set, at)?.into_iter().map(|value| with(value).collect::<At>()).collect())
    }

    /// Experts, each repeated for every part. One that does not depend on the clause's index stands once.
    fn experts(&mut self, stated: &[Expert], each: &[At]) -> Option<Vec<Expert>> {
        let mut all = Vec::new();
        for expert in stated {
            let mut parts = each.iter().map(|at| self.expert(expert, at)).collect::<Option<Vec<_>>>()?;
            parts.dedup();
            all.extend(parts);
        }
        Some(all)
    }

    /// A mixture, with each of its values repeated for every value of the clause's index.
    fn mixture(&mut self, mixture: &Mixture, each: &[At], at: &At) -> Option<Mixture> {
        let mut values: Vec<(Name, Vec<Expression>)> = Vec::new();
        for (name, stated) in &mixture.values {
            let all = stated.iter().flat_map(|one| each.iter().map(move |at| (one, at)));
            let all = all.map(|(one, at)| self.expression(one, at)).collect::<Option<_>>()?;
            values.push((self.one(name, at)?, all));
        }
        Some(Mixture { variable: self.one(&mixture.variable, at)?, values, ..mixture.clone() })
    }

    /// The parents of a factor. A value among variables (`let z[0] = …` below `z[t - 1]`) is not a parent, because the
    /// parents are the variables that the value reads. Of `v[i], v[j]`, one parent is left where i and j are equal.
    fn parents(&mut self, names: &[Name], at: &At) -> Option<Vec<Name>> {
        let (mut parents, mut stated): (Vec<Name>, Vec<&Name>) = (Vec::new(), Vec::new());
        for name in names {
            if let Some((first, last)) = self.run(name, at) {
                parents.push(Name::run(&name.text, first, last, name.span));
                stated.push(name);
                continue;
            }
            for member in self.several(name, at)? {
                let is_before =
                    |(parent, other): (&Name, &&Name)| parent.text == member.text && differ(name, other, at);
                let meets = at.len() > 1 && parents.iter().zip(&stated).any(is_before);
                if !meets && !self.values.contains(&member.text) {
                    parents.push(member);
                    stated.push(name);
                }
            }
        }
        Some(parents)
    }

    fn expert(&mut self, expert: &Expert, at: &At) -> Option<Expert> {
        let network = match &expert.network {
            Some(network) => Some(self.expression(network, at)?),
            None => None,
        };
        let product = expert.product.iter().map(|expert| self.expert(expert, at)).collect::<Option<_>>()?;
        Some(Expert { body: self.expression(&expert.body, at)?, network, product, span: expert.span })
    }

    /// A member that this statement defines, with the path of its parameters.
    fn defined(&mut self, definition: &Definitions<'_>, name: &Name, at: &At) -> Option<Name> {
        let member = self.one(name, at)?;
        if !name.subscript.is_empty() {
            let path = self.path(definition, name, at);
            self.paths.insert(member.text.clone(), path);
        }
        for selector in &name.subscript {
            if definition.shares(self, &selector.value)
                && let Some(step) = self.try_whole(&selector.value, at)
            {
                self.steps.insert(member.text.clone(), step);
            }
        }
        Some(member)
    }

    /// The path of a member's parameters: its family and its index values, except those over the length.
    fn path(&mut self, definition: &Definitions<'_>, name: &Name, at: &At) -> String {
        let mut path = name.text.clone();
        for selector in &name.subscript {
            if !definition.shares(self, &selector.value)
                && let Some(value) = self.try_whole(&selector.value, at)
            {
                match self.after_the_length(&selector.value, value) {
                    Some(after) => path = format!("{path}.end_{after}"),
                    None => path = format!("{path}.{value}"),
                }
            }
        }
        path
    }

    /// The distance of a member from the end of the sequence, if its index names the length: `b[T + 1]` is the same
    /// member for every length.
    fn after_the_length(&self, index: &Expression, value: i64) -> Option<i64> {
        let length = self.length.as_deref().filter(|length| mentions(index, length))?;
        let param = self.params.iter().find(|param| param.name == length)?;
        let Value::Int(steps) = param.value else { return None };
        Some(value - steps).filter(|after| *after >= 0)
    }

    /// The only selected member. Several are an error.
    fn one(&mut self, name: &Name, at: &At) -> Option<Name> {
        let mut all = self.several(name, at)?;
        if all.len() != 1 {
            self.findings.push(messages::several_members(&name.text, all.len(), name.span));
            return None;
        }
        all.pop()
    }

    /// All selected members, in order.
    fn several(&mut self, name: &Name, at: &At) -> Option<Vec<Name>> {
        if name.subscript.is_empty() {
            return Some(vec![name.clone()]);
        }
        // Entries of the catalogue are not families. An index would give them separate weights, which each use has
        // anyway.
        if !self.families.contains_key(&name.text) && catalog::is_taken(&name.text) {
            return Some(vec![Name::plain(name.text.clone(), name.span)]);
        }
        let members = self.selected(name, at)?;
        Some(members.iter().map(|member| Name::plain(member_name(&name.text, member), name.span)).collect())
    }

    fn space(&mut self, space: &Space, at: &At) -> Option<Space> {
        let sizes = space.sizes.iter().map(|size| self.expression(size, at)).collect::<Option<_>>()?;
        Some(Space { name: space.name.clone(), sizes, span: space.span })
    }

    pub(super) fn expression(&mut self, expression: &Expression, at: &At) -> Option<Expression> {
        let span = expression.span;
        let boxed = |inner: Expression| Some(Box::new(inner));
        let kind = match &expression.kind {
            ExpressionKind::Number(value) => ExpressionKind::Number(value.clone()),
            ExpressionKind::Group(inner) => ExpressionKind::Group(boxed(self.expression(inner, at)?)?),
            ExpressionKind::Negate(inner) => ExpressionKind::Negate(boxed(self.expression(inner, at)?)?),
            ExpressionKind::Binary(operator, left, right) => {
                let (left, right) = (self.expression(left, at)?, self.expression(right, at)?);
                ExpressionKind::Binary(*operator, Box::new(left), Box::new(right))
            }
            ExpressionKind::Learned(None) => ExpressionKind::Learned(None),
            ExpressionKind::Learned(Some(space)) => ExpressionKind::Learned(Some(self.space(space, at)?)),
            ExpressionKind::Range(from, to) => {
                let mut end = |end: &Option<Box<Expression>>| match end {
                    Some(end) => self.expression(end, at).map(|end| Some(Box::new(end))),
                    None => Some(None),
                };
                ExpressionKind::Range(end(from)?, end(to)?)
            }
            ExpressionKind::Pipeline(stages) => {
                let mut all = Vec::with_capacity(stages.len());
                for (position, stage) in stages.iter().enumerate() {
                    match position {
                        // The first stage of a pipe is one value.
                        0 => all.push(self.expression(stage, at)?),
                        _ => all.extend(self.stages(stage, at)?),
                    }
                }
                match <[Expression; 1]>::try_from(all) {
                    Ok([one]) => return Some(one),
                    Err(all) => ExpressionKind::Pipeline(all),
                }
            }
            ExpressionKind::Call(call) => return self.called(call, span, at),
        };
        Some(Expression { kind, span })
    }

    /// The stages of a flow. A range of members becomes several stages, also at the beginning.
    fn flow(&mut self, value: &Expression, at: &At) -> Option<Expression> {
        let mut all = Vec::new();
        for stage in value.stages() {
            all.extend(self.stages(stage, at)?);
        }
        match <[Expression; 1]>::try_from(all) {
            Ok([one]) => Some(one),
            Err(all) => Some(Expression { kind: ExpressionKind::Pipeline(all), span: value.span }),
        }
    }

    /// A stage of a pipeline. A range of members becomes several stages.
    fn stages(&mut self, stage: &Expression, at: &At) -> Option<Vec<Expression>> {
        match &stage.kind {
            ExpressionKind::Call(call) if is_range(&call.name) => {
                let names = self.several(&call.name, at)?;
                let mut all = Vec::with_capacity(names.len());
                for name in names {
                    let arguments = self.arguments(call, at)?;
                    all.push(Expression { kind: ExpressionKind::Call(Call { name, arguments }), span: stage.span });
                }
                Some(all)
            }
            _ => Some(vec![self.expression(stage, at)?]),
        }
    }

    /// A name or a call. An index or an entry of a table is a number.
    fn called(&mut self, call: &Call, span: crate::source::Span, at: &At) -> Option<Expression> {
        let number = |value: Value| Some(Expression { kind: ExpressionKind::Number(value), span });
        if call.arguments.is_none() {
            if let Some(value) = at.get(&call.name.text).filter(|_| call.name.subscript.is_empty()) {
                return number(Value::Int(*value));
            }
            if self.tables.contains_key(&call.name.text) {
                return match self.entry(&call.name, at) {
                    Some(value) => number(value),
                    None => {
                        self.findings.push(messages::no_index_value(call.name.span));
                        None
                    }
                };
            }
        }
        let call = self.call(call, at)?;
        // A block with several inputs may have only one left: `concat(x, z[<l])` at the first l.
        if let (Some(block), Some([Argument { name: None, value }])) =
            (catalog::block(&call.name.text), call.arguments.as_deref())
            && block.arity == catalog::Arity::Many
        {
            return Some(Expression { kind: ExpressionKind::Group(Box::new(value.clone())), span });
        }
        Some(Expression { kind: ExpressionKind::Call(call), span })
    }

    pub(super) fn call(&mut self, call: &Call, at: &At) -> Option<Call> {
        Some(Call { name: self.one(&call.name, at)?, arguments: self.arguments(call, at)? })
    }

    /// Arguments. A range of members becomes several arguments.
    fn arguments(&mut self, call: &Call, at: &At) -> Option<Option<Vec<Argument>>> {
        let Some(arguments) = &call.arguments else { return Some(None) };
        let mut all: Vec<Argument> = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match &argument.value.kind {
                ExpressionKind::Call(Call { name, arguments: None })
                    if argument.name.is_none() && is_range(name) && !self.tables.contains_key(&name.text) =>
                {
                    let span = argument.value.span;
                    let each = self.several(name, at)?.into_iter().map(|name| {
                        let kind = ExpressionKind::Call(Call { name, arguments: None });
                        Argument { name: None, value: Expression { kind, span } }
                    });
                    all.extend(each);
                }
                _ => all.push(Argument { name: argument.name.clone(), value: self.expression(&argument.value, at)? }),
            }
        }
        Some(Some(all))
    }
}

/// Whether two references to a family are by different indices.
fn differ(one: &Name, other: &Name, at: &At) -> bool {
    let uses = |name: &Name, index| name.subscript.iter().any(|selector| mentions(&selector.value, index));
    at.keys().any(|index| uses(one, index) != uses(other, index))
}

/// Whether a subscript may select several members.
fn is_range(name: &Name) -> bool {
    name.subscript.iter().any(|selector| selector.order.is_some() || selector.to.is_some())
}
