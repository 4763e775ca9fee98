//! The files of a run: checkpoints, and the metrics that remain valid when it is resumed.

use super::Trainer;
use crate::train::{Checkpoint, Header, Progress};
use anyhow::{Result, bail};
use serde_json::Value;
use std::path::Path;

impl Trainer<'_> {
    /// Whether a line of the metrics remains valid when the run is resumed, because its step will not be repeated.
    pub(super) fn keeps(&self, line: &Value) -> bool {
        let Progress { step, validated, .. } = self.progress;
        let ends_here = step > 0 && step >= self.config.steps;
        match line["step"].as_u64().map(|at| at as usize) {
            Some(at) if at == step => {
                let again = (line.get("validation").is_some() && validated != step)
                    || (line.get("test").is_some() && ends_here);
                !again
            }
            at => at.is_some_and(|at| at < step),
        }
    }

    /// Writes the latest checkpoint, on rank 0.
    pub(super) fn save(&self) -> Result<()> {
        self.put(&self.folder.last())
    }

    /// Writes a checkpoint. If the run folder has disappeared, it goes into a new folder beside it.
    pub(super) fn put(&self, path: &Path) -> Result<()> {
        let checkpoint = self.checkpoint()?;
        if !self.ranks.leads() {
            return Ok(());
        }
        let saved = if self.folder.is_in_place() { checkpoint.save(path) } else { Ok(()) };
        // The folder may also disappear while the file is written.
        if self.folder.is_in_place() {
            return saved;
        }
        let rescue = self.folder.rescue();
        checkpoint.save(&rescue.last())?;
        crate::files::write(&rescue.source(), self.spec.source.as_bytes())?;
        bail!(
            "{}: the run folder was moved, deleted or replaced during training. The run at step {} is kept in {2}; \
             resume with: srvae-run train {2} --resume",
            self.folder.root().display(),
            self.progress.step,
            rescue.root().display()
        )
    }

    fn checkpoint(&self) -> Result<Checkpoint> {
        let mut progress = self.progress.clone();
        (progress.order, progress.noise) = (self.order.position(), self.noise.state());
        let mut checkpoint = Checkpoint::new(Header::new(self.spec, &self.config, &self.source, progress));
        let values = self.params.entries().into_iter().map(|(name, var)| (name, var.as_tensor().clone()));
        checkpoint.add("param", values);
        checkpoint.add("optimiser", self.updates.state(self.ranks)?);
        if let Some(average) = &self.average {
            checkpoint.add("average", average.state());
        }
        Ok(checkpoint)
    }
}
