//! The result of a run.

use serde_json::{Value, json};
use srvae_training::terminal::table;
use srvae_training::train::{Activity, End, RunFolder};

/// The result of a run.
pub struct Outcome {
    pub folder: RunFolder,
    pub end: End,
    pub model: String,
    pub parameters: usize,
    pub steps: usize,
    pub seconds: f64,
    pub images_per_second: f64,
    /// The unit of the three below: bits/dim, or nats if no images are observed.
    pub unit: &'static str,
    /// The word for records.
    pub records: &'static str,
    /// On the test records, with a single sample.
    pub before: Option<f64>,
    pub after: Option<f64>,
    pub best: Option<f64>,
    /// The number of skipped updates.
    pub skipped: usize,
    pub activity: Vec<Activity>,
}

impl Outcome {
    pub fn json(&self) -> Value {
        json!({
            "run": self.folder.root(),
            "model": self.model,
            "parameters": self.parameters,
            "steps": self.steps,
            "seconds": self.seconds,
            "images_per_s": self.images_per_second,
            "unit": self.unit,
            "test_before": self.before,
            "test_after": self.after,
            "validation_best": self.best,
            "skipped_updates": self.skipped,
            "units": Activity::json(&self.activity),
            "ended": match self.end {
                End::Done => "done",
                End::Patience => "patience",
                End::Time => "time",
                End::Interrupted => "interrupted",
            },
        })
    }

    /// The result as a table.
    pub fn table(&self) -> String {
        let bits = |name: &str, value: Option<f64>| {
            value.map(|value| vec![name.to_owned(), format!("{value:.4}"), self.unit.into()])
        };
        let mut rows: Vec<Vec<String>> =
            [bits("test before", self.before), bits("test after", self.after), bits("validation, best", self.best)]
                .into_iter()
                .flatten()
                .collect();
        for Activity { latent, active, units } in &self.activity {
            rows.push(vec![format!("units of {latent}"), active.to_string(), format!("of {units} active")]);
        }
        if self.skipped > 0 {
            rows.push(vec!["updates skipped".into(), self.skipped.to_string(), format!("of {}", self.steps)]);
        }
        rows.push(vec![
            "training".into(),
            format!("{:.1}", self.images_per_second),
            format!("{}/s, {:.0} s", self.records, self.seconds),
        ]);
        format!("{}\n  run folder: {}", table(&rows), self.folder.root().display())
    }
}
