//! Single operations on the CPU, at the sizes of the shipped models: `cargo bench -p srvae --bench ops`.
//!
//! Items are the operations of the direct sum, two per multiply-accumulate, so a rate in Gitem/s is in GFLOP/s.
//! Winograd's tiles need fewer operations and may exceed the machine's peak. For operations that only move values,
//! items are values. *gradient* is the forward and the backward pass together, with three times the operations. Names
//! with *candle* are candle's own operations. `RAYON_NUM_THREADS` sets the number of threads.

use divan::Bencher;
use divan::counter::ItemsCount;
use srvae::Noise;
use srvae::candle_core::{DType, Device, Result, Tensor, Var};
use srvae::dist::Distribution as _;
use srvae::entries::{self, Make};
use srvae::ops::{self, Attention, DenseStep, reference};

fn main() {
    divan::main();
}

fn draw(shape: &[usize]) -> Tensor {
    Noise::seeded(1).normal("draw", shape, DType::F32, &Device::Cpu).expect("noise on the CPU")
}

/// Times `op` on inputs of these shapes, either forward only or with the gradients of all inputs.
fn time(
    bencher: Bencher<'_, '_>,
    items: usize,
    gradient: bool,
    shapes: &[Vec<usize>],
    op: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let vars: Vec<Var> = shapes.iter().map(|shape| Var::from_tensor(&draw(shape)).expect("a variable")).collect();
    let tracked: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
    let plain: Vec<Tensor> = tracked.iter().map(Tensor::detach).collect();
    bencher.counter(ItemsCount::new(if gradient { 3 * items } else { items })).bench_local(|| {
        if gradient {
            op(&tracked).and_then(|out| out.sum_all()?.backward()).map(|_| ())
        } else {
            op(&plain).map(|out| drop(divan::black_box(out)))
        }
    });
}

/// Batch, channels, height and width, filters, kernel, stride.
type Size = (usize, usize, usize, usize, usize, usize);
const CONVOLUTIONS: [Size; 5] = [
    (8, 256, 32, 64, 3, 1),
    (16, 388, 32, 100, 3, 1),
    (16, 484, 32, 100, 1, 1),
    (16, 131, 32, 64, 3, 2),
    (16, 64, 8, 32, 3, 1),
];

type Convolution = fn(&Tensor, &Tensor, &Tensor, usize, usize) -> Result<Tensor>;

fn convolution(bencher: Bencher<'_, '_>, (n, c, side, filters, kernel, stride): Size, gradient: bool, op: Convolution) {
    let out = side.div_ceil(stride);
    let operations = 2 * n * filters * out * out * c * kernel * kernel;
    let shapes = [vec![n, c, side, side], vec![filters, c, kernel, kernel], vec![filters]];
    time(bencher, operations, gradient, &shapes, |t| op(&t[0], &t[1], &t[2], stride, kernel / 2));
}

#[divan::bench(args = CONVOLUTIONS)]
fn conv2d(bencher: Bencher<'_, '_>, size: Size) {
    convolution(bencher, size, false, ops::conv2d);
}

#[divan::bench(args = CONVOLUTIONS)]
fn conv2d_gradient(bencher: Bencher<'_, '_>, size: Size) {
    convolution(bencher, size, true, ops::conv2d);
}

#[divan::bench(args = &CONVOLUTIONS[..3], sample_count = 5)]
fn conv2d_candle(bencher: Bencher<'_, '_>, size: Size) {
    convolution(bencher, size, false, reference::conv2d);
}

/// Batch, channels, height and width of the input, channels of the output.
type Doubling = (usize, usize, usize, usize);
const DOUBLINGS: [Doubling; 2] = [(16, 776, 16, 388), (16, 324, 16, 162)];

fn doubling(bencher: Bencher<'_, '_>, (n, c, side, filters): Doubling, gradient: bool) {
    let shapes = [vec![n, c, side, side], vec![c, filters, 3, 3], vec![filters]];
    let operations = 2 * n * c * side * side * filters * 9;
    time(bencher, operations, gradient, &shapes, |t| ops::conv_transpose2d(&t[0], &t[1], &t[2], 2, 1, 1));
}

#[divan::bench(args = DOUBLINGS)]
fn conv_transpose2d(bencher: Bencher<'_, '_>, size: Doubling) {
    doubling(bencher, size, false);
}

#[divan::bench(args = DOUBLINGS)]
fn conv_transpose2d_gradient(bencher: Bencher<'_, '_>, size: Doubling) {
    doubling(bencher, size, true);
}

/// Batch, channels, height and width of the input, growth, steps.
type Dense = (usize, usize, usize, usize, usize);
const LAYERS: [Dense; 3] = [(16, 100, 32, 64, 5), (16, 16, 8, 128, 6), (16, 100, 32, 8, 5)];

fn dense(bencher: Bencher<'_, '_>, (n, input, side, growth, count): Dense, gradient: bool) {
    let channels = input + count * growth;
    let squeezed = (channels / 8).max(1);
    let mut shapes = vec![vec![n, input, side, side]];
    let mut products = 2 * channels * squeezed;
    for before in (0..count).map(|step| input + step * growth) {
        shapes.extend([vec![4 * growth, before, 1, 1], vec![4 * growth], vec![growth, 4 * growth, 3, 3], vec![growth]]);
        products += side * side * (4 * growth * before + 36 * growth * growth);
    }
    shapes.extend([vec![squeezed, channels, 1, 1], vec![squeezed], vec![channels, squeezed, 1, 1], vec![channels]]);
    time(bencher, 2 * n * products, gradient, &shapes, |t| {
        let steps = t[1..=4 * count].chunks_exact(4).map(|t| {
            let [squeeze, squeeze_bias, grow, grow_bias] = std::array::from_fn(|i| t[i].clone());
            DenseStep { squeeze, squeeze_bias, grow, grow_bias }
        });
        let [squeeze, squeeze_bias, excite, excite_bias] = std::array::from_fn(|i| t[1 + 4 * count + i].clone());
        let attention = Attention { squeeze, squeeze_bias, excite, excite_bias };
        ops::dense_layer(&t[0], &steps.collect::<Vec<_>>(), &attention)
    });
}

#[divan::bench(args = LAYERS)]
fn dense_layer(bencher: Bencher<'_, '_>, size: Dense) {
    dense(bencher, size, false);
}

#[divan::bench(args = LAYERS)]
fn dense_layer_gradient(bencher: Bencher<'_, '_>, size: Dense) {
    dense(bencher, size, true);
}

/// Ten components for 16 images of 32x32; items are logits.
#[divan::bench(args = [false, true])]
fn logistic_mixture(bencher: Bencher<'_, '_>, gradient: bool) {
    let images = Tensor::arange(0u32, 16 * 3 * 1024, &Device::Cpu)
        .and_then(|at| at.reshape((16, 3, 32, 32))?.to_dtype(DType::F32)?.affine(1.0 / (16.0 * 3.0 * 1024.0), 0.0))
        .and_then(|part| part.affine(255.0, 0.0)?.round()?.affine(1.0 / 255.0, 0.0))
        .expect("images on the k/255 grid");
    time(bencher, 16 * 100 * 1024, gradient, &[vec![16, 100, 32, 32]], |t| {
        ops::logistic_mixture_log_prob(&images, &t[0], 10)
    });
}

#[divan::bench(args = [false, true])]
fn weight_norm(bencher: Bencher<'_, '_>, gradient: bool) {
    let shapes = [vec![128, 512, 3, 3], vec![128, 1, 1, 1]];
    time(bencher, 128 * 512 * 9, gradient, &shapes, |t| ops::weight_norm(&t[0], &t[1], 0));
}

#[divan::bench(args = [false, true])]
fn elu(bencher: Bencher<'_, '_>, gradient: bool) {
    time(bencher, 16 * 256 * 1024, gradient, &[vec![16, 256, 32, 32]], |t| ops::elu(&t[0]));
}

#[divan::bench(args = [false, true])]
fn normal_kl(bencher: Bencher<'_, '_>, gradient: bool) {
    let shapes = std::array::from_fn::<_, 4, _>(|_| vec![64, 16, 16, 16]);
    time(bencher, 64 * 16 * 256, gradient, &shapes, |t| ops::normal_kl(&t[0], &t[1], &t[2], &t[3]));
}

/// A distribution of the catalogue over 256 rows of 2000 values.
const DENSITIES: [&str; 5] = ["poisson", "negative_binomial", "zero_inflated_negative_binomial", "gamma", "student_t"];

/// Values for a density, its head, and its constructor.
fn of_density(name: &str) -> (Tensor, Vec<usize>, Make) {
    let entry = entries::distribution(name).expect("a distribution");
    let count = draw(&[256, 2000]).exp().expect("an exponential");
    let value = if entry.continuous { Ok(count) } else { (count * 3.0).and_then(|count| count.floor()) };
    let channels = entry.channels(&entries::Arguments::default(), 2000);
    (value.expect("a value"), vec![256, channels], entry.make)
}

#[divan::bench(args = DENSITIES)]
fn density(bencher: Bencher<'_, '_>, name: &str) {
    log_prob(bencher, name, false);
}

#[divan::bench(args = DENSITIES)]
fn density_gradient(bencher: Bencher<'_, '_>, name: &str) {
    log_prob(bencher, name, true);
}

fn log_prob(bencher: Bencher<'_, '_>, name: &str, gradient: bool) {
    let (value, head, make) = of_density(name);
    time(bencher, 256 * 2000, gradient, &[head], |t| match make {
        Make::Head(make) => make(&(&t[0]).into(), &entries::Arguments::default())?.log_prob(&value),
        Make::Root(_) => Ok(t[0].clone()),
    });
}

/// Draws of gamma variables by their quantiles, and their implicit gradients.
#[divan::bench(args = [false, true])]
fn gamma_draw(bencher: Bencher<'_, '_>, gradient: bool) {
    let noise = draw(&[256, 100]);
    time(bencher, 256 * 100, gradient, &[vec![256, 100]], |t| ops::log_gamma_draw(&t[0], &noise));
}
