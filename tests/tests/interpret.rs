//! Interpreted and compiled models run the same program: all results have the same bits.

use candle_core::{DType, Device, Tensor};
use srvae::dist::Distribution;
use srvae::interpret;
use srvae::params::Phase;
use srvae::{BoundOptions, Draw, Model, Noise, Params, Settings, Values};
use srvae_dsl::derive;
use srvae_dsl::graph::VariableId;
use srvae_dsl::plan::plan;
use srvae_tests::both::{Both, compare};
use srvae_tests::inputs::{BATCH, checked, data};
use srvae_tests::{CORPUS, counted};

#[test]
fn every_model_of_the_corpus() {
    for model in CORPUS {
        let (checked, _) = checked(model, None);
        let quick = checked.presets.iter().any(|preset| preset.name == "quick").then_some("quick");
        compare(model, quick);
    }
}

#[test]
fn the_shipped_models() {
    for model in srvae_models::MODELS {
        compare(model, Some("quick"));
    }
}

/// Several draws for one given value: networks that read only this value are evaluated once for it, and row k·B + b is
/// draw k for record b.
#[test]
fn several_draws_for_one_record() {
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let model = counted::Counted::new(&counted::Config::default(), &params).unwrap();
    params.set_phase(Phase::Inference);
    let given = Values::new().with("x", data(&counted::COMPILED, None).get("x").unwrap().clone());
    srvae_tests::nets::seen();
    let run =
        |count: usize| Model::run(&model, "reconstruction", &given, count, &mut Noise::seeded(1), &Draw::default());
    let drawn = run(4 * BATCH).unwrap();
    assert_eq!(drawn.get("x").unwrap().dims(), [4 * BATCH, 3, 8, 8]);
    // q(z | x), q(u | y) and the branch on y of p(x | y, z) are evaluated once per record, the branch on z for every
    // draw.
    assert_eq!(srvae_tests::nets::seen(), [(0, BATCH), (1, BATCH), (4, BATCH), (5, 4 * BATCH)]);
    let y = drawn.get("y").unwrap().to_vec2::<f32>();
    assert!(y.is_err(), "a map has four axes");
    let refused = run(BATCH + 1).unwrap_err().to_string();
    assert!(refused.contains("4 rows for 3 records"), "{refused}");
}

/// With evidence for which there is no named mode, an interpreted model draws the same bits as the factors of the
/// compiled model.
#[test]
fn any_evidence_that_the_graph_allows() {
    use srvae_models::srvae::{COMPILED, Config, Srvae, U, Y, Z};
    let (checked, _) = checked(&COMPILED, Some("quick"));
    let own = Params::new(5, DType::F32, &Device::Cpu);
    let config = Config::from_settings(&srvae_tests::inputs::settings(&checked)).unwrap();
    let compiled = Srvae::new(&config, &own).unwrap();
    let id = |name: &str| VariableId(checked.variables.iter().position(|variable| variable.name == name).unwrap());
    let evidence = [id("u"), id("y")];
    let mode = derive::given(&checked, &evidence).unwrap();
    let (plan, name) = plan(checked.clone()).with_mode(mode.clone());
    assert_eq!(name, "conditional_generation_y_u");
    // An equal mode is not added again.
    assert_eq!(plan.clone().with_mode(mode).1, name);
    let params = Params::new(6, DType::F32, &Device::Cpu);
    let model = interpret::Interpreted::new(plan, &params).unwrap();
    params.restore(&own.entries().into_iter().map(|(name, var)| (name, var.as_tensor().clone())).collect()).unwrap();
    [&own, &params].iter().for_each(|params| params.set_phase(Phase::Inference));
    let value = |name: &str| srvae_tests::inputs::value(checked.variable(id(name)));
    let given = Values::new().with("u", value("u")).with("y", value("y"));
    let drawn = model.run(&name, &given, BATCH, &mut Noise::seeded(3), &Draw::default()).unwrap();
    let mut noise = Noise::seeded(3);
    let (y, u) = (Y(value("y")), U(value("u")));
    let z = compiled.p_z(&y, &u).unwrap().sample("z", &mut noise, &Draw::default()).unwrap();
    let x = compiled.p_x(&y, &Z(z.clone())).unwrap().sample("x", &mut noise, &Draw::default()).unwrap();
    for (name, wanted) in [("z", z), ("x", x)] {
        let [found, wanted] = [drawn.get(name).unwrap(), &wanted].map(|value| {
            let numbers = value.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            numbers.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        });
        assert!(found == wanted, "{name}");
    }
}

/// A model with a network in Rust is rejected with a message that it needs a crate.
#[test]
fn a_network_in_rust_is_not_interpreted() {
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let refused = interpret::builder(counted::COMPILED.path, counted::COMPILED.source).build(&Settings::new(), &params);
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("written in Rust") && refused.contains("model!"), "{refused}");
}

/// Values outside of their variable's space or shape are rejected, with the variable's name and what is expected.
#[test]
fn what_is_given_is_held_against_its_variable() {
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let model = srvae_tests::conditional::COMPILED;
    let both = Both::new(&model, &Settings::new());
    let (_, good) = (params, data(&model, None));
    let cases: [(&str, Tensor, &[&str]); 4] = [
        ("x", (good.get("x").unwrap() * 3.0).unwrap(), &["`x` is an image", "[0, 1]"]),
        ("x", good.get("x").unwrap().narrow(2, 0, 4).unwrap(), &["`x` is image[", "not one of shape"]),
        ("x", good.get("x").unwrap().to_dtype(DType::F64).unwrap(), &["`x` is needed as F32", "F64", "to_dtype"]),
        ("x", good.get("x").unwrap().flatten_all().unwrap(), &["`x` is image[", "a tensor [batch, "]),
    ];
    for (name, wrong, words) in cases {
        let values = good.clone().with(name, wrong);
        for model in [&both.compiled.0, &both.interpreted.0] {
            let refused =
                model.bound(&values, &mut Noise::seeded(1), &BoundOptions::default()).unwrap_err().to_string();
            assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
        }
    }
}
