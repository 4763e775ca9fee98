//! A method for each factor and each value of the file. Equal methods of the members of a family are one method, with
//! the member as an argument.

use super::checks::checks;
use super::program::Walker;
use super::roll::{Layers, Method, Shared, share};
use super::variables::arguments;
use super::{doc, docs, ident};
use crate::graph::{family, member};
use crate::plan::{FactorPlan, LetPlan, METHODS, Operation, PartKind, Plan, Program};
use proc_macro2::TokenStream;
use quote::quote;
use std::collections::{BTreeMap, BTreeSet};

/// The signature of a method.
struct Frame<'p> {
    /// `p(z | y)`, `The value h: [16]`.
    title: String,
    docs: TokenStream,
    program: &'p Program,
    yields: TokenStream,
    /// The family of the member, and what the method computes: `p of z`.
    family: Option<String>,
}

impl Frame<'_> {
    /// The name that members of a family share, or the name of the method.
    fn owner(&self) -> String {
        self.family.clone().unwrap_or_else(|| self.program.name.clone())
    }
}

/// The methods, and the names of all methods so far.
pub fn methods(plan: &Plan, layers: &Layers) -> (TokenStream, BTreeSet<String>) {
    let factors = plan.factors().iter().map(|factor| conditional(plan, layers, factor));
    let lets = plan.lets().iter().map(|value| shared(plan, layers, value));
    let (frames, bodies): (Vec<Frame<'_>>, Vec<TokenStream>) =
        together(factors.chain(lets).collect()).into_iter().unzip();
    let methods = frames.iter().zip(bodies).map(|(frame, body)| Method {
        name: frame.program.name.clone(),
        arguments: super::variables::names(plan, frame.program),
        kind: format!(
            "{}: {} to {}",
            frame.owner(),
            super::variables::types(plan, frame.program).join(", "),
            frame.yields
        ),
        body,
    });
    let mut taken: BTreeSet<String> = plan.names.methods.iter().cloned().collect();
    taken.extend(METHODS.map(str::to_owned));
    taken.extend(frames.iter().map(|frame| frame.program.name.clone()));
    let shared = share(methods.collect(), layers, &taken);
    taken.extend(shared.families.iter().map(|family| family.name.clone()));
    let families = shared.families.iter().map(|family| {
        let (first, last) = (&frames[family.members[0]], &frames[family.members[family.members.len() - 1]]);
        let (title, docs) = (doc(&format!(" {} to {}.", first.title, last.title)), &first.docs);
        let told = family.at.as_ref().map(|at| quote!(#at: usize,));
        let says = told.is_some().then(|| {
            let says = doc(" The first of them is at 0.");
            quote!(#[doc = ""] #says)
        });
        method(plan, first, &family.name, &quote!(#title #docs #says), told, &family.body)
    });
    let each = frames.iter().zip(&shared.bodies).filter_map(|(frame, body)| match body {
        Shared::Member => None,
        Shared::Own(body) => {
            let (title, docs) = (doc(&format!(" {}.", frame.title)), &frame.docs);
            Some(method(plan, frame, &frame.program.name, &quote!(#title #docs), None, body))
        }
    });
    (quote!(#(#each)* #(#families)*), taken)
}

/// The methods, with those of a family grouped at the place of the first.
fn together<'p>(methods: Vec<(Frame<'p>, TokenStream)>) -> Vec<(Frame<'p>, TokenStream)> {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    let placed =
        methods.into_iter().enumerate().map(|(at, method)| (*first.entry(method.0.owner()).or_insert(at), method));
    let mut placed: Vec<_> = placed.collect();
    placed.sort_by_key(|(at, _)| *at);
    placed.into_iter().map(|(_, method)| method).collect()
}

fn method(
    plan: &Plan,
    frame: &Frame<'_>,
    name: &str,
    docs: &TokenStream,
    told: Option<TokenStream>,
    body: &TokenStream,
) -> TokenStream {
    let (name, yields, parents) = (ident(name), &frame.yields, arguments(plan, frame.program));
    quote! {
        #docs
        ///
        /// # Errors
        /// A shape that does not fit, or a failed tensor operation.
        pub fn #name(&self, #told #(#parents),*) -> ::srvae::Result<#yields> {
            #body
        }
    }
}

/// The family of a member, and what the method computes.
fn family_of(name: &str, what: &str) -> Option<String> {
    member(name).map(|_| format!("{what} of {}", family(name)))
}

/// The distribution of a variable for given parents.
fn conditional<'p>(plan: &'p Plan, layers: &Layers, factor: &'p FactorPlan) -> (Frame<'p>, TokenStream) {
    let walker = Walker::of_method(plan, &factor.program, layers);
    let base = super::layers::distribution(factor.base);
    // A root that is expanded to the rows of a flow's context.
    let mut expanded = !factor.program.uses(|operation| *operation == Operation::ExpandLike);
    let density = factor.flows.iter().fold(base, |inner, flow| {
        let part = plan.parts.part(*flow);
        let PartKind::Flow(flow) = &part.kind else { return inner };
        let inner = match part.shapes.len() > 1 && !std::mem::replace(&mut expanded, true) {
            true => quote!(::std::boxed::Box<dyn ::srvae::dist::Distribution>),
            false => inner,
        };
        let ty = ident(flow.entry.runtime);
        quote!(::srvae::dist::Flowed<#inner, ::std::sync::Arc<::srvae::flow::#ty>>)
    });
    let (checks, records) = (checks(plan, &walker, false), walker.records());
    let body: TokenStream = factor.program.outputs().into_iter().map(|value| walker.yielded(value)).collect();
    let frame = Frame {
        title: plan.factor_text(factor.side, factor.variable),
        docs: TokenStream::new(),
        program: &factor.program,
        yields: density,
        family: family_of(plan.name(factor.variable), factor.side.name()),
    };
    (frame, quote!(#checks #records #body))
}

/// A value of the file, for given variables and values.
fn shared<'p>(plan: &'p Plan, layers: &Layers, value: &'p LetPlan) -> (Frame<'p>, TokenStream) {
    let walker = Walker::of_method(plan, &value.program, layers);
    let net = &plan.model.nets[value.value.0];
    let sizes = crate::catalog::show_shape(&net.output);
    let docs = docs(&net.docs);
    let (checks, records, rolled) = (checks(plan, &walker, false), walker.records(), walker.statements());
    let yielded: TokenStream = value.program.outputs().into_iter().map(|id| walker.owned(id, &rolled)).collect();
    let statements = &rolled.statements;
    let frame = Frame {
        title: format!("The value {}: {sizes}, the batch before it", net.name),
        docs: quote!(#(#docs)*),
        program: &value.program,
        yields: quote!(::srvae::Tensor),
        family: family_of(&net.name, "value"),
    };
    (frame, quote!(#checks #records #statements ::std::result::Result::Ok(#yielded)))
}
