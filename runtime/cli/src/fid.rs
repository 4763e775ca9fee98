//! `srvae-run fid`: the Fréchet inception distance of a trained model.

use super::args::{DataArgs, Fid, FidArgs, RealSet};
use super::session::Session;
use super::{device, ranks};
use anyhow::Result;
use serde_json::json;
use srvae_training::data::{Images, PartName};
pub use srvae_training::fid::Distance;
use srvae_training::fid::{self, Inception, Options, Statistics, Weights};
use srvae_training::interrupt;
use srvae_training::progress::Display;
use srvae_training::ranks::agree;
use srvae_training::terminal::{note, out};
use srvae_training::{Compiled, Device, Draw};
use std::path::PathBuf;
use std::process::ExitCode;

pub fn run(models: &'static [Compiled], args: &Fid) -> Result<ExitCode> {
    let device = device::choose(&args.common)?;
    let meter = agree(ranks::all(), Meter::open(&args.fid, args.batch, args.seed, &device))?;
    let session = Session::open(models, &args.run, &device)?;
    interrupt::listen();
    let (name, images) = agree(ranks::all(), meter.pictures(&session, &args.data))?;
    ranks::check_records(&images)?;
    let real = meter.real(&name, &images)?;
    let found = meter.measure(&session, &real)?;
    if args.common.json {
        let mut line = json!({ "model": session.spec.name, "checkpoint": session.checkpoint });
        super::eval::extend(&mut line, json!({ "fid": found.json() }));
        out(&line.to_string());
    } else {
        out(&format!("{} at step {}: {found}", session.spec.name, session.header.progress.step));
    }
    Ok(ExitCode::SUCCESS)
}

/// The network, and the options of the measurement.
pub struct Meter {
    network: Inception,
    weights: String,
    args: FidArgs,
    batch: usize,
    seed: u64,
}

/// Real images and their statistics.
pub struct Real {
    name: String,
    images: Images,
    statistics: Statistics,
}

impl Meter {
    /// # Errors
    /// Missing or different weights.
    pub fn open(args: &FidArgs, batch: usize, seed: u64, device: &Device) -> Result<Self> {
        let weights = Weights::read(&weights(args)?, args.weights_any)?;
        if weights.sha256 != fid::SHA256 {
            note("warning: these are not the weights of published FIDs; the number cannot be compared with others");
        }
        let network = fid::load(&weights, device)?;
        Ok(Self { network, weights: weights.sha256, args: args.clone(), batch, seed })
    }

    /// The real images for the arguments, and their name.
    ///
    /// # Errors
    /// Data that cannot be loaded.
    pub fn pictures(&self, session: &Session, data: &DataArgs) -> Result<(String, Images)> {
        let (part, what) = match self.args.against {
            RealSet::Test => (None, "test"),
            RealSet::Train => (Some(PartName::Train), "training"),
        };
        let (name, images) = session.records(data, part, self.args.real)?;
        Ok((format!("{what} images of {name}"), images))
    }

    /// # Errors
    /// Ctrl-C, or a failed tensor operation.
    pub fn real(&self, name: &str, images: &Images) -> Result<Real> {
        let display = Display::new("real images", 0, images.len());
        let show = |done: usize, _: usize| display.set(done, String::new());
        let statistics = fid::of_images(&self.network, images, &self.options(&show))?;
        Ok(Real { name: name.to_owned(), images: images.clone(), statistics })
    }

    /// The distance between a model's samples and real images.
    ///
    /// # Errors
    /// A model without images, too few images, Ctrl-C, or a failed tensor operation.
    pub fn measure(&self, session: &Session, real: &Real) -> Result<Distance> {
        let display = Display::new("sampled images", 0, self.args.samples);
        let show = |done: usize, _: usize| display.set(done, String::new());
        let options = self.options(&show);
        let drawn = fid::of_model(&self.network, session.model.as_ref(), &session.spec, &real.images, &options)?;
        Ok(Distance {
            value: fid::distance(&drawn.moments()?, &real.statistics.moments()?),
            samples: drawn.count(),
            real: real.statistics.count(),
            real_set: real.name.clone(),
            draw: options.draw,
            seed: self.seed,
            weights: self.weights.clone(),
        })
    }

    fn options<'a>(&self, progress: &'a dyn Fn(usize, usize)) -> Options<'a> {
        let draw = Draw { temperature: self.args.temperature, decode: self.args.decode.into(), top: None };
        Options { samples: self.args.samples, batch: self.batch, draw, seed: self.seed, ranks: ranks::all(), progress }
    }
}

/// The file of the weights: the given one, or the downloaded one.
///
/// # Errors
/// A system without a cache folder.
pub fn weights(args: &FidArgs) -> Result<PathBuf> {
    args.weights.clone().map_or_else(srvae_training::fetch::fid_weights, Ok)
}
