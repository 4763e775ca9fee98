//! What papers and other libraries call the things of this language: hints by meaning, which come before those by
//! spelling.

mod words;

use Here::{Name, Note};
pub(super) use words::{ARGUMENTS, BLOCKS, DISTRIBUTIONS, DRAWS, FLOWS, PARAMETERS, SPACES};

/// What stands for a thing of other libraries.
#[derive(Clone, Copy)]
pub(super) enum Here {
    /// The name in this language, if it is among the names that fit.
    Name(&'static str),
    /// An explanation, where no single name stands for it.
    Note(&'static str),
}

/// Names elsewhere in the form of [`plain`], and what stands for them. The first row that fits counts.
pub(super) type Rows = [(&'static [&'static str], Here)];

/// What a name means among the known ones: `Conv2d` is `conv`. None if nothing is known of it.
pub(super) fn meaning<'a>(rows: &Rows, name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    let called = |here: &str| format!("it is called `{here}` here");
    let name = plain(name);
    if let Some(same) = known.clone().into_iter().find(|known| plain(known) == name) {
        return Some(called(same));
    }
    let mut rows = rows.iter().filter(|(there, _)| there.contains(&name.as_str()));
    rows.find_map(|(_, here)| match *here {
        Name(here) => known.clone().into_iter().any(|known| known == here).then(|| called(here)),
        Note(note) => Some(note.to_owned()),
    })
}

/// A name without what libraries write differently: case, underscores, and a number of dimensions or `layer` or `cell` at its end.
fn plain(name: &str) -> String {
    let name = name.to_lowercase().replace('_', "");
    let ending = ["1d", "2d", "3d", "layer", "cell"].into_iter().find_map(|ending| name.strip_suffix(ending));
    ending.filter(|rest| !rest.is_empty()).unwrap_or(&name).to_owned()
}

/// What stands here for a statement of another language.
pub(super) fn statement(word: &str) -> Option<&'static str> {
    let hint = match word {
        "for" | "while" | "repeat" | "loop" | "foreach" => {
            "there are no loops; use an index set, `index l in 1..5`, as in `latent z[l]: real[8]` and `p(z[l] | z[l - 1]) = …`"
        }
        "plate" | "plates" | "batch" | "with" => {
            "the records of the data set are a plate without a statement; for another plate use an index set, as in `index i in 1..5` and `latent z[i]: real[8]`"
        }
        "def" | "fn" | "function" | "var" => {
            "name a network with `net NAME(h) = h |> …`, a number with `param NAME = …`"
        }
        "sample" | "pyro" | "numpyro" => "a factor is written `p(z | u) = normal from u |> …`",
        "observe" | "data" | "input" => "data are declared as in `observed x: image[3, 32, 32]`",
        "parameters" | "hyperparameter" | "const" | "constant" => "a named number is declared as in `param width = 64`",
        "import" | "include" | "use" => "a model is one file; networks in Rust are declared with `net … = rust \"…\"`",
        "#" | "--" | "%" | "\"\"\"" => "a comment begins with `//`",
        "beta" => "a weight of the divergence of z is stated as `weight KL_z = 4`",
        "prior" => "the prior is a factor of p: `p(z) = standard_normal`",
        "likelihood" | "decoder" => "the likelihood is a factor of p: `p(x | z) = bernoulli from z |> …`",
        "posterior" | "encoder" | "guide" => "the posterior is in q: `q(z | x) = normal from x |> …`",
        "transformed" | "generated" | "functions" => {
            "there are no blocks of statements: data are `observed`, unknowns `latent` or `global`, trained numbers `learned`, functions `net` and `let`"
        }
        "vector" | "matrix" | "simplex" | "int" | "array" | "tensor" => {
            "a variable is declared with its role and its space: `latent z: real[4]`"
        }
        "\"" => "a comment begins with `//`, the documentation of a statement with `///`",
        "p_" | "p_theta" | "q_" | "q_phi" => {
            "the parameters of networks are not written: `p(x | z) = …`, `q(z | x) = …`"
        }
        "loss" | "elbo" | "target" => {
            "the bound follows from the factors; `weight KL_z = 0.5` weights a term, `objective + ln q(y | x)` adds one"
        }
        _ => return None,
    };
    Some(hint)
}

/// What stands here for a sign of another language, where something else was expected; `before` is the text before it.
pub(super) fn sign(before: &str, found: &str, expected: &str) -> Option<&'static str> {
    let is_declaration =
        ["observed", "latent", "given", "global", "partly"].iter().any(|role| before.starts_with(role));
    let hint = match found {
        "=" if is_declaration => "the space follows a colon: `latent z: real[4]`",
        "<" if is_declaration => "limits are spaces of their own: `positive`, `unit`, `simplex`, `count`",
        "," if before.starts_with("learned") => {
            "write one statement for each: `learned a: real[3]`, `learned b: real[3]`"
        }
        "," if expected.contains("`from`") || expected.contains("end of the statement") => {
            "a factor ends with its network; whether a variable is observed is said where it is declared"
        }
        ":" if expected.contains("`]`") || expected.contains("a subscript") => {
            "elements of a vector are `z |> channels(0, 2)`; members of a family `z[0..2]`, both ends included"
        }
        "@" => {
            "a product with learned weights is `linear`, as in `z |> linear(out: 8)`, and that of two values `matmul(a, b)`"
        }
        "\\" => "write plain names and a bar, as in `p(x | z)`, without commands of LaTeX",
        "(" if before.trim_end().ends_with("KL") => "a term is called after its variable: `weight KL_z = 0.5`",
        _ if before.trim_end().ends_with("= if") || before.trim_end().ends_with(" if") => {
            "there are no conditions: weight the cases with a label, or sum over a `draw y = enumerate`"
        }
        "~" if before.starts_with("p(") || before.starts_with("q(") => {
            "a factor is stated with `=`: `p(z) = standard_normal`, `p(x | z) = normal from z |> linear`"
        }
        "" if is_declaration && expected == "`[`" => {
            "sizes follow the space: `real[1]` is one number, `label[10]` one of ten classes"
        }
        ";" => "a statement ends with its line, without `;`",
        "->" | "=>" | ">>" => "write `|>` between stages",
        "=" if expected.contains("`:`") => "an argument is named with a colon: `out: 64`",
        ":" if expected.ends_with("`=`") => "write `=`; a parameter has no type",
        "." => "names have no dots: write a block or a distribution without the module that it is in elsewhere",
        "'" | "\"" => "words are written without quotes, as in `by: checkerboard`",
        "*" if before.ends_with('/') => "a comment begins with `//`",
        "*" if before.ends_with('*') => "there is no power: write a product, or the number",
        "^" => "there is no power: write a product, or the number",
        "," if expected.contains("`|`") => "a factor is of one variable, whose parents follow a bar: `p(x | y, z)`",
        _ => return None,
    };
    Some(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use std::collections::BTreeSet;

    fn block(name: &str) -> Option<String> {
        meaning(BLOCKS, name, catalog::BLOCKS.iter().map(|block| block.name))
    }

    #[test]
    fn blocks_of_other_libraries_are_known() {
        for (there, here) in [
            ("convolution", "conv"),
            ("Conv2d", "conv"),
            ("conv_transpose_2d", "conv_transpose"),
            ("ConvTranspose2d", "conv_transpose"),
            ("Linear", "linear"),
            ("Dense", "linear"),
            ("LayerNorm", "layer_norm"),
            ("GroupNorm", "group_norm"),
            ("ReLU", "relu"),
            ("LeakyReLU", "leaky_relu"),
            ("LSTM", "lstm"),
            ("LSTMCell", "lstm"),
            ("GRU", "gru"),
            ("Embedding", "embedding"),
            ("Flatten", "flatten"),
            ("Upsample", "upsample"),
            ("MaxPool2d", "max_pool"),
            ("AdaptiveAvgPool2d", "global_pool"),
            ("MultiheadAttention", "attention"),
        ] {
            assert_eq!(block(there).as_deref(), Some(&*format!("it is called `{here}` here")), "{there}");
        }
        assert!(block("BatchNorm2d").unwrap().contains("`group_norm`"));
        assert!(block("Dropout").unwrap().contains("`binary` latent"));
        assert_eq!(block("decodr"), None);
    }

    #[test]
    fn a_name_is_only_suggested_where_it_fits() {
        assert_eq!(meaning(PARAMETERS, "sigma", ["mean", "std"]).as_deref(), Some("it is called `std` here"));
        assert_eq!(meaning(PARAMETERS, "sigma", ["mean", "scale"]).as_deref(), Some("it is called `scale` here"));
        assert_eq!(meaning(PARAMETERS, "sigma", ["rate"]), None);
    }

    /// Names that exist are not shadowed, each is found in the form that is looked up, and what is suggested exists.
    #[test]
    fn rows_are_sound() {
        let blocks: BTreeSet<_> = catalog::BLOCKS.iter().map(|it| it.name).collect();
        let flows = catalog::FLOWS.iter().map(|it| it.name).collect();
        let heads = catalog::DISTRIBUTIONS.iter().map(|it| it.name);
        let heads = heads.chain(catalog::FUNCTIONS.iter().map(|it| it.name)).collect();
        let spaces = catalog::SPACES.iter().map(|it| it.name).collect();
        let arguments = catalog::BLOCKS.iter().chain(&catalog::FLOWS).flat_map(|it| it.parameters);
        let arguments = arguments.chain(catalog::DISTRIBUTIONS.iter().flat_map(|it| it.parameters));
        let arguments = arguments.map(|it| it.name).chain(["temperature"]).collect();
        for (rows, known) in
            [(BLOCKS, &blocks), (DISTRIBUTIONS, &heads), (FLOWS, &flows), (SPACES, &spaces), (ARGUMENTS, &arguments)]
        {
            for (there, here) in rows {
                for name in *there {
                    assert_eq!(*name, plain(name), "is looked up in another form");
                }
                if let Name(here) = here {
                    assert!(known.contains(here), "`{here}` is suggested for {there:?}");
                }
            }
        }
        for name in blocks {
            let shadowed = BLOCKS.iter().any(|(there, _)| there.contains(&plain(name).as_str()));
            assert!(!shadowed, "`{name}` is a block");
        }
    }
}
