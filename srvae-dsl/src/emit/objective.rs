//! The training objective: weights of the bound's terms, and additional terms.

use super::number::{Scope, real};
use super::roll::Rolled;
use crate::graph::{Quantity, RampUnit};
use crate::plan::{Plan, addend_text};
use proc_macro2::TokenStream;
use quote::quote;

/// `Model::weights`, if the file has weights.
pub fn weights(plan: &Plan) -> TokenStream {
    let all: Vec<_> = plan
        .model
        .weights
        .iter()
        .map(|weight| {
            let (term, scale) = (plan.term_name(&weight.term), quantity(plan, &weight.scale));
            let ramp = match &weight.ramp {
                None => quote!(None),
                Some(ramp) => {
                    let length = quantity(plan, &ramp.length);
                    match ramp.unit {
                        RampUnit::Passes => quote!(Passes(#length)),
                        RampUnit::Steps => quote!(Steps(#length)),
                    }
                }
            };
            let free = weight.free.as_ref().map_or_else(|| quote!(0.0), |free| quantity(plan, free));
            quote!(::srvae::Weight { term: #term, scale: #scale, ramp: ::srvae::Ramp::#ramp, free: #free })
        })
        .collect();
    if all.is_empty() {
        return TokenStream::new();
    }
    quote! {
        fn weights(&self) -> ::std::vec::Vec<::srvae::Weight> {
            ::std::vec::Vec::from([#(#all),*])
        }
    }
}

/// The field of the bound's terms with the additional ones, if there are any. It comes first, because a value may also
/// be that of a term.
pub fn added(plan: &Plan, rolled: &Rolled) -> TokenStream {
    let all: Vec<_> = plan
        .model
        .addends
        .iter()
        .zip(&plan.bound.addends)
        .map(|(addend, value)| {
            let (name, scale) = (addend_text(plan, addend), quantity(plan, &addend.scale));
            let value = rolled.copy(&plan.bound.value(*value).name);
            quote!(::srvae::Added { name: #name, scale: #scale, value: #value })
        })
        .collect();
    if all.is_empty() {
        return TokenStream::new();
    }
    quote!(added: ::std::vec::Vec::from([#(#all),*]),)
}

fn quantity(plan: &Plan, quantity: &Quantity) -> TokenStream {
    real(plan, Scope::Run, &quantity.number)
}
