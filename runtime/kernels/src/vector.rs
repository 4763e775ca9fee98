//! Elementary functions of f32 without branches or tables, which the compiler vectorises, and loops that are compiled
//! for several instruction sets and chosen at run time.
//!
//! Every function is within 4 units in the last place of the exact value (except for subnormal results of [`exp`]) and
//! preserves NaN. `FUSED` states whether the processor has fused multiply-add; a loop gets it from [`run`].

pub mod arrays;
mod sums;

use super::cpu::Float;
use super::lanes::{self, Set};
use candle_core::{DType, WithDType};
pub use sums::{folded, sum, total, totals, totals_of};

/// A loop that is compiled for every instruction set. `run`, and the functions that it calls, must be
/// `#[inline(always)]`.
pub trait Loop {
    type Output;
    /// Whether the loop is compiled for every instruction set. Loops over f64, which is for tests and checks, are compiled once: they were
    /// half a megabyte of the program otherwise.
    const WIDE: bool = true;

    fn run<const FUSED: bool>(self) -> Self::Output;
}

/// Runs the loop compiled for the instruction set of all kernels: the processor's best one, or the one that was chosen.
#[inline]
pub fn run<L: Loop>(work: L) -> L::Output {
    match lanes::set() {
        // SAFETY: the processor has the features of the function, and of the next one.
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 if L::WIDE => unsafe { avx512(work) },
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 if L::WIDE => unsafe { avx2(work) },
        #[cfg(target_arch = "aarch64")]
        Set::Neon if L::WIDE => work.run::<true>(),
        _ => work.run::<false>(),
    }
}

/// [`Loop::WIDE`] of a loop over this type.
pub const fn is_wide<T: WithDType>() -> bool {
    matches!(T::DTYPE, DType::F32)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn avx512<L: Loop>(work: L) -> L::Output {
    work.run::<true>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<L: Loop>(work: L) -> L::Output {
    work.run::<true>()
}

/// The two element types, for loops that are written once for both. Functions of f64 are those of the standard library.
pub trait Real: Float {
    /// self · b + c.
    fn fused<const FUSED: bool>(self, b: Self, c: Self) -> Self;
    fn exp<const FUSED: bool>(self) -> Self;
    fn tanh<const FUSED: bool>(self) -> Self;
    fn ln<const FUSED: bool>(self) -> Self;

    /// 1 / (1 + e⁻ˣ).
    #[inline(always)]
    fn sigmoid<const FUSED: bool>(self) -> Self {
        Self::ONE / (Self::ONE + (Self::default() - self).exp::<FUSED>())
    }
}

impl Real for f32 {
    #[inline(always)]
    fn fused<const FUSED: bool>(self, b: Self, c: Self) -> Self {
        fused::<FUSED>(self, b, c)
    }

    #[inline(always)]
    fn exp<const FUSED: bool>(self) -> Self {
        exp::<FUSED>(self)
    }

    #[inline(always)]
    fn tanh<const FUSED: bool>(self) -> Self {
        tanh::<FUSED>(self)
    }

    #[inline(always)]
    fn ln<const FUSED: bool>(self) -> Self {
        ln::<FUSED>(self)
    }
}

impl Real for f64 {
    #[inline(always)]
    fn fused<const FUSED: bool>(self, b: Self, c: Self) -> Self {
        if FUSED { self.mul_add(b, c) } else { self * b + c }
    }

    #[inline(always)]
    fn exp<const FUSED: bool>(self) -> Self {
        self.exp()
    }

    #[inline(always)]
    fn tanh<const FUSED: bool>(self) -> Self {
        self.tanh()
    }

    #[inline(always)]
    fn ln<const FUSED: bool>(self) -> Self {
        self.ln()
    }
}

/// Evaluates an expression with `$t` the element type that a `DType` names.
macro_rules! by_real {
    ($name:expr, $dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            candle_core::DType::F32 => {
                type $t = f32;
                $body
            }
            candle_core::DType::F64 => {
                type $t = f64;
                $body
            }
            other => crate::cpu::unsupported($name, other),
        }
    };
}

pub(crate) use by_real;

/// a · b + c.
#[inline(always)]
pub fn fused<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// c₀ + c₁x + c₂x² + …; not a loop, because the compiler does not vectorise loops with an inner loop.
macro_rules! polynomial {
    ($fused:ident, $x:expr, $last:expr) => { $last };
    ($fused:ident, $x:expr, $first:expr, $($rest:expr),+) => {
        fused::<$fused>(polynomial!($fused, $x, $($rest),+), $x, $first)
    };
}

/// x, no less than `least` and no more than `most`, NaN if x is.
#[inline(always)]
pub fn clamp(x: f32, least: f32, most: f32) -> f32 {
    let x = if x < least { least } else { x };
    if x > most { most } else { x }
}

/// 1.5 · 2²³: after adding it, the last bits of the sum are the nearest integer.
pub const ROUND: f32 = 12_582_912.0;
/// ln 2 as a difference: whole multiples of the first part are exact.
pub const LN_2: [f32; 2] = [0.693_359_4, 2.121_944_4e-4];
/// exp(r) = 1 + r + r² (c₀ + c₁ r + …) for |r| ≤ ½ ln 2, to an ulp (Cephes' coefficients).
pub const EXPONENTIAL: [f32; 6] = [0.5, 0.166_666_66, 0.041_665_796, 8.333_452e-3, 1.398_2e-3, 1.987_569_2e-4];

/// Splits x = n ln 2 + r with |r| at most half of ln 2: n, and exp(r) − 1.
#[inline(always)]
fn reduce<const FUSED: bool>(x: f32) -> (i32, f32) {
    let rounded = fused::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = fused::<FUSED>(n, LN_2[1], fused::<FUSED>(n, -LN_2[0], x));
    let [a, b, c, d, e, f] = EXPONENTIAL;
    let tail = polynomial!(FUSED, r, a, b, c, d, e, f);
    ((rounded.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32), fused::<FUSED>(tail * r, r, r))
}

/// 2ⁿ for −126 ≤ n ≤ 127.
#[inline(always)]
fn power(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// eˣ.
#[inline(always)]
pub fn exp<const FUSED: bool>(x: f32) -> f32 {
    let (n, rest) = reduce::<FUSED>(clamp(x, -104.0, 89.0));
    // In two factors, because 2¹²⁸ is not an f32, and powers below 2⁻¹²⁶ are not normal.
    let half = n >> 1;
    (rest + 1.0) * power(half) * power(n.wrapping_sub(half))
}

/// eˣ − 1, with full relative accuracy near 0.
#[inline(always)]
pub fn exp_m1<const FUSED: bool>(x: f32) -> f32 {
    let (n, rest) = reduce::<FUSED>(clamp(x, -40.0, 89.0));
    let half = n >> 1;
    let (first, second) = (power(half), power(n.wrapping_sub(half)));
    // 2ⁿ(e^r − 1) + (2ⁿ − 1), up to the second factor.
    fused::<FUSED>(rest, first, first - power(half.wrapping_sub(n))) * second
}

/// ln(m 2ᵉ) for m = 1 + f in [√½, √2), plus a correction.
#[inline(always)]
fn ln_of_parts<const FUSED: bool>(exponent: f32, f: f32, correction: f32) -> f32 {
    let s = f / (2.0 + f);
    let square = s * s;
    let series = square * polynomial!(FUSED, square, 0.666_666_6, 0.400_009_72, 0.284_987_87, 0.242_790_79);
    let half = 0.5 * f * f;
    // ln 2 in two parts: multiples of the first are exact.
    let small = fused::<FUSED>(s, half + series, fused::<FUSED>(exponent, 9.058_001e-6, correction));
    fused::<FUSED>(exponent, 0.693_138_1, f - (half - small))
}

/// The exponent and the fraction of a positive normal number: x = (1 + f) 2ᵉ, 1 + f in [√½, √2).
#[inline(always)]
fn split(x: f32) -> (i32, f32) {
    let bits = x.to_bits() as i32;
    let exponent = bits.wrapping_sub(0x3f35_04f3) >> 23;
    (exponent, f32::from_bits(bits.wrapping_sub(exponent << 23) as u32))
}

/// ln x: −∞ at 0, NaN below.
#[inline(always)]
pub fn ln<const FUSED: bool>(x: f32) -> f32 {
    let small = x < f32::MIN_POSITIVE;
    let (exponent, fraction) = split(if small { x * 8_388_608.0 } else { x });
    let exponent = exponent as f32 - if small { 23.0 } else { 0.0 };
    ends(x, ln_of_parts::<FUSED>(exponent, fraction - 1.0, 0.0), x)
}

/// ln(1 + x), with full relative accuracy near 0: −∞ at −1, NaN below.
#[inline(always)]
pub fn ln_1p<const FUSED: bool>(x: f32) -> f32 {
    let sum = 1.0 + x;
    let (exponent, fraction) = split(sum);
    let near = exponent == 0;
    // The rounding error of the sum.
    let lost = (x - (sum - 1.0)) / sum;
    let (f, correction) = (if near { x } else { fraction - 1.0 }, if near { 0.0 } else { lost });
    ends(sum, ln_of_parts::<FUSED>(exponent as f32, f, correction), x)
}

/// A logarithm's value where its argument is 0, negative, infinite or NaN.
#[inline(always)]
fn ends(argument: f32, inside: f32, x: f32) -> f32 {
    let value = if argument == 0.0 { f32::NEG_INFINITY } else { inside };
    let value = if argument < 0.0 { f32::NAN } else { value };
    // Infinity and NaN are preserved.
    if argument < f32::INFINITY { value } else { x }
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh<const FUSED: bool>(x: f32) -> f32 {
    let e = exp_m1::<FUSED>(-2.0 * x.abs());
    (-e / (e + 2.0)).copysign(x)
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub fn sigmoid<const FUSED: bool>(x: f32) -> f32 {
    Real::sigmoid::<FUSED>(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::{Lane, Scalar, Softplus};

    /// Applies all functions to all values.
    struct All<'a>(&'a [f32], &'a mut [[f32; 7]]);

    impl Loop for All<'_> {
        type Output = ();

        #[inline(always)]
        fn run<const FUSED: bool>(self) {
            for (x, out) in self.0.iter().zip(self.1) {
                *out = [
                    exp::<FUSED>(*x),
                    exp_m1::<FUSED>(*x),
                    ln::<FUSED>(*x),
                    ln_1p::<FUSED>(*x),
                    tanh::<FUSED>(*x),
                    sigmoid::<FUSED>(*x),
                    Softplus::value(Lane::<FUSED>(*x)).0,
                ];
            }
        }
    }

    const NAMES: [&str; 7] = ["exp", "exp_m1", "ln", "ln_1p", "tanh", "sigmoid", "softplus"];

    fn exact(x: f32) -> [f64; 7] {
        let x = f64::from(x);
        let softplus = x.max(0.0) + (-x.abs()).exp().ln_1p();
        [x.exp(), x.exp_m1(), x.ln(), x.ln_1p(), x.tanh(), 1.0 / (1.0 + (-x).exp()), softplus]
    }

    /// Every 4099th f32: all exponents, both signs, subnormal numbers, NaN.
    fn values() -> Vec<f32> {
        let special = [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN];
        (0..u32::MAX).step_by(4099).map(f32::from_bits).chain(special).collect()
    }

    fn check(values: &[f32], found: &[[f32; 7]]) {
        for (x, found) in values.iter().zip(found) {
            for ((name, found), exact) in NAMES.iter().zip(found).zip(exact(*x)) {
                let rounded = exact as f32;
                // Below the least normal number, 0 will do.
                let unit = f64::from(f32::EPSILON) * exact.abs();
                let same = *found == rounded || found.is_nan() && rounded.is_nan();
                assert!(
                    same || (f64::from(*found) - exact).abs() <= (4.0 * unit).max(f64::from(f32::MIN_POSITIVE)),
                    "{name}({x:e}) = {found:e}, not {exact:e}"
                );
            }
        }
    }

    #[test]
    fn functions_are_within_a_few_units_of_the_last_place() {
        let values = values();
        let mut found = vec![[0.0; 7]; values.len()];
        run(All(&values, &mut found));
        check(&values, &found);
    }

    #[test]
    fn functions_are_as_exact_without_fused_multiplication() {
        let values = values();
        let mut found = vec![[0.0; 7]; values.len()];
        All(&values, &mut found).run::<false>();
        check(&values, &found);
    }
}
