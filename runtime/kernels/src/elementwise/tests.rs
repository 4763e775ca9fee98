use super::*;
use candle_core::{Device, Var};

/// Forward and backward pass agree with candle's operations, for a tensor that is not contiguous.
fn agrees_with_candle<S: Scalar>(theirs: fn(&Tensor) -> Result<Tensor>, dtype: DType) {
    let x = Tensor::randn(0f32, 3.0, (5, 7, 601), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
    let x = Var::from_tensor(&x).unwrap();
    let cotangent = Tensor::randn(0f32, 1.0, (7, 5, 601), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
    let whole = |x: &Tensor| S::value(Whole::of(x)).0.map_err(Error::Msg);
    let functions: [&dyn Fn(&Tensor) -> Result<Tensor>; 3] = [&apply::<S>, &theirs, &whole];
    let [ours, theirs, whole] = functions.map(|f| {
        let out = f(&x.transpose(0, 1).unwrap()).unwrap();
        let gradients = (&out * &cotangent).unwrap().sum_all().unwrap().backward().unwrap();
        [out, gradients.get(&x).unwrap().clone()]
    });
    let far = |a: &Tensor, b: &Tensor| {
        let difference = (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        difference.to_dtype(DType::F64).unwrap().to_scalar::<f64>().unwrap()
    };
    // candle computes exp and subtracts 1, which loses the precision of an f32 near 1.
    let tolerance = if dtype == DType::F32 { 3e-6 } else { 1e-13 };
    for other in [theirs, whole] {
        for (ours, other) in ours.iter().zip(&other) {
            assert!(far(ours, other) < tolerance, "{}: {}", S::NAME, far(ours, other));
        }
    }
}

#[test]
fn elu_agrees_with_candle() {
    [DType::F32, DType::F64].into_iter().for_each(|dtype| agrees_with_candle::<Elu>(|x| x.elu(1.0), dtype));
}

#[test]
fn softplus_agrees_with_candle() {
    let theirs = |x: &Tensor| x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?;
    [DType::F32, DType::F64].into_iter().for_each(|dtype| agrees_with_candle::<Softplus>(theirs, dtype));
}

#[test]
fn sigmoid_agrees_with_candle() {
    let theirs = |x: &Tensor| ((x * 0.5)?.tanh()? * 0.5)? + 0.5;
    [DType::F32, DType::F64].into_iter().for_each(|dtype| agrees_with_candle::<Sigmoid>(theirs, dtype));
}

/// Values and derivatives where exponentials overflow, and at 0, where formulas have a case distinction; in all forms
/// and both types.
fn holds_everywhere<S: Scalar>(exact: fn(f64) -> [f64; 2]) {
    let places = [-1e4, -100.0, -20.0, -1.0, 0.0, 1.0, 20.0, 100.0, 1e4];
    for dtype in [DType::F32, DType::F64] {
        let x = Tensor::new(&places, &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
        let x = Var::from_tensor(&x).unwrap();
        let whole = |x: &Tensor| S::value(Whole::of(x)).0.map_err(Error::Msg);
        let ways: [&dyn Fn(&Tensor) -> Result<Tensor>; 2] = [&apply::<S>, &whole];
        for way in ways {
            let value = way(&x).unwrap();
            let slopes = value.sum_all().unwrap().backward().unwrap().get(&x).unwrap().clone();
            let [values, slopes] =
                [value, slopes].map(|all| all.to_dtype(DType::F64).unwrap().to_vec1::<f64>().unwrap());
            // The rounding error of sums with 1; relative for larger results.
            let unit = if dtype == DType::F32 { 4.0 * f64::from(f32::EPSILON) } else { 4.0 * f64::EPSILON };
            for ((x, value), slope) in places.iter().zip(values).zip(slopes) {
                for (found, exact) in [value, slope].iter().zip(exact(*x)) {
                    let far = (found - exact).abs();
                    assert!(far <= unit * exact.abs().max(1.0), "{}({x}) {dtype:?}: {found} for {exact}", S::NAME);
                }
            }
        }
    }
}

#[test]
fn nothing_overflows() {
    holds_everywhere::<Sigmoid>(|x| {
        let value = 1.0 / (1.0 + (-x).exp());
        [value, value * (1.0 - value)]
    });
    holds_everywhere::<Softplus>(|x| [x.max(0.0) + (-x.abs()).exp().ln_1p(), 1.0 / (1.0 + (-x).exp())]);
    // At 0 the derivative is that of the lower branch, which equals that of the upper one.
    holds_everywhere::<Elu>(|x| if x > 0.0 { [x, 1.0] } else { [x.exp_m1(), x.exp()] });
}

#[test]
fn the_cuda_text_is_the_function() {
    let text = cuda_text::<Elu>();
    assert!(text.contains("return (x > 0.0f ? x : expm1f(x));"), "{text}");
    assert!(text.contains("return (value > 0.0f ? 1.0f : (value + 1.0f));"), "{text}");
    for kernel in ["elu_f32", "elu_bf16", "elu_backward_f32", "elu_backward_bf16"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("KERNEL({kernel},"))), "{kernel}: {text}");
    }
}
