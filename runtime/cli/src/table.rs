//! `srvae-run table`: the paper's Table 1 for trained models.

use super::args::{DataArgs, RunArgs, Table};
use super::fid::{self, Distance, Meter, Real};
use super::session::Session;
use super::{device, eval};
use anyhow::Result;
use serde_json::{Value, json};
use srvae_training::Compiled;
use srvae_training::data::{Images, Kept, PartName};
use srvae_training::eval::Evaluation;
use srvae_training::interrupt;
use srvae_training::spec::Variable;
use srvae_training::terminal::{note, out, table};
use std::process::ExitCode;

/// A trained model on a data set.
struct Row {
    /// The run's name.
    run: String,
    seed: u64,
    rate: f64,
    step: usize,
    data: String,
    found: Evaluation,
    line: Value,
    fid: Option<Distance>,
}

pub fn run(models: &'static [Compiled], args: &Table) -> Result<ExitCode> {
    let device = device::choose(&args.common)?;
    let meter = match args.no_fid {
        true => None,
        false if args.fid.weights.is_none() && !fid::weights(&args.fid)?.is_file() => {
            note("no FID: the network's weights are missing (`srvae-run fetch fid-weights`, or --weights FILE)");
            None
        }
        false => Some(Meter::open(&args.fid, args.likelihood.batch.unwrap_or(32), args.likelihood.seed, &device)?),
    };
    let sessions = args
        .runs
        .iter()
        .map(|run| Session::open(models, &RunArgs::at(run.clone(), args.checkpoint), &device))
        .collect::<Result<Vec<_>>>()?;
    interrupt::listen();
    let mut rows = Vec::new();
    let own = std::iter::once(args.data.clone());
    let other = args.transfer.iter().map(|data| DataArgs { data: Some(data.into()), crop: None, ..args.data.clone() });
    for data in own.chain(other) {
        let mut shared: Option<Shared> = None;
        for session in &sessions {
            let there = match shared.take() {
                Some(there) if there.of == Origin::of(session, &data)? => there,
                _ => Shared::read(session, &data, meter.as_ref(), args.likelihood.images)?,
            };
            rows.push(row(session, &data, &there, meter.as_ref(), args)?);
            shared = Some(there);
        }
    }
    if args.common.json {
        out(&json!({ "rows": rows.iter().map(Row::json).collect::<Vec<_>>() }).to_string());
    } else {
        print(&rows, args.likelihood.k);
    }
    Ok(ExitCode::SUCCESS)
}

/// Test data that models share, with the statistics of the real images.
struct Shared {
    of: Origin,
    /// The name of the data.
    name: String,
    images: Images,
    real: Option<Real>,
}

impl Shared {
    fn read(session: &Session, data: &DataArgs, meter: Option<&Meter>, images: Option<usize>) -> Result<Self> {
        let (name, images) = (session.data_name(data), session.test(data, images)?.1);
        let real = match meter {
            None => None,
            Some(meter) => {
                let (name, pictures) = meter.pictures(session, data)?;
                Some(meter.real(&name, &pictures)?)
            }
        };
        Ok(Self { of: Origin::of(session, data)?, name, images, real })
    }
}

/// What the test data of a model follow from. Models that agree in it share them.
#[derive(PartialEq)]
struct Origin {
    /// The data that are given, or those of the model's training.
    source: String,
    /// The run's division of its data.
    kept: Option<Kept>,
    variables: Vec<Variable>,
}

impl Origin {
    fn of(session: &Session, data: &DataArgs) -> Result<Self> {
        let source = data.source().unwrap_or_else(|| session.header.data.clone());
        Ok(Self { source, kept: session.kept()?, variables: session.spec.data_variables().cloned().collect() })
    }
}

/// Evaluates a model.
fn row(session: &Session, data: &DataArgs, there: &Shared, meter: Option<&Meter>, args: &Table) -> Result<Row> {
    let Shared { name, images, real, .. } = there;
    note(&format!("{} on {name}", session.checkpoint.display()));
    let found = eval::likelihood(session, images, &args.likelihood)?;
    let fid = match (meter, real) {
        (Some(meter), Some(real)) => Some(meter.measure(session, real)?),
        _ => None,
    };
    let line = eval::line(session, name, &found)?;
    eval::keep(session, (data, PartName::Test), name, &line);
    let header = &session.header;
    Ok(Row {
        run: session.name(),
        seed: header.config.seed,
        rate: header.config.schedule.rate,
        step: header.progress.step,
        data: name.clone(),
        found,
        line,
        fid,
    })
}

impl Row {
    fn json(&self) -> Value {
        let mut line = self.line.clone();
        eval::extend(&mut line, json!({ "fid": self.fid.as_ref().map(Distance::json) }));
        line
    }
}

fn print(rows: &[Row], samples: usize) {
    let mut terms: Vec<&str> = Vec::new();
    for (name, _, _) in rows.iter().flat_map(|row| &row.found.terms) {
        if !terms.contains(name) {
            terms.push(name);
        }
    }
    // The paper's order: reconstructions, then divergences.
    terms.sort_by_key(|name| !name.starts_with("RE"));
    let mut lines = vec![
        ["run", "seed", "lr", "step", "data", "nll", "±"]
            .into_iter()
            .chain(terms.iter().copied())
            .chain(["FID"])
            .map(str::to_owned)
            .collect(),
    ];
    let mut notes = Vec::new();
    for row in rows {
        let term = |name: &&str| match row.found.terms.iter().find(|(term, _, _)| term == name) {
            Some((_, _, value)) => format!("{value:.1}"),
            None => "–".to_owned(),
        };
        let fid = row.fid.as_ref().map_or_else(
            || "–".to_owned(),
            |fid| {
                notes.push(fid.to_string());
                format!("{:.2} [{}]", fid.value, notes.len())
            },
        );
        let mut line = vec![row.run.clone(), row.seed.to_string(), row.rate.to_string(), row.step.to_string()];
        line.push(row.data.clone());
        line.push(format!("{:.4}", row.found.nll));
        line.push(row.found.standard_error.map_or_else(|| "–".to_owned(), |error| format!("{error:.4}")));
        line.extend(terms.iter().map(term));
        line.push(fid);
        lines.push(line);
    }
    out(&table(&lines));
    let records: Vec<String> = rows.iter().map(|row| row.found.images.to_string()).collect();
    let mut units: Vec<&str> = rows.iter().map(|row| row.found.unit).collect();
    units.dedup();
    out(&format!(
        "  nll in {} with {samples} importance samples per record (± standard error over {} test records); RE and KL \
         as in the bound (RE added, KL subtracted), nats per record",
        units.join(", then in "),
        records.join(", ")
    ));
    for (number, line) in notes.iter().enumerate() {
        out(&format!("  [{}] {line}", number + 1));
    }
}
