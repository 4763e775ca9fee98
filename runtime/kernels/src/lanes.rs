//! Vectors of f32 for the supported instruction sets, and the choice among these at run time.
//!
//! A kernel is a generic function over [`Lanes`], inlined into one entry point for each instruction set ([`kernel!`]).

/// An instruction set's vector of f32.
///
/// # Safety
/// All functions need a processor with the instruction set; `load` and `store` access [`Lanes::N`] values, at any alignment.
pub trait Lanes: Copy {
    type V: Copy;
    /// The vector of the last eight columns of a matrix whose columns are not a multiple of 16.
    type Half: Lanes;
    /// Values in a vector; divides 16.
    const N: usize;
    /// The number of vectors in a row of a tile of the matrix product.
    const PANEL: usize;

    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, v: Self::V);
    unsafe fn splat(value: f32) -> Self::V;
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// a · b + c.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `b` if one of them is NaN, as for the minimum.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    /// `positive` if a > 0, else `otherwise`.
    unsafe fn if_positive(a: Self::V, positive: Self::V, otherwise: Self::V) -> Self::V;
    /// 2^n for integer n in [−126, 127].
    unsafe fn power_of_two(n: Self::V) -> Self::V;
    /// Prefetches the cache line of an address, which need not be readable.
    #[inline(always)]
    fn prefetch(_at: *const f32) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: every processor of the architecture has the instruction, and it never faults.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(_at.cast());
        }
    }
}

/// Plain arrays, for processors without one of the sets below.
#[derive(Clone, Copy)]
pub struct Portable;

impl Lanes for Portable {
    type V = [f32; 4];
    type Half = Self;
    const N: usize = 4;
    const PANEL: usize = 2;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> [f32; 4] {
        // SAFETY: the caller gives four readable values.
        unsafe { from.cast::<[f32; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, v: [f32; 4]) {
        // SAFETY: the caller gives room for four values.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> [f32; 4] {
        [value; 4]
    }
    #[inline(always)]
    unsafe fn add(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn sub(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| a[i] - b[i])
    }
    #[inline(always)]
    unsafe fn mul(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| a[i] * b[i])
    }
    #[inline(always)]
    unsafe fn fma(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    unsafe fn max(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn min(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn if_positive(a: [f32; 4], positive: [f32; 4], otherwise: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| if a[i] > 0.0 { positive[i] } else { otherwise[i] })
    }
    #[inline(always)]
    unsafe fn power_of_two(n: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| f32::from_bits(((n[i] as i32 + 127) as u32) << 23))
    }
}

/// Implements [`Lanes`] with one intrinsic per function.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! intrinsics {
    (
        $set:ident, $half:ident, $v:ty, $n:literal, $panel:literal,
        $load:ident, $store:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $max:ident, $min:ident,
        |$a:ident, $b:ident, $c:ident| $fma:expr,
        |$x:ident, $positive:ident, $otherwise:ident| $select:expr,
        |$power:ident| $two:expr
    ) => {
        impl Lanes for $set {
            type V = $v;
            type Half = $half;
            const N: usize = $n;
            const PANEL: usize = $panel;

            #[inline(always)]
            unsafe fn load(from: *const f32) -> $v {
                // SAFETY: the trait's contract, as for every function below.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(to: *mut f32, v: $v) {
                // SAFETY: as above.
                unsafe { $store(to, v) }
            }
            #[inline(always)]
            unsafe fn splat(value: f32) -> $v {
                // SAFETY: as above.
                unsafe { $splat(value) }
            }
            #[inline(always)]
            unsafe fn add(a: $v, b: $v) -> $v {
                // SAFETY: as above.
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            unsafe fn sub(a: $v, b: $v) -> $v {
                // SAFETY: as above.
                unsafe { $sub(a, b) }
            }
            #[inline(always)]
            unsafe fn mul(a: $v, b: $v) -> $v {
                // SAFETY: as above.
                unsafe { $mul(a, b) }
            }
            #[inline(always)]
            unsafe fn fma($a: $v, $b: $v, $c: $v) -> $v {
                // SAFETY: as above.
                unsafe { $fma }
            }
            #[inline(always)]
            unsafe fn max(a: $v, b: $v) -> $v {
                // SAFETY: as above.
                unsafe { $max(a, b) }
            }
            #[inline(always)]
            unsafe fn min(a: $v, b: $v) -> $v {
                // SAFETY: as above.
                unsafe { $min(a, b) }
            }
            #[inline(always)]
            unsafe fn if_positive($x: $v, $positive: $v, $otherwise: $v) -> $v {
                // SAFETY: as above.
                unsafe { $select }
            }
            #[inline(always)]
            unsafe fn power_of_two($power: $v) -> $v {
                // SAFETY: as above.
                unsafe { $two }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    #[derive(Clone, Copy)]
    pub struct Avx512;
    #[derive(Clone, Copy)]
    pub struct Avx2;

    intrinsics!(
        Avx512,
        Avx2,
        __m512,
        16,
        4,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_max_ps,
        _mm512_min_ps,
        |a, b, c| _mm512_fmadd_ps(a, b, c),
        |x, positive, otherwise| {
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(x, _mm512_setzero_ps()), otherwise, positive)
        },
        |n| {
            let exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent))
        }
    );

    intrinsics!(
        Avx2,
        Avx2,
        __m256,
        8,
        2,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_max_ps,
        _mm256_min_ps,
        |a, b, c| _mm256_fmadd_ps(a, b, c),
        |x, positive, otherwise| {
            _mm256_blendv_ps(otherwise, positive, _mm256_cmp_ps::<_CMP_GT_OQ>(x, _mm256_setzero_ps()))
        },
        |n| {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
        }
    );
}
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::Lanes;
    use std::arch::aarch64::*;

    #[derive(Clone, Copy)]
    pub struct Neon;

    intrinsics!(
        Neon,
        Neon,
        float32x4_t,
        4,
        4,
        vld1q_f32,
        vst1q_f32,
        vdupq_n_f32,
        vaddq_f32,
        vsubq_f32,
        vmulq_f32,
        vmaxq_f32,
        vminq_f32,
        |a, b, c| vfmaq_f32(c, a, b),
        |x, positive, otherwise| vbslq_f32(vcgtzq_f32(x), positive, otherwise),
        |n| {
            let exponent = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent))
        }
    );
}
#[cfg(target_arch = "aarch64")]
pub use arm::Neon;

/// The supported instruction sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Portable,
}

/// The best set of this processor, or the one that [`CHOICE`] names, for tests and measurements of all sets that a
/// machine has.
pub fn set() -> Set {
    static CHOSEN: std::sync::LazyLock<Set> = std::sync::LazyLock::new(|| {
        let wanted = std::env::var(CHOICE).ok();
        let sets = detected();
        sets.iter().copied().find(|set| wanted.as_ref().is_none_or(|name| set.name() == name)).unwrap_or(sets[0])
    });
    *CHOSEN
}

/// The environment variable that names an instruction set. A set that the processor does not have is ignored.
const CHOICE: &str = "SRVAE_INSTRUCTIONS";

impl Set {
    const fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }
}

/// All sets of this processor, the best first.
fn detected() -> Vec<Set> {
    let mut sets = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            sets.push(Set::Avx512);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            sets.push(Set::Avx2);
        }
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("neon") {
        sets.push(Set::Neon);
    }
    sets.push(Set::Portable);
    sets
}

/// `kernel!(fn name(arguments) => generic)`: an entry point that runs `generic::<S>(arguments)` compiled for the best set.
macro_rules! kernel {
    ($(#[$doc:meta])* $visibility:vis unsafe fn $name:ident($($argument:ident: $type:ty),* $(,)?) => $generic:ident) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $visibility unsafe fn $name($($argument: $type),*) {
            use $crate::lanes;
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl")]
            #[allow(clippy::too_many_arguments)]
            unsafe fn avx512($($argument: $type),*) {
                // SAFETY: the caller's contract; the set was detected.
                unsafe { $generic::<lanes::Avx512>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            unsafe fn avx2($($argument: $type),*) {
                // SAFETY: as above.
                unsafe { $generic::<lanes::Avx2>($($argument),*) }
            }
            // SAFETY: each entry point runs only where its set was detected; the rest is the caller's contract.
            unsafe {
                match lanes::set() {
                    #[cfg(target_arch = "x86_64")]
                    lanes::Set::Avx512 => avx512($($argument),*),
                    #[cfg(target_arch = "x86_64")]
                    lanes::Set::Avx2 => avx2($($argument),*),
                    #[cfg(target_arch = "aarch64")]
                    lanes::Set::Neon => $generic::<lanes::Neon>($($argument),*),
                    lanes::Set::Portable => $generic::<lanes::Portable>($($argument),*),
                }
            }
        }
    };
}
pub(crate) use kernel;
