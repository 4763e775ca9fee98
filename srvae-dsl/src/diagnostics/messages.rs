//! Every message of the compiler, each with its code, one constructor each, always with a hint.
//!
//! Titles are one sentence without a final period, in the words of the language. E01 text and grammar, E02 names, E03
//! arguments and numbers, E04 factors, E05 shapes, W06 warnings.

use super::{
    Diagnostic, LARGEST_FILE, LONGEST_STATEMENT, MOST_NAMES, MOST_NESTING, MOST_NETS, MOST_OPERATORS, MOST_VALUES,
    closest,
};
use crate::catalog::Domain;
use crate::graph::Side;
use crate::source::Span;

// ---- E01: text and grammar

pub(crate) fn not_utf8(byte: u8, place: Span) -> Diagnostic {
    Diagnostic::error("E0101", "the file is not UTF-8")
        .at(place, format!("the byte 0x{byte:02x} is not part of a character"))
        .hint("save the file as UTF-8")
}

pub(crate) fn file_too_large(bytes: usize) -> Diagnostic {
    Diagnostic::error("E0102", format!("the file has {bytes} bytes; the limit is {LARGEST_FILE}"))
        .hint("is this the model file?")
}

pub(crate) fn control_character(character: char, span: Span) -> Diagnostic {
    Diagnostic::error("E0103", format!("the file contains the control character U+{:04X}", character as u32))
        .at(span, "here")
        .hint("remove it; is this a text file?")
}

pub(crate) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error("E0104", format!("brackets nest more than {MOST_NESTING} deep"))
        .at(span, "one bracket too many")
        .hint("name a part of the expression with `net`")
}

pub(crate) fn too_many_operators(count: usize, span: Span) -> Diagnostic {
    Diagnostic::error("E0105", format!("the statement has {count} arithmetic operators, more than {MOST_OPERATORS}"))
        .at(span, "in this statement")
        .hint("name a part of the arithmetic with `param`")
}

pub(crate) fn statement_too_long(bytes: usize, span: Span) -> Diagnostic {
    Diagnostic::error("E0115", format!("the statement has {bytes} bytes; the limit is {LONGEST_STATEMENT}"))
        .at(span, "it begins here")
        .hint("name its parts with `net`; split the model, or generate fewer names")
}

pub(crate) fn unclosed_bracket(bracket: char, span: Span) -> Diagnostic {
    Diagnostic::error("E0106", format!("`{bracket}` is never closed"))
        .at(span, "opened here")
        .hint("close it before the next statement begins")
}

pub(crate) fn unmatched_bracket(bracket: char, span: Span) -> Diagnostic {
    Diagnostic::error("E0107", format!("`{bracket}` closes nothing"))
        .at(span, "no bracket is open here")
        .hint("remove it, or open a bracket before it")
}

pub(crate) fn mismatched_bracket(open: char, opened: Span, close: char, closed: Span) -> Diagnostic {
    Diagnostic::error("E0108", format!("`{close}` closes `{open}`"))
        .at(closed, "does not fit")
        .and(opened, "opened here")
        .hint("make the brackets a pair")
}

pub(crate) fn unterminated_string(span: Span) -> Diagnostic {
    Diagnostic::error("E0109", "the path has no closing quote on its line")
        .at(span, "begins here")
        .hint("write it as in `rust \"crate::nets::Mine\"`")
}

pub(crate) fn unknown_statement<'a>(
    word: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let hint = match (of_other_languages(word), closest(word, known.clone())) {
        (Some(hint), _) => hint.to_owned(),
        (None, Some(meant)) => format!("did you mean `{meant}`?"),
        (None, None) => format!("statements begin with {}", quoted(known)),
    };
    Diagnostic::error("E0110", format!("no statement begins with `{word}`")).at(span, "expected a statement").hint(hint)
}

/// What stands here for a statement of another language.
fn of_other_languages(word: &str) -> Option<&'static str> {
    let hint = match word {
        "for" | "while" | "repeat" | "loop" | "foreach" => {
            "there are no loops; use an index set, `index l in 1..5`, as in `latent z[l]: real[8]` and `p(z[l] | z[l - 1]) = …`"
        }
        "plate" | "plates" | "batch" => {
            "the records of the data set are a plate without a statement; for another plate use an index set, as in `index i in 1..5` and `latent z[i]: real[8]`"
        }
        "def" | "fn" | "function" | "var" => {
            "name a network with `net NAME(h) = h |> …`, a number with `param NAME = …`"
        }
        "sample" | "pyro" | "numpyro" => "a factor is written `p(z | u) = normal from u |> …`",
        "observe" | "data" | "input" => "data are declared as in `observed x: image[3, 32, 32]`",
        "parameters" | "hyperparameter" | "const" | "constant" => "a named number is declared as in `param width = 64`",
        "import" | "include" | "use" => "a model is one file; networks in Rust are declared with `net … = rust \"…\"`",
        "prior" => "the prior is a factor of p: `p(z) = standard_normal`",
        "likelihood" | "decoder" => "the likelihood is a factor of p: `p(x | z) = bernoulli from z |> …`",
        "posterior" | "encoder" | "guide" => "the posterior is in q: `q(z | x) = normal from x |> …`",
        "loss" | "elbo" => {
            "the bound follows from the factors; `weight KL_z = 0.5` weights a term, `objective + ln q(y | x)` adds one"
        }
        _ => return None,
    };
    Some(hint)
}

/// `z ~ normal(…)`.
pub(crate) fn tilde(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0113", "`~` is not part of the language: a model is stated by its factors")
        .at(span, "not supported")
        .hint(format!("write `p({name} | …) = …` or `q({name} | …) = …`"))
}

pub(crate) fn unexpected(span: Span, found: &str, expected: &str, example: &str) -> Diagnostic {
    let found = if found.is_empty() { "the statement ends".to_owned() } else { format!("found `{found}`") };
    Diagnostic::error("E0111", format!("{found} where {expected} was expected"))
        .at(span, format!("expected {expected}"))
        .hint(format!("such a statement looks like `{example}`"))
}

pub(crate) fn number_too_large(span: Span) -> Diagnostic {
    Diagnostic::error("E0112", "the number is too large").at(span, "does not fit 64 bits").hint("write a smaller one")
}

// ---- E02: names

pub(crate) fn no_model(end: Span) -> Diagnostic {
    Diagnostic::error("E0201", "the file has no `model` statement")
        .at(end, "no `model` statement up to here")
        .hint("begin the file with `model NAME`")
}

pub(crate) fn second_model(second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0202", "the file has a second `model` statement")
        .at(second, "the second")
        .and(first, "the first")
        .hint("put each model into a separate file")
}

pub(crate) fn defined_twice(name: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0203", format!("`{name}` is defined twice"))
        .at(second, "defined again")
        .and(first, "defined here first")
        .hint("rename one of the two")
}

pub(crate) fn name_taken(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0204", format!("`{name}` is a reserved word"))
        .at(span, "cannot be used as a name")
        .hint(format!("choose another name, such as `{name}_1`"))
}

pub(crate) fn unknown_variable<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error("E0207", format!("no variable is called `{name}`"))
        .at(span, "unknown variable")
        .hint(did_you_mean(name, known, "variables", &format!("declare it: `latent {name}: real[16, 8, 8]`")))
}

pub(crate) fn unknown_in_network<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error("E0208", format!("no variable, value or argument that a network can read is called `{name}`"))
        .at(span, "unknown name")
        .hint(did_you_mean(name, known, "it can read", "declare a variable of this name"))
}

pub(crate) fn unknown_block<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let elsewhere = ELSEWHERE.iter().find(|(theirs, _)| *theirs == name).map(|(_, hint)| (*hint).to_owned());
    let hint = elsewhere.unwrap_or_else(|| did_you_mean(name, known, "blocks and networks", "define it with `net`"));
    Diagnostic::error("E0209", format!("no block or network is called `{name}`")).at(span, "unknown block").hint(hint)
}

/// Blocks that other libraries have under these names, and what stands for them here.
const ELSEWHERE: [(&str, &str); 15] = [
    (
        "batch_norm",
        "its statistics would make a record's bound depend on the other records of the batch: use `group_norm` or `layer_norm`",
    ),
    (
        "dropout",
        "randomness must come from a variable: omit it, or multiply with a `binary` latent that has factors in p and q",
    ),
    ("dense", "it is called `linear` here"),
    ("conv2d", "it is called `conv` here"),
    ("conv_transpose2d", "it is called `conv_transpose` here"),
    ("instance_norm", "it is `group_norm` with as many groups as there are channels"),
    ("swish", "it is called `silu` here"),
    ("interpolate", "`upsample(2)` interpolates bilinearly, `resize(16)` uses the nearest pixels"),
    ("mean", "of a vector v of n numbers it is `v |> reshape(n, 1) |> set_pool`, of a map `global_pool`"),
    ("sum", "of a vector v of n numbers it is n times their mean, `n * (v |> reshape(n, 1) |> set_pool)`"),
    ("dot", "the product of two vectors of n numbers is `n * (a * b |> reshape(n, 1) |> set_pool)`"),
    (
        "matmul",
        "a product with learned weights is `linear`; that of two vectors of n numbers is `n * (a * b |> reshape(n, 1) |> set_pool)`",
    ),
    ("cat", "it is called `concat` here"),
    ("rnn", "a recurrence is a `let` over an index: `let h[t] = gru(h[t - 1], x[t])`"),
    ("view", "it is called `reshape` here"),
];

pub(crate) fn not_a_block(name: &str, what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0210", format!("`{name}` is {what}, not a block"))
        .at(span, "expected a block or a named network")
        .hint(format!("write {what} left of `from`, as in `q(z | x) = normal from x |> encoder(growth: 16)`"))
}

pub(crate) fn unknown_distribution<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error("E0211", format!("no distribution or function is called `{name}`"))
        .at(span, "unknown distribution")
        .hint(did_you_mean(name, known, "distributions and functions", "see the language reference"))
}

pub(crate) fn network_for_distribution(span: Span) -> Diagnostic {
    Diagnostic::error("E0223", "a factor must begin with a distribution or a function")
        .at(span, "neither")
        .hint("write `= normal from …`, or another distribution")
}

pub(crate) fn not_a_distribution(name: &str, what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0212", format!("`{name}` is {what}, not a distribution"))
        .at(span, "expected a distribution")
        .hint(format!("write `= DISTRIBUTION from …`, with `{name}` right of `from`"))
}

pub(crate) fn unknown_space<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error("E0213", format!("no space is called `{name}`"))
        .at(span, "unknown space")
        .hint(did_you_mean(name, known, "spaces", ""))
}

pub(crate) fn unknown_param<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error("E0214", format!("no parameter is called `{name}`"))
        .at(span, "unknown parameter")
        .hint(did_you_mean(name, known, "parameters", &format!("declare it: `param {name} = 64`")))
}

pub(crate) fn not_a_number(name: &str, what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0215", format!("`{name}` is {what}, not a number"))
        .at(span, "expected a number or a parameter")
        .hint("write a number, or the name of a `param`")
}

pub(crate) fn unknown_preset<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Diagnostic {
    Diagnostic::error("E0216", format!("the model has no preset `{name}`")).hint(did_you_mean(
        name,
        known,
        "presets",
        &format!("add `preset {name} {{ … }}` to the file"),
    ))
}

pub(crate) fn unknown_setting<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Diagnostic {
    Diagnostic::error("E0217", format!("the model has no parameter `{name}`")).hint(did_you_mean(
        name,
        known,
        "parameters",
        &format!("add `param {name} = …` to the file"),
    ))
}

pub(crate) fn unknown_term<'a>(name: &str, span: Span, known: impl IntoIterator<Item = &'a str> + Clone) -> Diagnostic {
    Diagnostic::error("E0218", format!("the bound has no term `{name}` that could be estimated in two ways"))
        .at(span, "unknown term")
        .hint(did_you_mean(name, known, "such terms", "remove the statement: the model has no such term"))
}

pub(crate) fn unknown_estimator(name: &str, span: Span) -> Diagnostic {
    let known = ["closed_form", "monte_carlo"];
    Diagnostic::error("E0219", format!("no estimator is called `{name}`"))
        .at(span, "unknown estimator")
        .hint(did_you_mean(name, known, "estimators", ""))
}

pub(crate) fn net_before_definition(name: &str, used: Span, defined: Span) -> Diagnostic {
    Diagnostic::error("E0220", format!("the network `{name}` is used before its definition"))
        .at(used, "used here")
        .and(defined, "defined here")
        .hint("define networks before those that use them; a network cannot use itself")
}

pub(crate) fn past_of_another(span: Span) -> Diagnostic {
    Diagnostic::error("E0255", "the argument of `past` must be the variable of its factor")
        .at(span, "not the variable left of the bar")
        .hint(
            "`p(x | z) = … from concat(past(x) |> masked_conv(out: 64), …)` reads what comes before each position of x",
        )
}

pub(crate) fn past_out_of_place(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0256", format!("`{name}` has no past to read here"))
        .at(span, "only allowed in the factor of p of an observed map")
        .and(declared, format!("`{name}` is declared here"))
        .hint("`past` works for observed variables [channels, height, width], whose positions p draws one after the other")
}

pub(crate) fn not_causal(block: &str, span: Span, able: &[&str]) -> Diagnostic {
    Diagnostic::error("E0257", format!("`past` passes through `{block}`, whose output depends on later positions"))
        .at(span, "a draw would depend on itself")
        .hint(format!(
            "after `past` use only {}, `conv(kernel: 1)`, sums, `concat` and elementwise functions",
            quoted(able.to_vec())
        ))
}

pub(crate) fn flow_over_past(span: Span) -> Diagnostic {
    Diagnostic::error("E0258", "a flow is applied to a distribution that reads `past`")
        .at(span, "would mix positions that are drawn one after the other")
        .hint("remove the flow, or do not read `past` in the network")
}

pub(crate) fn let_applied(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0231", format!("`{name}` is a value and takes no inputs"))
        .at(span, "applied here")
        .hint(format!("read it as `{name}`; a network with inputs is defined by `net {name}(h) = …`"))
}

pub(crate) fn let_reads_more(name: &str, variable: &str, span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0232", format!("`{name}` depends on `{variable}`, which is not a parent of this factor"))
        .at(span, format!("depends on `{variable}`"))
        .and(head, format!("`{variable}` is not right of the bar"))
        .hint(format!("add `{variable}` right of the bar"))
}

pub(crate) fn let_circle(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0233", format!("the value `{name}` depends on itself"))
        .at(span, "needs its own value, directly or through others")
        .hint("a value may read variables, and values that do not depend on it")
}

pub(crate) fn let_of_nothing(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0234", format!("the value `{name}` reads no variable"))
        .at(span, "no variable here")
        .hint("a `let` is a function of variables: `let h = x |> encoder(growth: 16, out: 32)`; a number is a `param`")
}

pub(crate) fn range_for_number(span: Span) -> Diagnostic {
    Diagnostic::error("E0249", "found a range where one number is expected")
        .at(span, "several numbers")
        .hint("a range is allowed in brackets, `z[1..3]`, and for a part of the channels, `channels(..32)`")
}

pub(crate) fn second_length(span: Span) -> Diagnostic {
    Diagnostic::error("E0240", "the model has a second length, but the data have only one")
        .at(span, "a second length")
        .hint("use one length for both families: `index t in 1..T`")
}

pub(crate) fn checkpoint_every(found: i64, span: Span) -> Diagnostic {
    Diagnostic::error("E0259", format!("the segments of `checkpoint` have {found} values of the index"))
        .at(span, "not positive")
        .hint("write a number from 1; memory is least near the square root of the number of values: `checkpoint t = 32` for 1000 steps")
}

pub(crate) fn second_checkpoint(span: Span) -> Diagnostic {
    Diagnostic::error("E0260", "the model has two `checkpoint` statements")
        .at(span, "a second one")
        .hint("keep one of them: it divides the whole bound, with the variables of all indices")
}

pub(crate) fn index_twice(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0241", format!("the index `{name}` is declared twice"))
        .at(span, "declared again")
        .hint("an index has one set; to restrict a statement to some values, add `for l in 2..4`")
}

pub(crate) fn index_is_param(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0242", format!("`{name}` is a parameter and cannot be an index too"))
        .at(span, "a parameter")
        .hint("choose another name for the index")
}

pub(crate) fn unknown_index(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0243", format!("there is no index `{name}`"))
        .at(span, "unknown index")
        .hint(format!("declare it: `index {name} in 1..4`"))
}

pub(crate) fn too_many_members(most: usize, span: Span) -> Diagnostic {
    Diagnostic::error("E0244", format!("a range has more than {most} values"))
        .at(span, "too long")
        .hint(format!("families have at most {most} members"))
}

pub(crate) fn table_length(name: &str, found: usize, index: &str, wanted: usize, span: Span) -> Diagnostic {
    Diagnostic::error("E0245", format!("`{name}` has {found} numbers, and its index `{index}` has {wanted} values"))
        .at(span, format!("{found} of {wanted}"))
        .hint("give one number for each value; `runs(4: 2, 8: 3)` is 4 twice, then 8 three times")
}

pub(crate) fn no_index_value(span: Span) -> Diagnostic {
    Diagnostic::error("E0246", "this is not a value of an index").at(span, "not a whole number").hint(
        "index values consist of whole numbers, parameters, tables and the indices of the statement: `z[2 * l - 1]`",
    )
}

pub(crate) fn several_members(name: &str, found: usize, span: Span) -> Diagnostic {
    Diagnostic::error("E0247", format!("found {found} members of `{name}` where one is expected"))
        .at(span, format!("{found} of them"))
        .hint("select one, `z[l - 1]`; several are allowed right of a bar, in a pipe, and as inputs of a block: `concat(z[1..3])`")
}

pub(crate) fn member_is_taken(name: &str, member: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0248", format!("`{member}` is called `{name}` in generated code, but this name is taken"))
        .at(span, "another item with this name")
        .hint("choose another name")
}

pub(crate) fn learned_shape_missing(span: Span) -> Diagnostic {
    Diagnostic::error("E0235", "the shape of the learned values is not known")
        .at(span, "shape missing")
        .hint("state the space: `learned real[64]`; it may be omitted for the parameters of a distribution")
}

pub(crate) fn nets_too_deep(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0221", format!("named networks are nested more than {MOST_NETS} deep"))
        .at(span, format!("`{name}` exceeds the limit"))
        .hint("replace some of them by their definitions")
}

pub(crate) fn too_many_names(span: Span) -> Diagnostic {
    Diagnostic::error("E0222", format!("the file defines more than {MOST_NAMES} names"))
        .at(span, "exceeds the limit")
        .hint("split the model, or generate fewer names")
}

/// `most` is how many blocks the largest one has, which stands at `span`.
pub(crate) fn too_many_blocks(count: usize, limit: usize, span: Span, most: usize) -> Diagnostic {
    let title = format!("the networks have {count} blocks in total; the limit is {limit}");
    Diagnostic::error("E0226", title).at(span, format!("{most} of them")).hint(
        "a named network counts at every use, so one that uses another one twice has twice its blocks; use fewer or larger blocks",
    )
}

// ---- E03: arguments and numbers

pub(crate) fn unknown_argument<'a>(
    entry: &str,
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let none = format!("`{entry}` has no arguments of this kind");
    Diagnostic::error("E0301", format!("`{entry}` has no argument `{name}`"))
        .at(span, "unknown argument")
        .hint(did_you_mean(name, known, "its arguments", &none))
}

/// What papers and other libraries call the parameters of distributions, and what they are called here.
const CALLED_ELSEWHERE: [(&[&str], &[&str]); 8] = [
    (&["shape", "alpha", "k", "a"], &["concentration"]),
    (&["mu", "loc", "location"], &["mean"]),
    (&["sigma", "sd", "stddev", "scale"], &["std", "scale"]),
    (&["var", "variance", "sigma2", "covariance"], &["var", "std", "cholesky"]),
    (&["p", "prob", "probability", "probabilities", "mean"], &["probs"]),
    (&["lambda", "lam", "mean", "mu"], &["rate"]),
    (&["total_count", "theta", "phi", "n"], &["dispersion"]),
    (&["nu", "dof"], &["df"]),
];

/// A name that is neither a parameter nor an argument of a distribution, of which `known` are all.
pub(crate) fn unknown_parameter(entry: &str, name: &str, span: Span, known: &[&str]) -> Diagnostic {
    let meant = CALLED_ELSEWHERE.iter().filter(|(there, _)| there.contains(&name)).flat_map(|(_, here)| *here);
    let hint = match meant.copied().find(|here| known.contains(here)) {
        Some(here) => format!("here it is `{here}`; `{entry}` takes {}", quoted(known.to_vec())),
        None => {
            let none = format!("`{entry}` takes no parameters");
            did_you_mean(name, known.iter().copied(), &format!("`{entry}` takes"), &none)
        }
    };
    Diagnostic::error("E0301", format!("`{entry}` has no parameter `{name}`")).at(span, "unknown parameter").hint(hint)
}

pub(crate) fn missing_argument(entry: &str, name: &str, docs: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0302", format!("`{entry}` needs its argument `{name}`"))
        .at(span, format!("`{name}` is missing"))
        .note(format!("`{name}`: {docs}"))
        .hint(format!("write `{name}: …` among its arguments"))
}

pub(crate) fn too_many_arguments(entry: &str, most: usize, span: Span) -> Diagnostic {
    let hint = match most {
        0 => format!(
            "write `{entry}` without arguments; only the parameters of a distribution may be given, by name: `mean: 0`"
        ),
        _ => "remove it, or put it in separate brackets".to_owned(),
    };
    Diagnostic::error("E0303", format!("`{entry}` takes {}", count(most, "argument")))
        .at(span, "one argument too many")
        .hint(hint)
}

pub(crate) fn argument_twice(name: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0304", format!("`{name}` is given twice"))
        .at(second, "given again")
        .and(first, "given here first")
        .hint("remove one of the two")
}

pub(crate) fn positional_after_named(span: Span, named: Span) -> Diagnostic {
    Diagnostic::error("E0305", "a positional argument follows a named one")
        .at(span, "positional")
        .and(named, "the first named argument")
        .hint("put it first, or name it")
}

pub(crate) fn wrong_value(entry: &str, name: &str, wanted: &str, found: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0306", format!("the argument `{name}` of `{entry}` cannot be {found}"))
        .at(span, format!("this is {found}"))
        .hint(format!("`{name}` is {wanted}"))
}

pub(crate) fn cannot_compute(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0307", format!("this cannot be computed: {what}"))
        .at(span, what)
        .hint("numbers are 64-bit integers and reals, with `+ - * / ( )` and parameters")
}

pub(crate) fn network_for_number(span: Span) -> Diagnostic {
    Diagnostic::error("E0308", "found a network where a number is expected")
        .at(span, "not a number")
        .hint("networks are written right of `from` and inside `concat(…)`; arguments are numbers")
}

pub(crate) fn number_for_network(span: Span) -> Diagnostic {
    Diagnostic::error("E0309", "found a number where a network is expected")
        .at(span, "not a network")
        .hint("begin with a variable, as in `x |> encoder(growth: 16)`")
}

pub(crate) fn sum_as_stage(sign: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0316",
        format!("what stands after a pipe is one block, and `{sign}` binds closer than the pipe"),
    )
    .at(span, "read as one stage")
    .hint(format!("put each side in parentheses: `(a |> conv) {sign} (b |> conv)`"))
}

pub(crate) fn number_by_network(span: Span) -> Diagnostic {
    Diagnostic::error("E0315", "a number cannot be divided by a network's value")
        .at(span, "a number divided by a network")
        .hint("a value can be divided by a value of equal shape, `a / b`, or by a number, `a / 2`")
}

pub(crate) fn natural_twice(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0513", format!("the parameter `{name}` of the distribution is given twice"))
        .at(span, "given again")
        .hint("give each parameter once, under one of its names")
}

pub(crate) fn natural_unfit(place: &str, name: &str, wanted: &str, found: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0514", format!("`{name}` of {place} is {wanted}, not {found}"))
        .at(span, format!("ends at {found}"))
        .hint("a parameter has the shape of its variable; nothing is broadcast")
}

pub(crate) fn natural_domain(name: &str, domain: Domain, span: Span) -> Diagnostic {
    let (wanted, mark, hint) = match domain {
        Domain::Real => ("real", "may be anything", "give any number"),
        Domain::Positive => ("positive", "may be negative", "end with `softplus` or `exp`, or give a positive number"),
        Domain::Unit => {
            ("between 0 and 1", "may be below 0 or above 1", "end with `sigmoid`, or give a number between 0 and 1")
        }
        Domain::Simplex => ("proportions", "may add up to anything", "end with `softmax`"),
    };
    Diagnostic::error("E0515", format!("`{name}` must be {wanted}, but this may be anything")).at(span, mark).hint(hint)
}

pub(crate) fn natural_apart(distribution: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0516", format!("`{distribution}` needs either all of its parameters by name or none"))
        .at(span, "some are given here, others come from the network")
        .hint("its parameters have different numbers of channels: leave all to the network, or give every one")
}

pub(crate) fn natural_numbers(distribution: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0517", format!("every parameter of this `{distribution}` is a number, so it reads nothing"))
        .at(span, "reads no variable")
        .hint("at a root use `standard_normal` or `mixture_of_normals`; otherwise let a parameter read a variable")
}

pub(crate) fn natural_and_network(distribution: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0518",
        format!("every parameter of this `{distribution}` is given, so this network is not used"),
    )
    .at(span, "not used")
    .hint("remove `from` and the network, or leave one parameter to it")
}

pub(crate) fn wrong_setting(name: &str, wanted: &str, found: &str) -> Diagnostic {
    Diagnostic::error("E0310", format!("the parameter `{name}` cannot be {found}"))
        .hint(format!("`{name}` must be {wanted}, like its default"))
}

pub(crate) fn wrong_size(found: &str, span: Span, most: usize) -> Diagnostic {
    Diagnostic::error("E0311", format!("a size cannot be {found}"))
        .at(span, format!("this is {found}"))
        .hint(format!("sizes are whole numbers from 1 to {most}"))
}

pub(crate) fn wrong_rank(space: &str, sizes: &str, least: usize, most: usize, found: usize, span: Span) -> Diagnostic {
    let wanted = if least == most { count(least, "size") } else { format!("{least} to {most} sizes") };
    Diagnostic::error("E0312", format!("`{space}` takes {wanted}, not {found}"))
        .at(span, format!("{} here", count(found, "size")))
        .hint(format!("the sizes are: {sizes}"))
}

pub(crate) fn wrong_inputs(name: &str, wanted: &str, found: usize, span: Span) -> Diagnostic {
    let hint = match wanted {
        "one input" => format!("write `a |> {name}`, or `{name}(a, …)` with the input first"),
        _ => format!("write `{name}(a, b)`; a piped value is the first input"),
    };
    Diagnostic::error("E0313", format!("`{name}` reads {wanted}, not {found}"))
        .at(span, format!("{} here", count(found, "input")))
        .hint(hint)
}

pub(crate) fn shape_too_large(span: Span, most: u64) -> Diagnostic {
    Diagnostic::error("E0314", format!("the variable has more than {most} elements"))
        .at(span, "too large")
        .hint("make one of the sizes smaller")
}

// ---- E04: factors

pub(crate) fn duplicate_factor(side: &str, name: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0401", format!("{side} has two factors of `{name}`"))
        .at(second, "the second")
        .and(first, "the first")
        .hint("remove one of the two")
}

pub(crate) fn missing_factor(side: &str, role: &str, name: &str, declared: Span, example: &str) -> Diagnostic {
    Diagnostic::error("E0402", format!("{side}({name} | …) is missing"))
        .at(declared, format!("{role} `{name}` needs a factor in {side}"))
        .hint(format!("add `{example}`"))
}

/// Of a partly observed variable: `reader` is a factor that reads it, by its text, side and place.
pub(crate) fn missing_where_read(
    name: &str,
    declared: Span,
    (reader, side, head): (&str, Side, Span),
    example: &str,
) -> Diagnostic {
    let drawn = format!("add `{example}`, to draw it in records that lack it");
    let hint = match side {
        Side::P => drawn,
        Side::Q => format!(
            "{drawn}; or read it in an expert of a product, which then drops out: \
             `q(z | {name}) = (normal from {name} |> …) * standard_normal`"
        ),
    };
    Diagnostic::error("E0402", format!("q({name} | …) is missing"))
        .at(declared, format!("a record may lack `{name}`"))
        .and(head, format!("{reader} reads it"))
        .hint(hint)
}

pub(crate) fn factor_of_observed(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0403", format!("q has a factor of the observed variable `{name}`"))
        .at(span, "q is over latent variables")
        .and(declared, "declared observed here")
        .hint(format!("remove the factor, or declare `{name}` latent"))
}

pub(crate) fn factor_of_given(side: &str, name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0404", format!("{side} has a factor of the given variable `{name}`"))
        .at(span, "given variables have no factor")
        .and(declared, "declared given here")
        .hint(format!("remove the factor, or declare `{name}` observed"))
}

/// `path` begins and ends with the same variable; each factor at `heads` needs the variable in `needed`.
pub(crate) fn cycle(side: &str, path: &[&str], heads: &[Span], needed: &[String]) -> Diagnostic {
    let title = format!("the factors of {side} form a cycle: {}", path.join(" → "));
    let mut diagnostic = Diagnostic::error("E0405", title);
    for (head, parent) in heads.iter().zip(needed) {
        diagnostic = diagnostic.at(*head, format!("needs `{parent}`"));
    }
    diagnostic.hint("remove one of these variables from the right of its bar")
}

pub(crate) fn own_parent(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0406", format!("`{name}` is on both sides of the bar"))
        .at(span, "cannot depend on itself")
        .hint("remove it from the right of the bar")
}

pub(crate) fn parent_twice(name: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0407", format!("`{name}` is listed twice right of the bar"))
        .at(second, "again")
        .and(first, "here first")
        .hint("remove one of the two")
}

pub(crate) fn not_right_of_bar(name: &str, span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0408", format!("the factor reads `{name}`, which is not right of its bar"))
        .at(span, "not a parent of this factor")
        .and(head, "the factor's variables")
        .hint(format!("add `{name}` right of the bar, or read another variable"))
}

pub(crate) fn parent_not_read(name: &str, parent: Span) -> Diagnostic {
    Diagnostic::error("E0409", format!("`{name}` is right of the bar, but the factor does not read it"))
        .at(parent, "not read")
        .hint(format!("read it right of `from`, or remove `{name}` from the bar"))
}

pub(crate) fn deterministic_in_p(function: &str, span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0410", format!("the function `{function}` is used in a factor of p"))
        .at(span, "p must be a distribution")
        .and(head, "this factor")
        .hint("deterministic factors belong to q, where their entropy is 0")
}

pub(crate) fn function_input(function: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0411", format!("`{function}` reads one variable, its first argument"))
        .at(span, "expected a variable here")
        .hint(format!("write it as in `q(y | x) = {function}(x)`"))
}

pub(crate) fn over_function(function: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0412", format!("something follows the function `{function}`"))
        .at(span, "not allowed here")
        .hint("a deterministic factor is one function of one variable: no flows, no `from`")
}

pub(crate) fn function_refuses(function: &str, why: &str, span: Span, input: &str, declared: Span) -> Diagnostic {
    Diagnostic::error("E0413", format!("`{function}` {why}"))
        .at(span, format!("applied to `{input}`"))
        .and(declared, format!("`{input}` is declared here"))
        .hint("apply it to another variable, or change the variable's shape")
}

pub(crate) fn range_does_not_fit(
    function: &str,
    range: &str,
    span: Span,
    variable: &str,
    space: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::error("E0414", format!("`{function}` yields {range}, but `{variable}` is {space}"))
        .at(span, format!("yields {range}"))
        .and(declared, format!("declared {space}"))
        .hint(format!("declare `{variable}: {range}`"))
}

pub(crate) fn space_out_of_reach<'a>(
    distribution: &str,
    span: Span,
    variable: &str,
    space: &str,
    declared: Span,
    able: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    Diagnostic::error("E0415", format!("`{distribution}` cannot produce the {space} variable `{variable}`"))
        .at(span, format!("does not yield {space} values"))
        .and(declared, format!("`{variable}` is declared here"))
        .hint(format!("distributions over {space} variables: {}", quoted(able)))
}

pub(crate) fn root_with_network(distribution: &str, span: Span, network: Span) -> Diagnostic {
    Diagnostic::error("E0416", format!("`{distribution}` reads no network"))
        .at(network, "not used")
        .and(span, "has no parameters from a network")
        .hint("remove `from …`, or use a distribution with parameters, such as `normal`")
}

/// `example` is the factor with a network, or one that needs none.
pub(crate) fn network_missing(distribution: &str, span: Span, example: &str) -> Diagnostic {
    Diagnostic::error("E0417", format!("`{distribution}` needs a network that computes its parameters"))
        .at(span, "no `from` after it")
        .hint(example)
}

pub(crate) fn flow_over_discrete(flow: &str, span: Span, distribution: &str, base: Span) -> Diagnostic {
    Diagnostic::error("E0418", format!("the flow `{flow}` is applied to the discrete distribution `{distribution}`"))
        .at(span, "needs a continuous distribution")
        .and(base, "discrete")
        .hint("remove the flow, or use a continuous distribution, such as `normal`")
}

pub(crate) fn not_a_flow<'a>(name: &str, span: Span, flows: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    Diagnostic::error("E0419", format!("`{name}` is not a flow, and only flows may follow a distribution"))
        .at(span, "not invertible")
        .hint(format!("flows: {}; put a network right of `from`", quoted(flows)))
}

pub(crate) fn unknown_flow<'a>(name: &str, span: Span, flows: impl IntoIterator<Item = &'a str> + Clone) -> Diagnostic {
    Diagnostic::error("E0425", format!("no flow is called `{name}`")).at(span, "unknown flow").hint(did_you_mean(
        name,
        flows,
        "flows",
        "put a network right of `from`",
    ))
}

pub(crate) fn label_of_latent(function: &str, input: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0426", format!("`{function}({input})` comes with the data, but `{input}` is latent"))
        .at(span, format!("no data set contains `{function}` of a latent"))
        .and(declared, "declared latent here")
        .hint(format!(
            "apply `{function}` to an observed variable, or infer the variable: `categorical from {input} |> …`"
        ))
}

pub(crate) fn flow_in_network(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0420", format!("the flow `{name}` is used in a network"))
        .at(span, "its log-determinant would be lost")
        .hint(format!("put it over the distribution: `normal |> {name}(…) from …`"))
}

pub(crate) fn flow_direction(flow: &str, span: Span, head: Span, why: &str) -> Diagnostic {
    Diagnostic::error("E0421", format!("the flow `{flow}` can only draw, but this factor needs its inverse"))
        .at(span, why)
        .and(head, "this factor")
        .hint(format!(
            "`{flow}` is allowed in q; in p use a flow with both directions, such as `spline_coupling` or `maf`"
        ))
}

pub(crate) fn flow_circle(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0461", format!("the flow `{name}` contains itself"))
        .at(span, "reached again through its own stages")
        .hint("a `flow` may use only flows that do not contain it")
}

pub(crate) fn flow_at_two_shapes(name: &str, here: Span, shape: &str, there: Span, first: &str) -> Diagnostic {
    Diagnostic::error("E0463", format!("the flow `{name}` is used at two shapes"))
        .at(here, format!("here {shape}"))
        .and(there, format!("first {first}"))
        .hint("a `flow` has one set of parameters for all uses: use it at one shape, or define two")
}

pub(crate) fn dequantise_elsewhere(flow: &str, span: Span, variable: &str, declared: Span) -> Diagnostic {
    Diagnostic::error("E0464", format!("`{flow}` must be the last flow of an observed image"))
        .at(span, "in another place")
        .and(declared, format!("`{variable}` is declared here"))
        .hint("write it last in p: `p(x) = standard_normal |> … |> dequantise` for an `observed x: image[…]`")
}

pub(crate) fn rounded_in_q(function: &str, span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0465", format!("the function `{function}` is used in a factor of q"))
        .at(span, "computes an observed variable, which belongs to p")
        .and(head, "this factor")
        .hint(format!("write it in p, `p(x | v) = {function}(v)`, and let q(v | x) end in `onto(x)`"))
}

pub(crate) fn rounded_roles(function: &str, span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0466", format!("`{function}` yields an observed image from a latent"))
        .at(span, "computed here")
        .and(head, "this factor")
        .hint("declare `observed x: image[…]` and `latent v: real[…]` of one shape")
}

pub(crate) fn floor_without_onto(x: &str, v: &str, span: Span, place: Span) -> Diagnostic {
    Diagnostic::error("E0467", format!("nothing keeps `{v}` within the cells of `{x}`"))
        .at(span, format!("given `{v}`, `{x}` is certain: outside of its cells its probability is 0"))
        .and(place, format!("the factor of q that draws `{v}`"))
        .hint(format!("let it end in `|> sigmoid |> onto({x})`"))
}

pub(crate) fn onto_elsewhere(variable: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0468", "`onto` must be the last flow of q for a variable that p rounds")
        .at(span, "in another place")
        .hint(format!(
            "write it last in q, `q({variable} | x) = … |> sigmoid |> onto(x)`, with `p(x | {variable}) = floor({variable})`"
        ))
}

pub(crate) fn onto_of_anything(span: Span) -> Diagnostic {
    Diagnostic::error("E0469", "`onto` needs numbers between 0 and 1, but its input may be any number")
        .at(span, "its input")
        .hint("put `sigmoid` before it, or use `uniform` as the distribution")
}

pub(crate) fn draw_of_codes(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0481", format!("`{name}` is a nearest code, for which there is only one gradient estimator"))
        .at(span, "not this one")
        .hint(format!("write `draw {name} = straight_through`"))
}

pub(crate) fn draw_that_jumps(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0482", format!("`{name}` is drawn from a mixture, for which there is only the score gradient"))
        .at(span, "not this one")
        .hint(format!("write `draw {name} = score`"))
}

pub(crate) fn flow_over_jumps(flow: &str, span: Span, distribution: &str, base: Span) -> Diagnostic {
    Diagnostic::error(
        "E0483",
        format!("in q the flow `{flow}` is applied to `{distribution}`, whose draws have no gradient"),
    )
    .at(span, "would be trained without a gradient")
    .and(base, "the choice of the component is discrete")
    .hint("remove the flow, or use another distribution, such as `normal`")
}

pub(crate) fn codes_apart(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0477",
        format!(
            "`codebook` in p and `quantise` in q must be used together for a latent, but `{name}` has only one of them"
        ),
    )
    .at(span, "in this factor")
    .hint("write `p(z) = codebook(codes: 512)` and `q(z | x) = quantise from x |> …` for a latent z")
}

pub(crate) fn global_reads(name: &str, parent: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error(
        "E0478",
        format!(
            "`{name}` has one value for all records, but this factor reads `{parent}`, which differs between records"
        ),
    )
    .at(span, "this factor")
    .and(declared, format!("`{parent}` is declared here"))
    .hint(format!("let it read nothing or only global variables: `q({name}) = normal`; or declare `latent {name}`"))
}

pub(crate) fn global_kind(name: &str, what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0479", format!("the global variable `{name}` is {what}"))
        .at(span, "this factor")
        .hint(format!("a global variable is drawn once, from a continuous distribution: `q({name}) = normal`"))
}

pub(crate) fn global_records(value: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0480",
        format!("`records` is {value}, but it must be the number of records, for a global variable"),
    )
    .at(span, "not a number of records")
    .hint("give a whole number from 1, or omit the parameter: training sets it")
}

pub(crate) fn mixture_elsewhere(span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0470", "a mixture of q is only allowed at a root of p")
        .at(span, "in another place")
        .and(head, "this factor")
        .hint("write `p(z) = mixture of q(z | x: w[k]) for k in 1..K` for a latent z")
}

pub(crate) fn mixture_of_another(variable: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0471", format!("the prior of `{variable}` is a mixture of its own factor of q"))
        .at(span, "another factor")
        .hint(format!("write `mixture of q({variable} | …)`"))
}

pub(crate) fn mixture_without_range(span: Span) -> Diagnostic {
    Diagnostic::error("E0472", "the mixture has no range of components")
        .at(span, "range missing")
        .hint("end the line with `for k in 1..K`, where `learned w[k]: …` are the values")
}

pub(crate) fn mixture_reads(name: &str, variable: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0473", format!("the factor of q of `{variable}` does not read `{name}` here"))
        .at(span, "not a parent without a value")
        .hint("give each variable right of the bar of q one value: `x: w[k]`")
}

pub(crate) fn mixture_lacks(name: &str, variable: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0474", format!("the components of `{variable}` have no value for `{name}`"))
        .at(span, format!("q reads `{name}` too"))
        .hint(format!("add one for each component: `{name}: w[k]` with `learned w[k]: …`"))
}

pub(crate) fn mixture_unfit(name: &str, wanted: &str, found: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0475", format!("a value of `{name}` must be {wanted}, not {found}"))
        .at(span, format!("is {found}"))
        .hint(format!("declare it in the shape of `{name}`"))
}

pub(crate) fn mixture_of_what(variable: &str, why: &str, span: Span, factor: Span) -> Diagnostic {
    Diagnostic::error("E0476", format!("the factor of q of `{variable}` cannot be used in a mixture"))
        .at(span, "asked for here")
        .and(factor, why)
        .hint("a mixture needs a factor with a density for any value, and with parents that every record has")
}

pub(crate) fn flow_reshapes(flow: &str, span: Span, distribution: &str, base: Span) -> Diagnostic {
    Diagnostic::error(
        "E0462",
        format!("`{flow}` changes the shape, but the parameters of `{distribution}` have the variable's shape"),
    )
    .at(span, "changes the shape")
    .and(base, "its network has the variable's shape")
    .hint("use `standard_normal` as the distribution, and pass the network's inputs to the flows as `context: …`")
}

pub(crate) fn unused_flow(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0605", format!("the flow `{name}` is not used"))
        .at(span, "no factor uses it")
        .hint(format!("apply it to a distribution, `standard_normal |> {name}`, or remove it"))
}

pub(crate) fn no_closed_form(term: &str, span: Span, reason: &str, place: Span) -> Diagnostic {
    Diagnostic::error("E0422", format!("{term} has no closed form"))
        .at(span, "asked for here")
        .and(place, reason)
        .note("KL has a closed form for some pairs of distributions, if neither has a flow and p reads nothing that q draws later")
        .hint("write `monte_carlo`, or remove the statement")
}

pub(crate) fn nothing_observed(span: Span) -> Diagnostic {
    Diagnostic::error("E0423", "the model has no observed variable")
        .at(span, "no `observed` statement in this model")
        .hint("declare the data: `observed x: image[3, 32, 32]`")
}

pub(crate) fn bound_twice(term: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0424", format!("the estimator of {term} is chosen twice"))
        .at(second, "again")
        .and(first, "here first")
        .hint("remove one of the two")
}

/// `able` are the methods that the variable can have.
pub(crate) fn draw_missing(name: &str, span: Span, able: &[&str]) -> Diagnostic {
    let statements = able.iter().map(|method| match *method {
        "relaxed" => format!("`draw {name} = relaxed(temperature: 0.5)`"),
        method => format!("`draw {name} = {method}`"),
    });
    let statements: Vec<_> = statements.collect();
    Diagnostic::error("E0427", format!("q's draws of `{name}` have no gradient"))
        .at(span, "would be trained without a gradient")
        .hint(format!("state how it is estimated: {}", statements.join(", ")))
}

pub(crate) fn draw_needless(name: &str, span: Span, why: &str) -> Diagnostic {
    Diagnostic::error("E0428", format!("`draw {name}` is not needed: {why}"))
        .at(span, "not a draw of q without a gradient")
        .hint("remove the statement")
}

pub(crate) fn draw_twice(name: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0429", format!("the gradient of `{name}` is chosen twice"))
        .at(second, "again")
        .and(first, "here first")
        .hint("remove one of the two")
}

pub(crate) fn unknown_draw(name: &str, span: Span, known: [&'static str; 4]) -> Diagnostic {
    Diagnostic::error("E0430", format!("no draw method is called `{name}`"))
        .at(span, "unknown")
        .hint(did_you_mean(name, known, "methods", ""))
}

pub(crate) fn too_many_values(name: &str, space: &str, span: Span, others: &[&str]) -> Diagnostic {
    let title = format!("the {space} variable `{name}` has too many values to enumerate");
    Diagnostic::error("E0431", title)
        .at(span, format!("a sum over more than {MOST_VALUES} values"))
        .hint(format!("choose {}", quoted(others.iter().copied())))
}

pub(crate) fn no_relaxation(name: &str, space: &str, span: Span, others: &[&str]) -> Diagnostic {
    Diagnostic::error("E0445", format!("the {space} variable `{name}` has no relaxation"))
        .at(span, "counts have no continuous relaxation")
        .hint(format!("choose {}", quoted(others.iter().copied())))
}

pub(crate) fn draw_into_function(name: &str, span: Span, function: &str, place: Span) -> Diagnostic {
    Diagnostic::error("E0432", format!("`{function}` is a function of `{name}`, and a function has no gradient"))
        .at(span, "this gradient would end at the function")
        .and(place, "this function")
        .hint(format!("write `draw {name} = score`, which needs none"))
}

pub(crate) fn score_below_enumerate(name: &str, span: Span, below: &str, place: Span) -> Diagnostic {
    Diagnostic::error(
        "E0433",
        format!("`{below}` has the score gradient, but depends on `{name}`, which is enumerated"),
    )
    .at(span, "enumerated here")
    .and(place, "drawn once for each of these values")
    .hint(format!("enumerate `{below}` too, or use `score` for both"))
}

pub(crate) fn too_many_together(product: usize, span: Span) -> Diagnostic {
    Diagnostic::error("E0434", format!("the enumerated variables have {product} combinations of values"))
        .at(span, format!("more than {MOST_VALUES}"))
        .hint("use another method for one of them")
}

pub(crate) fn unknown_weight<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error("E0435", format!("the bound has no term `{name}` to be weighted"))
        .at(span, "unknown term")
        .hint(did_you_mean(name, known, "its terms", "remove the statement"))
}

pub(crate) fn weight_twice(term: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0436", format!("{term} is weighted twice"))
        .at(second, "again")
        .and(first, "here first")
        .hint("combine them into one statement: weights may be multiplied, as in `0.5 * ramp(400)`")
}

pub(crate) fn unknown_weighting(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0437", format!("no weight is called `{name}`"))
        .at(span, "unknown")
        .hint("a weight is a number, `ramp(…)`, `free(…)` or a product of them")
}

pub(crate) fn ramp_length(span: Span) -> Diagnostic {
    Diagnostic::error("E0438", "a ramp needs a number of passes or of steps")
        .at(span, "neither of the two")
        .hint("write `ramp(passes: 400)`, in short `ramp(400)`, or `ramp(steps: 400)`; a weight has at most one ramp")
}

pub(crate) fn free_nats(span: Span) -> Diagnostic {
    Diagnostic::error("E0439", "`free` needs a positive number of nats")
        .at(span, "not a positive number")
        .hint("write `free(nats: 0.25)`, at most once in a weight")
}

pub(crate) fn free_reconstruction(term: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0440", format!("{term} is a log-likelihood, but free nats are only for divergences"))
        .at(span, "free nats here")
        .hint("weight a KL term, or write a number or a ramp")
}

pub(crate) fn negative_weight(term: &str, span: Span, value: f64) -> Diagnostic {
    Diagnostic::error("E0441", format!("the weight of {term} is {value}, but a weight must not be negative"))
        .at(span, "below 0")
        .hint("a weight is 0 or more")
}

pub(crate) fn weight_is_no_number(found: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0442", format!("a weight is a number, not {found}"))
        .at(span, "not a number")
        .hint("write a number, or the name of a `param` that is one")
}

pub(crate) fn no_such_factor(side: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0443", format!("{side} has no factor for `{name}` whose logarithm could be added"))
        .at(span, "no such factor")
        .hint("`objective` takes ln of a factor that the file states")
}

pub(crate) fn other_parents(head: &str, span: Span, factor: Span) -> Diagnostic {
    Diagnostic::error("E0444", "the added factor has other parents in the file")
        .at(span, "other parents")
        .and(factor, "the factor")
        .hint(format!("write `ln {head}`"))
}

pub(crate) fn log_of_function(name: &str, span: Span, factor: Span) -> Diagnostic {
    Diagnostic::error("E0445", format!("q determines `{name}`: the logarithm of a function's factor is always 0"))
        .at(span, "adds nothing")
        .and(factor, "a function")
        .hint("remove the statement")
}

pub(crate) fn never_missing(name: &str, what: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0446", format!("`{name}` is {what}, so the condition has no effect"))
        .at(span, "no effect")
        .and(declared, "declared here")
        .hint(format!(
            "declare `partly observed {name}: …` if some records lack it, or remove `where {name} is observed`"
        ))
}

pub(crate) fn partly_determined(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0447", format!("q computes `{name}`, so no record can lack it"))
        .at(span, "a function")
        .and(declared, "declared partly observed")
        .hint(format!("declare it `latent {name}: …`, or give q a distribution over it"))
}

pub(crate) fn not_an_expert(what: &str, span: Span, why: &str) -> Diagnostic {
    Diagnostic::error("E0448", format!("{what} cannot be an expert of a product")).at(span, why).hint(
        "multiply normals, each with its network, and `standard_normal`: `(normal from x |> …) * standard_normal`",
    )
}

pub(crate) fn no_lasting_expert(factor: Span) -> Diagnostic {
    Diagnostic::error("E0449", "a record may lack what every expert of the product reads")
        .at(factor, "no expert would remain")
        .hint("multiply it with `standard_normal`, or with an expert that reads what every record has")
}

pub(crate) fn mean_elsewhere(span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0484", "a mixture of several distributions stands in q, of a latent variable")
        .at(span, "stands elsewhere")
        .and(head, "this factor")
        .hint(
            "write `q(z | x, w) = mixture of (normal from x |> …), (normal from w |> …)`, z being no step of a length",
        )
}

pub(crate) fn not_a_component(what: &str, span: Span, why: &str) -> Diagnostic {
    Diagnostic::error("E0485", format!("{what} is no component of a mixture"))
        .at(span, why)
        .hint("mix continuous ones, each with its network: `mixture of (normal from x |> …), (normal from w |> …)`")
}

pub(crate) fn other_component(name: &str, span: Span, first: &str, place: Span) -> Diagnostic {
    Diagnostic::error("E0486", "the components of a mixture are of one distribution with the same arguments")
        .at(span, format!("`{name}`"))
        .and(place, format!("the first one is `{first}`"))
        .hint("write the same distribution for each, with a network of its own")
}

pub(crate) fn mean_beside(own: &str, span: Span, other: &str, what: &str, place: Span) -> Diagnostic {
    Diagnostic::error("E0487", format!("`{own}` is a mixture whose components are gone through, and `{other}` {what}"))
        .at(span, "every component of it is drawn")
        .and(place, format!("`{other}` {what}"))
        .hint(format!(
            "choose another way for `{other}`: a product in place of a mixture, `relaxed` for a discrete draw"
        ))
}

// ---- E05: shapes

pub(crate) fn stage_does_not_fit(network: &str, block: &str, why: &str, span: Span, trail: Trail) -> Diagnostic {
    let title = format!("in the network of {network}, `{block}` {why}");
    trail
        .onto(Diagnostic::error("E0501", title).at(span, "does not fit"))
        .hint("the shapes after every stage are marked; change the sizes or put another block before this one")
}

pub(crate) fn head_does_not_fit(
    factor: &str,
    needs: &str,
    ends: &str,
    hint: &str,
    span: Span,
    trail: Trail,
) -> Diagnostic {
    let title = format!("the network of {factor} ends at {ends}, but {needs}");
    trail.onto(Diagnostic::error("E0502", title).at(span, format!("ends at {ends}"))).hint(hint)
}

pub(crate) fn out_missing(block: &str, span: Span, trail: Trail) -> Diagnostic {
    let title = format!("`{block}` needs `out`: it can only be inferred for the last block of a factor");
    trail.onto(Diagnostic::error("E0503", title).at(span, "`out` is missing")).hint("add its channels: `out: 16`")
}

pub(crate) fn net_out_missing(block: &str, net: &str, is_let: bool, span: Span) -> Diagnostic {
    let what = if is_let { "a value may be read by several factors" } else { "a named network may be shared" };
    Diagnostic::error("E0504", format!("`{block}` needs `out`: {what}, so it is not inferred"))
        .at(span, "`out` is missing")
        .hint(format!("add the channels of `{net}`: `out: 16`"))
}

pub(crate) fn net_at_two_shapes(net: &str, span: Span, here: &str, defined: Span, there: &str) -> Diagnostic {
    Diagnostic::error("E0505", format!("the network `{net}` is used at two shapes"))
        .at(span, format!("here at {here}"))
        .and(defined, format!("first at {there}"))
        .hint("a shared network has one set of parameters: give it one shape, or define two networks")
}

pub(crate) fn net_input_does_not_fit(
    net: &str,
    formal: &str,
    declared: Span,
    wanted: &str,
    used: Span,
    found: &str,
) -> Diagnostic {
    Diagnostic::error("E0506", format!("the argument `{formal}` of `{net}` is {wanted}, not {found}"))
        .at(used, format!("applied to {found}"))
        .and(declared, format!("declared {wanted}"))
        .hint("change the declared shape, or the network's input")
}

pub(crate) fn net_output_does_not_fit(net: &str, declared: Span, wanted: &str, found: &str) -> Diagnostic {
    Diagnostic::error("E0507", format!("the network `{net}` yields {found}, not {wanted}"))
        .at(declared, format!("declared {wanted}"))
        .hint(format!("declare `-> real{found}`, or omit the declared shape"))
}

pub(crate) fn flow_does_not_fit(
    flow: &str,
    why: &str,
    span: Span,
    variable: &str,
    declared: Span,
    shape: &str,
) -> Diagnostic {
    Diagnostic::error("E0508", format!("`{flow}` {why}"))
        .at(span, format!("applied to {shape}"))
        .and(declared, format!("`{variable}` is declared here"))
        .hint("change the variable's shape or the flow's arguments")
}

pub(crate) fn distribution_does_not_fit(
    distribution: &str,
    why: &str,
    span: Span,
    variable: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::error("E0509", format!("`{distribution}` {why}"))
        .at(span, format!("over `{variable}`"))
        .and(declared, format!("`{variable}` is declared here"))
        .hint("change the variable's shape, or use another distribution")
}

pub(crate) fn rust_net_shape_missing(net: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0510", format!("the Rust network `{net}` has no declared shapes"))
        .at(span, "no shape here")
        .hint(format!("write `net {net}(h: real[3, 32, 32]) -> real[8, 32, 32] = rust \"crate::nets::Mine\"`"))
}

pub(crate) fn rust_path(path: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0511", format!("`{path}` is not the path of a Rust type"))
        .at(span, "cannot be a path")
        .hint("write it as in `rust \"crate::nets::Mine\"`")
}

pub(crate) fn bare_rust_path(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0512", format!("`{name}` is not a full path"))
        .at(span, "only a name")
        .hint(format!("write `rust \"crate::{name}\"` if it is at the root of the crate, `rust \"crate::nets::{name}\"` if it is in a module `nets`"))
}

// ---- W06: warnings

pub(crate) fn unused_variable(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0601", format!("no factor reads `{name}`"))
        .at(span, "has no influence on the data")
        .hint("read it in a factor, or remove it")
}

pub(crate) fn unused_net(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0602", format!("the network `{name}` is never used"))
        .at(span, "its shapes were not checked")
        .hint("use it in a factor, or remove it")
}

pub(crate) fn unused_let(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0602", format!("the value `{name}` is never read"))
        .at(span, "its shapes were not checked")
        .hint("read it in a factor, or remove it")
}

pub(crate) fn unused_param(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0603", format!("the parameter `{name}` is never used"))
        .at(span, "changing it changes nothing")
        .hint("use it as a number, or remove it")
}

pub(crate) fn stray_docs(span: Span) -> Diagnostic {
    Diagnostic::warning("W0604", "this documentation belongs to no statement")
        .at(span, "no statement follows")
        .hint("write `//` for a comment, or move it before a statement")
}

// ---- helpers

/// The shape after each stage of a network, in order.
#[derive(Debug, Default)]
pub(crate) struct Trail(pub Vec<(Span, String)>);

/// Stages marked in one message; of longer networks the last ones.
const MOST_MARKS: usize = 24;

impl Trail {
    fn onto(self, diagnostic: Diagnostic) -> Diagnostic {
        let skipped = self.0.len().saturating_sub(MOST_MARKS);
        self.0.into_iter().skip(skipped).fold(diagnostic, |diagnostic, (span, shape)| diagnostic.and(span, shape))
    }
}

/// `a`, `b`, `c`
fn quoted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// `no arguments`, `1 argument`, `2 arguments`
fn count(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    what: &str,
    otherwise: &str,
) -> String {
    if let Some(meant) = closest(word, known.clone()) {
        return format!("did you mean `{meant}`?");
    }
    let mut listed: Vec<_> = known.into_iter().collect();
    if listed.is_empty() {
        return otherwise.to_owned();
    }
    let rest = listed.len().saturating_sub(MOST_LISTED);
    listed.truncate(MOST_LISTED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{what}: {}{more}", quoted(listed))
}

/// Names listed in a hint.
const MOST_LISTED: usize = 24;
