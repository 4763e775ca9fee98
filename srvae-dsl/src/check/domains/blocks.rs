//! What a block makes of what is known about its inputs.

use super::Found;
use crate::catalog::{Block, Domain};
use crate::graph::{Interval, Known, Node, Polynomial, Use, Value};
use std::ops::Range;

/// The output of the block at a position of the nodes, from what is known about those before.
pub fn of_block(block: &Use<Block>, nodes: &[Node], at: usize, before: &[Known]) -> Found {
    let node = &nodes[at];
    let inputs: Vec<&Known> = node.inputs.iter().map(|input| &before[input.0]).collect();
    let shapes: Vec<&[usize]> = node.inputs.iter().map(|input| nodes[input.0].shape.as_slice()).collect();
    let channels = node.shape.first().copied().unwrap_or_default();
    let all_level = inputs.iter().all(|input| input.is_level);
    let interval = match (block.entry.name, inputs.as_slice()) {
        ("multiply", [left, right]) if left.element == right.element => left.interval.power(2),
        ("matmul", [left, right]) => product(left, right, shapes[0]),
        ("sum", [of]) => of.sum.summed(shapes[0].iter().skip(1).product()),
        ("divide", [left, right]) => quotient(left, right),
        ("channels", [of]) => {
            of_range(of, range(block, channels)).map(|(_, piece)| piece).reduce(Interval::with).unwrap_or(of.interval)
        }
        _ => yields(block, &mut inputs.iter().map(|input| input.interval)),
    };
    let part = match (block.entry.name, inputs.as_slice()) {
        ("channels", [of]) => of.part.as_ref().map(|part| part.within(&range(block, channels))),
        _ => None,
    };
    let of_part = part.as_ref().map(|part| part.sum(!inputs[0].interval.contains(0.0)));
    Found {
        interval,
        element: of_part.clone().filter(|_| channels == 1).or_else(|| element(block, &inputs, &shapes)),
        is_level: matches!(block.entry.name, "filled" | "constant") || (all_level && LEVEL.contains(&block.entry.name)),
        total: of_part
            .or_else(|| total(block, &inputs, (channels, shapes.first().is_some_and(|shape| shape.len() == 2)))),
        sum: sum(block, &inputs, (channels, &shapes)),
        part,
        pieces: pieces(block, &inputs, channels),
    }
}

/// The channels that `channels` keeps.
fn range(block: &Use<Block>, channels: usize) -> Range<usize> {
    let from = match block.value("from") {
        Some(Value::Int(from)) => usize::try_from(*from).unwrap_or_default(),
        _ => 0,
    };
    from..from + channels
}

/// What is known of some channels: the end of each piece, counted from the first of them, and the interval.
fn of_range(of: &Known, range: Range<usize>) -> impl Iterator<Item = (usize, Interval)> {
    let starts = std::iter::once(0).chain(of.pieces.iter().map(|(end, _)| *end));
    let inside = of.pieces.iter().zip(starts).filter(move |((end, _), start)| *start < range.end && *end > range.start);
    inside.map(move |((end, piece), _)| (end.min(&range.end) - range.start, *piece))
}

/// Ranges of channels that are told apart.
fn pieces(block: &Use<Block>, inputs: &[&Known], channels: usize) -> Vec<(usize, Interval)> {
    match (block.entry.name, inputs) {
        ("concat", _) => {
            let mut start = 0;
            let mut all = Vec::new();
            for input in inputs {
                all.extend(input.pieces.iter().map(|(end, piece)| (start + end, *piece)));
                start = all.last().map_or(start, |(end, _)| *end);
            }
            all
        }
        ("channels", [of]) => of_range(of, range(block, channels)).collect(),
        _ => Vec::new(),
    }
}

/// Blocks that yield equal channels from equal channels.
const LEVEL: [&str; 21] = [
    "sigmoid",
    "tanh",
    "exp",
    "softplus",
    "relu",
    "leaky_relu",
    "elu",
    "gelu",
    "silu",
    "log",
    "log1p",
    "log_inverse",
    "log_square",
    "logit",
    "reciprocal",
    "multiply",
    "divide",
    "add",
    "subtract",
    "affine",
    "spread",
];

/// The product of matrices. If the elements of one of them are weights, it is their sum times an average: the columns of the right one,
/// or the left one if it is a vector.
fn product(left: &Known, right: &Known, shape: &[usize]) -> Interval {
    let inner = shape.last().copied().unwrap_or_default();
    let any = (left.interval * right.interval).summed(inner);
    let of_right = right.interval.is_not_negative().then(|| left.interval * right.sum);
    let of_left = (shape.len() == 1 && left.interval.is_not_negative()).then(|| right.interval * left.sum);
    [of_right, of_left].into_iter().flatten().fold(any, Interval::within)
}

/// A quotient. It is at most 1 if the divisor is known to be larger, also than the sum of the channels.
fn quotient(left: &Known, right: &Known) -> Interval {
    let any = left.interval / right.interval;
    if !left.interval.is_not_negative() || !right.interval.is_within(Domain::Positive) {
        return any;
    }
    let of_one = right.element.clone().minus(&left.element).bounds().shares();
    let of_all = right.element.clone().minus(&left.total).bounds();
    // One of several positive numbers is less than their sum.
    let is_less = of_all.is_not_negative() && left.interval.is_within(Domain::Positive) && !left.is_level;
    any.within(of_one).within(if is_less { Interval::open(0.0, 1.0) } else { of_all.shares() })
}

/// An element of the output as a polynomial, from those of the inputs at the same position.
fn element(block: &Use<Block>, inputs: &[&Known], shapes: &[&[usize]]) -> Option<Polynomial> {
    match (block.entry.name, inputs) {
        ("filled" | "constant", _) => Some(Polynomial::constant(number(block, "value"))),
        ("affine", [of]) => Some(of.element.clone().scaled(number(block, "scale"), number(block, "shift"))),
        ("spread", [of]) => Some(of.element.clone()),
        ("sum", [of]) if shapes[0].len() == 1 => Some(of.total.clone()),
        ("multiply", [first, rest @ ..]) => {
            let longest = |product: &Polynomial| !product.is_long();
            rest.iter()
                .try_fold(first.element.clone(), |product, one| Some(product.times(&one.element)).filter(longest))
        }
        ("divide", [left, right]) if left.element == right.element && is_never_zero(right.interval) => {
            Some(Polynomial::constant(1.0))
        }
        _ => linear(block, inputs, |known| Some(&known.element)),
    }
}

/// The sum over the channels, whose number is given with whether the first input is a matrix.
fn total(block: &Use<Block>, inputs: &[&Known], (channels, is_matrix): (usize, bool)) -> Option<Polynomial> {
    match (block.entry.name, inputs) {
        ("softmax", _) => Some(Polynomial::constant(1.0)),
        // The members of a set, or averages over positions, that all have the same sum.
        ("stack", [first, rest @ ..]) => {
            Some(first.total.clone()).filter(|sum| rest.iter().all(|one| one.total == *sum))
        }
        ("global_pool" | "downsample" | "upsample" | "resize", [of]) => of.total.number().map(Polynomial::constant),
        ("affine", [of]) => {
            Some(of.total.clone().scaled(number(block, "scale"), channels as f64 * number(block, "shift")))
        }
        ("spread", [of]) => Some(of.total.clone()),
        ("multiply", [left, right]) => {
            let product = |level: &Known, of: &Known| Some(level.level()?.times(&of.total));
            product(left, right).or_else(|| product(right, left))
        }
        ("divide", [left, right]) if right.level() == Some(&left.total) && is_never_zero(right.interval) => {
            Some(Polynomial::constant(1.0))
        }
        // Every column of the matrix has the same sum.
        ("matmul", [left, right]) if is_matrix => Some(right.total.clone().scaled(left.total.number()?, 0.0)),
        _ => linear(block, inputs, |known| Some(&known.total)),
    }
}

fn is_never_zero(of: Interval) -> bool {
    of.is_within(Domain::Positive) || (-of).is_within(Domain::Positive)
}

/// A sum, a difference or a quotient by a number, of what `part` takes from each input.
fn linear<'k>(
    block: &Use<Block>,
    inputs: &[&'k Known],
    part: impl Fn(&'k Known) -> Option<&'k Polynomial>,
) -> Option<Polynomial> {
    let (first, rest) = inputs.split_first()?;
    let first = part(first)?.clone();
    match block.entry.name {
        "add" => rest.iter().try_fold(first, |sum, one| Some(sum.plus(part(one)?))),
        "subtract" => rest.iter().try_fold(first, |left, one| Some(left.minus(part(one)?))),
        "divide" => rest.iter().try_fold(first, |whole, one| {
            let by = one.level()?.number().filter(|by| *by != 0.0)?;
            Some(whole.scaled(1.0 / by, 0.0))
        }),
        _ => None,
    }
}

/// The numbers between which the sum over the channels lies, beyond what follows from their number.
fn sum(block: &Use<Block>, inputs: &[&Known], (channels, shapes): (usize, &[&[usize]])) -> Interval {
    let own = |name: &str| Interval::closed(number(block, name), number(block, name));
    let sums = inputs.iter().map(|input| input.sum);
    match (block.entry.name, inputs) {
        // One divisor for all channels.
        ("divide", [left, right]) if right.is_level => {
            let any = left.sum / right.interval;
            match left.interval.is_not_negative() && right.interval.is_within(Domain::Positive) {
                true => any.within(right.element.clone().minus(&left.total).bounds().shares()),
                false => any,
            }
        }
        // Some of the numbers that were added.
        ("channels", [of]) if of.interval.is_not_negative() => of.sum.parts(),
        // An average with weights, times the sum of these.
        ("multiply", [left, right]) => {
            let product = |of: &Known, weights: &Known| match weights.interval.is_not_negative() {
                true => of.interval * weights.sum,
                false => Interval::ALL,
            };
            product(left, right).within(product(right, left))
        }
        ("affine", [of]) => own("scale") * of.sum + own("shift").summed(channels),
        ("concat" | "add", _) => sums.reduce(|sum, one| sum + one).unwrap_or(Interval::ALL),
        ("subtract", _) => sums.reduce(|rest, one| rest + -one).unwrap_or(Interval::ALL),
        ("spread", [of]) if shapes[0].first() == Some(&channels) => of.sum,
        ("stack" | "global_pool" | "downsample" | "upsample" | "resize", _) => {
            sums.reduce(Interval::with).unwrap_or(Interval::ALL)
        }
        _ => Interval::ALL,
    }
}

/// The numbers that a block yields from its inputs.
fn yields(block: &Use<Block>, inputs: &mut dyn Iterator<Item = Interval>) -> Interval {
    let own = |name: &str| Interval::closed(number(block, name), number(block, name));
    let mut fold = |of: fn(Interval, Interval) -> Interval| inputs.reduce(of).unwrap_or(Interval::ALL);
    match block.entry.name {
        "softmax" => Interval::open(0.0, 1.0),
        "sigmoid" => fold(Interval::with).mapped(|t| 1.0 / (1.0 + (-t).exp()), Interval::open(0.0, 1.0)),
        "tanh" => fold(Interval::with).mapped(f64::tanh, Interval::open(-1.0, 1.0)),
        "exp" => fold(Interval::with).mapped(f64::exp, Interval::POSITIVE),
        "softplus" => fold(Interval::with).mapped(|t| t.max(0.0) + (-t.abs()).exp().ln_1p(), Interval::POSITIVE),
        "relu" => fold(Interval::with).clamped(0.0, f64::INFINITY),
        "log" => logarithm(fold(Interval::with)),
        "log_inverse" => -logarithm(fold(Interval::with)),
        "log_square" => Interval::closed(2.0, 2.0) * logarithm(fold(Interval::with)),
        "log1p" => fold(Interval::with).clamped(0.0, f64::INFINITY).mapped(f64::ln_1p, Interval::NOT_NEGATIVE),
        "logit" => fold(Interval::with).clamped(1e-7, 1.0 - 1e-7).mapped(|t| (t / (1.0 - t)).ln(), Interval::ALL),
        "elu" => {
            fold(Interval::with).mapped(|t| if t > 0.0 { t } else { t.exp_m1() }, Interval::open(-1.0, f64::INFINITY))
        }
        "leaky_relu" => {
            let slope = number(block, "slope");
            let of = fold(Interval::with);
            // With a slope of 0, all negative numbers become 0.
            let of = if slope == 0.0 { of.clamped(0.0, f64::INFINITY) } else { of };
            of.mapped(|t| if t > 0.0 { t } else { slope * t }, Interval::ALL)
        }
        // Between 0 and the number, or a little below 0.
        "gelu" => gated(fold(Interval::with), LEAST_GELU),
        "silu" => gated(fold(Interval::with), LEAST_SILU),
        "direction" => Interval::closed(-1.0, 1.0),
        "reciprocal" => Interval::closed(1.0, 1.0) / fold(Interval::with),
        "filled" | "constant" => own("value"),
        "affine" => own("scale") * fold(Interval::with) + own("shift"),
        "add" => fold(|sum, one| sum + one),
        "subtract" => fold(|rest, one| rest + -one),
        "multiply" => fold(|product, one| product * one),
        "divide" => fold(|whole, one| whole / one),
        "upsample" | "downsample" | "resize" | "concat" | "reshape" | "flatten" | "spread" | "channels"
        | "set_pool" | "global_pool" | "avg_pool" | "max_pool" | "stack" => fold(Interval::with),
        _ => Interval::ALL,
    }
}

/// The least values of `gelu` and `silu`, rounded down.
const LEAST_GELU: f64 = -0.170_041;
const LEAST_SILU: f64 = -0.278_465;

/// The logarithm, with smaller numbers replaced by 1e-30.
fn logarithm(of: Interval) -> Interval {
    of.clamped(1e-30, f64::INFINITY).mapped(f64::ln, Interval::ALL)
}

/// t · g(t) for an increasing g between 0 and 1, which is at least `least`.
fn gated(of: Interval, least: f64) -> Interval {
    let product = of * Interval::open(0.0, 1.0);
    product.within(Interval::closed(least, f64::INFINITY))
}

/// The number of an argument.
pub fn number(block: &Use<Block>, name: &str) -> f64 {
    match block.value(name) {
        Some(Value::Real(value)) => *value,
        Some(Value::Int(_) | Value::Bool(_) | Value::Word(_)) | None => 0.0,
    }
}
