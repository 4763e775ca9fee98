//! The bound in segments: training keeps the values between them and recomputes the others in the backward pass.

use super::run::{Context, Held, Run, missing};
use super::{Core, Given};
use srvae_dsl::plan::Segment;
use srvae_numerics::{Draw, Noise, Result, Tensor, segments};
use std::sync::Arc;

/// The outputs of the bound, in order, with the same noise as without segments.
pub fn outputs(core: &Arc<Core>, given: Vec<Given>, context: Context<'_>, noise: &mut Noise) -> Result<Vec<Tensor>> {
    let Context { samples, rows, options, .. } = context;
    let (own, options) = (core.clone(), *options);
    let compute = move |number: usize, read: &[Tensor], noise: &mut Noise| {
        let Segment { values, reads, makes, .. } = &own.plan.segments.all[number];
        let context = Context { samples, rows, draw: Draw::default(), options: &options };
        let run = Run::new(&own, &own.plan.bound, &given, context);
        let read = read.iter().map(|tensor| Held::Tensor(tensor.clone()));
        let made = run.part(values, reads.iter().copied().zip(read), makes, noise)?;
        // Distributions are recomputed in every segment that reads them, and a draw with its log-probability is taken
        // apart in its segment.
        let tensor = |held| if let Held::Tensor(value) = held { Ok(value) } else { Err(missing()) };
        made.into_iter().map(tensor).collect()
    };
    let parts = &core.plan.segments;
    let reads: Vec<_> = parts.all.iter().map(|segment| segment.read_at.as_slice()).collect();
    segments::outputs(&reads, &parts.outputs, &core.params, noise, compute)
}
