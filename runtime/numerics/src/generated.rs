//! Helpers shared by generated code and the interpreter.

use crate::nn::Network;
use crate::{Mode, Params, Result, Setting, Tensor};
use candle_core::{Error, bail};

/// A network written in Rust, by its name in the model file.
pub trait Written {
    type Network: Network;
}

/// Whether a type was defined by the user.
pub trait There {
    const IS_THERE: bool = true;
}

impl<T> There for T {}

/// The replacement for a type that a model file names but that does not exist. The build then fails with a message.
#[derive(Debug)]
pub struct Missing;

/// [`Missing`] as a generic type, for a name with arguments.
pub trait Anything {
    type Missing;
}

impl<T> Anything for T {
    type Missing = Missing;
}

impl Missing {
    /// Shadows [`There::IS_THERE`].
    pub const IS_THERE: bool = false;
}

impl Network for Missing {
    fn new(_: &Params, _: &[&[usize]]) -> Result<Self> {
        bail!("a network that does not exist")
    }

    fn output(&self) -> &[usize] {
        &[]
    }

    fn forward(&self, _: &[&Tensor]) -> Result<Tensor> {
        bail!("a network that does not exist")
    }
}

/// The number of draws per record for `count` rows in total.
///
/// # Errors
/// A number that is not a multiple of the records.
pub fn draws_per_record(count: usize, records: usize) -> Result<usize> {
    match count.checked_div(records) {
        _ if count == records => Ok(1),
        Some(draws) if draws > 0 && count.is_multiple_of(records) => Ok(draws),
        _ => bail!("{count} rows for {records} records: ask for a multiple of the records"),
    }
}

/// Checks the shape (without the batch) and the type of a tensor for a variable.
///
/// # Errors
/// Another shape or type. The message names the variable and what it needs.
pub fn check_shape(name: &str, space: &str, shape: &[usize], params: &Params, value: &Tensor) -> Result<()> {
    if value.rank() == 0 || value.dims()[1..] != *shape {
        let (found, wanted) = (sizes(value.dims()), sizes(shape));
        bail!("`{name}` is {space}[{wanted}]: a tensor [batch, {wanted}] is needed, not one of shape [{found}]");
    }
    if value.dtype() != params.dtype() {
        bail!(
            "`{name}` is needed as {:?}, as the parameters are, not as {:?}: convert it with `to_dtype`",
            params.dtype(),
            value.dtype()
        );
    }
    Ok(())
}

/// Checks shape, type and values: pixels within [0, 1], zeros and ones, no NaN. Values on a GPU are not checked.
///
/// # Errors
/// Those of [`check_shape`], and a value that is not valid for the variable.
pub fn check_value(name: &str, space: &str, shape: &[usize], params: &Params, value: &Tensor) -> Result<()> {
    check_shape(name, space, shape, params, value)?;
    if !value.device().is_cpu() || value.elem_count() == 0 {
        return Ok(());
    }
    let wrong = |of: Result<Tensor>| of?.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>();
    let (least, most) = (wrong(value.min_all())?, wrong(value.max_all())?);
    let has = format!("it has values from {least} to {most}");
    match space {
        "image" if !(least >= 0.0 && most <= 1.0) => {
            bail!("`{name}` is an image: its pixels lie in [0, 1], on the grid k/255; {has}")
        }
        "binary" if wrong((value * (value - 1.0)?)?.abs()?.max_all())? != 0.0 => {
            bail!("`{name}` is binary: its values are 0 and 1; {has}, and others between them")
        }
        "label" if !(least >= 0.0 && most <= 1.0) => {
            bail!("`{name}` is a label, one-hot: its values are 0 and 1; {has}")
        }
        _ => Ok(()),
    }
}

/// Checks a partly observed variable: the values of records that have it, and its presences.
///
/// # Errors
/// Those of [`check_value`], and a presence that is not 0 or 1 for each record.
pub fn check_partly(
    name: &str,
    space: &str,
    shape: &[usize],
    params: &Params,
    value: &Tensor,
    present: &Tensor,
) -> Result<()> {
    check_shape(name, space, shape, params, value)?;
    crate::partly::check(name, value, present)?;
    check_value(name, space, shape, params, &crate::partly::of_present(value, present)?)
}

fn sizes(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// Checks the parameters that determine the number of members against the compiled values: name, value and compiled
/// value of each.
///
/// # Errors
/// Another value; the message says what to do.
pub fn check_sizes(sizes: &[(&str, usize, usize)]) -> Result<()> {
    match sizes.iter().find(|(_, found, compiled)| found != compiled) {
        Some((name, found, compiled)) => bail!(
            "`{name}` is {found}, and this code was compiled for {name} = {compiled}: it decides how many members families have; \
             say {name} = {found} in the model file and compile it again, or interpret the file"
        ),
        None => Ok(()),
    }
}

/// The error for an unknown setting.
pub fn unknown_setting(name: &str, known: &[&str]) -> Error {
    match known {
        [] => Error::Msg(format!("the model has no parameters, so no `{name}` to set")),
        _ => Error::Msg(format!("the model has no parameter `{name}`; it has {}", known.join(", "))),
    }
}

/// The error for an unknown mode.
pub fn unknown_mode(name: &str, modes: &[Mode]) -> Error {
    let known: Vec<_> = modes.iter().map(|mode| mode.name).collect();
    Error::Msg(format!("the model has no mode `{name}`; it has {}", known.join(", ")))
}

impl Setting {
    /// A size. `name` is the name of the parameter, for the message.
    ///
    /// # Errors
    /// Another type of value, or a negative one.
    pub fn size(&self, name: &str) -> Result<usize> {
        match self {
            Self::Int(value) if *value >= 0 => Ok(*value as usize),
            _ => bail!("`{name}` is a whole number, not {self}"),
        }
    }

    /// A real number.
    ///
    /// # Errors
    /// Another type of value.
    pub fn real(&self, name: &str) -> Result<f64> {
        match self {
            Self::Real(value) => Ok(*value),
            Self::Int(value) => Ok(*value as f64),
            _ => bail!("`{name}` is a number, not {self}"),
        }
    }

    /// A boolean.
    ///
    /// # Errors
    /// Another type of value.
    pub fn switch(&self, name: &str) -> Result<bool> {
        match self {
            Self::Bool(value) => Ok(*value),
            _ => bail!("`{name}` is true or false, not {self}"),
        }
    }

    /// A word.
    ///
    /// # Errors
    /// Another type of value.
    pub fn word(&self, name: &str) -> Result<String> {
        match self {
            Self::Word(value) => Ok(value.clone()),
            _ => bail!("`{name}` is a word, not {self}"),
        }
    }
}
