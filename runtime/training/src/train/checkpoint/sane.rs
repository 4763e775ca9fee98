//! Plausibility checks of a checkpoint's header, because the file is untrusted.

use super::{Config, Header, Progress};
use crate::train::Schedule;

/// The largest plausible counts: of steps and records, of a step's size, and of entries in a file.
const MOST_STEPS: usize = 1 << 40;
const MOST_AT_ONCE: usize = 1 << 24;
const MOST_RECORDS: u64 = 1 << 56;
const LONGEST_NAME: usize = 256;
/// The largest plausible number of elements of a variable's value.
const MOST_ELEMENTS: usize = 1 << 32;

/// All implausible entries of a header, in words. Empty for a header written by this program.
pub fn faults(header: &Header) -> Vec<String> {
    let mut found = Faults(Vec::new());
    found.name("model", &header.model);
    for variable in &header.variables {
        found.name("variables", &variable.name);
        let elements = variable.shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        let fits = elements.is_some_and(|elements| (1..=MOST_ELEMENTS).contains(&elements));
        found.unless(fits, || format!("variable {} has shape {:?}", variable.name, variable.shape));
    }
    found.unless(!header.variables.is_empty(), || "it lists no variables".to_owned());
    config(&header.config, &mut found);
    progress(&header.progress, &mut found);
    found.0
}

struct Faults(Vec<String>);

impl Faults {
    fn unless(&mut self, fine: bool, what: impl FnOnce() -> String) {
        if !fine {
            self.0.push(what());
        }
    }

    fn name(&mut self, of: &str, name: &str) {
        let fine = name.len() <= LONGEST_NAME && is_name(name);
        self.unless(fine, || format!("{of}: `{}` is not a name", name.chars().take(LONGEST_NAME).collect::<String>()));
    }

    fn count(&mut self, of: &str, number: usize, least: usize, most: usize) {
        self.unless((least..=most).contains(&number), || format!("{of} is {number}; allowed are {least} to {most}"));
    }

    fn number(&mut self, of: &str, number: f64, fine: impl FnOnce(f64) -> bool, wanted: &str) {
        self.unless(number.is_finite() && fine(number), || format!("{of} is {number}; expected {wanted}"));
    }
}

/// A name, possibly a member of a family with its index: `x[3]`.
fn is_name(name: &str) -> bool {
    let (word, index) = name.split_once('[').map_or((name, None), |(word, index)| (word, Some(index)));
    let is_index = |index: &str| {
        let inside = index.strip_suffix(']').unwrap_or_default();
        !inside.is_empty() && inside.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' '))
    };
    !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_') && index.is_none_or(is_index)
}

fn config(config: &Config, found: &mut Faults) {
    found.count("steps", config.steps, 0, MOST_STEPS);
    found.count("batch", config.batch, 1, MOST_AT_ONCE);
    let micro = config.micro_batch.unwrap_or(config.batch);
    found.count("micro_batch", micro, 1, config.batch);
    found.unless(micro == 0 || config.batch.is_multiple_of(micro), || {
        format!("micro_batch is {micro}, and batch {} no multiple of it", config.batch)
    });
    found.count("samples", config.samples, 1, MOST_AT_ONCE);
    found.count("skip_limit", config.skip_limit, 0, MOST_STEPS);
    found.count("warm_up", config.warm_up, 0, MOST_STEPS);
    let Schedule { rate, decay, least, .. } = config.schedule;
    let positive = "a number above 0";
    found.number("rate", rate, |rate| rate > 0.0, positive);
    found.number("decay", decay, |decay| decay > 0.0, positive);
    found.number("least rate", least, |least| least >= 0.0, "a number from 0 on");
    found.number("free_nats", config.free_nats, |nats| nats >= 0.0, "a number from 0 on");
    found.number("minutes", config.minutes.unwrap_or(1.0), |minutes| minutes >= 0.0, "a number from 0 on");
    for (name, number) in [("clip", config.clip), ("skip_above", config.skip_above)] {
        found.number(name, number.unwrap_or(1.0), |number| number > 0.0, positive);
    }
    let average = config.average.unwrap_or(0.5);
    found.number("average", average, |average| (0.0..1.0).contains(&average), "a number from 0 to below 1");
}

fn progress(progress: &Progress, found: &mut Faults) {
    found.count("step", progress.step, 0, MOST_STEPS);
    found.count("best_step", progress.best_step, 0, progress.step);
    found.count("skipped", progress.skipped, 0, progress.step);
    found.count("skipped_in_a_row", progress.skipped_in_a_row, 0, progress.skipped);
    found.count("since_best", progress.since_best, 0, MOST_STEPS);
    for (name, number) in [("order", progress.order), ("noise", progress.noise.1)] {
        found.unless(number <= MOST_RECORDS, || format!("{name} is {number}; allowed are at most {MOST_RECORDS}"));
    }
}
