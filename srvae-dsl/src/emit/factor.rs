//! Stochastic factors: a struct with the network behind each distribution, and the distributions of the roots.

use super::network::{build, config_field, fields, run, value, variable_args};
use super::number::{Scope, arguments, dims, number};
use super::{doc, ident, mentions};
use crate::graph::{Body, Use};
use crate::plan::{FactorPlan, NetworkPlan, NodePlan, Plan};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// A struct for each factor with a network.
pub fn networks(plan: &Plan) -> TokenStream {
    let each = plan.factors.iter().filter_map(|factor| Some(network(plan, factor, factor.network.as_ref()?)));
    quote!(#(#each)*)
}

fn network(plan: &Plan, factor: &FactorPlan, network: &NetworkPlan) -> TokenStream {
    let name = ident(&factor.type_name);
    let title = doc(&format!(" {}.", plan.factor_text(factor.side, factor.variable)));
    let docs = super::docs(&factor.factor.docs);
    let mut all_fields = fields(plan, network);
    all_fields.extend(factor.density.flows.iter().map(|(field, ty)| {
        let ty = ident(ty);
        (ident(field), quote!(Arc<#ty>))
    }));
    let declared = all_fields.iter().map(|(name, ty)| quote!(#name: #ty));
    let names = all_fields.iter().map(|(name, _)| name);
    let flows = flows(plan, factor);
    let layers = build(plan, network, &|| channels(plan, factor));
    let body = quote!(#layers #flows);
    let methods = methods(plan, factor, network);
    let (config_field, config_value) = config_field(&methods);
    let config =
        if mentions(&body, "config") || !config_value.is_empty() { quote!(, config: &Config) } else { quote!() };
    let nets = if mentions(&body, "nets") { quote!(, nets: &mut Nets) } else { quote!() };
    quote! {
        #title
        #(#docs)*
        struct #name { #(#declared,)* #config_field }

        impl #name {
            fn new(params: &Params #config #nets) -> Result<Self> {
                #body
                Ok(Self { #(#names,)* #config_value })
            }

            #methods
        }
    }
}

/// The call that builds a factor's field.
pub fn construct(plan: &Plan, factor: &FactorPlan) -> TokenStream {
    let (field, at) = (ident(&factor.field), &factor.field);
    let Some(inner) = &factor.network else {
        let root = root(plan, factor);
        return quote!(let #field = #root;);
    };
    let (name, body) = (ident(&factor.type_name), build(plan, inner, &|| channels(plan, factor)));
    let flows = flows(plan, factor);
    let (_, keeps) = config_field(&methods(plan, factor, inner));
    let needs = |word: &str| mentions(&body, word) || mentions(&flows, word);
    let config = if needs("config") || !keeps.is_empty() { quote!(, config) } else { quote!() };
    let nets = if mentions(&body, "nets") { quote!(, &mut nets) } else { quote!() };
    quote!(let #field = #name::new(&params.at(#at) #config #nets)?;)
}

/// A root's distribution.
fn root(plan: &Plan, factor: &FactorPlan) -> TokenStream {
    let Body::Stochastic { base, flows, .. } = &factor.factor.body else { return quote!() };
    let (ty, at) = (ident(base.entry.runtime), &factor.field);
    let shape = shape(plan, factor, Scope::Build);
    let args = arguments(&plan.model, Scope::Build, &base.args, false);
    let base = quote!(#ty::new(&params.at(#at), &#shape #(, #args)*)?);
    factor.density.flows.iter().zip(flows).fold(base, |inner, ((field, _), flow)| {
        let path = format!("{at}.{field}");
        let flow = flow_new(plan, factor, flow, &path);
        quote!(Flowed::new(#inner, #flow))
    })
}

/// The type of a factor's field.
pub fn field_type(factor: &FactorPlan) -> TokenStream {
    if factor.network.is_some() {
        let name = ident(&factor.type_name);
        return quote!(#name);
    }
    density_type(factor)
}

/// The type of a factor's distribution.
pub fn density_type(factor: &FactorPlan) -> TokenStream {
    let base = ident(factor.density.base);
    factor.density.flows.iter().fold(quote!(#base), |inner, (_, ty)| {
        let ty = ident(ty);
        quote!(Flowed<#inner, Arc<#ty>>)
    })
}

/// Statements that build the bijectors of a factor with a network.
fn flows(plan: &Plan, factor: &FactorPlan) -> TokenStream {
    let Body::Stochastic { flows, .. } = &factor.factor.body else { return quote!() };
    let each = factor.density.flows.iter().zip(flows).map(|((field, _), flow)| {
        let (name, flow) = (ident(field), flow_new(plan, factor, flow, field));
        quote!(let #name = #flow;)
    });
    quote!(#(#each)*)
}

fn flow_new(plan: &Plan, factor: &FactorPlan, flow: &Use<crate::catalog::Block>, path: &str) -> TokenStream {
    let (ty, config) = (ident(flow.entry.runtime), format_ident!("{}Config", flow.entry.runtime));
    let shape = shape(plan, factor, Scope::Build);
    let values = flow.args.iter().map(|argument| {
        let (name, value) = (ident(argument.name), number(&plan.model, Scope::Build, &argument.number));
        quote!(#name: #value)
    });
    quote!(Arc::new(#ty::new(&params.at(#path), &#shape, #config { #(#values),* })?))
}

/// What the distribution needs of the last block: its channels.
fn channels(plan: &Plan, factor: &FactorPlan) -> TokenStream {
    let Body::Stochastic { base, .. } = &factor.factor.body else { return quote!() };
    let (ty, shape) = (ident(base.entry.runtime), shape(plan, factor, Scope::Build));
    let args = arguments(&plan.model, Scope::Build, &base.args, false);
    quote!(#ty::channels(&#shape #(, #args)*))
}

fn shape(plan: &Plan, factor: &FactorPlan, scope: Scope) -> TokenStream {
    dims(&plan.model, scope, &plan.model.variable(factor.variable).dims)
}

/// `once`, where something does not depend on the sample, and `forward`.
fn methods(plan: &Plan, factor: &FactorPlan, network: &NetworkPlan) -> TokenStream {
    let each = |node: &NodePlan| !node.is_once;
    let statements = run(plan, network, each);
    let Body::Stochastic { base, .. } = &factor.factor.body else { return quote!() };
    let ty = ident(base.entry.runtime);
    let args = arguments(&plan.model, Scope::Run, &base.args, false);
    let head = value(network, network.output, &each);
    let density = density_type(factor);
    let from_head = quote!(#ty::from_head(#head #(, #args)*));
    let result = if factor.density.flows.is_empty() {
        from_head
    } else {
        let flowed = factor.density.flows.iter().fold(quote!(#from_head?), |inner, (field, _)| {
            let field = ident(field);
            quote!(Flowed::new(#inner, self.#field.clone()))
        });
        quote!(Ok(#flowed))
    };
    let variables = variable_args(plan, &network.reads);
    if network.once.is_empty() {
        return quote! {
            fn forward(&self #(, #variables)*) -> Result<#density> {
                #statements
                #result
            }
        };
    }
    let once = |node: &NodePlan| node.is_once;
    let (before, count) = (run(plan, network, once), network.once.len());
    let count = proc_macro2::Literal::usize_unsuffixed(count);
    let locals: Vec<_> = network.once.iter().map(|id| ident(&network.node(*id).local)).collect();
    let once_args = variable_args(plan, &network.once_reads);
    quote! {
        /// What does not depend on the sample.
        fn once(&self #(, #once_args)*) -> Result<[Tensor; #count]> {
            #before
            Ok([#(#locals),*])
        }

        fn forward(&self, once: &[Tensor; #count] #(, #variables)*) -> Result<#density> {
            let [#(#locals),*] = once;
            #statements
            #result
        }
    }
}
