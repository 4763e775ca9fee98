//! A model file that is not compiled into this program.

use super::models::{self, Found};
use crate::Compiled;
use anyhow::{Result, bail};
use std::path::Path;

/// What happens to the command when its model is not compiled in.
///
/// # Errors
/// Always: it says what to do.
pub fn instead(models: &'static [Compiled], file: &Path, _text: &str) -> Result<Found> {
    bail!(
        "{}: this model file is not compiled into this program (it is new, or was changed since); {}; \
         put it beside them and build again",
        file.display(),
        models::known(models)
    )
}
