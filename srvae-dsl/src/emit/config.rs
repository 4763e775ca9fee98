//! The configuration: the file's parameters, their defaults and presets.

use super::{doc, docs, ident, number::literal};
use crate::graph::{Param, Preset, Value};
use crate::plan::Plan;
use proc_macro2::TokenStream;
use quote::quote;

pub fn config(plan: &Plan) -> TokenStream {
    let params = &plan.model.params;
    let fields = params.iter().map(|param| {
        let (docs, name, ty) = (docs(&param.docs), ident(&param.name), type_of(&param.default));
        quote!(#(#docs)* pub #name: #ty)
    });
    let defaults = params.iter().map(|param| {
        let (name, value) = (ident(&param.name), owned(&param.default));
        quote!(#name: #value)
    });
    let presets = plan.model.presets.iter().map(|preset| preset_fn(plan, preset));
    let from_settings = from_settings(params);
    let overview = doc(&format!(" The parameters of {}.", plan.model.name));
    quote! {
        #overview
        #[derive(Debug, Clone, PartialEq)]
        pub struct Config { #(#fields),* }

        impl Default for Config {
            /// The values in the file.
            fn default() -> Self {
                Self { #(#defaults),* }
            }
        }

        impl Config {
            #(#presets)*

            /// The defaults with these settings in their place.
            ///
            /// # Errors
            /// A name the model does not have, or a value of another type.
            pub fn from_settings(settings: &Settings) -> Result<Self> {
                #from_settings
            }
        }
    }
}

fn from_settings(params: &[Param]) -> TokenStream {
    if params.is_empty() {
        return quote! {
            match settings.first() {
                Some((name, _)) => Err(unknown_setting(name, &[])),
                None => Ok(Self::default()),
            }
        };
    }
    let arms = params.iter().map(arm);
    let known: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
    quote! {
        let mut config = Self::default();
        for (name, value) in settings {
            match name.as_str() {
                #(#arms)*
                _ => return Err(unknown_setting(name, &[#(#known),*])),
            }
        }
        Ok(config)
    }
}

fn preset_fn(plan: &Plan, preset: &Preset) -> TokenStream {
    let (name, docs) = (ident(&preset.name), docs(&preset.docs));
    let title = doc(&format!(" The preset `{}`.", preset.name));
    let fields = preset.values.iter().map(|(id, value)| {
        let (name, value) = (ident(&plan.model.params[id.0].name), owned(value));
        quote!(#name: #value)
    });
    let rest = if preset.values.len() < plan.model.params.len() { quote!(..Self::default()) } else { quote!() };
    quote! {
        #title
        #(#docs)*
        pub fn #name() -> Self {
            Self { #(#fields,)* #rest }
        }
    }
}

fn arm(param: &Param) -> TokenStream {
    let (text, name) = (&param.name, ident(&param.name));
    let read = match param.default {
        Value::Int(_) => quote!(size),
        Value::Real(_) => quote!(real),
        Value::Bool(_) => quote!(switch),
        Value::Word(_) => quote!(word),
    };
    quote!(#text => config.#name = value.#read(name)?,)
}

fn type_of(value: &Value) -> TokenStream {
    match value {
        Value::Int(_) => quote!(usize),
        Value::Real(_) => quote!(f64),
        Value::Bool(_) => quote!(bool),
        Value::Word(_) => quote!(String),
    }
}

fn owned(value: &Value) -> TokenStream {
    let value_tokens = literal(value);
    if matches!(value, Value::Word(_)) { quote!(#value_tokens.to_owned()) } else { value_tokens }
}
