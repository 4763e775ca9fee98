//! The model's struct: its constructor, factors, bound and modes, and what the command line needs of it.

use super::number::{Scope, dims};
use super::program::Walker;
use super::variables::arguments;
use super::{Origin, doc, ident};
use crate::derive::{Mode, Term, TermKind, is_partly};
use crate::graph::VariableId;
use crate::plan::{FactorPlan, LetPlan, Operation, Output, PartKind, Plan, Shape, term_field};
use proc_macro2::TokenStream;
use quote::quote;

/// The struct and what it does, in a module of its own.
pub fn model(plan: &Plan) -> TokenStream {
    let (name, title) =
        (ident(&plan.names.model), doc(&format!(" The model {} with its parameters.", plan.model.name)));
    let factors = plan.factors.iter().map(|factor| conditional(plan, factor));
    let lets = plan.lets.iter().map(|value| shared(plan, value));
    let modes = (0..plan.modes.len()).map(|at| method(plan, at));
    let (initialise, bound, model_trait) = (initialise(plan), bound(plan), model_trait(plan));
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
                /// A configuration whose shapes do not fit.
                pub fn new(config: &super::Config, params: &::srvae::Params) -> ::srvae::Result<Self> {
                    let layers = super::layers::Layers::new(config, params)?;
                    ::std::result::Result::Ok(Self { params: params.clone(), config: config.clone(), layers })
                }

                /// The configuration the model was built at.
                pub fn config(&self) -> &super::Config {
                    &self.config
                }

                #(#factors)*

                #(#lets)*

                #initialise

                #bound

                #(#modes)*
            }

            #model_trait
        }
    }
}

/// The distribution of a variable for given parents.
fn conditional(plan: &Plan, factor: &FactorPlan) -> TokenStream {
    let (walker, name) = (Walker { plan, program: &factor.program }, ident(&factor.program.name));
    let title = doc(&format!(" {}.", plan.factor_text(factor.side, factor.variable)));
    let base = super::layers::distribution(factor.base);
    // A root that is expanded to the rows of a flow's context.
    let mut expanded = !factor.program.uses(|operation| *operation == Operation::ExpandLike);
    let density = factor.flows.iter().fold(base, |inner, flow| {
        let part = plan.parts.part(*flow);
        let PartKind::Flow(flow) = &part.kind else { return inner };
        let inner = match part.shapes.len() > 1 && !std::mem::replace(&mut expanded, true) {
            true => quote!(::std::boxed::Box<dyn ::srvae::dist::Distribution>),
            false => inner,
        };
        let ty = ident(flow.entry.runtime);
        quote!(::srvae::dist::Flowed<#inner, ::std::sync::Arc<::srvae::flow::#ty>>)
    });
    let parents = arguments(plan, &factor.program);
    let (checks, records) = (checks(plan, &walker, false), records(&walker));
    let body: TokenStream = factor.program.outputs().into_iter().map(|value| walker.yielded(value)).collect();
    quote! {
        #title
        ///
        /// # Errors
        /// A shape that does not fit, or a failed tensor operation.
        pub fn #name(&self #(, #parents)*) -> ::srvae::Result<#density> {
            #checks
            #records
            #body
        }
    }
}

/// A value of the file, for given variables and values.
fn shared(plan: &Plan, value: &LetPlan) -> TokenStream {
    let (walker, name) = (Walker { plan, program: &value.program }, ident(&value.program.name));
    let net = &plan.model.nets[value.value.0];
    let sizes = crate::catalog::show_shape(&net.output);
    let title = doc(&format!(" The value {}: {sizes}, the batch before it.", net.name));
    let docs = super::docs(&net.docs);
    let parents = arguments(plan, &value.program);
    let (checks, records, statements) = (checks(plan, &walker, false), records(&walker), walker.statements(None));
    let yielded: TokenStream = value.program.outputs().into_iter().map(|value| walker.owned(value)).collect();
    quote! {
        #title
        #(#docs)*
        ///
        /// # Errors
        /// A shape that does not fit, or a failed tensor operation.
        pub fn #name(&self #(, #parents)*) -> ::srvae::Result<::srvae::Tensor> {
            #checks
            #records
            #statements
            ::std::result::Result::Ok(#yielded)
        }
    }
}

/// How many records there are, where a program needs it.
fn records(walker: &Walker<'_>) -> TokenStream {
    let first = walker.first();
    match walker.program.uses(|operation| *operation == Operation::Rows) {
        true => quote!(let records = #first.dim(0)?;),
        false => TokenStream::new(),
    }
}

/// A pass over a first batch, before training.
fn initialise(plan: &Plan) -> TokenStream {
    let locals = Walker { plan, program: &plan.bound }.given();
    let parents = arguments(plan, &plan.bound);
    let locals = locals.iter().map(|local| ident(local));
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
fn bound(plan: &Plan) -> TokenStream {
    let walker = Walker { plan, program: &plan.bound };
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
    let (checks, records, statements) = (checks(plan, &walker, true), records(&walker), walker.statements(None));
    let values = match &plan.bound.output {
        Output::Terms(values) => values.as_slice(),
        Output::Variables(_) | Output::Distribution(_) | Output::Value(_) => &[],
    };
    let terms = plan.derivation.terms.iter().zip(values).map(|(term, value)| {
        let (field, local) = (ident(&term_field(&term.name)), ident(&plan.bound.value(*value).name));
        if field == local { quote!(#field) } else { quote!(#field: #local) }
    });
    let enumeration = enumeration(plan);
    let scores = plan.bound.scores.iter().map(|score| ident(&plan.bound.value(*score).name));
    let scores = has_scores(plan).then(|| quote!(scores: ::std::vec::Vec::from([#(#scores),*]),));
    let added = super::objective::added(plan);
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
fn method(plan: &Plan, at: usize) -> TokenStream {
    let (program, mode) = (&plan.modes[at], &plan.derivation.modes[at]);
    let walker = Walker { plan, program };
    let (name, result) = (ident(&plan.names.methods[at]), ident(&plan.names.results[at]));
    let parents = arguments(plan, program);
    let steps: Vec<_> = mode.steps.iter().map(|step| plan.step(step.side, step.variable)).collect();
    let title = doc(&format!(" {}: {}.", sentence(&program.name), steps.join(", ")));
    let rows = program.uses(|operation| *operation == Operation::Expand).then(|| quote!(let rows = count;));
    let samples = program.uses(|operation| *operation == Operation::Repeat).then(|| {
        let first = walker.first();
        quote!(let samples = ::srvae::generated::draws_per_record(count, #first.dim(0)?)?;)
    });
    let fields = match &program.output {
        Output::Variables(values) => values.as_slice(),
        Output::Terms(_) | Output::Distribution(_) | Output::Value(_) => &[],
    };
    let fields = fields.iter().map(|(id, value)| {
        let (field, ty) = (ident(&plan.names.variables[id.0]), ident(&plan.names.types[id.0]));
        let local = ident(&program.value(*value).name);
        quote!(#field: super::variables::#ty(#local))
    });
    let (checks, records, statements) = (checks(plan, &walker, true), records(&walker), walker.statements(None));
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

/// Statements that hold what is given against its variables.
fn checks(plan: &Plan, walker: &Walker<'_>, values: bool) -> TokenStream {
    let each = walker.program.arguments().filter_map(|value| {
        if let Operation::GivenValue(id) = value.operation {
            let (net, local) = (&plan.model.nets[id.0], ident(&value.name));
            let (text, shape) = (&net.name, &net.output);
            return Some(
                quote!(::srvae::generated::check_shape(#text, "real", &[#(#shape),*], &self.params, #local)?;),
            );
        }
        let (Operation::Given(id) | Operation::Partly(id)) = value.operation else { return None };
        let (variable, local) = (plan.model.variable(id), ident(&value.name));
        let (text, space) = (&variable.name, crate::catalog::space_entry(variable.space).name);
        let shape = dims(plan, Scope::Run, &variable.dims);
        if let Operation::Partly(_) = value.operation {
            let given = quote!(&#local.value.0, &#local.present);
            return Some(quote!(::srvae::generated::check_partly(#text, #space, &#shape, &self.params, #given)?;));
        }
        let check = if values { quote!(check_value) } else { quote!(check_shape) };
        Some(quote!(::srvae::generated::#check(#text, #space, &#shape, &self.params, &#local.0)?;))
    });
    quote!(#(#each)*)
}

/// `impl Model`.
fn model_trait(plan: &Plan) -> TokenStream {
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
    let flows = flows(plan);
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
fn flows(plan: &Plan) -> TokenStream {
    let mut all = Vec::new();
    for factor in &plan.factors {
        let text = plan.factor_text(factor.side, factor.variable);
        for part in factor.flows.iter().map(|flow| plan.parts.part(*flow)) {
            let PartKind::Flow(flow) = &part.kind else { continue };
            let (name, field) = (flow.entry.name, ident(&part.field));
            let shape = match part.shapes.first() {
                Some(Shape::Output(outer)) => {
                    let outer = ident(&plan.parts.part(*outer).field);
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

/// `COMPILED`: what the command line knows of the model.
pub fn compiled(plan: &Plan, origin: &Origin) -> TokenStream {
    let (name, text) = (ident(&plan.names.model), &plan.model.name);
    let (path, include) = (&origin.path, &origin.include);
    quote! {
        /// The model for the command line.
        pub const COMPILED: ::srvae::Compiled = ::srvae::Compiled {
            name: #text,
            path: #path,
            source: ::std::include_str!(#include),
            build: |settings, params| {
                let config = Config::from_settings(settings)?;
                ::std::result::Result::Ok(::std::boxed::Box::new(model::#name::new(&config, params)?))
            },
        };
    }
}
