//! The declarations of entries: each becomes the entry's row, its configuration, and what follows from both.
//!
//! Every declaration begins with its documentation and `NAME: TYPE`, the name in the language and the type (or function) in
//! Rust; then come the arguments, as the fields of a configuration:
//!
//! ```text
//! /// Height and width of the kernel, odd.
//! kernel: usize in 1..=31 = 3,
//! ```
//!
//! a type (`usize`, `f64`, `bool`, `word`, or `[usize]` for one that repeats), its range, and its default, if it has one.

/// Documentation without the space that `///` leaves before it.
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

            /// From checked arguments.
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

            /// The same as arguments by name.
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

/// A layer: a type that holds parameters and is built from the shape of its input.
///
/// `shape(&Config, &[&[usize]]) -> Result<Vec<usize>, String>` and `cost(&Config, &[&[usize]]) -> Cost` stand in the same
/// file.
macro_rules! layer {
    (
        $(#[doc = $docs:literal])+
        $name:ident: $type:ident($config:ident { $($fields:tt)* }),
        examples: [$($examples:tt)*],
    ) => {
        config! { derive Copy struct $config of $name { $($fields)* } }

        pub(crate) static ENTRY: $crate::Block = $crate::Block {
            name: stringify!($name),
            docs: docs!($($docs)+),
            role: $crate::Role::Layer,
            arity: $crate::Arity::One,
            parameters: $config::PARAMETERS,
            runtime: stringify!($type),
            shape: |arguments, inputs| shape(&$config::read(arguments), inputs),
            cost: |arguments, inputs| cost(&$config::read(arguments), inputs),
            examples: examples!($config: $($examples)*),
            #[cfg(feature = "tensors")]
            build: $crate::Build::Layer(|params, inputs, arguments| {
                Ok(Box::new(tensors::$type::new(params, $crate::tensors::only(inputs)?, $config::read(arguments))?))
            }),
            #[cfg(feature = "tensors")]
            kernels: None,
        };

        #[cfg(feature = "tensors")]
        pub use tensors::$type;

        #[cfg(feature = "tensors")]
        impl $config {
            /// The output's shape for inputs of these shapes.
            fn output(&self, inputs: &[&[usize]]) -> $crate::tensors::Result<Vec<usize>> {
                shape(self, inputs).map_err(|why| $crate::tensors::misfit(stringify!($name), &why, inputs))
            }
        }

        #[cfg(feature = "tensors")]
        impl $crate::tensors::Layer for tensors::$type {
            fn output(&self) -> &[usize] {
                tensors::$type::output(self)
            }

            fn forward(&self, inputs: &[&$crate::tensors::Tensor]) -> $crate::tensors::Result<$crate::tensors::Tensor> {
                tensors::$type::forward(self, $crate::tensors::only(inputs)?)
            }
        }
    };
}

/// A function on tensors without parameters of its own: `operation! { … one elu: … }` reads one input, `many` two or more.
///
/// `shape(&Config, &[&[usize]]) -> Result<Vec<usize>, String>` stands in the same file.
macro_rules! operation {
    (
        $(#[doc = $docs:literal])+
        $arity:ident $name:ident($config:ident { $(
            $(#[doc = $field_docs:literal])+
            $field:ident: $type:tt $(in $least:tt $(..= $most:tt)?)? $(= $default:tt)?,
        )* }),
        examples: [$($examples:tt)*],
    ) => {
        config! { struct $config of $name { $(
            $(#[doc = $field_docs])+
            $field: $type $(in $least $(..= $most)?)? $(= $default)?,
        )* } }

        pub(crate) static ENTRY: $crate::Block = $crate::Block {
            name: stringify!($name),
            docs: docs!($($docs)+),
            role: $crate::Role::Function,
            arity: operation!(@arity $arity),
            parameters: $config::PARAMETERS,
            runtime: stringify!($name),
            shape: |arguments, inputs| shape(&$config::read(arguments), inputs),
            cost: |_, inputs| $crate::Cost::of_values(inputs.iter().map(|input| $crate::cost::count(input) as u64).sum()),
            examples: examples!($config: $($examples)*),
            #[cfg(feature = "tensors")]
            build: $crate::Build::Function(|inputs, arguments| {
                #[allow(unused_variables)]
                let config = $config::read(arguments);
                tensors::$name(operation!(@inputs $arity inputs) $(, argument!($type config.$field))*)
            }),
            #[cfg(feature = "tensors")]
            kernels: None,
        };

        #[cfg(feature = "tensors")]
        pub use tensors::$name;

        /// The output's shape for inputs of these shapes, without the batch.
        ///
        /// # Errors
        /// Shapes that do not fit.
        #[cfg(feature = "tensors")]
        pub fn shape_of(
            inputs: &[&[usize]]
            $(, $field: argument_type!($type))*
        ) -> $crate::tensors::Result<Vec<usize>> {
            let config = $config { $($field: owned!($type $field)),* };
            shape(&config, inputs).map_err(|why| $crate::tensors::misfit(stringify!($name), &why, inputs))
        }
    };
    (@inputs one $inputs:ident) => { $crate::tensors::only($inputs)? };
    (@inputs many $inputs:ident) => { $inputs };
    (@arity one) => { $crate::Arity::One };
    (@arity many) => { $crate::Arity::Many };
}

/// A scalar function, element by element: the trait `Scalar` on a type of the module `tensors` in the same file.
macro_rules! scalar {
    ($(#[doc = $docs:literal])+ $name:ident: $type:ident) => {
        pub(crate) static ENTRY: $crate::Block = $crate::Block {
            name: stringify!($name),
            docs: docs!($($docs)+),
            role: $crate::Role::Function,
            arity: $crate::Arity::One,
            parameters: &[],
            runtime: stringify!($name),
            shape: |_, inputs| $crate::cost::same(inputs),
            cost: |_, inputs| $crate::Cost::of_values(inputs.iter().map(|input| $crate::cost::count(input) as u64).sum()),
            examples: &[
                $crate::Example { arguments: $crate::Arguments::default, inputs: &[&[5]] },
                $crate::Example { arguments: $crate::Arguments::default, inputs: &[&[2, 3, 2]] },
            ],
            #[cfg(feature = "tensors")]
            build: $crate::Build::Function(|inputs, _| $name($crate::tensors::only(inputs)?)),
            #[cfg(feature = "tensors")]
            kernels: Some($crate::tensors::ops::scalar::cuda_text::<tensors::$type>),
        };

        $(#[doc = $docs])+
        ///
        /// # Errors
        /// A failed tensor operation.
        #[cfg(feature = "tensors")]
        pub fn $name(x: &$crate::tensors::Tensor) -> $crate::tensors::Result<$crate::tensors::Tensor> {
            $crate::tensors::ops::scalar::apply::<tensors::$type>(x)
        }

        /// The output's shape: the input's.
        ///
        /// # Errors
        /// Another number of inputs than one.
        #[cfg(feature = "tensors")]
        pub fn shape_of(inputs: &[&[usize]]) -> $crate::tensors::Result<Vec<usize>> {
            Ok($crate::tensors::only(inputs)?.to_vec())
        }
    };
}

/// A bijector over the values of a variable; `both` says that it goes both ways at little cost, `inverse` that it only draws.
///
/// `fits(&Config, &[usize]) -> Result<(), String>` and `cost(&Config, &[&[usize]]) -> Cost` stand in the same file.
macro_rules! flow {
    (
        $(#[doc = $docs:literal])+
        $ways:ident $name:ident: $type:ident($config:ident { $($fields:tt)* }),
        examples: [$($examples:tt)*],
    ) => {
        config! { derive Copy struct $config of $name { $($fields)* } }

        pub(crate) static ENTRY: $crate::Block = $crate::Block {
            name: stringify!($name),
            docs: docs!($($docs)+),
            role: flow!(@role $ways),
            arity: $crate::Arity::One,
            parameters: $config::PARAMETERS,
            runtime: stringify!($type),
            shape: |arguments, inputs| {
                let shape = inputs.first().copied().unwrap_or_default();
                fits(&$config::read(arguments), shape).map(|()| shape.to_vec())
            },
            cost: |arguments, inputs| cost(&$config::read(arguments), inputs),
            examples: examples!($config: $($examples)*),
            #[cfg(feature = "tensors")]
            build: $crate::Build::Bijector(|params, shape, arguments| {
                Ok(std::sync::Arc::new(tensors::$type::new(params, shape, $config::read(arguments))?))
            }),
            #[cfg(feature = "tensors")]
            kernels: None,
        };

        #[cfg(feature = "tensors")]
        pub use tensors::$type;

        #[cfg(feature = "tensors")]
        impl $config {
            /// Whether the flow can stand over values of this shape.
            fn check(&self, shape: &[usize]) -> $crate::tensors::Result<()> {
                fits(self, shape).map_err(|why| $crate::tensors::misfit(stringify!($name), &why, &[shape]))
            }
        }
    };
    (@role both) => { $crate::Role::Bijector { forward: true, inverse: true } };
    (@role inverse) => { $crate::Role::Bijector { forward: false, inverse: true } };
}

/// A distribution. `natural` lists what the head holds, each with its domain and, where they are not the variable's, its
/// channels as a function of the configuration and of the variable's; at a root it is `[]`.
macro_rules! distribution {
    (
        $(#[doc = $docs:literal])+
        $kind:ident $name:ident: $type:ident($config:ident { $(
            $(#[doc = $field_docs:literal])+
            $field:ident: $field_type:tt $(in $least:tt $(..= $most:tt)?)? $(= $default:tt)?,
        )* }),
        over: [$($space:ident),+],
        natural: [$(
            $natural:ident: $domain:ident $(or $other:ident: $other_domain:ident by $block:ident)? $(of $channels:expr)?
        ),* $(,)?],
        closed_forms: [$($p:ident: $kl:ident),*],
        examples: [$($examples:tt)*],
        $(fits: $fits:expr,)?
        $(count: $count:expr,)?
        $(error: $error:literal,)?
    ) => {
        config! { derive Copy struct $config of $name { $(
            $(#[doc = $field_docs])+
            $field: $field_type $(in $least $(..= $most)?)? $(= $default)?,
        )* } }

        pub(crate) static ENTRY: $crate::Distribution = $crate::Distribution {
            name: stringify!($name),
            docs: docs!($($docs)+),
            parameters: $config::PARAMETERS,
            runtime: stringify!($type),
            natural: &[$($crate::Natural {
                name: stringify!($natural),
                domain: $crate::Domain::$domain,
                other: distribution!(@other $($other $other_domain $block)?),
                channels: distribution!(@channels $config $($channels)?),
            }),*],
            spaces: &[$($crate::Space::$space),+],
            continuous: distribution!(@continuous $kind),
            fits: distribution!(@fits $config $($fits)?),
            count: distribution!(@count $config $($count)?),
            closed_forms: &[$(stringify!($p)),*],
            examples: examples!($config: $($examples)*),
            error: distribution!(@error $($error)?),
            #[cfg(feature = "tensors")]
            make: distribution!(@make $type $config [$($natural)*] [$($field: $field_type),*]),
            #[cfg(feature = "tensors")]
            divergences: &[$(|q, p| $crate::tensors::pair(q, p, tensors::$kl)),*],
        };

        #[cfg(feature = "tensors")]
        pub use tensors::$type;

        $(
            #[cfg(feature = "tensors")]
            pub use tensors::$kl;
        )*

        distribution!(@methods $type $config [$($natural)*] [$($field: $field_type),*]);
    };
    (@make $type:ident $config:ident [] [$($field:ident: $field_type:tt),*]) => {
        $crate::Make::Root(|params, shape, arguments| {
            #[allow(unused_variables)]
            let config = $config::read(arguments);
            Ok(Box::new(tensors::$type::new(params, shape $(, argument!($field_type config.$field))*)?))
        })
    };
    (@make $type:ident $config:ident [$($natural:ident)+] [$($field:ident: $field_type:tt),*]) => {
        $crate::Make::Head(|head, arguments| {
            #[allow(unused_variables)]
            let config = $config::read(arguments);
            Ok(Box::new(tensors::$type::from_head(head $(, argument!($field_type config.$field))*)?))
        })
    };
    (@methods $type:ident $config:ident [] [$($fields:tt)*]) => {};
    (@methods $type:ident $config:ident [$($natural:ident)+] [$($field:ident: $field_type:tt),*]) => {
        #[cfg(feature = "tensors")]
        impl tensors::$type {
            /// Channels of the head for a variable of this shape.
            pub fn channels(shape: &[usize] $(, $field: argument_type!($field_type))*) -> usize {
                let config = $config { $($field: owned!($field_type $field)),* };
                ENTRY.channels(&config.arguments(), shape.first().copied().unwrap_or(1))
            }
        }
    };
    (@other) => { None };
    (@other $name:ident $domain:ident $block:ident) => {
        Some((stringify!($name), $crate::Domain::$domain, stringify!($block)))
    };
    (@continuous continuous) => { true };
    (@continuous discrete) => { false };
    (@channels $config:ident) => { |_, channels| channels };
    (@channels $config:ident $channels:expr) => { |arguments, channels| {
        let channels_of: fn(&$config, usize) -> usize = $channels;
        channels_of(&$config::read(arguments), channels)
    } };
    (@fits $config:ident) => { |_, _| Ok(()) };
    (@fits $config:ident $fits:expr) => { |arguments, shape| {
        let fits: fn(&$config, &[usize]) -> Result<(), String> = $fits;
        fits(&$config::read(arguments), shape)
    } };
    (@count $config:ident) => { |_, _| 0 };
    (@count $config:ident $count:expr) => { |arguments, shape| {
        let count: fn(&$config, &[usize]) -> u64 = $count;
        count(&$config::read(arguments), shape)
    } };
    (@error) => { 0.0 };
    (@error $error:literal) => { $error };
}

/// A deterministic function of one variable: `computed` from its input, or from the `data` beside it.
///
/// `range(&Config, Space, &[usize]) -> Range` stands in the same file.
macro_rules! function {
    (
        $(#[doc = $docs:literal])+
        $origin:ident $name:ident($config:ident { $(
            $(#[doc = $field_docs:literal])+
            $field:ident: $field_type:tt $(in $least:tt $(..= $most:tt)?)? $(= $default:tt)?,
        )* }),
        into: [$($space:ident),+],
        examples: [$($examples:tt)*],
    ) => {
        config! { derive Copy struct $config of $name { $(
            $(#[doc = $field_docs])+
            $field: $field_type $(in $least $(..= $most)?)? $(= $default)?,
        )* } }

        pub(crate) static ENTRY: $crate::Function = $crate::Function {
            name: stringify!($name),
            docs: docs!($($docs)+),
            parameters: $config::PARAMETERS,
            runtime: stringify!($name),
            origin: function!(@origin $origin),
            range: |arguments, space, shape| range(&$config::read(arguments), space, shape),
            spaces: &[$($crate::Space::$space),+],
            examples: examples!($config: $($examples)*),
            #[cfg(feature = "tensors")]
            apply: function!(@apply $origin $name $config [$($field: $field_type),*]),
        };

        function!(@export $origin $name);
    };
    (@apply data $name:ident $config:ident [$($fields:tt)*]) => { None };
    (@apply computed $name:ident $config:ident [$($field:ident: $field_type:tt),*]) => {
        Some(|input, arguments| {
            #[allow(unused_variables)]
            let config = $config::read(arguments);
            tensors::$name(input $(, argument!($field_type config.$field))*)
        })
    };
    (@export data $name:ident) => {};
    (@export computed $name:ident) => {
        #[cfg(feature = "tensors")]
        pub use tensors::$name;
    };
    (@origin computed) => { $crate::Origin::Computed };
    (@origin data) => { $crate::Origin::Data };
}

/// A space; `Space::$variant` is its name in Rust.
macro_rules! space {
    (
        $(#[doc = $docs:literal])+
        $kind:ident $name:ident: $variant:ident,
        ranks: $least:literal..=$most:literal of $sizes:literal,
        usual: $usual:ident,
        misfit: $misfit:expr,
        draw: $draw:expr,
        grid: $grid:expr,
    ) => {
        impl $crate::Space {
            $(#[doc = $docs])+
            #[allow(non_upper_case_globals)]
            pub const $variant: Self = Self(stringify!($name));
        }

        pub(crate) static ENTRY: $crate::SpaceEntry = $crate::SpaceEntry {
            space: $crate::Space::$variant,
            name: stringify!($name),
            docs: docs!($($docs)+),
            ranks: ($least, $most),
            sizes: $sizes,
            discrete: space!(@discrete $kind),
            usual: stringify!($usual),
            misfit: $misfit,
            draw: $draw,
            grid: $grid,
        };
    };
    (@discrete discrete) => { true };
    (@discrete continuous) => { false };
}
