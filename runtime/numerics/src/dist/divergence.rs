//! Divergences in closed form: a table of pairs.

use super::{Distribution, downcast, normal_kl, standard_normal_kl};
use crate::{BoundOptions, KlEstimator, Result, Tensor};

/// KL(q ‖ p) of one pair of distributions; `None` for other ones.
type ClosedForm = fn(&dyn Distribution, &dyn Distribution) -> Option<Result<Tensor>>;

/// Every pair that has a closed form.
const CLOSED_FORMS: [ClosedForm; 2] = [|q, p| pair(q, p, normal_kl), |q, p| pair(q, p, standard_normal_kl)];

fn pair<Q: Distribution, P: Distribution>(
    q: &dyn Distribution,
    p: &dyn Distribution,
    kl: fn(&Q, &P) -> Result<Tensor>,
) -> Option<Result<Tensor>> {
    Some(kl(downcast(q)?, downcast(p)?))
}

/// KL(q ‖ p) in closed form, `[N]` nats.
///
/// # Errors
/// A pair without a closed form, or shapes that differ.
pub fn divergence(q: &dyn Distribution, p: &dyn Distribution) -> Result<Tensor> {
    let found = CLOSED_FORMS.iter().find_map(|closed| closed(q, p));
    found.unwrap_or_else(|| candle_core::bail!("these two distributions have no divergence in closed form"))
}

/// KL(q ‖ p), `[N]` nats: in closed form, or log q − log p at the value where the options ask for it.
///
/// # Errors
/// Those of [`divergence`] and of the log-probabilities.
pub fn divergence_term(
    q: &dyn Distribution,
    p: &dyn Distribution,
    value: &Tensor,
    options: &BoundOptions,
) -> Result<Tensor> {
    match options.kl {
        KlEstimator::Derived => divergence(q, p),
        KlEstimator::MonteCarlo => q.log_prob(value)? - p.log_prob(value)?,
    }
}
