//! `draw y = …`: gradient estimators for draws of q from distributions that are not reparameterised. Without the
//! statement there would be no gradient, so it is required.

use super::Checker;
use super::arguments::Signature;
use crate::ast::{Call, File, ItemKind, Name};
use crate::catalog::{Kind, Parameter, space_entry};
use crate::derive::Ancestry;
use crate::diagnostics::{MOST_VALUES, messages};
use crate::graph::{Body, Draw, DrawMethod, Enumerated, Factor, Role, Side, Space, Variable, VariableId, family};
use crate::source::Span;

/// The methods, in the order of messages.
pub(super) const METHODS: [&str; 4] = ["enumerate", "relaxed", "straight_through", "score"];

static TEMPERATURE: [Parameter; 1] = [Parameter {
    name: "temperature",
    kind: Kind::Real { least: 0.01, most: 100.0 },
    default: None,
    repeats: false,
    docs: "of the relaxation, which becomes the discrete distribution as it falls to 0",
}];

/// Whether a `draw` statement with this method means a sum over a variable.
fn is_summed(variable: &Variable, method: &str, q_has_factor: bool) -> bool {
    matches!(variable.role, Role::Latent | Role::Partly) && method == "enumerate" && !q_has_factor
}

impl Checker<'_> {
    pub(super) fn draws(&mut self, file: &File, p: &[Factor], q: &[Factor]) -> Vec<Draw> {
        let mut draws: Vec<Draw> = Vec::new();
        let mut stated: Vec<VariableId> = Vec::new();
        for item in &file.items {
            let ItemKind::Draw { variable, method } = &item.kind else { continue };
            let Some(id) = self.lookup(variable) else { continue };
            if let Some(first) = draws.iter().find(|draw| draw.variable == id) {
                self.findings.push(messages::draw_twice(&variable.text, variable.span, first.span));
                continue;
            }
            stated.push(id);
            let (method, baseline) = super::baselines::split(method);
            if is_summed(self.variable(id), &method.name.text, q.iter().any(|it| it.variable == id)) {
                draws.extend(self.summed(id, variable, &method, p));
                continue;
            }
            if let Some(method) = self.draw_method(id, variable, &method, q) {
                let baseline = baseline.and_then(|value| self.baseline(&value, variable));
                draws.push(Draw { variable: id, method, baseline, span: variable.span });
            }
        }
        for factor in q.iter().filter(|factor| needs_method(factor) && !stated.contains(&factor.variable)) {
            let variable = self.variable(factor.variable);
            let able = able_of(factor, variable);
            self.findings.push(messages::draw_missing(&variable.name, factor.span, &able));
        }
        self.unsound(&draws, p, q);
        self.unsound_baselines(&draws, p, q);
        draws
    }

    /// Invalid combinations of methods. A function has no gradient that a draw could pass on, and the gain of a score
    /// draw is not known separately for each of the enumerated values above it.
    fn unsound(&mut self, draws: &[Draw], p: &[Factor], q: &[Factor]) {
        let of = |id: VariableId| draws.iter().find(|draw| draw.variable == id);
        let ancestry = if draws.is_empty() { Ancestry::default() } else { Ancestry::of(q) };
        for draw in draws {
            let is_below = |factor: &&Factor| ancestry.is_drawn_after(draw.variable, factor.variable);
            match draw.method {
                DrawMethod::Relaxed { .. } | DrawMethod::StraightThrough => {
                    let reads = |factor: &&Factor| match &factor.body {
                        Body::Deterministic { input, .. } => *input == draw.variable,
                        Body::Stochastic { .. } | Body::Mixture { .. } => false,
                    };
                    if let Some(factor) = q.iter().find(reads) {
                        let (name, function) =
                            (&self.variable(draw.variable).name, &self.variable(factor.variable).name);
                        self.findings.push(messages::draw_into_function(name, draw.span, function, factor.span));
                    }
                }
                DrawMethod::Enumerate { .. } => {
                    let scored = q.iter().filter(is_below).filter_map(|factor| of(factor.variable));
                    if let Some(other) = scored.into_iter().find(|other| other.method == DrawMethod::Score) {
                        let (name, below) = (&self.variable(draw.variable).name, &self.variable(other.variable).name);
                        self.findings.push(messages::score_below_enumerate(name, draw.span, below, other.span));
                    }
                }
                DrawMethod::Score => {}
            }
        }
        self.too_many_values(draws, p, q);
    }

    /// Groups of enumerated variables and mixtures with too many combinations of values and components. Those of steps multiply
    /// with the steps, whose number comes with the data.
    fn too_many_values(&mut self, draws: &[Draw], p: &[Factor], q: &[Factor]) {
        let all = enumerated(draws, p, q);
        for (at, group) in all.groups().iter().enumerate().filter(|(_, group)| group.len() > 1) {
            let drawn = |id: VariableId| draws.iter().find(|draw| draw.variable == id);
            let step = |id: VariableId| self.variable(id).step;
            if let Some(link) = all.links(at).find(|link| step(link.between[0]) != step(link.between[1])) {
                let [one, other] = link.between.map(|id| self.variable(id));
                // A class of the whole record, or a mixture, beside the classes of its steps.
                let family = if one.step.is_some() { family(&one.name) } else { family(&other.name) };
                let last = group.iter().rev().find_map(|id| drawn(*id).filter(|_| step(*id).is_some()));
                let Some(last) = last else { continue };
                let reader = factor_of(&self.variable(link.variable).name, link.side);
                let place =
                    [p, q].into_iter().flatten().find(|it| (it.side, it.variable) == (link.side, link.variable));
                let place = place.map_or(last.span, |factor| factor.span);
                let between = [one.name.as_str(), other.name.as_str()];
                let is_mixture = |id: &VariableId| q.iter().any(|it| it.variable == *id && it.components().is_some());
                let mixture = link.between.iter().find(|id| is_mixture(id)).map(|id| self.variable(*id).name.as_str());
                let error = messages::enumerated_steps(family, last.span, (&reader, place, between), mixture);
                self.findings.push(error);
                return;
            }
            self.combinations(group, draws, q);
        }
    }

    /// The combinations of the values of a group. A mixture is drawn from each component.
    fn combinations(&mut self, group: &[VariableId], draws: &[Draw], q: &[Factor]) {
        let of = |id: &VariableId| {
            let mixture = q.iter().find(|factor| factor.variable == *id && factor.components().is_some());
            let draw = draws.iter().find(|draw| draw.variable == *id);
            match (mixture.and_then(|factor| Some((factor.components()?, factor.span))), draw.map(|draw| &draw.method))
            {
                (Some((components, span)), _) => Some((components, true, span)),
                (None, Some(DrawMethod::Enumerate { values })) => Some((*values, false, draw?.span)),
                (None, _) => None,
            }
        };
        let each: Vec<(usize, bool, Span)> = group.iter().filter_map(of).collect();
        let product = each.iter().fold(1usize, |product, (values, ..)| product.saturating_mul(*values));
        if let Some((.., last)) = each.last().filter(|_| product > MOST_VALUES) {
            let has_mixture = each.iter().any(|(_, is_mixture, _)| *is_mixture);
            self.findings.push(messages::too_many_together(product, has_mixture, *last));
        }
    }

    fn draw_method(&mut self, id: VariableId, name: &Name, method: &Call, q: &[Factor]) -> Option<DrawMethod> {
        let text = method.name.text.as_str();
        // After an error in its factor there is none, and that error is enough.
        let factor = q.iter().find(|factor| factor.variable == id);
        if let Some(why) = match factor.map(|factor| &factor.body) {
            None if self.findings.has_errors() => return None,
            None => Some("q has no factor for it"),
            Some(Body::Deterministic { .. }) => Some("q does not draw it: it is a function"),
            Some(Body::Stochastic { base, .. }) if base.entry.reparameterised => {
                Some("its draws are differentiable functions of the network's output")
            }
            Some(Body::Stochastic { .. } | Body::Mixture { .. }) => None,
        } {
            self.findings.push(messages::draw_needless(&name.text, name.span, why));
            return None;
        }
        let Some(known) = METHODS.into_iter().find(|known| *known == text) else {
            self.findings.push(messages::unknown_draw(text, method.name.span, METHODS));
            return None;
        };
        let parameters: &'static [Parameter] = if known == "relaxed" { &TEMPERATURE } else { &[] };
        let given = method.arguments.as_deref().unwrap_or_default();
        let arguments = self.arguments(Signature { name: known, parameters }, given, method.name.span)?;
        let variable = self.variable(id);
        let (space, count) = (variable.space, values(variable.space, &variable.shape));
        let able = factor.map_or_else(Vec::new, |factor| able_of(factor, variable));
        if !able.contains(&known) {
            let (space, place) = (space_entry(space).name, method.name.span);
            let (has_codes, jumps) = (factor.is_some_and(has_codes), factor.is_some_and(jumps));
            self.findings.push(match known {
                _ if has_codes => messages::draw_of_codes(&name.text, place),
                _ if jumps => messages::draw_that_jumps(&name.text, place),
                "enumerate" => messages::too_many_values(&name.text, space, place, &able),
                _ => messages::no_relaxation(&name.text, space, place, &able),
            });
            return None;
        }
        match (known, count, arguments.args.into_iter().next()) {
            ("enumerate", Some(values), _) => Some(DrawMethod::Enumerate { values }),
            ("relaxed", _, Some(temperature)) => Some(DrawMethod::Relaxed { temperature }),
            ("straight_through", ..) => Some(DrawMethod::StraightThrough),
            _ => Some(DrawMethod::Score),
        }
    }
}

/// The variables over whose values q sums in place of a draw: those of `draw … = enumerate`, and those that it draws from
/// each component of a mixture.
pub(super) fn enumerated(draws: &[Draw], p: &[Factor], q: &[Factor]) -> Enumerated {
    let is_enumerated = |factor: &&Factor| {
        let draw = draws.iter().find(|draw| draw.variable == factor.variable);
        factor.components().is_some() || draw.is_some_and(|draw| matches!(draw.method, DrawMethod::Enumerate { .. }))
    };
    Enumerated::of(q.iter().filter(is_enumerated).map(|factor| factor.variable).collect(), p, q)
}

/// `p(y | …)`.
fn factor_of(name: &str, side: Side) -> String {
    format!("{}({name} | …)", side.name())
}

fn needs_method(factor: &Factor) -> bool {
    matches!(&factor.body, Body::Stochastic { base, .. } if !base.entry.reparameterised)
}

/// Whether a factor draws from a continuous distribution without a relaxation or an exact sum.
fn jumps(factor: &Factor) -> bool {
    needs_method(factor) && matches!(&factor.body, Body::Stochastic { base, .. } if base.entry.continuous)
}

/// The number of values of a variable, if they can be enumerated.
pub(super) fn values(space: Space, shape: &[usize]) -> Option<usize> {
    let elements: usize = shape.iter().product();
    let values = match space {
        // Of a map of classes they would be the classes to the power of its positions.
        Space::Label => (shape.len() == 1).then_some(elements),
        Space::Binary => u32::try_from(elements).ok().and_then(|elements| 2usize.checked_pow(elements)),
        _ => None,
    };
    values.filter(|values| *values <= MOST_VALUES)
}

/// The methods that are available for a factor's variable.
fn able_of(factor: &Factor, variable: &Variable) -> Vec<&'static str> {
    match (has_codes(factor), jumps(factor)) {
        (true, _) => vec!["straight_through"],
        (_, true) => vec!["score"],
        (false, false) => able(variable.space, values(variable.space, &variable.shape)),
    }
}

/// Whether a factor draws the nearest code. This draw is discontinuous and has probability 1.
fn has_codes(factor: &Factor) -> bool {
    matches!(&factor.body, Body::Stochastic { base, .. } if base.entry.atoms)
}

/// The methods that are available for variables of this space.
fn able(space: Space, values: Option<usize>) -> Vec<&'static str> {
    let can = |method: &&str| match *method {
        "enumerate" => values.is_some() && space != Space::Image,
        "relaxed" => space != Space::Count,
        _ => true,
    };
    METHODS.into_iter().filter(can).collect()
}
