//! Zeros and ones.

distribution! {
    /// Independent zeros and ones; the head holds logits.
    discrete bernoulli: Bernoulli(BernoulliConfig {}),
    over: [Binary],
    natural: [logits: Real],
    closed_forms: [],
    examples: [{} over [1], {} over [2, 3, 2]],
}
