//! The bound in segments, for `checkpoint`: a method for each segment, equal ones as one method with the segment as an
//! argument.

use super::bound::{beginning, bound_terms};
use super::ident;
use super::program::{KEPT, Walker};
use super::roll::{Layers, Member, Method, Methods, Rolled, Shared, share};
use super::variables::{arguments, names};
use crate::plan::{Plan, Positions, Program};
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use std::collections::BTreeSet;

/// The method `in_segments`, which computes the bound in training, and those of the segments. None without `checkpoint`.
/// `taken` are the names of methods.
pub fn segments(plan: &Plan, layers: &Layers, taken: &BTreeSet<String>) -> Option<TokenStream> {
    let parts = &plan.segments;
    if parts.all.is_empty() {
        return None;
    }
    let programs: Vec<Program> = parts.all.iter().map(|segment| segment.program(&plan.bound)).collect();
    let mut free = free_names(taken);
    let methods = programs.iter().map(|program| Method {
        name: free.next().unwrap_or_default(),
        arguments: names(plan, program),
        kind: "segment".to_owned(),
        body: body(plan, layers, program),
    });
    let methods: Vec<Method> = methods.collect();
    let own: Vec<String> = methods.iter().map(|method| method.name.clone()).collect();
    let taken = taken.iter().chain(&own).cloned().collect();
    let shared = share(methods, layers, &taken);
    let each = shared.bodies.iter().enumerate().filter_map(|(at, body)| match body {
        Shared::Member => None,
        Shared::Own(body) => Some(method(plan, &programs[at], &own[at], None, body)),
    });
    let families = shared.families.iter().map(|family| {
        let told = family.at.as_ref().map(|at| quote!(#at: usize,));
        method(plan, &programs[family.members[0]], &family.name, told, &family.body)
    });
    let calls = calls(plan, &own, &shared);
    let whole = whole(plan, layers, &calls);
    Some(quote!(#whole #(#each)* #(#families)*))
}

/// `segment_1`, `segment_2`, …, without names of other methods.
fn free_names(taken: &BTreeSet<String>) -> impl Iterator<Item = String> {
    (1..).map(|number| format!("segment_{number}")).filter(|name| !taken.contains(name))
}

/// The statements of a segment. It returns what later segments read and the results of the bound.
fn body(plan: &Plan, layers: &Layers, program: &Program) -> TokenStream {
    let walker = Walker::of_method(plan, program, layers);
    let (beginning, rolled) = (beginning(plan, &walker), walker.statements());
    let (statements, made) = (&rolled.statements, walker.list(&program.outputs(), &rolled));
    quote!(#beginning #statements ::std::result::Result::Ok(#made))
}

fn method(plan: &Plan, program: &Program, name: &str, told: Option<TokenStream>, body: &TokenStream) -> TokenStream {
    let (name, kept, parents) = (ident(name), ident(KEPT), arguments(plan, program));
    quote! {
        #[allow(unused_variables)]
        fn #name(
            &self,
            #told
            #(#parents,)*
            #kept: &[::srvae::Tensor],
            noise: &mut ::srvae::Noise,
            options: &::srvae::BoundOptions,
        ) -> ::srvae::Result<::std::vec::Vec<::srvae::Tensor>> {
            #body
        }
    }
}

/// The call of each segment's method, by the number of the segment. Consecutive segments of one method are one arm.
fn calls(plan: &Plan, own: &[String], shared: &Methods) -> TokenStream {
    let given: Vec<_> = names(plan, &plan.bound).iter().map(|name| ident(name)).collect();
    let call = |name: &str, at: Option<TokenStream>| {
        let (name, kept) = (ident(name), ident(KEPT));
        quote!(model.#name(#at #(#given,)* #kept, noise, options))
    };
    let mut arms: Vec<(usize, TokenStream)> = Vec::new();
    for (at, _) in shared.bodies.iter().enumerate().filter(|(_, body)| matches!(body, Shared::Own(_))) {
        let (number, call) = (Literal::usize_unsuffixed(at), call(&own[at], None));
        arms.push((at, quote!(#number => #call)));
    }
    for family in &shared.families {
        let (first, last) = (family.members[0], family.members[family.members.len() - 1]);
        if last - first + 1 == family.members.len() {
            let (from, to) = (Literal::usize_unsuffixed(first), Literal::usize_unsuffixed(last));
            let at = family.at.is_some().then(|| if first == 0 { quote!(number,) } else { quote!(number - #from,) });
            let call = call(&family.name, at);
            arms.push((first, quote!(#from..=#to => #call)));
            continue;
        }
        for (at, number) in family.members.iter().enumerate() {
            let (at, own) = (Literal::usize_unsuffixed(at), Literal::usize_unsuffixed(*number));
            let call = call(&family.name, family.at.is_some().then(|| quote!(#at,)));
            arms.push((*number, quote!(#own => #call)));
        }
    }
    arms.sort_by_key(|(at, _)| *at);
    let arms = arms.into_iter().map(|(_, arm)| arm);
    quote! {
        match number {
            #(#arms,)*
            _ => ::std::result::Result::Ok(::std::vec::Vec::new()),
        }
    }
}

/// The bound from the results of its segments.
fn whole(plan: &Plan, layers: &Layers, calls: &TokenStream) -> TokenStream {
    let (parents, given, kept) = (arguments(plan, &plan.bound), names(plan, &plan.bound), ident(KEPT));
    let given: Vec<_> = given.iter().map(|name| ident(name)).collect();
    let reads = plan.segments.all.iter().map(|segment| positions(&segment.read_at));
    let outputs = positions(&plan.segments.outputs);
    let members = plan.bound.outputs().into_iter().enumerate().map(|(at, id)| {
        let member = Member { vector: KEPT.to_owned(), at, is_variable: false };
        (plan.bound.value(id).name.clone(), member)
    });
    let rolled = Rolled {
        statements: TokenStream::new(),
        rest: TokenStream::new(),
        members: members.collect(),
        vectors: Vec::new(),
    };
    let terms = bound_terms(plan, &Walker::new(plan, &plan.bound, layers), &rolled);
    quote! {
        /// The bound in training: its segments, each recomputed in the backward pass.
        fn in_segments(
            &self,
            #(#parents,)*
            noise: &mut ::srvae::Noise,
            options: &::srvae::BoundOptions,
        ) -> ::srvae::Result<super::results::BoundTerms> {
            let model = Self {
                params: self.params.clone(),
                config: self.config.clone(),
                layers: self.layers.clone(),
            };
            let owned = (model, (#(#given.to_owned(),)*), *options);
            let #kept = ::srvae::segments::outputs(
                &[#(#reads),*],
                #outputs,
                &self.params,
                noise,
                move |number, #kept, noise| {
                    let (model, (#(#given,)*), options) = &owned;
                    #calls
                },
            )?;
            #terms
        }
    }
}

fn positions(all: &[Positions]) -> TokenStream {
    let each = all.iter().map(|(from, to)| {
        let (from, to) = (Literal::usize_unsuffixed(*from), Literal::usize_unsuffixed(*to));
        quote!((#from, #to))
    });
    quote!(&[#(#each),*][..])
}
