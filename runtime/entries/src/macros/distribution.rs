//! Distributions.

/// Declares a distribution. `natural` lists the parameters of the head, each with its domain, its alternative names
/// with the blocks that convert them and, if the number of channels is not the variable's, a function of the
/// configuration and of the variable's channels. At a root the list is `[]`. `closed_forms` lists KL(this ‖ p) by p, and
/// `closed_forms_of` KL(q ‖ this) by q, so that one file declares every pair of its distribution with older ones.
/// `ends` are those of its values where these have a density only between two numbers of the configuration.
/// `distance: 1` says that ln p falls at most linearly with a value's distance from the mean, and not with its square.
/// `experts` is present if the type has a function `product` of experts; the list contains the root that it takes beside them.
///
/// The word before the name is `continuous`, `jumping` (continuous, but a draw is not a continuous function of its
/// parameters), `surface` (continuous, with values of fewer dimensions than numbers, such as proportions), `discrete`, or
/// `atomic` (isolated points among real numbers).
macro_rules! distribution {
    (
        $(#[doc = $docs:literal])+
        $kind:ident $name:ident: $type:ident($config:ident { $(
            $(#[doc = $field_docs:literal])+
            $field:ident: $field_type:tt $(in $least:tt $(..= $most:tt)?)? $(= $default:tt)?,
        )* }),
        over: [$($space:ident),+],
        natural: [$(
            $natural:ident: $domain:ident $(or $other:ident: $other_domain:ident by $block:ident)* $(of $channels:expr)?
        ),* $(,)?],
        closed_forms: [$($p:ident: $kl:ident),* $(,)?],
        $(closed_forms_of: [$($q:ident: $kl_of:ident),* $(,)?],)?
        $(experts: [$($factor:ident)?],)?
        $(distance: $power:literal,)?
        examples: [$($examples:tt)*],
        $(ends: $ends:expr,)?
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
                others: &[$((stringify!($other), $crate::Domain::$other_domain, stringify!($block))),*],
                channels: distribution!(@channels $config $($channels)?),
            }),*],
            spaces: &[$($crate::Space::$space),+],
            continuous: distribution!(@continuous $kind),
            reparameterised: distribution!(@reparameterised $kind),
            atoms: distribution!(@atoms $kind),
            on_surface: distribution!(@on_surface $kind),
            ends: distribution!(@ends $config $($ends)?),
            fits: distribution!(@fits $config $($fits)?),
            count: distribution!(@count $config $($count)?),
            closed_forms: &[$(stringify!($p)),*],
            closed_forms_of: &[$($(stringify!($q)),*)?],
            experts: distribution!(@experts $type $([$($factor)?])?),
            examples: examples!($config: $($examples)*),
            error: distribution!(@error $($error)?),
            power: distribution!(@power $($power)?),
            #[cfg(feature = "tensors")]
            make: distribution!(@make $type $config [$($natural)*] [$($field: $field_type),*]),
            #[cfg(feature = "tensors")]
            divergences: &[
                $(|q, p| $crate::tensors::pair(q, p, tensors::$kl),)*
                $($(|q, p| $crate::tensors::pair(q, p, tensors::$kl_of),)*)?
            ],
        };

        #[cfg(feature = "tensors")]
        pub use tensors::$type;

        $(
            #[cfg(feature = "tensors")]
            pub use tensors::$kl;
        )*

        $($(
            #[cfg(feature = "tensors")]
            pub use tensors::$kl_of;
        )*)?

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
    (@continuous continuous) => { true };
    (@continuous jumping) => { true };
    (@continuous surface) => { true };
    (@continuous discrete) => { false };
    (@continuous atomic) => { false };
    (@reparameterised continuous) => { true };
    (@reparameterised surface) => { true };
    (@reparameterised $other:ident) => { false };
    (@atoms atomic) => { true };
    (@atoms $other:ident) => { false };
    (@on_surface surface) => { true };
    (@on_surface $other:ident) => { false };
    (@channels $config:ident) => { |_, channels| channels };
    (@channels $config:ident $channels:expr) => { |arguments, channels| {
        let channels_of: fn(&$config, usize) -> usize = $channels;
        channels_of(&$config::read(arguments), channels)
    } };
    (@ends $config:ident) => { None };
    (@ends $config:ident $ends:expr) => { Some(|arguments| {
        let ends: fn(&$config) -> [f64; 2] = $ends;
        ends(&$config::read(arguments))
    }) };
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
    (@experts $type:ident) => { None };
    (@experts $type:ident []) => { Some($crate::Experts {
        root: None,
        #[cfg(feature = "tensors")]
        product: |experts, _| Ok(Box::new(tensors::$type::product(experts)?)),
    }) };
    (@experts $type:ident [$factor:ident]) => { Some($crate::Experts {
        root: Some(stringify!($factor)),
        #[cfg(feature = "tensors")]
        product: |experts, roots| Ok(Box::new(tensors::$type::product(experts, roots)?)),
    }) };
    (@power) => { 2 };
    (@power $power:literal) => { $power };
    (@error) => { 0.0 };
    (@error $error:literal) => { $error };
}
