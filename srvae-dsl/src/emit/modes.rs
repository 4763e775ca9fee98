//! The modes: each a method that draws variable after variable.

use super::bound::reference;
use super::network::variable_args;
use super::number::{Scope, arguments};
use super::{doc, ident, local_ident, type_ident};
use crate::derive::{Mode, Step};
use crate::graph::{Body, Side, VariableId};
use crate::plan::{Plan, type_name};
use proc_macro2::TokenStream;
use quote::quote;

/// A method for each mode.
pub fn modes(plan: &Plan) -> TokenStream {
    let each = plan.derivation.modes.iter().map(|mode| method(plan, mode));
    quote!(#(#each)*)
}

fn method(plan: &Plan, mode: &Mode) -> TokenStream {
    let (name, result) = (ident(&mode.name), ident(&type_name(&mode.name)));
    let mut arguments = variable_args(plan, &mode.given);
    let count = match mode.given.first() {
        Some(first) => {
            let local = local_ident(plan, *first);
            quote!(#local.0.dim(0)?)
        }
        None => {
            arguments.push(quote!(count: usize));
            quote!(count)
        }
    };
    let mut owned: Vec<VariableId> = Vec::new();
    let steps: Vec<_> = mode.steps.iter().map(|step| statement(plan, *step, &count, &mut owned)).collect();
    let fields = mode.yields(&plan.model).into_iter().map(|id| local_ident(plan, id));
    let program: Vec<_> = mode.steps.iter().map(|step| plan.step(step.side, step.variable)).collect();
    let title = doc(&format!(" {}: {}.", sentence(&mode.name), program.join(", ")));
    quote! {
        #title
        ///
        /// # Errors
        /// A shape that does not fit, or a failed tensor operation.
        pub fn #name(&self #(, #arguments)*, noise: &mut Noise, draw: &Draw) -> Result<#result> {
            #(#steps)*
            Ok(#result { #(#fields),* })
        }
    }
}

fn sentence(name: &str) -> String {
    let mut letters = name.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", letters.as_str().replace('_', " "))
}

fn statement(plan: &Plan, step: Step, count: &TokenStream, owned: &mut Vec<VariableId>) -> TokenStream {
    let (local, ty, text) =
        (local_ident(plan, step.variable), type_ident(plan, step.variable), plan.name(step.variable));
    let Some(factor) = plan.factor(step.side, step.variable) else {
        owned.push(step.variable);
        return determined(plan, step.variable);
    };
    let field = ident(&factor.field);
    if factor.network.is_none() {
        owned.push(step.variable);
        return quote!(let #local = #ty(self.#field.expand(#count)?.sample(#text, noise, draw)?););
    }
    let parents: Vec<_> = factor.parents.iter().map(|id| reference(plan, *id, owned)).collect();
    owned.push(step.variable);
    let distribution = quote!(self.#field(#(#parents),*)?);
    if factor.density.decodes {
        quote!(let #local = #ty(decode(&#distribution, #text, noise, draw)?);)
    } else {
        quote!(let #local = #ty(#distribution.sample(#text, noise, draw)?);)
    }
}

/// The value of a latent that q determines.
pub fn determined(plan: &Plan, id: VariableId) -> TokenStream {
    let factor = plan.model.q.iter().find(|factor| factor.side == Side::Q && factor.variable == id);
    let Some(Body::Deterministic { function, input }) = factor.map(|factor| &factor.body) else { return quote!() };
    let (local, ty, from) = (local_ident(plan, id), type_ident(plan, id), local_ident(plan, *input));
    let name = ident(function.entry.runtime);
    let args = arguments(&plan.model, Scope::Run, &function.args, false);
    quote!(let #local = #ty(#name(&#from.0 #(, #args)*)?);)
}
