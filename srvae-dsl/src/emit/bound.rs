//! The bound.

use super::checks::checks;
use super::number::{Scope, dims};
use super::program::Walker;
use super::results::{has_gains, has_scores};
use super::roll::{Layers, Rolled};
use super::variables::{arguments, names};
use super::{doc, ident};
use crate::derive::{Term, TermKind};
use crate::explain::listed;
use crate::graph::{Factor, VariableId};
use crate::plan::{Group, Operation, Output, Plan, ValueId};
use proc_macro2::TokenStream;
use quote::quote;

/// The method that computes the bound.
pub fn bound(plan: &Plan, layers: &Layers) -> TokenStream {
    let walker = Walker::new(plan, &plan.bound, layers);
    let parents = arguments(plan, &plan.bound);
    let signs = listed(plan.derivation.terms.iter().map(signed).collect());
    let title = doc(&format!(" The bound: {}; each term `[samples, batch]` in nats.", signs.join(" ")));
    let has_segments = !plan.segments.all.is_empty();
    let noise = if plan.bound.uses(Operation::is_draw) || has_segments { quote!(noise) } else { quote!(_) };
    let in_segments = has_segments.then(|| {
        let given = names(plan, &plan.bound).into_iter().map(|name| ident(&name));
        quote! {
            if self.params.phase() == ::srvae::params::Phase::Training {
                return self.in_segments(#(#given,)* noise, options);
            }
        }
    });
    let (checks, beginning, rolled) = (checks(plan, &walker, true), beginning(plan, &walker), walker.statements());
    let (statements, terms) = (&rolled.statements, bound_terms(plan, &walker, &rolled));
    quote! {
        #title
        ///
        /// # Errors
        /// A value that does not fit its variable, or a failed tensor operation.
        pub fn bound(
            &self,
            #(#parents,)*
            #noise: &mut ::srvae::Noise,
            options: &::srvae::BoundOptions,
        ) -> ::srvae::Result<super::results::BoundTerms> {
            #checks
            #in_segments
            #beginning
            #statements
            #terms
        }
    }
}

/// The numbers of samples, records and rows, and the enumerated values, before the statements of the bound or of a segment
/// of it.
pub fn beginning(plan: &Plan, walker: &Walker<'_>) -> TokenStream {
    let rows = walker.program.uses(|operation| *operation == Operation::Expand).then(|| {
        let first = walker.first();
        quote!(let rows = samples * #first.dim(0)?;)
    });
    let (records, enumerations) = (walker.records(), enumerations(plan));
    quote! {
        let samples = options.samples;
        #records
        #rows
        #enumerations
    }
}

/// The result of the bound from the values of its terms.
pub fn bound_terms(plan: &Plan, walker: &Walker<'_>, rolled: &Rolled) -> TokenStream {
    let values = match &plan.bound.output {
        Output::Terms(values) => values.as_slice(),
        Output::Variables(_) | Output::Distribution(_) | Output::Value(_) => &[],
    };
    let terms = plan.names.families.terms(plan).into_iter().zip(plan.term_fields()).map(|(group, field)| {
        let field = ident(&field);
        match group {
            Group::One((at, _)) => {
                let value = rolled.value(&plan.bound.value(values[at]).name);
                if field == value.to_string() { quote!(#field) } else { quote!(#field: #value) }
            }
            Group::Members { each, .. } => {
                let each: Vec<ValueId> = each.iter().map(|(at, _)| values[*at]).collect();
                let list = walker.list(&each, rolled);
                quote!(#field: #list)
            }
        }
    });
    let value = |id: ValueId| rolled.value(&plan.bound.value(id).name);
    let scores = plan.bound.scores.iter().map(|score| {
        let (log_q, baseline) = (value(score.log_q), optional(score.baseline.map(value)));
        quote!(::srvae::Score { log_q: #log_q, baseline: #baseline })
    });
    let scores = has_scores(plan).then(|| quote!(scores: ::std::vec::Vec::from([#(#scores),*]),));
    let added = super::objective::added(plan, rolled);
    let gains = has_gains(plan).then(|| {
        let each = walker.list(&plan.bound.gains, rolled);
        quote!(gains: #each,)
    });
    quote!(::std::result::Result::Ok(super::results::BoundTerms { #added #(#terms,)* #scores #gains }))
}

fn optional(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::std::option::Option::Some(#value)),
        None => quote!(::std::option::Option::None),
    }
}

/// The enumerated values that the bound sums over, if any. The components of a mixture are enumerated as the classes of a
/// label.
fn enumerations(plan: &Plan) -> TokenStream {
    let values = |id: &VariableId| {
        let variable = plan.model.variable(*id);
        if let Some(components) = plan.model.q_of(*id).and_then(Factor::components) {
            return quote!(("label", &[#components][..]));
        }
        let (space, shape) = (crate::catalog::space_entry(variable.space).name, dims(plan, Scope::Run, &variable.dims));
        quote!((#space, &#shape[..]))
    };
    let kinds = plan.bound.enumerated.iter().map(|group| {
        let each = group.iter().map(values);
        quote!(::srvae::Enumeration::new(&[#(#each),*])?)
    });
    let kinds: Vec<_> = kinds.collect();
    if kinds.is_empty() {
        return TokenStream::new();
    }
    quote!(let enumerations = [#(#kinds),*];)
}

fn signed(term: &Term) -> String {
    match term.kind {
        TermKind::Reconstruction => format!("+ {}", term.name),
        TermKind::Kl { .. } => format!("− {}", term.name),
    }
}
