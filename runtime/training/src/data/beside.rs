//! A second data set: `--bind NAME=PATH`.

use super::Source;
use super::open::{How, open};
use super::opened::Opened;
use super::table::{Field, Table};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;

/// The value of `--bind NAME=`. If it is the path of another data set, its fields are added; records are matched by
/// name if both have names, otherwise by position.
pub fn beside(opened: &mut Opened, name: &str, what: &str, source: &Source) -> Result<String> {
    let path = std::path::Path::new(what);
    let first = opened.pool.as_ref().or(opened.test.as_ref());
    let is_field = first.is_some_and(|table| table.fields.iter().any(|field| field.name == what));
    if is_field || !path.exists() {
        return Ok(what.to_owned());
    }
    let place = || format!("--bind {name}={what}");
    let other = open(path, How { crop: source.crop, only_test: false }).with_context(place)?;
    let called = format!("{name} of {what}");
    let parts =
        [(&mut opened.pool, other.pool), (&mut opened.validation, other.validation), (&mut opened.test, other.test)];
    for (own, theirs) in parts {
        let Some(own) = own else { continue };
        let theirs = theirs.with_context(|| format!("{}: its parts are not those of {}", place(), opened.name))?;
        let field = theirs.fields.iter().position(|field| field.name == name).unwrap_or_default();
        let order = matched(own, &theirs).with_context(place)?;
        let mut fields = theirs.select(&order).fields;
        ensure!(field < fields.len(), "{}: there is nothing in it", place());
        own.fields.push(Field { name: called.clone(), raw: fields.swap_remove(field).raw });
    }
    Ok(called)
}

/// For each record of a part, the index of its match in another data set.
fn matched(own: &Table, theirs: &Table) -> Result<Vec<usize>> {
    let stem = |name: &String| name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).to_owned();
    if let (Some(names), Some(others)) = (&own.names, &theirs.names) {
        let at: BTreeMap<String, usize> = others.iter().enumerate().map(|(at, name)| (stem(name), at)).collect();
        return names
            .iter()
            .map(|name| at.get(&stem(name)).copied().with_context(|| format!("there is no image named {name}")))
            .collect();
    }
    ensure!(own.count == theirs.count, "{} records for {}", theirs.count, own.count);
    Ok((0..own.count).collect())
}
