use super::incomplete::{log_gamma_cdf, log_gamma_quantile, log_gamma_quantile_slope, normal_cdf, poisson_quantile};
use super::*;
use candle_core::{DType, Device, Var};

/// x, ln Γ(x), ψ(x), ψ'(x), from mpmath with 40 digits.
const EXACT: [[f64; 4]; 14] = [
    [1e-7, 16.118095593236763, -10000000.5772155, 100000000000001.66],
    [0.003, 5.807418734725978, -333.9056249854075, 111112.74886194768],
    [0.4, 0.7966778177017837, -2.561384544585116, 7.275356590529597],
    [1.0, 0.0, -0.5772156649015329, 1.6449340668482264],
    [1.5, -0.12078223763524522, 0.03648997397857652, 0.9348022005446793],
    [2.0, 0.0, 0.42278433509846713, 0.6449340668482264],
    [3.25, 0.9358019311087253, 1.016990911068179, 0.3597982903095799],
    [7.999, 8.523145786158915, 2.015508332090348, 0.1331547166131586],
    [8.0, 8.525161361065415, 2.01564147795561, 0.1331370146940314],
    [12.5, 18.734347511936445, 2.4851956512749123, 0.08328522460157838],
    [150.0, 600.0094705553274, 5.007298257075679, 0.006688938271165994],
    [54321.5, 537923.6480392066, 10.902666171502872, 1.840908672468767e-05],
    [3e6, 41742362.00177429, 14.914122679965708, 3.3333338888889505e-07],
    [1e12, 26631021115915.652, 27.63102111592805, 1.0000000000005e-12],
];

/// All functions at all values, as compiled for an instruction set.
struct All<'a>(&'a [f64], &'a mut [[f64; 6]]);

impl Loop for All<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (x, out) in self.0.iter().zip(self.1) {
            let x = Wide::<FUSED>(*x);
            *out = [x.exp(), x.ln(), x.ln_1p(), x.lgamma(), x.digamma(), x.trigamma()].map(|value| value.0);
        }
    }
}

fn all(values: &[f64]) -> [Vec<[f64; 6]>; 2] {
    let mut found = [vec![[0.0; 6]; values.len()], vec![[0.0; 6]; values.len()]];
    vector::run(All(values, &mut found[0]));
    All(values, &mut found[1]).run::<false>();
    found
}

#[test]
fn functions_of_the_gamma_family_are_exact_to_what_is_said() {
    let values = EXACT.map(|[x, ..]| x);
    for found in all(&values) {
        for ([x, lgamma, digamma, trigamma], found) in EXACT.iter().zip(&found) {
            for (name, found, exact, least) in [
                ("lgamma", found[3], *lgamma, 1.0),
                ("digamma", found[4], *digamma, 1.0),
                ("trigamma", found[5], *trigamma, 0.0),
            ] {
                let tolerance = if name == "trigamma" { 1e-14 } else { 4e-15 };
                let error = (found - exact).abs() / exact.abs().max(least);
                assert!(error <= tolerance, "{name}({x}) = {found}, not {exact}: {error:e}");
            }
        }
    }
}

#[test]
fn elementary_functions_are_exact_to_what_is_said() {
    let values: Vec<f64> = (-4000..4000).map(|at| f64::from(at) * 0.1771).chain([1e-300, 1e-9, 1e9, 1e300]).collect();
    for found in all(&values) {
        for (x, found) in values.iter().zip(&found) {
            for (name, found, exact) in
                [("exp", found[0], x.exp()), ("ln", found[1], x.ln()), ("ln_1p", found[2], x.ln_1p())]
            {
                let same = found == exact || found.is_nan() && exact.is_nan();
                // Beyond what doubles hold to full precision: see `exp`.
                let far = name == "exp" && !(-708.0..709.4).contains(x);
                assert!(same || far || (found - exact).abs() <= 4e-16 * exact.abs(), "{name}({x}) = {found}, {exact}");
            }
        }
    }
    let [ends, _] = all(&[0.0, f64::INFINITY, -1.0, f64::NAN]);
    assert_eq!((ends[0][1], ends[1][1], ends[1][0]), (f64::NEG_INFINITY, f64::INFINITY, f64::INFINITY));
    assert!(ends[2][1].is_nan() && ends[3].iter().all(|value| value.is_nan()));
}

/// Concentration, normal noise, ln of the gamma variable and its derivative for the logarithm of the concentration, from
/// mpmath with 40 digits.
const DRAWS: [[f64; 4]; 13] = [
    [0.01, -1.0, -184.67119529553332, 184.11030983766463],
    [0.01, 2.0, -2.811682582220166, 2.4504578946234443],
    [0.3, -3.0, -22.386336769914887, 22.217145884399784],
    [0.3, 0.0, -2.6155010676586543, 2.6338883766840993],
    [0.3, 4.0, 2.0480065300739914, 0.20249479978917773],
    [1.0, -0.5, -0.9971038615063783, 1.8308591468781983],
    [2.5, -5.0, -5.544493219942702, 6.655400233618746],
    [2.5, 1.5, 1.6403720148789287, 0.727910008648799],
    [20.0, 0.3, 3.045776924251797, 0.9833527233819593],
    [20.0, 5.0, 3.928098425511431, 0.6101661526041892],
    [700.0, -2.0, 6.474031373602473, 1.0392665141430946],
    [700.0, 3.0, 6.661912289525094, 0.9458325431207006],
    [1999.0, 1.0, 7.622520327388758, 0.9890642295577748],
];

/// Newton's method stops at steps of 1e-8, which leaves less than 1e-12; in a far tail the slope divides rounding, 1e-16, by a
/// density of 1e-6.
#[test]
fn gamma_draws_and_their_slopes_are_the_quantiles() {
    for [a, n, y, slope] in DRAWS {
        let found = log_gamma_quantile(a, n);
        assert!((found - y).abs() < 1e-11 * y.abs().max(1.0), "ln z({a}, {n}) = {found}, not {y}");
        let found = log_gamma_quantile_slope(a, found);
        assert!((found - slope).abs() < 1e-8 * slope.abs(), "the slope at ({a}, {n}) = {found}, not {slope}");
    }
}

/// On both sides of the change to Wilson and Hilferty's approximation, in standard deviations of the variable.
#[test]
fn large_concentrations_join_on() {
    for n in [-5.0, -2.0, 0.0, 1.0, 5.0] {
        let [below, above] = [2000.0, 2000.0 + 1e-9].map(|a| (log_gamma_quantile(a, n), a));
        let distance = (below.0.exp() - above.0.exp()) / below.1.sqrt();
        assert!(distance.abs() < 1e-3, "at {n}: {distance}");
        let slopes = [below, above].map(|(y, a)| log_gamma_quantile_slope(a, y));
        assert!((slopes[0] - slopes[1]).abs() < 1e-4, "at {n}: {slopes:?}");
    }
}

/// P(X ≤ k) is reached by k and by no count below.
#[test]
fn poisson_draws_are_the_quantiles() {
    for mean in [1e-6, 0.3, 1.0, 29.9, 30.1, 450.0, 99_000.0] {
        for n in [-5.0, -1.3, 0.0, 0.7, 5.2] {
            let k = poisson_quantile(mean, n);
            let cdf = |k: f64| if k < 0.0 { 0.0 } else { log_gamma_cdf(k + 1.0, mean, true).exp() };
            let (target, rounding) = (normal_cdf(n), 1e-12);
            assert!(cdf(k) >= target - rounding && cdf(k - 1.0) < target + rounding, "{mean}, {n}: {k}");
            assert_eq!(k, k.round());
        }
    }
    let k = poisson_quantile(4e6, 2.0);
    assert!((k - (4e6 + 2.0 * 2000.0 + 0.5)).abs() < 2.0, "{k}");
}

#[test]
fn tensors_of_both_types_have_values_and_gradients() {
    let x: Vec<f64> = EXACT[1..11].iter().map(|[x, ..]| *x).collect();
    for (dtype, tolerance) in [(DType::F32, 1e-6), (DType::F64, 1e-13)] {
        let x = Tensor::new(x.as_slice(), &Device::Cpu).unwrap().reshape((2, 5)).unwrap().t().unwrap();
        let x = Var::from_tensor(&x.to_dtype(dtype).unwrap()).unwrap();
        let list = |t: &Tensor| -> Vec<f64> {
            t.t().unwrap().to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
        };
        for (function, at) in [(lgamma as fn(&Tensor) -> Result<Tensor>, 1), (digamma, 2)] {
            let value = function(&x).unwrap();
            let store = value.sum_all().unwrap().backward().unwrap();
            for (found, column) in [(list(&value), at), (list(store.get(&x).unwrap()), at + 1)] {
                for (found, row) in found.iter().zip(&EXACT[1..11]) {
                    let scale = row[column].abs().max(1.0);
                    assert!((found - row[column]).abs() < tolerance * scale, "{dtype:?}: {found}, {}", row[column]);
                }
            }
        }
    }
}
