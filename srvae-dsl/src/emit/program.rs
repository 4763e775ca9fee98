//! The one walker: a program's values as statements.

use super::ident;
use super::layers::Layers;
use super::number::{Scope, arguments, dims, number};
use super::roll::{Around, Rolled, Statement, roll};
use crate::derive::Presence;
use crate::graph::{DrawMethod, VariableId};
use crate::plan::{ARGUMENTS, Call, How, Operation, PartKind, Plan, Program, Rate, Value, ValueId};
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use std::collections::{BTreeMap, BTreeSet};

/// A program as statements.
pub struct Walker<'p> {
    pub plan: &'p Plan,
    pub program: &'p Program,
    layers: &'p Layers,
    /// The values of each scope, in order.
    scopes: BTreeMap<Option<ValueId>, Vec<ValueId>>,
    /// Variables that are given.
    given: BTreeSet<String>,
    /// Names that its function has.
    names: BTreeSet<String>,
    /// Whether fields of the layers stay as they are: where methods of members are told apart by them.
    keeps_fields: bool,
}

impl<'p> Walker<'p> {
    pub fn new(plan: &'p Plan, program: &'p Program, layers: &'p Layers) -> Self {
        let mut scopes: BTreeMap<_, Vec<ValueId>> = BTreeMap::new();
        program.ids().for_each(|(id, value)| scopes.entry(value.scope).or_default().push(id));
        let names = program.values.iter().map(|value| value.name.clone());
        let names = names.chain(ARGUMENTS.map(str::to_owned)).collect();
        let given = program.arguments().filter(|value| matches!(value.operation, Operation::Given(_)));
        let given = given.map(|value| value.name.clone()).collect();
        Self { plan, program, layers, scopes, given, names, keeps_fields: false }
    }

    /// The same for the method of a factor or of a value.
    pub fn of_method(plan: &'p Plan, program: &'p Program, layers: &'p Layers) -> Self {
        Self { keeps_fields: true, ..Self::new(plan, program, layers) }
    }

    /// The first of what is given, as a tensor: the records are its rows.
    pub fn first(&self) -> TokenStream {
        let first = self.program.arguments().take(1).map(|value| self.place_of(value));
        quote!(#(#first)*)
    }

    /// The program's statements; what it yields is read after them.
    pub fn statements(&self) -> Rolled {
        let read = self.program.outputs().into_iter().map(|id| self.program.value(id).name.clone()).collect();
        roll(self.scope(None), Around { read, ..self.around() })
    }

    /// The statements of a distribution's scope, and the code after them.
    fn inside(&self, scope: ValueId, rest: TokenStream) -> TokenStream {
        let Rolled { statements, rest, .. } =
            roll(self.scope(Some(scope)), Around { is_inner: true, rest, ..self.around() });
        quote!(#statements #rest)
    }

    fn around(&self) -> Around<'_> {
        Around {
            given: Some(&self.given),
            taken: Some(&self.names),
            layers: Some(self.layers),
            is_inner: self.keeps_fields,
            ..Around::default()
        }
    }

    fn scope(&self, scope: Option<ValueId>) -> Vec<Statement> {
        let inside = self.scopes.get(&scope).into_iter().flatten();
        inside.filter_map(|id| self.statement(*id, self.program.value(*id))).collect()
    }

    fn statement(&self, id: ValueId, value: &Value) -> Option<Statement> {
        // An argument, or a field of the layers.
        let is_place = matches!(value.operation, Operation::Presence | Operation::Root(_) | Operation::Partial(_));
        if value.operation.is_given() || is_place {
            return None;
        }
        let (body, fails) = self.expression(value);
        let body = if fails { quote!(#body?) } else { body };
        // The statements of what is drawn in order stand in the function that it calls for each position.
        let is_in_order = matches!(value.operation, Operation::InOrder(..));
        let code = match is_in_order || !self.scopes.contains_key(&Some(id)) {
            true => body,
            false => {
                let inside = self.inside(id, body);
                quote!({ #inside })
            }
        };
        let is_tensor = !self.program.is_distribution(id) && !matches!(value.operation, Operation::Scored(_));
        Some(Statement { name: value.name.clone(), kind: is_tensor.then(|| "tensor".to_owned()), code })
    }

    /// The distribution that a factor's method yields, with what is computed for it alone.
    pub fn yielded(&self, id: ValueId) -> TokenStream {
        let (body, fails) = self.expression(self.program.value(id));
        let rest = self.inside(id, if fails { body } else { quote!(::std::result::Result::Ok(#body)) });
        let before = self.scopes.get(&None).into_iter().flatten().filter(|other| **other != id);
        let before = before.filter_map(|id| self.statement(*id, self.program.value(*id))).collect();
        let Rolled { statements, rest, .. } = roll(before, Around { rest, ..self.around() });
        quote!(#statements #rest)
    }

    fn local(&self, id: ValueId) -> Ident {
        ident(&self.program.value(id).name)
    }

    /// What computes a value, and whether that may fail.
    fn expression(&self, value: &Value) -> (TokenStream, bool) {
        let reference = |at: usize| self.reference(value.inputs[at]);
        let method = |at: usize| self.place(value.inputs[at]);
        let all = || value.inputs.iter().map(|input| self.reference(*input));
        let fallible = match &value.operation {
            Operation::Given(_) | Operation::GivenValue(_) | Operation::Partly(_) | Operation::Presence => {
                return (self.place_of(value), false);
            }
            Operation::Choose => {
                let inputs = all();
                quote!(::srvae::partly::choose(#(#inputs),*))
            }
            Operation::Known => {
                let inputs = all();
                quote!(::srvae::partly::known(#(#inputs),*))
            }
            Operation::Where(presence) => {
                let (presence, inputs) = (*presence == Presence::There, all());
                quote!(::srvae::partly::only(#presence, #(#inputs),*))
            }
            Operation::Root(_) => {
                let place = self.place_of(value);
                return (quote!(#place.clone()), false);
            }
            Operation::Function(call) => self.function(call, all()),
            Operation::Layer(part) => {
                let part = self.plan.parts.part(*part);
                let field = ident(&part.field);
                let inputs = all();
                match part.kind {
                    PartKind::Rust(_) => {
                        quote!(::srvae::nn::Network::forward(&self.layers.#field, &[#(#inputs),*]))
                    }
                    _ => quote!(self.layers.#field.forward(#(#inputs),*)),
                }
            }
            Operation::Head { call, given } => {
                let (ty, head) = (super::layers::distribution(call.runtime), stated(&reference(0), *given));
                let args = arguments(self.plan, Scope::Run, &call.arguments, call.repeats);
                quote!(#ty::from_head(#head #(, #args)*))
            }
            Operation::Experts { presences, given, standard } => self.experts(value, presences, given, *standard),
            Operation::Draws if self.program.is_distribution(value.inputs[0]) => {
                let root = method(0);
                quote!(#root.expand(samples))
            }
            Operation::Draws => {
                let row = reference(0);
                quote!(::srvae::ops::repeat(#row, samples))
            }
            Operation::Each => {
                let drawn = reference(0);
                quote!(::srvae::ops::each(#drawn, records))
            }
            Operation::Quantise => {
                let (points, codebook) = (method(0), reference(1));
                return (quote!(#points.of(#codebook)), false);
            }
            Operation::Stack => {
                let rows = all();
                quote!(::srvae::Tensor::cat(&[#(#rows),*], 0))
            }
            Operation::Components(count) => {
                let row = reference(0);
                quote!(::srvae::ops::repeat(#row, #count))
            }
            Operation::Mixture(count) => {
                let components = method(0);
                return (quote!(::srvae::dist::Mixture::new(#components, #count)), false);
            }
            Operation::Flow(part) => {
                let (base, _) = match self.program.value(value.inputs[0]) {
                    root @ Value { operation: Operation::Root(_), .. } => self.expression(root),
                    _ => (method(0), false),
                };
                let flow = ident(&self.plan.parts.part(*part).field);
                let flowed = match value.inputs.get(1) {
                    Some(context) => {
                        let context = self.reference(*context);
                        quote!(::srvae::dist::Flowed::given(#base, self.layers.#flow.clone(), #context))
                    }
                    None => quote!(::srvae::dist::Flowed::new(#base, self.layers.#flow.clone())),
                };
                return (flowed, false);
            }
            Operation::Push(part) => {
                let (flow, inner) = (ident(&self.plan.parts.part(*part).field), reference(0));
                quote!(::srvae::flow::Bijector::inverse(&*self.layers.#flow, #inner))
            }
            Operation::ExpandLike => {
                let (root, like) = (method(0), method(1));
                quote!(#root.expand(#like.dim(0)?))
            }
            Operation::Expand if self.program.is_distribution(value.inputs[0]) => {
                let root = method(0);
                quote!(#root.expand(rows))
            }
            Operation::Expand => {
                let row = reference(0);
                quote!(::srvae::ops::repeat(#row, rows))
            }
            Operation::Rows => {
                let row = reference(0);
                quote!(::srvae::ops::repeat(#row, records))
            }
            Operation::Repeat if self.program.is_distribution(value.inputs[0]) => {
                let distribution = method(0);
                quote!(#distribution.repeat(samples))
            }
            Operation::Repeat => {
                let tensor = reference(0);
                quote!(::srvae::ops::repeat(#tensor, samples))
            }
            Operation::RepeatValues if self.program.is_distribution(value.inputs[0]) => {
                let distribution = method(0);
                quote!(#distribution.repeat(enumeration.count()))
            }
            Operation::RepeatValues => {
                let tensor = reference(0);
                quote!(::srvae::ops::repeat(#tensor, enumeration.count()))
            }
            Operation::Enumerate(at) => {
                let like = method(0);
                quote!(enumeration.of(#at, samples * #like.dim(0)?, &#like))
            }
            Operation::Total => {
                let inputs = all();
                quote!(enumeration.total(&[#(#inputs),*]))
            }
            Operation::Expect => {
                let inputs = all();
                quote!(enumeration.expect(#(#inputs),*))
            }
            Operation::Whole(signs) => {
                let (weights, own) = (reference(0), reference(1));
                let others = all().skip(2).zip(signs).map(|(term, adds)| quote!((#term, #adds)));
                quote!(enumeration.whole(#weights, #own, &[#(#others),*], options))
            }
            Operation::Draw(variable, how) => {
                let draw = self.draw(&method(0), *variable, *how);
                match value.rate {
                    Rate::Value => quote!(noise.for_each_value(enumeration.count(), |noise| #draw)),
                    Rate::Draws => quote!(noise.for_all_records(|noise| #draw)),
                    _ => draw,
                }
            }
            Operation::Dequantise(variable) => {
                let (pixels, name) = (reference(0), self.plan.name(*variable));
                quote!(::srvae::dist::dequantised(#pixels, #name, noise))
            }
            Operation::Scored(variable) => {
                let (distribution, name) = (method(0), self.plan.name(*variable));
                let draw = quote!(#distribution.sample_scored(#name, noise, &::srvae::Draw::default()));
                match value.rate {
                    Rate::Value => quote!(noise.for_each_value(enumeration.count(), |noise| #draw)),
                    Rate::Draws => quote!(noise.for_all_records(|noise| #draw)),
                    _ => draw,
                }
            }
            Operation::DrawOf => {
                let pair = method(0);
                return (quote!(#pair.0.clone()), false);
            }
            Operation::LogProbOf => {
                let pair = method(0);
                return (quote!(#pair.1.clone()), false);
            }
            Operation::LogProb => {
                let (distribution, at) = (method(0), reference(1));
                quote!(#distribution.log_prob(#at))
            }
            Operation::Divergence => {
                let inputs = all();
                quote!(::srvae::dist::divergence_term(#(#inputs),*, options))
            }
            Operation::LogRatio => {
                let (log_q, log_p) = (reference(0), reference(1));
                quote!((#log_q - #log_p))
            }
            Operation::Mask(step) => {
                let inputs = all();
                quote!(::srvae::ops::mask(#(#inputs),*, #step))
            }
            Operation::Within(step) => {
                let inputs = all();
                quote!(::srvae::ops::within(#(#inputs),*, #step))
            }
            Operation::Past => {
                let map = reference(0);
                quote!(::srvae::ops::past(#map))
            }
            Operation::Partial(_) => return (self.place_of(value), false),
            Operation::InOrder(variable, how) => return (self.in_order(value, *variable, *how), true),
            Operation::Level(level) => {
                let inputs = all();
                quote!(::srvae::ops::level(draw.top, #level, #(#inputs),*))
            }
            Operation::PerSample => {
                let nats = reference(0);
                quote!(::srvae::ops::per_sample(#nats, samples))
            }
        };
        (fallible, true)
    }

    fn experts(&self, value: &Value, presences: &[usize], given: &[u32], standard: usize) -> TokenStream {
        let (mut each, mut at) = (Vec::new(), 0);
        for (count, given) in presences.iter().zip(given) {
            let head = self.reference(value.inputs[at]);
            let head = quote!(&::srvae::dist::Head::given(#head, #given));
            let presences = value.inputs[at + 1..=at + count].iter().map(|input| self.reference(*input));
            each.push(quote!((#head, &[#(#presences),*][..])));
            at += 1 + count;
        }
        quote!(::srvae::dist::Normal::product(&[#(#each),*], #standard))
    }

    fn function(&self, call: &Call, inputs: impl Iterator<Item = TokenStream>) -> TokenStream {
        let function = ident(call.runtime);
        let args = arguments(self.plan, Scope::Run, &call.arguments, call.repeats);
        let inputs = if call.many { quote!(&[#(#inputs),*]) } else { quote!(#(#inputs),*) };
        quote!(::srvae::functions::#function(#inputs #(, #args)*))
    }

    fn draw(&self, distribution: &TokenStream, variable: VariableId, how: How) -> TokenStream {
        let name = self.plan.name(variable);
        match how {
            How::Through => {
                let through = match self.plan.model.draw_of(variable).map(|draw| &draw.method) {
                    Some(DrawMethod::Relaxed { temperature }) => {
                        let temperature = number(self.plan, Scope::Run, &temperature.number);
                        quote!(Relaxed(#temperature as f64))
                    }
                    _ => quote!(Straight),
                };
                let through = quote!(::srvae::dist::Through::#through);
                quote!(::srvae::dist::draw_through(&#distribution, #name, noise, #through, &self.params))
            }
            How::Plain => quote!(#distribution.sample(#name, noise, &::srvae::Draw::default())),
            How::Tempered => quote!(#distribution.sample(#name, noise, draw)),
            How::Decoded => quote!(::srvae::dist::decode(&#distribution, #name, noise, draw)),
        }
    }

    /// A draw position by position: a function from what is drawn to the distribution, and what is done with that.
    fn in_order(&self, value: &Value, variable: VariableId, how: How) -> TokenStream {
        let [partial, distribution] = [self.local(value.inputs[0]), self.local(value.inputs[1])];
        let own = self.program.ids().find(|(_, other)| std::ptr::eq(*other, value)).map(|(id, _)| id);
        let yielded = quote!(::std::result::Result::Ok(#distribution));
        let inside = own.map(|own| self.inside(own, yielded));
        let shape = dims(self.plan, Scope::Run, &self.plan.model.variable(variable).dims);
        let draw = self.draw(&quote!(distribution), variable, how);
        quote! {
            ::srvae::dist::in_order(
                (count, &#shape),
                &self.params,
                |#partial, _| { #inside },
                |distribution, noise| #draw,
                noise,
            )
        }
    }

    /// Where a value is: a local, an argument's tensor, a field.
    fn place(&self, id: ValueId) -> TokenStream {
        self.place_of(self.program.value(id))
    }

    fn place_of(&self, value: &Value) -> TokenStream {
        let name = ident(&value.name);
        match value.operation {
            Operation::Given(_) => quote!(#name.0),
            Operation::Partly(_) => quote!(#name.value.0),
            Operation::Presence => {
                let of = self.local(value.inputs[0]);
                quote!(#of.present)
            }
            Operation::Root(part) => {
                let field = ident(&self.plan.parts.part(part).field);
                quote!(self.layers.#field)
            }
            _ => quote!(#name),
        }
    }

    fn reference(&self, id: ValueId) -> TokenStream {
        let place = self.place(id);
        match self.program.value(id).operation {
            // An argument that is a reference already.
            Operation::GivenValue(_) | Operation::Partial(_) => place,
            _ => quote!(&#place),
        }
    }

    /// A tensor that is yielded: what was given is given back as it is.
    pub fn owned(&self, id: ValueId, rolled: &Rolled) -> TokenStream {
        let (value, place) = (self.program.value(id), self.place(id));
        if value.operation.is_given() { quote!(#place.clone()) } else { rolled.value(&value.name) }
    }
}

/// A head, with the parameters that the file states by name.
fn stated(head: &TokenStream, given: u32) -> TokenStream {
    match given {
        0 => head.clone(),
        _ => quote!(&::srvae::dist::Head::given(#head, #given)),
    }
}
