//! The one walker: a program's values as statements.

use super::ident;
use super::number::{Scope, arguments, dims, number};
use crate::derive::Presence;
use crate::graph::{DrawMethod, VariableId};
use crate::plan::{Call, How, Operation, PartKind, Plan, Program, Rate, Value, ValueId};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// A program as statements.
#[derive(Clone, Copy)]
pub struct Walker<'p> {
    pub plan: &'p Plan,
    pub program: &'p Program,
}

impl Walker<'_> {
    /// Locals of what is given, in the arguments' order.
    pub fn given(&self) -> Vec<String> {
        self.program.arguments().map(|value| value.name.clone()).collect()
    }

    /// The first of what is given, as a tensor: the records are its rows.
    pub fn first(&self) -> TokenStream {
        let first = self.program.arguments().take(1).map(|value| self.place_of(value));
        quote!(#(#first)*)
    }

    /// The statements of a scope: the program's own, or those inside one distribution.
    pub fn statements(&self, scope: Option<ValueId>) -> TokenStream {
        let inside = self.program.ids().filter(|(_, value)| value.scope == scope);
        let each = inside.map(|(id, value)| self.statement(id, value));
        quote!(#(#each)*)
    }

    fn statement(&self, id: ValueId, value: &Value) -> TokenStream {
        // An argument, or a field of the layers.
        let is_place = matches!(value.operation, Operation::Presence | Operation::Root(_) | Operation::Partial(_));
        if value.operation.is_given() || is_place {
            return TokenStream::new();
        }
        let (name, inner, (body, fails)) = (self.local(id), self.statements(Some(id)), self.expression(value));
        let body = if fails { quote!(#body?) } else { body };
        // Its statements stand in the function that it calls for each position.
        if let Operation::InOrder(..) = value.operation {
            return quote!(let #name = #body;);
        }
        if inner.is_empty() { quote!(let #name = #body;) } else { quote!(let #name = { #inner #body };) }
    }

    /// The distribution that a factor's method yields, with what is computed for it alone.
    pub fn yielded(&self, id: ValueId) -> TokenStream {
        let value = self.program.value(id);
        let (inner, (body, fails)) = (self.statements(Some(id)), self.expression(value));
        let before = self.program.ids().filter(|(other, value)| *other != id && value.scope.is_none());
        let before = before.map(|(id, value)| self.statement(id, value));
        let body = if fails { body } else { quote!(::std::result::Result::Ok(#body)) };
        quote!(#(#before)* #inner #body)
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
            Operation::Head(call) => {
                let (ty, head) = (super::layers::distribution(call.runtime), reference(0));
                let args = arguments(self.plan, Scope::Run, &call.arguments, call.repeats);
                quote!(#ty::from_head(#head #(, #args)*))
            }
            Operation::Experts { presences, standard } => self.experts(value, presences, *standard),
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

    fn experts(&self, value: &Value, presences: &[usize], standard: usize) -> TokenStream {
        let (mut each, mut at) = (Vec::new(), 0);
        for count in presences {
            let head = self.reference(value.inputs[at]);
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
        let statements = self.statements(own);
        let shape = dims(self.plan, Scope::Run, &self.plan.model.variable(variable).dims);
        let draw = self.draw(&quote!(distribution), variable, how);
        quote! {
            ::srvae::dist::in_order(
                (count, &#shape),
                &self.params,
                |#partial, _| { #statements ::std::result::Result::Ok(#distribution) },
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
    pub fn owned(&self, id: ValueId) -> TokenStream {
        let place = self.place(id);
        if self.program.value(id).operation.is_given() { quote!(#place.clone()) } else { place }
    }
}
