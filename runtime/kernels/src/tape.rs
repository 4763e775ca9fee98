//! A tape of this crate's operations: backpropagation without candle's accumulation into zeros.
//!
//! candle adds the gradient of every value to a tensor of zeros. For a value that is read once, this costs two passes
//! over memory, and on a GPU two launches. While a [`Tape`] records, an operation of this crate is not in candle's
//! graph: its result is a leaf there, and the operation is a node of the tape. The tape's backward pass visits its
//! nodes from the last to the first, and passes the first gradient on unchanged. Between two of these operations candle
//! backpropagates, from the inputs of the later one to its leaves.
//!
//! Without a tape all operations are in candle's graph, and `backward` of a tensor is correct.

mod again;
mod kept;
mod seed;
mod sum;

use crate::awake::{Awake, awake};
use crate::{DType, Device, Result, Tensor};
use again::Compute;
pub use again::again;
use candle_core::backprop::GradStore;
use candle_core::op::BackpropOp;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Shape, Storage, TensorId};
use kept::Kept;
use seed::Seed;
use std::cell::RefCell;
use std::collections::HashMap;
use sum::add_to;

thread_local! {
    static RECORD: RefCell<Option<Record>> = const { RefCell::new(None) };
    /// For the operation whose backward pass is running: the existing gradients of its inputs.
    static BEFORE: RefCell<Vec<Option<Tensor>>> = const { RefCell::new(Vec::new()) };
}

/// For a backward pass: the existing gradient of an input, in memory that nothing else reads. The operation that takes
/// it must add to it in place and return it as the input's gradient.
pub fn before(input: usize) -> Option<Tensor> {
    BEFORE.with_borrow_mut(|before| before.get_mut(input).and_then(Option::take))
}

/// Records the operations of this thread until its backward pass, or until it is dropped. Until then the pool's threads stay awake.
pub struct Tape {
    /// The record of an outer tape.
    outer: Option<Record>,
    awake: Option<Awake>,
}

#[derive(Default)]
struct Record {
    nodes: Vec<Node>,
    /// On a [compact](Tape::compact) tape, the outputs that depend on data.
    activations: Option<HashMap<TensorId, Kept>>,
}

impl Record {
    /// What a node keeps of an input.
    fn input(&self, tensor: &Tensor) -> Kept {
        let known = self.activations.as_ref().and_then(|known| known.get(&tensor.id()).cloned());
        known.unwrap_or_else(|| Kept::Whole(tensor.clone()))
    }

    /// What a node keeps of the output of an operation on `inputs`. The values of parameters, as normalised weights, remain as they are.
    fn output(&mut self, tensor: &Tensor, inputs: &[&Tensor]) -> Kept {
        let Some(known) = &mut self.activations else { return Kept::Whole(tensor.clone()) };
        if inputs.iter().all(|input| input.is_variable() && !known.contains_key(&input.id())) {
            return Kept::Whole(tensor.clone());
        }
        let kept = Kept::of(tensor);
        known.insert(tensor.id(), kept.clone());
        kept
    }
}

/// An operation with its inputs and its outputs.
struct Node {
    inputs: Vec<Kept>,
    /// One, or several of a recomputed part.
    outputs: Vec<Kept>,
    operation: Operation,
    /// Whether its backward pass reads values in bf16, too.
    halves: bool,
}

enum Operation {
    One(Box<dyn CustomOp1>),
    Two(Box<dyn CustomOp2>),
    Three(Box<dyn CustomOp3>),
    Many(Box<dyn Operator>),
    /// A recomputed part.
    Again(Compute),
}

/// An operation on any number of tensors, after its forward pass. It may use [`before`].
pub trait Operator {
    /// The gradient of every input that needs one.
    ///
    /// # Errors
    /// A failed tensor operation.
    fn backward(&self, inputs: &[Tensor], gradient: &Tensor) -> Result<Vec<Option<Tensor>>>;
}

impl Node {
    /// The values that the backward pass reads.
    fn open(&self, kept: &Kept) -> Result<Tensor> {
        if self.halves { Ok(kept.stored()) } else { kept.open() }
    }

    /// The gradient of every input that needs one.
    fn backward(&self, output: &Kept, gradient: &Tensor) -> Result<Vec<(&Kept, Tensor)>> {
        let inputs = self.inputs.iter().map(|input| self.open(input)).collect::<Result<Vec<_>>>()?;
        let output = &self.open(output)?;
        let gradients = match (&self.operation, inputs.as_slice()) {
            (Operation::One(op), [a]) => vec![op.bwd(a, output, gradient)?],
            (Operation::Two(op), [a, b]) => {
                let (a, b) = op.bwd(a, b, output, gradient)?;
                vec![a, b]
            }
            (Operation::Three(op), [a, b, c]) => {
                let (a, b, c) = op.bwd(a, b, c, output, gradient)?;
                vec![a, b, c]
            }
            (Operation::Many(op), inputs) => op.backward(inputs, gradient)?,
            _ => candle_core::bail!("an operation on {} tensors", self.inputs.len()),
        };
        let read = self.inputs.iter().zip(gradients);
        Ok(read.filter_map(|(input, gradient)| Some((input, gradient?))).collect())
    }
}

impl Tape {
    /// Starts to record. A nested tape records only the operations inside it.
    pub fn begin() -> Self {
        Self::new(Record::default())
    }

    /// Starts to record as [`begin`](Self::begin) does. Between the passes, large activations on the CPU are kept in bf16, which halves their
    /// memory.
    pub fn compact() -> Self {
        Self::new(Record { activations: Some(HashMap::new()), ..Record::default() })
    }

    fn new(record: Record) -> Self {
        Self { outer: RECORD.replace(Some(record)), awake: Some(awake()) }
    }

    /// The gradients of `loss` with respect to all variables. The values of the tape are freed during the pass.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn backward(mut self, loss: &Tensor) -> Result<GradStore> {
        let nodes = RECORD.take().unwrap_or_default().nodes;
        let _awake = self.awake.take();
        drop(self);
        let mut store = none()?;
        for (id, sum) in Backward::new(&nodes).run(nodes, vec![(loss.clone(), loss.ones_like()?)])? {
            store.insert_id(id, sum.value);
        }
        Ok(store)
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        RECORD.set(self.outer.take());
    }
}

/// The state of a backward pass.
struct Backward {
    /// The index of the node of each leaf.
    made_by: HashMap<TensorId, usize>,
    /// Gradients of leaves.
    sums: HashMap<TensorId, Sum>,
    waiting: Vec<Waiting>,
}

/// An accumulated gradient.
struct Sum {
    value: Tensor,
    /// Whether no other gradient shares its memory.
    alone: bool,
}

/// A tensor of candle's graph with a gradient that has not been propagated yet.
struct Waiting {
    tensor: Tensor,
    gradient: Tensor,
    /// The last node on which it depends.
    newest: Option<usize>,
}

impl Backward {
    fn new(nodes: &[Node]) -> Self {
        let made =
            nodes.iter().enumerate().flat_map(|(number, node)| node.outputs.iter().map(move |it| (it.id(), number)));
        Self { made_by: made.collect(), sums: HashMap::new(), waiting: Vec::new() }
    }

    /// The gradients of all leaves, from those of some tensors.
    fn run(mut self, mut nodes: Vec<Node>, from: Vec<(Tensor, Tensor)>) -> Result<HashMap<TensorId, Sum>> {
        for (tensor, gradient) in from {
            self.give(&tensor, gradient, false)?;
        }
        while let Some(node) = nodes.pop() {
            self.hand_on(|newest| newest == Some(nodes.len()))?;
            if let Operation::Again(compute) = &node.operation {
                self.again(&node, compute)?;
                continue;
            }
            let [output] = node.outputs.as_slice() else { continue };
            let Some(gradient) = self.sums.remove(&output.id()) else { continue };
            self.lend(&node);
            let gradients = node.backward(output, &gradient.value);
            self.take_back(&node);
            let gradients = gradients?;
            let mut places: Vec<_> = gradients.iter().map(|(_, gradient)| place(gradient)).collect();
            places.push(place(&gradient.value));
            for (number, (input, gradient)) in gradients.into_iter().enumerate() {
                let alone = places[number].is_some() && places.iter().filter(|at| **at == places[number]).count() == 1;
                self.give_kept(input, gradient, alone)?;
            }
        }
        self.hand_on(|_| true)?;
        Ok(self.sums)
    }

    /// Makes the existing gradients of the inputs available to [`before`].
    fn lend(&mut self, node: &Node) {
        let mut lent: Vec<Option<Tensor>> = vec![None; node.inputs.len()];
        for (lent, input) in lent.iter_mut().zip(&node.inputs) {
            if self.sums.get(&input.id()).is_some_and(|sum| sum.alone) {
                *lent = self.sums.remove(&input.id()).map(|sum| sum.value);
            }
        }
        BEFORE.set(lent);
    }

    fn take_back(&mut self, node: &Node) {
        for (lent, input) in BEFORE.take().into_iter().zip(&node.inputs) {
            if let Some(value) = lent {
                self.sums.insert(input.id(), Sum { value, alone: true });
            }
        }
    }

    /// Adds to the gradient of a tensor that a node keeps. Only outputs of nodes, which are leaves, are kept in bf16.
    fn give_kept(&mut self, kept: &Kept, gradient: Tensor, alone: bool) -> Result<()> {
        match kept {
            Kept::Whole(tensor) => self.give(tensor, gradient, alone),
            Kept::Half { of, .. } => self.add(*of, gradient.detach(), alone),
        }
    }

    /// Adds to the gradient of a tensor.
    fn give(&mut self, tensor: &Tensor, gradient: Tensor, alone: bool) -> Result<()> {
        let gradient = gradient.detach();
        if tensor.is_variable() {
            return self.add(tensor.id(), gradient, alone);
        }
        if !tensor.track_op() {
            return Ok(());
        }
        if let Some(known) = self.waiting.iter_mut().find(|waiting| waiting.tensor.id() == tensor.id()) {
            known.gradient = (&known.gradient + gradient)?;
            return Ok(());
        }
        // Without nodes the search would visit the whole graph for nothing.
        let newest = match self.made_by.is_empty() {
            true => None,
            false => tensor.sorted_nodes().iter().filter_map(|node| self.made_by.get(&node.id()).copied()).max(),
        };
        self.waiting.push(Waiting { tensor: tensor.clone(), gradient, newest });
        Ok(())
    }

    fn add(&mut self, leaf: TensorId, gradient: Tensor, alone: bool) -> Result<()> {
        let sum = match self.sums.remove(&leaf) {
            Some(before) => {
                let (sum, values, alone) = match before.alone {
                    true => (before.value, gradient, true),
                    false => (gradient, before.value, alone),
                };
                let value = if alone && add_to(&sum, &values)? { sum } else { (sum + values)? };
                Sum { value, alone: true }
            }
            None => Sum { value: gradient, alone },
        };
        self.sums.insert(leaf, sum);
        Ok(())
    }

    /// Lets candle backpropagate from the selected waiting tensors to the leaves, in one pass.
    fn hand_on(&mut self, now: impl Fn(Option<usize>) -> bool) -> Result<()> {
        let (ready, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|one: &Waiting| now(one.newest));
        self.waiting = waiting;
        let mut end: Option<Tensor> = None;
        for Waiting { tensor, gradient, .. } in ready {
            // The first pass starts from any tensor without a gradient.
            let before = end.unwrap_or_else(|| tensor.detach());
            end = Some(tensor.apply_op2(&before, Seed(gradient))?);
        }
        let Some(end) = end else { return Ok(()) };
        let store = end.backward()?;
        for &leaf in store.get_ids() {
            if let Some(gradient) = store.get_id(leaf) {
                self.add(leaf, gradient.clone(), false)?;
            }
        }
        Ok(())
    }
}

/// The storage of a gradient and its place in it, if it is contiguous.
fn place(gradient: &Tensor) -> Option<(*const Storage, usize)> {
    let (storage, layout) = gradient.storage_and_layout();
    layout.contiguous_offsets().map(|(start, _)| (std::ptr::from_ref(&*storage), start))
}

/// An empty store of gradients.
///
/// # Errors
/// A failed tensor operation.
pub fn none() -> Result<GradStore> {
    // Only a backward pass creates a store.
    Tensor::zeros((), DType::F32, &Device::Cpu)?.backward()
}

/// Whether an operation on these tensors is recorded on the tape.
pub fn records(inputs: &[&Tensor]) -> bool {
    inputs.iter().any(|input| input.track_op()) && RECORD.with_borrow(Option::is_some)
}

/// Records an operation; its result is a leaf of candle's graph.
fn record(inputs: &[&Tensor], operation: Operation, halves: bool, (storage, shape): (Storage, Shape)) -> Tensor {
    let output = Tensor::from_storage(storage, shape, BackpropOp::none(), true);
    RECORD.with_borrow_mut(|record| {
        if let Some(record) = record {
            let outputs = vec![record.output(&output, inputs)];
            let inputs = inputs.iter().map(|&input| record.input(input)).collect();
            record.nodes.push(Node { inputs, outputs, operation, halves });
        }
    });
    output
}

/// The result of an operation, which is recorded if it is given.
pub fn made_by(inputs: &[&Tensor], (made, shape): (CpuStorage, Shape), by: Option<Box<dyn Operator>>) -> Tensor {
    match by {
        Some(by) => record(inputs, Operation::Many(by), false, (Storage::Cpu(made), shape)),
        None => Tensor::from_storage(Storage::Cpu(made), shape, BackpropOp::none(), false),
    }
}

/// Applies an operation on one tensor.
///
/// # Errors
/// Those of the operation.
pub fn op1(a: &Tensor, op: impl CustomOp1 + Send + Sync + 'static) -> Result<Tensor> {
    if !records(&[a]) {
        return a.apply_op1(op);
    }
    let (stored, layout) = a.storage_and_layout();
    let made = match &*stored {
        Storage::Cpu(stored) => op.cpu_fwd(stored, layout).map(|(made, shape)| (Storage::Cpu(made), shape))?,
        Storage::Cuda(stored) => op.cuda_fwd(stored, layout).map(|(made, shape)| (Storage::Cuda(made), shape))?,
        Storage::Metal(_) => return a.apply_op1(op),
    };
    Ok(record(&[a], Operation::One(Box::new(op)), false, made))
}

/// Applies an operation on two tensors.
///
/// # Errors
/// Those of the operation.
pub fn op2(a: &Tensor, b: &Tensor, op: impl CustomOp2 + Send + Sync + 'static) -> Result<Tensor> {
    two(a, b, op, false)
}

/// Applies an operation on two tensors whose backward pass reads inputs and output in f32 or in bf16, as they were kept.
///
/// # Errors
/// Those of the operation.
pub fn op2_of_halves(a: &Tensor, b: &Tensor, op: impl CustomOp2 + Send + Sync + 'static) -> Result<Tensor> {
    two(a, b, op, true)
}

fn two(a: &Tensor, b: &Tensor, op: impl CustomOp2 + Send + Sync + 'static, halves: bool) -> Result<Tensor> {
    if !records(&[a, b]) {
        return a.apply_op2(b, op);
    }
    let ((in_a, al), (in_b, bl)) = (a.storage_and_layout(), b.storage_and_layout());
    let made = match (&*in_a, &*in_b) {
        (Storage::Cpu(a), Storage::Cpu(b)) => {
            op.cpu_fwd(a, al, b, bl).map(|(made, shape)| (Storage::Cpu(made), shape))?
        }
        (Storage::Cuda(a), Storage::Cuda(b)) => {
            op.cuda_fwd(a, al, b, bl).map(|(made, shape)| (Storage::Cuda(made), shape))?
        }
        _ => return elsewhere(op.name()),
    };
    Ok(record(&[a, b], Operation::Two(Box::new(op)), halves, made))
}

/// Applies an operation on three tensors.
///
/// # Errors
/// Those of the operation.
pub fn op3(a: &Tensor, b: &Tensor, c: &Tensor, op: impl CustomOp3 + Send + Sync + 'static) -> Result<Tensor> {
    three([a, b, c], op, false)
}

/// Applies an operation on three tensors whose backward pass reads inputs and output in f32 or in bf16, as they were kept.
///
/// # Errors
/// Those of the operation.
pub fn op3_of_halves(a: &Tensor, b: &Tensor, c: &Tensor, op: impl CustomOp3 + Send + Sync + 'static) -> Result<Tensor> {
    three([a, b, c], op, true)
}

fn three([a, b, c]: [&Tensor; 3], op: impl CustomOp3 + Send + Sync + 'static, halves: bool) -> Result<Tensor> {
    if !records(&[a, b, c]) {
        return a.apply_op3(b, c, op);
    }
    let ((in_a, al), (in_b, bl)) = (a.storage_and_layout(), b.storage_and_layout());
    let (in_c, cl) = c.storage_and_layout();
    let made = match (&*in_a, &*in_b, &*in_c) {
        (Storage::Cpu(a), Storage::Cpu(b), Storage::Cpu(c)) => {
            op.cpu_fwd(a, al, b, bl, c, cl).map(|(made, shape)| (Storage::Cpu(made), shape))?
        }
        (Storage::Cuda(a), Storage::Cuda(b), Storage::Cuda(c)) => {
            op.cuda_fwd(a, al, b, bl, c, cl).map(|(made, shape)| (Storage::Cuda(made), shape))?
        }
        _ => return elsewhere(op.name()),
    };
    Ok(record(&[a, b, c], Operation::Three(Box::new(op)), halves, made))
}

fn elsewhere(name: &str) -> Result<Tensor> {
    candle_core::bail!("{name}: its tensors lie on different devices")
}

#[cfg(test)]
mod tests;
