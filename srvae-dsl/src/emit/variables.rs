//! One type for each variable and each family of variables, and the arguments of programs.

use super::{doc, docs, ident};
use crate::graph::{Role, Variable, VariableId, in_ranges};
use crate::plan::{Family, Group, Operation, Plan, Program, Value};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// A newtype for each variable; members of a family have one.
pub fn variables(plan: &Plan) -> TokenStream {
    let families = &plan.names.families;
    let each =
        plan.model.variables.iter().enumerate().filter_map(|(at, variable)| match families.find(VariableId(at)) {
            Some(family) if family.members[0] == VariableId(at) => Some(of_family(plan, family)),
            Some(_) => None,
            None => Some(of_variable(variable, &plan.names.types[at])),
        });
    quote! {
        /// A type for each variable.
        pub mod variables {
            #(#each)*
        }
    }
}

fn of_variable(variable: &Variable, ty: &str) -> TokenStream {
    let space = crate::catalog::space_entry(variable.space).name;
    let sizes = crate::catalog::show_shape(&variable.shape);
    let title =
        doc(&format!(" {} variable {}: {space}{sizes}, the batch before it.", role(variable.role), variable.name));
    newtype(&quote!(#title), &variable.docs, ty)
}

fn of_family(plan: &Plan, family: &Family) -> TokenStream {
    let first = plan.model.variable(family.members[0]);
    let variables = || family.members.iter().map(|id| plan.model.variable(*id));
    let (role, space) = (role(first.role), crate::catalog::space_entry(first.space).name);
    let sizes = match variables().all(|variable| variable.shape == first.shape) {
        true => crate::catalog::show_shape(&first.shape),
        false => " of several sizes".to_owned(),
    };
    let names = in_ranges(variables().map(|variable| variable.name.as_str())).join(", ");
    let title = doc(&format!(" {role} variables {names}: each {space}{sizes}, the batch before it."));
    let ty = ident(&family.ty);
    let (newtype, members) = (newtype(&quote!(#title), &first.docs, &family.ty), members(plan, family));
    quote! {
        #newtype

        impl #ty {
            /// Its members by their positions.
            pub const MEMBERS: ::srvae::members::Members = #members;
        }
    }
}

fn members(plan: &Plan, family: &Family) -> TokenStream {
    match family.range {
        Some((first, step)) => {
            let (name, first, step) = (&family.name, Literal::i64_unsuffixed(first), Literal::i64_unsuffixed(step));
            quote!(::srvae::members::Members::Range { family: #name, first: #first, step: #step })
        }
        None => {
            let names = family.members.iter().map(|id| plan.name(*id));
            quote!(::srvae::members::Members::Listed(&[#(#names),*]))
        }
    }
}

fn newtype(title: &TokenStream, lines: &[String], ty: &str) -> TokenStream {
    let (docs, ty) = (docs(lines), ident(ty));
    quote! {
        #title
        #(#docs)*
        #[derive(::std::fmt::Debug, ::std::clone::Clone)]
        pub struct #ty(pub ::srvae::Tensor);
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Observed => "Observed",
        Role::Partly => "Partly observed",
        Role::Latent => "Latent",
        Role::Global => "Global",
        Role::Given => "Given",
    }
}

/// The inputs of a program as arguments of a method: `y: &super::variables::Y`; several members of a family are a
/// slice.
pub fn arguments(plan: &Plan, program: &Program) -> Vec<TokenStream> {
    let each = plan.names.families.given(program).into_iter().filter_map(|group| match group {
        Group::Members { family, .. } => {
            let local = ident(&plan.names.families.argument(family, program));
            let ty = ident(&plan.names.families.all[family].ty);
            Some(quote!(#local: &[super::variables::#ty]))
        }
        Group::One(value) => {
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
        }
    });
    each.collect()
}

/// Names of the arguments.
pub fn names(plan: &Plan, program: &Program) -> Vec<String> {
    let families = &plan.names.families;
    let name = |group: Group<&Value>| match group {
        Group::Members { family, .. } => families.argument(family, program),
        Group::One(value) => value.name.clone(),
    };
    families.given(program).into_iter().map(name).collect()
}

/// Their types, as text.
pub fn types(plan: &Plan, program: &Program) -> Vec<String> {
    let families = &plan.names.families;
    let ty = |group: Group<&Value>| match group {
        Group::Members { family, each, .. } => format!("{} of {}", families.all[family].ty, each.len()),
        Group::One(value) => match value.operation {
            Operation::Given(id) => plan.names.types[id.0].clone(),
            Operation::Partly(id) => format!("Partly {}", plan.names.types[id.0]),
            _ => "Tensor".to_owned(),
        },
    };
    families.given(program).into_iter().map(ty).collect()
}
