//! The ordered store of a model's parameters.

use crate::ops;
use candle_core::{DType, Device, Result, Tensor, Var};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU8, AtomicU64, Ordering},
};

/// A store of named parameters, and a position in it: [`Params::at`] gives the same store seen from a dotted prefix.
#[derive(Debug, Clone)]
pub struct Params {
    store: Arc<Store>,
    prefix: String,
    /// Whether a name that is there is taken, not refused.
    shared: bool,
}

#[derive(Debug)]
struct Store {
    entries: Mutex<Vec<(String, Var)>>,
    phase: AtomicU8,
    version: AtomicU64,
    dtype: DType,
    device: Device,
    seed: u64,
}

/// What the values of some parameters were derived from: equal stamps, equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    version: u64,
    fingerprint: u64,
}

/// What a forward pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Gradients will be asked for.
    Training,
    /// Nothing is kept for gradients; what depends on parameters alone is kept from one pass to the next, until they change.
    Inference,
    /// The first batch: each weight-normalised layer sets its scale and bias from what passes through it.
    Initialisation,
}

impl Params {
    /// An empty store; initial values are a function of the seed and the parameter's name.
    pub fn new(seed: u64, dtype: DType, device: &Device) -> Self {
        let store = Store {
            entries: Mutex::new(Vec::new()),
            phase: AtomicU8::new(0),
            version: AtomicU64::new(0),
            dtype,
            device: device.clone(),
            seed,
        };
        Self { store: Arc::new(store), prefix: String::new(), shared: false }
    }

    /// The same store for another program of the same model: what it asks for by the name of a parameter that is there is that
    /// parameter.
    #[must_use]
    pub fn shared(&self) -> Self {
        Self { shared: true, ..self.clone() }
    }

    /// The same store below `name`.
    #[must_use]
    pub fn at(&self, name: &str) -> Self {
        let prefix = if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) };
        Self { store: self.store.clone(), prefix, shared: self.shared }
    }

    pub fn dtype(&self) -> DType {
        self.store.dtype
    }

    pub fn device(&self) -> &Device {
        &self.store.device
    }

    pub fn phase(&self) -> Phase {
        match self.store.phase.load(Ordering::Relaxed) {
            0 => Phase::Training,
            1 => Phase::Inference,
            _ => Phase::Initialisation,
        }
    }

    pub fn set_phase(&self, phase: Phase) {
        let code = match phase {
            Phase::Training => 0,
            Phase::Inference => 1,
            Phase::Initialisation => 2,
        };
        self.store.phase.store(code, Ordering::Relaxed);
        // Whatever was written to the parameters before: nothing derived from their values is kept beyond this call.
        self.touch();
    }

    /// The stamp of these parameters, under which what is derived from their values may be kept.
    ///
    /// On the CPU the values themselves are read, so whoever writes to a [`Var`] (an optimiser of another crate, a copy of
    /// a running average) need tell nobody. Elsewhere the stamp changes with [`Params::set_phase`], every training step and
    /// [`Params::touch`].
    ///
    /// # Errors
    /// A parameter that is not contiguous.
    pub fn stamp(&self, vars: &[&Var]) -> Result<Stamp> {
        let mut fingerprint = 0;
        for var in vars {
            fingerprint = ops::combine(fingerprint, ops::fingerprint(var)?.unwrap_or(0));
        }
        Ok(Stamp { version: self.store.version.load(Ordering::Relaxed), fingerprint })
    }

    /// Drops what was kept under earlier stamps. Only to be called by whoever writes to parameters on a GPU between two
    /// passes of one phase.
    pub fn touch(&self) {
        self.store.version.fetch_add(1, Ordering::Relaxed);
    }

    /// A new parameter of this shape, its value drawn from N(mean, standard_deviation²).
    ///
    /// # Errors
    /// A name that is taken.
    pub fn normal(&self, name: &str, shape: &[usize], mean: f64, standard_deviation: f64) -> Result<Var> {
        let name = self.at(name).prefix;
        // On the CPU, so that a model begins at the same values on every device.
        let draw =
            crate::Noise::at(self.store.seed ^ hash(&name), 0).normal(&name, shape, self.dtype(), &Device::Cpu)?;
        self.add(name, ((draw * standard_deviation)? + mean)?.to_device(self.device())?)
    }

    /// A new parameter of this shape, all values the same.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn constant(&self, name: &str, shape: &[usize], value: f64) -> Result<Var> {
        let name = self.at(name).prefix;
        self.add(name, Tensor::full(value, shape, self.device())?.to_dtype(self.dtype())?)
    }

    /// A parameter's value as the phase needs it: tracked in training, detached otherwise.
    pub fn value(&self, var: &Var) -> Tensor {
        if self.phase() == Phase::Training { var.as_tensor().clone() } else { var.as_detached_tensor() }
    }

    fn add(&self, name: String, value: Tensor) -> Result<Var> {
        let mut entries = self.store.entries.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, var)) = entries.iter().find(|(key, _)| *key == name) {
            if self.shared && var.dims() == value.dims() {
                return Ok(var.clone());
            }
            candle_core::bail!("two parameters are named `{name}`");
        }
        if self.shared {
            candle_core::bail!("a program that shares parameters has one of its own, `{name}` {:?}", value.dims());
        }
        let var = Var::from_tensor(&value)?;
        entries.push((name, var.clone()));
        Ok(var)
    }

    /// How many numbers all parameters have together.
    pub fn count(&self) -> usize {
        let entries = self.store.entries.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        entries.iter().map(|(_, var)| var.elem_count()).sum()
    }

    /// Every parameter with its full name, in the order of construction.
    pub fn entries(&self) -> Vec<(String, Var)> {
        self.store.entries.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

/// FNV-1a: initial values depend on a parameter's name, not on how many came before it.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
