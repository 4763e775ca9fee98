//! From text to code: `cargo bench -p srvae-dsl`.

use srvae_dsl::{Overrides, Source, compile, emit};

fn main() {
    divan::main();
}

/// The shipped models, whole.
#[divan::bench(args = ["vae", "srvae"])]
fn text_to_tokens(name: &str) -> usize {
    let path = format!("{}/../models/{name}.pgm", env!("CARGO_MANIFEST_DIR"));
    let source = Source::new(&path, std::fs::read_to_string(&path).unwrap());
    let origin = emit::Origin { path: String::new(), include: String::new(), text: String::new() };
    emit::emit(compile(&source, &Overrides::default()).plan().unwrap(), &origin).to_string().len()
}
