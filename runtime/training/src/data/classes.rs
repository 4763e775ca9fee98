//! Labels of one class for each record, and the names of their classes.

use super::bind::Binding;
use super::opened::Opened;
use super::table::Raw;
use super::{fit, formats};
use crate::spec::{Role, Space, Variable};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

/// Whether a variable is one class per record.
pub fn is_class(variable: &Variable) -> bool {
    variable.space == Space::Label && variable.shape.len() == 1
}

/// The names of each label's classes, over all parts, for those that have names.
///
/// # Errors
/// Cells that are no classes.
pub fn names_of(opened: &Opened, bindings: &[Binding]) -> Result<BTreeMap<String, Vec<String>>> {
    let mut all = BTreeMap::new();
    for Binding { variable, fields, .. } in bindings.iter().filter(|binding| is_class(&binding.variable)) {
        let (mut cells, mut places) = (Vec::new(), Vec::new());
        for part in [&opened.pool, &opened.validation, &opened.test].into_iter().flatten() {
            match fields.first().and_then(|&at| part.fields.get(at)).map(|field| &field.raw) {
                Some(Raw::Text(own)) => cells.extend(own.iter().cloned()),
                Some(Raw::Numbers(array)) if array.shape.len() == 1 => {
                    let numbers = formats::arrays::numbers(array);
                    cells.extend(numbers.iter().map(|number| number.to_string()));
                }
                _ => {}
            }
            let before = places.len();
            places.extend((before..cells.len()).map(|at| (part, at - before)));
        }
        if cells.is_empty() {
            continue;
        }
        let place = || format!("variable `{}`", variable.name);
        let record = |at: usize| places[at].0.place(places[at].1);
        let below = cells.iter().position(|cell| cell.parse::<f64>().is_ok_and(|number| number < 0.0));
        let below = below.map(|at| (record(at), cells[at].clone()));
        let (_, names) = fit::classes(&Raw::Text(cells), variable.role == Role::Partly, &record).with_context(place)?;
        if let (Some((record, class)), true) = (below, variable.role != Role::Partly && names.len() > variable.row()) {
            bail!(
                "variable `{name}`: {record} is of class `{class}`, and the variable has {} classes, {} of them here; a label below 0 \
                 is missing, which only a `partly observed` variable may be",
                variable.row(),
                names.len(),
                name = variable.name
            );
        }
        if !names.is_empty() {
            all.insert(variable.name.clone(), names);
        }
    }
    Ok(all)
}
