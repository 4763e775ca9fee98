//! The code of each operation.

use super::Walker;
use crate::catalog;
use crate::derive::Presence;
use crate::emit::number::{Scope, arguments, dims};
use crate::emit::{ident, layers};
use crate::graph::VariableId;
use crate::plan::{Call, Operation, PartKind, Rate, Value};
use proc_macro2::TokenStream;
use quote::quote;

impl Walker<'_> {
    /// The expression that computes a value, and whether it may fail.
    pub(super) fn expression(&self, value: &Value) -> (TokenStream, bool) {
        let reference = |at: usize| self.reference(value.inputs[at]);
        let method = |at: usize| self.place(value.inputs[at]);
        let all = || value.inputs.iter().map(|input| self.reference(*input));
        let enumeration = value.over.map(|kind| quote!(enumerations[#kind]));
        let fallible = match &value.operation {
            Operation::Given(_)
            | Operation::GivenValue(_)
            | Operation::Partly(_)
            | Operation::Presence
            | Operation::Kept => {
                return (self.place_of(value), false);
            }
            Operation::WithPresence => {
                let inputs: Vec<_> = all().collect();
                match inputs.as_slice() {
                    [own] => quote!(::srvae::partly::with_presence(::std::option::Option::None, #own)),
                    [presence, own, ..] => {
                        quote!(::srvae::partly::with_presence(::std::option::Option::Some(#presence), #own))
                    }
                    [] => unreachable!("it reads a variable"),
                }
            }
            Operation::Absent(id) => {
                let shape = dims(self.plan, Scope::Run, &self.plan.model.variable(*id).dims);
                quote!(::srvae::partly::absent(&#shape, &self.params))
            }
            Operation::Choose => {
                let inputs = all();
                quote!(::srvae::partly::choose(#(#inputs),*))
            }
            Operation::Observed => {
                let inputs = all();
                quote!(::srvae::partly::observed(#(#inputs),*))
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
                let (ty, head) = (layers::distribution(call.runtime), stated(&reference(0), *given));
                let args = arguments(self.plan, Scope::Run, &call.arguments, call.repeats);
                quote!(#ty::from_head(#head #(, #args)*))
            }
            Operation::Experts { call, presences, given, roots } => {
                self.experts(value, call, (presences, given), *roots)
            }
            Operation::OneOf(presences) => self.one_of(value, presences),
            Operation::Strata { at, .. } => {
                let draws = value.inputs.iter().zip(all()).map(|(input, draw)| {
                    let is_each = self.program.value(*input).rate == Rate::Value;
                    quote!((#draw, #is_each))
                });
                quote!(#enumeration.strata(#at, &[#(#draws),*]))
            }
            Operation::Shares { at, presences } => {
                let (draws, mut inputs) = (reference(0), all().skip(1));
                let each = presences.iter().map(|count| {
                    let presences = inputs.by_ref().take(*count);
                    quote!(&[#(#presences),*][..])
                });
                let each: Vec<_> = each.collect();
                quote!(#enumeration.shares(#at, &[#(#each),*], #draws))
            }
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
            Operation::RepeatValues(_) if self.program.is_distribution(value.inputs[0]) => {
                let distribution = method(0);
                quote!(#distribution.repeat(#enumeration.count()))
            }
            Operation::RepeatValues(_) => {
                let tensor = reference(0);
                quote!(::srvae::ops::repeat(#tensor, #enumeration.count()))
            }
            Operation::Enumerate { at, .. } => {
                let like = method(0);
                quote!(#enumeration.of(#at, samples * #like.dim(0)?, &#like))
            }
            Operation::Values(id) => {
                let (axis, like) = (self.axis(*id), reference(0));
                quote!(::srvae::sums::values(&#axis, #like))
            }
            Operation::Widen { from, to } if self.program.is_distribution(value.inputs[0]) => {
                let (distribution, new) = (method(0), to.iter().filter(|id| !from.contains(id)));
                let new = new.map(|id| self.axis(*id));
                quote!(#distribution.repeat(::srvae::sums::combinations(&[#(#new),*])))
            }
            Operation::Widen { from, to } => {
                let (tensor, axes) = (reference(0), self.axes(to, from));
                quote!(::srvae::sums::widen(#tensor, &[#(#axes),*]))
            }
            Operation::Table { of, over } => {
                let (distribution, values, axis) = (reference(0), reference(1), self.axis(*of));
                let over = over.iter().map(|id| self.axis(*id));
                quote!(::srvae::sums::table(#distribution, #values, &#axis, &[#(#over),*]))
            }
            Operation::Joined => {
                let (table, factor) = (reference(0), reference(1));
                quote!((#table + #factor))
            }
            Operation::SumOut { over, kept } => {
                let (table, axes) = (reference(0), self.axes(over, kept));
                quote!(::srvae::sums::sum_out(#table, &[#(#axes),*]))
            }
            Operation::Rest { over, of } => {
                let (table, mut others) = (reference(0), all().skip(1));
                let axes = over.iter().map(|id| {
                    let axis = self.axis(*id);
                    let other = if id == of { None } else { others.next() };
                    match other {
                        Some(other) => quote!((#axis, ::std::option::Option::Some(#other))),
                        None => quote!((#axis, ::std::option::Option::None)),
                    }
                });
                let axes: Vec<_> = axes.collect();
                quote!(::srvae::sums::given(#table, &[#(#axes),*]))
            }
            Operation::ValueOf(id) => {
                let (number, axis) = (reference(0), self.axis(*id));
                quote!(::srvae::sums::value_of(#number, &#axis))
            }
            Operation::Total => {
                let inputs = all();
                quote!(#enumeration.total(&[#(#inputs),*]))
            }
            Operation::Expect => {
                let inputs = all();
                quote!(#enumeration.expect(#(#inputs),*))
            }
            Operation::Gain(signs) => {
                let weights = reference(0);
                let terms = all().skip(1).zip(signs).map(|(term, adds)| quote!((#term, #adds)));
                quote!(#enumeration.gain(#weights, &[#(#terms),*], options))
            }
            Operation::Draw(variable, how) => {
                let draw = self.draw(&method(0), *variable, *how);
                match value.rate {
                    Rate::Value => quote!(noise.for_each_value(#enumeration.count(), |noise| #draw)),
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
                    Rate::Value => quote!(noise.for_each_value(#enumeration.count(), |noise| #draw)),
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
            Operation::Detach => {
                let tensor = method(0);
                return (quote!(#tensor.detach()), false);
            }
            Operation::Squeeze => {
                let tensor = method(0);
                quote!(#tensor.squeeze(1))
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

    /// The values of a variable that is summed out.
    fn axis(&self, id: VariableId) -> TokenStream {
        let variable = self.plan.model.variable(id);
        let (kind, shape) = (ident(variable.space.name()), dims(self.plan, Scope::Run, &variable.dims));
        quote!(::srvae::sums::Axis::#kind(&#shape))
    }

    /// Variables of a table, each with whether it is one of `among`.
    fn axes(&self, of: &[VariableId], among: &[VariableId]) -> Vec<TokenStream> {
        let each = of.iter().map(|id| {
            let (axis, is_among) = (self.axis(*id), among.contains(id));
            quote!((#axis, #is_among))
        });
        each.collect()
    }

    fn experts(&self, value: &Value, call: &Call, each: (&[usize], &[u32]), roots: usize) -> TokenStream {
        let (presences, given) = each;
        let (mut each, mut at) = (Vec::new(), 0);
        for (count, given) in presences.iter().zip(given) {
            let head = self.reference(value.inputs[at]);
            let head = quote!(&::srvae::dist::Head::given(#head, #given));
            let presences = value.inputs[at + 1..=at + count].iter().map(|input| self.reference(*input));
            each.push(quote!((#head, &[#(#presences),*][..])));
            at += 1 + count;
        }
        let distribution = ident(call.runtime);
        let roots = catalog::distribution(call.name).and_then(|entry| entry.experts?.root).map(|_| quote!(, #roots));
        quote!(::srvae::dist::#distribution::product(&[#(#each),*] #roots))
    }

    fn one_of(&self, value: &Value, presences: &[usize]) -> TokenStream {
        let mut inputs = value.inputs.iter().map(|input| self.reference(*input));
        let mut each = Vec::with_capacity(presences.len());
        for count in presences {
            let component = inputs.next();
            let presences = inputs.by_ref().take(*count);
            each.push(quote!((#component as &dyn ::srvae::dist::Distribution, &[#(#presences),*][..])));
        }
        quote!(::srvae::dist::OneOf::new(&[#(#each),*]))
    }

    pub(super) fn function(&self, call: &Call, inputs: impl Iterator<Item = TokenStream>) -> TokenStream {
        let function = ident(call.runtime);
        let args = arguments(self.plan, Scope::Run, &call.arguments, call.repeats);
        let inputs = if call.many { quote!(&[#(#inputs),*]) } else { quote!(#(#inputs),*) };
        quote!(::srvae::functions::#function(#inputs #(, #args)*))
    }
}

/// A head, with the parameters that the file states by name.
fn stated(head: &TokenStream, given: u32) -> TokenStream {
    match given {
        0 => head.clone(),
        _ => quote!(&::srvae::dist::Head::given(#head, #given)),
    }
}
