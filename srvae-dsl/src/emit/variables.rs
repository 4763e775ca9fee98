//! One type for each variable, and one struct for each mode's result and for the terms of the bound.

use super::{doc, docs, ident};
use crate::derive::TermKind;
use crate::graph::{Estimator, Role};
use crate::plan::{Operation, Plan, Program, term_field};
use proc_macro2::TokenStream;
use quote::quote;

/// A newtype for each variable.
pub fn variables(plan: &Plan) -> TokenStream {
    let each = plan.model.variables.iter().zip(&plan.names.types).map(|(variable, ty)| {
        let role = match variable.role {
            Role::Observed => "Observed",
            Role::Partly => "Partly observed",
            Role::Latent => "Latent",
            Role::Given => "Given",
        };
        let space = crate::catalog::space_entry(variable.space).name;
        let sizes = crate::catalog::show_shape(&variable.shape);
        let title = doc(&format!(" {role} variable {}: {space}{sizes}, the batch before it.", variable.name));
        let (docs, ty) = (docs(&variable.docs), ident(ty));
        quote! {
            #title
            #(#docs)*
            #[derive(::std::fmt::Debug, ::std::clone::Clone)]
            pub struct #ty(pub ::srvae::Tensor);
        }
    });
    quote! {
        /// A type for each variable.
        pub mod variables {
            #(#each)*
        }
    }
}

/// The terms of the bound, and the modes' results.
pub fn results(plan: &Plan) -> TokenStream {
    let terms = plan.derivation.terms.iter().map(|term| {
        let field = ident(&term_field(&term.name));
        let text = match &term.kind {
            TermKind::Reconstruction => format!(" {}: log-likelihood, added.", term.name),
            TermKind::Kl { estimator: Estimator::ClosedForm, reason } => {
                format!(" {}: divergence, subtracted; exact: {reason}.", term.name)
            }
            TermKind::Kl { estimator: Estimator::MonteCarlo, reason } => {
                format!(" {}: divergence, subtracted; at the sample: {reason}.", term.name)
            }
        };
        let where_ =
            term.presence.map(|presence| doc(&format!(" 0 but where {}.", presence.text(plan.name(term.variable)))));
        let doc = doc(&text);
        quote!(#doc #where_ pub #field: ::srvae::Tensor)
    });
    let scores = super::model::has_scores(plan).then(|| {
        quote! {
            /// ln q of what is drawn by its score.
            pub scores: ::std::vec::Vec<::srvae::Tensor>,
        }
    });
    let addends = has_addends(plan).then(|| {
        quote! {
            /// What training maximises besides the bound.
            pub added: ::std::vec::Vec<::srvae::Added>,
        }
    });
    let bound = bound_terms(plan);
    let modes = plan.derivation.modes.iter().zip(&plan.names.results).map(|(mode, ty)| {
        let ty = ident(ty);
        let title = doc(&format!(" What {} yields.", mode.name.replace('_', " ")));
        let fields = mode.yields(&plan.model).into_iter().map(|id| {
            let (field, ty) = (ident(&plan.names.variables[id.0]), ident(&plan.names.types[id.0]));
            quote!(pub #field: super::variables::#ty)
        });
        quote! {
            #title
            #[derive(::std::fmt::Debug, ::std::clone::Clone)]
            pub struct #ty { #(#fields),* }
        }
    });
    quote! {
        /// What the bound and the modes yield.
        pub mod results {
            /// The terms of the bound, each `[samples, batch]` in nats.
            #[derive(::std::fmt::Debug, ::std::clone::Clone)]
            pub struct BoundTerms { #(#terms,)* #scores #addends }

            #bound

            #(#modes)*
        }
    }
}

/// What is made of the terms.
fn bound_terms(plan: &Plan) -> TokenStream {
    let terms = plan.derivation.terms.iter().map(|term| {
        let (text, field) = (plan.term_name(&term.name), ident(&term_field(&term.name)));
        let kind = match term.kind {
            TermKind::Reconstruction => quote!(Reconstruction),
            TermKind::Kl { .. } => quote!(Kl),
        };
        quote!(::srvae::Term { name: #text, kind: ::srvae::TermKind::#kind, value: self.#field.clone() })
    });
    let scores = match super::model::has_scores(plan) {
        true => quote!(self.scores.clone()),
        false => quote!(::std::vec::Vec::new()),
    };
    let added = match has_addends(plan) {
        true => quote!(self.added.clone()),
        false => quote!(::std::vec::Vec::new()),
    };
    let methods = [
        ("elbo", " The bound of each record, `[batch]` nats: the mean over the samples."),
        ("log_weights", " The bound of each sample, `[samples, batch]` nats: the logarithms of importance weights."),
        ("log_likelihood", " The logarithm of the mean weight of each record, `[batch]` nats."),
        ("loss", " The negative bound less what is added to it, a mean over the batch: one number, to be minimised."),
    ];
    let methods = methods.map(|(name, text)| {
        let (name, title) = (ident(name), doc(text));
        quote! {
            #title
            ///
            /// # Errors
            /// A failed tensor operation.
            pub fn #name(&self) -> ::srvae::Result<::srvae::Tensor> {
                self.terms().#name()
            }
        }
    });
    quote! {
        impl BoundTerms {
            /// The terms by their names.
            pub fn terms(&self) -> ::srvae::Terms {
                ::srvae::Terms { terms: ::std::vec::Vec::from([#(#terms),*]), scores: #scores, added: #added }
            }

            #(#methods)*
        }
    }
}

/// What a program is given as arguments of a method: `y: &super::variables::Y`, the locals as the program names them.
pub fn arguments(plan: &Plan, program: &Program) -> Vec<TokenStream> {
    let each = program.arguments().filter_map(|value| {
        let local = ident(&value.name);
        match value.operation {
            Operation::Given(id) => {
                let ty = ident(&plan.names.types[id.0]);
                Some(quote!(#local: &super::variables::#ty))
            }
            Operation::GivenValue(_) => Some(quote!(#local: &::srvae::Tensor)),
            Operation::Partly(id) => {
                let ty = ident(&plan.names.types[id.0]);
                Some(quote!(#local: &::srvae::Partly<super::variables::#ty>))
            }
            _ => None,
        }
    });
    each.collect()
}

/// Whether training maximises something besides the bound.
fn has_addends(plan: &Plan) -> bool {
    !plan.bound.addends.is_empty()
}
