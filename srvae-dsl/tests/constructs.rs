//! The generated code of each construct of the language.

mod support;

use srvae_dsl::emit::{Origin, rust_source};
use srvae_dsl::plan::Operation;
use support::{code, items, plan_of, plan_of_text, read};

/// A model with one observed image and one latent, followed by the rest of the file.
fn with(rest: &str) -> String {
    let head = "model m\nobserved x: image[3, 8, 8]\nlatent z: real[4, 4, 4]\n";
    let tail = "\np(x | z) = logistic_mixture(components: 2) from z |> decoder(growth: 8, steps: 1)\n";
    let q = "q(z | x) = normal from x |> encoder(growth: 8, steps: 1)\n";
    let given = [("p(z", ""), ("p(x", tail), ("q(z", q)];
    let missing: String = given.iter().filter(|(start, _)| !rest.contains(start)).map(|(_, text)| *text).collect();
    head.to_owned() + rest + &missing
}

fn shown(rest: &str, wanted: &[&str]) -> String {
    let code = code(&plan_of_text(&with(rest)));
    wanted.iter().map(|wanted| items(&code, wanted)).collect::<Vec<_>>().join("\n")
}

const PRIOR: &str = "p(z) = standard_normal\n";

#[test]
fn parameters_and_presets() {
    let text = "/// How wide.\nparam width = 8\nparam rate = 0.5\nparam on = true\npreset small { width = 4 }\n\
        p(z) = standard_normal\nq(z | x) = normal from x |> encoder(growth: 2 * (width + 1), steps: width / 4)\n";
    insta::assert_snapshot!(shown(text, &["Config", "Layers"]));
}

#[test]
fn a_root_without_parameters() {
    insta::assert_snapshot!(shown(PRIOR, &["M"]));
}

#[test]
fn a_mixture_at_the_root() {
    insta::assert_snapshot!(shown("p(z) = mixture_of_normals(components: 3)\n", &["new", "bound"]));
}

#[test]
fn a_flow_over_a_mixture() {
    insta::assert_snapshot!(shown("p(z) = mixture_of_normals |> real_nvp(scales: 1) |> real_nvp\n", &["new"]));
}

#[test]
fn a_flow_behind_a_network() {
    let text = "p(z) = standard_normal\nq(z | x) = normal |> real_nvp(scales: 1) from x |> encoder(growth: 8)\n";
    insta::assert_snapshot!(shown(text, &["Layers", "q_z", "bound"]));
}

/// Segments in the middle of a sequence are one method.
#[test]
fn a_bound_in_segments() {
    let text = |steps: usize| {
        format!(
            "model m\nlength T = {steps}\nindex t in 1..T\ncheckpoint t = 5\nobserved x[t]: binary[3]\nlatent z[t]: real[2]\n\
             let h[0] = learned real[4]\nlet h[t] = gru(h[t - 1], z[t])\n\
             p(z[t] | z[<t]) = normal from h[t - 1] |> linear\np(x[t] | z[<=t]) = bernoulli from h[t] |> linear\n\
             q(z[t] | z[<t], x[t]) = normal from concat(h[t - 1], x[t]) |> linear\n"
        )
    };
    let code_of = |steps: usize| code(&plan_of_text(&text(steps)));
    insta::assert_snapshot!(items(&code_of(30), "in_segments"));
    insta::assert_snapshot!(items(&code_of(30), "segment"));
    let lines = |steps: usize| code_of(steps).lines().count();
    // Two segments more: a line with what each reads, and one for the place of each of its two kinds of terms.
    assert_eq!(lines(40) - lines(30), 2 * 3);
}

#[test]
fn a_closed_form_and_a_forced_estimate() {
    insta::assert_snapshot!("closed_form", shown(PRIOR, &["bound"]));
    insta::assert_snapshot!("monte_carlo", shown(&format!("{PRIOR}bound KL_z = monte_carlo\n"), &["bound"]));
}

#[test]
fn a_value_read_by_both_sides() {
    let text = "latent u: real[4, 4, 4]\nlet below = x |> encoder(growth: 8, steps: 1, out: 4)\n\
        let top = u |> residual(width: 4)\np(u) = standard_normal\np(z | u) = normal from top |> conv\n\
        q(u | x) = normal from below |> conv\nq(z | u, x) = normal from concat(top, below) |> conv\n";
    insta::assert_snapshot!(shown(text, &["bound"]));
}

/// Each value reads the previous one twice, so without sharing the last one would have 2^60 blocks.
#[test]
fn a_tower_of_values_is_walked_once() {
    let mut text = "let h0 = x |> conv(stride: 2, out: 4)\n".to_owned();
    for level in 1..60 {
        let last = level - 1;
        text += &format!("let h{level} = concat(h{last} |> conv(out: 2), h{last} |> conv(out: 2))\n");
    }
    let text = with(&format!("{text}p(z) = standard_normal\nq(z | x) = normal from h59 |> conv\n"));
    let plan = plan_of_text(&text);
    let layers = plan.bound.values.iter().filter(|value| matches!(value.operation, Operation::Layer(_))).count();
    // One for the first value, two for each of the 59 others, and those of p(x | z) and q(z | x).
    assert_eq!(layers, 1 + 2 * 59 + 2);
}

#[test]
fn a_named_network_used_twice() {
    let text = "net enc(h) = h |> encoder(growth: 8, steps: 1, out: 8) |> elu\np(z) = standard_normal\n\
        q(z | x) = normal from concat(x |> enc, x |> elu |> enc) |> conv\n";
    insta::assert_snapshot!(shown(text, &["Layers", "q_z"]));
}

#[test]
fn a_network_in_rust() {
    let text = "net mine(h: real[3, 8, 8]) -> real[8, 4, 4] = rust \"crate::nets::Mine\"\np(z) = standard_normal\n\
        q(z | x) = normal from x |> mine\n";
    insta::assert_snapshot!(shown(text, &["Layers", "q_z"]));
}

/// If its type does not exist, the error of the build names the line of the file.
#[test]
fn a_missing_network_in_rust_is_placed() {
    let text = read("tests/corpus/good/rust_network.pgm").text;
    let plan = plan_of("tests/corpus/good/rust_network.pgm");
    let origin = Origin { path: "a/b.pgm".into(), include: "/a/b.pgm".into(), text };
    // As the compiler joins it, because long literals may be broken over several lines.
    let code = rust_source(&plan, &origin).unwrap();
    assert!(code.contains("a/b.pgm:6:5: network `mine` is `crate::nets::Mine`, and there is no such type"), "{code}");
    assert_eq!(code.matches("there is no such type; define it, with `impl").count(), 2, "{code}");
    assert!(code.contains("use _b_pgm_line_6::nets::*") && code.contains("use _b_pgm_line_7::nets::*"), "{code}");
}

#[test]
fn functions_with_one_many_and_repeated_arguments() {
    let text = "p(z) = standard_normal\nq(z | x) = normal from concat(x |> downsample(2) |> silu, \
        x |> flatten |> linear(out: 48) |> reshape(3, 4, 4)) |> residual |> conv\n";
    insta::assert_snapshot!(shown(text, &["Layers", "q_z"]));
}

#[test]
fn a_variable_that_q_determines() {
    let text = "latent y: image[1, 8, 8]\np(z) = standard_normal\n\
        p(y | z) = logistic_mixture(components: 2) from z |> decoder(growth: 8, steps: 1)\n\
        q(y | x) = grayscale(x)\nq(z | y) = normal from y |> encoder(growth: 8, steps: 1)\n\
        p(x | z, y) = logistic_mixture(components: 2) from concat(z |> upsample, y) |> conv\n";
    insta::assert_snapshot!(shown(text, &["bound", "conditional_generation"]));
}

#[test]
fn a_label_of_the_data_set() {
    let text = "latent c: label[10]\np(z) = standard_normal\np(c | z) = categorical from z |> flatten |> linear\n\
        q(c | x) = label(x)\np(x | z, c) = logistic_mixture(components: 2) \
        from concat(z, c |> linear(out: 64) |> reshape(4, 4, 4)) |> decoder(growth: 8, steps: 1)\n";
    // z is an ancestor of c in p and is inferred from x, so z cannot be drawn given only c.
    insta::assert_snapshot!(shown(text, &["bound", "reconstruction"]));
}

#[test]
fn a_shape_with_a_parameter() {
    let text = "model m\nparam size = 16\nobserved x: image[3, size, size]\nlatent z: real[4, size / 2, size / 2]\n\
        p(z) = real_nvp(scales: 2, growth: 4, steps: 1)\n\
        p(x | z) = logistic_mixture(components: 2) from z |> decoder(growth: 8, steps: 1)\n\
        q(z | x) = normal from x |> encoder(growth: 8, steps: 1)\n";
    insta::assert_snapshot!(items(&code(&plan_of_text(text)), "new"));
}

#[test]
fn something_given() {
    let text =
        "given c: label[10]\np(z | c) = normal from c |> linear(out: 64) |> reshape(4, 4, 4) |> conv(kernel: 1)\n";
    insta::assert_snapshot!(shown(text, &["generation", "reconstruction"]));
}
