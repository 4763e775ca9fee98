//! The model's struct: its constructor, factors, bound and modes.

use super::checks::checks;
use super::layers::Layers;
use super::number::{Scope, dims};
use super::outside::{model_trait, sizes};
use super::program::Walker;
use super::results::{has_scores, term_group_field, yielded};
use super::roll::Rolled;
use super::variables::{arguments, names};
use super::{doc, ident, methods, segments};
use crate::derive::{Term, TermKind};
use crate::explain::listed;
use crate::graph::{Factor, VariableId};
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

/// The bound.
fn bound(plan: &Plan, layers: &Layers) -> TokenStream {
    let walker = Walker::new(plan, &plan.bound, layers);
    let parents = arguments(plan, &plan.bound);
    let signs = listed(plan.derivation.terms.iter().map(signed).collect());
    let title = doc(&format!(" The bound: {}; each term `[samples, batch]` in nats.", signs.join(" ")));
    let has_segments = !plan.segments.all.is_empty();
    let noise = if plan.bound.uses(Operation::is_draw) || has_segments { quote!(noise) } else { quote!(_) };
    let in_segments = has_segments.then(|| {
        let given = names(plan, &plan.bound).into_iter().map(|name| ident(&name));
        quote! {
            if self.params.phase() == ::srvae::params::Phase::Training {
                return self.in_segments(#(#given,)* noise, options);
            }
        }
    });
    let (checks, beginning, rolled) = (checks(plan, &walker, true), beginning(plan, &walker), walker.statements());
    let (statements, terms) = (&rolled.statements, bound_terms(plan, &walker, &rolled));
    quote! {
        #title
        ///
        /// # Errors
        /// A value that does not fit its variable, or a failed tensor operation.
        pub fn bound(
            &self,
            #(#parents,)*
            #noise: &mut ::srvae::Noise,
            options: &::srvae::BoundOptions,
        ) -> ::srvae::Result<super::results::BoundTerms> {
            #checks
            #in_segments
            #beginning
            #statements
            #terms
        }
    }
}

/// The numbers of samples, records and rows, and the enumerated values, before the statements of the bound or of a segment
/// of it.
pub fn beginning(plan: &Plan, walker: &Walker<'_>) -> TokenStream {
    let rows = walker.program.uses(|operation| *operation == Operation::Expand).then(|| {
        let first = walker.first();
        quote!(let rows = samples * #first.dim(0)?;)
    });
    let (records, enumeration) = (walker.records(), enumeration(plan));
    quote! {
        let samples = options.samples;
        #records
        #rows
        #enumeration
    }
}

/// The result of the bound from the values of its terms.
pub fn bound_terms(plan: &Plan, walker: &Walker<'_>, rolled: &Rolled) -> TokenStream {
    let values = match &plan.bound.output {
        Output::Terms(values) => values.as_slice(),
        Output::Variables(_) | Output::Distribution(_) | Output::Value(_) => &[],
    };
    let terms = plan.names.families.terms(plan).into_iter().map(|group| {
        let field = ident(&term_group_field(plan, &group));
        match group {
            Group::One((at, _)) => {
                let value = rolled.value(&plan.bound.value(values[at]).name);
                if field == value.to_string() { quote!(#field) } else { quote!(#field: #value) }
            }
            Group::Members { each, .. } => {
                let each: Vec<ValueId> = each.iter().map(|(at, _)| values[*at]).collect();
                let list = walker.list(&each, rolled);
                quote!(#field: #list)
            }
        }
    });
    let value = |id: ValueId| rolled.value(&plan.bound.value(id).name);
    let scores = plan.bound.scores.iter().map(|score| {
        let (log_q, baseline) = (value(score.log_q), optional(score.baseline.map(value)));
        quote!(::srvae::Score { log_q: #log_q, baseline: #baseline })
    });
    let scores = has_scores(plan).then(|| quote!(scores: ::std::vec::Vec::from([#(#scores),*]),));
    let added = super::objective::added(plan, rolled);
    quote!(::std::result::Result::Ok(super::results::BoundTerms { #added #(#terms,)* #scores }))
}

fn optional(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::std::option::Option::Some(#value)),
        None => quote!(::std::option::Option::None),
    }
}

/// The enumerated values that the bound sums over, if any. The components of a mixture are enumerated as the classes of a
/// label.
fn enumeration(plan: &Plan) -> TokenStream {
    let each = plan.bound.enumerated.iter().map(|id| {
        let variable = plan.model.variable(*id);
        if let Some(components) = plan.model.q_of(*id).and_then(Factor::components) {
            return quote!(("label", &[#components][..]));
        }
        let (space, shape) = (crate::catalog::space_entry(variable.space).name, dims(plan, Scope::Run, &variable.dims));
        quote!((#space, &#shape[..]))
    });
    let each: Vec<_> = each.collect();
    if each.is_empty() {
        return TokenStream::new();
    }
    quote!(let enumeration = ::srvae::Enumeration::new(&[#(#each),*])?;)
}

fn signed(term: &Term) -> String {
    match term.kind {
        TermKind::Reconstruction => format!("+ {}", term.name),
        TermKind::Kl { .. } => format!("− {}", term.name),
    }
}

/// A mode as a method.
fn method(plan: &Plan, layers: &Layers, at: usize) -> TokenStream {
    let (program, mode) = (plan.mode(at), &plan.derivation.modes[at]);
    let walker = Walker::new(plan, program, layers);
    let (name, result) = (ident(&plan.names.methods[at]), ident(&plan.names.results[at]));
    let parents = arguments(plan, program);
    let steps = listed(mode.steps.iter().map(|step| plan.step(step.side, step.variable)).collect());
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
