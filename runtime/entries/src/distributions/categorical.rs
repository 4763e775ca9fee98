//! One of n classes.

distribution! {
    /// One of n classes; the head holds logits.
    discrete categorical: Categorical(CategoricalConfig {}),
    over: [Label],
    natural: [logits: Real],
    closed_forms: [],
    examples: [{} over [5]],
}
