//! The proc-macro crate: [`model!`] expands to the module that a `.pgm` file compiles to.

use proc_macro::TokenStream;
use srvae_dsl::emit::{Origin, crates, emit};
use srvae_dsl::{Overrides, Style, compile_bytes};
use std::path::Path;
use std::{env, fs};
use syn::{LitStr, parse_macro_input};

/// `model!("srvae.pgm");` expands to `pub mod srvae { … }`, named after the `model` statement of the file.
///
/// The path is relative to the crate's folder. The crate must depend on `srvae`. Errors of the file are reported at its
/// lines and columns.
#[proc_macro]
pub fn model(input: TokenStream) -> TokenStream {
    let literal = parse_macro_input!(input as LitStr);
    match expand(&literal.value()) {
        Ok(tokens) => tokens.into(),
        Err(messages) => {
            let errors = messages.into_iter().map(|message| syn::Error::new(literal.span(), message));
            errors.map(syn::Error::into_compile_error).collect::<proc_macro2::TokenStream>().into()
        }
    }
}

/// The module of a file, or its errors, each message starting with its place in the file.
fn expand(path: &str) -> Result<proc_macro2::TokenStream, Vec<String>> {
    let root = env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| vec!["cargo does not say where the crate is".into()])?;
    let full = Path::new(&root).join(path);
    let shown = shown(&full);
    let bytes = fs::read(&full).map_err(|reason| vec![format!("{shown}: cannot be read: {reason}")])?;
    let compilation = compile_bytes(&shown, &bytes, &Overrides::default());
    let plan = compilation.plan().map_err(|report| report.placed())?;
    if !compilation.diagnostics().is_empty() {
        eprintln!("{}", compilation.report().render(Style::Plain));
    }
    // The generated code includes the file once more, which makes it a dependency of the build.
    let include = full.to_str().ok_or_else(|| vec![format!("{shown}: the path is not UTF-8")])?.to_owned();
    let text = compilation.source().text.clone();
    let origin = Origin { path: path.to_owned(), include, text };
    // A crate may have another name than its manifest's by `extern crate`, so this is said beside rustc's error and is none itself.
    let manifest = fs::read_to_string(Path::new(&root).join("Cargo.toml")).map(|text| text.replace('-', "_"));
    for (name, message) in crates(plan, &origin) {
        if manifest.as_ref().is_ok_and(|text| !text.contains(&name)) && !OF_RUST.contains(&name.as_str()) {
            eprintln!("warning: {message}");
        }
    }
    Ok(emit(plan, &origin))
}

/// Crates that every crate has.
const OF_RUST: [&str; 3] = ["alloc", "core", "std"];

/// A path as in the messages of rustc: relative to the workspace.
fn shown(full: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    full.strip_prefix(here).unwrap_or(full).display().to_string()
}
