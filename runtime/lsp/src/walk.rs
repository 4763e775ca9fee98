//! Every word of a syntax tree with its syntactic role. The role determines how a word is looked up, and the
//! completions at its place.

use srvae_dsl::ast::{
    Addend, Expression, ExpressionKind, Factor, File, Formal, Item, ItemKind, Name, NetBody, Set, Setting, Space, Table,
};

/// The role of a word.
#[derive(Debug, Clone, Copy)]
pub enum Place<'t> {
    ModelName,
    ParamName,
    PresetName,
    /// A parameter in a preset.
    PresetParam,
    VariableName,
    NetName,
    FormalName,
    SpaceName,
    /// A number in a shape.
    Size,
    /// Left of a factor's bar.
    FactorVariable,
    /// Right of a factor's bar.
    FactorParent,
    BoundTerm,
    BoundEstimator,
    /// The method of a `draw` statement.
    DrawMethod,
    /// A function of a `weight` statement.
    Weighting,
    /// A factor's distribution or function.
    Base,
    /// A flow after the distribution, following a pipe.
    Flow,
    /// An input of a network.
    Value,
    /// A stage of a network, following a pipe.
    Stage,
    /// The value of an argument: the called entry, and the argument by name or by position.
    Argument {
        callee: &'t Name,
        name: Option<&'t Name>,
        position: usize,
        /// The arguments of the same call.
        given: &'t [srvae_dsl::ast::Argument],
    },
    ArgumentName {
        callee: &'t Name,
    },
}

/// The statement of a word, and the names in scope.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'t> {
    pub item: &'t Item,
    /// The arguments of the enclosing named network.
    pub formals: &'t [Formal],
    /// The enclosing factor.
    pub factor: Option<&'t Factor>,
}

/// Calls `visit` with every word of the file, in order.
pub fn walk<'t>(file: &'t File, visit: &mut dyn FnMut(&'t Name, Place<'t>, Scope<'t>)) {
    for item in &file.items {
        let scope = Scope { item, formals: &[], factor: None };
        let mut walk = Walk { scope, visit };
        walk.item(item);
        if let Some(over) = &item.over {
            walk.word(&over.index, Place::Size);
            walk.set(&over.set);
        }
    }
}

struct Walk<'v, 't> {
    scope: Scope<'t>,
    visit: &'v mut dyn FnMut(&'t Name, Place<'t>, Scope<'t>),
}

impl<'t> Walk<'_, 't> {
    fn word(&mut self, name: &'t Name, place: Place<'t>) {
        (self.visit)(name, place, self.scope);
        for selector in &name.subscript {
            self.expression(&selector.value, Place::Size);
            selector.to.iter().for_each(|to| self.expression(to, Place::Size));
        }
    }

    fn set(&mut self, set: &'t Set) {
        match set {
            Set::Range(ends) => ends.iter().for_each(|end| self.expression(end, Place::Size)),
            Set::List(values) => values.iter().for_each(|value| self.expression(value, Place::Size)),
        }
    }

    fn item(&mut self, item: &'t Item) {
        match &item.kind {
            ItemKind::Model(name) => self.word(name, Place::ModelName),
            ItemKind::Param(Setting { name, .. }) => self.word(name, Place::ParamName),
            ItemKind::Table { name, index, values } => {
                self.word(name, Place::ParamName);
                self.word(index, Place::Size);
                self.table(values);
            }
            ItemKind::Index { name, set } => {
                self.word(name, Place::ParamName);
                self.set(set);
            }
            ItemKind::Length { name, .. } => self.word(name, Place::ParamName),
            ItemKind::Checkpoint { index, every } => {
                self.word(index, Place::Size);
                self.expression(every, Place::Size);
            }
            ItemKind::Preset { name, settings } => {
                self.word(name, Place::PresetName);
                settings.iter().for_each(|setting| self.word(&setting.name, Place::PresetParam));
            }
            ItemKind::Variables { names, space, .. } => {
                names.iter().for_each(|name| self.word(name, Place::VariableName));
                self.space(space);
            }
            ItemKind::Net { name, formals, output, body } => {
                self.scope.formals = formals;
                self.word(name, Place::NetName);
                for formal in formals {
                    self.word(&formal.name, Place::FormalName);
                    formal.space.iter().for_each(|space| self.space(space));
                }
                output.iter().for_each(|space| self.space(space));
                match body {
                    NetBody::Expression(expression) => self.expression(expression, Place::Value),
                    NetBody::Rust(_) => {}
                }
            }
            ItemKind::Let { name, value } => {
                self.word(name, Place::NetName);
                self.expression(value, Place::Value);
            }
            ItemKind::Flow { name, value } => {
                self.word(name, Place::NetName);
                value.stages().iter().for_each(|stage| self.expression(stage, Place::Flow));
            }
            ItemKind::Factor(factor) => self.factor(factor),
            ItemKind::Bound { term, estimator } => {
                self.word(term, Place::BoundTerm);
                self.word(estimator, Place::BoundEstimator);
            }
            ItemKind::Draw { variable, method } => {
                self.word(variable, Place::FactorVariable);
                self.word(&method.name, Place::DrawMethod);
                let place = if method.name.text == "score" { Place::Value } else { Place::Size };
                let arguments = method.arguments.iter().flatten();
                arguments.for_each(|argument| self.expression(&argument.value, place));
            }
            ItemKind::Weight { term, value } => {
                self.word(term, Place::BoundTerm);
                self.weight(value);
            }
            ItemKind::Objective(addends) => addends.iter().for_each(|addend| self.addend(addend)),
        }
    }

    fn table(&mut self, values: &'t Table) {
        match values {
            Table::List(values) => values.iter().for_each(|value| self.expression(value, Place::Size)),
            Table::Runs(runs) => {
                let each = runs.iter().flat_map(|(value, count)| [value, count]);
                each.for_each(|it| self.expression(it, Place::Size));
            }
        }
    }

    fn factor(&mut self, factor: &'t Factor) {
        self.scope.factor = Some(factor);
        self.word(&factor.variable, Place::FactorVariable);
        factor.parents.iter().for_each(|parent| self.word(parent, Place::FactorParent));
        if factor.experts.is_empty() && factor.mixture.is_none() {
            self.expression(&factor.body, Place::Base);
        }
        if let Some(mixture) = &factor.mixture {
            self.word(&mixture.variable, Place::FactorVariable);
            for (name, values) in &mixture.values {
                self.word(name, Place::FactorVariable);
                values.iter().for_each(|value| self.expression(value, Place::Value));
            }
        }
        for expert in factor.each_expert() {
            self.expression(&expert.body, Place::Base);
            expert.network.iter().for_each(|network| self.expression(network, Place::Value));
        }
        factor.network.iter().for_each(|network| self.expression(network, Place::Value));
    }

    fn addend(&mut self, addend: &'t Addend) {
        addend.scale.iter().for_each(|scale| self.expression(scale, Place::Size));
        self.word(&addend.variable, Place::FactorVariable);
        addend.parents.iter().for_each(|parent| self.word(parent, Place::FactorVariable));
        addend.condition.iter().for_each(|name| self.word(name, Place::FactorVariable));
    }

    /// Numbers and functions in the weight of a term.
    fn weight(&mut self, value: &'t Expression) {
        match &value.kind {
            ExpressionKind::Call(call) if call.arguments.is_some() => {
                self.word(&call.name, Place::Weighting);
                let arguments = call.arguments.iter().flatten();
                arguments.for_each(|argument| self.expression(&argument.value, Place::Size));
            }
            ExpressionKind::Binary(_, left, right) => {
                self.weight(left);
                self.weight(right);
            }
            ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => self.weight(inner),
            ExpressionKind::Call(_)
            | ExpressionKind::Number(_)
            | ExpressionKind::Learned(_)
            | ExpressionKind::Range(..)
            | ExpressionKind::Pipeline(_) => {
                self.expression(value, Place::Size);
            }
        }
    }

    fn space(&mut self, space: &'t Space) {
        self.word(&space.name, Place::SpaceName);
        space.sizes.iter().for_each(|size| self.expression(size, Place::Size));
    }

    fn expression(&mut self, expression: &'t Expression, place: Place<'t>) {
        match &expression.kind {
            ExpressionKind::Number(_) => {}
            ExpressionKind::Range(from, to) => {
                [from, to].into_iter().flatten().for_each(|end| self.expression(end, Place::Size));
            }
            ExpressionKind::Learned(space) => space.iter().for_each(|space| self.space(space)),
            ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => self.expression(inner, place),
            ExpressionKind::Binary(_, left, right) => {
                self.expression(left, place);
                self.expression(right, place);
            }
            ExpressionKind::Pipeline(stages) => {
                let later = if matches!(place, Place::Base) { Place::Flow } else { Place::Stage };
                for (at, stage) in stages.iter().enumerate() {
                    self.expression(stage, if at == 0 { place } else { later });
                }
            }
            ExpressionKind::Call(call) => {
                self.word(&call.name, place);
                let given = call.arguments.as_deref().unwrap_or_default();
                for (position, argument) in given.iter().enumerate() {
                    let name = argument.name.as_ref();
                    let callee = &call.name;
                    name.into_iter().for_each(|name| self.word(name, Place::ArgumentName { callee }));
                    self.expression(&argument.value, Place::Argument { callee, name, position, given });
                }
            }
        }
    }
}
