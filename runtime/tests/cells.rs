//! Pixels as cells of a latent's density: a uniform draw in the cells equals `dequantise`.

mod moved;

use moved::moved;
use srvae::interpret;
use srvae::{BoundOptions, DType, Device, Draw, Model, Noise, Params, Settings, Tensor, Values};

const FLOWS: &str = "flow steps = actnorm |> invertible_conv |> affine_coupling(width: 5) |> spline_coupling(width: 4)";

fn build(text: &str, dtype: DType) -> Box<dyn Model> {
    let params = Params::new(3, dtype, &Device::Cpu);
    let model = interpret::builder("m.pgm", text).build(&Settings::new(), &params).unwrap();
    // No flow is the identity.
    moved(&params, 0.1, None);
    model
}

fn latent(q: &str) -> String {
    format!(
        "model m\nobserved x: image[2, 4, 4]\nlatent v: real[2, 4, 4]\n{FLOWS}\n\
         p(v) = standard_normal |> steps\np(x | v) = floor(v)\nq(v | x) = {q} |> onto(x)\n"
    )
}

/// Every grey level, and a few images of them.
fn pixels(dtype: DType) -> Tensor {
    let levels: Vec<f64> = (0..8 * 32u32).map(|at| f64::from(at) / 255.0).collect();
    Tensor::from_vec(levels, (8, 2, 4, 4), &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

/// The bound of each record in nats, with the same noise.
fn bounds(text: &str, dtype: DType, samples: usize) -> Vec<f64> {
    let (model, data) = (build(text, dtype), Values::new().with("x", pixels(dtype)));
    let options = BoundOptions { samples, ..BoundOptions::default() };
    let terms = model.bound(&data, &mut Noise::seeded(5), &options).unwrap();
    let sum = terms.log_weights().unwrap().mean(0).unwrap();
    sum.to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

#[test]
fn uniform_within_the_cells_is_dequantisation() {
    let one = format!("model m\nobserved x: image[2, 4, 4]\n{FLOWS}\np(x) = standard_normal |> steps |> dequantise\n");
    // In f64 up to rounding, in f32 up to the precision of sums of some hundred nats.
    for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 1e-5)] {
        for samples in [1, 3] {
            let (plain, latent) = (bounds(&one, dtype, samples), bounds(&latent("uniform"), dtype, samples));
            for (plain, latent) in plain.iter().zip(&latent) {
                assert!((plain - latent).abs() < tolerance * (1.0 + plain.abs()), "{dtype:?}: {plain} {latent}");
            }
        }
    }
}

/// The pixels of any draw within the cells of an image are that image.
#[test]
fn what_is_drawn_stays_within_its_cells() {
    let wild = "normal |> affine(scale: 40) |> sigmoid";
    let text = latent(wild).replace("|> onto(x)\n", "|> onto(x) from x |> conv(out: 4)\n");
    let (model, x) = (build(&text, DType::F32), pixels(DType::F32));
    let given = Values::new().with("x", x.clone());
    let drawn = model.run("reconstruction", &given, 8, &mut Noise::seeded(2), &Draw::default()).unwrap();
    let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let levels = |tensor: &Tensor| numbers(&(tensor * 255.0).unwrap().round().unwrap());
    assert_eq!(levels(drawn.get("x").unwrap()), levels(&x));
    let within = numbers(drawn.get("v").unwrap()).into_iter().map(|v| (256.0 * v).fract());
    let (low, high) = within.fold((1.0f32, 0.0f32), |(low, high), part| (low.min(part), high.max(part)));
    // Nine of ten draws from a normal 40 wide are beyond ±4.6, where the sigmoid is within 0.01 of an end.
    assert!(low < 0.01 && high > 0.99, "the draws reach from {low} to {high} of a cell");
}

/// An image drawn from p is on the grid, and the mode of a draw outside of all cells is the nearest pixel.
#[test]
fn what_is_generated_is_on_the_grid() {
    let model = build(&latent("uniform"), DType::F32);
    let drawn = model.run("generation", &Values::new(), 16, &mut Noise::seeded(2), &Draw::default()).unwrap();
    let x = drawn.get("x").unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    // A pixel in f32 is within 255 · 6e-8 of its level.
    assert!(x.iter().all(|x| (0.0..=1.0).contains(x) && (x * 255.0 - (x * 255.0).round()).abs() < 1e-4));
    assert!(x.contains(&0.0) && x.contains(&1.0), "normal draws are outside of all cells too");
}
