//! Assigns fields of a data set to variables: by name, by `--bind`, and by kind if there is only one possibility.

use super::families::Family;
use super::records::LABELS;
use super::table::{Field, Raw, Table, of_records};
use crate::Values;
use crate::spec::{Role, Space, Variable};
use anyhow::{Context, Result, bail, ensure};

/// Names of fields with classes, independent of the variable's name.
const CLASS_NAMES: [&str; 8] = [LABELS, "label", "class", "classes", "fine_labels", "target", "targets", "category"];

/// A variable and the fields that fill it: one, or a column for each of its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub variable: Variable,
    /// Empty for a partly observed variable that no record has.
    pub fields: Vec<usize>,
    /// The field with the presences of a partly observed variable.
    pub says: Option<usize>,
}

pub fn names_classes(field: &Field) -> bool {
    CLASS_NAMES.contains(&field.name.to_lowercase().as_str())
}

/// Finds the fields for every variable. `asked` are pairs of a variable and the text after `--bind NAME=`.
///
/// # Errors
/// A variable with no or several possible fields. The message lists the fields of the data set.
pub fn bind(table: &Table, variables: &[Variable], asked: &[(String, String)]) -> Result<Vec<Binding>> {
    let partly = || variables.iter().filter(|variable| variable.role == Role::Partly);
    let presences: Vec<String> = partly().map(|variable| Values::presence_of(&variable.name)).collect();
    for (name, text) in asked {
        let known: Vec<&str> = variables.iter().map(|variable| variable.name.as_str()).collect();
        ensure!(
            known.contains(&name.as_str()) || presences.contains(name),
            "--bind {name}={text}: the model takes no data for `{name}`, only for {}",
            known.join(", ")
        );
    }
    let families = Family::all(variables);
    let mut found: Vec<Option<Vec<usize>>> = Vec::new();
    for variable in variables {
        let text = asked.iter().find(|(name, _)| *name == variable.name).map(|(_, text)| text.as_str());
        found.push(match text {
            Some(text) => {
                Some(asked_for(table, variable, text).with_context(|| format!("--bind {}={text}", variable.name))?)
            }
            None => by_name(table, variable),
        });
    }
    by_kind(table, variables, &presences, &mut found);
    let bound = variables.iter().zip(found).map(|(variable, fields)| {
        let presence = Values::presence_of(&variable.name);
        let (fields, says) = match (fields, variable.role) {
            (fields, Role::Partly) => {
                let asked = asked.iter().find(|(name, _)| *name == presence).map(|(_, text)| text.as_str());
                let says = position(table, asked.unwrap_or(&presence));
                if let Some(text) = asked {
                    ensure!(says.is_some(), "--bind {presence}={text}: there is no `{text}`; {}", has(table));
                }
                let family = variable.name.split_once('[').map(|(family, _)| family);
                let whole = family.filter(|family| fields.is_none() && position(table, family).is_some());
                ensure!(whole.is_none(), nothing(table, variable, &families));
                (fields.unwrap_or_default(), says)
            }
            (fields, _) => (fields.with_context(|| nothing(table, variable, &families))?, None),
        };
        Ok(Binding { variable: variable.clone(), fields, says })
    });
    bound.collect()
}

/// The fields in the text of `--bind`. A single array must have as many numbers per record as the variable.
fn asked_for(table: &Table, variable: &Variable, text: &str) -> Result<Vec<usize>> {
    let fields = columns(table, text)?;
    let shape = if let &[at] = fields.as_slice() { table.fields[at].raw.shape() } else { None };
    let is_free = variable.takes_other_shapes() || variable.is_length || variable.steps;
    if let Some(shape) = shape.filter(|_| !is_free) {
        let own = shape.iter().skip(1).product::<usize>();
        ensure!(
            own == variable.shape.iter().product::<usize>(),
            "`{text}` is {}; `{}` takes {}",
            table.fields[fields[0]].raw.describe(),
            variable.name,
            of_records(&variable.shape)
        );
    }
    Ok(fields)
}

/// The fields in a text: `a`, `a,b,c`, `g0..g11`.
pub fn columns(table: &Table, text: &str) -> Result<Vec<usize>> {
    let one = |name: &str| position(table, name).with_context(|| format!("there is no `{name}`; {}", has(table)));
    if let Some(at) = position(table, text) {
        return Ok(vec![at]);
    }
    let mut fields = Vec::new();
    for item in text.split(',').map(str::trim) {
        match item.split_once("..") {
            Some((first, last)) => {
                let last = last.trim_start_matches('=');
                let ((stem, from), (end, to)) = (numbered(first)?, numbered(last)?);
                ensure!(
                    end.is_empty() || end == stem,
                    "`{item}`: the first and the last column must have the same name before the number"
                );
                ensure!(from <= to, "`{item}` runs down");
                ensure!(to - from < 1 << 20, "`{item}` has too many columns");
                for number in from..=to {
                    fields.push(one(&format!("{stem}{number}"))?);
                }
            }
            None => fields.push(one(item)?),
        }
    }
    Ok(fields)
}

/// A name and the number at its end.
fn numbered(name: &str) -> Result<(&str, usize)> {
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (stem, number) = name.split_at(name.len() - digits);
    let number = number.parse().with_context(|| format!("`{name}` has no number at its end, as in g0..g11"))?;
    Ok((stem, number))
}

pub fn position(table: &Table, name: &str) -> Option<usize> {
    table.fields.iter().position(|field| field.name == name)
}

/// A field with the variable's name, or columns with its name and numbers from 0 or 1: x0, x1, … or x_1, x_2, ….
fn by_name(table: &Table, variable: &Variable) -> Option<Vec<usize>> {
    if let Some(at) = position(table, &variable.name) {
        return Some(vec![at]);
    }
    if variable.is_length {
        return ["lengths", "length"].iter().find_map(|name| position(table, name)).map(|at| vec![at]);
    }
    let size: usize = variable.shape.iter().product();
    let run = |separator: &str, first: usize| -> Option<Vec<usize>> {
        (first..first + size).map(|number| position(table, &format!("{}{separator}{number}", variable.name))).collect()
    };
    let vector = !matches!(variable.space, Space::Image | Space::Label) && size > 0;
    ["", "_", "."].iter().filter(|_| vector).find_map(|separator| run(separator, 0).or_else(|| run(separator, 1)))
}

/// Assigns the remaining variables that have exactly one candidate.
fn by_kind(table: &Table, variables: &[Variable], presences: &[String], found: &mut [Option<Vec<usize>>]) {
    let is_value = |at: &usize| !presences.contains(&table.fields[*at].name);
    type Takes = fn(&Variable) -> bool;
    type Offers = fn(&Field) -> bool;
    let rules: [(Takes, Offers); 3] = [
        (|variable| variable.space == Space::Label, names_classes),
        (
            |variable| !variable.is_numeric() && (variable.picture().is_some() || variable.space == Space::Binary),
            |field| field.raw.is_pictures(),
        ),
        (
            |variable| variable.space != Space::Label,
            |field| !names_classes(field) && matches!(field.raw, Raw::Numbers(_) | Raw::Stored(_)),
        ),
    ];
    for (takes, offers) in rules {
        let taken: Vec<usize> = found.iter().flatten().flatten().copied().collect();
        let open: Vec<usize> =
            (0..variables.len()).filter(|&at| found[at].is_none() && takes(&variables[at])).collect();
        let free: Vec<usize> = (0..table.fields.len())
            .filter(is_value)
            .filter(|at| !taken.contains(at) && offers(&table.fields[*at]))
            .collect();
        if let ([variable], [field]) = (open.as_slice(), free.as_slice()) {
            found[*variable] = Some(vec![*field]);
        }
    }
    // A table with as many columns as the only remaining variable has numbers.
    let open: Vec<usize> = (0..variables.len()).filter(|&at| found[at].is_none()).collect();
    if let [at] = open.as_slice()
        && !matches!(variables[*at].space, Space::Image | Space::Label)
    {
        let taken: Vec<usize> = found.iter().flatten().flatten().copied().collect();
        let free = |field: &usize| !taken.contains(field) && matches!(table.fields[*field].raw, Raw::Text(_));
        let left = (0..table.fields.len()).filter(is_value).filter(free);
        let columns: Vec<usize> = left.filter(|&at| !names_classes(&table.fields[at])).collect();
        if columns.len() == variables[*at].shape.iter().product::<usize>() {
            found[*at] = Some(columns);
        }
    }
}

fn nothing(table: &Table, variable: &Variable, families: &[Family<'_>]) -> String {
    let label = if variable.space == Space::Label { ", a label," } else { "" };
    let numbers = variable.shape.iter().product::<usize>();
    let is_row = numbers > 1 && !matches!(variable.space, Space::Image | Space::Label);
    let columns = if is_row && table.fields.iter().any(|field| matches!(field.raw, Raw::Text(_))) {
        format!(", or {numbers} columns with --bind {0}=A,B,… or {0}=A1..A{numbers}", variable.name)
    } else {
        String::new()
    };
    let family = families.iter().find(|family| variable.name.split('[').next() == Some(family.name));
    let (or, chosen) = family.filter(|_| variable.name.contains('[')).map_or_else(Default::default, |family| {
        (
            format!(" or, with all of {}, `{}` {}", family.listed(), family.name, family.wanted()),
            format!("one for all with --bind {}=NAME or ", family.name),
        )
    });
    format!(
        "variable `{0}`{label} has no data: no field is named `{0}`{or}, and no other field fits it alone; {1}; choose \
         {chosen}one with --bind {0}=NAME{columns}",
        variable.name,
        has(table)
    )
}

/// The fields of a data set, for messages.
pub fn has(table: &Table) -> String {
    let most = 12;
    let list = table.fields.iter().take(most).map(|field| match field.raw {
        Raw::Text(_) => format!("`{}`", field.name),
        _ => format!("`{}` ({})", field.name, field.raw.describe()),
    });
    let more = table.fields.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("the data set has {}{more}", list.collect::<Vec<_>>().join(", "))
}

/// `NAME=VALUE` of `--bind`.
///
/// # Errors
/// A text of another form.
pub fn parse(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => bail!("--bind {text}: expected NAME=WHAT: an array or column, several with commas, g0..g11, or a path"),
    }
}
