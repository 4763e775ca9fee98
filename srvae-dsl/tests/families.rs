//! Families: the generated code of models of the repository, which has the same length for any number of members, and
//! experts of every member.

mod support;

use srvae_dsl::{Overrides, compile};
use support::{code, items, plan_of, plan_of_text, read};

/// The members of a family share one loop: three times as many levels have the same number of layers to build and to
/// call.
#[test]
fn levels_are_written_once() {
    let text = read("../models/zoo/vdvae.pgm").text;
    let written = |levels: usize| {
        let third = levels / 3;
        let text = text.replace("runs(4: 2, 8: 4, 16: 6)", &format!("runs(4: {third}, 8: {third}, 16: {third})"));
        let code = code(&plan_of_text(&text.replace("12", &levels.to_string())));
        ["forward(", "::new(", "from_head(", "sample(", "divergence_term("].map(|call| code.matches(call).count())
    };
    let (few, many) = (written(24), written(72));
    assert_eq!(few, many);
    assert!(few.iter().all(|count| (1..400).contains(count)), "{few:?}");
}

/// A loop reads values of two rounds before, of statements before it, and of other loops.
#[test]
fn a_recurrence_over_two_steps() {
    let code = code(&plan_of("../tests/models/second_order.pgm"));
    insta::assert_snapshot!(items(&code, "bound"));
}

/// The code of a family has the same length for many members as for few, except for lines that longer numbers break.
#[test]
fn code_does_not_grow_with_a_family() {
    let lines = |name: &str, setting: &str, members: usize| {
        let overrides = Overrides { preset: None, set: vec![(setting.to_owned(), members.to_string())] };
        let compilation = compile(&read(&format!("../models/zoo/{name}.pgm")), &overrides);
        let code = code(compilation.plan().unwrap());
        (code.lines().count(), code.len())
    };
    for (name, setting) in
        [("vrnn", "T"), ("dmm", "T"), ("linear_state_space", "T"), ("factorial_hmm", "T"), ("vampprior", "K")]
    {
        let (few, many) = (lines(name, setting, 40), lines(name, setting, 160));
        // A tolerance of a tenth, for numbers of three digits instead of two. A list of the members would be three
        // times as long.
        assert!(many.0 * 10 < few.0 * 11 && many.1 * 10 < few.1 * 11, "{name}: {few:?} for 40, {many:?} for 160");
    }
}

/// A clause over another index than the variable's repeats the experts that read the index, and no others.
#[test]
fn experts_of_every_member() {
    let of = |right: &str| {
        let plan = plan_of_text(&format!(
            "model m\nindex i in 1..3\nobserved x[i]: real[4]\nlatent z: real[2]\nnet f(x) = x |> linear(out: 4)\n\
             p(z) = standard_normal\np(x[i] | z) = normal from z |> linear\nq(z | x[1..3]) = {right}\n"
        ));
        code(&plan)
    };
    let short = of("(normal from f(x[i])) * standard_normal for i in 1..3");
    assert_eq!(short, of("(normal from f(x[1])) * (normal from f(x[2])) * (normal from f(x[3])) * standard_normal"));
    let short = of("mixture of (normal from f(x[i])) for i in 1..3");
    assert_eq!(short, of("mixture of (normal from f(x[1])), (normal from f(x[2])), (normal from f(x[3]))"));
}
