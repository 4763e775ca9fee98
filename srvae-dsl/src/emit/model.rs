//! The model's struct: its constructor, factors, bound and modes, and what the command line needs of it.

use super::layers::Layers;
use super::methods::{self, checks, records};
use super::number::{Scope, dims};
use super::program::Walker;
use super::variables::arguments;
use super::{Origin, doc, ident};
use crate::derive::{Mode, Term, TermKind, is_partly};
use crate::graph::{Value, VariableId};
use crate::plan::{Operation, Output, PartKind, Plan, Shape, term_field};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The struct and what it does, in a module of its own.
pub fn model(plan: &Plan, layers: &Layers) -> TokenStream {
    let (name, title) =
        (ident(&plan.names.model), doc(&format!(" The model {} with its parameters.", plan.model.name)));
    let methods = methods::methods(plan, layers);
    let modes = (0..plan.modes.len()).map(|at| method(plan, layers, at));
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
                layers: super::layers::Layers,
            }

            impl #name {
                /// Builds the model at a configuration; parameters are registered in `params`.
                ///
                /// # Errors
                /// A configuration whose shapes do not fit, or other sizes of families than the code is for.
                pub fn new(config: &super::Config, params: &::srvae::Params) -> ::srvae::Result<Self> {
                    #sizes
                    let layers = super::layers::Layers::new(config, params)?;
                    ::std::result::Result::Ok(Self { params: params.clone(), config: config.clone(), layers })
                }

                /// The configuration the model was built at.
                pub fn config(&self) -> &super::Config {
                    &self.config
                }

                #methods

                #initialise

                #bound

                #(#modes)*
            }

            #model_trait
        }
    }
}

/// A pass over a first batch, before training.
fn initialise(plan: &Plan) -> TokenStream {
    let parents = arguments(plan, &plan.bound);
    let locals = plan.bound.arguments().map(|value| ident(&value.name));
    quote! {
        /// Sets scale and bias of every weight-normalised layer from what passes through it, for a first batch of data.
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
    let signs = plan.derivation.terms.iter().map(signed).collect::<Vec<_>>();
    let title = doc(&format!(" The bound: {}; each term `[samples, batch]` in nats.", signs.join(" ")));
    let noise = if plan
        .bound
        .uses(|operation| matches!(operation, Operation::Draw(..) | Operation::Scored(_) | Operation::Dequantise(_)))
    {
        quote!(noise)
    } else {
        quote!(_)
    };
    let rows = plan.bound.uses(|operation| *operation == Operation::Expand).then(|| {
        let first = walker.first();
        quote!(let rows = samples * #first.dim(0)?;)
    });
    let (checks, records, rolled) = (checks(plan, &walker, true), records(&walker), walker.statements());
    let values = match &plan.bound.output {
        Output::Terms(values) => values.as_slice(),
        Output::Variables(_) | Output::Distribution(_) | Output::Value(_) => &[],
    };
    let terms = plan.derivation.terms.iter().zip(values).map(|(term, value)| {
        let (field, value) = (ident(&term_field(&term.name)), rolled.value(&plan.bound.value(*value).name));
        if field == value.to_string() { quote!(#field) } else { quote!(#field: #value) }
    });
    let enumeration = enumeration(plan);
    let scores = plan.bound.scores.iter().map(|score| rolled.value(&plan.bound.value(*score).name));
    let scores = has_scores(plan).then(|| quote!(scores: ::std::vec::Vec::from([#(#scores),*]),));
    let added = super::objective::added(plan, &rolled);
    let statements = &rolled.statements;
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
            let samples = options.samples;
            #records
            #rows
            #enumeration
            #statements
            ::std::result::Result::Ok(super::results::BoundTerms { #added #(#terms,)* #scores })
        }
    }
}

/// Whether some draw's gradient is that of its score.
pub fn has_scores(plan: &Plan) -> bool {
    !plan.bound.scores.is_empty()
}

/// What the bound sums over, where it does.
fn enumeration(plan: &Plan) -> TokenStream {
    let each = plan.bound.enumerated.iter().map(|id| {
        let variable = plan.model.variable(*id);
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
    let (program, mode) = (&plan.modes[at], &plan.derivation.modes[at]);
    let walker = Walker::new(plan, program, layers);
    let (name, result) = (ident(&plan.names.methods[at]), ident(&plan.names.results[at]));
    let parents = arguments(plan, program);
    let steps: Vec<_> = mode.steps.iter().map(|step| plan.step(step.side, step.variable)).collect();
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
    let fields = fields.iter().map(|(id, value)| {
        let (field, ty) = (ident(&plan.names.variables[id.0]), ident(&plan.names.types[id.0]));
        let value = rolled.value(&program.value(*value).name);
        quote!(#field: super::variables::#ty(#value))
    });
    let (checks, records, statements) = (checks(plan, &walker, true), records(&walker), &rolled.statements);
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

/// `impl Model`.
fn model_trait(plan: &Plan, layers: &Layers) -> TokenStream {
    let name = ident(&plan.names.model);
    let data = plan.bound.given.iter().map(|id| match is_partly(&plan.model, *id) {
        true => partly_from_values(plan, *id),
        false => from_values(plan, *id, quote!(data)),
    });
    let weights = super::objective::weights(plan);
    let table = plan.derivation.modes.iter().map(|mode| {
        let text = &mode.name;
        let given = plan.names_outside(&mode.given);
        let yields = mode.yields(&plan.model);
        let yields = plan.names_outside(&yields);
        quote!(::srvae::Mode { name: #text, given: &[#(#given),*], yields: &[#(#yields),*] })
    });
    let arms: Vec<_> =
        plan.derivation.modes.iter().zip(&plan.names.methods).map(|(mode, method)| arm(plan, mode, method)).collect();
    let terms = quote!(self.bound(#(#data,)* noise, options)?.terms());
    let terms = match plan.model.length {
        Some(_) => quote! {
            let terms = #terms;
            ::std::result::Result::Ok(::srvae::Terms { terms: ::srvae::steps::summed(terms.terms)?, ..terms })
        },
        None => quote!(::std::result::Result::Ok(#terms)),
    };
    let flows = flows(plan, layers);
    let given = if plan.derivation.modes.iter().any(|mode| !mode.given.is_empty()) { quote!(given) } else { quote!(_) };
    quote! {
        impl ::srvae::Model for #name {
            fn params(&self) -> &::srvae::Params {
                &self.params
            }

            fn bound(
                &self,
                data: &::srvae::Values,
                noise: &mut ::srvae::Noise,
                options: &::srvae::BoundOptions,
            ) -> ::srvae::Result<::srvae::Terms> {
                #terms
            }

            #weights

            fn modes(&self) -> &[::srvae::Mode] {
                &[#(#table),*]
            }

            #flows

            fn run(
                &self,
                mode: &str,
                #given: &::srvae::Values,
                count: usize,
                noise: &mut ::srvae::Noise,
                draw: &::srvae::Draw,
            ) -> ::srvae::Result<::srvae::Values> {
                match mode {
                    #(#arms)*
                    _ => ::std::result::Result::Err(::srvae::generated::unknown_mode(mode, ::srvae::Model::modes(self))),
                }
            }
        }
    }
}

/// The flows over the factors, where there are any.
fn flows(plan: &Plan, layers: &Layers) -> TokenStream {
    let mut all = Vec::new();
    for factor in &plan.factors {
        let text = plan.factor_text(factor.side, factor.variable);
        for part in factor.flows.iter().map(|flow| plan.parts.part(*flow)) {
            let PartKind::Flow(flow) = &part.kind else { continue };
            let (name, field) = (flow.entry.name, layers.place(&part.field));
            let shape = match part.shapes.first() {
                Some(Shape::Output(outer)) => {
                    let outer = layers.place(&plan.parts.part(*outer).field);
                    quote!(::srvae::flow::Bijector::inner(&*self.layers.#outer))
                }
                _ => dims(plan, Scope::Run, &plan.model.variable(factor.variable).dims),
            };
            all.push(quote!(::srvae::Flow {
                factor: #text, name: #name, shape: ::std::vec::Vec::from(#shape), bijector: &*self.layers.#field
            }));
        }
    }
    if all.is_empty() {
        return TokenStream::new();
    }
    quote! {
        fn flows(&self) -> ::std::vec::Vec<::srvae::Flow<'_>> {
            ::std::vec::Vec::from([#(#all),*])
        }
    }
}

fn arm(plan: &Plan, mode: &Mode, method: &str) -> TokenStream {
    let (text, method) = (&mode.name, ident(method));
    let arguments = mode.given.iter().map(|id| from_values(plan, *id, quote!(given)));
    let yields = mode.yields(&plan.model);
    if yields.iter().any(|id| plan.outside(*id).1.is_some()) {
        let values = yields.into_iter().map(|id| {
            let ((text, step), field) = (plan.outside(id), ident(&plan.names.variables[id.0]));
            let step = step
                .map_or_else(|| quote!(::std::option::Option::None), |step| quote!(::std::option::Option::Some(#step)));
            quote!((#text, #step, out.#field.0))
        });
        return quote! {
            #text => {
                let out = self.#method(#(#arguments,)* count, noise, draw)?;
                ::srvae::steps::together(::std::vec::Vec::from([#(#values),*]))
            }
        };
    }
    let values = yields.into_iter().map(|id| {
        let (text, field) = (plan.name(id), ident(&plan.names.variables[id.0]));
        quote!(.with(#text, out.#field.0))
    });
    quote! {
        #text => {
            let out = self.#method(#(#arguments,)* count, noise, draw)?;
            ::std::result::Result::Ok(::srvae::Values::new()#(#values)*)
        }
    }
}

fn from_values(plan: &Plan, id: VariableId, from: TokenStream) -> TokenStream {
    let (text, ty) = (plan.name(id), ident(&plan.names.types[id.0]));
    match plan.outside(id) {
        (family, Some(step)) => quote!(&super::variables::#ty(::srvae::steps::one(#from, #text, #family, #step)?)),
        _ => quote!(&super::variables::#ty(#from.get(#text)?.clone())),
    }
}

/// A partly observed variable, from what the caller has of it.
fn partly_from_values(plan: &Plan, id: VariableId) -> TokenStream {
    let (text, ty) = (plan.name(id), ident(&plan.names.types[id.0]));
    let shape = dims(plan, Scope::Run, &plan.model.variable(id).dims);
    quote!(&data.partly(#text, &#shape, &self.params)?.map(super::variables::#ty))
}

/// Parameters that decide how many members families have, by position, with the values that the code is for.
fn sizes(plan: &Plan) -> impl Iterator<Item = (usize, Literal)> {
    plan.model.fixed.iter().filter_map(|id| match plan.model.params[id.0].value {
        Value::Int(value) => Some((id.0, Literal::i64_unsuffixed(value))),
        Value::Real(_) | Value::Bool(_) | Value::Word(_) => None,
    })
}

/// `COMPILED`: what the command line knows of the model.
pub fn compiled(plan: &Plan, origin: &Origin) -> TokenStream {
    let (name, text) = (ident(&plan.names.model), &plan.model.name);
    let (path, include) = (&origin.path, &origin.include);
    let sizes = sizes(plan).map(|(at, size)| {
        let text = &plan.model.params[at].name;
        quote!((#text, #size))
    });
    quote! {
        /// The model for the command line.
        pub const COMPILED: ::srvae::Compiled = ::srvae::Compiled {
            name: #text,
            path: #path,
            source: ::std::include_str!(#include),
            sizes: &[#(#sizes),*],
            build: |settings, params| {
                let config = Config::from_settings(settings)?;
                ::std::result::Result::Ok(::std::boxed::Box::new(model::#name::new(&config, params)?))
            },
        };
    }
}
