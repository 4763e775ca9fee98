//! Distributions integrate to one, draws follow them, closed forms agree with averages, gradients agree with finite
//! differences, and nothing is broadcast into a log-probability.

use super::catalogue::{Case, batch, distributions, enumerable, named, repeated, values};
use super::support::{list, normal, params, slopes};
use anyhow::{Context, Result, ensure};
use srvae::dist::{Distribution, Head, Normal, StandardNormal, divergence};
use srvae::entries::{
    DISTRIBUTIONS, Distribution as Entry, Least, Make, Natural, Space, closed_forms, distribution, space_entry,
};
use srvae::{DType, Device, Draw, Noise, Tensor};

fn each(cases: Vec<Case>, law: impl Fn(&Case) -> Result<()>) -> Result<()> {
    for case in cases {
        law(&case).map_err(|error| error.context(case.name.clone()))?;
    }
    Ok(())
}

/// The grid over a case's space: its values, and the mass around each, for one setting of the natural parameters.
fn grid(case: &Case, seed: u64) -> Result<(Vec<f64>, Vec<f64>)> {
    let grid = space_entry(case.space).grid;
    let values = (grid.rows)();
    let size = case.shape.iter().product::<usize>();
    let rows = values.len() / size;
    let points = Tensor::from_vec(values.clone(), batch(rows, &case.shape), &Device::Cpu)?;
    let density = list(&case.rows(seed, rows)?.log_prob(&points)?.exp()?)?;
    let masses = values.chunks(size).zip(density).map(|(row, density)| density * (grid.measure)(row));
    let masses = masses.collect();
    Ok((values, masses))
}

/// The sum over a grid, and its possible distance from the integral. If a density has a jump or a kink, sums over every
/// third point depend on where they begin; otherwise they agree.
fn integral(case: &Case, each: &[f64]) -> (f64, f64) {
    let thirds = [0, 1, 2].map(|first| each[first.min(each.len())..].iter().step_by(3).sum::<f64>() * 3.0);
    let spread = thirds.iter().fold(f64::MIN, |a, b| a.max(*b)) - thirds.iter().fold(f64::MAX, |a, b| a.min(*b));
    (each.iter().sum(), if space_entry(case.space).discrete { 0.0 } else { spread })
}

#[test]
fn densities_add_up_to_one() -> Result<()> {
    each(enumerable()?, |case| {
        let masses = grid(case, 1)?.1;
        let (total, kink) = integral(case, &masses);
        // Rounding of a sum of some ten thousand masses, and the accuracy of the density itself.
        ensure!((total - 1.0).abs() < 1e-9 + case.entry.error + kink, "{total}, give or take {kink}");
        Ok(())
    })
}

/// A training that has gone wrong must show it in the bound, with the kernels for f32 as in f64.
#[test]
fn no_density_swallows_a_value_that_is_no_number() -> Result<()> {
    let mut swallowed = Vec::new();
    for case in distributions() {
        for dtype in [DType::F32, DType::F64] {
            let Some(head) = case.natural(1)? else { continue };
            let value = values(2, case.space, 1, &case.shape)?.to_dtype(dtype)?;
            for (what, head) in [("numbers", head.clone()), ("NaN", (head * f64::NAN)?)] {
                let found = list(&case.make(Some(&head.to_dtype(dtype)?), 1)?.log_prob(&value)?)?;
                if found[0].is_nan() != (what == "NaN") {
                    swallowed.push(format!("{} of {what} in {dtype:?}: {}", case.name, found[0]));
                }
            }
        }
    }
    ensure!(swallowed.is_empty(), "{}", swallowed.join("\n"));
    Ok(())
}

/// Just above the least scale, a stated scale has a finite density at a distance of 1 in single precision. Below it, the density
/// overflows or is that of the least scale, as the entry says.
#[test]
fn a_stated_scale_has_a_density_from_the_least_one_on() -> Result<()> {
    let mut kinds = [0, 0];
    for case in enumerable()? {
        let Some(least) = case.entry.least_scale() else { continue };
        let Make::Head(make) = case.entry.make else { continue };
        let density = |scale: f64| -> Result<Vec<f64>> {
            let logarithm = |name: &str| match name {
                "log_var" => 2.0 * scale.ln(),
                "log_std" | "log_scale" => scale.ln(),
                _ => 0.0,
            };
            let channels = |one: &Natural| vec![logarithm(one.name) as f32; (one.channels)(&case.arguments, 1)];
            let head: Vec<f32> = case.entry.natural.iter().flat_map(channels).collect();
            let size = case.shape.iter().product::<usize>();
            let numbers: Vec<f32> = head.iter().flat_map(|one| vec![*one; size]).collect();
            let mut shape = batch(1, &case.shape);
            shape[1] *= head.len();
            let head = Head::given(&Tensor::from_vec(numbers, shape, &Device::Cpu)?, u32::MAX);
            let one = make(&head, &case.arguments)?;
            let ends = case.space == Space::Image;
            let value = |at: f32| Tensor::full(at, batch(1, &case.shape), &Device::Cpu);
            let mut found = list(&one.log_prob(&value(1.0)?)?)?;
            if !ends {
                found.extend(list(&one.log_prob(&value(-1.0)?)?)?);
            }
            Ok(found)
        };
        let (above, below, far) =
            (density(least.scale() * 1.05)?, density(least.scale() * 0.5)?, density(least.scale() * 0.01)?);
        ensure!(above.iter().all(|log| log.is_finite()), "{}: {above:?}", case.name);
        match least {
            Least::Held(_) => {
                ensure!(below == far && below.iter().all(|log| log.is_finite()), "{}: {below:?} {far:?}", case.name);
                kinds[0] += 1;
            }
            Least::Squares(_) => {
                ensure!(far.iter().all(|log| !log.is_finite()), "{}: {far:?}", case.name);
                kinds[1] += 1;
            }
        }
    }
    ensure!(kinds[0] >= 5 && kinds[1] >= 2, "{kinds:?}");
    Ok(())
}

/// A bound on the difference between the mean of pixels and that of their unrounded values. The mean of a value in [0, 1] is 1 minus
/// the integral of its distribution function; the mean of the rounded value has the midpoint rule's sum in place of the integral. The
/// error of that rule is at most step² / 8 times the total variation of the density, and a mass is the density times the step.
fn rounding(case: &Case, masses: &[f64]) -> f64 {
    // All values beyond an end are in the last bin there.
    match (case.space, masses) {
        (Space::Image, [_, inside @ .., _]) => {
            inside.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum::<f64>() / 8.0 / 255.0
        }
        _ => 0.0,
    }
}

/// The mean is the average of the values weighted with their density. A distribution whose distant values contribute as much as the
/// central ones has no mean.
#[test]
fn means_are_averages() -> Result<()> {
    let without = std::cell::Cell::new(0);
    each(enumerable()?, |case| {
        let ((points, masses), means) = (grid(case, 6)?, list(&case.rows(6, 1)?.mean()?)?);
        let values = |at: usize| points.chunks(means.len()).map(move |point| point[at]).zip(&masses);
        let far = values(0).filter(|(value, _)| value.abs() > 1e6).map(|(value, mass)| value.abs() * mass).sum::<f64>();
        if far > 1e-3 {
            without.set(without.get() + 1);
            return Ok(());
        }
        for (at, mean) in means.iter().enumerate() {
            let each: Vec<f64> = values(at).map(|(value, mass)| value * mass).collect();
            let (average, kink) = integral(case, &each);
            // As for the densities' sums, in proportion to the size of the values.
            let size: f64 = each.iter().map(|value| value.abs()).sum();
            let off = (1e-9 + case.entry.error) * size + rounding(case, &masses) + kink;
            ensure!(
                (average - mean).abs() < off,
                "value {at} is {average} ± {off} on average, the mean is said to be {mean}"
            );
        }
        Ok(())
    })?;
    ensure!(without.get() <= 1, "{} distributions are said to have no mean", without.get());
    Ok(())
}

const DRAWS: usize = 40_000;
const BINS: usize = 50;

/// Pearson's statistic of draws against probabilities, over bins with at least five expected draws. It is within six
/// standard deviations of the degrees of freedom, except for one seed in 10⁸.
fn follows(counts: &[f64], probabilities: &[f64]) -> Result<()> {
    let draws: f64 = counts.iter().sum();
    let bins: Vec<_> = counts.iter().zip(probabilities).filter(|(_, p)| *p * draws >= 5.0).collect();
    let statistic: f64 = bins.iter().map(|(count, p)| (*count - *p * draws).powi(2) / (*p * draws)).sum();
    let freedom = bins.len() as f64;
    ensure!(statistic < freedom + 6.0 * (2.0 * freedom).sqrt(), "{statistic} for {freedom} degrees of freedom");
    Ok(())
}

#[test]
fn draws_follow_their_density() -> Result<()> {
    each(enumerable()?, |case| {
        let entry = space_entry(case.space);
        let drawn = list(&case.rows(2, DRAWS)?.sample("v", &mut Noise::seeded(5), &Draw::default())?)?;
        let size = case.shape.iter().product::<usize>();
        ensure!(drawn.len() == DRAWS * size, "{} values", drawn.len());
        let wrong = drawn.chunks(size).find_map(entry.misfit);
        ensure!(wrong.is_none(), "a draw {}", wrong.unwrap_or_default());
        let (points, masses) = grid(case, 2)?;
        // The bin of each point of the grid: one per value, or for a continuous space one of many bins with equal mass.
        let mut below = 0.0;
        let bins = masses.iter().enumerate().map(|(at, mass)| {
            below += mass;
            if entry.discrete { at } else { (((below - mass / 2.0) * BINS as f64) as usize).min(BINS - 1) }
        });
        let bins: Vec<usize> = bins.collect();
        let mut probabilities = vec![0.0; bins.iter().max().map_or(0, |most| most + 1)];
        bins.iter().zip(&masses).for_each(|(bin, mass)| probabilities[*bin] += mass);
        let mut counts = vec![0.0; probabilities.len()];
        let rising: Vec<f64> = points.chunks(size).map(|point| point[0]).collect();
        let is_rising = rising.is_sorted();
        for value in drawn.chunks(size) {
            let at = if entry.discrete {
                // Values of a discrete space are much further apart.
                let near = |row: &[f64]| row.iter().zip(value).all(|(a, b)| (a - b).abs() < 1e-6);
                points.chunks(size).position(near)
            } else if !is_rising {
                let distance = |row: &[f64]| row.iter().zip(value).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
                let distances = points.chunks(size).map(distance).enumerate();
                distances.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
            } else {
                // Points are in ascending order; the nearer one of the two around the value.
                let first = |at: usize| rising[at];
                let above = rising.partition_point(|point| *point < value[0]);
                let above = above.clamp(1, bins.len() - 1);
                Some(if value[0] - first(above - 1) < first(above) - value[0] { above - 1 } else { above })
            };
            let Some(at) = at else { anyhow::bail!("{value:?} is not a value of the space") };
            counts[bins[at]] += 1.0;
        }
        follows(&counts, &probabilities)
    })
}

/// The closed form is within five standard errors of the average of log q − log p over draws from q.
#[test]
fn closed_forms_agree_with_averages() -> Result<()> {
    let mut seen = 0;
    for entry in DISTRIBUTIONS.iter().filter(|entry| !entry.atoms) {
        for name in closed_forms(entry).map(|p| p.name) {
            let (space, other) = (entry.spaces[0], distribution(name).context("no such distribution")?);
            // The largest shape of an example that fits both.
            let shapes = entry.examples.iter().chain(other.examples).map(|example| example.inputs[0]);
            let fits = |of: &Entry, shape: &[usize]| {
                of.examples.first().is_some_and(|example| (of.fits)(&(example.arguments)(), shape).is_ok())
            };
            let shapes = shapes.filter(|shape| fits(entry, shape) && fits(other, shape));
            let shape = shapes.max_by_key(|shape| shape.iter().product::<usize>()).context("no common shape")?;
            let (q, p) = (named(entry.name, space, shape)?, named(name, space, shape)?);
            let (of_q, of_p) = (q.rows(1, DRAWS)?, p.rows(2, DRAWS)?);
            let v = of_q.sample("v", &mut Noise::seeded(10), &Draw::default())?;
            let exact = list(&divergence(&of_q, &of_p)?)?[0];
            let each = list(&(of_q.log_prob(&v)? - of_p.log_prob(&v)?)?)?;
            let mean = each.iter().sum::<f64>() / DRAWS as f64;
            let variance = each.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / DRAWS as f64;
            let error = (variance / DRAWS as f64).sqrt();
            let pair = format!("KL({} ‖ {name})", entry.name);
            ensure!((mean - exact).abs() < 5.0 * error, "{pair}: {mean} on average, exactly {exact}");
            ensure!(exact > 0.0, "{pair}: {exact}");
            if name == entry.name {
                // Rounding of a few terms that cancel.
                ensure!(list(&divergence(&of_q, &of_q)?)?[0].abs() < 1e-12, "{pair} of a distribution from itself");
            }
            if let (Some(head), p) = (q.natural(3)?, p.rows(4, 1)?) {
                slopes(&params(), &head, |head| Ok(divergence(&q.make(Some(head), 1)?, &p)?))
                    .map_err(|error| error.context(pair))?;
            }
            seen += 1;
        }
    }
    ensure!(seen >= 2, "{seen} pairs");
    Ok(())
}

/// The closed form is the sum of q (ln q − ln p) over the space's grid, as exactly as densities add up to one there.
#[test]
fn closed_forms_are_sums() -> Result<()> {
    let mut seen = 0;
    for q in enumerable()? {
        for name in closed_forms(q.entry).map(|p| p.name) {
            let (p, (points, masses)) = (named(name, q.space, &q.shape)?, grid(&q, 1)?);
            let rows = masses.len();
            let points = Tensor::from_vec(points, batch(rows, &q.shape), &Device::Cpu)?;
            let ratios = list(&(q.rows(1, rows)?.log_prob(&points)? - p.rows(2, rows)?.log_prob(&points)?)?)?;
            // Where double precision has no mass, the logarithm has no value.
            let each = masses.iter().zip(ratios).map(|(mass, ratio)| if *mass > 0.0 { mass * ratio } else { 0.0 });
            let (sum, kink) = integral(&q, &each.collect::<Vec<_>>());
            let exact = list(&divergence(&q.rows(1, 1)?, &p.rows(2, 1)?)?)?[0];
            let pair = format!("KL({} ‖ {name}) over {}", q.entry.name, q.space.name());
            ensure!((sum - exact).abs() < 1e-9 + q.entry.error + kink, "{pair}: {sum} as a sum, exactly {exact}");
            seen += 1;
        }
    }
    ensure!(seen >= 12, "{seen} pairs");
    Ok(())
}

#[test]
fn gradients_are_slopes() -> Result<()> {
    each(distributions(), |case| {
        let rows = 2;
        let value = values(11, case.space, rows, &case.shape)?;
        // Where these values are impossible, draws.
        let possible = |density: &dyn Distribution| -> Result<Tensor> {
            match list(&density.log_prob(&value)?)?.iter().all(|nats| nats.is_finite()) {
                true => Ok(value.clone()),
                false => Ok(density.sample("v", &mut Noise::seeded(14), &Draw::default())?),
            }
        };
        if let Some(head) = case.natural(12)? {
            let value = possible(&*case.make(Some(&repeated(&head, rows)?), rows)?)?;
            slopes(&params(), &repeated(&head, rows)?, |head| Ok(case.make(Some(head), rows)?.log_prob(&value)?))?;
        }
        if case.entry.continuous {
            let density = case.rows(13, rows)?;
            slopes(&params(), &possible(&*density)?, |value| Ok(density.log_prob(value)?))?;
        }
        Ok(())
    })
}

/// With fixed noise, a draw is a function of the natural parameters, and its gradient is that of this function.
#[test]
fn gradients_of_draws_are_slopes() -> Result<()> {
    let mut tried = 0;
    for case in distributions().iter().filter(|case| case.entry.reparameterised) {
        let Some(head) = case.natural(19)? else { continue };
        let weights = super::support::normal(20, &batch(1, &case.shape))?;
        slopes(&params(), &head, |head| {
            let drawn = case.make(Some(head), 1)?.sample("v", &mut Noise::seeded(21), &Draw::default())?;
            Ok((drawn * &weights)?)
        })
        .map_err(|error| error.context(case.name.clone()))?;
        tried += 1;
    }
    ensure!(tried > 10, "{tried} draws");
    Ok(())
}

/// The parameters of a distribution at a root are learned; the gradient of each agrees with finite differences.
#[test]
fn gradients_of_roots_are_slopes() -> Result<()> {
    each(distributions(), |case| {
        let srvae::entries::Make::Root(make) = case.entry.make else { return Ok(()) };
        let root = make(&case.params, &case.shape, &case.arguments)?;
        let held: usize = case.params.entries().iter().map(|(_, var)| var.elem_count()).sum();
        let said = (case.entry.count)(&case.arguments, &case.shape);
        ensure!(held as u64 == said, "{held} parameters, the catalogue says {said}");
        slopes(&case.params, &values(14, case.space, 2, &case.shape)?, |value| Ok(root.log_prob(value)?))
    })
}

#[test]
fn copies_of_a_batch_are_the_batch() -> Result<()> {
    each(distributions(), |case| {
        let (rows, samples) = (2, 3);
        let (one, value) = (case.rows(15, rows)?, values(16, case.space, rows, &case.shape)?);
        let copies = one.repeat(samples)?;
        let expected = srvae::ops::repeat(&one.log_prob(&value)?, samples)?;
        ensure!(list(&copies.log_prob(&srvae::ops::repeat(&value, samples)?)?)? == list(&expected)?);
        let wanted = batch(rows * samples, &case.shape);
        ensure!(copies.mode()?.dims() == wanted, "the mode has shape {:?}", copies.mode()?.dims());
        let drawn = copies.sample("v", &mut Noise::seeded(17), &Draw::default())?;
        ensure!(drawn.dims() == wanted, "a draw has shape {:?}", drawn.dims());
        Ok(())
    })
}

/// A value that could be broadcast to the right shape is an error that states its shape.
#[test]
fn a_value_that_would_broadcast_is_refused() -> Result<()> {
    each(distributions(), |case| {
        let mut wider = case.shape.clone();
        wider[0] += 1;
        let other_rows = case.head()?.is_some().then(|| batch(3, &case.shape));
        for shape in other_rows.into_iter().chain([batch(1, &wider)]) {
            let value = Tensor::zeros(shape.as_slice(), srvae::DType::F64, &Device::Cpu)?;
            let Err(error) = case.rows(18, 1)?.log_prob(&value) else { anyhow::bail!("{shape:?} was broadcast") };
            ensure!(error.to_string().contains(&format!("{shape:?}")), "{shape:?} is not named: {error}");
        }
        Ok(())
    })
}

/// With a temperature below one, a draw is nearer to the mean by this factor.
#[test]
fn a_temperature_is_a_factor_of_the_deviation() -> Result<()> {
    let root = StandardNormal::new(&params(), &[2, 3])?.expand(3)?;
    let head = Normal::from_head(&normal(1, &[3, 4])?)?;
    let all: [&dyn Distribution; 2] = [root.as_ref(), &head];
    for own in all {
        let draw = |temperature| -> Result<Vec<f64>> {
            list(&own.sample("z", &mut Noise::seeded(3), &Draw { temperature, ..Draw::default() })?)
        };
        let (mean, whole, part) = (list(&own.mean()?)?, draw(1.0)?, draw(0.25)?);
        ensure!(draw(0.0)? == mean && whole != part);
        for ((mean, whole), part) in mean.iter().zip(whole).zip(part) {
            // Rounding of one product.
            ensure!((mean + 0.25 * (whole - mean) - part).abs() < 1e-12, "{part} from {mean} and {whole}");
        }
    }
    Ok(())
}

/// Draws with the same noise at a temperature below one have a smaller variance. What a discrete choice within them adds, such as that of
/// a component, stays. A distribution that is the same in all directions has nothing to be narrowed to.
#[test]
fn a_temperature_below_one_narrows_what_is_continuous() -> Result<()> {
    let seen = std::cell::Cell::new(0);
    each(enumerable()?, |case| {
        if space_entry(case.space).discrete {
            return Ok(());
        }
        let variance = |temperature: f64| -> Result<f64> {
            let draw = Draw { temperature, ..Draw::default() };
            let drawn = case.rows(2, DRAWS)?.sample("v", &mut Noise::seeded(5), &draw)?;
            Ok(drawn.broadcast_sub(&drawn.mean_keepdim(0)?)?.sqr()?.mean_all()?.to_scalar()?)
        };
        let mean = list(&case.rows(2, 1)?.mean()?)?;
        if case.entry.on_surface && mean.iter().all(|value| *value == 0.0) {
            return Ok(());
        }
        let (narrow, whole) = (variance(0.25)?, variance(1.0)?);
        ensure!(narrow < 0.99 * whole, "{narrow} at a temperature of 0.25, {whole} at 1");
        seen.set(seen.get() + 1);
        Ok(())
    })?;
    ensure!(seen.get() >= 14, "{} continuous distributions", seen.get());
    Ok(())
}

/// The root that may be a factor of a product is the distribution of a head of zeros.
#[test]
fn the_root_of_a_product_has_a_head_of_zeros() -> Result<()> {
    let mut seen = 0;
    for case in distributions() {
        let Some(root) = case.entry.experts.and_then(|experts| experts.root) else { continue };
        let (rows, head) = (3, case.head()?.unwrap_or_default());
        let values = values(3, case.space, rows, &case.shape)?;
        let zeros = Tensor::zeros(batch(rows, &head), DType::F64, &Device::Cpu)?;
        let found = list(&case.make(Some(&zeros), rows)?.log_prob(&values)?)?;
        let wanted = list(&named(root, case.space, &case.shape)?.rows(1, rows)?.log_prob(&values)?)?;
        // Rounding of sums of a few numbers in double precision.
        ensure!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{root}: {found:?}, {wanted:?}");
        seen += 1;
    }
    ensure!(seen >= 1, "no distribution has a root among its experts");
    Ok(())
}

/// The density of a product of experts is the product of their densities, but for a factor that is the same for all values.
#[test]
fn a_product_multiplies_the_densities_of_its_experts() -> Result<()> {
    let cases = distributions().into_iter().filter(|case| case.entry.experts.is_some()).collect();
    each(cases, |case| {
        let rows = 5;
        let (Some(experts), Some(first), Some(second)) = (case.entry.experts, case.natural(1)?, case.natural(2)?)
        else {
            return Ok(());
        };
        // One row of the first head, which is that of every row.
        let (heads, values) =
            ([&first, &repeated(&second, rows)?].map(Head::from), values(3, case.space, rows, &case.shape)?);
        for present in [1.0, 0.0] {
            let presence = Tensor::full(present, rows, &Device::Cpu)?;
            let product = (experts.product)(&[(&heads[0], &[]), (&heads[1], &[&presence])], 0)?;
            let log = |head: &Tensor| list(&case.make(Some(&repeated(head, rows)?), rows)?.log_prob(&values)?);
            let (found, first, second) = (list(&product.log_prob(&values)?)?, log(&first)?, log(&second)?);
            let apart = (0..rows).map(|row| found[row] - first[row] - present * second[row]);
            let apart: Vec<f64> = apart.collect();
            // Rounding of sums of a few numbers in double precision.
            ensure!(apart.iter().all(|one| (one - apart[0]).abs() < 1e-12 * (1.0 + apart[0].abs())), "{apart:?}");
        }
        Ok(())
    })
}
