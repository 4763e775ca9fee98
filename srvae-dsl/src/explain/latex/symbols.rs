//! Names as symbols of LaTeX.

use super::super::notation::split_name;

/// Greek names that LaTeX has a command for.
const GREEK: [&str; 23] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
];

/// `z` → `\mathbf{z}`, `z1` → `\mathbf{z}_{1}`, `z_top` → `\mathbf{z}_{\mathrm{top}}`, `theta` → `\boldsymbol{\theta}`,
/// `z[<=l]` → `\mathbf{z}_{\le l}`.
pub fn symbol(name: &str) -> String {
    if let Some(known) = name.strip_prefix("known(").and_then(|rest| rest.strip_suffix(')')) {
        return format!("\\mathrm{{known}}({})", symbol(known));
    }
    let (base, index) = split_name(name);
    let base = if GREEK.contains(&base) { format!("\\boldsymbol{{\\{base}}}") } else { format!("\\mathbf{{{base}}}") };
    match index {
        "" => base,
        index if name.ends_with(']') || index.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{base}_{{{}}}", members(index))
        }
        words => format!("{base}_{{\\mathrm{{{}}}}}", words.replace('_', "\\_")),
    }
}

/// The symbol without bold type, as an index.
pub fn plain(name: &str) -> String {
    let (base, index) = split_name(name);
    let base = if GREEK.contains(&base) { format!("\\{base}") } else { base.to_owned() };
    let base = if base.len() > 1 && !base.starts_with('\\') { format!("\\mathrm{{{base}}}") } else { base };
    if index.is_empty() { base } else { format!("{base}_{{{}}}", members(index).replace('_', "\\_")) }
}

/// `<=l` → `\le l`, `1..12` → `1:12`.
fn members(index: &str) -> String {
    let index = index.replace("<=", "\\le ").replace(">=", "\\ge ");
    index.replace("..", ":").replace(" - ", "-").replace(" + ", "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_symbols() {
        assert_eq!(symbol("z"), "\\mathbf{z}");
        assert_eq!(symbol("z12"), "\\mathbf{z}_{12}");
        assert_eq!(symbol("z_top"), "\\mathbf{z}_{\\mathrm{top}}");
        assert_eq!(symbol("theta"), "\\boldsymbol{\\theta}");
        assert_eq!([plain("x"), plain("z1"), plain("mask")], ["x", "z_{1}", "\\mathrm{mask}"]);
    }

    #[test]
    fn members_are_indices() {
        let subscripts = ["z[3]", "z[l - 1]", "z[<=l]", "z[1..T]"].map(|name| symbol(name).replace("\\mathbf{z}_", ""));
        assert_eq!(subscripts, ["{3}", "{l-1}", "{\\le l}", "{1:T}"]);
    }
}
