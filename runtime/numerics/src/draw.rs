//! Options of draws.

/// Options of the draws of a mode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draw {
    /// A factor of the standard deviation of every continuous latent. 1 is the unchanged model.
    pub temperature: f64,
    /// The way in which a likelihood's parameters become a value.
    pub decode: Decode,
    /// For top reconstruction: the number of top levels of the hierarchy that are drawn from q. All if not given.
    pub top: Option<usize>,
}

impl Default for Draw {
    fn default() -> Self {
        Self { temperature: 1.0, decode: Decode::Sample, top: None }
    }
}

/// The way in which the parameters of a likelihood become a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decode {
    /// A draw from the distribution.
    Sample,
    /// Its mean: between 0 and 1 for a binary pixel.
    Mean,
    /// Its mode, or the value that is used in the literature instead (the mean of the likeliest mixture component).
    Mode,
}
