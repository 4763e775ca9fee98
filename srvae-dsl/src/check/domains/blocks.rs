//! What a block makes of what is known about its inputs.

use super::Found;
use crate::catalog::Block;
use crate::graph::{Interval, Known, Node, Polynomial, Use, Value};

/// The output of the block at a position of the nodes, from what is known about those before.
pub fn of_block(block: &Use<Block>, nodes: &[Node], at: usize, before: &[Known]) -> Found {
    let node = &nodes[at];
    let inputs: Vec<&Known> = node.inputs.iter().map(|input| &before[input.0]).collect();
    let shapes: Vec<&[usize]> = node.inputs.iter().map(|input| nodes[input.0].shape.as_slice()).collect();
    let channels = node.shape.first().copied().unwrap_or_default();
    let all_level = inputs.iter().all(|input| input.is_level);
    let interval = match (block.entry.name, node.inputs.as_slice()) {
        ("multiply", [left, right]) if left == right => before[left.0].interval.squared(),
        ("matmul", [left, right]) => product(&before[left.0], &before[right.0], shapes[0]),
        ("sum", [of]) => before[of.0].sum.summed(shapes[0].iter().skip(1).product()),
        ("divide", [left, right]) => quotient(&before[left.0], &before[right.0]),
        _ => yields(block, &mut inputs.iter().map(|input| input.interval)),
    };
    Found {
        interval,
        element: element(block, &inputs, &shapes),
        is_level: matches!(block.entry.name, "filled" | "constant") || (all_level && LEVEL.contains(&block.entry.name)),
        total: total(block, &inputs, (channels, shapes.first().is_some_and(|shape| shape.len() == 2))),
        sum: sum(block, &inputs, (channels, &shapes)),
    }
}

/// Blocks that yield equal channels from equal channels.
const LEVEL: [&str; 14] = [
    "sigmoid", "tanh", "exp", "softplus", "relu", "elu", "log", "log1p", "multiply", "divide", "add", "subtract",
    "affine", "spread",
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

/// A quotient. It is at most 1 if the divisor is known to be larger.
fn quotient(left: &Known, right: &Known) -> Interval {
    let any = left.interval / right.interval;
    if !left.interval.is_not_negative() || any == Interval::ALL {
        return any;
    }
    let more = right.element.clone().plus(&left.element.clone().scaled(-1.0, 0.0));
    any.within(more.bounds().shares())
}

/// An element of the output as a polynomial, from those of the inputs at the same position.
fn element(block: &Use<Block>, inputs: &[&Known], shapes: &[&[usize]]) -> Option<Polynomial> {
    match (block.entry.name, inputs) {
        ("filled" | "constant", _) => Some(Polynomial::constant(number(block, "value"))),
        ("affine", [of]) => Some(of.element.clone().scaled(number(block, "scale"), number(block, "shift"))),
        ("spread", [of]) => Some(of.element.clone()),
        ("sum", [of]) if shapes[0].len() == 1 => of.total.clone(),
        ("multiply", [left, right]) => left.element.times(&right.element),
        _ => linear(block, inputs, |known| Some(&known.element)),
    }
}

/// The sum over the channels, whose number is given with whether the first input is a matrix.
fn total(block: &Use<Block>, inputs: &[&Known], (channels, is_matrix): (usize, bool)) -> Option<Polynomial> {
    match (block.entry.name, inputs) {
        ("softmax", _) => Some(Polynomial::constant(1.0)),
        // The members of a set, or averages over positions, that all have the same sum.
        ("stack", [first, rest @ ..]) => {
            first.total.clone().filter(|sum| rest.iter().all(|one| one.total.as_ref() == Some(sum)))
        }
        ("global_pool" | "downsample" | "upsample" | "resize", [of]) => {
            of.total.as_ref()?.number().map(Polynomial::constant)
        }
        ("affine", [of]) => {
            Some(of.total.clone()?.scaled(number(block, "scale"), channels as f64 * number(block, "shift")))
        }
        ("spread", [of]) => of.total.clone(),
        ("multiply", [left, right]) => {
            let product = |level: &Known, of: &Known| level.level()?.times(of.total.as_ref()?);
            product(left, right).or_else(|| product(right, left))
        }
        // Every column of the matrix has the same sum.
        ("matmul", [left, right]) if is_matrix => {
            Some(right.total.clone()?.scaled(left.total.as_ref()?.number()?, 0.0))
        }
        _ => linear(block, inputs, |known| known.total.as_ref()),
    }
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
        "subtract" => rest.iter().try_fold(first, |left, one| Some(left.plus(&part(one)?.clone().scaled(-1.0, 0.0)))),
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
        "relu" => fold(Interval::with).mapped(|t| t.max(0.0), Interval::NOT_NEGATIVE),
        "log1p" => fold(Interval::with).mapped(|t| t.max(0.0).ln_1p(), Interval::NOT_NEGATIVE),
        "elu" => {
            fold(Interval::with).mapped(|t| if t > 0.0 { t } else { t.exp_m1() }, Interval::open(-1.0, f64::INFINITY))
        }
        "filled" | "constant" => own("value"),
        "affine" => own("scale") * fold(Interval::with) + own("shift"),
        "add" => fold(|sum, one| sum + one),
        "subtract" => fold(|rest, one| rest + -one),
        "multiply" => fold(|product, one| product * one),
        "divide" => fold(|whole, one| whole / one),
        "upsample" | "downsample" | "resize" | "concat" | "reshape" | "flatten" | "spread" | "channels"
        | "set_pool" | "global_pool" | "stack" => fold(Interval::with),
        _ => Interval::ALL,
    }
}

/// The number of an argument.
pub fn number(block: &Use<Block>, name: &str) -> f64 {
    match block.value(name) {
        Some(Value::Real(value)) => *value,
        Some(Value::Int(_) | Value::Bool(_) | Value::Word(_)) | None => 0.0,
    }
}
