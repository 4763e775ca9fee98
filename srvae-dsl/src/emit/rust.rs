//! Networks written in Rust: the types that the file names, each with the place in the file for when it is missing.
//!
//! An error of rustc's about a path in generated code shows the line of the macro alone. So the type is looked up by its
//! name in a block that has what its module has; around that block the name stands for the runtime's `Missing`. A missing
//! type is found when constants are evaluated, with a message that says where in the file it is named.

use super::{Origin, ident};
use crate::graph::NetId;
use crate::plan::{Part, PartKind, Plan, net_path};
use crate::source::Source;
use proc_macro2::TokenStream;
use quote::quote;

/// The type of a network.
pub fn type_of(part: &Part, path: &str) -> TokenStream {
    match looked_up(path) {
        Some(_) => {
            let name = ident(&part.field);
            quote!(<super::rust::#name as ::srvae::generated::Written>::Network)
        }
        // The checks parsed it.
        None => path.parse().unwrap_or_default(),
    }
}

/// Module and name of a type without arguments.
fn looked_up(path: &str) -> Option<(TokenStream, TokenStream)> {
    let (module, name) = path.rsplit_once("::")?;
    (!path.contains('<')).then(|| Some((module.parse().ok()?, name.parse().ok()?))).flatten()
}

/// The module in which they are looked up; nothing where there are none.
pub fn networks(plan: &Plan, origin: &Origin) -> TokenStream {
    let source = Source::new(&origin.path, &origin.text);
    let mut nets = Vec::new();
    for part in &plan.parts.all {
        let PartKind::Rust(path) = &part.kind else { continue };
        let Some((module, ty)) = looked_up(path) else { continue };
        let net = (0..plan.model.nets.len()).find(|at| net_path(&plan.model, NetId(*at)) == part.path);
        let Some(net) = net.map(|at| &plan.model.nets[at]) else { continue };
        let (at, field) = (source.position(net.span.start), ident(&part.field));
        let missing = format!(
            "{}:{}:{}: network `{}` is `{path}`, and there is no such type",
            origin.path, at.line, at.column, net.name
        );
        nets.push(quote! {
            pub(super) struct #field;

            const _: () = {
                #[allow(dead_code)]
                type #ty = ::srvae::generated::Missing;
                {
                    #[allow(unused_imports)]
                    use #module::*;
                    #[allow(unused_imports)]
                    use ::srvae::generated::There as _;

                    ::std::assert!(<#ty>::IS_THERE, #missing);
                    impl ::srvae::generated::Written for super::rust::#field {
                        type Network = #ty;
                    }
                }
            };
        });
    }
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
