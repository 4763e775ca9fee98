//! Channel attention inside a dense layer: for one image, mean of every channel → squeeze → excite → sigmoid.

/// The weights of attention in place.
#[derive(Clone, Copy)]
pub struct GateValues<'a> {
    /// `[squeezed, channels]`
    pub squeeze: &'a [f32],
    pub squeeze_bias: &'a [f32],
    /// `[channels, squeezed]`
    pub excite: &'a [f32],
    pub excite_bias: &'a [f32],
}

/// A lower bound of the gates, because the backward pass divides by them. NaN remains.
const LEAST_GATE: f32 = 1e-30;

/// A dot product in a fixed number of partial sums, which the compiler vectorises.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    const PARTS: usize = 16;
    let mut parts = [0.0f32; PARTS];
    let (a_chunks, b_chunks) = (a.chunks_exact(PARTS), b.chunks_exact(PARTS));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for i in 0..PARTS {
            parts[i] += a[i] * b[i];
        }
    }
    parts.iter().sum::<f32>() + rest
}

fn add_scaled(to: &mut [f32], from: &[f32], scale: f32) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from * scale);
}

impl GateValues<'_> {
    fn squeezed(&self, means: &[f32]) -> Vec<f32> {
        self.squeeze
            .chunks_exact(means.len())
            .zip(self.squeeze_bias)
            .map(|(row, bias)| dot(row, means) + bias)
            .collect()
    }

    /// The factor of each channel.
    pub fn gates(&self, means: &[f32], gates: &mut [f32]) {
        let squeezed = self.squeezed(means);
        for ((gate, row), bias) in gates.iter_mut().zip(self.excite.chunks_exact(squeezed.len())).zip(self.excite_bias)
        {
            *gate = 1.0 / (1.0 + (-(dot(row, &squeezed) + bias)).exp());
            if *gate < LEAST_GATE {
                *gate = LEAST_GATE;
            }
        }
    }
}

/// Gradients of attention's weights, summed over images one after the other.
pub struct GateGradients {
    pub squeeze: Vec<f32>,
    pub squeeze_bias: Vec<f32>,
    pub excite: Vec<f32>,
    pub excite_bias: Vec<f32>,
}

impl GateGradients {
    pub fn new(values: &GateValues<'_>) -> Self {
        Self {
            squeeze: vec![0.0; values.squeeze.len()],
            squeeze_bias: vec![0.0; values.squeeze_bias.len()],
            excite: vec![0.0; values.excite.len()],
            excite_bias: vec![0.0; values.excite_bias.len()],
        }
    }

    /// Adds those of one image. `logits` are the gradients before the sigmoid. Overwrites `means` with their gradients.
    pub fn add(&mut self, values: &GateValues<'_>, logits: &[f32], means: &mut [f32]) {
        let squeezed = values.squeezed(means);
        let mut squeezed_gradient = vec![0.0; squeezed.len()];
        let rows = values.excite.chunks_exact(squeezed.len()).zip(self.excite.chunks_exact_mut(squeezed.len()));
        for ((row, sum), logit) in rows.zip(logits) {
            add_scaled(&mut squeezed_gradient, row, *logit);
            add_scaled(sum, &squeezed, *logit);
        }
        add_scaled(&mut self.excite_bias, logits, 1.0);
        for (sum, gradient) in self.squeeze.chunks_exact_mut(means.len()).zip(&squeezed_gradient) {
            add_scaled(sum, means, *gradient);
        }
        add_scaled(&mut self.squeeze_bias, &squeezed_gradient, 1.0);
        means.fill(0.0);
        for (row, gradient) in values.squeeze.chunks_exact(means.len()).zip(&squeezed_gradient) {
            add_scaled(means, row, *gradient);
        }
    }
}
