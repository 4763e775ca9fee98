//! Models for the tests: the examples, every good file of the compiler's corpus, and one that counts evaluations.

pub mod both;
pub mod inputs;

use srvae::Compiled;

#[path = "../../runtime/tests/trials/mod.rs"]
pub mod trials;

/// Every good file of the corpus, except for the one with networks in Rust that do not exist.
macro_rules! corpus {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(srvae_macros::model!($file);)*

        /// All of them.
        pub const CORPUS: &[Compiled] = &[$($name::COMPILED),*];
    };
}

corpus! {
    autoregressive = "../srvae-dsl/tests/corpus/good/autoregressive.pgm",
    autoregressive_prior = "../srvae-dsl/tests/corpus/good/autoregressive_prior.pgm",
    auxiliary = "../srvae-dsl/tests/corpus/good/auxiliary.pgm",
    belief_net = "../srvae-dsl/tests/corpus/good/score.pgm",
    byte_order_mark = "../srvae-dsl/tests/corpus/good/byte_order_mark.pgm",
    schedule = "../srvae-dsl/tests/corpus/good/tables_of_reals.pgm",
    labels_in_a_chain = "../srvae-dsl/tests/corpus/good/labels_in_a_chain.pgm",
    products_over_members = "../srvae-dsl/tests/corpus/good/products_over_members.pgm",
    long = "../srvae-dsl/tests/corpus/good/checkpoint.pgm",
    levels_in_segments = "../srvae-dsl/tests/corpus/good/checkpoint_levels.pgm",
    sequence_in_segments = "../srvae-dsl/tests/corpus/good/checkpoint_sequence.pgm",
    censored = "../srvae-dsl/tests/corpus/good/censored.pgm",
    codes = "../srvae-dsl/tests/corpus/good/codes.pgm",
    common_flow = "../srvae-dsl/tests/corpus/good/common_flow.pgm",
    conditional = "../srvae-dsl/tests/corpus/good/conditional.pgm",
    dequantised = "../srvae-dsl/tests/corpus/good/dequantised.pgm",
    directions = "../srvae-dsl/tests/corpus/good/directions.pgm",
    documentation = "../srvae-dsl/tests/corpus/good/documentation.pgm",
    downscale_by_four = "../srvae-dsl/tests/corpus/good/downscale_by_four.pgm",
    enumerated = "../srvae-dsl/tests/corpus/good/enumerated.pgm",
    enumerated_steps = "../srvae-dsl/tests/corpus/good/enumerated_steps.pgm",
    equation_five = "../srvae-dsl/tests/corpus/good/equation_five.pgm",
    estimators = "../srvae-dsl/tests/corpus/good/estimators.pgm",
    every_block = "../srvae-dsl/tests/corpus/good/every_block.pgm",
    exceptions = "../srvae-dsl/tests/corpus/good/exceptions.pgm",
    experts = "../srvae-dsl/tests/corpus/good/experts.pgm",
    compression = "../srvae-dsl/tests/corpus/good/compression.pgm",
    domains = "../srvae-dsl/tests/corpus/good/domains.pgm",
    families_in_turn = "../srvae-dsl/tests/corpus/good/families_in_turn.pgm",
    five_levels = "../srvae-dsl/tests/corpus/good/five_levels.pgm",
    flow_in_conditional_p = "../srvae-dsl/tests/corpus/good/flow_in_conditional_p.pgm",
    flow_in_q = "../srvae-dsl/tests/corpus/good/flow_in_q.pgm",
    flow_over_mixture = "../srvae-dsl/tests/corpus/good/flow_over_mixture.pgm",
    fourier_as_y = "../srvae-dsl/tests/corpus/good/fourier_as_y.pgm",
    glow = "../srvae-dsl/tests/corpus/good/glow.pgm",
    globals = "../srvae-dsl/tests/corpus/good/globals.pgm",
    given_everywhere = "../srvae-dsl/tests/corpus/good/given_everywhere.pgm",
    grayscale_as_y = "../srvae-dsl/tests/corpus/good/grayscale_as_y.pgm",
    inverse_autoregressive = "../srvae-dsl/tests/corpus/good/inverse_autoregressive.pgm",
    ladder = "../srvae-dsl/tests/corpus/good/ladder.pgm",
    label_as_y = "../srvae-dsl/tests/corpus/good/label_as_y.pgm",
    layout_of_files = "../srvae-dsl/tests/corpus/good/layout.pgm",
    ladder_family = "../srvae-dsl/tests/corpus/good/ladder_family.pgm",
    learned_values = "../srvae-dsl/tests/corpus/good/learned.pgm",
    linear_gaussian = "../srvae-dsl/tests/corpus/good/linear_gaussian.pgm",
    minimal = "../srvae-dsl/tests/corpus/good/minimal.pgm",
    more_blocks = "../srvae-dsl/tests/corpus/good/more_blocks.pgm",
    multiscale = "../srvae-dsl/tests/corpus/good/multiscale.pgm",
    natural_parameters = "../srvae-dsl/tests/corpus/good/natural_parameters.pgm",
    out_before_functions = "../srvae-dsl/tests/corpus/good/out_before_functions.pgm",
    partly_observed_chain = "../srvae-dsl/tests/corpus/good/partly_observed_chain.pgm",
    proportions_of_sets = "../srvae-dsl/tests/corpus/good/proportions_of_sets.pgm",
    pseudo_inputs_of_spaces = "../srvae-dsl/tests/corpus/good/pseudo_inputs_of_spaces.pgm",
    missing_by_value = "../srvae-dsl/tests/corpus/good/missing_by_value.pgm",
    discrete_experts = "../srvae-dsl/tests/corpus/good/discrete_experts.pgm",
    learned_shapes = "../srvae-dsl/tests/corpus/good/learned_shapes.pgm",
    proportions = "../srvae-dsl/tests/corpus/good/proportions.pgm",
    clockwork = "../srvae-dsl/tests/corpus/good/clockwork.pgm",
    mixtures_beside_classes = "../srvae-dsl/tests/corpus/good/mixtures_beside_classes.pgm",
    mixture_of_products = "../srvae-dsl/tests/corpus/good/mixture_of_products.pgm",
    mixture_prior = "../srvae-dsl/tests/corpus/good/mixture_prior.pgm",
    parameters_in_shapes = "../srvae-dsl/tests/corpus/good/parameters_in_shapes.pgm",
    mixture_by_its_score = "../srvae-dsl/tests/corpus/good/mixture_by_its_score.pgm",
    pseudo_inputs = "../srvae-dsl/tests/corpus/good/pseudo_inputs.pgm",
    relaxed_classes = "../srvae-dsl/tests/corpus/good/relaxed.pgm",
    reused_branches = "../srvae-dsl/tests/corpus/good/reused_branches.pgm",
    root_of_q = "../srvae-dsl/tests/corpus/good/root_of_q.pgm",
    semi_supervised = "../srvae-dsl/tests/corpus/good/semi_supervised.pgm",
    shared_values = "../srvae-dsl/tests/corpus/good/shared_values.pgm",
    shared_networks = "../srvae-dsl/tests/corpus/good/shared_networks.pgm",
    sequence_backwards = "../srvae-dsl/tests/corpus/good/sequence_backwards.pgm",
    sequence_forwards = "../srvae-dsl/tests/corpus/good/sequence_forwards.pgm",
    steps_and_features = "../srvae-dsl/tests/corpus/good/steps_and_features.pgm",
    steps_in_a_pipe = "../srvae-dsl/tests/corpus/good/steps_in_a_pipe.pgm",
    sketch_as_y = "../srvae-dsl/tests/corpus/good/sketch_as_y.pgm",
    srvae_golden = "../srvae-dsl/tests/corpus/good/srvae_golden.pgm",
    stochastic_y = "../srvae-dsl/tests/corpus/good/stochastic_y.pgm",
    three_levels = "../srvae-dsl/tests/corpus/good/three_levels.pgm",
    two_observed = "../srvae-dsl/tests/corpus/good/two_observed.pgm",
    two_parents_in_q = "../srvae-dsl/tests/corpus/good/two_parents_in_q.pgm",
    vae_golden = "../srvae-dsl/tests/corpus/good/vae_golden.pgm",
    variational_dequantisation = "../srvae-dsl/tests/corpus/good/variational_dequantisation.pgm",
    views = "../srvae-dsl/tests/corpus/good/views.pgm",
    weighted = "../srvae-dsl/tests/corpus/good/weighted.pgm",
    windows = "../srvae-dsl/tests/corpus/good/windows.pgm",
    by_class = "../models/examples/by_class.pgm",
    hierarchy = "../models/examples/hierarchy.pgm",
    sketch_vae = "../models/examples/sketch.pgm",
    without_latents = "../srvae-dsl/tests/corpus/good/autoencoder_without_latents.pgm",
}

srvae_macros::model!("models/counted.pgm");

/// The networks that `models/counted.pgm` names.
pub mod nets {
    use srvae::nn::Network;
    use srvae::{Params, Result, Tensor};
    use std::cell::RefCell;

    thread_local! {
        static SEEN: RefCell<Vec<(usize, usize)>> = const { RefCell::new(Vec::new()) };
    }

    /// The identity, which records the network and the number of rows.
    pub struct Counted<const ID: usize> {
        output: Vec<usize>,
    }

    impl<const ID: usize> Network for Counted<ID> {
        fn new(_: &Params, inputs: &[&[usize]]) -> Result<Self> {
            Ok(Self { output: inputs[0].to_vec() })
        }

        fn output(&self) -> &[usize] {
            &self.output
        }

        fn forward(&self, inputs: &[&Tensor]) -> Result<Tensor> {
            SEEN.with_borrow_mut(|seen| seen.push((ID, inputs[0].dim(0).unwrap_or(0))));
            Ok(inputs[0].clone())
        }
    }

    /// The evaluations on this thread since the last call: network and rows, ordered by network.
    pub fn seen() -> Vec<(usize, usize)> {
        let mut seen = SEEN.take();
        seen.sort_unstable();
        seen
    }
}
