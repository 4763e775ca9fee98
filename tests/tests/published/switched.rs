//! Modes that take some draws from q and others from p: continuations of sequences, and the top levels of a hierarchy.

use super::models::{dmm, nvae, vrnn};
use super::moved::moved;
use candle_core::{DType, Device, Tensor};
use srvae::params::Phase;
use srvae::{Compiled, Draw, Model, Noise, Params, Settings, Values};

const STEPS: usize = 4;

fn built(model: &Compiled) -> Box<dyn Model> {
    let params = Params::new(4, DType::F32, &Device::Cpu);
    let model = (model.build)(&Settings::new(), &params).unwrap();
    // Away from the initial values, at which q hardly depends on the data.
    moved(&params, 0.3, Some(6));
    params.set_phase(Phase::Inference);
    model
}

/// Two records of binary steps. `seed` determines those after step 2 of the first and after step 3 of the second.
fn sequences(seed: usize) -> Values {
    let ends = [2, 3];
    let value = |record: usize, step: usize, at: usize| {
        let other = if step < ends[record] { 0 } else { seed };
        f32::from(u8::from((record * 5 + step * 3 + at * 7 + other * (at + 1)).is_multiple_of(3)))
    };
    let all = (0..2).flat_map(|record| (0..STEPS).flat_map(move |step| (0..8).map(move |at| value(record, step, at))));
    let lengths = Tensor::from_vec(ends.map(|end| end as f32).to_vec(), (2, 1), &Device::Cpu).unwrap();
    let x = Tensor::from_vec(all.collect::<Vec<f32>>(), (2, STEPS, 8), &Device::Cpu).unwrap();
    Values::new().with("x", x).with("T", lengths)
}

fn numbers(values: &Values, name: &str) -> Vec<f32> {
    values.get(name).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Every record keeps its given steps. Its latents and the following steps do not depend on data after its end.
#[test]
fn a_continuation_keeps_the_steps_that_a_record_has() {
    for model in [&dmm::COMPILED, &vrnn::COMPILED] {
        let built = built(model);
        let run = |given: &Values, seed: u64| {
            built.run("continuation", given, 2, &mut Noise::seeded(seed), &Draw::default()).unwrap()
        };
        let (given, other) = (sequences(0), sequences(1));
        assert_ne!(numbers(&given, "x"), numbers(&other, "x"));
        let drawn = run(&given, 1);
        for name in ["x", "z"] {
            assert_eq!(numbers(&drawn, name), numbers(&run(&other, 1), name), "{name} of {}", model.name);
        }
        let (own, all) = (given.get("x").unwrap(), drawn.get("x").unwrap());
        for (record, end) in [(0, 2), (1, 3)] {
            let part = |x: &Tensor, from: usize, count: usize| -> Vec<f32> {
                x.get(record).unwrap().narrow(0, from, count).unwrap().flatten_all().unwrap().to_vec1().unwrap()
            };
            assert_eq!(part(own, 0, end), part(all, 0, end), "record {record} of {}", model.name);
            // The following steps are random: another seed yields others.
            let again = run(&given, 2);
            let again = again.get("x").unwrap();
            assert_ne!(part(all, end, STEPS - end), part(again, end, STEPS - end), "record {record} of {}", model.name);
        }
    }
}

/// With no level from q, nothing depends on the data; with one, the first level does; with all, the result is that of
/// reconstruction.
#[test]
fn the_top_levels_come_from_the_data() {
    let model = built(&nvae::COMPILED);
    let x = |value: f32| Values::new().with("x", Tensor::full(value, (1, 3, 16, 16), &Device::Cpu).unwrap());
    let run = |given: &Values, top: Option<usize>| {
        let draw = Draw { top, ..Draw::default() };
        model.run("top_reconstruction", given, 1, &mut Noise::seeded(1), &draw).unwrap()
    };
    let (black, white) = (x(0.0), x(1.0));
    let depends = |top: Option<usize>, name: &str| numbers(&run(&black, top), name) != numbers(&run(&white, top), name);
    let names = ["z[1]", "z[2]", "z[3]", "x"];
    assert!(names.iter().all(|name| !depends(Some(0), name)));
    assert!(names.iter().all(|name| depends(None, name)));
    for name in names {
        assert_eq!(numbers(&run(&black, Some(3)), name), numbers(&run(&black, None), name), "{name}");
    }
    // The first level is from q. The second is drawn from p with the same noise, and depends only on the first.
    assert_eq!(numbers(&run(&black, Some(1)), "z[1]"), numbers(&run(&black, None), "z[1]"));
    assert_ne!(numbers(&run(&black, Some(1)), "z[2]"), numbers(&run(&black, None), "z[2]"));
    assert!(depends(Some(1), "z[2]"));
}
