//! The draws of a mode have the exact conditional distribution wherever q is the exact posterior, and a mode that
//! cannot have it does not exist. The tests compare with sums over all values of small discrete models.

#[allow(dead_code)] // Each test file uses a part of it.
mod random;
mod support;

#[path = "conditioning/world.rs"]
mod world;

use srvae_dsl::derive::condition;
use srvae_dsl::graph::{Model, VariableId};
use srvae_dsl::{Overrides, Source};
use support::{model_of, plan_of_text};

fn model_of_text(text: &str) -> Model {
    model_of(&Source::new("text.pgm", text), &Overrides::default())
}

/// `given: q(u) p(x)`, or the reason why there is no such mode.
fn given(text: &str, evidence: &[&str]) -> String {
    let model = model_of_text(text);
    let id = |name: &&str| VariableId(model.variables.iter().position(|it| it.name == **name).unwrap());
    match condition(&model, &evidence.iter().map(id).collect::<Vec<_>>()) {
        Ok(mode) => {
            let name = |id: VariableId| model.variable(id).name.as_str();
            let steps = mode.steps.iter().map(|step| format!("{}({})", step.side.name(), name(step.variable)));
            steps.collect::<Vec<_>>().join(" ")
        }
        Err(reason) => reason.text(&model),
    }
}

/// Factors over vectors, except for the images x (3 x 4 x 4) and y, the grayscale version of x.
fn model(factors: &[&str]) -> String {
    let mut text = "model m\n".to_owned();
    let mut names: Vec<&str> = factors.iter().filter_map(|factor| factor.get(2..3)).collect();
    names.sort_unstable();
    names.dedup();
    let starts = |side: &str, name: &str| factors.iter().any(|factor| factor.starts_with(&format!("{side}({name}")));
    for name in &names {
        let role = if starts("q", name) { "latent" } else { "observed" };
        text += &format!("{role} {name}: {}\n", space(name));
    }
    let read: Vec<&str> = factors.iter().flat_map(|it| it[3..].split(|c: char| !c.is_alphanumeric())).collect();
    for name in ["c", "d"] {
        if read.contains(&name) && !names.contains(&name) {
            text += &format!("given {name}: real[2]\n");
        }
    }
    for factor in factors {
        let (head, rest) = factor.split_at(factor.find(')').unwrap());
        let name = &head[2..3];
        let parents: Vec<&str> = head.split('|').nth(1).unwrap_or("").split(',').map(str::trim).collect();
        let parents: Vec<&str> = parents.into_iter().filter(|parent| !parent.is_empty()).collect();
        let body = if rest.len() > 1 { rest[1..].trim().to_owned() } else { format!("= {}", body(name, &parents)) };
        text += &format!("{head}) {body}\n");
    }
    text
}

fn space(name: &str) -> &'static str {
    match name {
        "x" => "image[3, 4, 4]",
        "y" | "w" => "image[1, 4, 4]",
        _ => "real[2]",
    }
}

fn body(name: &str, parents: &[&str]) -> String {
    let flat: Vec<String> = parents
        .iter()
        .map(
            |parent| {
                if space(parent).starts_with("real") { (*parent).to_owned() } else { format!("{parent} |> flatten") }
            },
        )
        .collect();
    let from = match flat.len() {
        0 => return "standard_normal".to_owned(),
        1 => flat[0].clone(),
        _ => format!("concat({})", flat.join(", ")),
    };
    let image = |channels: usize| {
        format!(
            "logistic_mixture(components: 1) from {from} |> linear(out: {}) |> reshape({channels}, 4, 4)",
            channels * 16
        )
    };
    match name {
        "x" => image(10),
        "y" | "w" => image(3),
        _ => format!("normal from {from} |> linear"),
    }
}

#[test]
fn evidence_below_a_variable_is_not_ignored() {
    // y is below x. x has no factor in q, and z is reached only through x.
    let text = model(&["p(z)", "p(x | z)", "p(y | x)", "q(y | x) = grayscale(x)", "q(z | x)"]);
    assert_eq!(given(&text, &["y"]), "x is an ancestor of y in p, and q has no factor for x");
    let names: Vec<_> = plan_of_text(&text).derivation.modes.into_iter().map(|mode| mode.name).collect();
    assert_eq!(names, ["generation", "reconstruction", "generative_reconstruction"]);

    let text = model(&["p(u)", "p(y | u)", "p(x | y, u)", "q(y | x) = grayscale(x)", "q(u | x)"]);
    assert_eq!(given(&text, &["y"]), "u is an ancestor of y in p, and q(u | x) needs x");
    let text = model(&["p(u)", "p(y | u)", "p(x | y, u)", "q(y | x) = grayscale(x)", "q(u | y)"]);
    assert_eq!(given(&text, &["y"]), "q(u) p(x)");
}

#[test]
fn a_factor_of_q_without_parents_is_no_substitute_for_p() {
    let text = model(&["p(z)", "p(v | z)", "p(x | v, z)", "q(z | x)", "q(v)"]);
    assert_eq!(given(&text, &["z"]), "p(v) p(x)");
    assert_eq!(given(&text, &["x"]), "q(z) q(v)");
    // q reads nothing, so there is no reconstruction.
    let plan = plan_of_text(&model(&["p(z)", "p(x | z)", "q(z)"]));
    let names: Vec<_> = plan.derivation.modes.iter().map(|mode| mode.name.as_str()).collect();
    assert_eq!(names, ["generation"]);
    assert_eq!(plan.derivation.refused[0].name, "reconstruction");
}

#[test]
fn functions_of_what_is_known_are_known() {
    let three = |q: &str| {
        let (q, factors) = (q.to_owned(), ["p(u)", "p(w | u)", "p(y | w)", "p(x | y)", "q(y | x) = grayscale(x)"]);
        model(&[&factors[..], &[q.as_str(), "q(u | w)"]].concat())
    };
    // w is a function of x in one model and of y in the other.
    let from_x = three("q(w | x) = grayscale(x)");
    assert_eq!(given(&from_x, &["y"]), "w is an ancestor of y in p, and q(w | x) needs x");
    assert_eq!(given(&from_x, &["x"]), "q(y) q(w) q(u)");
    let from_y = three("q(w | y) = sketch(y)");
    assert_eq!(given(&from_y, &["y"]), "q(w) q(u) p(x)");
    assert_eq!(given(&from_y, &["w"]), "q(u) p(y) p(x)");
}

#[test]
fn what_q_reads_is_drawn_on_the_way() {
    // An auxiliary variable: no factor of p reads it, and z is drawn from it.
    let text = model(&["p(z)", "p(x | z)", "p(a | x, z)", "q(a | x)", "q(z | a, x)"]);
    assert_eq!(given(&text, &["x"]), "q(a) q(z)");
    // It is not below the evidence, because p has it.
    let text = model(&["p(z)", "p(x | z)", "p(a | x, z)", "q(a | x)", "q(z | x)"]);
    assert_eq!(given(&text, &["x"]), "q(z) p(a)");
    let text = model(&["p(v)", "p(z | v)", "p(b | z)", "p(x | b)", "q(b | x)", "q(z | b)", "q(v | z)"]);
    assert_eq!(given(&text, &["x"]), "q(b) q(z) q(v)");
    assert_eq!(given(&text, &["b"]), "q(z) q(v) p(x)");
    assert_eq!(
        given(&text, &["x", "z"]),
        "b is an ancestor of x in p, and q(b | x) does not read z, which q draws after it"
    );
}

#[test]
fn the_chain_is_said() {
    let text =
        model(&["p(v)", "p(z | v)", "p(b | z)", "p(a)", "p(x | b, a)", "q(a | x)", "q(b | x)", "q(z | a)", "q(v | z)"]);
    assert_eq!(given(&text, &["b"]), "z is an ancestor of b in p, q(z | a) reads a, and q(a | x) needs x");
}

#[test]
fn several_observed_variables_condition_one_another() {
    let text = model(&["p(z)", "p(x | z)", "p(b | z)", "q(z | x)"]);
    assert_eq!(given(&text, &["x"]), "q(z) p(b)");
    assert_eq!(given(&text, &["b"]), "z is an ancestor of b in p, and q(z | x) needs x");
    let plan = plan_of_text(&text);
    let names: Vec<_> = plan.derivation.modes.iter().map(|mode| mode.name.as_str()).collect();
    assert_eq!(names, ["generation", "reconstruction", "conditional_generation_x"]);
    // With three observed variables, all but one may be given too.
    let text = model(&["p(z)", "p(x | z)", "p(b | z)", "p(a | z)", "q(z | x, b)"]);
    let names: Vec<_> = plan_of_text(&text).derivation.modes.into_iter().map(|mode| mode.name).collect();
    assert_eq!(
        names,
        ["generation", "reconstruction", "conditional_generation_x_b"].map(|name| name.replace("x_b", "b_x"))
    );
}

#[test]
fn what_is_given_must_matter_and_suffice() {
    let text = model(&["p(z)", "p(x | z, c)", "q(z | x, c)"]);
    assert_eq!(given(&text, &["c"]), "p(z) p(x)");
    assert_eq!(given(&text, &[]), "p(x | z, c) needs c, which is not given");
    assert_eq!(given(&text, &["x"]), "z is an ancestor of x in p, and q(z | x, c) needs c");
    let text = model(&["p(z)", "p(a)", "p(x | z)", "q(z | x)", "q(a | x)"]);
    assert_eq!(given(&text, &["a"]), "no drawn variable depends on a; omit it");
    assert_eq!(given(&text, &["a", "x", "z"]), "every variable is given");
}
