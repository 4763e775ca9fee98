//! The language reference agrees with the compiler: its examples compile, its tables are those of the catalogue, its
//! keys are those of the JSON output, and the editor's grammar has the same words.
//!
//! `UPDATE_EXPECT=1 cargo test -p srvae-dsl --test reference` rewrites tables and words.

mod support;

use serde_json::Value;
use srvae_dsl::catalog::{
    Arguments, Arity, BLOCKS, Block, DISTRIBUTIONS, Domain, FLOWS, FUNCTIONS, Kind, Literal, Parameter, SPACES, Space,
    closed_forms, space_entry,
};
use srvae_dsl::{Overrides, Source, compile, explain};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use support::{code, here, plan_of};

const REFERENCE: &str = "../docs/language.md";
const GRAMMAR: &str = "../editors/vscode/syntaxes/pgm.tmLanguage.json";

fn reference() -> String {
    std::fs::read_to_string(here(REFERENCE)).unwrap()
}

fn updating() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}

/// Complete code blocks: the lines of the comment before a block are prepended, unless the block contains them.
fn examples(text: &str) -> Vec<(usize, String)> {
    let (mut found, mut before, mut rest) = (Vec::new(), String::new(), text);
    let line = |rest: &str| 1 + text[..text.len() - rest.len()].matches('\n').count();
    while let Some(at) = rest.find('<').into_iter().chain(rest.find("```")).min() {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!-- with\n") {
            let end = comment.find("-->").unwrap();
            before = comment[..end].to_owned();
            rest = &comment[end..];
        } else if let Some(block) = rest.strip_prefix("```pgm\n") {
            let end = block.find("```").unwrap();
            found.push((line(rest), std::mem::take(&mut before) + &block[..end]));
            rest = &block[end + 3..];
        } else if let Some(block) = rest.strip_prefix("```") {
            rest = &block[block.find("```").unwrap() + 3..];
        } else {
            rest = &rest[1..];
        }
    }
    found
}

#[test]
fn every_example_compiles() {
    for (path, least) in [(REFERENCE, 11), ("../README.md", 1)] {
        let text = std::fs::read_to_string(here(path)).unwrap();
        let examples = examples(&text);
        for (line, example) in &examples {
            let place = format!("{}, line {line}", path.trim_start_matches("../"));
            let source = Source::new(place.as_str(), example.as_str());
            let compilation = compile(&source, &Overrides::default());
            assert!(compilation.diagnostics().is_empty(), "{place}: {}", compilation.report());
            syn::parse_file(&code(compilation.plan().unwrap())).unwrap();
        }
        assert_eq!(examples.len(), text.matches("```pgm").count());
        assert!(examples.len() >= least, "{path}: {}", examples.len());
    }
}

#[test]
fn the_tables_are_the_catalogue() {
    let (mut text, mut whole) = (reference(), String::new());
    for (name, table) in [
        ("spaces", spaces()),
        ("distributions", distributions()),
        ("flows", flows()),
        ("functions", functions()),
        ("blocks", blocks()),
    ] {
        let mark = format!("<!-- table: {name} -->\n");
        let start = text.find(&mark).unwrap_or_else(|| panic!("{name} has no place")) + mark.len();
        let end = start + text[start..].find("<!-- end -->").unwrap();
        if !updating() {
            assert_eq!(&text[start..end], table, "{name}: UPDATE_EXPECT=1 rewrites it");
        }
        text.replace_range(start..end, &table);
        whole += &table;
    }
    assert!(whole.matches("\n| `").count() >= 30);
    if updating() {
        std::fs::write(here(REFERENCE), text).unwrap();
    }
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rule = vec!["---"; head.len()];
    let mut text = format!("\n| {} |\n| {} |\n", head.join(" | "), rule.join(" | "));
    for row in rows {
        writeln!(text, "| {} |", row.join(" | ").replace("\n", " ")).unwrap();
    }
    text + "\n"
}

fn code_of(text: &str) -> String {
    format!("`{text}`")
}

fn arguments(parameters: &[Parameter]) -> String {
    let one = |parameter: &Parameter| {
        let default = match parameter.default {
            Some(Literal::Int(value)) => format!(" = {value}"),
            Some(Literal::Real(value)) => format!(" = {value:?}"),
            Some(Literal::Bool(value)) => format!(" = {value}"),
            Some(Literal::Word(word)) => format!(" = {word}"),
            None => String::new(),
        };
        let range = match parameter.kind {
            Kind::Bool | Kind::Word(_) => parameter.kind.describe(),
            Kind::Int { least, most } => format!("{least} to {most}"),
            Kind::Real { least, most } => format!("{least} to {most}"),
        };
        let several = if parameter.repeats { ", any number of them" } else { "" };
        format!("`{}{default}`: {}, {range}{several}", parameter.name, parameter.docs)
    };
    parameters.iter().map(one).collect::<Vec<_>>().join("<br>")
}

fn spaces_of(spaces: &[Space]) -> String {
    spaces.iter().map(|space| code_of(space_entry(*space).name)).collect::<Vec<_>>().join(", ")
}

fn spaces() -> String {
    let rows = SPACES.iter().map(|entry| {
        let discrete = if entry.discrete { "yes" } else { "no" };
        vec![code_of(entry.name), entry.sizes.to_owned(), entry.docs.to_owned(), discrete.to_owned()]
    });
    table(&["space", "sizes", "values", "discrete"], rows)
}

fn distributions() -> String {
    let rows = DISTRIBUTIONS.iter().map(|entry| {
        let defaults = entry.parameters.iter().filter_map(|one| Some((one.name, one.default?.into())));
        let defaults = Arguments(defaults.collect());
        let is_map = space_entry(entry.spaces[0]).ranks.1 == 3 && (entry.fits)(&defaults, &[3, 32, 32]).is_ok();
        let shape: &[usize] = if is_map { &[3, 32, 32] } else { &[10] };
        let head = match entry.head(&defaults, shape).unwrap() {
            None => "none: only at a root".to_owned(),
            Some(head) => {
                let names = entry.natural.iter().map(|natural| {
                    let others = natural.others.iter().map(|(other, ..)| format!(" or {}", code_of(other)));
                    code_of(natural.name) + &others.collect::<String>()
                });
                let names: Vec<_> = names.collect();
                // Whole numbers come from the data.
                let given = entry.natural.iter().filter(|natural| natural.domain == Domain::Whole);
                let given: usize = given.map(|natural| (natural.channels)(&defaults, shape[0])).sum();
                format!("{}: {} channels over {shape:?}", names.join(", "), head[0] - given)
            }
        };
        let flows = match (entry.continuous && !entry.on_surface, entry.reparameterised) {
            (true, true) => "yes",
            (true, false) => "in p",
            (false, _) => "no",
        };
        vec![
            code_of(entry.name),
            spaces_of(entry.spaces),
            entry.docs.to_owned(),
            arguments(entry.parameters),
            head,
            closed_forms(entry).map(|p| code_of(p.name)).collect::<Vec<_>>().join(", "),
            flows.to_owned(),
            entry.experts.map_or("", |_| "yes").to_owned(),
        ]
    });
    let titles = ["distribution", "over", "what", "arguments", "reads", "KL in closed form from", "flows over it"];
    table(&[&titles[..], &["product of experts"]].concat(), rows)
}

fn flows() -> String {
    let rows = FLOWS.iter().filter_map(|entry| {
        let ways = entry.flow()?;
        let sides = if ways.forward { "p and q" } else { "q" };
        let context = ways.context.then(|| "`context`: an additional input".to_owned());
        let all: Vec<String> =
            [arguments(entry.parameters)].into_iter().filter(|text| !text.is_empty()).chain(context).collect();
        let values = ways.values.iter().map(|name| code_of(name)).collect::<Vec<_>>().join(", ");
        let values = if values.is_empty() { "`real`".to_owned() } else { values };
        Some(vec![code_of(entry.name), entry.docs.to_owned(), all.join("<br>"), values, sides.to_owned()])
    });
    table(&["flow", "what", "arguments", "yields", "allowed in"], rows)
}

fn functions() -> String {
    let rows = FUNCTIONS.iter().map(|entry| {
        vec![code_of(entry.name), spaces_of(entry.spaces), entry.docs.to_owned(), arguments(entry.parameters)]
    });
    table(&["function", "yields", "what", "arguments"], rows)
}

fn blocks() -> String {
    let rows = BLOCKS.iter().map(|entry| {
        let inputs = match entry.arity {
            Arity::None => "none",
            Arity::One => "1",
            Arity::Two => "2",
            Arity::Three => "3",
            Arity::Many => "2 or more",
            Arity::Some => "1 or more",
        };
        let (docs, arguments) = (entry.docs.to_owned(), arguments(entry.parameters));
        vec![code_of(entry.name), inputs.to_owned(), ranks(entry).to_owned(), docs, arguments]
    });
    table(&["block", "inputs", "of", "what", "arguments"], rows)
}

/// Whether the inputs of a block are vectors `[features]`, sets `[features, members]` or maps `[channels, height, width]`, by its rule of shapes.
fn ranks(entry: &Block) -> &'static str {
    // At the example's arguments, with its channels or with all of its elements.
    let takes = |rank: usize| {
        entry.examples.iter().any(|example| {
            let arguments = (example.arguments)();
            let shapes = |channels: fn(&[usize]) -> usize, sides: usize| -> Vec<Vec<usize>> {
                let shape = |input: &&[usize]| [channels(input)].into_iter().chain((1..rank).map(|_| sides)).collect();
                example.inputs.iter().map(shape).collect()
            };
            let all = [shapes(|input| input[0], 8), shapes(|input| input.iter().product(), 1)];
            all.iter().any(|shapes| {
                let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
                (entry.shape)(&arguments, &shapes).is_ok()
            })
        })
    };
    match (entry.arity, takes(1), takes(2), takes(3)) {
        (Arity::None, ..) => "",
        (_, true, _, true) => "vectors or maps",
        (_, true, true, false) => "vectors or sets",
        (_, true, false, false) => "vectors",
        (_, false, true, true) => "sets or maps",
        (_, false, true, false) => "sets",
        (_, false, false, true) => "maps",
        (_, false, false, false) => panic!("`{}` takes nothing", entry.name),
    }
}

/// Every file of the zoo is named where one chooses among them.
#[test]
fn every_model_of_the_zoo_can_be_chosen() {
    let text = std::fs::read_to_string(here("../docs/choosing.md")).unwrap();
    let table = &text[..text.find("## Lines of code").unwrap()];
    let files = std::fs::read_dir(here("../models/zoo")).unwrap().map(|entry| entry.unwrap().path());
    let models = files.filter(|path| path.extension().is_some_and(|ending| ending == "pgm"));
    let names: Vec<_> = models.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let missing: Vec<_> = names.iter().filter(|name| !table.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(names.len() >= 48, "{} models", names.len());
}

/// The dotted paths of every key of an object, with lists as `[]`.
fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) if !map.is_empty() && !path.ends_with("arguments") && path != "settings" => {
            for (key, value) in map {
                let dot = if path.is_empty() { "" } else { "." };
                keys(value, &format!("{path}{dot}{key}"), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().for_each(|item| keys(item, &format!("{path}[]"), found));
        }
        // The items of an empty list are known from other models.
        Value::Array(_) => {}
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn every_key_of_the_json_is_documented() {
    // The keys that the command line adds.
    let budget = [
        "training_bytes",
        "training_bytes_an_image",
        "checkpoint_bytes",
        "evaluation_bytes",
        "evaluation_bytes_an_image",
    ];
    let budget = budget.map(|key| format!("budget.{key}"));
    let mut found: BTreeSet<String> = budget.into_iter().chain(["warnings[]".to_owned()]).collect();
    let good = [
        "documentation",
        "three_levels",
        "two_observed",
        "conditional",
        "enumerated",
        "relaxed",
        "weighted",
        "semi_supervised",
        "variational_dequantisation",
        "known_everywhere",
    ];
    let good = good.map(|name| format!("tests/corpus/good/{name}.pgm"));
    for path in good.iter().map(String::as_str).chain(["../models/srvae.pgm"]) {
        keys(&explain::json(&plan_of(path)), "", &mut found);
    }
    let text = reference();
    let section = &text[text.find("## `explain --json`").unwrap()..text.find("## `check --deep`").unwrap()];
    let cells = section.lines().filter(|line| line.starts_with("| `")).map(|line| line.split(" | ").next().unwrap());
    let documented = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    assert_eq!(found, documented);
}

/// The words of the editor's grammar, by their place in it.
fn words() -> [(&'static str, Vec<&'static str>); 3] {
    let continuous = DISTRIBUTIONS.iter().map(|entry| entry.name).chain(FLOWS.iter().map(|entry| entry.name));
    [
        ("space", SPACES.iter().map(|entry| entry.name).collect()),
        ("distribution", continuous.chain(FUNCTIONS.iter().map(|entry| entry.name)).collect()),
        // The two words that read part of a variable look like blocks.
        ("block", BLOCKS.iter().map(|entry| entry.name).chain(["past", "known"]).collect()),
    ]
}

/// The keywords that begin a statement, except those of factors, and the name after them.
fn statements() -> String {
    let words = srvae_dsl::parse::statements().map(|(word, _)| word).filter(|word| !matches!(*word, "p" | "q"));
    let words: Vec<_> = words.map(|word| if word == "partly" { "partly\\s+observed" } else { word }).collect();
    format!("^({})\\b(?:\\s+(\\w+))?", words.join("|"))
}

#[test]
fn the_editor_knows_the_words() {
    let text = std::fs::read_to_string(here(GRAMMAR)).unwrap();
    let mut grammar: Value = serde_json::from_str(&text).unwrap();
    let patterns = words().into_iter().map(|(name, words)| (name, format!("\\b({})\\b", words.join("|"))));
    for (name, pattern) in patterns.chain([("statement", statements())]) {
        let place = &mut grammar["repository"][name]["match"];
        if !updating() {
            assert_eq!(*place, pattern, "{name}: UPDATE_EXPECT=1 rewrites it");
        }
        *place = pattern.into();
    }
    if updating() {
        std::fs::write(here(GRAMMAR), format!("{grammar:#}\n")).unwrap();
    }
}
