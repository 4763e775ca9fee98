//! No file makes the compiler panic, hang or exhaust the stack.

use proptest::prelude::*;
use srvae_dsl::emit::{Origin, rust_source};
use srvae_dsl::{Overrides, Source, Style, compile_bytes, explain, format, parse};
use std::path::Path;

/// Files up to this size are compiled completely; for longer ones only the front end runs.
const WHOLE: usize = 1 << 14;

/// Everything that the compiler does with a file. Returns its messages, for long files only the first one.
fn compile(bytes: &[u8]) -> String {
    let compilation = compile_bytes("robust.pgm", bytes, &Overrides::default());
    if let Ok(formatted) = format(compilation.source()) {
        parse(&Source::new("formatted.pgm", formatted)).unwrap();
    }
    match compilation.model() {
        Ok(model) => {
            let parameters = model.cost().parameters;
            if bytes.len() <= WHOLE {
                let plan = compilation.plan().unwrap();
                let text = compilation.source().text.clone();
                let origin = Origin { path: "robust.pgm".to_owned(), include: "/robust.pgm".to_owned(), text };
                syn::parse_file(&rust_source(plan, &origin).unwrap()).unwrap();
                assert!(!explain::text(plan).is_empty() && !explain::latex(plan).is_empty());
                assert_eq!(explain::json(plan)["parameters"], parameters);
            }
            format!("{parameters} parameters")
        }
        Err(report) => {
            report.render(Style::Coloured);
            report.to_string()
        }
    }
}

fn good_files() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/good");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn nesting_is_bounded() {
    for bracket in ["(", "[", "{", "concat(", "f(a: ", "(-"] {
        for prefix in ["", "model m\nobserved x: real[1]\np(x) = normal from ", "param a = ", "observed x: real["] {
            let said = compile((prefix.to_owned() + &bracket.repeat(100_000)).as_bytes());
            assert!(said.starts_with("error[E0104]"), "{prefix}{bracket}: {said}");
        }
    }
    for closed in [")", "]", "}"] {
        assert!(compile(closed.repeat(100_000).as_bytes()).starts_with("error[E0107]"));
    }
}

/// Long chains of operators or blocks are rejected because of their length.
#[test]
fn chains_are_bounded() {
    let head = "model m\nobserved x: real[4]\ngiven c: real[8]\np(x | c) = normal from ";
    let chains = [
        ("linear(out: 1", "+1", ["error[E0106]", "error[E0105]"]),
        ("linear(out: 1", "*1", ["error[E0106]", "error[E0105]"]),
        ("linear(out: ", "-", ["error[E0106]", "error[E0111]"]),
        ("c", " from c", ["error[E0111]", "error[E0107]"]),
        ("c |> elu", " |> elu", ["error[E0226]", "error[E0107]"]),
        ("concat(c", ", c", ["error[E0106]", "error[E0502]"]),
    ];
    for (start, link, expected) in chains {
        for (end, expected) in ["", ")"].into_iter().zip(expected) {
            let said = compile((head.to_owned() + start + &link.repeat(100_000) + end).as_bytes());
            let said: String = said.chars().take(200).collect();
            assert!(said.starts_with(expected), "{start}{link}…{end}: {said}");
        }
    }
}

/// Files of several megabytes are compiled or rejected with a reason.
#[test]
fn megabytes_are_answered() {
    let base = "model m\nobserved x: real[4]\n";
    let files = [
        base.to_owned() + &"// a comment\n".repeat(100_000),
        base.to_owned() + &"/// a line of documentation\n".repeat(100_000),
        base.to_owned() + &" ".repeat(2_000_000),
        base.to_owned() + &"\r\n".repeat(1_000_000),
        base.to_owned() + &"p(x) = normal from x |> linear\n".repeat(40_000),
        base.to_owned() + &"p(x | y) = nrmal from x |> liner(ot: 2)\n".repeat(40_000),
        base.to_owned() + &(0..100_000).map(|i| format!("param a{i} = {i}\n")).collect::<String>(),
        base.to_owned() + &(0..4_000).map(|i| format!("latent z{i}: real[4]\np(z{i}) = standard_normal\nq(z{i} | x) = normal from x |> linear\n")).collect::<String>(),
        base.to_owned() + &(1..4_000).map(|i| format!("latent z{i}: real[4]\np(z{i} | z{}) = normal from z{} |> linear\nq(z{i} | x) = normal from x |> linear\n", i - 1, i - 1)).collect::<String>(),
        base.to_owned() + &(1..4_000).map(|i| format!("net n{i}(h) = h |> elu\n")).collect::<String>() + "p(x) = normal from x" + &(1..4_000).map(|i| format!(" |> n{i}")).collect::<String>(),
        base.to_owned() + "latent " + &"a,".repeat(500_000),
        base.to_owned() + &"x".repeat(2_000_000),
        "\"".repeat(1_000_000),
        base.to_owned() + &"é".repeat(1_000_000),
        "observed x\n".repeat(100_000),
        // One statement in one line of 15 MB.
        base.to_owned() + "p(x) = normal from x" + &" |> elu".repeat(2_140_000),
        base.to_owned() + "param a = 1" + &" + 1".repeat(3_900_000),
        base.to_owned() + &"(".repeat(15_000_000),
        base.to_owned() + &"a".repeat(15_000_000) + "\u{7}",
    ];
    let expected = [
        "E0402", "E0402", "E0402", "E0402", "E0406", "E0207", "E0222", "E0402", "E0402", "E0406", "E0111", "E0115",
        "E0110", "E0115", "E0111", "E0115", "E0115", "E0104", "E0103",
    ];
    assert_eq!(files.len(), expected.len());
    for (file, expected) in files.iter().zip(expected) {
        let said: String = compile(file.as_bytes()).chars().take(200).collect();
        assert!(said.starts_with(&format!("error[{expected}]")), "{} bytes: {said}", file.len());
    }
    assert!(compile(&vec![b'a'; 17 << 20]).starts_with("error[E0102]"));
}

#[test]
fn long_statements_and_thousands_of_blocks_are_refused_by_number() {
    let base =
        "model m\nobserved x: real[4]\nlatent z: real[4]\np(z) = standard_normal\nq(z | x) = normal from x |> linear\n";
    let chain = |count: usize| base.to_owned() + "p(x | z) = normal from z" + &" |> elu".repeat(count) + " |> linear";
    let said = compile(chain(220_000).as_bytes());
    assert!(said.starts_with("error[E0115]: the statement has 1100026 bytes; the limit is 1048576"), "{said}");
    let said = compile(chain(5000).as_bytes());
    assert!(said.starts_with("error[E0226]: the networks have 5002 blocks in total; the limit is 4096"), "{said}");
    assert!(!compile(chain(4000).as_bytes()).starts_with("error"));
    // Twice as many at each level: 2^15 uses of a network of one block.
    let mut doubling = base.to_owned() + "net n0(h) = h |> elu\n";
    for level in 1..16 {
        doubling += &format!("net n{level}(h) = h |> n{0} |> n{0}\n", level - 1);
    }
    let said = compile((doubling + "p(x | z) = normal from z |> n15 |> linear").as_bytes());
    assert!(said.starts_with("error[E0226]: the networks have 32770 blocks in total"), "{said}");
}

#[test]
fn odd_bytes_are_one_error() {
    assert!(compile(b"model m\0").starts_with("error[E0103]"));
    assert!(compile(b"model \xff").starts_with("error[E0101]"));
    assert!(compile(b"\xef\xbb\xbf").starts_with("error[E0201]"));
    assert!(compile("model m\u{2028}\u{feff}".as_bytes()).starts_with("error"));
}

/// Tokens of the language, from which random texts are made.
const TOKENS: [&str; 50] = [
    "draw",
    "score",
    "model",
    "param",
    "preset",
    "observed",
    "latent",
    "given",
    "net",
    "bound",
    "p",
    "q",
    "from",
    "rust",
    "x",
    "y",
    "z",
    "normal",
    "standard_normal",
    "logistic_mixture",
    "real_nvp",
    "encoder",
    "decoder",
    "linear",
    "concat",
    "elu",
    "image",
    "real",
    "downscale",
    "KL_z",
    "monte_carlo",
    "out",
    "growth",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "|>",
    "|",
    "->",
    "=",
    ":",
    ",",
    "+",
    "-",
    "3",
    "\n",
    "\"a\"",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        compile(&bytes);
    }

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        compile(text.as_bytes());
    }

    #[test]
    fn any_tokens(tokens in proptest::collection::vec(0..TOKENS.len(), 0..60)) {
        let text: Vec<_> = tokens.into_iter().map(|token| TOKENS[token]).collect();
        compile(text.join(" ").as_bytes());
    }

    /// Good files with pieces removed, duplicated or replaced.
    #[test]
    fn any_mutation(file in 0..30usize, edits in proptest::collection::vec((any::<u16>(), any::<u16>(), 0..4u8, 0..TOKENS.len()), 1..6)) {
        let files = good_files();
        let mut bytes = files[file % files.len()].clone();
        for (at, length, kind, token) in edits {
            let at = usize::from(at) % (bytes.len() + 1);
            let end = (at + usize::from(length) % 24).min(bytes.len());
            match kind {
                0 => drop(bytes.drain(at..end)),
                1 => { let copy = bytes[at..end].to_vec(); bytes.splice(at..at, copy); }
                2 => drop(bytes.splice(at..end, TOKENS[token].bytes())),
                _ => bytes.reverse(),
            }
        }
        compile(&bytes);
    }
}
