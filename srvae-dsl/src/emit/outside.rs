//! `impl Model`: access to the model by names, for the command line and other general code.

use super::number::{Scope, dims};
use super::results::yielded;
use super::roll::Layers;
use super::{Origin, ident};
use crate::graph::{Value, VariableId};
use crate::plan::{Group, Operation, PartKind, Plan, Program, Shape};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// `impl Model`.
pub fn model_trait(plan: &Plan, layers: &Layers) -> TokenStream {
    let name = ident(&plan.names.model);
    let data = arguments(plan, &plan.bound, &quote!(data));
    let weights = super::objective::weights(plan);
    let table = plan.derivation.modes.iter().map(|mode| {
        let text = &mode.name;
        let (given, yields) = (plan.names_outside(&mode.given), plan.names_outside(&plan.yielded(mode)));
        let (partly, completed) = (plan.partly_outside(mode), plan.completed_outside(mode));
        let lists = quote!(partly: &[#(#partly),*], completed: &[#(#completed),*], yields: &[#(#yields),*]);
        quote!(::srvae::Mode { name: #text, given: &[#(#given),*], #lists })
    });
    let arms: Vec<_> = (0..plan.modes().len()).map(|at| arm(plan, at)).collect();
    let terms = quote!(self.bound(#(#data,)* noise, options)?.terms());
    let terms = match plan.model.length {
        Some(_) => quote! {
            let terms = #terms;
            ::std::result::Result::Ok(::srvae::Terms { terms: ::srvae::steps::summed(terms.terms)?, ..terms })
        },
        None => quote!(::std::result::Result::Ok(#terms)),
    };
    let recomputes = (!plan.segments.all.is_empty()).then(|| {
        quote! {
            fn recomputes(&self) -> bool {
                true
            }
        }
    });
    let flows = flows(plan, layers);
    let given = if plan.derivation.modes.iter().any(|mode| !mode.given.is_empty()) { quote!(given) } else { quote!(_) };
    quote! {
        impl ::srvae::Model for #name {
            fn params(&self) -> &::srvae::Params {
                &self.params
            }

            fn bound(
                &self,
                data: &::srvae::Values,
                noise: &mut ::srvae::Noise,
                options: &::srvae::BoundOptions,
            ) -> ::srvae::Result<::srvae::Terms> {
                #terms
            }

            #recomputes

            #weights

            fn modes(&self) -> &[::srvae::Mode] {
                &[#(#table),*]
            }

            #flows

            fn run(
                &self,
                mode: &str,
                #given: &::srvae::Values,
                count: usize,
                noise: &mut ::srvae::Noise,
                draw: &::srvae::Draw,
            ) -> ::srvae::Result<::srvae::Values> {
                match mode {
                    #(#arms)*
                    _ => ::std::result::Result::Err(::srvae::generated::unknown_mode(mode, ::srvae::Model::modes(self))),
                }
            }
        }
    }
}

/// The flows of the factors, if there are any.
fn flows(plan: &Plan, layers: &Layers) -> TokenStream {
    let mut all = Vec::new();
    for (factor, part) in plan.flows() {
        let (text, part) = (plan.factor_text(factor.side, factor.variable), plan.parts.part(part));
        let PartKind::Flow(flow) = &part.kind else { continue };
        let (name, field) = (flow.entry.name, layers.place(&part.field));
        let shape = match part.shapes.first() {
            Some(Shape::Output(outer)) => {
                let outer = layers.place(&plan.parts.part(*outer).field);
                quote!(::srvae::flow::Bijector::inner(&*self.layers.#outer))
            }
            _ => dims(plan, Scope::Run, &plan.model.variable(factor.variable).dims),
        };
        all.push(quote!(::srvae::Flow {
            factor: #text, name: #name, shape: ::std::vec::Vec::from(#shape), bijector: &*self.layers.#field
        }));
    }
    if all.is_empty() {
        return TokenStream::new();
    }
    quote! {
        fn flows(&self) -> ::std::vec::Vec<::srvae::Flow<'_>> {
            ::std::vec::Vec::from([#(#all),*])
        }
    }
}

fn arm(plan: &Plan, at: usize) -> TokenStream {
    let (mode, method) = (&plan.derivation.modes[at], ident(&plan.names.methods[at]));
    let (text, arguments) = (&mode.name, arguments(plan, plan.mode(at), &quote!(given)));
    let groups = yielded(plan, mode.yields(&plan.model));
    let values = match mode.yields(&plan.model).iter().any(|id| plan.outside(*id).1.is_some()) {
        true => steps_of(plan, groups),
        false => values_of(plan, groups),
    };
    quote! {
        #text => {
            let out = self.#method(#(#arguments,)* count, noise, draw)?;
            #values
        }
    }
}

/// The results of a mode by the variables' names.
fn values_of(plan: &Plan, groups: Vec<Group<VariableId>>) -> TokenStream {
    let values = groups.into_iter().fold(quote!(::srvae::Values::new()), |values, group| match group {
        Group::One(id) => {
            let (text, field) = (plan.name(id), ident(&plan.names.variables[id.0]));
            quote!(#values.with(#text, out.#field.0))
        }
        Group::Members { family, from, .. } => {
            let family = &plan.names.families.all[family];
            let (ty, field, from) = (ident(&family.ty), ident(&family.field), Literal::usize_unsuffixed(from));
            quote!(super::variables::#ty::MEMBERS.with(#values, #from, out.#field.into_iter().map(|one| one.0)))
        }
    });
    quote!(::std::result::Result::Ok(#values))
}

/// The results of a mode over sequences: the steps of a family are one array.
fn steps_of(plan: &Plan, groups: Vec<Group<VariableId>>) -> TokenStream {
    let values = groups.into_iter().map(|group| match group {
        Group::One(id) => {
            let ((text, step), field) = (plan.outside(id), ident(&plan.names.variables[id.0]));
            let step = step
                .map_or_else(|| quote!(::std::option::Option::None), |step| quote!(::std::option::Option::Some(#step)));
            quote!(values.push((#text, #step, out.#field.0));)
        }
        Group::Members { family, from, .. } => {
            let family = &plan.names.families.all[family];
            let (ty, field, from) = (ident(&family.ty), ident(&family.field), Literal::usize_unsuffixed(from));
            quote!(super::variables::#ty::MEMBERS.extend(&mut values, #from, out.#field.into_iter().map(|one| one.0));)
        }
    });
    quote! {
        let mut values = ::std::vec::Vec::new();
        #(#values)*
        ::srvae::steps::together(values)
    }
}

/// The arguments of a method, from values by names.
fn arguments(plan: &Plan, program: &Program, from: &TokenStream) -> Vec<TokenStream> {
    let each = plan.names.families.given(program).into_iter().filter_map(|group| match group {
        Group::One(value) => match value.operation {
            Operation::Given(id) => Some(from_values(plan, id, from)),
            Operation::Partly(id) => Some(partly_from_values(plan, id, from)),
            _ => None,
        },
        Group::Members { family, from: first, each } => {
            let family = &plan.names.families.all[family];
            let ty = ident(&family.ty);
            let is_step = plan.model.variable(family.members[first]).step.is_some();
            let how = if is_step { quote!(steps) } else { quote!(values) };
            let (first, count) = (Literal::usize_unsuffixed(first), Literal::usize_unsuffixed(each.len()));
            let tensors = quote!(super::variables::#ty::MEMBERS.#how((#first, #count), #from)?);
            Some(quote!(&#tensors.into_iter().map(super::variables::#ty).collect::<::std::vec::Vec<_>>()))
        }
    });
    each.collect()
}

fn from_values(plan: &Plan, id: VariableId, from: &TokenStream) -> TokenStream {
    let (text, ty) = (plan.name(id), ident(&plan.names.types[id.0]));
    match plan.outside(id) {
        (family, Some(step)) => quote!(&super::variables::#ty(::srvae::steps::one(#from, #text, #family, #step)?)),
        _ => quote!(&super::variables::#ty(#from.get(#text)?.clone())),
    }
}

/// A partly observed variable from the values of the caller.
fn partly_from_values(plan: &Plan, id: VariableId, from: &TokenStream) -> TokenStream {
    let (text, ty) = (plan.name(id), ident(&plan.names.types[id.0]));
    let shape = dims(plan, Scope::Run, &plan.model.variable(id).dims);
    match plan.outside(id) {
        (family, Some(step)) => {
            quote!(&#from.partly_step((#text, #family, #step), &#shape, &self.params)?.map(super::variables::#ty))
        }
        _ => quote!(&#from.partly(#text, &#shape, &self.params)?.map(super::variables::#ty)),
    }
}

/// Positions of the parameters that determine the sizes of families, with the values for which the code is valid.
pub fn sizes(plan: &Plan) -> impl Iterator<Item = (usize, Literal)> {
    plan.model.fixed.iter().filter_map(|id| match plan.model.params[id.0].value {
        Value::Int(value) => Some((id.0, Literal::i64_unsuffixed(value))),
        Value::Real(_) | Value::Bool(_) | Value::Word(_) => None,
    })
}

/// `COMPILED`: the description of the model for the command line.
pub fn compiled(plan: &Plan, origin: &Origin) -> TokenStream {
    let (name, text) = (ident(&plan.names.model), &plan.model.name);
    let (path, include) = (&origin.path, &origin.include);
    let sizes = sizes(plan).map(|(at, size)| {
        let text = &plan.model.params[at].name;
        quote!((#text, #size))
    });
    quote! {
        /// The model for the command line.
        pub const COMPILED: ::srvae::Compiled = ::srvae::Compiled {
            name: #text,
            path: #path,
            source: ::std::include_str!(#include),
            sizes: &[#(#sizes),*],
            build: |settings, params| {
                let config = Config::from_settings(settings)?;
                ::std::result::Result::Ok(::std::boxed::Box::new(model::#name::new(&config, params)?))
            },
        };
    }
}
