//! Spaces.

/// Declares a space; `Space::$variant` is its name in Rust.
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
