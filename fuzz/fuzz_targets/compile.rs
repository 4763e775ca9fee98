//! Any bytes: the whole compiler says something, and where it says a model is right, its code parses.

#![no_main]

use libfuzzer_sys::fuzz_target;
use srvae_dsl::emit::{Origin, rust_source};
use srvae_dsl::plan::plan;
use srvae_dsl::{Overrides, Source, Style, check, explain, parse};

fuzz_target!(|bytes: &[u8]| {
    let checked = Source::from_bytes("fuzz.pgm", bytes)
        .and_then(|source| check(&parse(&source)?, &source, &Overrides::default()));
    let model = match checked {
        Ok((model, _)) => model,
        Err(report) => return drop(report.render(Style::Coloured)),
    };
    let plan = plan(model);
    let origin = Origin { path: "fuzz.pgm".to_owned(), include: "/fuzz.pgm".to_owned() };
    let code = rust_source(&plan, &origin).expect("generated code is Rust");
    syn::parse_file(&code).expect("generated code is a file");
    explain::text(&plan);
    explain::latex(&plan);
    explain::json(&plan);
    explain::svg(&plan);
});
