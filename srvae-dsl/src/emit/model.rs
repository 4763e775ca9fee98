//! The model's struct: its constructor and its methods.

use super::bound::bound;
use super::checks::checks;
use super::outside::{model_trait, sizes};
use super::program::Walker;
use super::results::yielded;
use super::roll::Layers;
use super::variables::{arguments, names};
use super::{doc, ident, methods, segments};
use crate::explain::listed;
use crate::graph::VariableId;
use crate::plan::{Group, Operation, Output, Plan, ValueId};
use proc_macro2::TokenStream;
use quote::quote;

/// The struct and its methods, in a module.
pub fn model(plan: &Plan, layers: &Layers) -> TokenStream {
    let (name, title) =
        (ident(&plan.names.model), doc(&format!(" The model {} with its parameters.", plan.model.name)));
    let (methods, taken) = methods::methods(plan, layers);
    let segments = segments::segments(plan, layers, &taken);
    // A segment owns what it reads until the backward pass.
    let (place, built) = match segments {
        Some(_) => (quote!(::std::sync::Arc<super::layers::Layers>), quote!(layers: layers.into())),
        None => (quote!(super::layers::Layers), quote!(layers)),
    };
    let modes = (0..plan.modes().len()).map(|at| method(plan, layers, at));
    let (initialise, bound, model_trait) = (initialise(plan), bound(plan, layers), model_trait(plan, layers));
    let sizes = sizes(plan).map(|(at, size)| {
        let (text, field) = (&plan.model.params[at].name, ident(&plan.names.settings[at]));
        quote!((#text, config.#field, #size))
    });
    let sizes: Vec<_> = sizes.collect();
    let sizes = (!sizes.is_empty()).then(|| quote!(::srvae::generated::check_sizes(&[#(#sizes),*])?;));
    quote! {
        /// The model itself.
        pub mod model {
            use ::srvae::dist::Distribution as _;

            #title
            pub struct #name {
                params: ::srvae::Params,
                config: super::Config,
                layers: #place,
            }

            impl #name {
                /// Builds the model at a configuration; parameters are registered in `params`.
                ///
                /// # Errors
                /// A configuration whose shapes do not fit, or other sizes of families than the code is for.
                pub fn new(config: &super::Config, params: &::srvae::Params) -> ::srvae::Result<Self> {
                    #sizes
                    let layers = super::layers::Layers::new(config, params)?;
                    ::std::result::Result::Ok(Self { params: params.clone(), config: config.clone(), #built })
                }

                /// The configuration the model was built at.
                pub fn config(&self) -> &super::Config {
                    &self.config
                }

                #methods

                #initialise

                #bound

                #segments

                #(#modes)*
            }

            #model_trait
        }
    }
}

/// A pass over a first batch, before training.
fn initialise(plan: &Plan) -> TokenStream {
    let parents = arguments(plan, &plan.bound);
    let locals = names(plan, &plan.bound).into_iter().map(|name| ident(&name));
    quote! {
        /// Sets scale and bias of every weight-normalised layer from its outputs for a first batch of data.
        ///
        /// # Errors
        /// A value that does not fit its variable, or a failed tensor operation.
        pub fn initialise(&self, #(#parents,)* noise: &mut ::srvae::Noise) -> ::srvae::Result<()> {
            let options = ::srvae::BoundOptions::default();
            self.params.initialisation(|| self.bound(#(#locals,)* noise, &options)).map(::std::mem::drop)
        }
    }
}

/// A mode as a method.
fn method(plan: &Plan, layers: &Layers, at: usize) -> TokenStream {
    let (program, mode) = (plan.mode(at), &plan.derivation.modes[at]);
    let walker = Walker::new(plan, program, layers);
    let (name, result) = (ident(&plan.names.methods[at]), ident(&plan.names.results[at]));
    let parents = arguments(plan, program);
    let steps = listed(plan.steps(mode).collect());
    let title = doc(&format!(" {}: {}.", sentence(&program.name), steps.join(", ")));
    let rows = program.uses(|operation| *operation == Operation::Expand).then(|| quote!(let rows = count;));
    let samples = program.uses(|operation| *operation == Operation::Repeat).then(|| {
        let first = walker.first();
        quote!(let samples = ::srvae::generated::draws_per_record(count, #first.dim(0)?)?;)
    });
    let rolled = walker.statements();
    let fields = match &program.output {
        Output::Variables(values) => values.as_slice(),
        Output::Terms(_) | Output::Distribution(_) | Output::Value(_) => &[],
    };
    let value_of = |id: &VariableId| fields.iter().find(|(other, _)| other == id).map(|(_, value)| *value);
    let fields =
        yielded(plan, fields.iter().map(|(id, _)| *id).collect()).into_iter().filter_map(|group| match group {
            Group::One(id) => {
                let (field, ty) = (ident(&plan.names.variables[id.0]), ident(&plan.names.types[id.0]));
                let value = rolled.value(&program.value(value_of(&id)?).name);
                Some(quote!(#field: super::variables::#ty(#value)))
            }
            Group::Members { family, each, .. } => {
                let family = &plan.names.families.all[family];
                let (field, ty) = (ident(&family.field), ident(&family.ty));
                let each: Vec<ValueId> = each.iter().filter_map(value_of).collect();
                let list = walker.list(&each, &rolled);
                Some(quote!(#field: #list.into_iter().map(super::variables::#ty).collect()))
            }
        });
    let (checks, records, statements) = (checks(plan, &walker, true), walker.records(), &rolled.statements);
    quote! {
        #title
        ///
        /// `count` rows in all: where something is given, a multiple of its rows; row k·B + b is draw k for record b.
        ///
        /// # Errors
        /// A value that does not fit its variable, or a failed tensor operation.
        pub fn #name(
            &self,
            #(#parents,)*
            count: usize,
            noise: &mut ::srvae::Noise,
            draw: &::srvae::Draw,
        ) -> ::srvae::Result<super::results::#result> {
            #checks
            #records
            #samples
            #rows
            #statements
            ::std::result::Result::Ok(super::results::#result { #(#fields),* })
        }
    }
}

fn sentence(name: &str) -> String {
    let mut letters = name.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", letters.as_str().replace('_', " "))
}
