//! The output of every stage of the compiler for the two shipped models, and the explanation of families over two indices.

mod support;

use srvae_dsl::explain;
use support::{code, plan_of, read, show_graph, show_tree, tree};

#[test]
fn trees() {
    insta::assert_snapshot!("tree_srvae", show_tree(&tree(&read("../models/srvae.pgm"))));
    insta::assert_snapshot!("tree_vae", show_tree(&tree(&read("../models/vae.pgm"))));
}

#[test]
fn graphs() {
    insta::assert_snapshot!("graph_srvae", show_graph(&plan_of("../models/srvae.pgm").model));
    insta::assert_snapshot!("graph_vae", show_graph(&plan_of("../models/vae.pgm").model));
}

#[test]
fn plans() {
    insta::assert_snapshot!("plan_srvae", plan_of("../models/srvae.pgm").to_string());
    insta::assert_snapshot!("plan_vae", plan_of("../models/vae.pgm").to_string());
}

#[test]
fn generated_code() {
    insta::assert_snapshot!("code_srvae", code(&plan_of("../models/srvae.pgm")));
    insta::assert_snapshot!("code_vae", code(&plan_of("../models/vae.pgm")));
}

#[test]
fn explanations() {
    for name in ["srvae", "vae"] {
        let plan = plan_of(&format!("../models/{name}.pgm"));
        insta::assert_snapshot!(format!("explain_{name}"), explain::text(&plan));
        insta::assert_snapshot!(format!("latex_{name}"), explain::latex(&plan));
        insta::assert_snapshot!(format!("dot_{name}"), explain::dot(&plan));
    }
    // Families over two indices, one of which is the length.
    let of_grid = plan_of("tests/corpus/good/steps_and_features.pgm");
    let networks = explain::text(&of_grid);
    let (said, rest) = networks.split_once("Plan of the bound").unwrap();
    let (_, networks) = rest.split_once("\nNetworks").unwrap();
    insta::assert_snapshot!("explain_grid", format!("{said}Networks{networks}"));
    insta::assert_snapshot!("latex_grid", explain::latex(&of_grid));
    insta::assert_snapshot!("json_vae", format!("{:#}", explain::json(&plan_of("../models/vae.pgm"))));
    insta::assert_snapshot!("svg_srvae", explain::svg(&plan_of("../models/srvae.pgm")));
}
