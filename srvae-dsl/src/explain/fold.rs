//! Folds repeated rows that differ only in their indices, as in deep hierarchies.

use std::borrow::Borrow;
use std::ops::Range;

/// The minimum number of repetitions for folding.
const LEAST: usize = 5;
/// The maximum length of a pattern, in rows.
const LONGEST: usize = 16;

/// The maximum length of a pattern of operations.
const MOST_LINES: usize = 64;
/// A block is a variant of another if at most one line out of this many differs.
const MOST_DIFFERENT: usize = 4;

/// A row without its indices, and the indices: the numbers in its names.
pub type Form = (String, Vec<i64>);

/// Rows with every long repetition folded: its first pattern, a row with the number of repetitions, its last pattern.
pub fn folded(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let keys: Vec<String> = rows.iter().map(|row| row.join("\u{1f}")).collect();
    let said = |at: usize, count: usize, period: usize| {
        let text = match period {
            1 => format!("⋮ {count} more like these two"),
            _ => format!("⋮ these {period} lines {count} times more"),
        };
        let mut row = vec![String::new(); rows[at].len()];
        row.splice(..1, [text]);
        row
    };
    fold(&forms(&keys), &rows, &said)
}

/// Rows with repetitions of the same operations printed once. The numbers in the names of values and parameters do not count.
pub fn alike(rows: Vec<String>) -> Vec<String> {
    let plain: Vec<String> = rows.iter().map(|row| unnumbered(row)).collect();
    let mut folded = Vec::new();
    let mut at = 0;
    while at < rows.len() {
        let periods = 1..=MOST_LINES.min((rows.len() - at) / 2);
        let saved = |period: usize| period * (same_as_first(&plain[at..], period) - 1);
        let best =
            periods.map(|period| (saved(period), period)).max_by_key(|(saved, period)| (*saved, MOST_LINES - period));
        match best.filter(|(saved, _)| *saved >= LEAST) {
            Some((saved, period)) => {
                folded.extend_from_slice(&rows[at..at + period]);
                let lines = if period == 1 { "this line".to_owned() } else { format!("these {period} lines") };
                let times = if saved == period { "once".to_owned() } else { format!("{} times", saved / period) };
                folded.push(format!("⋮ {lines} {times} more"));
                let after = at + period + saved;
                at = variants((&rows, &plain), at..at + period, after, &mut folded);
            }
            None => {
                folded.push(rows[at].clone());
                at += 1;
            }
        }
    }
    folded
}

/// Folds what follows the repetitions of a block, as long as it assigns the same names: only lines that differ from those of the
/// block are printed. Returns the position after it.
fn variants(
    (rows, plain): (&[String], &[String]),
    block: Range<usize>,
    mut at: usize,
    folded: &mut Vec<String>,
) -> usize {
    loop {
        let pairs = plain[block.clone()].iter().zip(&plain[at..]);
        let length = pairs.take_while(|(own, other)| assigned(own) == assigned(other)).count();
        let differing: Vec<usize> = (0..length).filter(|line| plain[block.start + line] != plain[at + line]).collect();
        let is_whole = length == block.len();
        let count = if is_whole { same_as_first(&plain[at..], length) } else { 1 };
        let is_near = differing.len() <= length / MOST_DIFFERENT && count * length >= differing.len() + 1 + LEAST;
        if !is_near {
            return at;
        }
        let lines = if is_whole { "these lines".to_owned() } else { format!("the first {length} of these lines") };
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let end = if differing.is_empty() { "" } else { ", where these differ:" };
        folded.push(format!("⋮ {lines} {times} more{end}"));
        folded.extend(differing.into_iter().map(|line| format!("    {}", rows[at + line])));
        at += count * length;
        if !is_whole {
            return at;
        }
    }
}

/// The name that a line assigns.
fn assigned(line: &str) -> &str {
    line.split_once(' ').map_or(line, |(name, _)| name)
}

/// How often the first lines follow one another.
fn same_as_first(lines: &[String], period: usize) -> usize {
    let first = &lines[..period];
    lines.chunks_exact(period).take_while(|block| *block == first).count()
}

/// A line without the numbers in its names: `block_3_conv_2` and `block.3.conv` become `block_conv` and `block.conv`.
fn unnumbered(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut letters = line.chars().peekable();
    let mut in_name = false;
    while let Some(letter) = letters.next() {
        let joins = matches!(letter, '_' | '.');
        let is_number = in_name && letter.is_ascii_digit();
        if is_number || (in_name && joins || letter == '#') && letters.peek().is_some_and(char::is_ascii_digit) {
            while letters.next_if(char::is_ascii_digit).is_some() {}
            continue;
        }
        in_name = letter.is_alphanumeric() && (in_name || letter.is_alphabetic()) || joins;
        plain.push(letter);
    }
    plain
}

/// Items of a list, without the middle of a long repetition.
pub fn listed(items: Vec<String>) -> Vec<String> {
    fold(&forms(&items), &items, &|_, _, _| "…".to_owned())
}

/// Folds items that are printed differently from the keys that identify them.
pub fn listed_as<T: Clone>(keys: &[String], shown: &[T], gap: &T) -> Vec<T> {
    fold(&forms(keys), shown, &|_, _, _| gap.clone())
}

fn forms(keys: &[String]) -> Vec<Form> {
    keys.iter().map(|key| form(key)).collect()
}

/// Folds the items by their keys. `said` makes the item for the omitted part from the place, the number of repetitions
/// and the pattern's length.
fn fold<F: Borrow<Form>, T: Clone>(forms: &[F], shown: &[T], said: &dyn Fn(usize, usize, usize) -> T) -> Vec<T> {
    let mut folded = Vec::new();
    let mut at = 0;
    while at < shown.len() {
        let longest = (1..=LONGEST).map(|period| (period, repetitions(&forms[at..], period)));
        match longest.into_iter().find(|(_, count)| *count >= LEAST) {
            Some((period, count)) => {
                let end = at + period * count;
                folded.extend_from_slice(&shown[at..at + period]);
                folded.push(said(at, count - 2, period));
                folded.extend_from_slice(&shown[end - period..end]);
                at = end;
            }
            None => {
                folded.push(shown[at].clone());
                at += 1;
            }
        }
    }
    folded
}

/// The number of repetitions of a pattern of this many rows at the beginning, where each index has a constant
/// increment.
fn repetitions<F: Borrow<Form>>(forms: &[F], period: usize) -> usize {
    let mut blocks = forms.chunks_exact(period);
    let (Some(first), Some(second)) = (blocks.next(), blocks.next()) else { return 1 };
    if !is_alike(first, second) || steps(first, second).all(|step| step == 0) {
        return 1;
    }
    let mut last = second;
    let mut count = 2;
    for block in blocks {
        if !is_alike(last, block) || !steps(last, block).eq(steps(first, second)) {
            break;
        }
        (last, count) = (block, count + 1);
    }
    count
}

/// Whether two blocks differ only in their indices.
fn is_alike<F: Borrow<Form>>(from: &[F], to: &[F]) -> bool {
    let mut pairs = from.iter().map(Borrow::borrow).zip(to.iter().map(Borrow::borrow));
    pairs.all(|(from, to)| from.1.len() == to.1.len() && from.0 == to.0)
}

/// The increment of each index from one block to the next.
fn steps<'f, F: Borrow<Form>>(from: &'f [F], to: &'f [F]) -> impl Iterator<Item = i64> + 'f {
    let pairs = from.iter().map(Borrow::borrow).zip(to.iter().map(Borrow::borrow));
    pairs.flat_map(|(from, to)| to.1.iter().zip(&from.1).map(|(to, from)| to - from))
}

/// Whether a text ends with the name of a space, so that the following brackets contain sizes.
fn ends_with_space(text: &str) -> bool {
    let word = text.rsplit(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or(text);
    crate::catalog::SPACES.iter().any(|space| space.name == word)
}

pub fn form(text: &str) -> Form {
    let (mut plain, mut indices) = (String::with_capacity(text.len()), Vec::new());
    let mut letters = text.chars().peekable();
    // Whether digits are an index: they are in a name, or in brackets after a name that is not a space.
    let (mut in_name, mut in_brackets) = (false, false);
    while let Some(letter) = letters.next() {
        if !(letter.is_ascii_digit() && (in_name || in_brackets)) {
            in_brackets = match letter {
                '[' => in_name && !ends_with_space(&plain),
                '.' | ',' | '-' => in_brackets,
                _ => false,
            };
            // A path continues after its dots: `step.3.actnorm`.
            in_name = letter.is_ascii_alphabetic() || matches!(letter, '_' | '#') || (letter == '.' && in_name);
            plain.push(letter);
            continue;
        }
        let mut number = i64::from(letter as u8 - b'0');
        while let Some(digit) = letters.next_if(char::is_ascii_digit) {
            number = number.saturating_mul(10).saturating_add(i64::from(digit as u8 - b'0'));
        }
        plain.push('\u{1e}');
        indices.push(number);
    }
    (plain, indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize, text: impl Fn(usize) -> String) -> Vec<Vec<String>> {
        (1..=count).map(|at| vec![text(at)]).collect()
    }

    #[test]
    fn a_long_repetition_is_said_once() {
        let all = rows(70, |at| format!("p(z{at} | z{}) from z{} of 4", at + 1, at + 1));
        let short = folded(all);
        assert_eq!(short.len(), 3);
        assert_eq!(short[0], ["p(z1 | z2) from z2 of 4"]);
        assert_eq!(short[1], ["⋮ 68 more like these two"]);
        assert_eq!(short[2], ["p(z70 | z71) from z71 of 4"]);
        // Sizes are not indices.
        assert_eq!(folded(rows(70, |at| format!("[{at}, 3]"))).len(), 70);
        assert_eq!(folded(rows(70, |at| format!("real[{at}, 3]"))).len(), 70);
        assert_eq!(folded(rows(4, |at| format!("z{at}"))).len(), 4);
        // Steps with the range of the earlier steps.
        let steps = folded(rows(70, |at| format!("z[{}] ~ p(z[{}] | z[1..{at}], x[1..{at}])", at + 1, at + 1)));
        assert_eq!(steps.len(), 3);
    }

    #[test]
    fn lines_of_a_program_differ_in_the_numbers_of_names() {
        assert_eq!(unnumbered("block_3_conv_2 = block.3_2.conv_2(x_4)"), "block_conv = block.conv(x)");
        assert_eq!(unnumbered("q_z10_conv = conv(z9)"), "q_z_conv = conv(z)");
        assert_eq!(unnumbered("resize_2 = resize(h_1, 8) where step #12 ≤ t"), "resize = resize(h, 8) where step  ≤ t");
        let line = |at: usize| {
            [format!("z_{at} ~ q_z_{at}"), format!("gelu_{at} = gelu(z_{at})"), format!("conv_{at} = c.{at}(z)")]
        };
        let lines: Vec<String> = (1..=4).flat_map(line).chain(["resize = resize(conv, 8)".to_owned()]).collect();
        let folded = alike(lines);
        assert_eq!(folded[..3], line(1));
        assert_eq!(folded[3..], ["⋮ these 3 lines 3 times more", "resize = resize(conv, 8)"]);
    }

    /// Levels of two sizes, and the last one, which is followed by the data.
    #[test]
    fn blocks_that_differ_in_a_few_lines_are_printed_once() {
        let level = |at: usize| {
            let size = if at > 4 { 16 } else { 8 };
            let own = |name: &str, from: &str| format!("{name}_{at} = {name}({from}_{at})");
            let mut lines: Vec<String> = ["a", "b", "c", "d", "e", "f"].map(|name| own(name, "z")).to_vec();
            lines.push(if at == 7 {
                "p_x = conv(f_7)".to_owned()
            } else {
                format!("resize_{at} = resize(f_{at}, {size})")
            });
            lines
        };
        let folded = alike((1..=7).flat_map(level).collect());
        assert_eq!(folded[..7], level(1));
        let rest = [
            "⋮ these 7 lines 3 times more",
            "⋮ these lines 2 times more, where these differ:",
            "    resize_5 = resize(f_5, 16)",
            "⋮ the first 6 of these lines once more",
            "p_x = conv(f_7)",
        ];
        assert_eq!(folded[7..], rest);
    }

    #[test]
    fn a_pattern_of_several_rows_is_found() {
        let mut all = vec![vec!["first".to_owned()]];
        for at in 1..=20 {
            all.extend([vec![format!("z{at}")], vec![format!("  conv_{} 3", 2 * at)], vec!["  elu".to_owned()]]);
        }
        all.push(vec!["last".to_owned()]);
        let short: Vec<String> = folded(all).into_iter().flatten().collect();
        let wanted = [
            "first",
            "z1",
            "  conv_2 3",
            "  elu",
            "⋮ these 3 lines 18 times more",
            "z20",
            "  conv_40 3",
            "  elu",
            "last",
        ];
        assert_eq!(short, wanted);
        assert_eq!(listed((1..=9).map(|at| format!("z{at}")).collect()), ["z1", "…", "z9"]);
    }
}
