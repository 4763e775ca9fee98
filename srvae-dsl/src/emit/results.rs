//! One struct for each mode's result, and one for the terms of the bound.

use super::{doc, ident};
use crate::derive::{Term, TermKind};
use crate::graph::{Estimator, VariableId};
use crate::plan::{Group, Plan};
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use std::collections::BTreeMap;

/// The terms of the bound, and the modes' results.
pub fn results(plan: &Plan) -> TokenStream {
    let groups = plan.names.families.terms(plan).into_iter().zip(plan.term_fields());
    let terms = groups.map(|(group, field)| field_of_terms(plan, &group, &field));
    let scores = has_scores(plan).then(|| {
        quote! {
            /// What is drawn by its score.
            pub scores: ::std::vec::Vec<::srvae::Score>,
        }
    });
    let addends = has_addends(plan).then(|| {
        quote! {
            /// What training maximises besides the bound.
            pub added: ::std::vec::Vec<::srvae::Added>,
        }
    });
    let gains = has_gains(plan).then(|| {
        quote! {
            /// For importance weights: the gains of summing over enumerated values inside of the logarithm.
            pub gains: ::std::vec::Vec<::srvae::Tensor>,
        }
    });
    let bound = bound_terms(plan);
    let modes = plan.derivation.modes.iter().zip(&plan.names.results).map(|(mode, ty)| {
        let ty = ident(ty);
        let title = doc(&format!(" What {} yields.", mode.name.replace('_', " ")));
        let fields = yielded(plan, mode.yields(&plan.model)).into_iter().map(|group| field_of_mode(plan, &group));
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
            pub struct BoundTerms { #(#terms,)* #scores #addends #gains }

            #bound

            #(#modes)*
        }
    }
}

/// The variables that a mode yields, members of a family grouped.
pub fn yielded(plan: &Plan, ids: Vec<VariableId>) -> Vec<Group<VariableId>> {
    plan.names.families.grouped(ids.into_iter().map(|id| (Some(id), id)).collect())
}

fn field_of_mode(plan: &Plan, group: &Group<VariableId>) -> TokenStream {
    match group {
        Group::One(id) => {
            let (field, ty) = (ident(&plan.names.variables[id.0]), ident(&plan.names.types[id.0]));
            quote!(pub #field: super::variables::#ty)
        }
        Group::Members { family, .. } => {
            let family = &plan.names.families.all[*family];
            let (field, ty) = (ident(&family.field), ident(&family.ty));
            quote!(pub #field: ::std::vec::Vec<super::variables::#ty>)
        }
    }
}

fn field_of_terms(plan: &Plan, group: &Group<(usize, &Term)>, field: &str) -> TokenStream {
    let field = ident(field);
    match group {
        Group::One((_, term)) => {
            let title = doc(&format!(" {}: {}.", term.name, what(term)));
            let where_ =
                term.presence.map(|presence| doc(&format!(" 0 unless {}.", presence.text(plan.name(term.variable)))));
            quote!(#title #where_ pub #field: ::srvae::Tensor)
        }
        Group::Members { each, .. } => {
            let [(_, first), .., (_, last)] = each.as_slice() else { return TokenStream::new() };
            let mut kinds: Vec<String> = Vec::new();
            for kind in each.iter().map(|(_, term)| what(term)) {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            let title = doc(&format!(" {} to {}: {}.", first.name, last.name, kinds.join("; ")));
            quote!(#title pub #field: ::std::vec::Vec<::srvae::Tensor>)
        }
    }
}

fn what(term: &Term) -> String {
    match &term.kind {
        TermKind::Reconstruction => "log-likelihood, added".to_owned(),
        TermKind::Kl { estimator: Estimator::ClosedForm, reason } => {
            format!("divergence, subtracted; exact: {reason}")
        }
        TermKind::Kl { estimator: Estimator::MonteCarlo, reason } => {
            format!("divergence, subtracted; at the sample: {reason}")
        }
    }
}

/// Methods on the terms.
fn bound_terms(plan: &Plan) -> TokenStream {
    let scores = match has_scores(plan) {
        true => quote!(self.scores.clone()),
        false => quote!(::std::vec::Vec::new()),
    };
    let added = match has_addends(plan) {
        true => quote!(self.added.clone()),
        false => quote!(::std::vec::Vec::new()),
    };
    let gains = match has_gains(plan) {
        true => quote!(self.gains.clone()),
        false => quote!(::std::vec::Vec::new()),
    };
    let rest = quote!(scores: #scores, added: #added, gains: #gains);
    let terms = terms(plan, &rest);
    let methods = [
        ("elbo", " The bound of each record, `[batch]` nats: the mean over the samples."),
        ("log_weights", " The bound of each sample, `[samples, batch]` nats: the logarithms of importance weights."),
        ("log_likelihood", " The logarithm of the mean weight of each record, `[batch]` nats."),
        ("loss", " The negative training objective, a mean over the batch: one number, to be minimised."),
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
                #terms
            }

            #(#methods)*
        }
    }
}

/// The terms with their names, in the bound's order, and the `rest` of the fields.
fn terms(plan: &Plan, rest: &TokenStream) -> TokenStream {
    let groups = plan.names.families.terms(plan);
    let mut places: BTreeMap<usize, (usize, Option<usize>)> = BTreeMap::new();
    for (at, group) in groups.iter().enumerate() {
        match group {
            Group::One((term, _)) => drop(places.insert(*term, (at, None))),
            Group::Members { each, .. } => {
                places.extend(each.iter().enumerate().map(|(position, (term, _))| (*term, (at, Some(position)))));
            }
        }
    }
    let fields: Vec<_> = plan.term_fields().iter().map(|field| ident(field)).collect();
    let places: Vec<(usize, Option<usize>)> = places.into_values().collect();
    let term = |at: usize, name: &TokenStream, value: &TokenStream| {
        let kind = match plan.derivation.terms[at].kind {
            TermKind::Reconstruction => quote!(Reconstruction),
            TermKind::Kl { .. } => quote!(Kl),
        };
        quote!(::srvae::Term { name: #name, kind: ::srvae::TermKind::#kind, value: self.#value.clone() })
    };
    let name = |at: usize| plan.term_name(&plan.derivation.terms[at].name);
    if places.iter().all(|(_, position)| position.is_none()) {
        let each = places.iter().enumerate().map(|(at, (group, _))| {
            let (name, field) = (name(at), &fields[*group]);
            term(at, &quote!(#name), &quote!(#field))
        });
        return quote!(::srvae::Terms { terms: ::std::vec::Vec::from([#(#each),*]), #rest });
    }
    let mut statements = Vec::new();
    let mut at = 0;
    while at < places.len() {
        let (period, count) = repeated(&places[at..]);
        let round = (at..at + period).map(|at| {
            let (group, position) = places[at];
            let field = &fields[group];
            let names: Vec<&str> = (0..count).map(|round| name(at + round * period)).collect();
            let is_one = names.iter().all(|name| *name == names[0]);
            let own = names[0];
            let name = if is_one { quote!(#own) } else { quote!([#(#names),*][step]) };
            let value = match (position, count) {
                (None, _) => quote!(#field),
                (Some(position), 1) => {
                    let position = Literal::usize_unsuffixed(position);
                    quote!(#field[#position])
                }
                (Some(position), _) => {
                    let from = Literal::usize_unsuffixed(position);
                    match places[at + period].1 > Some(position) {
                        true if position == 0 => quote!(#field[step]),
                        true => quote!(#field[#from + step]),
                        false => quote!(#field[#from - step]),
                    }
                }
            };
            let term = term(at, &name, &value);
            quote!(terms.push(#term);)
        });
        let rounds = Literal::usize_unsuffixed(count);
        statements.push(match count {
            1 => quote!(#(#round)*),
            _ => quote!(for step in 0..#rounds { #(#round)* }),
        });
        at += period * count;
    }
    quote! {
        let mut terms = ::std::vec::Vec::new();
        #(#statements)*
        ::srvae::Terms { terms, #rest }
    }
}

/// The maximum period.
const LONGEST: usize = 8;

/// The repetition at the beginning of a list of places, where each position rises or falls by one per round: the period
/// and the number of rounds.
fn repeated(places: &[(usize, Option<usize>)]) -> (usize, usize) {
    let rounds = |period: usize| {
        let goes_on = |at: usize, round: usize| {
            let (first, next) = (places[at], places.get(at + period)?);
            let here = places.get(at + round * period)?;
            let (first, next, own) =
                (first.1?, (next.0 == first.0).then_some(next.1?)?, (here.0 == first.0).then_some(here.1?)?);
            let expected = if next > first { first.checked_add(round) } else { first.checked_sub(round) };
            (expected == Some(own)).then_some(())
        };
        let goes_on = |round: usize| (0..period).all(|at| goes_on(at, round).is_some());
        1 + (1..places.len() / period).take_while(|round| goes_on(*round)).count()
    };
    let tried = (1..=LONGEST.min(places.len())).map(|period| (period, rounds(period)));
    let best =
        tried.filter(|(_, rounds)| *rounds > 1).max_by_key(|(period, rounds)| (period * rounds, usize::MAX - period));
    best.unwrap_or((1, 1))
}

/// Whether a draw has the score gradient.
pub fn has_scores(plan: &Plan) -> bool {
    !plan.bound.scores.is_empty()
}

/// Whether importance weights sum over enumerated values.
pub fn has_gains(plan: &Plan) -> bool {
    !plan.bound.gains.is_empty()
}

/// Whether the training objective has additional terms.
fn has_addends(plan: &Plan) -> bool {
    !plan.bound.addends.is_empty()
}

#[cfg(test)]
mod tests {
    use super::repeated;

    #[test]
    fn places_that_go_on_are_one_loop() {
        let members =
            |group: usize, positions: &[usize]| positions.iter().map(|at| (group, Some(*at))).collect::<Vec<_>>();
        assert_eq!(repeated(&members(0, &[4, 3, 2, 1, 0])), (1, 5));
        assert_eq!(repeated(&members(0, &[0, 1, 3, 4])), (1, 2));
        let two: Vec<_> = (0..3).flat_map(|at| [(0, Some(at)), (1, Some(9 - at))]).collect();
        assert_eq!(repeated(&two), (2, 3));
        assert_eq!(repeated(&[(0, None), (1, None)]), (1, 1));
    }
}
