//! Statements that check the arguments of a method against its variables.

use super::ident;
use super::number::{Scope, dims};
use super::program::Walker;
use crate::graph::{VariableId, family};
use crate::plan::{Group, Operation, Plan, Value};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// Statements that check arguments: only shapes, or also `values`.
pub fn checks(plan: &Plan, walker: &Walker<'_>, values: bool) -> TokenStream {
    let families = &plan.names.families;
    let each = families.given(walker.program).into_iter().filter_map(|group| match group {
        Group::One(value) => one(plan, value, values),
        Group::Members { family, from, each } => {
            let argument = ident(&families.argument(family, walker.program));
            Some(members(plan, (family, from), &each, &quote!(#argument), values))
        }
    });
    quote!(#(#each)*)
}

fn one(plan: &Plan, value: &Value, values: bool) -> Option<TokenStream> {
    let local = ident(&value.name);
    // Members share one method, so a member has the family's name there.
    let named = |name: &str| if values { name.to_owned() } else { family(name).to_owned() };
    match value.operation {
        Operation::GivenValue(id) => {
            let (net, name) = (&plan.model.nets[id.0], named(&plan.model.nets[id.0].name));
            let shape = &net.output;
            Some(quote!(::srvae::generated::check_shape(#name, "real", &[#(#shape),*], &self.params, #local)?;))
        }
        Operation::Given(id) | Operation::Partly(id) => {
            let variable = plan.model.variable(id);
            let (name, space) = (named(&variable.name), crate::catalog::space_entry(variable.space).name);
            let shape = dims(plan, Scope::Run, &variable.dims);
            if let Operation::Partly(_) = value.operation {
                let given = quote!(&#local.value.0, &#local.present);
                return Some(quote!(::srvae::generated::check_partly(#name, #space, &#shape, &self.params, #given)?;));
            }
            let check = if values { quote!(check_value) } else { quote!(check_shape) };
            Some(quote!(::srvae::generated::#check(#name, #space, &#shape, &self.params, &#local.0)?;))
        }
        _ => None,
    }
}

/// Checks of members of a family.
fn members(
    plan: &Plan,
    (family, from): (usize, usize),
    each: &[&Value],
    argument: &TokenStream,
    values: bool,
) -> TokenStream {
    let family = &plan.names.families.all[family];
    let ids: &[VariableId] = &family.members[from..from + each.len()];
    let space = crate::catalog::space_entry(plan.model.variable(ids[0]).space).name;
    let shapes: Vec<TokenStream> =
        ids.iter().map(|id| dims(plan, Scope::Run, &plan.model.variable(*id).dims)).collect();
    let is_one = ids.iter().all(|id| plan.model.variable(*id).dims == plan.model.variable(ids[0]).dims);
    let shapes = if is_one { &shapes[..1] } else { &shapes[..] };
    let check = if values { quote!(check_values) } else { quote!(check_shapes) };
    let (ty, count) = (ident(&family.ty), Literal::usize_unsuffixed(each.len()));
    let values = quote!(#argument.iter().map(|one| &one.0));
    quote! {
        super::variables::#ty::MEMBERS.#check((#from, #count), #space, &[#(&#shapes),*], &self.params, #values)?;
    }
}
