//! Networks written in Rust: the types that the file names, with their places in the file for errors about missing
//! types.
//!
//! For an error about a path in generated code, rustc shows only the line of the macro. The type is therefore looked up
//! by its name in a block with the items of its module; outside of this block, the name is the runtime's `Missing`. A
//! missing type is thus detected in the evaluation of constants, with a message that gives its place in the file. A
//! missing module cannot be handled in this way, because an import has no fallback. It is looked up in a module whose
//! name contains the place, which rustc's error repeats ("could not find nets in _model_pgm_line_6").

use super::{Origin, ident};
use crate::graph::{Net, NetId};
use crate::plan::{Part, PartKind, Plan, net_path};
use crate::source::{Position, Source};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::path::Path;
use syn::{AngleBracketedGenericArguments, Expr, GenericArgument, Lit, PathArguments, PathSegment, Token};

/// The type of a network.
pub fn type_of(part: &Part, path: &str) -> TokenStream {
    match Named::parse(path) {
        Some(_) => {
            let name = ident(&part.field);
            quote!(<super::rust::#name as ::srvae::generated::Written>::Network)
        }
        // The checks have parsed it.
        None => path.parse().unwrap_or_default(),
    }
}

/// A type in a module.
struct Named {
    /// The path segments before the type, without `crate`.
    module: Vec<PathSegment>,
    /// Whether the path starts with `crate`.
    is_own: bool,
    /// The leading `::` before the name of another crate.
    colon: Option<Token![::]>,
    ty: Ident,
    arguments: Option<AngleBracketedGenericArguments>,
}

impl Named {
    /// None for other forms of paths: with arguments before the type's, or with parameters of unknown kind.
    fn parse(path: &str) -> Option<Self> {
        let path: syn::Path = syn::parse_str(path).ok()?;
        let mut module: Vec<PathSegment> = path.segments.into_iter().collect();
        let last = module.pop()?;
        let arguments = match last.arguments {
            PathArguments::None => None,
            PathArguments::AngleBracketed(arguments) => Some(arguments),
            PathArguments::Parenthesized(_) => return None,
        };
        if module.is_empty() || module.iter().any(|it| !it.arguments.is_none()) {
            return None;
        }
        let is_own = module[0].ident == "crate";
        if is_own {
            module.remove(0);
        }
        let named = Self { module, is_own, colon: path.leading_colon, ty: last.ident, arguments };
        named.stand_in().is_some().then_some(named)
    }

    /// Generic parameters like those of the type, and the replacement for a missing type with these parameters.
    fn stand_in(&self) -> Option<(TokenStream, TokenStream)> {
        let missing = quote!(::srvae::generated::Missing);
        let Some(arguments) = &self.arguments else { return Some((TokenStream::new(), missing)) };
        let (mut parameters, mut types) = (Vec::new(), Vec::new());
        for (at, argument) in arguments.args.iter().enumerate() {
            let name = format_ident!("T{at}");
            match argument {
                GenericArgument::Type(_) => {
                    parameters.push(quote!(#name));
                    types.push(name);
                }
                GenericArgument::Const(Expr::Lit(literal)) => {
                    let kind = match &literal.lit {
                        Lit::Bool(_) => format_ident!("bool"),
                        Lit::Char(_) => format_ident!("char"),
                        Lit::Int(number) if !number.suffix().is_empty() => format_ident!("{}", number.suffix()),
                        Lit::Int(_) => format_ident!("usize"),
                        _ => return None,
                    };
                    parameters.push(quote!(const #name: #kind));
                }
                _ => return None,
            }
        }
        // An alias must use each of its type parameters.
        Some((quote!(<#(#parameters),*>), quote!(<(#(#types,)*) as ::srvae::generated::Anything>::Missing)))
    }
}

/// A network that has a type in a module, and where the file names it.
struct Placed<'a> {
    named: Named,
    path: &'a str,
    field: &'a str,
    net: &'a Net,
    at: Position,
}

impl Placed<'_> {
    /// What the file says at its place.
    fn is(&self, origin: &Origin) -> String {
        let Self { path, net, at, .. } = self;
        format!("{}:{}:{}: network `{}` is `{path}`", origin.path, at.line, at.column, net.name)
    }
}

fn placed<'a>(plan: &'a Plan, origin: &Origin) -> Vec<Placed<'a>> {
    let source = Source::new(&origin.path, &origin.text);
    let one = |part: &'a Part| {
        let PartKind::Rust(path) = &part.kind else { return None };
        let named = Named::parse(path)?;
        let net = (0..plan.model.nets.len()).find(|at| net_path(&plan.model, NetId(*at)) == part.path)?;
        let net = &plan.model.nets[net];
        Some(Placed { named, path, field: &part.field, net, at: source.position(net.span.start) })
    };
    plan.parts.all.iter().filter_map(one).collect()
}

/// The external crates of networks, each with a message for the case that the user's crate does not depend on it. rustc reports that
/// case at the line of the macro.
pub fn crates(plan: &Plan, origin: &Origin) -> Vec<(String, String)> {
    let of_others = placed(plan, origin).into_iter().filter(|placed| !placed.named.is_own);
    let one = |placed: Placed<'_>| {
        let name = placed.named.module.first()?.ident.to_string();
        let message = format!("{}, and Cargo.toml names no crate `{name}`; `cargo add` it", placed.is(origin));
        Some((name, message))
    };
    of_others.filter_map(one).collect()
}

/// The module in which the types are looked up. Empty if there are none.
pub fn networks(plan: &Plan, origin: &Origin) -> TokenStream {
    let nets: Vec<_> = placed(plan, origin)
        .iter()
        .map(|placed| {
            let said = placed.is(origin);
            let missing = format!("{said}, and there is no such type; define it, with `impl srvae::nn::Network`");
            network(&placed.named, &ident(placed.field), &place(&origin.path, placed.at.line), &missing)
        })
        .collect();
    match nets.is_empty() {
        true => TokenStream::new(),
        false => quote! {
            /// Networks written in Rust.
            mod rust {
                #(#nets)*
            }
        },
    }
}

/// A type, imported under the name of its network.
fn network(named: &Named, field: &Ident, place: &Ident, missing: &str) -> TokenStream {
    let Named { module, is_own, colon, ty, arguments } = named;
    let (parameters, stand_in) = named.stand_in().unwrap_or_default();
    let inside = quote!(#(#module::)*);
    let (root, from) = match is_own {
        true => (quote!(mod #place { #[allow(unused_imports)] pub use crate::*; }), quote!(#place::#inside *)),
        false => (TokenStream::new(), quote!(#colon #inside *)),
    };
    quote! {
        pub(super) struct #field;

        const _: () = {
            #root
            #[allow(dead_code)]
            type #ty #parameters = #stand_in;
            {
                #[allow(unused_imports)]
                use #from;
                #[allow(unused_imports)]
                use ::srvae::generated::There as _;

                ::std::assert!(<#ty #arguments>::IS_THERE, #missing);
                impl ::srvae::generated::Written for super::rust::#field {
                    type Network = #ty #arguments;
                }
            }
        };
    }
}

/// A name that contains a place: `_model_pgm_line_6`.
fn place(path: &str, line: usize) -> Ident {
    let file = Path::new(path).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let file: String = file.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect();
    format_ident!("_{file}_line_{line}")
}
