//! Networks: how they are built from shapes and how they run. Named networks are built once and shared.

use super::nets::{net_call, net_type};
use super::number::{Scope, arguments, dims, number};
use super::{ident, mentions};
use crate::catalog::Role;
use crate::graph::{NodeId, Op, VariableId};
use crate::plan::{NetworkPlan, NodePlan, Plan};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// What stands for an argument `out` that is left to inference.
pub type Inferred<'a> = &'a dyn Fn() -> TokenStream;

/// Fields of a network's struct: name and type.
pub fn fields(plan: &Plan, network: &NetworkPlan) -> Vec<(Ident, TokenStream)> {
    let mut all: Vec<(Ident, TokenStream)> = Vec::new();
    for node in &network.nodes {
        let ty = match &node.node.op {
            Op::Block { block, .. } if block.entry.role == Role::Layer => {
                let ty = ident(block.entry.runtime);
                quote!(#ty)
            }
            Op::Net(net) => {
                let ty = net_type(&plan.nets[net.0]);
                quote!(Arc<#ty>)
            }
            _ => continue,
        };
        let name = ident(&node.field);
        if !all.iter().any(|(other, _)| *other == name) {
            all.push((name, ty));
        }
    }
    all
}

/// Statements that build the fields.
pub fn build(plan: &Plan, network: &NetworkPlan, inferred: Inferred<'_>) -> TokenStream {
    let mut built: Vec<&str> = Vec::new();
    let mut statements = Vec::new();
    for node in &network.nodes {
        match &node.node.op {
            Op::Block { block, inferred: is_inferred } if block.entry.role == Role::Layer => {
                let (field, ty, path) = (ident(&node.field), ident(block.entry.runtime), &node.node.path);
                let config = format_ident!("{}Config", block.entry.runtime);
                let values = block.args.iter().map(|argument| {
                    let name = ident(argument.name);
                    let value = match argument.name {
                        "out" if *is_inferred => inferred(),
                        _ => number(&plan.model, Scope::Build, &argument.number),
                    };
                    quote!(#name: #value)
                });
                let input = shape(plan, network, node.node.inputs[0]);
                statements.push(quote! {
                    let #field = #ty::new(&params.at(#path), #input, #config { #(#values),* })?;
                });
            }
            Op::Net(net) if !built.contains(&node.field.as_str()) => {
                built.push(&node.field);
                let field = ident(&node.field);
                let inputs = node.node.inputs.iter().map(|input| shape(plan, network, *input));
                let call = net_call(plan, *net, &inputs.collect::<Vec<_>>());
                statements.push(quote!(let #field = #call;));
            }
            Op::Block { block, .. } if node.shape_needed => {
                let (local, function) = (ident(&node.local), ident(block.entry.runtime));
                let inputs = node.node.inputs.iter().map(|input| shape(plan, network, *input));
                let repeats = block.entry.parameters.iter().any(|parameter| parameter.repeats);
                let args = arguments(&plan.model, Scope::Build, &block.args, repeats);
                statements.push(quote!(let #local = shapes::#function(&[#(#inputs),*] #(, #args)*)?;));
            }
            _ => {}
        }
    }
    quote!(#(#statements)*)
}

/// The shape of a node's output, an expression of type `&[usize]`.
pub fn shape(plan: &Plan, network: &NetworkPlan, id: NodeId) -> TokenStream {
    let node = network.node(id);
    match &node.node.op {
        Op::Variable(variable) => {
            let dims = dims(&plan.model, Scope::Build, &plan.model.variable(*variable).dims);
            quote!(&#dims)
        }
        Op::Formal(at) => {
            let at = proc_macro2::Literal::usize_unsuffixed(*at);
            quote!(inputs[#at])
        }
        Op::Block { block, .. } if block.entry.role == Role::Function => {
            let local = ident(&node.local);
            quote!(&#local)
        }
        Op::Block { .. } | Op::Net(_) => {
            let field = ident(&node.field);
            quote!(#field.output())
        }
    }
}

/// Statements that compute the nodes `which` picks.
pub fn run(plan: &Plan, network: &NetworkPlan, which: impl Fn(&NodePlan) -> bool) -> TokenStream {
    let statements = network.nodes.iter().filter(|node| which(node)).filter_map(|node| {
        let local = ident(&node.local);
        let mut inputs = node.node.inputs.iter().map(|input| value(network, *input, &which));
        let field = ident_or(&node.field);
        Some(match &node.node.op {
            Op::Variable(_) | Op::Formal(_) => return None,
            Op::Net(_) => quote!(let #local = self.#field.forward(&[#(#inputs),*])?;),
            Op::Block { block, .. } if block.entry.role == Role::Layer => {
                let input = inputs.next();
                quote!(let #local = self.#field.forward(#input)?;)
            }
            Op::Block { block, .. } => {
                let function = ident(block.entry.runtime);
                let repeats = block.entry.parameters.iter().any(|parameter| parameter.repeats);
                let args = arguments(&plan.model, Scope::Run, &block.args, repeats);
                match block.entry.arity {
                    crate::catalog::Arity::Many => quote!(let #local = #function(&[#(#inputs),*] #(, #args)*)?;),
                    crate::catalog::Arity::One => {
                        let input = inputs.next();
                        quote!(let #local = #function(#input #(, #args)*)?;)
                    }
                }
            }
        })
    });
    quote!(#(#statements)*)
}

/// A node's value as an argument, of type `&Tensor`.
pub fn value(network: &NetworkPlan, id: NodeId, here: &impl Fn(&NodePlan) -> bool) -> TokenStream {
    let node = network.node(id);
    let local = ident(&node.local);
    match &node.node.op {
        Op::Variable(_) => quote!(&#local.0),
        Op::Formal(at) => {
            let at = proc_macro2::Literal::usize_unsuffixed(*at);
            quote!(inputs[#at])
        }
        // What was computed before comes as a reference.
        _ if here(node) => quote!(&#local),
        _ => quote!(#local),
    }
}

/// Arguments for variables: `y: &Y`.
pub fn variable_args(plan: &Plan, ids: &[VariableId]) -> Vec<TokenStream> {
    let each = ids.iter().map(|id| {
        let (local, ty) = (super::local_ident(plan, *id), super::type_ident(plan, *id));
        quote!(#local: &#ty)
    });
    each.collect()
}

/// A field for the configuration, where a method reads it.
pub fn config_field(methods: &TokenStream) -> (TokenStream, TokenStream) {
    if mentions(methods, "config") {
        (quote!(config: Config,), quote!(config: config.clone(),))
    } else {
        (quote!(), quote!())
    }
}

fn ident_or(name: &str) -> TokenStream {
    if name.is_empty() {
        return quote!();
    }
    let name = ident(name);
    quote!(#name)
}
