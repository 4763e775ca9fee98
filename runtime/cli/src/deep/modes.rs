//! Every mode yields values of its variables' shapes and spaces, and the bound takes them as data.

use super::{BATCH, Finding, Subject};
use anyhow::Result;
use srvae_training::spec::{Variable, space_entry};
use srvae_training::{BoundOptions, DType, Draw, Noise, Tensor, Values, figures};

pub fn laws(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let (model, spec) = (subject.model.as_ref(), subject.spec);
    let mut findings = Vec::new();
    for mode in model.modes() {
        let (mut noise, draw) = (Noise::seeded(3), Draw::default());
        let given = figures::complete(model, mode, &subject.data, &mut noise, &draw)?;
        let values = model.run(mode.name, &given, BATCH, &mut noise, &draw)?;
        let mut wrong = Vec::new();
        for name in mode.yields {
            let Some(variable) = spec.variable(name) else { continue };
            wrong.extend(misfit(variable, values.get(name)?)?.map(|why| format!("{name} {why}")));
        }
        let data = spec.data_variables().map(|variable| variable.name.as_str());
        let data = data.filter_map(|name| Some((name, values.find(name).or_else(|| subject.data.find(name))?)));
        let data = data.fold(Values::new(), |data, (name, value)| data.with(name, value.clone()));
        let bound = model.bound(&data, &mut noise, &BoundOptions::default())?.log_weights()?;
        if !finite(&bound)? {
            wrong.push("what it yields has no finite bound".to_owned());
        }
        let seen = if wrong.is_empty() { mode.yields.join(", ") } else { wrong.join("; ") };
        let law = format!("{} yields values that fit their variables, and the bound takes them", mode.name);
        findings.push(Finding::new(law, wrong.is_empty(), seen));
    }
    Ok(findings)
}

/// What is wrong with a batch of values of a variable.
fn misfit(variable: &Variable, value: &Tensor) -> Result<Option<String>> {
    if value.dims().split_first() != Some((&BATCH, variable.shape.as_slice())) {
        return Ok(Some(format!("has shape {:?}, not {BATCH} x {:?}", value.dims(), variable.shape)));
    }
    let numbers = value.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    let misfit = space_entry(variable.space).misfit;
    let row = variable.shape.iter().product::<usize>().max(1);
    Ok(numbers.chunks(row).find_map(misfit).map(str::to_owned))
}

fn finite(value: &Tensor) -> Result<bool> {
    Ok(value.flatten_all()?.to_vec1::<f64>()?.iter().all(|value| value.is_finite()))
}
