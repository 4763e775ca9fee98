//! Formatting keeps the meaning and the comments, and formatting again changes nothing.

use srvae_dsl::{Source, format, parse};
use std::path::{Path, PathBuf};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The folders of the repository's model files, without those of the corpus, which show other layouts, and those beside
/// stored checkpoints.
const SHIPPED: [&str; 7] = [
    "../models",
    "../models/zoo",
    "../models/examples",
    "../runtime/guide",
    "../runtime/tests/fixtures/models",
    "../tests/models",
    "../tests/examples",
];

fn models() -> Vec<(String, Source)> {
    let folders = SHIPPED.into_iter().chain(["tests/corpus/good"]).map(here);
    let paths = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut paths: Vec<_> = paths.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "pgm"));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.display().to_string();
        let source = Source::from_bytes(name.clone(), &std::fs::read(path).unwrap()).unwrap();
        (name, source)
    };
    paths.into_iter().map(read).collect()
}

/// The syntax tree without spans.
fn meaning(text: &str) -> String {
    let file = parse(&Source::new("again", text)).unwrap_or_else(|report| panic!("{report}\n{text}"));
    let printed =
        format!("{:?} {:?}", file.items, file.comments.iter().map(|comment| &comment.text).collect::<Vec<_>>());
    let mut plain = String::new();
    let mut rest = printed.as_str();
    while let Some(at) = rest.find("Span {") {
        plain += &rest[..at];
        rest = &rest[at + rest[at..].find('}').unwrap()..];
    }
    plain + rest
}

#[test]
fn formatting_keeps_meaning_and_settles() {
    for (name, source) in models() {
        let once = format(&source).unwrap();
        assert_eq!(meaning(&source.text), meaning(&once), "{name}:\n{once}");
        let twice = format(&Source::new("again", once.as_str())).unwrap();
        assert_eq!(once, twice, "{name}");
    }
}

#[test]
fn shipped_models_are_in_canonical_form() {
    let (mut count, mut others) = (0, Vec::new());
    for (name, source) in models().into_iter().filter(|(name, _)| !name.contains("corpus")) {
        if format(&source).unwrap() != source.text {
            others.push(name);
            continue;
        }
        count += 1;
        let folder = Path::new(&name).parent().unwrap();
        if folder != here("../models") {
            continue;
        }
        let lines = source.text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//"));
        assert!(lines.count() <= 30, "{name}");
    }
    assert!(others.is_empty(), "`srvae-run fmt` changes these: {others:?}");
    assert!(count >= 70, "{count} model files");
}

/// The first lines of a file of the zoo say from which paper it is: at least its year.
#[test]
fn models_of_the_zoo_name_their_papers() {
    let zoo = models().into_iter().filter(|(name, _)| name.contains("models/zoo"));
    let names_a_year = |text: &str| {
        let docs = text.lines().take_while(|line| line.starts_with("///"));
        let mut words = docs.flat_map(|line| line.split(|letter: char| !letter.is_ascii_alphanumeric()));
        words.any(|word| word.parse::<u32>().is_ok_and(|year| (1800..2100).contains(&year)))
    };
    let nameless: Vec<String> = zoo.filter(|(_, source)| !names_a_year(&source.text)).map(|(name, _)| name).collect();
    assert!(nameless.is_empty(), "no paper and year: {nameless:?}");
}

#[test]
fn canonical_forms() {
    let path = here("tests/corpus/good/layout.pgm");
    let source = Source::from_bytes("layout.pgm", &std::fs::read(path).unwrap()).unwrap();
    insta::assert_snapshot!("layout", format(&source).unwrap());
    let crowded = "// first\n\n\n\nmodel   m // trailing\nparam a=- 1.50\npreset  q{a=2,}\npreset r { }\n\
        given c:label[ 10 ]\nobserved x,t:image[3,2*(a+1),32]\r\n\r\n/// doc\n//c\nlatent z:real[2]\n\
        p(z)=standard_normal\np(x|z , c)=logistic_mixture( components:10 )from concat(z|>decoder(growth:8,steps:2,up:2),\
        c|>linear(out:1024)|>reshape(1,32,32)|>conv(kernel:3,out:64)|>elu)|>densenet(growth:8)|>densenet(growth:8,steps:3)\n\
        q(z|x)=normal|>real_nvp from x\n   |>linear // why\n/// stray";
    insta::assert_snapshot!("crowded", format(&Source::new("crowded.pgm", crowded)).unwrap());
}
