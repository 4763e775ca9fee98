//! What a machine is asked of its libraries: GEMMs and convolutions.

use super::place::Place;

/// The number format of GEMMs. Sums and parameters are always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// 24 bits of mantissa: what the CPU computes.
    #[default]
    F32,
    /// 11 bits, in the tensor cores.
    Tf32,
    /// 8 bits, in the tensor cores; dense layers also store their activations in bf16. On the CPU, kept activations only.
    Bf16,
}

impl Precision {
    pub const ALL: [Self; 3] = [Self::F32, Self::Tf32, Self::Bf16];

    /// `f32`, `tf32` or `bf16`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        }
    }
}

/// out ← left · right (+ out), for every matrix of a batch, all in row-major order: m×n = (m×k) · (k×n).
#[derive(Debug, Clone, Copy)]
pub struct Product {
    pub left: Matrix,
    pub right: Matrix,
    pub out: Place,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub batch: usize,
    /// The stride between results, in elements.
    pub out_stride: usize,
    pub add: bool,
    pub precision: Precision,
}

/// A factor. Element (i, j) is at `i * width + j`, or `j * width + i` if transposed.
#[derive(Debug, Clone, Copy)]
pub struct Matrix {
    pub place: Place,
    pub width: usize,
    pub transposed: bool,
    /// The stride between matrices of the batch, in elements; 0 if all are the same.
    pub stride: usize,
}

/// A GEMM in the column-major order of cuBLAS: outᵀ = rightᵀ · leftᵀ.
#[derive(Debug, Clone, Copy)]
pub struct Gemm {
    /// rightᵀ, then leftᵀ: place, whether it is transposed for the library, leading dimension, stride.
    pub factors: [(Place, bool, usize, usize); 2],
    /// Rows and columns of the result, and the depth.
    pub sizes: [usize; 3],
}

impl Product {
    /// The product in column-major order.
    pub fn gemm(&self) -> Gemm {
        let factor = |matrix: &Matrix| (matrix.place, matrix.transposed, matrix.width, matrix.stride);
        Gemm { factors: [factor(&self.right), factor(&self.left)], sizes: [self.n, self.m, self.k] }
    }
}

/// One of the three passes of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pass {
    /// x and weight to y.
    Forward,
    /// y's gradient and weight to x's.
    Input,
    /// x and y's gradient to the weight's.
    Weight,
}

/// A pass of a convolution, with the places of x, weight and y. The pass writes one of them.
#[derive(Debug, Clone, Copy)]
pub struct Convolution {
    pub pass: Pass,
    pub geometry: super::Geometry,
    pub x: Place,
    pub weight: Place,
    pub y: Place,
    pub precision: Precision,
}
