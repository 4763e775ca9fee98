//! The source of data and its options: `--data` and related options.

use super::bind;
use super::fit::Binarise;
use super::{Crop, Data};
use crate::spec::{Role, Variable};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// The source of data.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Source {
    pub place: Place,
    /// The window of each image.
    pub crop: Option<Crop>,
    /// The fields for variables with other names.
    pub bind: Vec<(String, String)>,
    pub binarise: Binarise,
    /// Whether to scale real columns to mean 0 and standard deviation 1.
    pub standardize: bool,
    /// The fraction of the training records that keep their partly observed values.
    pub labelled: Option<f64>,
    /// The column with groups that stay together in the division.
    pub group: Option<String>,
    /// The file with the part of each record.
    pub indices: Option<PathBuf>,
    /// The seed of the division and of drawn binary values.
    pub seed: u64,
}

/// The location of the data set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// Generated from a seed.
    #[default]
    Builtin,
    /// A file or a folder, or the name of a downloaded data set.
    Path(PathBuf),
}

impl Source {
    /// `builtin` or a path, without options.
    pub fn of(place: impl Into<OsString>) -> Self {
        let place = PathBuf::from(place.into());
        let place = if place.as_os_str() == "builtin" { Place::Builtin } else { Place::Path(place) };
        Self { place, ..Self::default() }
    }

    /// The source with an absolute path, which is valid in every folder.
    #[must_use]
    pub fn absolute(mut self) -> Self {
        if let Place::Path(path) = &mut self.place
            && path.symlink_metadata().is_ok()
            && let Ok(whole) = std::path::absolute(&*path)
        {
            *path = whole;
        }
        if let Some(path) = &mut self.indices
            && let Ok(whole) = std::path::absolute(&*path)
        {
            *path = whole;
        }
        for (_, what) in &mut self.bind {
            if Path::new(what.as_str()).exists()
                && let Some(whole) =
                    std::path::absolute(&*what).ok().and_then(|path| path.into_os_string().into_string().ok())
            {
                *what = whole;
            }
        }
        self
    }

    /// Parses the result of [`Source::text`]: a path, followed by `#NAME=VALUE` for each option that is not the
    /// default.
    ///
    /// # Errors
    /// A text of another form.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = text.split('#');
        let mut source = Self::of(decode(parts.next().unwrap_or_default())?);
        for part in parts {
            let (name, value) = part.split_once('=').with_context(|| format!("`{text}` does not name a data set"))?;
            if name == "indices" {
                source.indices = Some(decode(value)?.into());
                continue;
            }
            let value =
                decode(value)?.into_string().ok().with_context(|| format!("`{text}` does not name a data set"))?;
            match name {
                "crop" => source.crop = Some(value.parse()?),
                "bind" => source.bind.push(bind::parse(&value)?),
                "group" => source.group = Some(value),
                "standardize" => source.standardize = true,
                "labelled" => {
                    let part = value.parse().ok().filter(|part| (0.0..=1.0).contains(part));
                    source.labelled = Some(part.with_context(|| format!("the labelled part `{value}`"))?);
                }
                "binarise" => source.binarise = Binarise::Stochastic,
                "seed" => source.seed = value.parse().with_context(|| format!("the data's seed `{value}`"))?,
                other => bail!("`{text}` does not name a data set: `{other}`"),
            }
        }
        if source.place == Place::Builtin && source.crop.is_some() {
            bail!("--crop is for folders of images, and the data is `builtin`");
        }
        Ok(source)
    }

    /// The whole source as one printable text, whatever bytes the path contains.
    pub fn text(&self) -> String {
        let mut text = match &self.place {
            Place::Builtin => "builtin".to_owned(),
            Place::Path(path) => encode(path.as_os_str().as_encoded_bytes()),
        };
        let mut add = |name: &str, value: &str| text.push_str(&format!("#{name}={}", encode(value.as_bytes())));
        if let Some(crop) = self.crop {
            add("crop", &crop.to_string());
        }
        for (name, value) in &self.bind {
            add("bind", &format!("{name}={value}"));
        }
        if self.binarise == Binarise::Stochastic {
            add("binarise", "stochastic");
        }
        if self.standardize {
            add("standardize", "true");
        }
        if let Some(part) = self.labelled {
            add("labelled", &part.to_string());
        }
        if let Some(name) = &self.group {
            add("group", name);
        }
        if self.seed != 0 {
            add("seed", &self.seed.to_string());
        }
        if let Some(path) = &self.indices {
            text.push_str(&format!("#indices={}", encode(path.as_os_str().as_encoded_bytes())));
        }
        text
    }
}

impl Source {
    /// Hides the values of partly observed variables, except in the fraction of the training records that keeps them.
    ///
    /// # Errors
    /// A fraction, but no partly observed variable.
    pub(super) fn labelled(&self, mut data: Data, variables: &[Variable]) -> Result<Data> {
        let Some(part) = self.labelled else { return Ok(data) };
        let partly: Vec<&Variable> = variables.iter().filter(|variable| variable.role == Role::Partly).collect();
        if partly.is_empty() {
            bail!(
                "--labelled {part}: the model observes every variable in all records; it is for `partly observed` \
                 variables"
            );
        }
        if data.train.dataset().is_some() {
            bail!("--labelled {part}: it needs data held in memory (--stream-above)");
        }
        partly.iter().for_each(|variable| data.train.hide(&variable.name, part, self.seed));
        Ok(data)
    }
}

/// Percent signs, `#` and bytes that are not UTF-8 as `%xx`.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '%' | '#' => text.push_str(&format!("%{:02x}", character as u32)),
                _ => text.push(character),
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("%{byte:02x}")));
    }
    text
}

fn decode(text: &str) -> Result<OsString> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        let digits = more.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => bytes.push(*first),
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        Ok(OsString::from_vec(bytes))
    }
    #[cfg(not(unix))]
    {
        Ok(String::from_utf8(bytes).context("a path that is not UTF-8")?.into())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Builtin => out.write_str("builtin"),
            Place::Path(path) => write!(out, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Binarise, Place, Source};

    #[test]
    fn sources_are_written_and_read_whatever_their_path() {
        let crop = "148x148+15+40".parse().unwrap();
        for place in ["builtin", "cifar10", "/a/b c", "/50%41 of #3", "/é/%", "#crop=3"] {
            let plain = Source::of(place);
            let full = Source {
                crop: (place != "builtin").then_some(crop),
                bind: vec![("x".into(), "g0..g11".into()), ("y".into(), "/m#s/%".into())],
                binarise: Binarise::Stochastic,
                standardize: true,
                group: Some("who#?".into()),
                indices: Some("/a#b/é".into()),
                seed: 7,
                ..plain.clone()
            };
            for source in [plain, full] {
                assert_eq!(Source::parse(&source.text()).unwrap(), source, "{}", source.text());
            }
        }
        assert_eq!(Source::parse("builtin").unwrap().place, Place::Builtin);
        assert_eq!(Source::parse("a#crop=8").unwrap().crop, Some("8".parse().unwrap()));
        for text in ["a#crop", "a#bind=x", "a#other=1", "builtin#crop=8", "a#seed=x"] {
            assert!(Source::parse(text).is_err(), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_text() {
        use std::os::unix::ffi::OsStringExt;
        let place = std::ffi::OsString::from_vec(b"/data/\xff\xfe/%41".to_vec());
        let source = Source::of(place.clone());
        assert_eq!(source.text(), "/data/%ff%fe/%2541");
        assert_eq!(Source::parse(&source.text()).unwrap().place, Place::Path(place.into()));
    }
}
