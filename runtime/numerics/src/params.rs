//! The ordered store of a model's parameters.

use crate::ops;
use candle_core::{DType, Device, Result, Tensor, Var};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU8, AtomicU64, Ordering},
};

/// A store of named parameters, with a position in it: [`Params::at`] gives the same store with a dotted prefix.
#[derive(Debug, Clone)]
pub struct Params {
    store: Arc<Store>,
    prefix: String,
    /// Whether an existing name is reused instead of an error.
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

/// A version of the values of some parameters: equal stamps mean equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    version: u64,
    fingerprint: u64,
}

/// The purpose of a forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Gradients are tracked.
    Training,
    /// No gradients are tracked. Values that depend only on parameters are cached until the parameters change.
    Inference,
    /// The first batch: each weight-normalised layer sets its scale and bias from its outputs.
    Initialisation,
}

impl Params {
    /// An empty store. Initial values are a function of the seed and the parameter's name.
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

    /// The store for another instance of the same model: a request for an existing name returns the existing parameter.
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
        // The parameters may have been written to, so cached values are dropped.
        self.touch();
    }

    /// The stamp of these parameters, for caching values derived from them.
    ///
    /// On the CPU the values themselves are read. Code that writes to a [`Var`] (another crate's optimiser, a copy of a
    /// running average) therefore does not need to report it. On a GPU the stamp changes with [`Params::set_phase`],
    /// every training step and [`Params::touch`].
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

    /// Invalidates earlier stamps. Only code that writes to parameters on a GPU between two passes of one phase must
    /// call this.
    pub fn touch(&self) {
        self.store.version.fetch_add(1, Ordering::Relaxed);
    }

    /// A new parameter of this shape, with values drawn from N(mean, standard_deviation²).
    ///
    /// # Errors
    /// A name that is taken.
    pub fn normal(&self, name: &str, shape: &[usize], mean: f64, standard_deviation: f64) -> Result<Var> {
        let name = self.at(name).prefix;
        // Drawn on the CPU, so that the initial values are the same on every device.
        let draw =
            crate::Noise::at(self.store.seed ^ hash(&name), 0).normal(&name, shape, self.dtype(), &Device::Cpu)?;
        self.add(name, ((draw * standard_deviation)? + mean)?.to_device(self.device())?)
    }

    /// A new parameter of this shape, with all values the same.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn constant(&self, name: &str, shape: &[usize], value: f64) -> Result<Var> {
        let name = self.at(name).prefix;
        self.add(name, Tensor::full(value, shape, self.device())?.to_dtype(self.dtype())?)
    }

    /// A parameter's value for the current phase: tracked in training, detached otherwise.
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

    /// The total number of elements of all parameters.
    pub fn count(&self) -> usize {
        let entries = self.store.entries.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        entries.iter().map(|(_, var)| var.elem_count()).sum()
    }

    /// Every parameter with its full name, in the order of construction.
    pub fn entries(&self) -> Vec<(String, Var)> {
        self.store.entries.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

/// FNV-1a: initial values depend on a parameter's name, not on its position.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
