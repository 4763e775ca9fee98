//! The bound and the modes follow from the graph alone, independent of the names of its variables.

mod support;

use srvae_dsl::derive::TermKind;
use srvae_dsl::graph::{Estimator, Side};
use srvae_dsl::plan::{Operation, Plan, Rate};
use srvae_dsl::{Overrides, Source, compile};
use support::{code, model_of, plan_of, plan_of_text, read};

/// `+RE_x -KL_z(exact)`: names, signs and estimators.
fn bound(plan: &Plan) -> String {
    let shown = plan.derivation.terms.iter().map(|term| match &term.kind {
        TermKind::Reconstruction => format!("+{}", term.name),
        TermKind::Kl { estimator: Estimator::ClosedForm, .. } => format!("-{} exact", term.name),
        TermKind::Kl { estimator: Estimator::MonteCarlo, reason } => format!("-{} drawn: {reason}", term.name),
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// One line per mode: `reconstruction(x): q(z) p(x)`.
fn modes(plan: &Plan) -> String {
    let shown = plan.derivation.modes.iter().map(|mode| {
        let steps = mode.steps.iter().map(|step| {
            let side = if step.side == Side::P { "p" } else { "q" };
            format!(" {side}({})", plan.name(step.variable))
        });
        format!("{}({}):{}", mode.name, plan.names(&mode.given), steps.collect::<String>())
    });
    shown.collect::<Vec<_>>().join("\n")
}

fn expect(plan: &Plan, wanted_bound: &[&str], wanted_modes: &[&str]) {
    assert_eq!(bound(plan), wanted_bound.join("\n"));
    assert_eq!(modes(plan), wanted_modes.join("\n"));
}

#[test]
fn the_vae_has_two_modes() {
    expect(
        &plan_of("../models/vae.pgm"),
        &["+RE_x", "-KL_z drawn: p has a flow, real_nvp"],
        &["generation(): p(z) p(x)", "reconstruction(x): q(z) p(x)"],
    );
}

#[test]
fn srvae_has_four_modes() {
    let wanted_bound = ["+RE_x", "+RE_y", "-KL_z exact", "-KL_u drawn: p has a flow, real_nvp"];
    let wanted_modes = [
        "generation(): p(u) p(y) p(z) p(x)",
        "reconstruction(x): q(y) q(u) q(z) p(x)",
        "generative_reconstruction(x): q(y) q(u) p(y) p(z) p(x)",
        "conditional_generation(y): q(u) p(z) p(x)",
    ];
    expect(&plan_of("../models/srvae.pgm"), &wanted_bound, &wanted_modes);
}

#[test]
fn names_mean_nothing() {
    let source = read("../models/srvae.pgm");
    let mut renamed = String::new();
    let mut word = String::new();
    for letter in source.text.chars().chain([' ']) {
        if letter.is_alphanumeric() || letter == '_' {
            word.push(letter);
            continue;
        }
        renamed += match word.as_str() {
            "x" => "picture",
            "y" => "thumbnail",
            "z" => "detail",
            "u" => "scene",
            other => other,
        };
        word.clear();
        renamed.push(letter);
    }
    let plan = plan_of_text(&renamed);
    let names: Vec<_> = plan.derivation.terms.iter().map(|term| term.name.as_str()).collect();
    assert_eq!(names, ["RE_picture", "RE_thumbnail", "KL_detail", "KL_scene"]);
    assert_eq!(plan.derivation.modes.len(), 4);
}

#[test]
fn three_levels_infer_from_below() {
    expect(
        &plan_of("tests/corpus/good/three_levels.pgm"),
        &[
            "+RE_x",
            "-KL_z1 drawn: p reads z2, which q draws from z1",
            "-KL_z2 drawn: p reads z3, which q draws from z2",
            "-KL_z3 exact",
        ],
        &[
            "generation(): p(z3) p(z2) p(z1) p(x)",
            "reconstruction(x): q(z1) q(z2) q(z3) p(x)",
            "generative_reconstruction(x): q(z1) q(z2) q(z3) p(z2) p(z1) p(x)",
        ],
    );
}

#[test]
fn levels_inferred_from_above_are_exact() {
    let text = "model top_down\nobserved x: real[8]\nlatent a, b: real[2]\np(a) = standard_normal\n\
        p(b | a) = normal from a |> linear\np(x | b) = normal from b |> linear\n\
        q(a | x) = normal from x |> linear\nq(b | a, x) = normal from concat(a, x) |> linear\n";
    expect(
        &plan_of_text(text),
        &["+RE_x", "-KL_b exact", "-KL_a exact"],
        &[
            "generation(): p(a) p(b) p(x)",
            "reconstruction(x): q(a) q(b) p(x)",
            "generative_reconstruction(x): q(a) p(b) p(x)",
        ],
    );
}

#[test]
fn a_stochastic_y_has_a_divergence_of_its_own() {
    expect(
        &plan_of("tests/corpus/good/stochastic_y.pgm"),
        &["+RE_x", "-KL_y drawn: p reads u, which q draws from y", "-KL_u drawn: p has a flow, real_nvp"],
        &[
            "generation(): p(u) p(y) p(x)",
            "reconstruction(x): q(y) q(u) p(x)",
            "generative_reconstruction(x): q(y) q(u) p(y) p(x)",
        ],
    );
    let plan = plan_of("tests/corpus/good/equation_five.pgm");
    assert_eq!(
        bound(&plan),
        "+RE_x\n-KL_z exact\n-KL_y drawn: KL(logistic_mixture ‖ logistic_mixture) has no closed form\n-KL_u exact",
    );
}

#[test]
fn two_observed_have_a_term_each() {
    expect(
        &plan_of("tests/corpus/good/two_observed.pgm"),
        &["+RE_c", "+RE_x", "-KL_z exact"],
        &[
            "generation(): p(z) p(x) p(c)",
            "reconstruction(x): q(z) p(x) p(c)",
            "conditional_generation_x(x): q(z) p(c)",
        ],
    );
}

/// The bounded quantity, as text and as LaTeX.
fn bounds(factors: &str) -> (String, String) {
    let plan = plan_of_text(&format!("model m\nobserved x: real[4]\n{factors}"));
    let first = |text: String, start: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(start)).unwrap().trim().to_owned();
        line.split(['R', '\\']).next().unwrap().trim_end().to_owned()
    };
    let relation = if srvae_dsl::explain::latex(&plan).contains("\\geq") { "geq" } else { "=" };
    (first(srvae_dsl::explain::text(&plan), "ln p"), relation.to_owned())
}

#[test]
fn a_bound_names_what_it_bounds() {
    let said = |text: &str, relation: &str| (text.to_owned(), relation.to_owned());
    // Without latents the likelihood is exact.
    assert_eq!(
        bounds("p(x) = normal from c |> linear\ngiven c: label[3]\n".replace("p(x)", "p(x | c)").as_str()),
        said("ln p(x | c) =", "=")
    );
    // A label of the data set is scored; a function of x is not.
    let label = "latent y: label[3]\np(y | z) = categorical from z |> linear\np(x | y) = normal from y |> linear\n\
        latent z: real[2]\np(z) = standard_normal\nq(y | x) = label(x)\nq(z | y) = normal from y |> linear\n";
    assert_eq!(bounds(label), said("ln p(x, y) ≥", "geq"));
    let srvae = srvae_dsl::explain::text(&plan_of("../models/srvae.pgm"));
    assert!(srvae.contains("ln p(x) ≥ RE_x + RE_y − KL_z − KL_u"));
    // If all latents come with the data, the sum equals the log-likelihood.
    let complete = "latent y: label[3]\np(y | c) = categorical from c |> linear\np(x | y) = normal from y |> linear\n\
        given c: real[2]\nq(y | x) = label(x)\n";
    assert_eq!(bounds(complete), said("ln p(x, y | c) =", "="));
}

#[test]
fn a_flow_in_q_is_drawn() {
    expect(
        &plan_of("tests/corpus/good/flow_in_q.pgm"),
        &["+RE_x", "-KL_z drawn: q has a flow, real_nvp"],
        &["generation(): p(z) p(x)", "reconstruction(x): q(z) p(x)"],
    );
}

#[test]
fn conditions_are_given_to_every_mode() {
    expect(
        &plan_of("tests/corpus/good/conditional.pgm"),
        &["+RE_x", "-KL_z exact"],
        &["generation(c): p(z) p(x)", "reconstruction(x, c): q(z) p(x)"],
    );
}

#[test]
fn hierarchies_to_five_levels() {
    for levels in 1..=5 {
        let mut text = "model deep\nobserved x: real[8]\n".to_owned();
        for level in 1..=levels {
            text += &format!("latent z{level}: real[4]\n");
        }
        text += &format!("p(z{levels}) = standard_normal\np(x | z1) = normal from z1 |> linear\n");
        text += "q(z1 | x) = normal from x |> linear\n";
        for level in 1..levels {
            let above = level + 1;
            text += &format!("p(z{level} | z{above}) = normal from z{above} |> linear\n");
            text += &format!("q(z{above} | z{level}) = normal from z{level} |> linear\n");
        }
        let plan = plan_of_text(&text);
        assert_eq!(plan.derivation.terms.len(), levels + 1);
        assert_eq!(plan.derivation.modes.len(), if levels == 1 { 2 } else { 3 });
        assert!(code(&plan).contains("fn generation"));
    }
}

/// The values computed once per record, as lines of the plan.
#[test]
fn what_does_not_depend_on_the_sample_is_set_apart() {
    let plan = plan_of("../models/srvae.pgm");
    assert_eq!(
        plan.lines(&plan.bound, Rate::Record),
        [
            "y = downscale(x, 2)",
            "q_u_encoder = q_u.encoder(y)",
            "q_u = normal(q_u_encoder)",
            "q_z_encoder = q_z.encoder(x)",
            "q_z = normal(q_z_encoder)",
            "upsample = upsample(y, 2)",
            "p_z_y_encoder = p_z.y.encoder(y)",
            "elu = elu(p_z_y_encoder)",
        ]
    );
    assert_eq!(plan.repeated(&plan.bound), ["q_u", "q_z", "upsample", "x", "y", "elu"]);
}

/// A named network is replaced by its nodes. Nodes that read only data are evaluated once per record, and equal values
/// are computed once, across factors too.
#[test]
fn equal_values_are_computed_once() {
    let plan = plan_of_text(
        "model shared\nobserved x: binary[8]\nlatent a, b: real[4]\nnet feats(h) = h |> linear(out: 6) |> elu\n\
         net join(h, k) = concat(feats(h), k)\np(a) = standard_normal\np(b | a) = normal from a |> linear\n\
         p(x | b) = bernoulli from b |> linear\nq(a | x) = normal from x |> feats |> linear\n\
         q(b | x, a) = normal from join(x, a) |> linear\n",
    );
    let layers = |rate: Rate| {
        let of = plan.bound.values.iter().filter(move |value| value.rate == rate);
        let names = of.filter_map(|value| match value.operation {
            Operation::Layer(part) => Some(plan.parts.part(part).path.as_str()),
            _ => None,
        });
        names.collect::<Vec<_>>()
    };
    assert_eq!(layers(Rate::Record), ["feats.linear", "q_a.linear"]);
    assert_eq!(layers(Rate::Sample), ["q_b.linear", "p_x.linear", "p_b.linear"]);
    let repeats = plan.repeated(&plan.bound);
    assert_eq!(repeats, ["q_a", "elu", "x"], "{plan}");
}

/// A factor of q without parents is expanded to one row per sample, independent of other repeated values.
#[test]
fn a_root_of_q_is_expanded() {
    let plan = plan_of_text(
        "model rooted\ngiven c: label[3]\nobserved x: binary[8]\nlatent z: real[4]\np(z) = standard_normal\n\
         p(x | z, c) = bernoulli from concat(z, c) |> linear\nq(z) = mixture_of_normals(components: 2)\n",
    );
    let drawn = plan.bound.values.iter().find(|value| matches!(value.operation, Operation::Draw(..))).unwrap();
    assert_eq!(plan.bound.value(drawn.inputs[0]).operation, Operation::Expand);
    let code = code(&plan);
    assert!(code.contains("let rows = samples * c.0.dim(0)?;"), "{code}");
}

#[test]
fn another_image_size_changes_what_follows() {
    let text = "model sized\nparam size = 16\nparam depth = 4\nobserved x: image[3, size, size]\n\
        latent z: real[depth, size / 2, size / 2]\np(z) = real_nvp(scales: 2, growth: 4, steps: 1)\n\
        p(x | z) = logistic_mixture(components: 2) from z |> decoder(growth: 8, steps: 1)\n\
        q(z | x) = normal from x |> encoder(growth: 8, steps: 1)\n";
    let source = Source::new("sized.pgm", text);
    let at = |size: &str| {
        let set = vec![("size".to_owned(), size.to_owned())];
        model_of(&source, &Overrides { preset: None, set })
    };
    let (small, large) = (at("16"), at("64"));
    assert_eq!((&small.variables[1].shape[..], &large.variables[1].shape[..]), (&[4, 8, 8][..], &[4, 32, 32][..]));
    assert_eq!(large.cost().parameters, small.cost().parameters);
    let (small, large) = (small.cost().multiply_accumulates, large.cost().multiply_accumulates);
    assert!((15 * small..17 * small).contains(&large), "{small} {large}");
    // A size that is not divisible is an error that shows the shapes after each stage, as for the defaults.
    let set = vec![("size".to_owned(), "18".to_owned())];
    let refused = compile(&source, &Overrides { preset: None, set }).model().unwrap_err().to_string();
    assert!(refused.contains("divisible by 2") && refused.contains("real_nvp"), "{refused}");
    assert!(code(&plan_of_text(text)).contains("config.size / 2"));
}

/// The explanation of a hierarchy with seventy levels is as long as that of three levels: repeated structure is printed
/// once.
#[test]
fn repeated_structure_is_said_once() {
    let levels = |levels: usize| {
        let mut text = "model deep\nobserved x: real[4]\np(x | z1) = normal from z1 |> linear\n".to_owned();
        text += "q(z1 | x) = normal from x |> linear\n";
        for level in 1..=levels {
            text += &format!("latent z{level}: real[4]\n");
        }
        for level in 1..levels {
            let above = level + 1;
            text += &format!("p(z{level} | z{above}) = normal from z{above} |> linear(out: 6) |> elu |> linear\n");
            text += &format!("q(z{above} | z{level}) = normal from z{level} |> linear\n");
        }
        srvae_dsl::explain::text(&plan_of_text(&(text + &format!("p(z{levels}) = standard_normal\n"))))
    };
    let (few, many) = (levels(3), levels(70));
    assert!(many.contains("⋮") && many.contains("z70"), "{many}");
    assert!(many.len() < 4 * few.len(), "{} bytes, {} for three levels\n{many}", many.len(), few.len());
}

/// The inputs of the steps of a sequence form the same number of runs for any length.
#[test]
fn what_steps_read_is_a_few_runs() {
    for steps in [20, 200] {
        let overrides = Overrides { preset: None, set: vec![("T".to_owned(), steps.to_string())] };
        let model = model_of(&read("../models/zoo/vrnn.pgm"), &overrides);
        let last = model.q.last().unwrap();
        assert_eq!((last.parents.len(), last.parents.runs().count()), (2 * steps - 1, 2));
        assert_eq!(model.listed(&last.parents), [format!("z[1..{}]", steps - 1), format!("x[1..{steps}]")]);
    }
}

/// A factor outside the sequence reads a recurrence at the last step of each record; a factor of a step reads it at
/// this step.
#[test]
fn a_recurrence_is_read_at_the_records_end() {
    let text = "model m\nlength T\nindex t in 1..T\nobserved x[t]: binary[3]\nlatent f: real[2]\nlatent z[t]: real[2]\n\
        let h[0] = learned real[4]\nlet h[t] = gru(h[t - 1], x[t])\np(f) = standard_normal\n\
        p(z[t]) = standard_normal\np(x[t] | z[t], f) = bernoulli from concat(z[t], f) |> linear\n\
        q(f | x[1..T]) = normal from h[T] |> linear\nq(z[t] | x[<=t]) = normal from h[t] |> linear\n";
    let plan = plan_of_text(text);
    let ends = plan.bound.values.iter().filter_map(|value| match value.operation {
        Operation::Within(step) => Some(step),
        _ => None,
    });
    // Of four steps, the first exists in every record.
    assert_eq!(ends.collect::<Vec<_>>(), [2, 3, 4]);
    let smoothing = plan.derivation.modes.iter().find(|mode| mode.name == "smoothing").unwrap();
    assert!(plan.names(&smoothing.given).contains('T'), "{}", plan.names(&smoothing.given));
}

/// A mode lists what it reads: an expert of which one input is missing drops out, and its other inputs are not read.
#[test]
fn what_an_expert_reads_that_drops_out_is_not_given() {
    let plan = plan_of("tests/corpus/good/mixture_of_products.pgm");
    let mode = |name: &str| {
        let mode = plan.derivation.modes.iter().find(|mode| mode.name == name).unwrap();
        (plan.names(&mode.given), plan.steps(mode).collect::<Vec<_>>())
    };
    assert_eq!(mode("classification_w"), ("x".to_owned(), vec!["z ~ q(z | x)".to_owned(), "w ~ p(w | z)".to_owned()]));
    assert_eq!(mode("imputation_x").1, ["z ~ q(z | w, s)", "x ~ p(x | z)"]);
    assert_eq!(mode("reconstruction").1[0], "z ~ q(z | x, w, s)");
    // A latent that only such an expert reads is not drawn.
    let plan = plan_of_text(
        "model m\nobserved x: real[3]\npartly observed w: real[3]\nlatent u: real[2]\nlatent z: real[2]\n\
         p(u) = standard_normal\np(z) = standard_normal\np(x | z, u) = normal from concat(z, u) |> linear\n\
         p(w | z) = normal from z |> linear\nq(u | x) = normal from x |> linear\n\
         q(z | x, w, u) = (normal from x |> linear) * (normal from concat(w, u) |> linear)\n",
    );
    let mode = plan.derivation.modes.iter().find(|mode| mode.name == "imputation").unwrap();
    assert_eq!(plan.steps(mode).collect::<Vec<_>>(), ["z ~ q(z | x)", "w ~ p(w | z)"]);
}

/// A latent that q draws from the data tells the labels of a chain apart: given it and its neighbours, a label is independent of
/// the others, so a mode is not given them. A label above or beside which q reads the chain is given all that matters.
#[test]
fn a_mode_is_given_what_its_draws_depend_on() {
    let modes = |text: &str| {
        let plan = plan_of_text(text);
        let given = |mode: &srvae_dsl::derive::Mode| format!("{}({})", mode.name, plan.names(&mode.given));
        let refused: Vec<String> = plan
            .derivation
            .refused
            .iter()
            .map(|refusal| format!("{}: {}", refusal.name, refusal.reason.text(&plan.model)))
            .collect();
        (plan.derivation.modes.iter().map(given).collect::<Vec<_>>(), refused)
    };
    let chain = |x: &str, q: &str| {
        format!(
            "model m\nindex i in 1..5\nobserved x: real[4]\npartly observed a[i]: label[3]\nlatent z: real[2]\n\
             p(z) = standard_normal\n{x}\np(a[1] | z) = categorical from z |> linear\n\
             p(a[i] | a[i - 1], z) = categorical from concat(a[i - 1], z) |> linear\n{q}\ndraw a[i] = enumerate\n"
        )
    };
    let own = "p(x | z) = normal from z |> linear";
    let (found, refused) = modes(&chain(own, "q(z | x) = normal from x |> linear"));
    let wanted = [
        "classification_a[1](x, a[2])",
        "classification_a[2](x, a[1], a[3])",
        "classification_a[3](x, a[2], a[4])",
        "classification_a[4](x, a[3], a[5])",
        "classification_a[5](x, a[4])",
    ];
    assert_eq!(found.iter().filter(|mode| mode.starts_with("classification")).collect::<Vec<_>>(), wanted.each_ref());
    // A label that a record lacks depends on those beside it.
    assert!(found.iter().any(|mode| mode == "reconstruction(x, a[1..5])"), "{found:?}");
    assert!(!refused.iter().any(|refusal| refusal.starts_with("reconstruction")), "{refused:?}");
    // q reads the chain where it is known: every label matters.
    let expert = "q(z | x, a[1..5]) = (normal from x |> linear) * (normal from a[i] |> linear) for i in 1..5";
    let (found, _) = modes(&chain(own, expert));
    assert!(found.iter().any(|mode| mode == "classification_a[1](x, a[2..5])"), "{found:?}");
    assert!(found.iter().any(|mode| mode == "reconstruction(x, a[1..5])"), "{found:?}");
    // The data depend on the last label, so the neighbour and they are read; without z, x is read by the sum.
    let text = chain("p(x | a[5]) = normal from a[5] |> linear", "q(z | x) = normal from x |> linear");
    let (found, _) = modes(&text);
    assert!(found.iter().any(|mode| mode == "classification_a[5](x, a[4])"), "{found:?}");
}

/// Texts say what q reads through `known`, and which draws are for what a record lacks.
#[test]
fn texts_say_what_is_known() {
    let plan = plan_of_text(
        "model m\nindex i in 1..3\npartly observed x[i]: real[1]\npartly observed w: real[1]\npartly observed y: real[1]\n\
         latent z: real[2]\nlet k = known(w)\np(z) = standard_normal\np(x[i] | z) = normal from z |> linear\n\
         p(w | z, y) = normal from concat(z, y) |> linear\np(y) = standard_normal\nq(y | w) = normal from k |> linear\n\
         q(z | x[1..3], w, y) = normal from concat(known(x[1..3]), k, y) |> linear\n",
    );
    let text = srvae_dsl::explain::text(&plan);
    for line in [
        "q(z | known(x[1..3]), known(w), y)  ~ normal",
        "E q(y | known(w)) [ KL(q(z | known(x[1..3]), known(w), y) ‖ p(z)) ]",
        "reconstruction(x[1..3], w, y where observed)",
        "y ~ q(y | known(w))    where it is missing",
        "z ~ q(z | known(x[1..3]), known(w), y)",
    ] {
        assert!(text.contains(line), "`{line}` is not in\n{text}");
    }
    let latex = srvae_dsl::explain::latex(&plan);
    assert!(latex.contains("\\mid \\mathrm{known}(\\mathbf{w})"), "{latex}");
}

#[test]
fn global_variables_come_from_q_in_every_mode() {
    let text = "model global_weights\nobserved x: real[4]\nglobal s: positive[1]\nglobal w: real[4]\nlatent a, b: real[4]\n\
        p(s) = gamma(concentration: 2, rate: 2)\np(w | s) = normal(mean: 0, std: spread(s, 4))\n\
        p(a | w) = normal(mean: w, std: 1)\np(b | a) = normal(mean: a, std: 1)\np(x | b, w) = normal(mean: b * w, std: 1)\n\
        q(s) = gamma\nq(w) = normal\nq(a | x) = normal from x |> linear\nq(b | a, x) = normal from concat(a, x) |> linear\n";
    let wanted = [
        "generation(): q(s) q(w) p(a) p(b) p(x)",
        "reconstruction(x): q(s) q(w) q(a) q(b) p(x)",
        "generative_reconstruction(x): q(s) q(w) q(a) p(b) p(x)",
    ];
    assert_eq!(modes(&plan_of_text(text)), wanted.join("\n"));
}

#[test]
fn a_sequence_without_evidence_has_no_continuation() {
    let text = |role: &str, read: &str| {
        format!(
            "model missing\nlength T\nindex t in 1..T\n{role} x[t]: real[2]\ngiven u[t]: real[1]\nlatent z[t]: real[2]\n\
            p(z[1]) = standard_normal\np(z[t] | z[t - 1], u[t]) = normal from concat(z[t - 1], u[t]) |> linear\n\
            p(x[t] | z[t]) = normal from z[t] |> linear\n\
            q(z[t] | {read}) = (normal from {read} |> linear) * standard_normal\n"
        )
    };
    for (role, read, exists) in [
        ("observed", "x[t]", true),
        ("partly observed", "x[t]", true),
        ("observed", "u[t]", false),
        ("partly observed", "u[t]", false),
    ] {
        let derivation = plan_of_text(&text(role, read)).derivation;
        assert_eq!(derivation.modes.iter().any(|mode| mode.name == "continuation"), exists, "{role} {read}");
    }
}
