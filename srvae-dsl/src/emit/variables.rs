//! One type for each variable, and one struct for each mode's result and for the terms of the bound.

use super::{doc, docs, ident, local_ident, type_ident};
use crate::derive::TermKind;
use crate::graph::{Estimator, Role};
use crate::plan::{Plan, type_name};
use proc_macro2::TokenStream;
use quote::quote;

/// A newtype for each variable.
pub fn variables(plan: &Plan) -> TokenStream {
    let each = plan.model.variables.iter().map(|variable| {
        let role = match variable.role {
            Role::Observed => "Observed",
            Role::Latent => "Latent",
            Role::Given => "Given",
        };
        let space = crate::catalog::space_entry(variable.space).name;
        let sizes = crate::catalog::show_shape(&variable.shape);
        let title = doc(&format!(" {role} variable {}: {space}{sizes}, the batch before it.", variable.name));
        let (docs, name) = (docs(&variable.docs), ident(&type_name(&variable.name)));
        quote! {
            #title
            #(#docs)*
            #[derive(Debug, Clone)]
            pub struct #name(pub Tensor);
        }
    });
    quote!(#(#each)*)
}

/// The terms of the bound, and the modes' results.
pub fn results(plan: &Plan) -> TokenStream {
    let terms = plan.derivation.terms.iter().map(|term| {
        let field = term_field(&term.name);
        let text = match &term.kind {
            TermKind::Reconstruction => format!(" {}: log-likelihood, added.", term.name),
            TermKind::Kl { estimator: Estimator::ClosedForm, reason } => {
                format!(" {}: divergence, subtracted; exact: {reason}.", term.name)
            }
            TermKind::Kl { estimator: Estimator::MonteCarlo, reason } => {
                format!(" {}: divergence, subtracted; at the sample: {reason}.", term.name)
            }
        };
        let doc = doc(&text);
        quote!(#doc pub #field: Tensor)
    });
    let modes = plan.derivation.modes.iter().map(|mode| {
        let name = ident(&type_name(&mode.name));
        let title = doc(&format!(" What {} yields.", mode.name.replace('_', " ")));
        let fields = mode.yields(&plan.model).into_iter().map(|id| {
            let (field, ty) = (local_ident(plan, id), type_ident(plan, id));
            quote!(pub #field: #ty)
        });
        quote! {
            #title
            #[derive(Debug, Clone)]
            pub struct #name { #(#fields),* }
        }
    });
    quote! {
        /// The terms of the bound, each `[samples, batch]` in nats.
        #[derive(Debug, Clone)]
        pub struct BoundTerms { #(#terms),* }

        #(#modes)*
    }
}

/// `RE_x` → `re_x`.
pub fn term_field(name: &str) -> proc_macro2::Ident {
    let (kind, variable) = name.split_once('_').unwrap_or((name, ""));
    quote::format_ident!("{}_{}", kind.to_lowercase(), variable)
}
