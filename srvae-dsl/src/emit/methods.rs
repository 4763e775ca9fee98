//! A method for each factor and for each value of the file. Those of families, which are equal, share one that is told which member
//! it is of.

use super::layers::Layers;
use super::number::{Scope, dims};
use super::program::Walker;
use super::roll::{Method, Shared, share};
use super::variables::arguments;
use super::{doc, docs, ident};
use crate::plan::{FactorPlan, LetPlan, Operation, PartKind, Plan, Program};
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use std::collections::BTreeSet;

/// What stands around the body of a method.
struct Frame<'p> {
    docs: TokenStream,
    program: &'p Program,
    yields: TokenStream,
}

pub fn methods(plan: &Plan, layers: &Layers) -> TokenStream {
    let factors = plan.factors.iter().map(|factor| conditional(plan, layers, factor));
    let lets = plan.lets.iter().map(|value| shared(plan, layers, value));
    let (frames, bodies): (Vec<Frame<'_>>, Vec<TokenStream>) = factors.chain(lets).unzip();
    let methods = frames.iter().zip(bodies).map(|(frame, body)| Method {
        name: frame.program.name.clone(),
        arguments: frame.program.arguments().map(|value| value.name.clone()).collect(),
        kind: format!(
            "{} {}",
            frame.yields,
            given(frame.program)
                .map(|(_, is_variable)| u8::from(is_variable))
                .fold(String::new(), |kind, one| format!("{kind}{one}"))
        ),
        body,
    });
    let mut taken: BTreeSet<String> = plan.names.methods.iter().cloned().collect();
    taken.extend(frames.iter().map(|frame| frame.program.name.clone()));
    let shared = share(methods.collect(), layers, &taken);
    let families = shared.families.iter().map(|family| {
        let (program, yields) = (frames[family.first].program, &frames[family.first].yields);
        let (name, at, body) = (ident(&family.name), &family.at, family.body(&variables(program)));
        let title = doc(&format!(" One of {} to {}, by its position.", program.name, family.last));
        let arguments = program.arguments().map(|value| ident(&value.name));
        quote! {
            #title
            fn #name(&self, #at: usize #(, #arguments: &::srvae::Tensor)*) -> ::srvae::Result<#yields> {
                #body
            }
        }
    });
    let each = frames.iter().zip(&shared.bodies).map(|(frame, body)| method(plan, frame, body));
    quote!(#(#each)* #(#families)*)
}

/// Locals of what a program is given, each with whether it is a variable.
fn given(program: &Program) -> impl Iterator<Item = (&str, bool)> {
    program.arguments().map(|value| (value.name.as_str(), matches!(value.operation, Operation::Given(_))))
}

fn variables(program: &Program) -> BTreeSet<String> {
    given(program).filter(|(_, is_variable)| *is_variable).map(|(name, _)| name.to_owned()).collect()
}

fn method(plan: &Plan, frame: &Frame<'_>, body: &Shared) -> TokenStream {
    let Frame { docs, program, yields } = frame;
    let (name, parents) = (ident(&program.name), arguments(plan, program));
    let body = match body {
        Shared::Own(body) => body.clone(),
        Shared::Member(family, at) => {
            let (family, at) = (ident(family), Literal::usize_unsuffixed(*at));
            let given = given(program).map(|(name, is_variable)| {
                let name = ident(name);
                if is_variable { quote!(&#name.0) } else { quote!(#name) }
            });
            quote!(self.#family(#at #(, #given)*))
        }
    };
    quote! {
        #docs
        ///
        /// # Errors
        /// A shape that does not fit, or a failed tensor operation.
        pub fn #name(&self #(, #parents)*) -> ::srvae::Result<#yields> {
            #body
        }
    }
}

/// The distribution of a variable for given parents.
fn conditional<'p>(plan: &'p Plan, layers: &Layers, factor: &'p FactorPlan) -> (Frame<'p>, TokenStream) {
    let walker = Walker::of_method(plan, &factor.program, layers);
    let title = doc(&format!(" {}.", plan.factor_text(factor.side, factor.variable)));
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
    let (checks, records) = (checks(plan, &walker, false), records(&walker));
    let body: TokenStream = factor.program.outputs().into_iter().map(|value| walker.yielded(value)).collect();
    (Frame { docs: title, program: &factor.program, yields: density }, quote!(#checks #records #body))
}

/// A value of the file, for given variables and values.
fn shared<'p>(plan: &'p Plan, layers: &Layers, value: &'p LetPlan) -> (Frame<'p>, TokenStream) {
    let walker = Walker::of_method(plan, &value.program, layers);
    let net = &plan.model.nets[value.value.0];
    let sizes = crate::catalog::show_shape(&net.output);
    let title = doc(&format!(" The value {}: {sizes}, the batch before it.", net.name));
    let docs = docs(&net.docs);
    let (checks, records, rolled) = (checks(plan, &walker, false), records(&walker), walker.statements());
    let yielded: TokenStream = value.program.outputs().into_iter().map(|id| walker.owned(id, &rolled)).collect();
    let statements = &rolled.statements;
    let frame = Frame { docs: quote!(#title #(#docs)*), program: &value.program, yields: quote!(::srvae::Tensor) };
    (frame, quote!(#checks #records #statements ::std::result::Result::Ok(#yielded)))
}

/// How many records there are, where a program needs it.
pub fn records(walker: &Walker<'_>) -> TokenStream {
    let first = walker.first();
    match walker.program.uses(|operation| matches!(operation, Operation::Rows | Operation::Each)) {
        true => quote!(let records = #first.dim(0)?;),
        false => TokenStream::new(),
    }
}

/// Statements that hold what is given against its variables.
pub fn checks(plan: &Plan, walker: &Walker<'_>, values: bool) -> TokenStream {
    let each = walker.program.arguments().filter_map(|value| {
        if let Operation::GivenValue(id) = value.operation {
            let (net, local) = (&plan.model.nets[id.0], ident(&value.name));
            let (text, shape) = (&net.name, &net.output);
            return Some(
                quote!(::srvae::generated::check_shape(#text, "real", &[#(#shape),*], &self.params, #local)?;),
            );
        }
        let (Operation::Given(id) | Operation::Partly(id)) = value.operation else { return None };
        let (variable, local) = (plan.model.variable(id), ident(&value.name));
        let (text, space) = (&variable.name, crate::catalog::space_entry(variable.space).name);
        let shape = dims(plan, Scope::Run, &variable.dims);
        if let Operation::Partly(_) = value.operation {
            let given = quote!(&#local.value.0, &#local.present);
            return Some(quote!(::srvae::generated::check_partly(#text, #space, &#shape, &self.params, #given)?;));
        }
        let check = if values { quote!(check_value) } else { quote!(check_shape) };
        Some(quote!(::srvae::generated::#check(#text, #space, &#shape, &self.params, &#local.0)?;))
    });
    quote!(#(#each)*)
}
