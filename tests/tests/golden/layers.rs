//! Convolutions, attention, dense layers and the three networks: output, gradients of the input and of the parameters.

use super::support::{GRADIENT, Golden, OUTPUT, gradients, load, open, params};
use anyhow::Result;
use srvae::candle_core::{DType, Tensor, Var};
use srvae::nn::{
    Decoder, DecoderConfig, DenseLayer, DenseNet, DenseNetConfig, Encoder, EncoderConfig, NormConv, Shape2d,
};
use srvae::params::Phase;
use srvae::{Params, ops};

srvae_tests::trials!(
    conv1x1,
    conv3x3,
    conv3x3_elu,
    downsample,
    upsample,
    channel_attention,
    dense_block,
    dense_layer,
    encoder,
    decoder,
    dense_network,
    init_conv,
    init_upsample,
    downscale
);

type Forward<'a> = Box<dyn Fn(&Tensor) -> srvae::Result<Tensor> + 'a>;

/// Loads the parameters, runs the layer, and compares output and gradients of sum(output · cotangent).
fn check(golden: &Golden, params: &Params, strip: &str, forward: Forward<'_>) -> Result<()> {
    load(golden, params, strip)?;
    let x = Var::from_tensor(&golden.get("input")?)?;
    let out = forward(x.as_tensor())?;
    golden.close("output", &out, OUTPUT)?;
    let store = (out * golden.get("cotangent")?)?.sum_all()?.backward()?;
    golden.close("grad_input", store.get(&x).expect("a gradient for the input"), GRADIENT)?;
    gradients(golden, params, strip, &store, GRADIENT)?;
    // Inference yields the same numbers, without a graph.
    params.set_phase(Phase::Inference);
    let out = forward(&x.as_detached_tensor())?;
    assert!(!out.track_op(), "nothing is kept for gradients at inference");
    golden.close("output", &out, OUTPUT)
}

/// A convolution whose parameters have the prefix `path` in PyTorch.
fn convolution(name: &str, path: &str, [input, output, kernel]: [usize; 3], shape: Shape2d, elu: bool) -> Result<()> {
    let golden = open("layers")?;
    let params = params(DType::F32);
    let conv = NormConv::new(&params.at(path), input, output, kernel, shape)?;
    check(&golden.at(name), &params, "", Box::new(|x| if elu { ops::elu(&conv.forward(x)?) } else { conv.forward(x) }))
}

fn conv1x1() -> Result<()> {
    convolution("conv1x1", "conv", [5, 7, 1], Shape2d::Stride(1), false)
}

fn conv3x3() -> Result<()> {
    convolution("conv3x3", "conv", [5, 7, 3], Shape2d::Stride(1), false)
}

fn conv3x3_elu() -> Result<()> {
    convolution("conv3x3_elu", "conv", [5, 7, 3], Shape2d::Stride(1), true)
}

fn downsample() -> Result<()> {
    convolution("downsample", "core_nn.0.conv", [5, 10, 3], Shape2d::Stride(2), false)
}

fn upsample() -> Result<()> {
    convolution("upsample", "core_nn.0.conv", [6, 3, 3], Shape2d::Double, false)
}

fn channel_attention() -> Result<()> {
    let golden = open("layers")?;
    let params = params(DType::F32);
    let squeeze = NormConv::new(&params.at("ca_block.0.conv"), 16, 2, 1, Shape2d::Stride(1))?;
    let excite = NormConv::new(&params.at("ca_block.1.conv"), 2, 16, 1, Shape2d::Stride(1))?;
    let forward = |x: &Tensor| {
        let ((squeeze, squeeze_bias), (excite, excite_bias)) = (squeeze.weight()?, excite.weight()?);
        ops::channel_attention(x, &ops::Attention { squeeze, squeeze_bias, excite, excite_bias })
    };
    check(&golden.at("channel_attention"), &params, "", Box::new(forward))
}

fn dense_block() -> Result<()> {
    let golden = open("layers")?;
    let params = params(DType::F32);
    let squeeze = NormConv::new(&params.at("dense_block.0.conv"), 6, 16, 1, Shape2d::Stride(1))?;
    let grow = NormConv::new(&params.at("dense_block.1.conv"), 16, 4, 3, Shape2d::Stride(1))?;
    let forward = |x: &Tensor| Tensor::cat(&[x, &grow.forward(&squeeze.forward(x)?)?], 1);
    check(&golden.at("dense_block"), &params, "", Box::new(forward))
}

fn dense_layer() -> Result<()> {
    let golden = open("layers")?;
    let params = params(DType::F32);
    let layer = DenseLayer::new(&params.at("densenet"), 8, 4, 3)?;
    check(&golden.at("dense_layer"), &params, "", Box::new(|x| layer.forward(x)))
}

fn encoder() -> Result<()> {
    let golden = open("layers")?;
    let params = params(DType::F32);
    let config = EncoderConfig { growth: 4, steps: 2, down: 2, out: 8 };
    let encoder = Encoder::new(&params.at("encoder"), &[3, 16, 16], config)?;
    assert_eq!(encoder.output(), [8, 4, 4]);
    check(&golden.at("dense_encoder"), &params, "", Box::new(|x| encoder.forward(x)))
}

fn decoder() -> Result<()> {
    let golden = open("layers")?;
    let params = params(DType::F32);
    let config = DecoderConfig { growth: 8, steps: 2, up: 2, out: 10 };
    let decoder = Decoder::new(&params.at("decoder"), &[8, 4, 4], config)?;
    assert_eq!(decoder.output(), [10, 16, 16]);
    check(&golden.at("dense_decoder"), &params, "", Box::new(|x| decoder.forward(x)))
}

fn dense_network() -> Result<()> {
    let golden = open("layers")?;
    let params = params(DType::F32);
    let config = DenseNetConfig { growth: 4, steps: 2, blocks: 3, out: 6 };
    let network = DenseNet::new(&params.at("densenet"), &[8, 6, 6], config)?;
    check(&golden.at("dense_network"), &params, "", Box::new(|x| network.forward(x)))
}

/// The first batch sets scale and bias. The golden direction is loaded before, because it was drawn by PyTorch.
fn initialisation(name: &str, path: &str, [input, output]: [usize; 2], shape: Shape2d) -> Result<()> {
    let golden = open("layers")?;
    let (golden, params) = (golden.at(name), params(DType::F32));
    let conv = NormConv::new(&params.at(path), input, output, 3, shape)?;
    load(&golden, &params, "")?;
    for (key, var) in params.entries() {
        if !key.ends_with("weight_v") {
            var.set(&var.zeros_like()?)?;
        }
    }
    params.set_phase(Phase::Initialisation);
    golden.close("first_output", &conv.forward(&golden.get("input")?)?, OUTPUT)?;
    for (key, var) in params.entries() {
        golden.close(&format!("param/{key}"), var.as_tensor(), OUTPUT)?;
    }
    params.set_phase(Phase::Training);
    golden.close("first_output", &conv.forward(&golden.get("input")?)?, OUTPUT)
}

fn init_conv() -> Result<()> {
    initialisation("init_conv", "conv", [5, 7], Shape2d::Stride(1))
}

fn init_upsample() -> Result<()> {
    initialisation("init_upsample", "conv", [6, 3], Shape2d::Double)
}

fn downscale() -> Result<()> {
    let golden = open("downscale")?;
    let x = (golden.get("x")?.to_dtype(DType::F32)? / 255.0)?;
    let y = (ops::transform::downscale(&x, 2)? * 255.0)?.round()?.to_dtype(DType::U8)?;
    let (ours, theirs) = (y.flatten_all()?.to_vec1::<u8>()?, golden.get("y")?.flatten_all()?.to_vec1::<u8>()?);
    assert_eq!(ours, theirs, "downscaling is exact");
    Ok(())
}
