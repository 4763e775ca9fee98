use super::*;
use candle_core::{DType, Device, Var};

const MASKS: [Mask; 4] = [
    Mask::Checkerboard { reversed: false },
    Mask::Checkerboard { reversed: true },
    Mask::Channel { reversed: false },
    Mask::Channel { reversed: true },
];

/// One pixel, odd sizes, and enough for several threads.
const SHAPES: [[usize; 4]; 3] = [[1, 2, 1, 1], [3, 6, 5, 7], [4, 16, 20, 9]];

fn random(shape: &[usize], dtype: DType) -> Var {
    Var::from_tensor(&Tensor::randn(0f64, 0.7, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()).unwrap()
}

/// Input, network and scales for a mask.
fn inputs([batch, channels, height, width]: [usize; 4], mask: Mask, dtype: DType) -> [Var; 3] {
    let changed = if matches!(mask, Mask::Channel { .. }) { channels / 2 } else { channels };
    [
        // Not contiguous after the transposition.
        random(&[channels, batch, height, width], dtype),
        random(&[batch, 2 * changed, height, width], dtype),
        random(&[changed, 1, 1], dtype),
    ]
}

/// A number that depends on all results of a coupling.
type Of = fn(&Tensor, &Tensor, &Tensor, Mask, bool) -> Result<Tensor>;

fn ours(h: &Tensor, network: &Tensor, rescale: &Tensor, mask: Mask, inverse: bool) -> Result<Tensor> {
    let context = coupling_context(h, mask)?.sqr()?.sum_all()?;
    let moved = weighted(&coupling(h, network, rescale, mask, inverse)?)?;
    (context + moved)? + weighted(&coupling_log_det(network, rescale, mask)?)?
}

fn theirs(h: &Tensor, network: &Tensor, rescale: &Tensor, mask: Mask, inverse: bool) -> Result<Tensor> {
    let context = reference::coupling_context(h, mask)?.sqr()?.sum_all()?;
    let moved = weighted(&reference::coupling(h, network, rescale, mask, inverse)?)?;
    (context + moved)? + weighted(&reference::coupling_log_det(network, rescale, mask)?)?
}

/// A sum with a different weight for every value.
fn weighted(values: &Tensor) -> Result<Tensor> {
    let weights = Tensor::arange(0u32, values.elem_count() as u32, values.device())?.to_dtype(values.dtype())?;
    (values * (weights * 0.37)?.cos()?.reshape(values.shape())?)?.sum_all()
}

fn evaluate(of: Of, inputs: &[Var; 3], mask: Mask, inverse: bool) -> (f64, Vec<Vec<f64>>) {
    let value = of(&inputs[0].transpose(0, 1).unwrap(), &inputs[1], &inputs[2], mask, inverse).unwrap();
    let store = value.backward().unwrap();
    let wide = |t: &Tensor| t.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    (wide(&value)[0], inputs.iter().map(|var| wide(store.get(var).unwrap())).collect())
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    let top = b.iter().fold(1.0f64, |top, value| top.max(value.abs()));
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance * top)
}

#[test]
fn values_and_gradients_are_candles() {
    for (dtype, tolerance) in [(DType::F32, 1e-5), (DType::F64, 1e-13)] {
        for (shape, mask) in SHAPES.into_iter().flat_map(|shape| MASKS.map(|mask| (shape, mask))) {
            let inputs = inputs(shape, mask, dtype);
            for inverse in [false, true] {
                let (value, gradients) = evaluate(ours, &inputs, mask, inverse);
                let (plain, plain_gradients) = evaluate(theirs, &inputs, mask, inverse);
                assert!(close(&[value], &[plain], tolerance), "{shape:?} {mask:?} {inverse}: {value} {plain}");
                for (gradient, plain) in gradients.iter().zip(&plain_gradients) {
                    assert!(close(gradient, plain, tolerance), "{shape:?} {mask:?} {inverse}");
                }
            }
        }
    }
}

#[test]
fn gradients_are_slopes() {
    const STEP: f64 = 1e-6;
    for (mask, inverse) in MASKS.into_iter().flat_map(|mask| [(mask, false), (mask, true)]) {
        let inputs = inputs([1, 2, 2, 3], mask, DType::F64);
        let (_, gradients) = evaluate(ours, &inputs, mask, inverse);
        for (var, gradient) in inputs.iter().zip(&gradients) {
            let start = var.as_tensor().copy().unwrap();
            for (at, slope) in gradient.iter().enumerate() {
                let moved = |by: f64| {
                    let mut values = start.flatten_all().unwrap().to_vec1::<f64>().unwrap();
                    values[at] += by;
                    var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
                    evaluate(ours, &inputs, mask, inverse).0
                };
                let found = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                // Two values of order 10, each rounded at 1e-15, divided by a difference of 2e-6.
                assert!((found - slope).abs() < 1e-7 * slope.abs().max(1.0), "{mask:?} {inverse}: {found} {slope}");
            }
            var.set(&start).unwrap();
        }
    }
}

#[test]
fn the_inverse_takes_a_coupling_back() {
    for mask in MASKS {
        let [h, network, rescale] = inputs([3, 6, 5, 7], mask, DType::F64);
        let h = h.transpose(0, 1).unwrap();
        let there = coupling(&h, &network, &rescale, mask, false).unwrap();
        let back = coupling(&there, &network, &rescale, mask, true).unwrap();
        let wide = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        // Rounding of a product, a quotient and a sum of numbers of about 1.
        assert!(close(&wide(&back), &wide(&h), 1e-13));
        // The network's input is the same before and after; otherwise the inverse could not be computed.
        let context = |h: &Tensor| wide(&coupling_context(h, mask).unwrap());
        assert_eq!(context(&there), context(&h));
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for mask in MASKS {
        let inputs = inputs(SHAPES[2], mask, DType::F32);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| evaluate(ours, &inputs, mask, false))
        };
        assert_eq!(with(1), with(2));
        assert_eq!(with(1), with(3));
    }
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let [h, network, rescale] = inputs([2, 4, 3, 3], MASKS[0], DType::F32);
    let said = coupling(&h.transpose(0, 1).unwrap(), &network, &rescale, MASKS[2], false).unwrap_err().to_string();
    assert!(said.contains("[2, 4, 3, 3]") && said.contains("[2, 8, 3, 3]"), "{said}");
}
