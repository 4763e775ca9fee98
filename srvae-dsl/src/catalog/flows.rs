//! The bijectors among the blocks.

use super::cost::{conv, dense_channels, dense_layer, planes};
use super::{Args, Arity, Block, Cost, Literal, Parameter, Role};

pub(super) const REAL_NVP: Block = Block {
    name: "real_nvp",
    docs: "RealNVP: at every scale but the last three checkerboard couplings, a squeeze, three channel-wise couplings and \
           half of the channels on to the next scale; at the last four checkerboard couplings. Alone on the right of a \
           root it stands over `standard_normal`.",
    role: Role::Bijector { forward: true, inverse: true },
    arity: Arity::One,
    parameters: &[
        Parameter::int("scales", (1, 8), "scales, each at half of the last one's height and width").or(Literal::Int(2)),
        Parameter::int("growth", (1, 4096), "channels that each step of a coupling's dense layer adds")
            .or(Literal::Int(64)),
        Parameter::int("steps", (1, 256), "bottlenecks in a coupling's dense layer").or(Literal::Int(5)),
    ],
    runtime: "RealNvp",
    shape: |args, inputs| {
        let (channels, height, width) = planes(inputs)?;
        let factor = 1 << (args.size("scales").max(1) - 1).min(31);
        if height % factor != 0 || width % factor != 0 {
            return Err(format!(
                "halves height and width {} times, and needs them divisible by {factor}",
                args.size("scales") - 1
            ));
        }
        Ok(vec![channels, height, width])
    },
    cost: real_nvp_cost,
};

fn real_nvp_cost(args: &Args<'_>, inputs: &[&[usize]]) -> Cost {
    let Ok((channels, height, width)) = planes(inputs) else { return Cost::default() };
    let (mut channels, mut positions) = (channels as u64, (height as u64).saturating_mul(width as u64));
    let (growth, steps) = (args.size("growth") as u64, args.size("steps") as u64);
    // A coupling sees `seen` channels and yields a scale and a shift for each; the scale has a weight-normalised gain. What
    // it sees and what it yields is kept.
    let couplings = |count: u64, seen: u64, positions: u64| -> Cost {
        let gain = Cost::held(seen.saturating_mul(2));
        let stack = dense_channels(seen, growth, steps);
        let one = dense_layer(seen, growth, steps, positions)
            + conv(stack, seen.saturating_mul(2), 3, positions)
            + gain
            + Cost::of_values(seen.saturating_mul(2).saturating_mul(positions));
        (0..count).map(|_| one).sum()
    };
    let mut total = Cost::default();
    for _ in 1..args.size("scales") {
        total = total + couplings(3, channels, positions);
        positions /= 4;
        total = total + couplings(3, channels.saturating_mul(2), positions);
        channels = channels.saturating_mul(2);
    }
    total + couplings(4, channels, positions)
}
