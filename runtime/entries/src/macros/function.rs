//! Deterministic functions.

/// Declares a deterministic function of one variable: `computed` from its input, read from the `data`, or `rounded` in
/// p.
///
/// `range(&Config, Space, &[usize]) -> Range` must be defined in the same file.
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
            from: function!(@from $origin),
            range: |arguments, space, shape| range(&$config::read(arguments), space, shape),
            spaces: &[$($crate::Space::$space),+],
            examples: examples!($config: $($examples)*),
            #[cfg(feature = "tensors")]
            apply: function!(@apply $origin $name $config [$($field: $field_type),*]),
        };

        function!(@export $origin $name);
    };
    (@apply data $name:ident $config:ident [$($fields:tt)*]) => { None };
    (@apply rounded $($rest:tt)*) => { function!(@apply computed $($rest)*) };
    (@apply computed $name:ident $config:ident [$($field:ident: $field_type:tt),*]) => {
        Some(|input, arguments| {
            #[allow(unused_variables)]
            let config = $config::read(arguments);
            tensors::$name(input $(, argument!($field_type config.$field))*)
        })
    };
    (@export data $name:ident) => {};
    (@export rounded $name:ident) => { function!(@export computed $name); };
    (@export computed $name:ident) => {
        #[cfg(feature = "tensors")]
        pub use tensors::$name;
    };
    (@origin computed) => { $crate::Origin::Computed };
    (@origin data) => { $crate::Origin::Data };
    (@origin rounded) => { $crate::Origin::Rounded };
    (@from rounded) => { $crate::Space::Real };
    (@from $other:ident) => { $crate::Space::Image };
}
