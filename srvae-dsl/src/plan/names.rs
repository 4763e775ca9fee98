//! Names in generated code.

/// Types of the runtime that generated code names: a variable's type keeps clear of them.
const TAKEN_TYPES: [&str; 22] = [
    "Arc",
    "BoundOptions",
    "BoundTerms",
    "Compiled",
    "Config",
    "Draw",
    "Mode",
    "Model",
    "Nets",
    "Network",
    "Noise",
    "Normal",
    "Params",
    "Result",
    "Self",
    "Setting",
    "Settings",
    "Tensor",
    "Term",
    "TermKind",
    "Terms",
    "Values",
];

/// Functions and arguments that generated code names: a variable's local keeps clear of them.
const TAKEN_LOCALS: [&str; 22] = [
    "concat",
    "config",
    "count",
    "decode",
    "downsample",
    "downscale",
    "draw",
    "elu",
    "flatten",
    "fourier",
    "grayscale",
    "nets",
    "noise",
    "once",
    "options",
    "params",
    "per_sample",
    "relu",
    "repeat",
    "reshape",
    "samples",
    "shapes",
];

/// `z1` → `Z1`, `prior_net` → `PriorNet`; `Value` after it where the runtime has the name.
pub fn type_name(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    let name: String = name.split('_').map(capital).collect();
    if TAKEN_TYPES.contains(&name.as_str()) { format!("{name}Value") } else { name }
}

/// A variable's name as a local: an underscore after it where something else has the name.
pub fn local(name: &str) -> String {
    let free = syn::parse_str::<syn::Ident>(name).is_ok() && !TAKEN_LOCALS.contains(&name);
    if free { name.to_owned() } else { format!("{name}_") }
}
