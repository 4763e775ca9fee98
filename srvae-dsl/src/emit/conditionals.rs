//! The factors as methods: the distribution of a variable for given parents.

use super::factor::{density_type, field_type};
use super::network::variable_args;
use super::{doc, ident, local_ident};
use crate::plan::{FactorPlan, Plan};
use proc_macro2::TokenStream;
use quote::quote;

/// A method for each factor that holds something.
pub fn conditionals(plan: &Plan) -> TokenStream {
    let each = plan.factors.iter().map(|factor| method(plan, factor));
    quote!(#(#each)*)
}

fn method(plan: &Plan, factor: &FactorPlan) -> TokenStream {
    let field = ident(&factor.field);
    let title = doc(&format!(" {}.", plan.factor_text(factor.side, factor.variable)));
    let Some(network) = &factor.network else {
        let ty = field_type(factor);
        return quote! {
            #title
            pub fn #field(&self) -> &#ty {
                &self.#field
            }
        };
    };
    let density = density_type(factor);
    let parents = variable_args(plan, &factor.parents);
    let reads = network.reads.iter().map(|id| local_ident(plan, *id));
    let once = (!network.once.is_empty()).then(|| {
        let reads = network.once_reads.iter().map(|id| local_ident(plan, *id));
        quote!(&self.#field.once(#(#reads),*)?,)
    });
    quote! {
        #title
        ///
        /// # Errors
        /// A shape that does not fit, or a failed tensor operation.
        pub fn #field(&self #(, #parents)*) -> Result<#density> {
            self.#field.forward(#once #(#reads),*)
        }
    }
}
