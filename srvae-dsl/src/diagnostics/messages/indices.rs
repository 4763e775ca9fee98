//! E02: indices, families and their members.

use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(crate) fn range_for_number(span: Span) -> Diagnostic {
    Diagnostic::error("E0249", "found a range where one number is expected")
        .at(span, "several numbers")
        .hint("a range is allowed in brackets, `z[1..3]`, and for a part of the channels, `channels(..32)`")
}

pub(crate) fn second_length(span: Span) -> Diagnostic {
    Diagnostic::error("E0240", "the model has a second length, but the data have only one")
        .at(span, "a second length")
        .hint(
            "use one length for both families, `index t in 1..T`, and declare the one that may end earlier `partly observed`: its later \
             steps are missing; or give one a fixed number of steps, `param S = 20` with `index s in 1..S`",
        )
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

/// A state of every second step, through the set of an index or through a subscript.
pub(crate) fn other_clock(length: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0262", format!("the steps of the length `{length}` are counted one by one"))
        .at(span, "another clock")
        .hint(
            "let a step be the slow one, of two fast ones: `index i in 1..2`, `observed x[t, i]: real[3]`, `latent u[t]: real[2]`, \
             `p(x[t, i] | u[t]) = …`; the data are one array `[records, T, 2, 3]`",
        )
}

pub(crate) fn no_table_number(span: Span) -> Diagnostic {
    Diagnostic::error("E0261", "this is not a number of a table")
        .at(span, "not a number")
        .hint("a table consists of numbers, computed from numbers and whole parameters: `param a[l] = [4, 2 * width]`, `[0.9, 0.5]`")
}

pub(crate) fn several_members(name: &str, found: usize, span: Span) -> Diagnostic {
    Diagnostic::error("E0247", format!("found {found} members of `{name}` where one is expected"))
        .at(span, format!("{found} of them"))
        .hint(
            "select one, `z[l - 1]`; a family is declared over an index: `index l in 1..3`, `latent z[l]: real[2]`. Several are allowed \
             right of a bar, in a pipe, and as inputs of a block: `concat(z[1..3])`",
        )
}

/// `one` is a member of the family as it is written, and `all` are all of its members if these can be written so.
pub(crate) fn family_without_index(name: &str, span: Span, one: &str, all: Option<&str>) -> Diagnostic {
    let hint = match all {
        Some(all) => format!("write `{one}` for one of them, or `{all}` for all"),
        None => format!("write which one: `{one}`"),
    };
    Diagnostic::error("E0250", format!("`{name}` is a family, and this names none of its members"))
        .at(span, "index missing")
        .hint(hint)
}

/// How a sequence is read without its padding.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PaddingRemedy {
    /// By a forward recurrence, at its end.
    Forward,
    /// By a value of a forward recurrence at the record's end, which steps read.
    End,
    /// By a backward recurrence.
    Backward,
    /// By a backward recurrence that starts after the end.
    Start,
}

/// `name` is a member of a family over the length.
pub(crate) fn reads_padding(name: &str, remedy: PaddingRemedy, span: Span) -> Diagnostic {
    let hint = match remedy {
        PaddingRemedy::Forward => {
            "read a forward recurrence at the end of each record: `let h[1] = x[1] |> linear(out: 16)`, `let h[t] = gru(h[t - 1], x[t]) for t in \
             2..T`, then `h[T]`"
        }
        PaddingRemedy::End => {
            "a value outside of the sequence is that at the end of each record: `let end = h[T]`; read `end`"
        }
        PaddingRemedy::Backward => {
            "read later steps through a backward recurrence, which starts at the end of each record: `let b[T + 1] = learned real[16]`, \
             `let b[t] = gru(b[t + 1], x[t])`"
        }
        PaddingRemedy::Start => {
            "start the backward recurrence after the last step, with a value that reads no step: `let b[T + 1] = learned real[16]`"
        }
    };
    Diagnostic::error("E0493", format!("`{name}` is beyond the end of a shorter record"))
        .at(span, "would be padding there")
        .hint(format!("{hint}; if all records have T steps, declare `param T = 4` instead of `length T`"))
}
