//! Gradients are the same with and without a tape.

use super::Tape;
use crate::{Device, Result, Tensor, elu, normal_log_prob, softplus};
use candle_core::Var;

fn var(values: &[f64], shape: &[usize]) -> Result<Var> {
    Var::from_tensor(&Tensor::from_slice(values, shape, &Device::Cpu)?)
}

/// The gradients of `loss` with respect to the variables, by candle alone and by a tape. The tolerance is for sums of
/// f64 numbers of order one in another order.
fn agree(vars: &[Var], loss: impl Fn(&[Var]) -> Result<Tensor>) -> Result<()> {
    let theirs = loss(vars)?.backward()?;
    let tape = Tape::begin();
    let ours = tape.backward(&loss(vars)?)?;
    for (number, var) in vars.iter().enumerate() {
        match (ours.get(var), theirs.get(var)) {
            (Some(ours), Some(theirs)) => {
                let apart = (ours - theirs)?.abs()?.max_all()?.to_scalar::<f64>()?;
                assert!(apart < 1e-12, "variable {number}: {apart:e} apart");
            }
            (None, None) => {}
            (ours, theirs) => panic!("variable {number}: {ours:?} and {theirs:?}"),
        }
    }
    Ok(())
}

fn some() -> Result<Vec<Var>> {
    Ok(vec![
        var(&[0.3, -0.2, 0.9, -1.1, 0.05, 0.7], &[2, 3])?,
        var(&[1.2, -0.4, 0.6, 0.1, -0.8, 0.5], &[2, 3])?,
        var(&[0.2, 0.4, -0.6, 1.0, 0.3, -0.9, 0.8, -0.5, 0.1], &[3, 3])?,
        var(&[0.0; 6], &[2, 3])?,
    ])
}

#[test]
fn a_value_that_several_operations_read() -> Result<()> {
    agree(&some()?, |v| {
        let shared = softplus(v[0].as_tensor())?;
        let (a, b) = (elu(&shared)?, softplus(&shared.matmul(v[2].as_tensor())?)?);
        let density = normal_log_prob(&a, &b, &shared)?;
        (density.sum_all()? + (&shared * v[1].as_tensor())?.sum_all()?)? * 0.5
    })
}

#[test]
fn candle_between_operations_and_after_them() -> Result<()> {
    agree(&some()?, |v| {
        // `inner` is read by operations before and after one that depends on it.
        let inner = v[0].matmul(v[2].as_tensor())?;
        let first = softplus(&inner)?;
        let joined = Tensor::cat(&[&first, &inner, v[1].as_tensor()], 1)?;
        let second = elu(&joined.narrow(1, 2, 3)?.contiguous()?)?;
        let third = softplus(&(&inner + &second)?)?;
        ((&third * &first)?.sqr()? + &inner)?.mean_all()
    })
}

#[test]
fn a_long_chain() -> Result<()> {
    agree(&some()?, |v| {
        let (mut state, mut total) = (v[0].as_tensor().clone(), Tensor::zeros((), crate::DType::F64, &Device::Cpu)?);
        for step in 0..20 {
            let next = (state.matmul(v[2].as_tensor())? * 0.3)?;
            state = if step % 3 == 0 { elu(&next)? } else { next };
            total = (total + normal_log_prob(&state, v[1].as_tensor(), v[3].as_tensor())?.sum_all()?)?;
        }
        Ok(total)
    })
}

#[test]
fn a_loss_that_is_an_operation_or_a_variable() -> Result<()> {
    let one = [var(&[0.7], &[1])?];
    agree(&one, |v| softplus(v[0].as_tensor()))?;
    agree(&one, |v| Ok(v[0].as_tensor().clone()))?;
    agree(&one, |v| softplus(&elu(v[0].as_tensor())?.detach()))
}

#[test]
fn what_is_not_reached_has_no_gradient() -> Result<()> {
    agree(&some()?, |v| {
        let _unused = softplus(v[1].as_tensor())?;
        elu(v[0].as_tensor())?.sum_all()
    })
}

#[test]
fn a_tape_ends_with_its_value() -> Result<()> {
    let one = var(&[0.7], &[1])?;
    drop(Tape::begin());
    let store = softplus(one.as_tensor())?.backward()?;
    assert!(store.get(&one).is_some(), "an operation after the tape is in candle's graph");
    let outer = Tape::begin();
    let value = softplus(one.as_tensor())?;
    {
        let inner = Tape::begin();
        let store = inner.backward(&elu(one.as_tensor())?)?;
        assert!(store.get(&one).is_some(), "the inner tape's own");
    }
    let store = outer.backward(&(value * 2.0)?)?;
    assert!(store.get(&one).is_some(), "the outer tape goes on");
    Ok(())
}
