//! The bound: once an image, then once a sample.

use super::modes::determined;
use super::network::variable_args;
use super::variables::term_field;
use super::{doc, ident, local_ident, type_ident};
use crate::derive::{Term, TermKind};
use crate::graph::{Estimator, Side, VariableId};
use crate::plan::{FactorPlan, Plan, Ready};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// `fn bound`.
pub fn bound(plan: &Plan) -> TokenStream {
    let arguments = variable_args(plan, &plan.bound.data);
    let mut owned: Vec<VariableId> = Vec::new();
    let once: Vec<_> = plan.bound.once.iter().map(|ready| statement(plan, *ready, true, &mut owned)).collect();
    let repeats: Vec<_> = plan.bound.repeated.iter().map(|id| repeat_variable(plan, *id)).collect();
    owned.extend(&plan.bound.repeated);
    let again = plan.bound.once.iter().filter_map(|ready| repeat_distribution(plan, *ready));
    let again: Vec<_> = again.collect();
    let each: Vec<_> = plan.bound.each.iter().map(|ready| statement(plan, *ready, false, &mut owned)).collect();
    let terms: Vec<_> = plan.derivation.terms.iter().map(|term| term_value(plan, term)).collect();
    let draws = plan.bound.each.iter().any(|ready| matches!(ready, Ready::Drawn(_)));
    let noise = if draws { quote!(noise) } else { quote!(_) };
    let title = doc(&format!(
        " The bound: {}; each term `[samples, batch]` in nats.",
        plan.derivation.terms.iter().map(signed).collect::<Vec<_>>().join(" ")
    ));
    quote! {
        #title
        ///
        /// # Errors
        /// A shape that does not fit, or a failed tensor operation.
        pub fn bound(&self #(, #arguments)*, #noise: &mut Noise, options: &BoundOptions) -> Result<BoundTerms> {
            let samples = options.samples;
            #(#once)*
            #(#repeats)*
            #(#again)*
            #(#each)*
            Ok(BoundTerms { #(#terms),* })
        }
    }
}

fn signed(term: &Term) -> String {
    match term.kind {
        TermKind::Reconstruction => format!("+ {}", term.name),
        TermKind::Kl { .. } => format!("− {}", term.name),
    }
}

fn statement(plan: &Plan, ready: Ready, is_once: bool, owned: &mut Vec<VariableId>) -> TokenStream {
    match ready {
        Ready::Determined(id) => {
            owned.push(id);
            determined(plan, id)
        }
        Ready::Prepared(side, id) => {
            let Some((factor, network)) = with_network(plan, side, id) else { return quote!() };
            let (local, field) = (once_local(factor), ident(&factor.field));
            let inputs = network.once_reads.iter().map(|id| reference(plan, *id, owned));
            quote!(let #local = self.#field.once(#(#inputs),*)?;)
        }
        Ready::Distribution(side, id) => {
            let Some((factor, network)) = with_network(plan, side, id) else { return quote!() };
            let field = ident(&factor.field);
            let prepared = (!network.once.is_empty() && !is_once).then(|| {
                let local = once_local(factor);
                quote!(&repeat_each(&#local, samples)?)
            });
            let inputs = prepared.into_iter().chain(network.reads.iter().map(|id| reference(plan, *id, owned)));
            quote!(let #field = self.#field.forward(#(#inputs),*)?;)
        }
        Ready::Drawn(id) => {
            let (local, ty) = (local_ident(plan, id), type_ident(plan, id));
            let Some(factor) = plan.factor(Side::Q, id) else { return quote!() };
            owned.push(id);
            let (text, field) = (plan.name(id), ident(&factor.field));
            if factor.network.is_none() {
                let first = plan.bound.data.first().map(|id| local_ident(plan, *id));
                return quote!(let #local = #ty(self.#field.expand(#first.0.dim(0)?)?.sample(#text, noise, &Draw::default())?););
            }
            quote!(let #local = #ty(#field.sample(#text, noise, &Draw::default())?);)
        }
    }
}

fn with_network(plan: &Plan, side: Side, id: VariableId) -> Option<(&FactorPlan, &crate::plan::NetworkPlan)> {
    let factor = plan.factor(side, id)?;
    Some((factor, factor.network.as_ref()?))
}

fn once_local(factor: &FactorPlan) -> Ident {
    format_ident!("{}_once", factor.field)
}

/// A variable as an argument: data come as references, what is computed here is owned.
pub fn reference(plan: &Plan, id: VariableId, owned: &[VariableId]) -> TokenStream {
    let local = local_ident(plan, id);
    if owned.contains(&id) { quote!(&#local) } else { quote!(#local) }
}

fn repeat_variable(plan: &Plan, id: VariableId) -> TokenStream {
    let (local, ty) = (local_ident(plan, id), type_ident(plan, id));
    quote!(let #local = #ty(repeat(&#local.0, samples)?);)
}

fn repeat_distribution(plan: &Plan, ready: Ready) -> Option<TokenStream> {
    let Ready::Distribution(side, id) = ready else { return None };
    let field = ident(&plan.factor(side, id)?.field);
    Some(quote!(let #field = #field.repeat(samples)?;))
}

fn term_value(plan: &Plan, term: &Term) -> TokenStream {
    let (field, local) = (term_field(&term.name), local_ident(plan, term.variable));
    let Some(p) = plan.factor(Side::P, term.variable) else { return quote!() };
    let distribution = |factor: &FactorPlan| {
        let field = ident(&factor.field);
        if factor.network.is_some() { quote!(#field) } else { quote!(self.#field) }
    };
    let p_value = distribution(p);
    let value = match (&term.kind, plan.factor(Side::Q, term.variable)) {
        (TermKind::Kl { estimator: Estimator::ClosedForm, .. }, Some(q)) => {
            let q = distribution(q);
            quote!(divergence_term(&#q, &#p_value, &#local.0, options)?)
        }
        (TermKind::Kl { .. }, Some(q)) => {
            let q = distribution(q);
            quote!(sampled_kl_term(&#q.log_prob(&#local.0)?, &#p_value.log_prob(&#local.0)?)?)
        }
        _ => quote!(#p_value.log_prob(&#local.0)?),
    };
    quote!(#field: per_sample(&#value, samples)?)
}
