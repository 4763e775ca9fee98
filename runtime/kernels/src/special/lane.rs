//! Special functions of positive numbers in double precision, without branches or loops, so that a loop over them becomes
//! vector code. Values in single precision are computed here too and rounded once: differences of logarithms of the gamma
//! function would lose all their digits there.
//!
//! [`exp`] and [`ln`] are within 4e-16 of the exact value, relative; the others say how near they are.

/// a · b + c.
#[inline(always)]
fn fused<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// c₀ + c₁x + c₂x² + …; not a loop, for the compiler vectorises none with another inside.
macro_rules! polynomial {
    ($fused:ident, $x:expr, $last:expr) => { $last };
    ($fused:ident, $x:expr, $first:expr, $($rest:expr),+) => {
        fused::<$fused>(polynomial!($fused, $x, $($rest),+), $x, $first)
    };
}

/// 1.5 · 2⁵²: added, it leaves the nearest whole number in a sum's last bits.
const SHIFT: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts: multiples of the first by a few thousand are exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
const ONE: u64 = 1023 << 52;

/// eˣ: what lies below the least normal number counts as that, and from 709.4 on the value is infinite.
#[inline(always)]
pub fn exp<const FUSED: bool>(x: f64) -> f64 {
    let x = if x < -708.0 { -708.0 } else { x };
    let x = if x > 709.9 { 709.9 } else { x };
    let shifted = fused::<FUSED>(x, std::f64::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    let r = fused::<FUSED>(n, -LN_2_LOW, fused::<FUSED>(n, -LN_2_HIGH, x));
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(ONE));
    power
        * polynomial!(
            FUSED,
            r,
            1.0,
            1.0,
            1.0 / 2.0,
            1.0 / 6.0,
            1.0 / 24.0,
            1.0 / 120.0,
            1.0 / 720.0,
            1.0 / 5_040.0,
            1.0 / 40_320.0,
            1.0 / 362_880.0,
            1.0 / 3_628_800.0,
            1.0 / 39_916_800.0,
            1.0 / 479_001_600.0,
            1.0 / 6_227_020_800.0
        )
}

/// ln x: −∞ at 0, NaN below, and a subnormal number counts as 0.
#[inline(always)]
pub fn ln<const FUSED: bool>(x: f64) -> f64 {
    // The bits of √½: adding what 1 has more makes the exponent that of the number in [√½, √2).
    let bits = x.to_bits().wrapping_add(ONE - 0x3fe6_a09e_667f_3bcd);
    let exponent = bits >> 52;
    let fraction = f64::from_bits(x.to_bits().wrapping_sub(exponent << 52).wrapping_add(ONE));
    // A whole number below 2⁵² in the last bits of 2⁵² is the number itself, added.
    let n = f64::from_bits(0x4330_0000_0000_0000 | exponent) - (4_503_599_627_370_496.0 + 1023.0);
    let f = fraction - 1.0;
    let s = f / (2.0 + f);
    let square = s * s;
    // The series of the inverse hyperbolic tangent, of which |s| < 0.172 leaves 1e-17.
    let series = polynomial!(
        FUSED,
        square,
        2.0 / 3.0,
        2.0 / 5.0,
        2.0 / 7.0,
        2.0 / 9.0,
        2.0 / 11.0,
        2.0 / 13.0,
        2.0 / 15.0,
        2.0 / 17.0,
        2.0 / 19.0,
        2.0 / 21.0
    );
    let half = 0.5 * f * f;
    let small = fused::<FUSED>(s, fused::<FUSED>(square, series, half), n * LN_2_LOW);
    let inside = fused::<FUSED>(n, LN_2_HIGH, f - (half - small));
    let value = if x < f64::MIN_POSITIVE { f64::NEG_INFINITY } else { inside };
    let value = if x < 0.0 { f64::NAN } else { value };
    // Infinity and NaN are their own logarithms.
    if x < f64::INFINITY { value } else { x }
}

/// ln(1 + x), exact in its leading digits near 0: −∞ at −1, NaN below.
#[inline(always)]
pub fn ln_1p<const FUSED: bool>(x: f64) -> f64 {
    let sum = 1.0 + x;
    // What rounding the sum lost.
    let lost = (x - (sum - 1.0)) / sum;
    let value = ln::<FUSED>(sum);
    if sum > 0.0 && sum < f64::INFINITY { value + lost } else { value }
}

/// From here on Stirling's series has all digits.
const LARGE: f64 = 8.0;
/// ½ ln 2π
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;

/// x(x + 1)⋯(x + 7) with its first two derivatives, over t = x(x + 7): t(t + 6)(t + 10)(t + 12).
#[inline(always)]
fn product<const FUSED: bool>(x: f64) -> [f64; 3] {
    let (t, inner) = (x * (x + 7.0), 2.0 * x + 7.0);
    let value = t * polynomial!(FUSED, t, 720.0, 252.0, 28.0, 1.0);
    let first = polynomial!(FUSED, t, 720.0, 504.0, 84.0, 4.0);
    let second = polynomial!(FUSED, t, 504.0, 168.0, 12.0);
    [value, first * inner, fused::<FUSED>(second, inner * inner, 2.0 * first)]
}

/// ln Γ(x) as a − ln b, x > 0: the two parts of several are added before the logarithm is taken. The sum is within
/// 4e-15 · max(1, |ln Γ|) of the exact value.
#[inline(always)]
pub fn lgamma_parts<const FUSED: bool>(x: f64) -> (f64, f64) {
    let small = x < LARGE;
    let z = if small { x + LARGE } else { x };
    let inverse = 1.0 / z;
    let series = polynomial!(
        FUSED,
        inverse * inverse,
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1_260.0,
        -1.0 / 1_680.0,
        1.0 / 1_188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
        -3_617.0 / 122_400.0
    );
    let value = fused::<FUSED>(z - 0.5, ln::<FUSED>(z) - 1.0, fused::<FUSED>(series, inverse, HALF_LN_TAU - 0.5));
    (value, if small { product::<FUSED>(x)[0] } else { 1.0 })
}

/// ψ(x) = d ln Γ(x) / dx, x > 0, within 4e-15 · max(1, |ψ|) of the exact value.
#[inline(always)]
pub fn digamma<const FUSED: bool>(x: f64) -> f64 {
    let small = x < LARGE;
    let z = if small { x + LARGE } else { x };
    let inverse = 1.0 / z;
    let square = inverse * inverse;
    let series = polynomial!(
        FUSED,
        square,
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32_760.0,
        1.0 / 12.0,
        -3_617.0 / 8_160.0
    );
    let [value, slope, _] = product::<FUSED>(x);
    let shift = if small { slope / value } else { 0.0 };
    fused::<FUSED>(-square, series, fused::<FUSED>(inverse, -0.5, ln::<FUSED>(z))) - shift
}

/// ψ'(x), x > 0, within 1e-14 of the exact value, relative.
#[inline(always)]
pub fn trigamma<const FUSED: bool>(x: f64) -> f64 {
    let small = x < LARGE;
    let z = if small { x + LARGE } else { x };
    let inverse = 1.0 / z;
    let square = inverse * inverse;
    let series = polynomial!(
        FUSED,
        square,
        1.0 / 6.0,
        -1.0 / 30.0,
        1.0 / 42.0,
        -1.0 / 30.0,
        5.0 / 66.0,
        -691.0 / 2_730.0,
        7.0 / 6.0,
        -3_617.0 / 510.0
    );
    let [value, slope, curve] = product::<FUSED>(x);
    let ratio = slope / value;
    let shift = if small { ratio * ratio - curve / value } else { 0.0 };
    fused::<FUSED>(square * inverse, series, fused::<FUSED>(square, 0.5, inverse)) + shift
}
