//! The estimate of memory, number by number.

use srvae_dsl::{Overrides, Source, compile};
use srvae_interpreter::{Interpreted, Memory};
use srvae_numerics::{DType, Device, Params};

/// Every number computed by hand, in the order of the model's lines.
#[test]
fn a_small_model_by_hand() {
    let text = "model small\nobserved x: binary[1, 4, 4]\nlatent z: real[2, 4, 4]\np(z) = standard_normal\n\
         p(x | z) = bernoulli from z |> conv\nq(z | x) = normal from x |> densenet(growth: 1, steps: 1, blocks: 1)\n";
    let plan = compile(&Source::new("small.pgm", text), &Overrides::default()).plan().unwrap().clone();
    let parameters = plan.model.cost().parameters;
    let model = Interpreted::new(plan, &Params::new(1, DType::F32, &Device::Cpu)).unwrap();
    let memory = model.memory();
    let pixels = 16;
    // Weights, gain and bias: 3x3 from 2 to 1; then 1x1 from 1 to 4, 3x3 from 4 to 1, attention 2 to 1 to 2, 1x1 from 2 to 4.
    let (conv, dense, head) = (18 + 2, (4 + 8) + (36 + 2) + (2 + 2) + (2 + 4), 8 + 8);
    assert_eq!(parameters, conv + dense + head);
    // One step of 1 channel and a constant to 1, padded to 8; four times as much as points.
    let kernels = 9 * 2 * 8 + 4 * 9 * 2 * 8;
    assert_eq!(memory.training_fixed, 20_000_000 + 4 * (6 * 96 + kernels));
    assert_eq!(memory.saving, 20_000_000 + 4 * 20 * 96);
    assert_eq!(memory.evaluation_fixed, 20_000_000 + 4 * (2 * 96 + kernels));
    let (outputs, heads, variables) = ((1 + 2 + 4) * pixels, (1 + 4) * pixels, (1 + 2) * pixels);
    // The dense layer: stack and gradient with rows of 16 + 16, gradients of 2 and 1 channels, 36 points of one tile.
    let passing = 2 * 32 * pixels + 3 * pixels + 36 * 8;
    // A quarter more.
    assert_eq!(memory.training_image, 4 * (outputs + 3 * heads + 4 * variables + passing) / 4 * 5);
    assert_eq!(memory.evaluation_image, 4 * ((2 + 4) * pixels + heads + variables));
    let two = memory.training(2);
    assert_eq!((memory.largest_batch(two), memory.largest_batch(two - 1)), (2, 1));
}

/// Bytes per image that training of a chain with this many data keeps, in segments or as a whole.
fn chain(data: usize, checkpoint: &str) -> u64 {
    let text = format!(
        "model chain\nindex l in 1..4\nobserved x: real[{data}]\nlatent z[l]: real[2]\n{checkpoint}\
         p(z[1]) = standard_normal\np(z[l] | z[l - 1]) = normal from z[l - 1] |> linear\np(x | z[4]) = normal from z[4] |> linear\n\
         q(z[1] | x) = normal from x |> linear\nq(z[l] | z[l - 1]) = normal from z[l - 1] |> linear\n"
    );
    let compilation = compile(&Source::new("chain.pgm", text), &Overrides::default());
    Memory::of(compilation.plan().unwrap()).training_image
}

/// The memory of a layer's backward pass is the same for both, so the difference is that of what is kept.
#[test]
fn segments_keep_the_largest_and_what_is_passed_on_twice() {
    // Heads of 4 for each z[l] by q and, from the second, by p, and of 6 for x. Each is the output of a layer.
    let heads = 4 * 4 + 3 * 4 + 6;
    let whole = heads + 3 * heads + 4 * (4 * 2 + 3);
    // The last segment has the heads of q(z[4]) and p(z[4]), the draw of z[4], and the layer and the head of x.
    let largest = 2 * 3 * 4 + 4 * 2 + 6 + 3 * 6;
    // The layers of q and p of z[2] to z[4] are in the segment before that of their heads. The bound has five terms.
    let passed = 2 * 3 * 4 + 5;
    assert_eq!(chain(3, "") - chain(3, "checkpoint l = 1\n"), 4 * (whole - (largest + 2 * passed)) / 4 * 5);
    // A single segment keeps everything, and copies of the terms: the model as a whole needs less.
    assert_eq!(chain(1, "checkpoint l = 4\n"), chain(1, ""));
}

#[test]
fn as_many_rows_are_computed_at_once_as_fit_but_at_least_one() {
    let rows = |evaluation_image| {
        let (training_fixed, training_image, saving, evaluation_fixed) = (0, 0, 0, 0);
        Memory { training_fixed, training_image, saving, evaluation_fixed, evaluation_image }.rows_at_once()
    };
    assert_eq!([rows(1 << 20), rows(200 << 20), rows(300 << 20)], [256, 1, 1]);
}
