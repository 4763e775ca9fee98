//! Named networks: a struct each, built where it is first used and shared from then on.

use super::network::{build, config_field, fields, run, shape, value};
use super::{doc, ident, mentions};
use crate::catalog::Role;
use crate::graph::{NetId, Op};
use crate::plan::{NetPlan, NetworkPlan, NodePlan, Plan, type_name};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The named networks, and the place they are built in.
pub fn nets(plan: &Plan) -> TokenStream {
    if plan.nets.is_empty() {
        return quote!();
    }
    let structs = plan.nets.iter().map(|net| net_struct(plan, net));
    let slots = plan.nets.iter().map(|net| {
        let (name, ty) = (net_ident(net), net_type(net));
        quote!(#name: Option<Arc<#ty>>)
    });
    let getters = plan.nets.iter().map(|net| getter(plan, net));
    let empty = plan.nets.iter().map(|net| {
        let name = net_ident(net);
        quote!(#name: None)
    });
    quote! {
        /// Named networks, each built where it is first used.
        struct Nets { params: Params, #(#slots),* }

        impl Nets {
            fn new(params: &Params) -> Self {
                Self { params: params.clone(), #(#empty),* }
            }

            #(#getters)*
        }

        #(#structs)*
    }
}

/// The call that builds a named network or finds it built.
pub fn net_call(plan: &Plan, net: NetId, inputs: &[TokenStream]) -> TokenStream {
    let net = &plan.nets[net.0];
    let name = net_ident(net);
    let config = needs(plan, net).config.then(|| quote!(config,));
    quote!(nets.#name(#config &[#(#inputs),*])?)
}

/// The type of a named network.
pub fn net_type(net: &NetPlan) -> TokenStream {
    match net {
        NetPlan::Built { name, .. } => {
            let ty = format_ident!("{}Net", type_name(name));
            quote!(#ty)
        }
        NetPlan::Rust { path, .. } => path.parse().unwrap_or_else(|_| quote!(())),
    }
}

fn getter(plan: &Plan, net: &NetPlan) -> TokenStream {
    let (name, ty, text) = (net_ident(net), net_type(net), net_name(net));
    let needs = needs(plan, net);
    let argument = needs.config.then(|| quote!(config: &Config,));
    let build = match net {
        NetPlan::Built { .. } => {
            let config = needs.config.then(|| quote!(, config));
            let nets = needs.nets.then(|| quote!(, self));
            quote!(#ty::new(&params, inputs #config #nets)?)
        }
        NetPlan::Rust { .. } => quote!(<#ty as Network>::new(&params, inputs)?),
    };
    quote! {
        fn #name(&mut self, #argument inputs: &[&[usize]]) -> Result<Arc<#ty>> {
            if let Some(built) = &self.#name {
                return Ok(built.clone());
            }
            let params = self.params.at(#text);
            let built = Arc::new(#build);
            self.#name = Some(built.clone());
            Ok(built)
        }
    }
}

fn net_struct(plan: &Plan, net: &NetPlan) -> TokenStream {
    let NetPlan::Built { name, network } = net else { return quote!() };
    let (ty, title) = (net_type(net), doc(&format!(" The network `{name}`.")));
    let fields = fields(plan, network);
    let declared = fields.iter().map(|(name, ty)| quote!(#name: #ty));
    let names = fields.iter().map(|(name, _)| name);
    let body = build(plan, network, &|| quote!(0));
    let statements = run(plan, network, every);
    let (config_field, config_value) = config_field(&statements);
    let needs = needs(plan, net);
    let config = needs.config.then(|| quote!(, config: &Config));
    let nets = needs.nets.then(|| quote!(, nets: &mut Nets));
    let (output, last) = (output_shape(plan, network), last(network));
    quote! {
        #title
        struct #ty { #(#declared,)* #config_field output: Vec<usize> }

        impl #ty {
            fn new(params: &Params, inputs: &[&[usize]] #config #nets) -> Result<Self> {
                #body
                let output = #output;
                Ok(Self { #(#names,)* #config_value output })
            }

            fn output(&self) -> &[usize] {
                &self.output
            }

            fn forward(&self, inputs: &[&Tensor]) -> Result<Tensor> {
                #statements
                Ok(#last)
            }
        }
    }
}

/// What a network must be handed to be built.
struct Needs {
    config: bool,
    nets: bool,
}

fn needs(plan: &Plan, net: &NetPlan) -> Needs {
    let NetPlan::Built { network, .. } = net else { return Needs { config: false, nets: false } };
    let (body, methods) = (build(plan, network, &|| quote!(0)), run(plan, network, every));
    Needs { config: mentions(&body, "config") || mentions(&methods, "config"), nets: mentions(&body, "nets") }
}

fn every(_: &NodePlan) -> bool {
    true
}

/// The shape of the output, owned.
fn output_shape(plan: &Plan, network: &NetworkPlan) -> TokenStream {
    let node = network.node(network.output);
    match &node.node.op {
        Op::Block { block, .. } if block.entry.role == Role::Function => {
            let local = ident(&node.local);
            quote!(#local)
        }
        _ => {
            let shape = shape(plan, network, network.output);
            quote!(#shape.to_vec())
        }
    }
}

/// The output, owned.
fn last(network: &NetworkPlan) -> TokenStream {
    let node = network.node(network.output);
    match node.node.op {
        Op::Variable(_) | Op::Formal(_) => {
            let input = value(network, network.output, &every);
            quote!(#input.clone())
        }
        Op::Block { .. } | Op::Net(_) => {
            let local = ident(&node.local);
            quote!(#local)
        }
    }
}

fn net_name(net: &NetPlan) -> &str {
    match net {
        NetPlan::Built { name, .. } | NetPlan::Rust { name, .. } => name,
    }
}

fn net_ident(net: &NetPlan) -> Ident {
    ident(net_name(net))
}
