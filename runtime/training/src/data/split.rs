//! Which pictures are kept from training.

use super::{Images, Order};
use anyhow::{Result, bail};
use std::str::FromStr;

/// How a validation set is taken from the training pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The last fifth, as Hoogeboom et al. (2019) do: of CIFAR-10's 50,000, the last 10,000.
    #[default]
    Hoogeboom,
    /// 15 % at random, as the authors of srVAE do.
    Authors,
    /// None: every training picture is trained on, and the validation set is a part of them.
    None,
}

/// Seed of the split; independent of the run's seed.
const SPLIT_SEED: u64 = 0x5eed;

impl Split {
    pub const NAMES: [&str; 3] = ["hoogeboom", "authors", "none"];

    /// Training and validation pictures out of all that may be trained on.
    pub(super) fn apply(self, all: Images) -> (Images, Images) {
        let count = all.len();
        let fraction = match self {
            Self::Hoogeboom => count / 5,
            Self::Authors => (count * 15) / 100,
            Self::None => 0,
        };
        let (train, validation): (Vec<_>, Vec<_>) = match self {
            Self::Hoogeboom => ((0..count - fraction).collect(), (count - fraction..count).collect()),
            Self::Authors => {
                let order = Order::permutation(count, SPLIT_SEED, 0);
                (order[fraction..].to_vec(), order[..fraction].to_vec())
            }
            Self::None => ((0..count).collect(), (0..count / 5).collect()),
        };
        // A handful of pictures is too few to keep some away.
        let validation = if validation.is_empty() { (0..count).collect() } else { validation };
        (all.select(&train), all.select(&validation))
    }
}

impl FromStr for Split {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "hoogeboom" => Ok(Self::Hoogeboom),
            "authors" => Ok(Self::Authors),
            "none" => Ok(Self::None),
            other => bail!("no split is named `{other}`; there are {}", Self::NAMES.join(", ")),
        }
    }
}
