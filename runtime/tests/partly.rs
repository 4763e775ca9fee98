//! Partly observed variables: a record that has one has the bound of the model that observes it, a record that lacks it
//! the bound of the model that infers it, and in a batch of both each record has its own.

mod moved;

use moved::moved;
use srvae::dist::{Distribution, Head, Normal};
use srvae::{BoundOptions, DType, Device, Draw, Model, Noise, Params, Settings, Tensor, Terms, Values};
use srvae::{figures, interpret};

const CLASSES: usize = 3;

fn build(text: &str) -> Box<dyn Model> {
    let params = Params::new(3, DType::F64, &Device::Cpu);
    let model = interpret::builder("m.pgm", text).build(&Settings::new(), &params).unwrap();
    moved(&params, 1.0, None);
    model
}

fn tensor(numbers: Vec<f64>, shape: &[usize]) -> Tensor {
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

fn bits(seed: u64, shape: &[usize]) -> Tensor {
    let uniform = Noise::seeded(seed).uniform("", shape, DType::F64, &Device::Cpu).unwrap();
    uniform.gt(0.5).unwrap().to_dtype(DType::F64).unwrap()
}

/// One class for each record.
fn one_hot(classes: &[usize]) -> Tensor {
    let rows = classes.iter().flat_map(|&class| (0..CLASSES).map(move |at| f64::from(u8::from(at == class))));
    tensor(rows.collect(), &[classes.len(), CLASSES])
}

fn presence(values: Values, name: &str, present: &[f64]) -> Values {
    values.with(&Values::presence_of(name), tensor(present.to_vec(), &[present.len()]))
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn term(terms: &Terms, name: &str) -> Vec<f64> {
    numbers(&terms.terms.iter().find(|term| term.name == name).unwrap_or_else(|| panic!("no {name}")).value)
}

/// Rounding of sums of a few numbers of about 10 in f64.
const ROUNDING: f64 = 1e-11;

fn close(left: &[f64], right: &[f64], what: &str) {
    assert_eq!(left.len(), right.len(), "{what}");
    for (left, right) in left.iter().zip(right) {
        assert!((left - right).abs() <= ROUNDING * (1.0 + right.abs()), "{what}: {left} for {right}");
    }
}

/// If every latent is enumerated, the sum of importance weights is the likelihood itself, whichever of the two are
/// present.
#[test]
fn every_pattern_has_its_exact_likelihood() {
    let model = build(
        "model m\nobserved x: binary[4]\npartly observed a: label[3]\npartly observed b: binary[2]\ngiven c: real[2]\n\
         p(a | c) = categorical from c |> linear\np(b | a) = bernoulli from a |> linear\n\
         p(x | a, b) = bernoulli from concat(a, b) |> linear\nq(a | x) = categorical from x |> linear\n\
         q(b | x, a) = bernoulli from concat(x, a) |> linear\ndraw a = enumerate\ndraw b = enumerate\n",
    );
    let records = 4;
    let (a, b) = (vec![0, 2, 1, 1], bits(2, &[records, 2]));
    let c = Noise::seeded(4).normal("c", &[records, 2], DType::F64, &Device::Cpu).unwrap();
    let base = Values::new().with("x", bits(1, &[records, 4])).with("c", c);
    let options = BoundOptions::importance(1);
    let value = |values: &Values| {
        let terms = model.bound(values, &mut Noise::seeded(1), &options).unwrap();
        numbers(&terms.log_likelihood().unwrap())
    };
    // If all are present, there is no sum.
    let joint = |a: &[usize], b: &Tensor| value(&base.clone().with("a", one_hot(a)).with("b", b.clone()));
    let all_b = (0..4).map(|at| tensor([at & 1, at >> 1].map(|bit| bit as f64).repeat(records), &[records, 2]));
    let all_b: Vec<Tensor> = all_b.collect();
    let sum = |parts: Vec<Vec<f64>>| -> Vec<f64> {
        (0..records).map(|record| parts.iter().map(|part| part[record].exp()).sum::<f64>().ln()).collect()
    };
    let over_b = |a: &[usize]| sum(all_b.iter().map(|b| joint(a, b)).collect());
    let over_a = |b: &Tensor| sum((0..CLASSES).map(|class| joint(&vec![class; records], b)).collect());
    let over_both = sum((0..CLASSES).map(|class| over_b(&vec![class; records])).collect());
    let exact = [joint(&a, &b), over_b(&a), over_a(&b), over_both];
    // One record of each kind.
    let values = base.clone().with("a", one_hot(&a)).with("b", b.clone());
    let mixed = presence(presence(values, "a", &[1.0, 1.0, 0.0, 0.0]), "b", &[1.0, 0.0, 1.0, 0.0]);
    let wanted: Vec<f64> = (0..records).map(|record| exact[record][record]).collect();
    close(&value(&mixed), &wanted, "ln p of what is there");
    // The bound is below the likelihood, and equal to it if nothing is missing.
    let bound = model.bound(&mixed, &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
    let bound = numbers(&bound.elbo().unwrap());
    close(&bound[..1], &wanted[..1], "nothing is missing");
    assert!(bound[1..].iter().zip(&wanted[1..]).all(|(bound, exact)| bound < exact), "{bound:?} {wanted:?}");
}

/// Of a class: how the file draws it in q, and its `role`.
fn classes(role: &str, draw: &str) -> String {
    let q = if role == "observed" {
        String::new()
    } else {
        format!("q(y | x) = categorical from x |> linear\ndraw y = {draw}\n")
    };
    format!(
        "model m\nobserved x: binary[6]\n{role} y: label[{CLASSES}]\nlatent z: real[2]\np(z) = standard_normal\n\
         p(y | z) = categorical from z |> linear\np(x | y, z) = bernoulli from concat(y, z) |> linear\n{q}\
         q(z | x, y) = normal from concat(x, y) |> linear\n"
    )
}

/// The same for real numbers, whose divergence has a closed form.
fn reals(role: &str) -> String {
    let q = if role == "observed" { "" } else { "q(y | x) = normal from x |> linear\n" };
    format!(
        "model m\nobserved x: binary[6]\n{role} y: real[3]\nlatent z: real[2]\np(y) = standard_normal\n\
         p(z | y) = normal from y |> linear\np(x | y, z) = bernoulli from concat(y, z) |> linear\n{q}\
         q(z | x, y) = normal from concat(x, y) |> linear\n"
    )
}

const RECORDS: usize = 3;

/// The bound of these records; the noise of z is the same whatever else is drawn.
fn bounded(model: &dyn Model, values: &Values, options: &BoundOptions) -> Terms {
    let mut noise = Noise::seeded(11);
    let shape = [options.samples * RECORDS, 2];
    noise.record("z", Noise::seeded(5).normal("z", &shape, DType::F64, &Device::Cpu).unwrap());
    model.bound(values, &mut noise, options).unwrap()
}

#[test]
fn a_record_is_bounded_as_by_the_model_of_its_kind() {
    let ways = ["enumerate", "score", "straight_through", "relaxed(temperature: 0.5)"];
    let discrete =
        ways.map(|draw| (classes("partly observed", draw), classes("latent", draw), classes("observed", draw)));
    let real = (reals("partly observed"), reals("latent"), reals("observed"));
    for (both, latent, observed) in discrete.into_iter().chain([real]) {
        let y = if both.contains("label") { one_hot(&[2, 0, 1]) } else { bits(3, &[RECORDS, 3]) };
        let values = Values::new().with("x", bits(1, &[RECORDS, 6])).with("y", y);
        let [both, latent, observed] = [both, latent, observed].map(|text| build(&text));
        for options in [BoundOptions::default(), BoundOptions::importance(1), BoundOptions::importance(3)] {
            let there = bounded(both.as_ref(), &values, &options);
            let wanted = bounded(observed.as_ref(), &values, &options);
            for name in ["RE_x", "RE_y", "KL_z"] {
                close(&term(&there, name), &term(&wanted, name), &format!("{name} where y is there"));
            }
            assert!(term(&there, "KL_y").iter().all(|&number| number == 0.0));

            let missing = presence(values.clone(), "y", &[0.0; RECORDS]);
            let missing = bounded(both.as_ref(), &missing, &options);
            let wanted = bounded(latent.as_ref(), &values, &options);
            for name in ["RE_x", "KL_y", "KL_z"] {
                close(&term(&missing, name), &term(&wanted, name), &format!("{name} where y is missing"));
            }
            assert!(term(&missing, "RE_y").iter().all(|&number| number == 0.0));
            // No value at all: the variable is missing in all records.
            let none = bounded(both.as_ref(), &Values::new().with("x", values.get("x").unwrap().clone()), &options);
            close(&term(&none, "KL_y"), &term(&missing, "KL_y"), "without a value");

            let mixed = bounded(both.as_ref(), &presence(values.clone(), "y", &[1.0, 0.0, 1.0]), &options);
            for name in ["RE_x", "RE_y", "KL_y", "KL_z"] {
                let kinds = [term(&there, name), term(&missing, name)];
                let rows = (0..options.samples * RECORDS).map(|row| kinds[usize::from(row % RECORDS == 1)][row]);
                close(&term(&mixed, name), &rows.collect::<Vec<_>>(), &format!("{name} of both kinds"));
            }
        }
    }
}

/// A missing variable has no influence, whatever values are stored in its place; a presence is 0 or 1 for each record.
#[test]
fn what_stands_in_the_place_of_a_missing_value_is_not_looked_at() {
    let model = build(&reals("partly observed"));
    let x = bits(1, &[RECORDS, 6]);
    let at = |y: Vec<f64>| {
        let values = Values::new().with("x", x.clone()).with("y", tensor(y, &[RECORDS, 3]));
        let terms = bounded(model.as_ref(), &presence(values, "y", &[0.0, 1.0, 0.0]), &BoundOptions::default());
        let slopes = terms.loss().unwrap().backward().unwrap();
        let slopes = model.params().entries().into_iter().filter_map(|(_, var)| slopes.get(&var).map(numbers));
        (numbers(&terms.elbo().unwrap()), slopes.flatten().collect::<Vec<_>>())
    };
    let own = [0.5, -0.5, 1.0];
    let (nan, zero) = ([f64::NAN; 3], [0.0; 3]);
    let (left, right) = (at([nan, own, nan].concat()), at([zero, own, zero].concat()));
    assert_eq!(left, right);
    assert!(left.1.len() > 10 && left.1.iter().all(|slope| slope.is_finite()));
    for (wrong, words) in [(vec![1.0, 0.0], "3 numbers"), (vec![1.0, 0.5, 0.0], "must be 0 or 1")] {
        let values = Values::new().with("x", x.clone()).with("y", tensor(vec![0.0; 9], &[RECORDS, 3]));
        let values = presence(values, "y", &wrong);
        let said = model.bound(&values, &mut Noise::seeded(1), &BoundOptions::default()).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    }
}

/// q's probabilities of the possible classes of a record add up to 1; records without a class add nothing.
#[test]
fn what_is_added_where_a_class_is_observed_is_its_log_probability() {
    for draw in ["enumerate", "score"] {
        let text = classes("partly observed", draw);
        let model = build(&format!("{text}objective + 2 * ln q(y | x) where y is observed\n"));
        let mut sums = vec![0.0; RECORDS];
        for class in 0..CLASSES {
            let values = Values::new().with("x", bits(1, &[RECORDS, 6])).with("y", one_hot(&[class; RECORDS]));
            let terms = bounded(model.as_ref(), &presence(values, "y", &[1.0, 0.0, 1.0]), &BoundOptions::default());
            let [added] = terms.added.as_slice() else { panic!("{} are added", terms.added.len()) };
            assert_eq!((added.name, added.scale), ("ln q(y | x) where y is observed", 2.0));
            let found = numbers(&added.value);
            assert_eq!(found[1], 0.0);
            sums.iter_mut().zip(found).for_each(|(sum, log)| *sum += log.exp());
            let (with, without) = (terms.loss().unwrap(), terms.elbo().unwrap().mean_all().unwrap());
            let mean = added.value.mean_all().unwrap();
            close(&numbers(&with), &numbers(&(without + (mean * 2.0).unwrap()).unwrap().neg().unwrap()), "the loss");
        }
        close(&sums, &[1.0, CLASSES as f64, 1.0], "probabilities");
    }
}

/// ln of the normalised product of normals over a grid, for comparison with the product's density.
fn product_on_a_grid(experts: &[(f64, f64)], grid: &[f64], step: f64) -> Vec<f64> {
    let log = |z: f64| experts.iter().map(|(mean, log_var)| -0.5 * (z - mean).powi(2) / log_var.exp()).sum::<f64>();
    let normaliser = (grid.iter().map(|&z| log(z).exp()).sum::<f64>() * step).ln();
    grid.iter().map(|&z| log(z) - normaliser).collect()
}

#[test]
fn a_product_of_experts_is_the_normalised_product_of_their_densities() {
    let step = 0.01;
    let grid: Vec<f64> = (-1000..=1000).map(|at| f64::from(at) * step).collect();
    let (first, second) = ((0.7, -0.4), (-1.2, 0.9));
    let head = |(mean, log_var): (f64, f64)| tensor([mean, log_var].repeat(grid.len()), &[grid.len(), 2]);
    let all = |present: f64| tensor(vec![present; grid.len()], &[grid.len()]);
    let (heads, there, missing) = ([&head(first), &head(second)].map(Head::from), all(1.0), all(0.0));
    let cases: [(&[&Tensor], usize, Vec<(f64, f64)>); 5] = [
        (&[], 0, vec![first, second]),
        (&[], 2, vec![first, second, (0.0, 0.0), (0.0, 0.0)]),
        (&[&there], 1, vec![first, second, (0.0, 0.0)]),
        (&[&missing], 0, vec![first]),
        (&[&there, &missing], 1, vec![first, (0.0, 0.0)]),
    ];
    for (presences, standard, experts) in cases {
        let product = Normal::product(&[(&heads[0], &[][..]), (&heads[1], presences)], standard).unwrap();
        let found = product.log_prob(&tensor(grid.clone(), &[grid.len(), 1])).unwrap();
        let wanted = product_on_a_grid(&experts, &grid, step);
        for (found, wanted) in numbers(&found).iter().zip(wanted) {
            // A sum over a grid this fine equals the integral of a smooth density up to rounding.
            assert!((found - wanted).abs() < 1e-9 * (1.0 + wanted.abs()), "{experts:?}: {found} {wanted}");
        }
    }
    // A standard deviation of 1e-3 stated in the model has a million times the weight of the other expert.
    let narrow = Head::given(&tensor(vec![0.2, 2.0 * 1e-3f64.ln()], &[1, 2]), 0b10);
    let wide = Head::from(&tensor(vec![-1.0, 0.0], &[1, 2]));
    let product = Normal::product(&[(&narrow, &[][..]), (&wide, &[][..])], 0).unwrap();
    close(&numbers(&product.mean), &[(0.2e6 - 1.0) / 1_000_001.0], "the mean");
    assert!(Normal::product(&[], 1).is_err());
}

/// Views of one object, with these experts of q; `x` is always present.
fn views(roles: [&str; 2], q: &str) -> String {
    let [w, v] = roles;
    format!(
        "model m\nobserved x: binary[6]\n{w} w: real[3]\n{v} v: binary[2]\nlatent z: real[2]\np(z) = standard_normal\n\
         p(x | z) = bernoulli from z |> linear\np(w | z) = normal from z |> linear\np(v | z) = bernoulli from z |> linear\n{q}\n"
    )
}

const X: &str = "(normal from x |> linear)";
const W: &str = "(normal from w |> linear(out: 5) |> softplus |> linear)";
const V: &str = "(normal from concat(x, v) |> linear)";

/// An expert that reads two variables drops out of the records that lack either of them, in a product and in a mixture.
#[test]
fn an_expert_needs_all_that_it_reads() {
    let (of_x, of_both) = (X.replace("linear", "linear(out: 4)"), "(normal from concat(w, v) |> linear(out: 4))");
    for q in [format!("{of_x} * {of_both}"), format!("mixture of {of_x}, {of_both}")] {
        let model = build(&views(["partly observed"; 2], &format!("q(z | x, w, v) = {q}")));
        let w = Noise::seeded(8).normal("w", &[RECORDS, 3], DType::F64, &Device::Cpu).unwrap();
        let values = Values::new().with("x", bits(1, &[RECORDS, 6])).with("w", w).with("v", bits(2, &[RECORDS, 2]));
        let terms = |w: [f64; RECORDS], v: [f64; RECORDS]| {
            let kinds = presence(presence(values.clone(), "w", &w), "v", &v);
            let terms = bounded(model.as_ref(), &kinds, &BoundOptions::default());
            ["RE_x", "KL_z"].map(|name| term(&terms, name))
        };
        // The first record has both, the others one of them.
        let (found, of_x_alone) = (terms([1.0, 0.0, 1.0], [1.0, 1.0, 0.0]), terms([0.0; RECORDS], [0.0; RECORDS]));
        for (found, wanted) in found.iter().zip(&of_x_alone) {
            close(&found[1..], &wanted[1..], &q);
            assert!(found[0] != wanted[0], "{q}");
        }
    }
}

/// Each record has the bound of a model with only the variables that it has: their experts and their likelihoods.
#[test]
fn the_experts_of_what_is_missing_drop_out() {
    let partly = ["partly observed"; 2];
    let model = build(&views(partly, &format!("q(z | x, w, v) = {X} * {W} * {V} * standard_normal")));
    // The other experts come last, so that the present ones have the same numbers.
    let without_v = build(&views(partly, &format!("q(z | x, w) = {X} * {W} * standard_normal")));
    let observed = build(&views(["observed"; 2], &format!("q(z | x, w, v) = {X} * {W} * {V} * standard_normal")));
    let without_any = build(&views(partly, &format!("q(z | x) = {X} * standard_normal")));
    let w = Noise::seeded(8).normal("w", &[RECORDS, 3], DType::F64, &Device::Cpu).unwrap();
    let values = Values::new().with("x", bits(1, &[RECORDS, 6])).with("w", w).with("v", bits(2, &[RECORDS, 2]));
    let kinds = |w: &[f64], v: &[f64]| presence(presence(values.clone(), "w", w), "v", v);
    let mixed = kinds(&[1.0, 1.0, 0.0], &[1.0, 0.0, 0.0]);
    for options in [BoundOptions::default(), BoundOptions::importance(2)] {
        let found = bounded(model.as_ref(), &mixed, &options);
        let wanted = [
            bounded(observed.as_ref(), &values, &options),
            bounded(without_v.as_ref(), &kinds(&[1.0; RECORDS], &[0.0; RECORDS]), &options),
            bounded(without_any.as_ref(), &kinds(&[0.0; RECORDS], &[0.0; RECORDS]), &options),
        ];
        for name in ["RE_x", "RE_w", "RE_v", "KL_z"] {
            let rows = (0..options.samples * RECORDS).map(|row| term(&wanted[row % RECORDS], name)[row]);
            close(&term(&found, name), &rows.collect::<Vec<_>>(), name);
        }
        assert_eq!(term(&found, "RE_v")[1..RECORDS], [0.0; 2]);
    }
    // A mode without w draws z from the other experts.
    let given = Values::new().with("x", values.get("x").unwrap().clone());
    let mode = model.modes().iter().find(|mode| mode.yields.contains(&"z") && mode.given == ["x"]).unwrap();
    let drawn = model.run(mode.name, &given, RECORDS, &mut Noise::seeded(4), &Draw::default()).unwrap();
    let alone = without_any.run(mode.name, &given, RECORDS, &mut Noise::seeded(4), &Draw::default()).unwrap();
    close(&numbers(drawn.get("z").unwrap()), &numbers(alone.get("z").unwrap()), "z of the mode");
}

/// Values that are missing because of what they are: s depends on x. `q` is the factor of z, then that of x if it has one.
fn by_value(role: &str, q: &str) -> String {
    format!(
        "model m\nobserved y: binary[4]\nobserved s: binary[1]\n{role} x: real[2]\nlatent z: real[2]\n\
         p(z) = standard_normal\np(y | z) = bernoulli from z |> linear\np(x | z) = normal from z |> linear\n\
         p(s | x) = bernoulli from x |> linear\n{q}\n"
    )
}

/// q draws a missing x from z, and z reads an observed x: each record has the bound of the model of its kind.
#[test]
fn what_is_drawn_from_a_product_is_read_by_it_where_it_is_observed() {
    let (of_y, of_x, drawn) = (
        "(normal from y |> linear)",
        "(normal from x |> linear(out: 4))",
        "q(x | z) = normal from z |> linear(out: 4)",
    );
    let model =
        build(&by_value("partly observed", &format!("q(z | y, x) = {of_y} * {of_x} * standard_normal\n{drawn}")));
    let there = build(&by_value("observed", &format!("q(z | y, x) = {of_y} * {of_x} * standard_normal")));
    let latent = build(&by_value("latent", &format!("q(z | y) = {of_y} * standard_normal\n{drawn}")));
    let x = Noise::seeded(8).normal("x", &[RECORDS, 2], DType::F64, &Device::Cpu).unwrap();
    let values = Values::new().with("y", bits(1, &[RECORDS, 4])).with("s", bits(3, &[RECORDS, 1]));
    let with_x = values.clone().with("x", x);
    let mixed = presence(with_x.clone(), "x", &[1.0, 0.0, 1.0]);
    for options in [BoundOptions::default(), BoundOptions::importance(3)] {
        let found = bounded(model.as_ref(), &mixed, &options);
        let observed = bounded(there.as_ref(), &with_x, &options);
        let missing = bounded(latent.as_ref(), &values, &options);
        for (name, kinds) in [
            ("RE_y", [true; 2]),
            ("RE_s", [true; 2]),
            ("KL_z", [true; 2]),
            ("RE_x", [true, false]),
            ("KL_x", [false, true]),
        ] {
            let of = |terms: &Terms, is_there: bool| {
                if is_there { term(terms, name) } else { vec![0.0; options.samples * RECORDS] }
            };
            let (observed, missing) = (of(&observed, kinds[0]), of(&missing, kinds[1]));
            let wanted: Vec<f64> = (0..options.samples * RECORDS)
                .map(|row| if row % RECORDS == 1 { missing[row] } else { observed[row] })
                .collect();
            close(&term(&found, name), &wanted, name);
        }
    }
    // A mode that lacks x draws z without its expert, and then x.
    let run = |model: &dyn Model, name: &str| {
        let given = Values::new().with("y", values.get("y").unwrap().clone());
        model.run(name, &given, RECORDS, &mut Noise::seeded(4), &Draw::default()).unwrap()
    };
    let (drawn, alone) = (run(model.as_ref(), "imputation"), run(latent.as_ref(), "conditional_generation_y"));
    close(&numbers(drawn.get("z").unwrap()), &numbers(alone.get("z").unwrap()), "z of the mode");
    assert_eq!(drawn.get("x").unwrap().dims(), [RECORDS, 2]);
}

/// The posterior of a class is the product of the prior and of an expert for each thing that is known. The bound is then the
/// likelihood, that of the model without q, which sums over the class.
#[test]
fn a_product_of_exact_experts_makes_the_bound_exact() {
    let p = "model m\npartly observed w: label[3]\npartly observed v: label[2]\nlatent c: label[4]\n\
             learned prior: real[4]\nlearned W: real[3, 4]\nlearned V: real[2, 4]\n\
             let of_w = W |> softmax\nlet of_v = V |> softmax\np(c) = categorical(logits: prior)\n\
             p(w | c) = categorical(probs: matmul(of_w, c))\np(v | c) = categorical(probs: matmul(of_v, c))\ndraw c = enumerate\n";
    let q = "q(c | w, v) = categorical(logits: prior) * categorical(logits: matmul(w, of_w |> log)) * \
             categorical(logits: matmul(v, of_v |> log))\n";
    let (bound, exact) = (build(&format!("{p}{q}")), build(p));
    let v = tensor(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0], &[RECORDS, 2]);
    let values = Values::new().with("w", one_hot(&[2, 0, 1])).with("v", v);
    for (w, v) in [([1.0, 1.0, 0.0], [1.0, 0.0, 1.0]), ([0.0; RECORDS], [0.0, 1.0, 0.0])] {
        let kinds = presence(presence(values.clone(), "w", &w), "v", &v);
        let found = [&bound, &exact].map(|model| {
            let terms = bounded(model.as_ref(), &kinds, &BoundOptions::default());
            numbers(&terms.log_weights().unwrap())
        });
        close(&found[0], &found[1], "ln p of what is known");
        assert!(found[1].iter().zip(w.iter().zip(v)).all(|(ln, (w, v))| (*ln < -0.01) == (w + v > 0.0)), "{found:?}");
    }
}

/// A model whose only data may be missing is drawn from p for the records without data.
#[test]
fn records_without_any_data_are_drawn_from_the_model() {
    let model = build(
        "model m\npartly observed x, w: real[3]\nlatent z: real[2]\np(z) = standard_normal\n\
         p(x | z) = normal from z |> linear\np(w | z) = normal from z |> linear\n\
         q(z | x) = standard_normal * (normal from x |> linear)\n",
    );
    let x = Noise::seeded(8).normal("x", &[RECORDS, 3], DType::F64, &Device::Cpu).unwrap();
    let data = presence(Values::new().with("x", x.clone()), "x", &[1.0, 0.0, 1.0]);
    let mode = model.modes().iter().find(|mode| mode.name == "imputation_w").unwrap();
    let given = figures::complete(model.as_ref(), mode, &data, &mut Noise::seeded(1), &Draw::default()).unwrap();
    let (found, known) = (numbers(given.get("x").unwrap()), numbers(&x));
    assert!(found[..3] == known[..3] && found[6..] == known[6..] && found[3..6] != known[3..6]);
}
