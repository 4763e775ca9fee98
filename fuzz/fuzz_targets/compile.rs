//! Arbitrary bytes: the compiler must return without a panic, and the code of a model without errors must parse.

#![no_main]

use libfuzzer_sys::fuzz_target;
use srvae_dsl::emit::{Origin, rust_source};
use srvae_dsl::{Overrides, Style, compile_bytes, explain};

fuzz_target!(|bytes: &[u8]| {
    let compilation = compile_bytes("fuzz.pgm", bytes, &Overrides::default());
    compilation.report().render(Style::Coloured);
    let Ok(plan) = compilation.plan() else { return };
    let text = compilation.source().text.clone();
    let origin = Origin { path: "fuzz.pgm".to_owned(), include: "/fuzz.pgm".to_owned(), text };
    let code = rust_source(plan, &origin).expect("generated code is Rust");
    syn::parse_file(&code).expect("generated code is a file");
    explain::text(plan);
    explain::latex(plan);
    explain::json(plan);
    explain::svg(plan);
});
