//! The table of blocks.

use super::block::ShapeRule;
use super::cost::{bounded, conv, dense_channels, dense_layer, doubling, known_planes, planes, resizing};
use super::flows;
use super::{Args, Arity, Block, Cost, LARGEST_SIZE, Literal, Parameter, Role};

const WIDEST: i64 = LARGEST_SIZE as i64;
const OUT: Parameter =
    Parameter::int("out", (1, WIDEST), "channels of the output; left to inference at the end of a factor");
const GROWTH: Parameter = Parameter::int("growth", (1, 4096), "channels that each step adds").or(Literal::Int(64));
const STEPS: Parameter = Parameter::int("steps", (1, 256), "bottlenecks in each dense layer").or(Literal::Int(3));
const FACTOR: Parameter =
    Parameter::int("factor", (2, 64), "how many times, in height and in width").or(Literal::Int(2));

/// All blocks.
pub static BLOCKS: [Block; 15] = [
    Block {
        name: "encoder",
        docs: "Dense layers with a strided convolution after each but the last, which doubles channels and growth and \
               halves height and width; a 1x1 convolution last.",
        role: Role::Layer,
        arity: Arity::One,
        parameters: &[
            GROWTH,
            STEPS,
            Parameter::int("down", (0, 16), "halvings of height and width").or(Literal::Int(1)),
            OUT,
        ],
        runtime: "Encoder",
        shape: |args, inputs| {
            let (_, mut height, mut width) = planes(inputs)?;
            for _ in 0..args.size("down") {
                (height, width) = (height.div_ceil(2), width.div_ceil(2));
            }
            bounded(vec![args.size("out"), height, width])
        },
        cost: encoder_cost,
    },
    Block {
        name: "decoder",
        docs: "Dense layers, each with a transposed convolution after it that halves channels and growth and doubles \
               height and width; a 3x3 convolution last.",
        role: Role::Layer,
        arity: Arity::One,
        parameters: &[
            GROWTH,
            STEPS,
            Parameter::int("up", (0, 16), "doublings of height and width").or(Literal::Int(1)),
            OUT,
        ],
        runtime: "Decoder",
        shape: |args, inputs| {
            let (_, height, width) = planes(inputs)?;
            let up = args.size("up");
            let growth = args.size("growth");
            if up > 1 && growth >> (up - 1) == 0 {
                return Err(format!(
                    "halves its growth of {growth} after every doubling and has none left for the last of {up}"
                ));
            }
            bounded(vec![args.size("out"), height << up.min(32), width << up.min(32)])
        },
        cost: decoder_cost,
    },
    Block {
        name: "densenet",
        docs: "Dense layers one after the other at the input's height and width; a 1x1 convolution last.",
        role: Role::Layer,
        arity: Arity::One,
        parameters: &[GROWTH, STEPS, Parameter::int("blocks", (1, 64), "dense layers").or(Literal::Int(3)), OUT],
        runtime: "DenseNet",
        shape: same_planes,
        cost: densenet_cost,
    },
    Block {
        name: "conv",
        docs: "A weight-normalised convolution, padded so that stride 1 keeps height and width.",
        role: Role::Layer,
        arity: Arity::One,
        parameters: &[
            Parameter::int("kernel", (1, 31), "height and width of the kernel, odd").or(Literal::Int(3)),
            Parameter::int("stride", (1, 16), "step between positions").or(Literal::Int(1)),
            OUT,
        ],
        runtime: "Conv",
        shape: conv_shape,
        cost: |args, inputs| {
            let positions = conv_shape(args, inputs).map_or(0, |shape| (shape[1] * shape[2]) as u64);
            let (channels, from) = known_planes(inputs);
            resizing(channels, args.size("out") as u64, args.size("kernel") as u64, [from, positions])
        },
    },
    Block {
        name: "linear",
        docs: "A weight-normalised affine map of a vector.",
        role: Role::Layer,
        arity: Arity::One,
        parameters: &[OUT],
        runtime: "Linear",
        shape: |args, inputs| match inputs {
            [[_]] => bounded(vec![args.size("out")]),
            _ => Err("needs an input of shape [features]; put `flatten` before it".to_owned()),
        },
        cost: |args, inputs| {
            conv(inputs.iter().flat_map(|shape| shape.iter()).product::<usize>() as u64, args.size("out") as u64, 1, 1)
        },
    },
    Block {
        name: "residual",
        docs: "The input plus two 3x3 convolutions of it with ELU before each.",
        role: Role::Layer,
        arity: Arity::One,
        parameters: &[
            Parameter::int("width", (1, WIDEST), "channels between the two convolutions").or(Literal::Int(64))
        ],
        runtime: "Residual",
        shape: |_, inputs| planes(inputs).map(|(channels, height, width)| vec![channels, height, width]),
        cost: |args, inputs| {
            let ((channels, positions), width) = (known_planes(inputs), args.size("width") as u64);
            conv(channels, width, 3, positions) + conv(width, channels, 3, positions)
        },
    },
    function("elu", "max(t, 0) + min(exp(t) − 1, 0), element by element.", &[], same),
    function("relu", "max(t, 0), element by element.", &[], same),
    function("silu", "t · sigmoid(t), element by element.", &[], same),
    function(
        "upsample",
        "Bilinear interpolation to a multiple of height and width, corners not aligned.",
        &[FACTOR],
        |args, inputs| {
            let (channels, height, width) = planes(inputs)?;
            bounded(vec![
                channels,
                height.saturating_mul(args.size("factor")),
                width.saturating_mul(args.size("factor")),
            ])
        },
    ),
    function("downsample", "The mean over squares of pixels.", &[FACTOR], |args, inputs| {
        let ((channels, height, width), factor) = (planes(inputs)?, args.size("factor"));
        if height % factor != 0 || width % factor != 0 {
            return Err(format!("needs height and width that {factor} divides"));
        }
        bounded(vec![channels, height / factor, width / factor])
    }),
    Block {
        arity: Arity::Many,
        ..function("concat", "The inputs one after the other along the channels (or features).", &[], concat_shape)
    },
    function("flatten", "All elements as one vector.", &[], |_, inputs| {
        bounded(vec![
            inputs.iter().flat_map(|shape| shape.iter()).fold(1, |total, &size| usize::saturating_mul(total, size)),
        ])
    }),
    function(
        "reshape",
        "The same elements in another shape.",
        &[Parameter::int("sizes", (1, WIDEST), "the new shape, without the batch").repeated()],
        reshape_shape,
    ),
    flows::REAL_NVP,
];

/// A function on tensors: no parameters, and no multiply-accumulates worth counting.
const fn function(name: &'static str, docs: &'static str, parameters: &'static [Parameter], shape: ShapeRule) -> Block {
    let cost = |_: &Args<'_>, inputs: &[&[usize]]| {
        let elements = inputs.iter().map(|shape| shape.iter().fold(1u64, |all, &size| all.saturating_mul(size as u64)));
        Cost::of_values(elements.fold(0, u64::saturating_add))
    };
    Block { name, docs, role: Role::Function, arity: Arity::One, parameters, runtime: name, shape, cost }
}

fn same(_: &Args<'_>, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    Ok(inputs.first().map(|shape| shape.to_vec()).unwrap_or_default())
}

fn same_planes(args: &Args<'_>, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (_, height, width) = planes(inputs)?;
    bounded(vec![args.size("out"), height, width])
}

fn conv_shape(args: &Args<'_>, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let ((_, height, width), stride) = (planes(inputs)?, args.size("stride").max(1));
    if args.size("kernel").is_multiple_of(2) {
        return Err(format!("needs an odd kernel, not {}", args.size("kernel")));
    }
    bounded(vec![args.size("out"), height.div_ceil(stride), width.div_ceil(stride)])
}

fn concat_shape(_: &Args<'_>, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let Some((first, rest)) = inputs.split_first() else {
        return Err("needs at least two inputs".to_owned());
    };
    if rest.iter().any(|shape| shape.get(1..) != first.get(1..)) {
        return Err("needs inputs that differ in their channels alone".to_owned());
    }
    let mut shape = first.to_vec();
    shape[0] = inputs.iter().map(|input| input[0]).fold(0, usize::saturating_add);
    bounded(shape)
}

fn reshape_shape(args: &Args<'_>, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let count = |shape: &[usize]| shape.iter().fold(1, |total, &size| usize::saturating_mul(total, size));
    let (shape, elements) = (args.sizes("sizes"), inputs.first().map_or(0, |input| count(input)));
    if count(&shape) != elements {
        return Err(format!("has {} elements to give and {elements} to place", count(&shape)));
    }
    bounded(shape)
}

fn encoder_cost(args: &Args<'_>, inputs: &[&[usize]]) -> Cost {
    let Ok((channels, mut height, mut width)) = planes(inputs) else { return Cost::default() };
    let (mut channels, mut growth, steps) = (channels as u64, args.size("growth") as u64, args.size("steps") as u64);
    let mut total = Cost::default();
    for _ in 0..args.size("down") {
        let stack = dense_channels(channels, growth, steps);
        let before = (height * width) as u64;
        total = total + dense_layer(channels, growth, steps, before);
        (height, width) = (height.div_ceil(2), width.div_ceil(2));
        channels = stack.saturating_mul(2);
        total = total + resizing(stack, channels, 3, [before, (height * width) as u64]);
        growth = growth.saturating_mul(2);
    }
    let stack = dense_channels(channels, growth, steps);
    let positions = (height * width) as u64;
    total + dense_layer(channels, growth, steps, positions) + conv(stack, args.size("out") as u64, 1, positions)
}

fn decoder_cost(args: &Args<'_>, inputs: &[&[usize]]) -> Cost {
    let (mut channels, mut positions) = known_planes(inputs);
    let (mut growth, steps) = (args.size("growth") as u64, args.size("steps") as u64);
    let mut total = Cost::default();
    for _ in 0..args.size("up") {
        let stack = dense_channels(channels, growth, steps);
        total = total + dense_layer(channels, growth, steps, positions) + doubling(stack, stack / 2, positions);
        channels = stack / 2;
        growth /= 2;
        positions = positions.saturating_mul(4);
    }
    total + conv(channels, args.size("out") as u64, 3, positions)
}

fn densenet_cost(args: &Args<'_>, inputs: &[&[usize]]) -> Cost {
    let (mut channels, positions) = known_planes(inputs);
    let (growth, steps) = (args.size("growth") as u64, args.size("steps") as u64);
    let mut total = Cost::default();
    for _ in 0..args.size("blocks") {
        total = total + dense_layer(channels, growth, steps, positions);
        channels = dense_channels(channels, growth, steps);
    }
    total + conv(channels, args.size("out") as u64, 1, positions)
}
