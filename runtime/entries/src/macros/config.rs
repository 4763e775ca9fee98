//! Arguments: the configuration of an entry, and its rows.

/// Documentation without the space after `///`.
macro_rules! docs {
    ($($docs:literal)+) => { concat!($($docs),+).trim_ascii_start() };
}

/// The Rust type of a field.
macro_rules! field_type {
    (word) => { &'static str };
    ([usize]) => { Vec<usize> };
    ($type:ident) => { $type };
}

/// The type of a field as an argument of a function.
#[cfg(feature = "tensors")]
macro_rules! argument_type {
    (word) => { &'static str };
    ([usize]) => { &[usize] };
    ($type:ident) => { $type };
}

/// A field as an argument of a function.
#[cfg(feature = "tensors")]
macro_rules! argument {
    ([usize] $value:expr) => {
        &$value
    };
    ($type:ident $value:expr) => {
        $value
    };
}

/// An argument of a function as a field.
#[cfg(feature = "tensors")]
macro_rules! owned {
    ([usize] $value:expr) => {
        $value.to_vec()
    };
    ($type:ident $value:expr) => {
        $value
    };
}

macro_rules! kind {
    (usize $least:literal $most:expr) => { $crate::Kind::Int { least: $least, most: $most as i64 } };
    ([usize] $least:literal $most:expr) => { $crate::Kind::Int { least: $least, most: $most as i64 } };
    (f64 $least:tt $most:expr) => { $crate::Kind::Real { least: $least, most: $most } };
    (word [$($word:ident),+]) => { $crate::Kind::Word(&[$(stringify!($word)),+]) };
    (bool) => { $crate::Kind::Bool };
}

macro_rules! default_value {
    ($type:tt) => {
        None
    };
    (usize $value:literal) => {
        Some($crate::Literal::Int($value))
    };
    (f64 $value:literal) => {
        Some($crate::Literal::Real($value))
    };
    (bool $value:literal) => {
        Some($crate::Literal::Bool($value))
    };
    (word $value:ident) => {
        Some($crate::Literal::Word(stringify!($value)))
    };
}

macro_rules! repeats {
    ([usize]) => {
        true
    };
    ($type:ident) => {
        false
    };
}

/// The configuration of an entry: a struct with one field for each argument, and the arguments' rows.
macro_rules! config {
    ($(derive $copy:ident)? struct $config:ident of $name:ident { $(
        $(#[doc = $docs:literal])+
        $field:ident: $type:tt $(in $least:tt $(..= $most:tt)?)? $(= $default:tt)?,
    )* }) => {
        #[doc = concat!("The arguments of `", stringify!($name), "`.")]
        #[derive(Debug, Clone, PartialEq $(, $copy)?)]
        pub struct $config { $(
            $(#[doc = $docs])+
            pub $field: field_type!($type),
        )* }

        impl $config {
            pub const PARAMETERS: &'static [$crate::Parameter] = &[$($crate::Parameter {
                name: stringify!($field),
                kind: kind!($type $($least $($most)?)?),
                default: default_value!($type $($default)?),
                repeats: repeats!($type),
                docs: docs!($($docs)+),
            }),*];

            /// The configuration from checked arguments.
            #[allow(unused_variables, unused_mut, unused_assignments, clippy::unused_unit)]
            pub fn read(arguments: &$crate::Arguments) -> Self {
                let mut parameters = Self::PARAMETERS.iter();
                Self { $(
                    $field: {
                        // One row for each field.
                        let parameter = parameters.next().expect("a row");
                        $crate::arguments::Field::read(arguments, parameter)
                    },
                )* }
            }

            /// The configuration as arguments by name.
            pub fn arguments(&self) -> $crate::Arguments {
                #[allow(unused_mut)]
                let mut all = Vec::new();
                $(for value in $crate::arguments::Field::values(&self.$field) {
                    all.push((stringify!($field), value));
                })*
                $crate::Arguments(all)
            }
        }
    };
}

macro_rules! examples {
    ($config:ident: $({ $($fields:tt)* } over $([$($size:literal),*])+),* $(,)?) => {
        &[$($crate::Example {
            arguments: || $config { $($fields)* }.arguments(),
            inputs: &[$(&[$($size),*]),+],
        }),*]
    };
}
