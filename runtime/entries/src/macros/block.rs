//! Blocks and flows.

/// A layer: a type that holds parameters and is built from the shape of its input; `two NAME: …` reads two inputs, in an
/// order.
///
/// `shape(&Config, &[&[usize]]) -> Result<Vec<usize>, String>` and `cost(&Config, &[&[usize]]) -> Cost` stand in the same
/// file.
macro_rules! layer {
    (@of $arity:ident [$($docs:literal)+] $name:ident: $type:ident($config:ident { $($fields:tt)* }),
        examples: [$($examples:tt)*],
    ) => {
        config! { derive Copy struct $config of $name { $($fields)* } }

        pub(crate) static ENTRY: $crate::Block = $crate::Block {
            name: stringify!($name),
            docs: docs!($($docs)+),
            role: $crate::Role::Layer,
            arity: $crate::Arity::$arity,
            parameters: $config::PARAMETERS,
            runtime: stringify!($type),
            shape: |arguments, inputs| shape(&$config::read(arguments), inputs),
            cost: |arguments, inputs| cost(&$config::read(arguments), inputs),
            examples: examples!($config: $($examples)*),
            #[cfg(feature = "tensors")]
            build: $crate::Build::Layer(|params, inputs, arguments| {
                Ok(Box::new(layer!(@new $arity $type params inputs $config::read(arguments))?))
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
                layer!(@forward $arity $type self inputs)
            }
        }
    };
    (@new One $type:ident $params:ident $inputs:ident $config:expr) => {
        tensors::$type::new($params, $crate::tensors::only($inputs)?, $config)
    };
    (@new Two $type:ident $params:ident $inputs:ident $config:expr) => {{
        let [first, second] = $crate::tensors::two($inputs)?;
        tensors::$type::new($params, first, second, $config)
    }};
    (@forward One $type:ident $this:ident $inputs:ident) => {
        tensors::$type::forward($this, $crate::tensors::only($inputs)?)
    };
    (@forward Two $type:ident $this:ident $inputs:ident) => {{
        let [first, second] = $crate::tensors::two($inputs)?;
        tensors::$type::forward($this, first, second)
    }};
    ($(#[doc = $docs:literal])+ two $name:ident: $($rest:tt)*) => {
        layer! { @of Two [$($docs)+] $name: $($rest)* }
    };
    ($(#[doc = $docs:literal])+ $name:ident: $($rest:tt)*) => {
        layer! { @of One [$($docs)+] $name: $($rest)* }
    };
}

/// A layer that reads nothing: its values are the same for every record, `[1, shape…]`.
///
/// `shape(&Config) -> Result<Vec<usize>, String>` and `cost(&Config) -> Cost` stand in the same file.
macro_rules! source {
    (
        $(#[doc = $docs:literal])+
        $name:ident: $type:ident($config:ident { $($fields:tt)* }),
        examples: [$({ $($example:tt)* }),+ $(,)?],
    ) => {
        config! { struct $config of $name { $($fields)* } }

        pub(crate) static ENTRY: $crate::Block = $crate::Block {
            name: stringify!($name),
            docs: docs!($($docs)+),
            role: $crate::Role::Layer,
            arity: $crate::Arity::None,
            parameters: $config::PARAMETERS,
            runtime: stringify!($type),
            shape: |arguments, _| shape(&$config::read(arguments)),
            cost: |arguments, _| cost(&$config::read(arguments)),
            examples: &[$($crate::Example { arguments: || $config { $($example)* }.arguments(), inputs: &[] }),+],
            #[cfg(feature = "tensors")]
            build: $crate::Build::Layer(|params, _, arguments| {
                Ok(Box::new(tensors::$type::new(params, $config::read(arguments))?))
            }),
            #[cfg(feature = "tensors")]
            kernels: None,
        };

        #[cfg(feature = "tensors")]
        pub use tensors::$type;

        #[cfg(feature = "tensors")]
        impl $config {
            /// The output's shape.
            fn output(&self) -> $crate::tensors::Result<Vec<usize>> {
                shape(self).map_err(|why| $crate::tensors::misfit(stringify!($name), &why, &[]))
            }
        }

        #[cfg(feature = "tensors")]
        impl $crate::tensors::Layer for tensors::$type {
            fn output(&self) -> &[usize] {
                tensors::$type::output(self)
            }

            fn forward(&self, _: &[&$crate::tensors::Tensor]) -> $crate::tensors::Result<$crate::tensors::Tensor> {
                tensors::$type::forward(self)
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
