//! Values with which any model can be run, and the compiler's view of it.

use candle_core::{Device, Tensor};
use srvae::{Compiled, Setting, Settings, Values};
use srvae_dsl::catalog::space_entry;
use srvae_dsl::derive::{is_data, is_partly};
use srvae_dsl::graph::Value;

/// Records in a batch.
pub const BATCH: usize = 3;

/// Values of the variables that come with the data: observed and given variables, and labels of the data set. The first
/// record lacks every partly observed variable; each other record lacks some of them.
pub fn data(model: &Compiled, preset: Option<&str>) -> Values {
    let (checked, _) = checked(model, preset);
    let data = whole(&checked, &lengths(&checked));
    let ids = (0..checked.variables.len()).map(srvae_dsl::graph::VariableId);
    let partly = ids.filter(|id| is_partly(&checked, *id));
    partly.enumerate().fold(data, |data, (at, id)| {
        let present = (0..BATCH).map(|record| f32::from(u8::from(record > 0 && (at + record) % 2 == 0)));
        let present = Tensor::from_vec(present.collect::<Vec<_>>(), BATCH, &Device::Cpu).unwrap();
        data.with(&Values::presence_of(&checked.variable(id).name), present)
    })
}

/// Values of the variables that come with the data, for records of these lengths.
pub fn whole(checked: &srvae_dsl::graph::Model, lengths: &Tensor) -> Values {
    let ids = (0..checked.variables.len()).map(srvae_dsl::graph::VariableId);
    let own = ids.filter(|id| is_data(checked, *id) || is_partly(checked, *id));
    own.fold(Values::new(), |data, id| {
        let variable = checked.variable(id);
        let value = if checked.length == Some(id) { lengths.clone() } else { value(variable) };
        data.with(&variable.name, value)
    })
}

/// The number of steps of each record of a sequence: one fewer than that of the previous record.
pub fn lengths(model: &srvae_dsl::graph::Model) -> Tensor {
    let most = model.variables.iter().filter_map(|variable| variable.step).max().unwrap_or(1);
    let all: Vec<f32> = (0..BATCH).map(|record| most.saturating_sub(record).max(1) as f32).collect();
    Tensor::from_vec(all, (BATCH, 1), &Device::Cpu).unwrap()
}

/// A value of the variable's space: pixels on the grid, one-hot classes, zeros and ones, reals.
pub fn value(variable: &srvae_dsl::graph::Variable) -> Tensor {
    rows(variable, BATCH)
}

/// The same for this number of records.
pub fn rows(variable: &srvae_dsl::graph::Variable, batch: usize) -> Tensor {
    let values: usize = variable.shape.iter().product();
    let uniform: Vec<f64> = (0..batch * values).map(|at| (at * 37 % 256) as f64 / 256.0).collect();
    let space = space_entry(variable.space);
    let drawn = uniform.chunks(values).flat_map(|row| space.made(row, &variable.shape));
    let all: Vec<f32> = drawn.map(|value| value as f32).collect();
    let shape: Vec<usize> = std::iter::once(batch).chain(variable.shape.clone()).collect();
    Tensor::from_vec(all, shape, &Device::Cpu).unwrap()
}

/// The compiler's view of a model.
pub fn checked(model: &Compiled, preset: Option<&str>) -> (srvae_dsl::graph::Model, Vec<srvae_dsl::Diagnostic>) {
    let source = srvae_dsl::Source::new(model.path, model.source);
    let overrides = srvae_dsl::Overrides { preset: preset.map(str::to_owned), set: Vec::new() };
    let compilation = srvae_dsl::compile(&source, &overrides);
    (compilation.model().unwrap().clone(), compilation.diagnostics().to_vec())
}

/// A model's settings with the values with which it was checked.
pub fn settings(model: &srvae_dsl::graph::Model) -> Settings {
    let setting = |value: &Value| match value {
        Value::Int(value) => Setting::Int(*value),
        Value::Real(value) => Setting::Real(*value),
        Value::Bool(value) => Setting::Bool(*value),
        Value::Word(word) => Setting::Word(word.clone()),
    };
    model.params.iter().map(|param| (param.name.clone(), setting(&param.value))).collect()
}
