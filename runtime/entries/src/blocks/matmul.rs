//! Products of matrices.

use crate::prelude::*;

operation! {
    /// The product of two matrices, [m, n] and [n, k], where one or both may be vectors of n elements: `matmul(w, x)` of [m, n] and [n] is a
    /// vector of m, and the product of two vectors a vector of one. For a matrix that is a variable; `linear` has learned weights.
    many matmul(MatmulConfig {}),
    examples: [{} over [2, 3] [3], {} over [2, 3] [3, 4], {} over [3] [3, 2], {} over [3] [3]],
}

/// The sizes m, n and k.
fn sizes(inputs: &[&[usize]]) -> Option<[usize; 3]> {
    let (rows, inner, [again, columns]) = match inputs {
        [[n], [k]] => (1, n, [*k, 1]),
        [[n], [k, columns]] => (1, n, [*k, *columns]),
        [[m, n], [k]] => (*m, n, [*k, 1]),
        [[m, n], [k, columns]] => (*m, n, [*k, *columns]),
        _ => return None,
    };
    (*inner == again).then_some([rows, *inner, columns])
}

fn shape(_: &MatmulConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let Some([rows, _, columns]) = sizes(inputs) else {
        return Err(
            "needs two matrices or vectors, the rows of the first as long as the columns of the second".to_owned()
        );
    };
    match inputs {
        [[_, _], [_, _]] => bounded(vec![rows, columns]),
        _ => Ok(vec![rows * columns]),
    }
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::{MatmulConfig, shape, sizes};
    use crate::tensors::{Result, Tensor, misfit};

    /// # Errors
    /// Inputs whose shapes do not fit.
    pub fn matmul(inputs: &[&Tensor]) -> Result<Tensor> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|input| &input.dims()[1..]).collect();
        let made = shape(&MatmulConfig {}, &shapes).map_err(|why| misfit("matmul", &why, &shapes))?;
        let ([left, right], Some([rows, inner, columns])) = (inputs, sizes(&shapes)) else {
            return Err(misfit("matmul", "needs two inputs", &shapes));
        };
        let batch = left.dim(0)?;
        let product = left.reshape((batch, rows, inner))?.matmul(&right.reshape((batch, inner, columns))?)?;
        product.reshape([&[batch], made.as_slice()].concat())
    }
}
