//! The configuration: the file's parameters, their defaults and presets.

use super::number::literal;
use super::{doc, docs, ident};
use crate::graph::{Param, Preset, Value};
use crate::plan::Plan;
use proc_macro2::TokenStream;
use quote::quote;

pub fn config(plan: &Plan) -> TokenStream {
    let named = || plan.model.params.iter().zip(plan.names.settings.iter().map(|name| ident(name)));
    let fields = named().map(|(param, name)| {
        let (docs, ty) = (docs(&param.docs), type_of(&param.default));
        quote!(#(#docs)* pub #name: #ty)
    });
    let defaults = named().map(|(param, name)| {
        let value = owned(&param.default);
        quote!(#name: #value)
    });
    let from_settings = from_settings(plan);
    let overview = doc(&format!(" The parameters of {}.", plan.model.name));
    quote! {
        #overview
        #[derive(::std::fmt::Debug, ::std::clone::Clone, ::std::cmp::PartialEq)]
        pub struct Config { #(#fields),* }

        impl ::std::default::Default for Config {
            /// The values in the file.
            fn default() -> Self {
                Self { #(#defaults),* }
            }
        }

        impl Config {
            /// The defaults with these settings in their place.
            ///
            /// # Errors
            /// A name the model does not have, or a value of another type.
            pub fn from_settings(settings: &::srvae::Settings) -> ::srvae::Result<Self> {
                #from_settings
            }
        }
    }
}

fn from_settings(plan: &Plan) -> TokenStream {
    if plan.model.params.is_empty() {
        return quote! {
            match settings.first() {
                ::std::option::Option::Some((name, _)) => {
                    ::std::result::Result::Err(::srvae::generated::unknown_setting(name, &[]))
                }
                ::std::option::Option::None => ::std::result::Result::Ok(Self::default()),
            }
        };
    }
    let arms = plan.model.params.iter().zip(&plan.names.settings).map(|(param, field)| arm(param, field));
    let known: Vec<&str> = plan.model.params.iter().map(|param| param.name.as_str()).collect();
    quote! {
        let mut config = Self::default();
        for (name, value) in settings {
            match name.as_str() {
                #(#arms)*
                _ => {
                    return ::std::result::Result::Err(::srvae::generated::unknown_setting(name, &[#(#known),*]));
                }
            }
        }
        ::std::result::Result::Ok(config)
    }
}

fn arm(param: &Param, field: &str) -> TokenStream {
    let (text, field) = (&param.name, ident(field));
    let read = match param.default {
        Value::Int(_) => quote!(size),
        Value::Real(_) => quote!(real),
        Value::Bool(_) => quote!(switch),
        Value::Word(_) => quote!(word),
    };
    quote!(#text => config.#field = value.#read(name)?,)
}

/// A function for each preset, in a module of their own.
pub fn presets(plan: &Plan) -> TokenStream {
    if plan.model.presets.is_empty() {
        return TokenStream::new();
    }
    let each = plan.model.presets.iter().zip(&plan.names.presets).map(|(preset, name)| preset_fn(plan, preset, name));
    quote! {
        /// The file's presets.
        pub mod presets {
            #(#each)*
        }
    }
}

fn preset_fn(plan: &Plan, preset: &Preset, name: &str) -> TokenStream {
    let (name, docs) = (ident(name), docs(&preset.docs));
    let title = doc(&format!(" The preset `{}`.", preset.name));
    let fields = preset.values.iter().map(|(id, value)| {
        let (name, value) = (ident(&plan.names.settings[id.0]), owned(value));
        quote!(#name: #value)
    });
    let rest = (preset.values.len() < plan.model.params.len())
        .then(|| quote!(..<super::Config as ::std::default::Default>::default()));
    quote! {
        #title
        #(#docs)*
        pub fn #name() -> super::Config {
            super::Config { #(#fields,)* #rest }
        }
    }
}

fn type_of(value: &Value) -> TokenStream {
    match value {
        Value::Int(_) => quote!(usize),
        Value::Real(_) => quote!(f64),
        Value::Bool(_) => quote!(bool),
        Value::Word(_) => quote!(::std::string::String),
    }
}

fn owned(value: &Value) -> TokenStream {
    let tokens = literal(value);
    if matches!(value, Value::Word(_)) { quote!(::std::string::String::from(#tokens)) } else { tokens }
}
