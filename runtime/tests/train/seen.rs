//! The records that the model sees, and when.

use super::config;
use crate::toy;
use srvae::params::Phase;
use srvae::spec::Spec;
use srvae::train::{Config, RunFolder, Task, Trainer};
use srvae::{BoundOptions, Builder, Device, Draw, Mode, Model, Noise, Params, Result, Terms, Values};
use std::sync::{Arc, Mutex};

/// The phase of each bound and the first pixel of each of its images.
type Seen = Arc<Mutex<Vec<(Phase, Vec<f32>)>>>;

/// The toy model with a record of its data.
struct Watched {
    model: Box<dyn Model>,
    seen: Seen,
}

impl Model for Watched {
    fn params(&self) -> &Params {
        self.model.params()
    }

    fn bound(&self, data: &Values, noise: &mut Noise, options: &BoundOptions) -> Result<Terms> {
        let first = data.get("x")?.flatten_from(1)?.narrow(1, 0, 1)?.flatten_all()?.to_vec1()?;
        self.seen.lock().unwrap().push((self.params().phase(), first));
        self.model.bound(data, noise, options)
    }

    fn modes(&self) -> &[Mode] {
        self.model.modes()
    }

    fn run(&self, mode: &str, given: &Values, count: usize, noise: &mut Noise, draw: &Draw) -> Result<Values> {
        self.model.run(mode, given, count, noise, draw)
    }
}

/// What a run of four steps without augmentation sees in this phase.
fn seen(how: Config, phase: Phase) -> Vec<Vec<f32>> {
    let (place, seen) = (tempfile::tempdir().unwrap(), Seen::default());
    let own = seen.clone();
    let builder = Builder::new(move |settings, params| {
        Ok(Box::new(Watched { model: toy::build(settings, params)?, seen: own.clone() }) as Box<dyn Model>)
    });
    let (spec, data) = (Spec { builder, ..toy::spec() }, toy::data());
    let folder = RunFolder::create(&place.path().join("run")).unwrap().0;
    let how = Config { augment: false, ..how };
    Trainer::new(Task::new(&spec, &data, "toy", &Device::Cpu), how, folder).unwrap().run().unwrap();
    let all = std::mem::take(&mut *seen.lock().unwrap());
    all.into_iter().filter(|(own, _)| *own == phase).map(|(_, pixels)| pixels).collect()
}

/// On as many of the first training records as asked for, or on all if there are fewer.
#[test]
fn a_model_is_initialised_on_the_first_training_records() {
    for (asked, wanted) in [(20, 20), (500, 90)] {
        let how = Config { init_images: asked, ..config(4) };
        let first = seen(how.clone(), Phase::Initialisation);
        assert_eq!(first.iter().map(Vec::len).collect::<Vec<_>>(), [wanted]);
        assert_eq!(first[0][..8], seen(how, Phase::Training)[0]);
    }
}

#[test]
fn the_order_of_the_records_is_a_function_of_the_seed() {
    let of = |seed| seen(Config { seed, ..config(4) }, Phase::Training);
    assert_eq!(of(1).iter().map(Vec::len).collect::<Vec<_>>(), [8; 4]);
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}
