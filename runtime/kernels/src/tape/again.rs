//! Gradient checkpointing: values whose intermediate results are not kept, but recomputed in the backward pass.
//!
//! Chen, Xu, Zhang and Guestrin, *Training deep nets with sublinear memory cost* (2016).

use super::{Backward, Kept, Node, Operation, RECORD, Tape};
use crate::{Result, Tensor};
use candle_core::Var;

/// Computes tensors from tensors. Equal inputs give equal results.
pub(super) type Compute = Box<dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>>;

/// The tensors that `compute` makes from the inputs. While a tape records, no intermediate result is kept: the backward pass
/// calls `compute` again and backpropagates through it to the inputs and to all variables that it reads. Without a tape this
/// only calls `compute`.
///
/// # Errors
/// Those of `compute`.
pub fn again(inputs: &[Tensor], compute: impl Fn(&[Tensor]) -> Result<Vec<Tensor>> + 'static) -> Result<Vec<Tensor>> {
    if !RECORD.with_borrow(Option::is_some) {
        return compute(inputs);
    }
    let detached: Vec<Tensor> = inputs.iter().map(Tensor::detach).collect();
    // A tape of its own, dropped with the intermediate results.
    let tape = Tape::begin();
    let made = compute(&detached);
    drop(tape);
    let outputs = made?.iter().map(leaf).collect::<Result<Vec<Tensor>>>()?;
    let whole = |tensors: &[Tensor]| tensors.iter().cloned().map(Kept::Whole).collect();
    let operation = Operation::Again(Box::new(compute));
    RECORD.with_borrow_mut(|record| {
        if let Some(record) = record {
            record.nodes.push(Node { inputs: whole(inputs), outputs: whole(&outputs), operation, halves: false });
        }
    });
    Ok(outputs)
}

/// A copy of a tensor as a leaf of candle's graph.
fn leaf(tensor: &Tensor) -> Result<Tensor> {
    Ok(Var::from_tensor(&tensor.detach())?.into_inner())
}

impl Backward {
    /// Recomputes the outputs of a node and backpropagates their gradients. Gradients of variables are added to the sums
    /// so far.
    pub(super) fn again(&mut self, node: &Node, compute: &Compute) -> Result<()> {
        let gradients = node.outputs.iter().map(|output| self.sums.remove(&output.id()).map(|sum| sum.value));
        let gradients: Vec<Option<Tensor>> = gradients.collect();
        if gradients.iter().all(Option::is_none) {
            return Ok(());
        }
        let given = node.inputs.iter().map(Kept::open).collect::<Result<Vec<Tensor>>>()?;
        let read = |input: &Tensor| if input.track_op() { leaf(input) } else { Ok(input.clone()) };
        let inputs = given.iter().map(read).collect::<Result<Vec<Tensor>>>()?;
        let tape = Tape::begin();
        let made = compute(&inputs);
        let nodes = RECORD.take().unwrap_or_default().nodes;
        drop(tape);
        let from = made?.into_iter().zip(gradients).filter_map(|(made, gradient)| Some((made, gradient?))).collect();
        let mut inner = Self::new(&nodes);
        inner.sums = std::mem::take(&mut self.sums);
        self.sums = inner.run(nodes, from)?;
        for (own, input) in inputs.iter().zip(&given).filter(|(own, _)| own.track_op()) {
            if let Some(sum) = self.sums.remove(&own.id()) {
                self.give(input, sum.value, sum.alone)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;
    use std::cell::Cell;
    use std::rc::Rc;

    fn var(numbers: &[f64]) -> Var {
        Var::from_tensor(&Tensor::new(numbers, &Device::Cpu).unwrap()).unwrap()
    }

    /// The gradient through a chain of recomputed parts is the one of the chain, for variables that the parts read, for
    /// inputs used by several parts, and with outputs that are not used. Each part is computed twice.
    #[test]
    fn recomputed_parts_have_the_same_gradients() {
        let (w, x) = (var(&[0.5, -1.5, 2.0]), var(&[1.0, 2.0, 3.0]));
        let part = |w: &Tensor, t: &[Tensor]| Ok(vec![(crate::elu(&(&t[0] * w)?)? + &t[1])?, t[0].sqr()?, w.detach()]);
        let gradients = |again_at: bool| {
            let calls = Rc::new(Cell::new(0));
            let tape = Tape::begin();
            let mut state = (x.as_tensor() * 2.0).unwrap();
            for _ in 0..3 {
                let (weight, count) = (w.as_tensor().clone(), calls.clone());
                let compute = move |t: &[Tensor]| {
                    count.set(count.get() + 1);
                    part(&weight, t)
                };
                let inputs = [state.clone(), x.as_tensor().clone()];
                let made = if again_at { again(&inputs, compute) } else { compute(&inputs) }.unwrap();
                state = made[0].clone();
            }
            let store = tape.backward(&state.sum_all().unwrap()).unwrap();
            let of = |var: &Var| store.get(var).unwrap().to_vec1::<f64>().unwrap();
            (of(&w), of(&x), calls.get())
        };
        let (whole, parts) = (gradients(false), gradients(true));
        assert_eq!((whole.2, parts.2), (3, 6));
        for (ours, theirs) in parts.0.iter().chain(&parts.1).zip(whole.0.iter().chain(&whole.1)) {
            // Sums of six numbers of size 1 to 10, in another order.
            assert!((ours - theirs).abs() < 1e-13, "{ours} {theirs}");
        }
    }

    /// Without a tape the operations are in candle's graph.
    #[test]
    fn without_a_tape_nothing_is_recomputed() {
        let x = var(&[1.0, 2.0]);
        let made = again(&[x.as_tensor().clone()], |t| Ok(vec![t[0].sqr()?])).unwrap();
        let store = made[0].sum_all().unwrap().backward().unwrap();
        assert_eq!(store.get(&x).unwrap().to_vec1::<f64>().unwrap(), [2.0, 4.0]);
    }
}
