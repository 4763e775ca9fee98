//! Draws of discrete latents in the bound: sums over values are exact, scores are unbiased, relaxations become the
//! discrete draw, and parameters before such draws are trained.

#[path = "draws/score.rs"]
mod score;
#[path = "draws/through.rs"]
mod through;
#[path = "draws/trained.rs"]
mod trained;

use srvae::interpret;
use srvae::{BoundOptions, DType, Device, Model, Noise, Params, Result, Settings, Tensor, Terms, Values};

const BATCH: usize = 3;
const CLASSES: usize = 4;

/// Classes between their parents and the data, and a continuous latent that depends on them.
fn classes(draw: &str) -> String {
    format!(
        "model m\nobserved x: binary[6]\nlatent y: label[{CLASSES}]\nlatent z: real[2]\np(z) = standard_normal\n\
         p(y | z) = categorical from z |> linear\np(x | y, z) = bernoulli from concat(y, z) |> linear\n\
         q(y | x) = categorical from x |> linear\nq(z | x, y) = normal from concat(x, y) |> linear\ndraw y = {draw}\n"
    )
}

/// Three bits and no other draws: eight values.
fn bits(draw: &str) -> String {
    // With a closed form the divergence would leave little to the score.
    let estimate = if draw.starts_with("score") { "bound KL_y = monte_carlo\n" } else { "" };
    format!(
        "model m\nobserved x: binary[6]\ngiven c: real[2]\nlatent y: binary[3]\np(y | c) = bernoulli from c |> linear\n\
         p(x | y) = bernoulli from y |> linear\nq(y | x) = bernoulli from x |> linear\ndraw y = {draw}\n{estimate}"
    )
}

/// The same with features of x that q and a baseline of the score read.
fn bits_of_features(draw: &str) -> String {
    bits(draw)
        .replace("q(y | x) = bernoulli from x", "let h = x |> linear(out: 3) |> tanh\nq(y | x) = bernoulli from h")
        .replace("draw y", "let r = h |> linear(out: 1)\ndraw y")
}

fn build(text: &str) -> Box<dyn Model> {
    let params = Params::new(3, DType::F64, &Device::Cpu);
    interpret::builder("m.pgm", text).build(&Settings::new(), &params).unwrap()
}

/// Changes every parameter a little, equally for every model that has it.
fn moved(model: &dyn Model) {
    let mut noise = Noise::seeded(17);
    for (name, var) in model.params().entries() {
        let step = noise.normal(&name, var.dims(), DType::F64, &Device::Cpu).unwrap();
        var.set(&(var.as_tensor() + step).unwrap()).unwrap();
    }
    model.params().touch();
}

fn data() -> Values {
    let mut noise = Noise::seeded(5);
    let x = noise.uniform("x", &[BATCH, 6], DType::F64, &Device::Cpu).unwrap();
    let x = x.gt(0.5).unwrap().to_dtype(DType::F64).unwrap();
    Values::new().with("x", x).with("c", noise.normal("c", &[BATCH, 2], DType::F64, &Device::Cpu).unwrap())
}

/// The terms if y has this value, with the same noise for everything else.
fn at_class(model: &dyn Model, class: usize, z: &Tensor, options: &BoundOptions) -> Terms {
    let mut noise = Noise::seeded(1);
    // Noise with which a class is drawn whatever its probability.
    let one = |at: usize| if at % CLASSES == class { 1.0 - 1e-9 } else { 1e-9 };
    let uniform: Vec<f64> = (0..BATCH * CLASSES).map(one).collect();
    noise.record("y", Tensor::from_vec(uniform, (BATCH, CLASSES), &Device::Cpu).unwrap());
    noise.record("z", z.clone());
    model.bound(&data(), &mut noise, options).unwrap()
}

fn value(terms: &Terms) -> Tensor {
    terms.log_weights().unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn close(left: &[f64], right: &[f64], tolerance: f64, what: &str) {
    assert_eq!(left.len(), right.len(), "{what}");
    for (left, right) in left.iter().zip(right) {
        assert!((left - right).abs() <= tolerance * (1.0 + right.abs()), "{what}: {left} for {right}");
    }
}

/// The gradient of every parameter by name, zeros if it has none.
fn gradients(model: &dyn Model, objective: &Tensor) -> Vec<(String, Vec<f64>)> {
    let found = objective.backward().unwrap();
    let each = model.params().entries().into_iter().map(|(name, var)| {
        let gradient = found.get(&var).cloned().unwrap_or_else(|| var.zeros_like().unwrap());
        (name, numbers(&gradient))
    });
    each.collect()
}

#[test]
fn enumeration_is_the_sum_over_classes() {
    let (summed, drawn) = (build(&classes("enumerate")), build(&classes("score")));
    [&summed, &drawn].iter().for_each(|model| moved(model.as_ref()));
    let z = Noise::seeded(2).normal("z", &[BATCH, 2], DType::F64, &Device::Cpu).unwrap();
    for options in [BoundOptions::default(), BoundOptions::importance(1)] {
        let mut noise = Noise::seeded(1);
        noise.record("z", z.clone());
        let found = value(&summed.bound(&data(), &mut noise, &options).unwrap());
        let each: Vec<Terms> = (0..CLASSES).map(|class| at_class(drawn.as_ref(), class, &z, &options)).collect();
        let part = |terms: &Terms| -> Result<Tensor> {
            match options == BoundOptions::default() {
                true => terms.scores[0].log_q.exp()? * value(terms),
                // The mean of the weights over the possible classes.
                false => (&terms.scores[0].log_q + value(terms))?.exp(),
            }
        };
        let all = each.iter().map(|terms| part(terms).unwrap()).reduce(|sum, part| (sum + part).unwrap()).unwrap();
        let wanted = if options == BoundOptions::default() { all } else { all.log().unwrap() };
        // Here and below: rounding of sums of some hundred terms in f64, which gradients add up in another order.
        close(&numbers(&found), &numbers(&wanted), 1e-10, "bound");
        let (ours, theirs) = (
            gradients(summed.as_ref(), &found.sum_all().unwrap()),
            gradients(drawn.as_ref(), &wanted.sum_all().unwrap()),
        );
        for ((name, ours), (other, theirs)) in ours.iter().zip(&theirs) {
            assert_eq!(name, other);
            close(ours, theirs, 1e-9, name);
            // With importance weights, the sum over the classes is weighted with p, because q(y | x) cancels.
            let cancels = options != BoundOptions::default() && name.starts_with("q_y.");
            assert!(cancels || theirs.iter().any(|value| *value != 0.0), "{name}");
        }
    }
    // With several samples there is one number for each, and the terms do not depend on the rest of the batch.
    let terms = summed.bound(&data(), &mut Noise::seeded(1), &BoundOptions { samples: 5, ..BoundOptions::default() });
    assert!(terms.unwrap().terms.iter().all(|term| term.value.dims() == [5, BATCH]));
}

/// Enumerated together: every combination of two variables, one a parent of the other.
#[test]
fn combinations_are_summed_over() {
    let text = |draws: &str| {
        format!(
            "model m\nobserved x: binary[4]\nlatent y: label[3]\nlatent w: binary[2]\np(y) = categorical from c |> linear\n\
             p(w | y) = bernoulli from y |> linear\np(x | w, y) = bernoulli from concat(w, y) |> linear\ngiven c: real[1]\n\
             q(y | x) = categorical from x |> linear\nq(w | x, y) = bernoulli from concat(x, y) |> linear\n{draws}"
        )
        .replace("p(y)", "p(y | c)")
    };
    let (summed, drawn) =
        (build(&text("draw y = enumerate\ndraw w = enumerate\n")), build(&text("draw y = score\ndraw w = score\n")));
    [&summed, &drawn].iter().for_each(|model| moved(model.as_ref()));
    let data = Values::new()
        .with("x", Tensor::new(&[[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]], &Device::Cpu).unwrap())
        .with("c", Tensor::new(&[[0.3], [-1.0]], &Device::Cpu).unwrap());
    let found = numbers(&value(&summed.bound(&data, &mut Noise::seeded(1), &BoundOptions::default()).unwrap()));
    let mut wanted = vec![0.0; 2];
    for (class, bits) in (0..3).flat_map(|class| (0..4).map(move |bits| (class, bits))) {
        let mut noise = Noise::seeded(1);
        let near = |yes: bool| if yes { 1.0 - 1e-9 } else { 1e-9 };
        let y: Vec<f64> = (0..6).map(|at| near(at % 3 == class)).collect();
        // A bit is 1 if the noise is below its probability.
        let w: Vec<f64> = (0..4).map(|at| near(bits >> (at % 2) & 1 == 0)).collect();
        noise.record("y", Tensor::from_vec(y, (2, 3), &Device::Cpu).unwrap());
        noise.record("w", Tensor::from_vec(w, (2, 2), &Device::Cpu).unwrap());
        let terms = drawn.bound(&data, &mut noise, &BoundOptions::default()).unwrap();
        let log_q = (&terms.scores[0].log_q + &terms.scores[1].log_q).unwrap();
        let parts = numbers(&(log_q.exp().unwrap() * value(&terms)).unwrap());
        wanted.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
    }
    // Rounding of sums in f64.
    close(&found, &wanted, 1e-10, "bound");
}
