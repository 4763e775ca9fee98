//! The parameters of the model: one struct with a field for each part, built in order.

use super::number::{Scope, argument, arguments, dims};
use super::roll::{Around, Layers, Member, Statement, roll};
use super::{doc, ident};
use crate::catalog::{Arity, Block, Distribution, Parameter};
use crate::graph::{Use, VariableId};
use crate::plan::{ComputedShape, Part, PartId, PartKind, Plan, Shape};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The fields of the layers, and the struct with its constructor.
pub fn layers(plan: &Plan) -> (Layers, TokenStream) {
    let parts = &plan.parts.all;
    let types = parts.iter().map(|part| (part.field.clone(), type_of(part).to_string())).collect();
    let taken = ["config", "params", "self"].map(str::to_owned).into();
    let read = parts.iter().map(|part| part.field.clone()).collect();
    let built = (0..parts.len()).flat_map(|at| part(plan, PartId(at))).collect();
    let rolled = roll(built, Around { taken: Some(&taken), read, ..Around::default() });
    let fields = parts.iter().filter_map(|part| {
        let ty = type_of(part);
        let Some(Member { vector, at, .. }) = rolled.members.get(&part.field) else {
            let (title, field) = (doc(&format!(" `{}`", part.path)), ident(&part.field));
            return Some((field.clone(), quote!(#title pub(super) #field: #ty)));
        };
        let members = rolled.vectors.iter().find(|(name, _)| name == vector).map(|(_, members)| members)?;
        let last = parts.iter().find(|part| Some(&part.field) == members.last())?;
        let (title, field) = (doc(&format!(" `{}` to `{}`", part.path, last.path)), ident(vector));
        (*at == 0).then(|| (field.clone(), quote!(#title pub(super) #field: ::std::vec::Vec<#ty>)))
    });
    let (names, fields): (Vec<_>, Vec<_>) = fields.unzip();
    let code = code(&names, &fields, &rolled.statements);
    (Layers { types, members: rolled.members }, code)
}

fn code(names: &[Ident], fields: &[TokenStream], built: &TokenStream) -> TokenStream {
    quote! {
        /// Layers, flows and the distributions of roots.
        mod layers {
            /// Each field is named after the path of its parameters.
            pub struct Layers { #(#fields),* }

            impl Layers {
                /// # Errors
                /// A configuration whose shapes do not fit.
                #[allow(unused_variables)]
                pub fn new(config: &super::Config, params: &::srvae::Params) -> ::srvae::Result<Self> {
                    #built
                    ::std::result::Result::Ok(Self { #(#names),* })
                }
            }
        }
    }
}

/// The type of a part's field.
fn type_of(part: &Part) -> TokenStream {
    match &part.kind {
        PartKind::Layer { block, .. } => {
            let ty = ident(block.entry.runtime);
            quote!(::srvae::nn::#ty)
        }
        PartKind::Rust(path) => super::rust::type_of(part, path),
        PartKind::Root(base) => distribution(base.entry.runtime),
        PartKind::Flow(flow) => {
            let ty = ident(flow.entry.runtime);
            quote!(::std::sync::Arc<::srvae::flow::#ty>)
        }
    }
}

/// The type of a distribution.
pub fn distribution(runtime: &str) -> TokenStream {
    let ty = ident(runtime);
    quote!(::srvae::dist::#ty)
}

/// The statements that build a part, after the shapes that are computed before it.
fn part(plan: &Plan, id: PartId) -> Vec<Statement> {
    let shapes = plan.parts.shapes.iter().filter(|shape| shape.needed && shape.before == id);
    let mut statements: Vec<Statement> = shapes.map(|at| computed(plan, at)).collect();
    let part = plan.parts.part(id);
    let path = &part.path;
    let at = quote!(&params.at(#path));
    let inputs: Vec<_> = part.shapes.iter().map(|input| shape(plan, input)).collect();
    let built = match &part.kind {
        PartKind::Layer { block, inferred } => {
            let config = configured(plan, block, inferred.as_ref(), "nn");
            let ty = type_of(part);
            quote!(#ty::new(#at, #(#inputs,)* #config)?)
        }
        PartKind::Rust(path) => {
            let ty = super::rust::type_of(part, path);
            quote!(<#ty as ::srvae::nn::Network>::new(#at, &[#(#inputs),*])?)
        }
        PartKind::Root(base) => {
            let (ty, args) = (type_of(part), arguments(plan, Scope::Build, &base.args, false));
            quote!(#ty::new(#at, #(#inputs),* #(, #args)*)?)
        }
        PartKind::Flow(flow) => {
            let (ty, config) = (ident(flow.entry.runtime), configured(plan, flow, None, "flow"));
            let own = &inputs[0];
            let context = flow.entry.flow().filter(|ways| ways.context).map(|_| match inputs.get(1) {
                Some(context) => quote!(::std::option::Option::Some(#context),),
                None => quote!(::std::option::Option::None,),
            });
            quote!(::std::sync::Arc::new(::srvae::flow::#ty::new(#at, #own, #context #config)?))
        }
    };
    statements.push(Statement { name: part.field.clone(), kind: Some(type_of(part).to_string()), code: built });
    statements
}

/// The configuration of a layer or a flow: its arguments by name.
fn configured(
    plan: &Plan,
    block: &Use<Block>,
    inferred: Option<&(Use<Distribution>, VariableId)>,
    module: &str,
) -> TokenStream {
    let (module, config) = (ident(module), format_ident!("{}Config", block.entry.runtime));
    let values = block.entry.parameters.iter().map(|parameter| {
        let given = block.args.iter().filter(|one| one.name == parameter.name);
        let mut each: Vec<_> = given.map(|one| argument(plan, Scope::Build, one)).collect();
        if let (Some((base, variable)), Some(first)) =
            (inferred.filter(|_| is_inferred(block, parameter)), each.first_mut())
        {
            *first = channels(plan, base, *variable);
        }
        let name = ident(parameter.name);
        match parameter.repeats {
            true => quote!(#name: ::std::vec::Vec::from([#(#each),*])),
            false => quote!(#name: #(#each)*),
        }
    });
    quote!(::srvae::#module::#config { #(#values),* })
}

/// Whether an inferred value fills this argument, or the first of a list: channels.
fn is_inferred(block: &Use<Block>, parameter: &Parameter) -> bool {
    parameter.name == "out" || (block.entry.arity == Arity::None && parameter.repeats)
}

/// The channels that a distribution needs from the last block.
fn channels(plan: &Plan, base: &Use<Distribution>, variable: VariableId) -> TokenStream {
    let ty = distribution(base.entry.runtime);
    let shape = dims(plan, Scope::Build, &plan.model.variable(variable).dims);
    let args = arguments(plan, Scope::Build, &base.args, false);
    quote!(#ty::channels(&#shape #(, #args)*))
}

/// The shape of a function's output.
fn computed(plan: &Plan, at: &ComputedShape) -> Statement {
    let function = ident(at.call.runtime);
    let inputs = at.inputs.iter().map(|input| shape(plan, input));
    let args = arguments(plan, Scope::Build, &at.call.arguments, at.call.repeats);
    let code = quote!(::srvae::functions::shapes::#function(&[#(#inputs),*] #(, #args)*)?);
    Statement { name: at.name.clone(), kind: Some("shape".to_owned()), code }
}

/// A shape as an expression of type `&[usize]`.
fn shape(plan: &Plan, shape: &Shape) -> TokenStream {
    match shape {
        Shape::Dims(sizes) => {
            let sizes = dims(plan, Scope::Build, sizes);
            quote!(&#sizes)
        }
        Shape::Output(part) => {
            let part = plan.parts.part(*part);
            let field = ident(&part.field);
            match &part.kind {
                PartKind::Rust(_) => quote!(::srvae::nn::Network::output(&#field)),
                PartKind::Flow(_) => quote!(::srvae::flow::Bijector::inner(&*#field)),
                _ => quote!(#field.output()),
            }
        }
        Shape::Computed(at) => {
            let name = ident(&plan.parts.shapes[*at].name);
            quote!(&#name)
        }
    }
}
