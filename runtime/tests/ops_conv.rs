//! Convolutions and weight normalisation compared with candle's operations in f64, for all kinds of shapes.

use srvae::candle_core::{DType, Device, Result, Tensor, Var};
use srvae::{Noise, ops, ops::reference};

/// Relative to the largest magnitude: sums of at most a few thousand terms in f32.
const TOLERANCE: f64 = 1e-5;

fn draw(name: &str, shape: &[usize]) -> Result<Tensor> {
    Noise::seeded(shape.iter().sum::<usize>() as u64).normal(name, shape, DType::F32, &Device::Cpu)
}

type Op = dyn Fn(&[Tensor]) -> Result<Tensor>;

/// In f64: far below the error of any operation in f32.
const DOUBLE: f64 = 1e-9;

/// Output and gradients of a weighted sum of it: `fast` in f32 and f64 compared with `plain` in f64.
fn compare(what: &str, inputs: &[Tensor], fast: &Op, plain: &Op) -> Result<()> {
    let run = |op: &Op, dtype: DType| -> Result<Vec<Tensor>> {
        let vars = inputs.iter().map(|t| Var::from_tensor(&t.to_dtype(dtype)?)).collect::<Result<Vec<_>>>()?;
        let tensors: Vec<_> = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let out = op(&tensors)?;
        let store = (&out * draw("cotangent", out.dims())?.to_dtype(dtype)?)?.sum_all()?.backward()?;
        let mut all = vec![out.detach()];
        for var in &vars {
            all.push(store.get(var).expect("a gradient").clone());
        }
        Ok(all)
    };
    let theirs = run(plain, DType::F64)?;
    for (dtype, tolerance) in [(DType::F32, TOLERANCE), (DType::F64, DOUBLE)] {
        for (at, (ours, theirs)) in run(fast, dtype)?.iter().zip(&theirs).enumerate() {
            assert_eq!(ours.dims(), theirs.dims(), "{what}: shape {at}");
            let most = |t: &Tensor| -> Result<f64> { t.abs()?.flatten_all()?.max(0)?.to_scalar() };
            let error = most(&(ours.to_dtype(DType::F64)? - theirs)?)? / most(theirs)?.max(1e-6);
            assert!(error <= tolerance, "{what}, {dtype:?}: result {at} is off by {error:.1e}");
        }
    }
    Ok(())
}

#[test]
fn convolutions() -> Result<()> {
    // [batch, channels, height, width], filters, kernel, stride. candle's gradient with stride 2 supports only odd
    // sizes.
    for (x, filters, kernel, stride) in [
        ([2, 5, 8, 8], 7, 3, 1),
        ([1, 1, 1, 1], 1, 1, 1),
        ([3, 70, 5, 3], 33, 1, 1),
        ([2, 3, 9, 7], 20, 3, 2),
        ([1, 65, 7, 7], 5, 3, 2),
        ([2, 4, 6, 5], 3, 5, 1),
        ([300, 9, 1, 1], 4, 1, 1),
        ([130, 64, 1, 1], 40, 1, 1),
        ([2, 6, 32, 32], 16, 1, 1),
        // By planes: panels that meet several images or end inside one, more filters than channels, several strips, and sums in parts.
        ([3, 70, 7, 5], 33, 1, 1),
        ([70, 5, 4, 4], 40, 1, 1),
        ([2, 300, 24, 24], 10, 1, 1),
        ([9, 20, 17, 19], 24, 1, 1),
        // By tiles: several panels and chunks, a last group that is smaller, sizes that are no multiple of a tile's.
        ([5, 70, 8, 8], 33, 3, 1),
        ([1, 9, 17, 15], 150, 3, 1),
        ([9, 33, 7, 8], 8, 3, 1),
        ([2, 130, 13, 22], 10, 3, 1),
        ([20, 9, 16, 15], 12, 3, 1),
        // By both phases: several chunks and panels, tiles that reach out of the image, and more tiles than are kept at once.
        ([17, 48, 15, 17], 70, 3, 2),
        ([3, 150, 17, 15], 50, 3, 2),
        ([20, 50, 31, 29], 48, 3, 2),
    ] {
        let inputs = [draw("x", &x)?, draw("w", &[filters, x[1], kernel, kernel])?, draw("b", &[filters])?];
        compare(
            &format!("a convolution of {x:?} to {filters} channels, kernel {kernel}, stride {stride}"),
            &inputs,
            &move |t| ops::conv2d(&t[0], &t[1], &t[2], stride, kernel / 2),
            &move |t| reference::conv2d(&t[0], &t[1], &t[2], stride, kernel / 2),
        )?;
    }
    Ok(())
}

/// Masked kernels, whose taps after the first few are not computed: with and without Winograd's tiles, 1x1, several chunks of channels.
#[test]
fn convolutions_that_see_the_first_taps() -> Result<()> {
    for (x, filters, kernel, seen) in [
        ([2, 4, 6, 5], 3, 5, 12),
        ([2, 4, 6, 5], 3, 5, 13),
        ([2, 70, 9, 8], 70, 7, 24),
        ([3, 16, 16, 16], 16, 3, 4),
        ([2, 3, 9, 7], 20, 3, 5),
        ([1, 5, 4, 4], 6, 3, 9),
    ] {
        let taps = kernel * kernel;
        let mask = (0..taps).map(|tap| f32::from(u8::from(tap < seen))).collect::<Vec<_>>();
        let mask = Tensor::from_vec(mask, (1, 1, kernel, kernel), &Device::Cpu)?;
        let inputs = [draw("x", &x)?, draw("weight", &[filters, x[1], kernel, kernel])?, draw("bias", &[filters])?];
        let masked = move |weight: &Tensor| weight.broadcast_mul(&mask.to_dtype(weight.dtype())?);
        let reference_masked = masked.clone();
        compare(
            &format!("{x:?} to {filters}, the first {seen} of {kernel}x{kernel} taps"),
            &inputs,
            &move |t| ops::conv2d_of_first(&t[0], &masked(&t[1])?, &t[2], [1, kernel / 2], seen),
            &move |t| reference::conv2d(&t[0], &reference_masked(&t[1])?, &t[2], 1, kernel / 2),
        )?;
    }
    Ok(())
}

#[test]
fn affine_maps() -> Result<()> {
    // [records, inputs, outputs]: widths that are and are not multiples of a vector, several blocks of rows, of columns
    // and of the depth, shapes with only one large size, and few records for a large weight.
    for [records, inputs, outputs] in [
        [1, 1, 1],
        [3, 5, 16],
        [2, 16, 5],
        [97, 64, 500],
        [200, 300, 33],
        [5, 700, 64],
        [1, 40, 2000],
        [600, 17, 1],
        [8, 300, 333],
        [24, 100, 2000],
    ] {
        for weight in [vec![outputs, inputs], vec![outputs, inputs, 1, 1]] {
            let drawn = [draw("x", &[records, inputs])?, draw("w", &weight)?, draw("b", &[outputs])?];
            compare(
                &format!("an affine map of [{records}, {inputs}] with a weight {weight:?}"),
                &drawn,
                &|t| ops::affine(&t[0], &t[1], &t[2]),
                &move |t| t[0].matmul(&t[1].reshape((outputs, inputs))?.t()?)?.broadcast_add(&t[2]),
            )?;
        }
    }
    Ok(())
}

#[test]
fn transposed_convolutions() -> Result<()> {
    for (x, filters) in [
        ([2, 6, 4, 4], 3),
        ([1, 1, 1, 1], 1),
        ([3, 20, 3, 5], 33),
        ([1, 70, 8, 8], 17),
        ([5, 130, 8, 8], 65),
        ([17, 48, 16, 15], 60),
    ] {
        let inputs = [draw("x", &x)?, draw("w", &[x[1], filters, 3, 3])?, draw("b", &[filters])?];
        let [batch, channels, height, width] = x;
        compare(
            &format!("a transposed convolution of {x:?} to {filters} channels"),
            &inputs,
            &|t| ops::conv_transpose2d(&t[0], &t[1], &t[2], 2, 1, 1),
            // candle has no gradient for it: zeros between the pixels, and the kernel rotated.
            &move |t| {
                let spread = |h: &Tensor, axis: usize| {
                    let h = h.unsqueeze(axis + 1)?;
                    Tensor::cat(&[&h, &h.zeros_like()?], axis + 1)?.flatten(axis, axis + 1)
                };
                let wide = spread(&spread(&t[0], 2)?, 3)?.reshape((batch, channels, 2 * height, 2 * width))?;
                let kernel = t[1].transpose(0, 1)?.flatten_from(2)?;
                let turned: Vec<u32> = (0..9).rev().collect();
                let kernel = kernel.contiguous()?.index_select(&Tensor::new(turned, &Device::Cpu)?, 2)?;
                let kernel = kernel.reshape((filters, channels, 3, 3))?;
                reference::conv2d(&wide, &kernel, &t[2], 1, 1)
            },
        )?;
    }
    Ok(())
}

#[test]
fn an_input_that_is_not_contiguous() -> Result<()> {
    let (x, w, b) = (draw("x", &[2, 5, 6, 9])?, draw("w", &[4, 5, 3, 3])?, draw("b", &[4])?);
    let strided = x.transpose(2, 3)?.contiguous()?.transpose(2, 3)?;
    let difference = (ops::conv2d(&x, &w, &b, 1, 1)? - ops::conv2d(&strided, &w, &b, 1, 1)?)?;
    assert_eq!(difference.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?, 0.0);
    Ok(())
}

#[test]
fn weight_normalisation() -> Result<()> {
    for (shape, dim) in [([7, 5, 3, 3], 0), ([6, 9, 3, 3], 1), ([1, 1, 1, 1], 0), ([300, 130, 1, 1], 0)] {
        let mut scales = [1; 4];
        scales[dim] = shape[dim];
        compare(
            &format!("a weight of {shape:?} along {dim}"),
            &[draw("v", &shape)?, draw("g", &scales)?],
            &move |t| ops::weight_norm(&t[0], &t[1], dim),
            &move |t| reference::weight_norm(&t[0], &t[1], dim),
        )?;
    }
    Ok(())
}

#[test]
fn the_same_bits_on_any_number_of_threads() -> Result<()> {
    let run = || -> Result<Vec<Vec<f32>>> {
        let vars = [draw("x", &[5, 70, 8, 8])?, draw("w", &[20, 70, 3, 3])?, draw("b", &[20])?];
        let vars = vars.iter().map(Var::from_tensor).collect::<Result<Vec<_>>>()?;
        let out = ops::conv2d(vars[0].as_tensor(), vars[1].as_tensor(), vars[2].as_tensor(), 1, 1)?;
        let store = out.sqr()?.sum_all()?.backward()?;
        vars.iter().map(|var| store.get(var).expect("a gradient").flatten_all()?.to_vec1()).collect()
    };
    let on =
        |threads: usize| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(run);
    let one = on(1)?;
    for threads in [2, 5] {
        assert!(one == on(threads)?, "{threads} threads give other bits than one");
    }
    Ok(())
}
