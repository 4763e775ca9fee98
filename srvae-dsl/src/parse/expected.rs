//! Describes in words what the grammar expected.

use super::layout::Statement;
use super::{Failure, Rule};
use crate::diagnostics::messages;
use crate::source::Span;
use pest::error::{Error, ErrorVariant, InputLocation};

/// The signs that an addend begins with.
const SIGNS: &str = "`+` or `-`";

/// The message for a statement that does not parse.
pub(super) fn explain(error: &Error<Rule>, text: &str, statement: &Statement, example: &str) -> Failure {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at.min(text.len()),
    };
    let found = token(&text[at..]);
    let expected = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => list(positives),
        ErrorVariant::CustomError { message } => message.clone(),
    };
    let start = statement.span.start + at;
    let span = Span::new(start, start + found.len());
    Box::new(messages::unexpected(span, [&text[..at], found], &expected, example))
}

/// The token at the start of the text. Empty at its end.
fn token(text: &str) -> &str {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    let Some(first) = text.chars().next() else { return "" };
    let length = match first {
        _ if is_letter(first) => text.find(|c| !is_letter(c)).unwrap_or(text.len()),
        _ if text.starts_with("|>") || text.starts_with("->") => 2,
        _ => first.len_utf8(),
    };
    &text[..length]
}

/// The alternatives in words, without duplicates; those that end the statement come last.
fn list(rules: &[Rule]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for rule in rules {
        let word = describe(*rule);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    // Operators are allowed almost everywhere, so they are listed only if there is no other alternative.
    let operators = ["`+`", "`-`", "`*`", "`/`", SIGNS];
    if words.iter().any(|word| !operators.contains(word)) {
        words.retain(|word| !operators.contains(word));
    }
    words.sort_by_key(|word| *word == describe(Rule::EOI));
    match words.split_last() {
        None => "something else".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

fn describe(rule: Rule) -> &'static str {
    match rule {
        Rule::EOI => "the end of the statement",
        Rule::name | Rule::label | Rule::indexed => "a name",
        Rule::number | Rule::literal => "a value",
        Rule::sum | Rule::product | Rule::scale | Rule::operand | Rule::experts | Rule::expert | Rule::repeated => {
            "a value or a name"
        }
        Rule::string => "a path in quotes",
        Rule::expression | Rule::call | Rule::group => "an expression",
        Rule::network => "a network",
        Rule::argument | Rule::arguments => "an argument",
        Rule::setting => "`NAME = VALUE`",
        Rule::table | Rule::runs | Rule::run | Rule::kw_runs => "a table such as `side[l] = runs(4: 4, 8: 8)`",
        Rule::subscript | Rule::selector | Rule::order => "a subscript such as `[l - 1]`",
        Rule::for_clause | Rule::kw_for => "`for`",
        Rule::set | Rule::list | Rule::range | Rule::dots => "a range such as `1..4`",
        Rule::kw_in => "`in`",
        Rule::kw_index | Rule::index_item => "`index`",
        Rule::kw_length | Rule::length_item => "`length`",
        Rule::kw_checkpoint | Rule::checkpoint_item => "`checkpoint`",
        Rule::parents => "the variables it depends on",
        Rule::formal => "the name of an argument",
        Rule::space => "a space such as `image[3, 32, 32]`",
        Rule::rust | Rule::kw_rust => "`rust \"PATH\"`",
        Rule::role => "`observed`, `partly observed`, `latent`, `global` or `given`",
        Rule::side => "`p` or `q`",
        Rule::kw_model | Rule::model_item => "`model`",
        Rule::kw_param | Rule::param_item => "`param`",
        Rule::kw_preset | Rule::preset_item => "`preset`",
        Rule::kw_net | Rule::net_item => "`net`",
        Rule::kw_let | Rule::let_item => "`let`",
        Rule::kw_flow | Rule::flow_item => "`flow`",
        Rule::kw_learned | Rule::learned | Rule::learned_item => "`learned`",
        Rule::kw_bound | Rule::bound_item => "`bound`",
        Rule::kw_draw | Rule::draw_item => "`draw`",
        Rule::kw_weight | Rule::weight_item => "`weight`",
        Rule::kw_objective | Rule::objective_item => "`objective`",
        Rule::addend => SIGNS,
        Rule::kw_ln => "`ln`",
        Rule::kw_where | Rule::condition => "`where`",
        Rule::kw_is => "`is`",
        Rule::kw_observed => "`observed`",
        Rule::kw_from => "`from`",
        Rule::kw_mixture | Rule::mixture | Rule::mean => "`mixture of q(z | x: w[k])`",
        Rule::kw_of => "`of`",
        Rule::component => "a component such as `(normal from x |> …)`",
        Rule::stated => "a value such as `x: w[k]`",
        Rule::variables_item => "a declaration of variables",
        Rule::factor_item => "a factor",
        Rule::open => "`(`",
        Rule::close => "`)`",
        Rule::open_square => "`[`",
        Rule::close_square => "`]`",
        Rule::open_brace => "`{`",
        Rule::close_brace => "`}`",
        Rule::comma => "`,`",
        Rule::colon => "`:`",
        Rule::equals => "`=`",
        Rule::arrow => "`->`",
        Rule::bar => "`|`",
        Rule::pipe => "`|>`",
        Rule::plus => "`+`",
        Rule::minus => "`-`",
        Rule::times => "`*`",
        Rule::over => "`/`",
        Rule::letter | Rule::WHITESPACE => "a blank",
    }
}
