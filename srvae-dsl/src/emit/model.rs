//! The model's struct, its constructor, and what the command line needs of it.

use super::factor::{construct, field_type};
use super::number::{Scope, dims};
use super::variables::term_field;
use super::{Origin, doc, ident, local_ident, mentions, model_ident, type_ident};
use crate::derive::{Mode, TermKind};
use crate::graph::VariableId;
use crate::plan::Plan;
use proc_macro2::TokenStream;
use quote::quote;

/// The struct and what it does: `new`, the factors, `bound`, the modes.
pub fn model(plan: &Plan) -> TokenStream {
    let (name, title) = (model_ident(plan), doc(&format!(" The model {} with its parameters.", plan.model.name)));
    let fields = plan.factors.iter().map(|factor| {
        let (field, ty) = (ident(&factor.field), field_type(factor));
        quote!(#field: #ty)
    });
    let names = plan.factors.iter().map(|factor| ident(&factor.field));
    let build: Vec<_> = plan.factors.iter().map(|factor| construct(plan, factor)).collect();
    let body = quote!(#(#build)*);
    let conditionals = super::conditionals::conditionals(plan);
    let (bound, modes) = (super::bound::bound(plan), super::modes::modes(plan));
    let nets = if mentions(&body, "nets") { quote!(let mut nets = Nets::new(params);) } else { quote!() };
    quote! {
        #title
        pub struct #name {
            params: Params,
            config: Config,
            #(#fields),*
        }

        impl #name {
            /// Builds the model at a configuration; parameters are registered in `params`.
            ///
            /// # Errors
            /// A configuration whose shapes do not fit.
            pub fn new(config: &Config, params: &Params) -> Result<Self> {
                #nets
                #body
                Ok(Self { params: params.clone(), config: config.clone(), #(#names),* })
            }

            /// The configuration the model was built at.
            pub fn config(&self) -> &Config {
                &self.config
            }

            #conditionals

            #bound

            #modes
        }
    }
}

/// `impl Model`.
pub fn model_trait(plan: &Plan) -> TokenStream {
    let name = model_ident(plan);
    let data = plan.bound.data.iter().map(|id| from_values(plan, *id, quote!(data)));
    let terms = plan.derivation.terms.iter().map(|term| {
        let (text, field) = (&term.name, term_field(&term.name));
        let kind = match term.kind {
            TermKind::Reconstruction => quote!(Reconstruction),
            TermKind::Kl { .. } => quote!(Kl),
        };
        quote!(Term { name: #text, kind: TermKind::#kind, value: bound.#field })
    });
    let table = plan.derivation.modes.iter().map(|mode| {
        let text = &mode.name;
        let given = mode.given.iter().map(|id| plan.name(*id));
        let yields = mode.yields(&plan.model);
        let yields = yields.iter().map(|id| plan.name(*id));
        quote!(Mode { name: #text, given: &[#(#given),*], yields: &[#(#yields),*] })
    });
    let arms: Vec<_> = plan.derivation.modes.iter().map(|mode| arm(plan, mode)).collect();
    let flows = flows(plan);
    let given = if plan.derivation.modes.iter().any(|mode| !mode.given.is_empty()) { quote!(given) } else { quote!(_) };
    let count = if plan.derivation.modes.iter().any(|mode| mode.given.is_empty()) { quote!(count) } else { quote!(_) };
    quote! {
        impl Model for #name {
            fn params(&self) -> &Params {
                &self.params
            }

            fn bound(&self, data: &Values, noise: &mut Noise, options: &BoundOptions) -> Result<Terms> {
                let bound = #name::bound(self, #(#data,)* noise, options)?;
                let terms = Vec::from([#(#terms),*]);
                Ok(Terms { terms })
            }

            fn modes(&self) -> &[Mode] {
                &[#(#table),*]
            }

            #flows

            fn run(&self, mode: &str, #given: &Values, #count: usize, noise: &mut Noise, draw: &Draw) -> Result<Values> {
                match mode {
                    #(#arms)*
                    _ => Err(unknown_mode(mode, self.modes())),
                }
            }
        }
    }
}

/// The flows over the factors, where there are any.
fn flows(plan: &Plan) -> TokenStream {
    let mut all = Vec::new();
    for factor in &plan.factors {
        let (text, field) = (plan.factor_text(factor.side, factor.variable), ident(&factor.field));
        let shape = dims(&plan.model, Scope::Run, &plan.model.variable(factor.variable).dims);
        for (name, bijector) in factor.bijectors() {
            let path = bijector.iter().map(|part| ident(part));
            all.push(quote!(Flow {
                factor: #text, name: #name, shape: Vec::from(#shape), bijector: &self.#field #(.#path)*
            }));
        }
    }
    if all.is_empty() {
        return quote!();
    }
    quote! {
        fn flows(&self) -> Vec<Flow<'_>> {
            Vec::from([#(#all),*])
        }
    }
}

fn arm(plan: &Plan, mode: &Mode) -> TokenStream {
    let (text, method) = (&mode.name, ident(&mode.name));
    let mut arguments: Vec<_> = mode.given.iter().map(|id| from_values(plan, *id, quote!(given))).collect();
    if mode.given.is_empty() {
        arguments.push(quote!(count));
    }
    let values = mode.yields(&plan.model).into_iter().map(|id| {
        let (text, field) = (plan.name(id), local_ident(plan, id));
        quote!(.with(#text, out.#field.0))
    });
    quote! {
        #text => {
            let out = self.#method(#(#arguments,)* noise, draw)?;
            Ok(Values::new()#(#values)*)
        }
    }
}

fn from_values(plan: &Plan, id: VariableId, from: TokenStream) -> TokenStream {
    let (text, ty) = (plan.name(id), type_ident(plan, id));
    quote!(&#ty(#from.get(#text)?.clone()))
}

/// `COMPILED`: what the command line knows of the model.
pub fn compiled(plan: &Plan, origin: &Origin) -> TokenStream {
    let (name, text) = (model_ident(plan), &plan.model.name);
    let (path, include) = (&origin.path, &origin.include);
    quote! {
        /// The model for the command line.
        pub const COMPILED: Compiled = Compiled {
            name: #text,
            path: #path,
            source: include_str!(#include),
            build: |settings, params| Ok(Box::new(#name::new(&Config::from_settings(settings)?, params)?)),
        };
    }
}
