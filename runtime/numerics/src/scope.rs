//! Phases as scopes: a phase is set while some work runs, and the previous phase is restored in any case.

use crate::Params;
use crate::params::Phase;

impl Params {
    /// Runs `work` in the inference phase: no gradients are tracked, and values that depend only on parameters are
    /// computed once. Use it for draws, encodings and likelihoods.
    pub fn inference<T>(&self, work: impl FnOnce() -> T) -> T {
        self.during(Phase::Inference, work)
    }

    /// Runs `work` in the training phase, the initial phase of a store. Gradients are tracked.
    pub fn training<T>(&self, work: impl FnOnce() -> T) -> T {
        self.during(Phase::Training, work)
    }

    /// Runs `work` in the initialisation phase: a weight-normalised layer sets its scale and bias from its outputs.
    pub fn initialisation<T>(&self, work: impl FnOnce() -> T) -> T {
        self.during(Phase::Initialisation, work)
    }

    /// Runs `work` in a phase. The phase applies to all users of the store, in all threads. The pool's threads stay awake.
    pub fn during<T>(&self, phase: Phase, work: impl FnOnce() -> T) -> T {
        let _back = Back { params: self, phase: self.phase() };
        let _awake = srvae_kernels::awake();
        self.set_phase(phase);
        work()
    }
}

/// Restores a phase.
struct Back<'p> {
    params: &'p Params,
    phase: Phase,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.params.set_phase(self.phase);
        // Initialisation has changed parameters.
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
