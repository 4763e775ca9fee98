//! `check --deep` on small models: the laws hold, and the output is complete.

use std::process::{Command, Output};

fn check(name: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_graphs");
    Command::new(program).args(["check", "--deep", name]).output().unwrap()
}

#[test]
fn the_laws_hold_on_models_of_every_kind() {
    for name in [
        "flow_in_q",
        "flow_over_mixture",
        "conditional",
        "label_as_y",
        "equation_five",
        "two_observed",
        "enumerated_steps",
        "partly_observed_chain",
        "labels_in_a_chain",
        "products_over_members",
        "minimal",
    ] {
        let output = check(name);
        let said = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{name}: {said}{errors}");
        assert!(said.contains("every law holds") && said.contains("generation yields"), "{name}: {said}");
        let flows = said.matches("log-determinant is that of its Jacobian").count();
        let expected = match name {
            "flow_in_q" => 1,
            "flow_over_mixture" => 2,
            _ => 0,
        };
        assert_eq!(flows, expected, "{name}: {said}");
    }
}

/// Files that are not compiled in are checked one after the other; one broken file makes the command fail.
#[test]
fn several_files_are_tried() {
    let good = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/examples/sketch.pgm");
    let program = env!("CARGO_BIN_EXE_graphs");
    let output = Command::new(program).args(["check", "--deep", "minimal", good]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.matches("every law holds").count() == 2, "{said}");
}

/// A mode may depend on a class between the first and the last alone.
#[test]
fn every_class_is_tried_as_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("middle.pgm");
    let text = "model middle\nobserved x: label[4]\nlatent z: real[1]\np(z) = standard_normal\n\
                p(x | z) = categorical from z |> linear\nq(z | x) = normal(mean: x |> channels(2, 3), std: 0.5)\n";
    std::fs::write(&file, text).unwrap();
    let output = check(file.to_str().unwrap());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("reconstruction depends on x"), "{said}");
}
