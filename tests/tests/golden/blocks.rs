//! Blocks compared with PyTorch's layers: output, gradients of inputs and parameters (`tests/fixtures/blocks.py`).

use super::support::{GRADIENT, Golden, OUTPUT, Tolerance, open, params};
use anyhow::{Context, Result};
use srvae::candle_core::backprop::GradStore;
use srvae::candle_core::{DType, Tensor, Var};
use srvae::entries::registry::{self, Arguments};
use srvae::params::Phase;
use srvae::{Params, Setting};

srvae_tests::trials!(
    recurrent_cells,
    norms,
    vectors,
    attention,
    bottleneck,
    masked_convolutions,
    depthwise_convolution,
    transposed_convolution,
    functions_without_parameters,
    pools_and_sizes
);

fn arguments(given: &[(&str, i64)]) -> Arguments {
    Arguments(given.iter().map(|(name, value)| ((*name).to_owned(), Setting::Int(*value))).collect())
}

/// Output and gradients of a case, from its inputs and its parameters, which have the block's names.
fn check(golden: &Golden, params: &Params, forward: impl Fn(&[&Tensor]) -> srvae::Result<Tensor>) -> Result<()> {
    let entries = params.entries();
    for (name, var) in &entries {
        var.set(&golden.get(&format!("param/{name}"))?.to_dtype(var.dtype())?)?;
    }
    params.touch();
    let inputs = inputs(golden)?;
    let all: Vec<&Tensor> = inputs.iter().map(Var::as_tensor).collect();
    let out = forward(&all)?;
    golden.close("output", &out, OUTPUT)?;
    let store = (out * golden.get("cotangent")?)?.sum_all()?.backward()?;
    let each = inputs.iter().enumerate().map(|(at, var)| (format!("grad_{at}"), var));
    for (name, var) in each.chain(entries.iter().map(|(name, var)| (format!("grad/{name}"), var))) {
        gradient(golden, &store, &name, var)?;
    }
    params.set_phase(Phase::Inference);
    let detached: Vec<Tensor> = inputs.iter().map(|var| var.as_detached_tensor()).collect();
    golden.close("output", &forward(&detached.iter().collect::<Vec<_>>())?, OUTPUT)
}

/// The gradient of a direction is a small difference of terms as large as those of its scale.
fn gradient(golden: &Golden, store: &GradStore, name: &str, var: &Var) -> Result<()> {
    let ours = store.get(var).with_context(|| format!("no gradient for {name}"))?;
    let tolerance = match name.strip_suffix("weight_v") {
        Some(stem) => Tolerance::Beside(GRADIENT, golden.largest(&format!("{stem}weight_g"))?),
        None => Tolerance::Relative(GRADIENT),
    };
    golden.within(name, ours, tolerance)
}

fn inputs(golden: &Golden) -> Result<Vec<Var>> {
    let each = ["0", "1"].into_iter().map_while(|name| golden.get(name).ok());
    Ok(each.map(|input| Var::from_tensor(&input)).collect::<srvae::Result<_>>()?)
}

fn layer(case: &str, name: &str, given: &[(&str, i64)]) -> Result<()> {
    let (golden, params) = (open("blocks")?.at(case), params(DType::F32));
    let inputs = inputs(&golden)?;
    let shapes: Vec<&[usize]> = inputs.iter().map(|input| &input.dims()[1..]).collect();
    let layer = registry::layer(name, &params, &shapes, &arguments(given))?;
    check(&golden, &params, |inputs| layer.forward(inputs))
}

fn function(name: &str, given: &Arguments) -> Result<()> {
    let (golden, params) = (open("blocks")?.at(name), params(DType::F32));
    check(&golden, &params, |inputs| registry::function(name, inputs, given))
}

fn recurrent_cells() -> Result<()> {
    layer("gru", "gru", &[])?;
    layer("lstm", "lstm", &[])
}

fn norms() -> Result<()> {
    layer("layer_norm", "layer_norm", &[])?;
    layer("layer_norm_map", "layer_norm", &[])
}

fn vectors() -> Result<()> {
    layer("mlp", "mlp", &[("width", 5), ("depth", 2), ("out", 3)])?;
    layer("embedding", "embedding", &[("out", 3)])
}

fn attention() -> Result<()> {
    layer("attention", "attention", &[("heads", 2)])
}

fn bottleneck() -> Result<()> {
    layer("bottleneck", "bottleneck", &[("width", 3)])
}

fn masked_convolutions() -> Result<()> {
    let (golden, seen) = (open("blocks")?, [("masked_conv", false), ("masked_conv_own", true)]);
    for (case, own) in seen {
        let (golden, params) = (golden.at(case), params(DType::F32));
        let mut given = arguments(&[("kernel", 3), ("out", 4)]);
        given.0.push(("own".to_owned(), Setting::Bool(own)));
        let layer = registry::layer("masked_conv", &params, &[&[3, 5, 4]], &given)?;
        check(&golden, &params, |inputs| layer.forward(inputs))?;
    }
    Ok(())
}

fn depthwise_convolution() -> Result<()> {
    layer("depthwise_conv", "depthwise_conv", &[("kernel", 5)])
}

fn transposed_convolution() -> Result<()> {
    layer("conv_transpose", "conv_transpose", &[("kernel", 5), ("out", 2)])
}

fn functions_without_parameters() -> Result<()> {
    function("softmax", &Arguments::default())?;
    function("leaky_relu", &Arguments(vec![("slope".to_owned(), Setting::Real(0.2))]))
}

fn pools_and_sizes() -> Result<()> {
    function("max_pool", &arguments(&[("kernel", 3), ("stride", 2)]))?;
    function("avg_pool", &arguments(&[("kernel", 3), ("stride", 2)]))?;
    function("resize", &arguments(&[("size", 6), ("size", 4)]))
}
