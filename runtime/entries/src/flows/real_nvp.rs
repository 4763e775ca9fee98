//! RealNVP (Dinh et al. 2017) over several scales.

use crate::prelude::*;

flow! {
    /// RealNVP: at every scale but the last three checkerboard couplings, a squeeze, three channel-wise couplings and half of
    /// the channels on to the next scale; at the last four checkerboard couplings. Alone on the right of a root it stands
    /// over `standard_normal`.
    both real_nvp: RealNvp(RealNvpConfig {
        /// scales, each at half of the last one's height and width
        scales: usize in 1..=8 = 2,
        /// channels that each step of a coupling's dense layer adds
        growth: usize in 1..=4096 = 64,
        /// bottlenecks in a coupling's dense layer
        steps: usize in 1..=256 = 5,
    }),
    examples: [
        { scales: 1, growth: 2, steps: 2 } over [1, 3, 2],
        { scales: 2, growth: 2, steps: 2 } over [2, 4, 2],
        { scales: 3, growth: 2, steps: 2 } over [1, 4, 4],
    ],
}

fn fits(config: &RealNvpConfig, shape: &[usize]) -> Result<(), String> {
    let (_, height, width) = planes(&[shape])?;
    let halvings = config.scales.max(1) - 1;
    let factor = 1 << halvings.min(31);
    if height % factor != 0 || width % factor != 0 {
        return Err(format!("halves height and width {halvings} times, and needs them divisible by {factor}"));
    }
    Ok(())
}

fn cost(config: &RealNvpConfig, inputs: &[&[usize]]) -> Cost {
    let Ok((channels, height, width)) = planes(inputs) else { return Cost::default() };
    let (mut channels, mut positions) = (channels as u64, (height as u64).saturating_mul(width as u64));
    let (growth, steps) = (config.growth as u64, config.steps as u64);
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
    for _ in 1..config.scales {
        total = total + couplings(3, channels, positions);
        positions /= 4;
        total = total + couplings(3, channels.saturating_mul(2), positions);
        channels = channels.saturating_mul(2);
    }
    total + couplings(4, channels, positions)
}
