//! The diagonal normal.

distribution! {
    /// A diagonal normal; the head holds means, then log-variances, clamped to [−7, 7].
    continuous normal: Normal(NormalConfig {}),
    over: [Real],
    natural: [mean: Real, log_var: Real],
    closed_forms: [normal, standard_normal],
    examples: [{} over [1], {} over [4, 3, 1]],
}
