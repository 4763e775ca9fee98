//! Draws of discrete latents in the bound: sums over values are exact, scores are unbiased, relaxations become the discrete
//! draw, and what hangs on such draws is trained.

use srvae::dist::{Categorical, Distribution, LogisticMixture, Through};
use srvae::interpret;
use srvae::params::Phase;
use srvae::{BoundOptions, DType, Device, Model, Noise, Params, Result, Settings, Tensor, TermKind, Terms, Values};

const BATCH: usize = 3;
const CLASSES: usize = 4;

/// Classes between what is behind them and the data, and a continuous latent that hangs on them.
fn classes(draw: &str) -> String {
    format!(
        "model m\nobserved x: binary[6]\nlatent y: label[{CLASSES}]\nlatent z: real[2]\np(z) = standard_normal\n\
         p(y | z) = categorical from z |> linear\np(x | y, z) = bernoulli from concat(y, z) |> linear\n\
         q(y | x) = categorical from x |> linear\nq(z | x, y) = normal from concat(x, y) |> linear\ndraw y = {draw}\n"
    )
}

/// Three bits and nothing else that is drawn: eight values.
fn bits(draw: &str) -> String {
    format!(
        "model m\nobserved x: binary[6]\ngiven c: real[2]\nlatent y: binary[3]\np(y | c) = bernoulli from c |> linear\n\
         p(x | y) = bernoulli from y |> linear\nq(y | x) = bernoulli from x |> linear\ndraw y = {draw}\n"
    )
}

fn build(text: &str) -> Box<dyn Model> {
    let params = Params::new(3, DType::F64, &Device::Cpu);
    interpret::builder("m.pgm", text).build(&Settings::new(), &params).unwrap()
}

/// Moves every parameter a little, the same for every model that has them.
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

/// The terms where y is made to be this value, with the same noise for everything else.
fn at_class(model: &dyn Model, class: usize, z: &Tensor, options: &BoundOptions) -> Terms {
    let mut noise = Noise::seeded(1);
    // The noise that makes a class win whatever its probability.
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

/// The gradient of every parameter by name, zeros where there is none.
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
                true => terms.scores[0].exp()? * value(terms),
                // The mean of the weights over the classes that could be drawn.
                false => (&terms.scores[0] + value(terms))?.exp(),
            }
        };
        let all = each.iter().map(|terms| part(terms).unwrap()).reduce(|sum, part| (sum + part).unwrap()).unwrap();
        let wanted = if options == BoundOptions::default() { all } else { all.log().unwrap() };
        close(&numbers(&found), &numbers(&wanted), 1e-10, "bound");
        let (ours, theirs) = (
            gradients(summed.as_ref(), &found.sum_all().unwrap()),
            gradients(drawn.as_ref(), &wanted.sum_all().unwrap()),
        );
        for ((name, ours), (other, theirs)) in ours.iter().zip(&theirs) {
            assert_eq!(name, other);
            close(ours, theirs, 1e-9, name);
            // With weights, the sum over the classes is over what p says of them: q(y | x) cancels.
            let cancels = options != BoundOptions::default() && name.starts_with("q_y.");
            assert!(cancels || theirs.iter().any(|value| *value != 0.0), "{name}");
        }
    }
    // With several samples, a number for each; and the terms are the same whatever else is in the batch.
    let terms = summed.bound(&data(), &mut Noise::seeded(1), &BoundOptions { samples: 5, ..BoundOptions::default() });
    assert!(terms.unwrap().terms.iter().all(|term| term.value.dims() == [5, BATCH]));
}

/// Enumerated together: every combination of two variables, one below the other.
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
        // A bit is 1 where the noise is below its probability.
        let w: Vec<f64> = (0..4).map(|at| near(bits >> (at % 2) & 1 == 0)).collect();
        noise.record("y", Tensor::from_vec(y, (2, 3), &Device::Cpu).unwrap());
        noise.record("w", Tensor::from_vec(w, (2, 2), &Device::Cpu).unwrap());
        let terms = drawn.bound(&data, &mut noise, &BoundOptions::default()).unwrap();
        let log_q = (&terms.scores[0] + &terms.scores[1]).unwrap();
        let parts = numbers(&(log_q.exp().unwrap() * value(&terms)).unwrap());
        wanted.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
    }
    close(&found, &wanted, 1e-10, "bound");
}

/// Gradients along two directions: that of the exact gradient, and a random one.
fn along(gradients: &[(String, Vec<f64>)], exact: &[(String, Vec<f64>)]) -> [f64; 2] {
    let mut noise = Noise::seeded(23);
    let mut sums = [0.0; 2];
    for ((name, gradient), (_, exact)) in gradients.iter().zip(exact) {
        let random = numbers(&noise.normal(name, &[exact.len()], DType::F64, &Device::Cpu).unwrap());
        for ((value, exact), random) in gradient.iter().zip(exact).zip(random) {
            sums[0] += value * exact;
            sums[1] += value * random;
        }
    }
    sums
}

/// Means and standard errors of the score's gradient over `draws` draws, held against the exact one.
fn unbiased(draws: u64, samples: usize, importance: bool, exact: &dyn Fn(&dyn Model) -> Tensor) {
    let (summed, drawn) = (build(&bits("enumerate")), build(&bits("score")));
    [&summed, &drawn].iter().for_each(|model| moved(model.as_ref()));
    let truth = match importance {
        false => gradients(summed.as_ref(), &exact(summed.as_ref())),
        true => gradients(drawn.as_ref(), &exact(drawn.as_ref())),
    };
    let wanted = along(&truth, &truth);
    let options = if importance {
        BoundOptions::importance(samples)
    } else {
        BoundOptions { samples, ..BoundOptions::default() }
    };
    let mut seen: [Vec<f64>; 2] = Default::default();
    let mut plain = [0.0; 2];
    for seed in 0..draws {
        let terms = drawn.bound(&data(), &mut Noise::seeded(seed), &options).unwrap();
        let gain = value(&terms);
        let objective = match importance {
            true => log_mean_exp(&gain),
            false => gain.mean(0).unwrap(),
        };
        let score = terms.score(&gain, importance).unwrap().unwrap();
        close(&numbers(&score), &[0.0; BATCH], 0.0, "the value of the score's term");
        let without = along(&gradients(drawn.as_ref(), &objective.sum_all().unwrap()), &truth);
        let whole = (objective + score).unwrap().sum_all().unwrap();
        let found = along(&gradients(drawn.as_ref(), &whole), &truth);
        (0..2).for_each(|at| {
            seen[at].push(found[at]);
            plain[at] += without[at] / draws as f64;
        });
    }
    for (at, seen) in seen.iter().enumerate() {
        let mean = seen.iter().sum::<f64>() / draws as f64;
        let variance = seen.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (draws - 1) as f64;
        let error = (variance / draws as f64).sqrt();
        println!("K = {samples}: {mean:.4} ± {error:.4} for {:.4}, without the score {:.4}", wanted[at], plain[at]);
        assert!((mean - wanted[at]).abs() < 4.0 * error, "K = {samples}: {mean} ± {error} for {}", wanted[at]);
    }
    // The gradient that ignores how draws are distributed is far from it.
    assert!((plain[0] - wanted[0]).abs() > 0.1 * wanted[0]);
}

fn log_mean_exp(values: &Tensor) -> Tensor {
    (values.exp().unwrap().mean(0).unwrap()).log().unwrap()
}

#[test]
fn the_score_is_unbiased() {
    let exact = |model: &dyn Model| {
        let terms = model.bound(&data(), &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
        value(&terms).sum_all().unwrap()
    };
    // Four standard errors: chance goes beyond them one time in 16,000.
    unbiased(4000, 1, false, &exact);
    unbiased(2000, 4, false, &exact);
}

/// The same for the bound by two samples, whose expectation is a sum over pairs of values.
#[test]
fn the_score_of_importance_weights_is_unbiased() {
    let exact = |model: &dyn Model| {
        let each = (0..8).map(|value| {
            let mut noise = Noise::seeded(1);
            let near = |at: usize| if value >> (at % 3) & 1 == 1 { 1e-9 } else { 1.0 - 1e-9 };
            let uniform: Vec<f64> = (0..BATCH * 3).map(near).collect();
            noise.record("y", Tensor::from_vec(uniform, (BATCH, 3), &Device::Cpu).unwrap());
            model.bound(&data(), &mut noise, &BoundOptions::importance(1)).unwrap()
        });
        let each: Vec<(Tensor, Tensor)> = each.map(|terms| (terms.scores[0].clone(), value(&terms))).collect();
        let mut sum = Tensor::zeros((1, BATCH), DType::F64, &Device::Cpu).unwrap();
        for ((one_q, one), (other_q, other)) in each.iter().flat_map(|one| each.iter().map(move |other| (one, other))) {
            let pair = log_mean_exp(&Tensor::cat(&[one, other], 0).unwrap()).unsqueeze(0).unwrap();
            let probability = (one_q + other_q).unwrap().exp().unwrap();
            sum = (sum + (probability * pair).unwrap()).unwrap();
        }
        sum.sum_all().unwrap()
    };
    unbiased(3000, 2, true, &exact);
}

#[test]
fn relaxed_draws_become_the_discrete_ones() {
    let normal = |shape: &[usize]| Noise::seeded(4).normal("", shape, DType::F64, &Device::Cpu).unwrap();
    let far = |hard: &Tensor, soft: &Tensor| {
        (hard - soft).unwrap().abs().unwrap().flatten_all().unwrap().mean(0).unwrap().to_scalar::<f64>().unwrap()
    };
    let distributions: [(Box<dyn Distribution>, f64); 3] = [
        (Box::new(Categorical::from_head(&normal(&[50, 6])).unwrap()), 0.01),
        (Box::new(srvae::dist::Bernoulli::from_head(&normal(&[50, 6])).unwrap()), 0.01),
        // The relaxed value is not rounded: half a step of the grid remains.
        (Box::new(LogisticMixture::from_head(&normal(&[4, 30, 5, 5]), 3).unwrap()), 0.5 / 255.0 + 0.002),
    ];
    for (distribution, least) in distributions {
        let draw = |through: Option<Through>| match through {
            Some(through) => distribution.sample_through("v", &mut Noise::seeded(9), through).unwrap(),
            None => distribution.sample("v", &mut Noise::seeded(9), &srvae::Draw::default()).unwrap(),
        };
        let hard = draw(None);
        let errors = [1.0, 0.1, 0.01, 0.001].map(|temperature| far(&hard, &draw(Some(Through::Relaxed(temperature)))));
        assert!(errors.windows(2).all(|pair| pair[1] <= pair[0]) && errors[3] < least, "{errors:?}");
        assert!(errors[0] > 0.01, "{errors:?}");
        // Straight through, the value is the draw itself.
        assert!(far(&hard, &draw(Some(Through::Straight))) < 1e-12);
    }
}

/// Straight through, the gradient is that of the mean; a relaxed draw's is its slope.
#[test]
fn gradients_pass_through_draws() {
    let logits =
        candle_core::Var::from_tensor(&Noise::seeded(4).normal("", &[1, 3], DType::F64, &Device::Cpu).unwrap())
            .unwrap();
    let weights = Tensor::new(&[[2.0, -1.0, 0.5]], &Device::Cpu).unwrap();
    let objective = |through: Through| {
        let categorical = Categorical::from_head(&logits).unwrap();
        let drawn = categorical.sample_through("v", &mut Noise::seeded(9), through).unwrap();
        (drawn * &weights).unwrap().sum_all().unwrap()
    };
    let gradient = |objective: &Tensor| numbers(objective.backward().unwrap().get(&logits).unwrap());
    let mean = {
        let exp = logits.exp().unwrap();
        (exp.broadcast_div(&exp.sum_keepdim(1).unwrap()).unwrap() * &weights).unwrap().sum_all().unwrap()
    };
    close(&gradient(&objective(Through::Straight)), &gradient(&mean), 1e-12, "straight through");
    let found = gradient(&objective(Through::Relaxed(0.7)));
    let value = |at: usize, step: f64| {
        let direction =
            Tensor::from_vec((0..3).map(|it| if it == at { step } else { 0.0 }).collect(), (1, 3), &Device::Cpu);
        let before = logits.as_tensor().copy().unwrap();
        logits.set(&(&before + direction.unwrap()).unwrap()).unwrap();
        let value = objective(Through::Relaxed(0.7)).to_scalar::<f64>().unwrap();
        logits.set(&before).unwrap();
        value
    };
    let slopes: Vec<f64> = (0..3).map(|at| (value(at, 1e-5) - value(at, -1e-5)) / 2e-5).collect();
    close(&found, &slopes, 1e-6, "relaxed");
}

/// Parameters far out have gradients that are numbers: nothing becomes 0 · ∞.
#[test]
fn extreme_parameters_have_finite_gradients() {
    // Weights, means, log-scales and coefficients of two components over three channels.
    let kinds = [(2, 200.0), (6, 1e4), (6, 300.0), (6, 50.0)];
    for (at, sign) in (0..kinds.len()).flat_map(|at| [1.0, -1.0].map(|sign| (at, sign))) {
        let head: Vec<f32> = kinds
            .iter()
            .enumerate()
            .flat_map(|(kind, (count, extreme))| vec![if kind == at { sign * extreme } else { 0.3 }; *count])
            .collect();
        let head =
            candle_core::Var::from_tensor(&Tensor::from_vec(head, (1, 20, 1, 1), &Device::Cpu).unwrap()).unwrap();
        let bits = candle_core::Var::from_tensor(&Tensor::new(&[[sign * 1e4f32, 0.0]], &Device::Cpu).unwrap()).unwrap();
        for through in [Through::Relaxed(0.5), Through::Straight] {
            let pixels = LogisticMixture::from_head(&head, 2).unwrap();
            let pixels = pixels.sample_through("v", &mut Noise::seeded(9), through).unwrap();
            let binary = srvae::dist::Bernoulli::from_head(&bits).unwrap();
            let binary = binary.sample_through("v", &mut Noise::seeded(9), through).unwrap();
            for (value, var) in [(pixels, &head), (binary, &bits)] {
                let gradient = value.sum_all().unwrap().backward().unwrap().get(var).unwrap().clone();
                let all = Tensor::cat(&[value.flatten_all().unwrap(), gradient.flatten_all().unwrap()], 0).unwrap();
                let all = all.to_vec1::<f32>().unwrap();
                assert!(all.iter().all(|number| number.is_finite()), "kind {at}, sign {sign}, {through:?}: {all:?}");
            }
        }
    }
}

/// Thirty steps of the paper's equation 5: q(y | x) moves and the bound rises.
#[test]
fn equation_five_is_trained() {
    let file =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../srvae-dsl/tests/corpus/good/equation_five.pgm");
    let text = std::fs::read_to_string(file).unwrap();
    for method in ["straight_through", "score", "relaxed(temperature: 0.5)"] {
        let params = Params::new(3, DType::F32, &Device::Cpu);
        let text = text.replace("draw y = straight_through", &format!("draw y = {method}"));
        let model = interpret::builder("equation_five.pgm", &text).build(&Settings::new(), &params).unwrap();
        // Pictures of one colour each, with a slope.
        let pixel = |at: usize| {
            let (picture, channel, place) = (at / 768, at / 256 % 3, at % 256);
            f64::from(((picture * 37 + channel * 50 + place / 16 * 4) % 256) as u8) / 255.0
        };
        let x: Vec<f64> = (0..4 * 768).map(pixel).collect();
        let x = Tensor::from_vec(x, (4, 3, 16, 16), &Device::Cpu).unwrap().to_dtype(DType::F32).unwrap();
        let data = Values::new().with("x", x);
        params.set_phase(Phase::Initialisation);
        model.bound(&data, &mut Noise::seeded(0), &BoundOptions::default()).unwrap();
        params.set_phase(Phase::Training);
        let before: Vec<(String, Tensor)> =
            params.entries().into_iter().map(|(name, var)| (name, var.as_tensor().copy().unwrap())).collect();
        let (mut first, mut second) = (vec![None; before.len()], vec![None; before.len()]);
        let (mut divergences, mut bounds) = (Vec::new(), Vec::new());
        for step in 1..=30u64 {
            let terms = model.bound(&data, &mut Noise::seeded(step), &BoundOptions::default()).unwrap();
            let of = |name: &str| terms.terms.iter().find(|term| term.name == name).unwrap();
            assert_eq!(of("KL_y").kind, TermKind::Kl);
            divergences.push(of("KL_y").value.mean_all().unwrap().to_scalar::<f32>().unwrap());
            let gain = value(&terms);
            bounds.push(gain.mean_all().unwrap().to_scalar::<f32>().unwrap());
            let mut loss = gain.mean_all().unwrap().neg().unwrap();
            if let Some(score) = terms.score(&gain, false).unwrap() {
                loss = (loss - score.mean_all().unwrap()).unwrap();
            }
            let gradients = loss.backward().unwrap();
            for (at, (name, var)) in params.entries().into_iter().enumerate() {
                let Some(gradient) = gradients.get(&var) else { panic!("{name} has no gradient with {method}") };
                let size = gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
                assert!(size.is_finite(), "{name} at step {step} with {method}: {bounds:?} {divergences:?}");
                adam(&var, gradient, &mut first[at], &mut second[at], step as i32).unwrap();
            }
            params.touch();
        }
        let mut moved = 0.0;
        for ((name, var), (_, before)) in
            params.entries().iter().zip(&before).filter(|((name, _), _)| name.starts_with("q_y."))
        {
            let step =
                (var.as_tensor() - before).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(step > 0.0, "{name}");
            moved += step;
        }
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        let ends = |values: &[f32]| (mean(&values[..5]), mean(&values[25..]));
        let ((kl_before, kl_after), (before, after)) = (ends(&divergences), ends(&bounds));
        println!(
            "{method}: KL_y {kl_before:.1} to {kl_after:.1}, bound {before:.1} to {after:.1}, q_y moved by {:.3}",
            moved.sqrt()
        );
        assert!(after > before, "{method}: {divergences:?} {bounds:?}");
    }
}

/// A step of Adam at a rate of 0.005.
fn adam(
    var: &candle_core::Var,
    gradient: &Tensor,
    first: &mut Option<Tensor>,
    second: &mut Option<Tensor>,
    step: i32,
) -> Result<()> {
    let gradient = gradient.detach();
    let mix = |old: &Option<Tensor>, new: Tensor, keep: f64| -> Result<Tensor> {
        match old {
            Some(old) => (old * keep)? + (new * (1.0 - keep))?,
            None => new * (1.0 - keep),
        }
    };
    *first = Some(mix(first, gradient.clone(), 0.9)?);
    *second = Some(mix(second, gradient.sqr()?, 0.999)?);
    let (Some(first), Some(second)) = (first, second) else { return Ok(()) };
    let (mean, scale) = ((&*first / (1.0 - 0.9f64.powi(step)))?, (&*second / (1.0 - 0.999f64.powi(step)))?.sqrt()?);
    var.set(&(var.as_tensor() - ((mean / (scale + 1e-8)?)? * 0.005)?)?)
}
