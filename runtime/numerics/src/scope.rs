//! Phases as scopes: a phase holds while some work runs, and the one before it comes back, whatever happens.

use crate::Params;
use crate::params::Phase;

impl Params {
    /// Runs `work` in the inference phase: nothing is kept for gradients, and what depends on parameters alone is computed
    /// once. Draws, encodings and likelihoods belong in here.
    pub fn inference<T>(&self, work: impl FnOnce() -> T) -> T {
        self.during(Phase::Inference, work)
    }

    /// Runs `work` in the training phase, the one that a store begins in: gradients can be asked for.
    pub fn training<T>(&self, work: impl FnOnce() -> T) -> T {
        self.during(Phase::Training, work)
    }

    /// Runs `work` in the phase of the first batch: what passes through a weight-normalised layer sets its scale and bias.
    pub fn initialisation<T>(&self, work: impl FnOnce() -> T) -> T {
        self.during(Phase::Initialisation, work)
    }

    /// Runs `work` in a phase. Of all who share the store: phases are no matter of single threads.
    pub fn during<T>(&self, phase: Phase, work: impl FnOnce() -> T) -> T {
        let _back = Back { params: self, phase: self.phase() };
        self.set_phase(phase);
        work()
    }
}

/// Brings a phase back.
struct Back<'p> {
    params: &'p Params,
    phase: Phase,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.params.set_phase(self.phase);
        // What initialisation wrote is not what was there before.
        self.params.touch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn the_phase_before_comes_back_also_after_a_panic() {
        let params = Params::new(0, DType::F32, &Device::Cpu);
        let inner = params.inference(|| (params.phase(), params.training(|| params.phase()), params.phase()));
        assert_eq!(inner, (Phase::Inference, Phase::Training, Phase::Inference));
        assert_eq!(params.phase(), Phase::Training);
        let work = || params.inference(|| panic!("of this test"));
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_err();
        assert_eq!(params.phase(), Phase::Training);
    }
}
