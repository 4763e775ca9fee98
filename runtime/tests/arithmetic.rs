//! The computations of training apart from the model, compared with numbers computed by hand.

use srvae::train::gradients::{norm, scale};
use srvae::train::{Average, Schedule, ScheduleKind};
use srvae::{DType, Device, Params, Tensor, steps};

fn params() -> Params {
    Params::new(1, DType::F64, &Device::Cpu)
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// shadow ← 0.75 shadow + 0.25 parameter, with exactly representable numbers.
#[test]
fn a_running_average_keeps_its_decay_of_what_it_was() {
    let params = params();
    let var = params.constant("w", &[2], 4.0).unwrap();
    let mut average = Average::new(&params, 0.75).unwrap();
    for (value, shadow) in [(8.0, 5.0), (9.0, 6.0), (-2.0, 4.0)] {
        var.set(&Tensor::full(value, 2, &Device::Cpu).unwrap()).unwrap();
        average.update(&params).unwrap();
        average
            .in_place(&params, || {
                assert_eq!(numbers(var.as_tensor()), [shadow; 2]);
                Ok(())
            })
            .unwrap();
        assert_eq!(numbers(var.as_tensor()), [value; 2], "the parameters are there again");
    }
}

/// Of w², whose gradient is 2 w: (6, 8) has norm 10.
#[test]
fn a_gradient_is_scaled_as_a_whole() {
    let params = params();
    let (a, b) = (params.constant("a", &[1], 3.0).unwrap(), params.constant("b", &[1], 4.0).unwrap());
    let loss = (a.as_tensor().sqr().unwrap() + b.as_tensor().sqr().unwrap()).unwrap();
    let mut gradients = loss.sum_all().unwrap().backward().unwrap();
    assert_eq!(norm(&params, &gradients).unwrap(), 10.0);
    scale(&params, &mut gradients, 0.5).unwrap();
    assert_eq!([&a, &b].map(|var| numbers(gradients.get(var.as_tensor()).unwrap())), [vec![3.0], vec![4.0]]);
    assert_eq!(norm(&params, &gradients).unwrap(), 5.0);
}

#[test]
fn rates_fall_as_their_schedule_says() {
    let of = |kind| Schedule { kind, rate: 8.0, decay: 0.5, least: 1.0 };
    for (kind, rates) in [
        (ScheduleKind::Exponential, [8.0, 4.0, 2.0, 1.0, 1.0]),
        // 1 + 7 (1 + cos(π s / 4)) / 2, and the last rate after the end.
        (ScheduleKind::Cosine, [8.0, 4.5 + 3.5 * 0.5f64.sqrt(), 4.5, 4.5 - 3.5 * 0.5f64.sqrt(), 1.0]),
        (ScheduleKind::Constant, [8.0; 5]),
    ] {
        for (step, rate) in rates.into_iter().enumerate() {
            // Rounding of a cosine.
            assert!((of(kind).at(step, 4) - rate).abs() < 1e-14, "{kind:?} at {step}");
        }
    }
    assert_eq!(of(ScheduleKind::Cosine).at(9, 4), 1.0);
}

/// In any order in which a mode computes them.
#[test]
fn the_steps_of_a_family_lie_in_their_order() {
    let value = |number: f64| Tensor::full(number, (2, 1), &Device::Cpu).unwrap();
    let given = [("x", Some(3)), ("z", None), ("x", Some(1)), ("y", Some(2)), ("x", Some(2)), ("y", Some(1))];
    let given = given.into_iter().map(|(name, step)| (name, step, value(step.unwrap_or(7) as f64))).collect();
    let all = steps::together(given).unwrap();
    let x = all.get("x").unwrap();
    assert_eq!((x.dims(), numbers(x)), (&[2, 3, 1][..], vec![1.0, 2.0, 3.0, 1.0, 2.0, 3.0]));
    assert_eq!(numbers(all.get("y").unwrap()), [1.0, 2.0, 1.0, 2.0]);
    assert_eq!(numbers(all.get("z").unwrap()), [7.0; 2]);
}
