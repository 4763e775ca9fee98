//! The standard normal.

distribution! {
    /// Independent normals of mean 0 and variance 1.
    continuous standard_normal: StandardNormal(StandardNormalConfig {}),
    over: [Real],
    natural: [],
    closed_forms: [],
    examples: [{} over [1], {} over [4, 3, 1]],
}
