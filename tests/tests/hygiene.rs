//! Whatever passes the check compiles and computes what it should, whatever it is called: names of Rust's prelude, of the
//! runtime and of generated code (`build.rs` deals them out) meet none of ours.

use srvae_dsl::plan::plan;
use srvae_tests::both::compare;
use srvae_tests::inputs::checked;

include!(concat!(env!("OUT_DIR"), "/hygiene.rs"));

/// The interpreter has no names to confuse: compiled code yields its bits.
#[test]
fn compiled_models_are_the_interpreted_ones_by_any_name() {
    for model in MODELS {
        compare(model, None);
        let (checked, _) = checked(model, None);
        compare(model, Some(&checked.presets[0].name.clone()));
    }
}

/// No two parts lie at one path, whatever networks and factors are called.
#[test]
fn paths_are_unique() {
    for model in MODELS {
        let plan = plan(checked(model, None).0);
        let mut paths: Vec<&str> = plan.parts.all.iter().map(|part| part.path.as_str()).collect();
        let count = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), count, "{}", model.source);
    }
}
