//! A run's configuration from the command line.

use crate::args::{ModelArgs, ScheduleChoice, TrainArgs};
use crate::ranks;
use anyhow::Result;
use srvae_training::Device;
use srvae_training::ops::cuda::precision;
use srvae_training::train::{Config, Parts, ScheduleKind};

/// Whether a small model is trained on a CPU with no options for steps, batch or rate.
pub fn is_first_look(args: &TrainArgs, model: &ModelArgs, device: &Device) -> bool {
    let paced = args.batch.is_some() || args.micro_batch.is_some() || args.lr.is_some();
    !args.has_length() && !paced && device.is_cpu() && model.preset.as_deref() == Some("quick")
}

pub fn apply(config: &mut Config, args: &TrainArgs, pictures: usize) -> Result<()> {
    fn set<T: Copy>(slot: &mut T, given: Option<T>) {
        *slot = given.unwrap_or(*slot);
    }
    set(&mut config.batch, args.batch);
    if let Some(epochs) = args.epochs {
        config.steps = ((epochs * pictures as f64 / config.batch as f64).round() as usize).max(1);
    }
    set(&mut config.steps, args.steps);
    set(&mut config.seed, args.seed);
    set(&mut config.init_images, args.init_images);
    set(&mut config.schedule.rate, args.lr);
    if let Some(kind) = args.schedule {
        config.schedule.kind = match kind {
            ScheduleChoice::Exponential => ScheduleKind::Exponential,
            ScheduleChoice::Cosine => ScheduleKind::Cosine,
            ScheduleChoice::Constant => ScheduleKind::Constant,
        };
    }
    set(&mut config.samples, args.samples);
    set(&mut config.augment, args.augment);
    set(&mut config.warm_up, args.warm_up);
    set(&mut config.free_nats, args.free_nats);
    set(&mut config.graph, args.graph);
    set(&mut config.validation_images, args.validation_images);
    config.clip = args.clip.or(config.clip);
    config.skip_above = args.skip_above.or(config.skip_above);
    set(&mut config.skip_limit, args.skip_limit);
    config.average = args.average.or(config.average);
    config.patience = args.patience.or(config.patience);
    config.minutes = args.minutes.or(config.minutes);
    config.precision = precision();
    set(&mut config.validate_every, args.validate_every);
    set(&mut config.checkpoint_every, args.checkpoint_every);
    config.micro_batch = args.micro_batch.or(config.micro_batch);
    let ranks = ranks::all().size();
    if ranks > 1 && config.micro_batch.is_none() {
        config.micro_batch = Some(Parts::usual(config.batch, ranks)?);
    }
    if let Some(micro) = config.micro_batch {
        Parts::new(config.batch, micro, 0, ranks)?;
    }
    Ok(())
}

/// Six validations in a short run, one every thousand steps in a long one. A resumed run keeps its intervals.
pub fn rhythm(config: &mut Config, args: &TrainArgs) {
    config.validate_every = args.validate_every.unwrap_or((config.steps / 6).clamp(1, 1000));
    config.checkpoint_every = args.checkpoint_every.unwrap_or(config.validate_every.min(200));
}
