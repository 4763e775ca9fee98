//! Published models of `models/zoo`, compiled and interpreted, yield the same bits of terms, gradients and modes, also
//! with several samples.
//!
//! One or two files for each construct of the language: forward and backward sequences, hierarchies over an index,
//! discrete latents with each method, products of experts, mixed columns, flows in p and in q, densities of pixels
//! without latents, plates.

#[path = "published/by_hand.rs"]
mod by_hand;
#[path = "published/exact.rs"]
mod exact;
#[path = "published/in_order.rs"]
mod in_order;
#[path = "published/known.rs"]
mod known;
#[path = "../../runtime/tests/moved/mod.rs"]
mod moved;
#[path = "published/summed.rs"]
mod summed;
#[path = "published/switched.rs"]
mod switched;

use candle_core::{DType, Device};
use srvae::{Compiled, Noise, Params, Setting, Settings, interpret};
use srvae_tests::both::compare;

macro_rules! zoo {
    ($($test:ident: $name:ident = $file:literal),* $(,)?) => {
        mod models {
            $(srvae_macros::model!($file);)*
        }

        $(#[test]
        fn $test() {
            let model: &Compiled = &models::$name::COMPILED;
            compare(model, None);
        })*
    };
}

zoo! {
    belief_net: sigmoid_belief_net = "../models/zoo/belief_net.pgm",
    biva: biva = "../models/zoo/biva.pgm",
    causal_effects: cevae = "../models/zoo/cevae.pgm",
    deep_kalman_filter: deep_kalman_filter = "../models/zoo/deep_kalman_filter.pgm",
    maps_of_classes: dalle_tokens = "../models/zoo/dalle_tokens.pgm",
    deep_markov_model: dmm = "../models/zoo/dmm.pgm",
    relaxed_latents: dvae = "../models/zoo/dvae.pgm",
    factor_analysis: factor_analysis = "../models/zoo/factor_analysis.pgm",
    factorial_hidden_markov_model: factorial_hmm = "../models/zoo/factorial_hmm.pgm",
    gaussian_mixture: gaussian_mixture = "../models/zoo/gaussian_mixture.pgm",
    hidden_markov_model: hmm = "../models/zoo/hmm.pgm",
    iaf_posterior: iaf_posterior = "../models/zoo/iaf_vae.pgm",
    joint_multimodal_vae: jmvae = "../models/zoo/jmvae.pgm",
    latent_classes: latent_class = "../models/zoo/latent_class.pgm",
    linear_state_space: linear_state_space = "../models/zoo/linear_state_space.pgm",
    semi_supervised: m2 = "../models/zoo/m2.pgm",
    masked_autoregressive_flow: maf_density = "../models/zoo/maf.pgm",
    missing_values: miwae = "../models/zoo/miwae.pgm",
    nvae: nvae = "../models/zoo/nvae.pgm",
    autoregressive_pixels: pixelvae = "../models/zoo/pixelvae.pgm",
    probabilistic_pca: ppca = "../models/zoo/ppca.pgm",
    planar_flows: planar_vae = "../models/zoo/planar_vae.pgm",
    neural_statistician: statistician = "../models/zoo/statistician.pgm",
    mixed_columns: table_vae = "../models/zoo/table.pgm",
    mixture_of_experts: mmvae = "../models/zoo/mmvae.pgm",
    mixture_density: mixture_density_network = "../models/zoo/mixture_density_network.pgm",
    regimes: switching_state_space = "../models/zoo/switching_state_space.pgm",
    recurrent: vrnn = "../models/zoo/vrnn.pgm",
    known_classes: known_class = "models/known_class.pgm",
    missing_columns: missing_columns = "models/missing_columns.pgm",
    missing_steps: missing_steps = "models/missing_steps.pgm",
    codes_in_order: ordered_codes = "models/ordered_codes.pgm",
    products_in_a_mixture: products = "models/products.pgm",
    second_order: second_order = "models/second_order.pgm",
    two_views: two_views = "models/two_views.pgm",
    very_deep: very_deep_vae = "../models/zoo/vdvae.pgm",
}

/// Compiled code is for a fixed number of members. Another number is an error that states both, and the file can be
/// interpreted.
#[test]
fn another_length_than_the_compiled() {
    let model = models::second_order::COMPILED;
    let length = |steps| vec![("T".to_owned(), Setting::Int(steps))];
    let params = || Params::new(1, DType::F32, &Device::Cpu);
    assert!(model.fits(&Settings::new()) && model.fits(&length(9)) && !model.fits(&length(6)));
    (model.build)(&length(9), &params()).unwrap();
    let refused = (model.build)(&length(6), &params()).err().unwrap().to_string();
    assert!(["`T` is 6", "compiled for T = 9", "interpret"].iter().all(|words| refused.contains(words)), "{refused}");
    interpret::builder(model.path, model.source).build(&length(6), &params()).unwrap();
}
