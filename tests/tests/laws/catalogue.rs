//! The entries of the language with their examples, built in double precision.

use super::support::{list, normal, params, params_of};
use anyhow::{Context, Result, ensure};
use srvae::dist::Distribution as _;
use srvae::entries::{
    self, Arguments, BLOCKS, Block, Build, DISTRIBUTIONS, Distribution, Domain, Make, Space, space_entry,
};
use srvae::{DType, Device, Noise, Params, Tensor};

/// `[count, shape…]`.
pub fn batch(count: usize, shape: &[usize]) -> Vec<usize> {
    std::iter::once(count).chain(shape.iter().copied()).collect()
}

/// A block with an example's arguments, built for the shapes of its inputs.
pub struct Built {
    pub name: String,
    pub entry: &'static Block,
    pub arguments: Arguments,
    pub inputs: Vec<&'static [usize]>,
    pub params: Params,
    pub forward: Box<dyn Fn(&[&Tensor]) -> Result<Tensor>>,
}

/// Every layer and every function on tensors, with every example.
pub fn blocks() -> Result<Vec<Built>> {
    blocks_of(DType::F64)
}

/// The same with parameters of this type.
pub fn blocks_of(dtype: DType) -> Result<Vec<Built>> {
    let mut all = Vec::new();
    for entry in BLOCKS {
        ensure!(!entry.examples.is_empty(), "`{}` has no example", entry.name);
        for example in entry.examples {
            let (arguments, inputs, params) = ((example.arguments)(), example.inputs.to_vec(), params_of(dtype));
            let name = format!("{} of {inputs:?} with {arguments:?}", entry.name);
            let forward: Box<dyn Fn(&[&Tensor]) -> Result<Tensor>> = match entry.build {
                Build::Layer(build) => {
                    let layer = build(&params, &inputs, &arguments).context(name.clone())?;
                    Box::new(move |inputs| Ok(layer.forward(inputs)?))
                }
                Build::Function(apply) => {
                    let arguments = arguments.clone();
                    Box::new(move |inputs| Ok(apply(inputs, &arguments)?))
                }
                Build::Bijector(_) => anyhow::bail!("`{name}` is a flow among the blocks"),
            };
            all.push(Built { name, entry, arguments, inputs, params, forward });
        }
    }
    Ok(all)
}

/// A distribution with an example's arguments over a shape.
pub struct Case {
    pub name: String,
    pub entry: &'static Distribution,
    pub arguments: Arguments,
    pub space: Space,
    pub shape: Vec<usize>,
    pub params: Params,
}

impl Case {
    /// The shape of the parameters; none at a root.
    pub fn head(&self) -> Result<Option<Vec<usize>>> {
        self.entry.head(&self.arguments, &self.shape).map_err(|why| anyhow::anyhow!("{}: {why}", self.name))
    }

    /// Natural parameters for one row, none of them extreme. Whole numbers are larger than the values that laws use.
    pub fn natural(&self, seed: u64) -> Result<Option<Tensor>> {
        let Some(head) = self.head()? else { return Ok(None) };
        let all = (normal(seed, &batch(1, &head))? * 0.5)?;
        let (mut parts, mut at) = (Vec::new(), 0);
        for one in self.entry.natural {
            let channels = (one.channels)(&self.arguments, self.shape[0]);
            let part = all.narrow(1, at, channels)?;
            parts.push(if one.domain == Domain::Whole { ((part.abs()? * 20.0)?.floor()? + 40.0)? } else { part });
            at += channels;
        }
        Ok(Some(Tensor::cat(&parts, 1)?))
    }

    /// From parameters, or at a root with this number of rows.
    pub fn make(&self, head: Option<&Tensor>, rows: usize) -> Result<Box<dyn srvae::dist::Distribution>> {
        match (self.entry.make, head) {
            (Make::Head(make), Some(head)) => Ok(make(&head.into(), &self.arguments)?),
            (Make::Root(make), None) => {
                // A name of a parameter can be used only once, and a law may build the same distribution again.
                Ok(make(&params(), &self.shape, &self.arguments)?.expand(rows)?)
            }
            _ => anyhow::bail!("{}: its head and the way it is made disagree", self.name),
        }
    }

    /// The same distribution for each of `rows` rows.
    pub fn rows(&self, seed: u64, rows: usize) -> Result<Box<dyn srvae::dist::Distribution>> {
        let head = self.natural(seed)?.map(|head| repeated(&head, rows)).transpose()?;
        self.make(head.as_ref(), rows)
    }
}

/// `rows` copies of a row.
pub fn repeated(row: &Tensor, rows: usize) -> Result<Tensor> {
    Ok(row.broadcast_as(batch(rows, &row.dims()[1..]))?.contiguous()?)
}

/// Every distribution with its first example, over the smallest shape of each of its spaces, so that its values can be
/// enumerated.
pub fn enumerable() -> Result<Vec<Case>> {
    let mut all = Vec::new();
    // Point masses have no density on a grid of real numbers.
    for entry in DISTRIBUTIONS.iter().filter(|entry| !entry.atoms) {
        let example = entry.examples.first().with_context(|| format!("`{}` has no example", entry.name))?;
        for space in entry.spaces {
            let shape = space_entry(*space).grid.shape.to_vec();
            all.push(case(entry, (example.arguments)(), *space, shape));
        }
    }
    Ok(all)
}

/// Every distribution with every example.
pub fn distributions() -> Vec<Case> {
    let mut all = Vec::new();
    for entry in DISTRIBUTIONS.iter().filter(|entry| !entry.atoms) {
        for example in entry.examples {
            let shape = example.inputs[0].to_vec();
            all.push(case(entry, (example.arguments)(), entry.spaces[0], shape));
        }
    }
    all
}

/// A distribution by name, over a shape, with the arguments of its first example.
pub fn named(name: &str, space: Space, shape: &[usize]) -> Result<Case> {
    let entry = entries::distribution(name).with_context(|| format!("no distribution is named `{name}`"))?;
    let example = entry.examples.first().with_context(|| format!("`{name}` has no example"))?;
    Ok(case(entry, (example.arguments)(), space, shape.to_vec()))
}

fn case(entry: &'static Distribution, arguments: Arguments, space: Space, shape: Vec<usize>) -> Case {
    let name = format!("{} over {}{shape:?} with {arguments:?}", entry.name, space.name());
    Case { name, entry, arguments, space, shape, params: params() }
}

/// Random values of a space.
pub fn values(seed: u64, space: Space, rows: usize, shape: &[usize]) -> Result<Tensor> {
    let dims = batch(rows, shape);
    let uniform = list(&Noise::seeded(seed).uniform("value", &dims, DType::F64, &Device::Cpu)?)?;
    let size = uniform.len() / rows;
    let drawn: Vec<f64> = uniform.chunks(size).flat_map(|row| space_entry(space).made(row, shape)).collect();
    Ok(Tensor::from_vec(drawn, dims, &Device::Cpu)?)
}
