//! Tests of a step as one operation.

use super::unit::{Map, Recurrent};
use crate::tape::Tape;
use crate::{DType, Result, Tensor, testing};
use candle_core::Var;

type Step = fn(&Tensor, &Tensor, [Map<'_>; 2]) -> Result<Tensor>;

/// Input, state, and weight and bias of both maps, in f32.
fn variables<U: Recurrent>([records, input, width]: [usize; 3]) -> Result<Vec<Var>> {
    let gates = U::GATES * width;
    let shapes: [&[usize]; 6] =
        [&[records, input], &[records, U::STATES * width], &[gates, input], &[gates], &[gates, width], &[gates]];
    let scaled = |at: usize, shape: &[usize]| {
        let scale = if at < 2 { 0.5 } else { 0.1 };
        Var::from_tensor(&(testing::made(shape, at as f64 + 0.5)?.as_tensor() * scale)?.to_dtype(DType::F32)?)
    };
    shapes.iter().enumerate().map(|(at, shape)| scaled(at, shape)).collect()
}

fn applied(step: Step, of: &[Tensor]) -> Result<Tensor> {
    step(&of[0], &of[1], [(&of[2], &of[3]), (&of[4], &of[5])])
}

/// A step on a tape is one operation, and in candle's graph it is not: the states have the same bits, also without gradients. Gradients
/// through two steps with the same input and weights are the same sums in another order. Widths that are and are not a multiple of a
/// vector, several tasks of units, several blocks of records.
pub fn step_is_its_parts<U: Recurrent>(step: Step) -> Result<()> {
    for sizes in [[1, 1, 1], [3, 2, 5], [32, 12, 20], [67, 40, 24], [32, 100, 100]] {
        let vars = variables::<U>(sizes)?;
        let inputs: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let loss = || -> Result<(Tensor, Tensor)> {
            let first = applied(step, &inputs)?;
            let second = applied(step, &[vec![inputs[0].clone(), first.clone()], inputs[2..].to_vec()].concat())?;
            let weights = (testing::made(second.dims(), 0.3)?.as_detached_tensor()).to_dtype(DType::F32)?;
            Ok(((&second * weights)?.sum_all()?, second))
        };
        let (in_graph, apart) = loss()?;
        let expected = in_graph.backward()?;
        let tape = Tape::begin();
        let (on_tape, together) = loss()?;
        let found = tape.backward(&on_tape)?;
        let bits = |t: &Tensor| t.flatten_all()?.to_vec1::<f32>();
        assert_eq!(bits(&together)?, bits(&apart)?, "{sizes:?}");
        let detached: Vec<Tensor> = inputs.iter().map(Tensor::detach).collect();
        let untracked = applied(step, &detached)?;
        assert_eq!(bits(&untracked)?, bits(&applied(step, &inputs)?)?, "{sizes:?}");
        for (at, var) in vars.iter().enumerate() {
            let (found, expected) = (found.get(var).expect("a gradient"), expected.get(var).expect("a gradient"));
            let most = |t: &Tensor| t.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>();
            let error = most(&(found - expected)?)? / most(expected)?;
            // Sums of at most a few hundred terms in f32, each rounded to 6e-8 of a partial sum.
            assert!(error < 5e-6, "{sizes:?}, gradient {at}: {error:e}");
        }
    }
    Ok(())
}

/// Maps whose shapes do not fit input and state.
pub fn shapes_are_refused<U: Recurrent>(step: Step) -> Result<()> {
    let fitting: Vec<Tensor> = variables::<U>([2, 3, 4])?.iter().map(|var| var.as_detached_tensor()).collect();
    assert!(applied(step, &fitting).is_ok());
    for at in 0..fitting.len() {
        let mut other = fitting.clone();
        let last = other[at].rank() - 1;
        other[at] = other[at].narrow(last, 0, other[at].dim(last)? - 1)?;
        assert!(applied(step, &other).is_err(), "input {at}");
    }
    Ok(())
}
