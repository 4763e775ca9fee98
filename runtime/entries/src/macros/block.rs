//! Blocks and flows.

/// The rule for causality: `causal: |config| …`. Without it a block is never causal.
macro_rules! causal {
    ($config:ident) => {
        |_| false
    };
    ($config:ident $causal:expr) => {
        |arguments| {
            let causal: fn(&$config) -> bool = $causal;
            causal(&$config::read(arguments))
        }
    };
}

/// Declares a layer: a type with parameters that is built from the shape of its input. `two NAME: …` reads two inputs
/// in a fixed order, `three NAME: …` three.
///
/// `shape(&Config, &[&[usize]]) -> Result<Vec<usize>, String>` and `cost(&Config, &[&[usize]]) -> Cost` must be defined
/// in the same file.
macro_rules! layer {
    (@of $arity:ident [$($docs:literal)+] $name:ident: $type:ident($config:ident { $($fields:tt)* }),
        $(causal: $causal:expr,)?
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
            causal: causal!($config $($causal)?),
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
    (@new Three $type:ident $params:ident $inputs:ident $config:expr) => {{
        let [first, second, third] = $crate::tensors::three($inputs)?;
        tensors::$type::new($params, first, second, third, $config)
    }};
    (@forward One $type:ident $this:ident $inputs:ident) => {
        tensors::$type::forward($this, $crate::tensors::only($inputs)?)
    };
    (@forward Two $type:ident $this:ident $inputs:ident) => {{
        let [first, second] = $crate::tensors::two($inputs)?;
        tensors::$type::forward($this, first, second)
    }};
    (@forward Three $type:ident $this:ident $inputs:ident) => {{
        let [first, second, third] = $crate::tensors::three($inputs)?;
        tensors::$type::forward($this, first, second, third)
    }};
    ($(#[doc = $docs:literal])+ three $name:ident: $($rest:tt)*) => {
        layer! { @of Three [$($docs)+] $name: $($rest)* }
    };
    ($(#[doc = $docs:literal])+ two $name:ident: $($rest:tt)*) => {
        layer! { @of Two [$($docs)+] $name: $($rest)* }
    };
    ($(#[doc = $docs:literal])+ $name:ident: $($rest:tt)*) => {
        layer! { @of One [$($docs)+] $name: $($rest)* }
    };
}

/// Declares a layer without inputs. Its values are the same for every record, `[1, shape…]`.
///
/// `shape(&Config) -> Result<Vec<usize>, String>` and `cost(&Config) -> Cost` must be defined in the same file.
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
            causal: |_| true,
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

/// Declares a function on tensors without parameters. `operation! { … one elu: … }` reads one input, `many` two or
/// more, `some` one or more.
///
/// `shape(&Config, &[&[usize]]) -> Result<Vec<usize>, String>` must be defined in the same file.
macro_rules! operation {
    (
        $(#[doc = $docs:literal])+
        $arity:ident $name:ident($config:ident { $(
            $(#[doc = $field_docs:literal])+
            $field:ident: $type:tt $(in $least:tt $(..= $most:tt)?)? $(= $default:tt)?,
        )* }),
        $(causal: $causal:expr,)?
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
            causal: causal!($config $($causal)?),
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
    (@inputs some $inputs:ident) => { $inputs };
    (@arity one) => { $crate::Arity::One };
    (@arity many) => { $crate::Arity::Many };
    (@arity some) => { $crate::Arity::Some };
}

/// Declares a scalar function, applied element by element: the trait `Scalar` on a type of the module `tensors` in the
/// same file.
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
            causal: |_| true,
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
            $crate::tensors::ops::elementwise::apply::<tensors::$type>(x)
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

/// Declares a bijector over the values of a variable: `both` if it works in both directions, `drawn` if it can only
/// draw.
///
/// `fits(&Config, &[usize]) -> Result<(), String>` and `cost(&Config, &[&[usize]]) -> Cost` must be defined in the same
/// file. With `kind: given` the flow may have a context. `fits` and the type's `new` then take its shape, an
/// `Option<&[usize]>`, before the configuration. With `kind: reshapes`, `inner(&Config, &[usize]) -> Result<Vec<usize>,
/// String>` replaces `fits` and returns the shape of the base. `values` names the spaces of the flow's values, if these
/// are not all real numbers.
macro_rules! flow {
    (
        $(#[doc = $docs:literal])+
        $ways:ident $name:ident: $type:ident($config:ident { $($fields:tt)* }),
        $(kind: $kind:ident,)?
        $(values: [$($space:literal),+],)?
        examples: [$($examples:tt)*],
    ) => {
        config! { derive Copy struct $config of $name { $($fields)* } }

        pub(crate) static ENTRY: $crate::Block = $crate::Block {
            name: stringify!($name),
            docs: docs!($($docs)+),
            role: $crate::Role::Bijector($crate::Ways {
                forward: flow!(@forward $ways),
                context: flow!(@context $($kind)?),
                reshapes: flow!(@reshapes $($kind)?),
                values: &[$($($space),+)?],
            }),
            arity: $crate::Arity::One,
            parameters: $config::PARAMETERS,
            runtime: stringify!($type),
            shape: |arguments, inputs| {
                let config = $config::read(arguments);
                flow!(@shape config inputs $($kind)?)
            },
            cost: |arguments, inputs| cost(&$config::read(arguments), inputs),
            causal: |_| false,
            examples: examples!($config: $($examples)*),
            #[cfg(feature = "tensors")]
            build: $crate::Build::Bijector(|params, inputs, arguments| {
                let shape = inputs.first().copied().unwrap_or_default();
                Ok(std::sync::Arc::new(flow!(@new $type params shape inputs $config::read(arguments) $(, $kind)?)?))
            }),
            #[cfg(feature = "tensors")]
            kernels: None,
        };

        #[cfg(feature = "tensors")]
        pub use tensors::$type;

        flow!(@check $name $config $($kind)?);
    };
    (@forward both) => { true };
    (@forward drawn) => { false };
    (@context given) => { true };
    (@context $($other:ident)?) => { false };
    (@reshapes reshapes) => { true };
    (@reshapes $($other:ident)?) => { false };
    (@shape $config:ident $inputs:ident given) => {{
        let shape = $inputs.first().copied().unwrap_or_default();
        fits(&$config, shape, $inputs.get(1).copied()).map(|()| shape.to_vec())
    }};
    (@shape $config:ident $inputs:ident reshapes) => { inner(&$config, $inputs.first().copied().unwrap_or_default()) };
    (@shape $config:ident $inputs:ident) => {{
        let shape = $inputs.first().copied().unwrap_or_default();
        fits(&$config, shape).map(|()| shape.to_vec())
    }};
    (@new $type:ident $params:ident $shape:ident $inputs:ident $config:expr, given) => {
        tensors::$type::new($params, $shape, $inputs.get(1).copied(), $config)
    };
    (@new $type:ident $params:ident $shape:ident $inputs:ident $config:expr $(, reshapes)?) => {
        tensors::$type::new($params, $shape, $config)
    };
    (@check $name:ident $config:ident given) => {
        #[cfg(feature = "tensors")]
        impl $config {
            /// Checks the flow against the shape of values and of a context.
            fn check(&self, shape: &[usize], context: Option<&[usize]>) -> $crate::tensors::Result<()> {
                fits(self, shape, context).map_err(|why| $crate::tensors::misfit(stringify!($name), &why, &[shape]))
            }
        }
    };
    (@check $name:ident $config:ident reshapes) => {
        #[cfg(feature = "tensors")]
        impl $config {
            /// The shape of the base's value.
            fn inner(&self, shape: &[usize]) -> $crate::tensors::Result<Vec<usize>> {
                inner(self, shape).map_err(|why| $crate::tensors::misfit(stringify!($name), &why, &[shape]))
            }
        }
    };
    (@check $name:ident $config:ident) => {
        #[cfg(feature = "tensors")]
        impl $config {
            /// Checks the flow against the shape of values.
            fn check(&self, shape: &[usize]) -> $crate::tensors::Result<()> {
                fits(self, shape).map_err(|why| $crate::tensors::misfit(stringify!($name), &why, &[shape]))
            }
        }
    };
}
