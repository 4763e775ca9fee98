//! Every model that passes the check compiles and computes the right values, whatever its names are: names of Rust's
//! prelude, of the runtime and of generated code (chosen by `build.rs`) do not collide with ours.

use srvae_dsl::plan::plan;
use srvae_tests::both::compare;
use srvae_tests::inputs::checked;

include!(concat!(env!("OUT_DIR"), "/hygiene.rs"));

/// The interpreter does not depend on names, so compiled code must yield the same bits.
#[test]
fn compiled_models_are_the_interpreted_ones_by_any_name() {
    for model in MODELS {
        compare(model, None);
        let (checked, _) = checked(model, None);
        compare(model, Some(&checked.presets[0].name.clone()));
    }
}

/// No two parameters have the same path, whatever the names of networks and factors.
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
