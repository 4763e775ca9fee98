//! The gallery: file, graph, bound and modes of every model of the zoo. `UPDATE_EXPECT=1` rewrites `docs/gallery.md`
//! and its figures.

mod support;

use srvae_dsl::explain;
use srvae_dsl::graph::{VariableId, family, in_ranges};
use srvae_dsl::plan::Plan;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};
use support::plan_of_text;

const HEAD: &str = "# Gallery

Published models as model files, from `models/zoo`. Each runs with one command and without a download: `srvae-run models/zoo/vae.pgm`. A test
generates this page. Below each file are its graph, its bound and its modes, all derived by the compiler. In a graph, latent variables are white
and observed ones grey; dashed arrows are dependences of q. `Σ_{l=1..3} KL_z[l]` is the sum of the terms of the latents `z[1]` to `z[3]`.
A mode `NAME(a, b)` draws the other variables given `a` and `b`.
";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_gallery_is_the_zoo() {
    let mut files: Vec<PathBuf> = fs::read_dir(folder().join("models/zoo"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "pgm"))
        .collect();
    files.sort();
    let mut page = HEAD.to_owned() + &trained(&files);
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.lines().count() <= 40, "{name} has more than 40 lines");
        let plan = plan_of_text(&text);
        page += &entry(&name, &text, &plan);
        holds(&folder().join(format!("docs/pictures/zoo/{name}.svg")), &explain::svg(&plan));
    }
    holds(&folder().join("docs/gallery.md"), &page);
}

/// The table written by `tests/tests/zoo.rs`, with one row per file.
fn trained(files: &[PathBuf]) -> String {
    let table = fs::read_to_string(folder().join("models/zoo/trained.md")).unwrap();
    let rows: Vec<&str> = table.lines().skip(2).map(|row| row.split('|').nth(1).unwrap_or_default().trim()).collect();
    let names: Vec<_> = files.iter().map(|file| file.file_stem().unwrap().to_string_lossy()).collect();
    assert_eq!(rows, names, "models/zoo/trained.md is of other files: ZOO_TABLE=models/zoo/trained.md writes it");
    format!(
        "\n## Thirty steps\n\nEvery model satisfies the laws of `check --deep`. The table shows how many there are, and the negative bound of the \
         test records (lower is better) before and after thirty training steps with 32 records each and a learning rate of 0.003 on built-in \
         data. The laws of gradients are skipped for factors of q whose draws have a straight-through or score gradient. The last column is the \
         time for the laws and the training together on two shared CPU cores.\n\n{table}"
    )
}

fn entry(name: &str, text: &str, plan: &Plan) -> String {
    let mut out = String::new();
    writeln!(out, "\n## {name}\n\n{}\n", plan.model.docs.join(" ")).unwrap();
    writeln!(out, "![graph of {name}](pictures/zoo/{name}.svg)\n").unwrap();
    let statements = text.lines().filter(|line| !line.starts_with("///"));
    writeln!(out, "```pgm\n{}\n```\n", statements.collect::<Vec<_>>().join("\n").trim()).unwrap();
    // The steps of a sequence are one array, and other families are printed with their ranges.
    let names = |ids: &[VariableId]| {
        let all = plan.names_outside(ids);
        let mut by_family = all.clone();
        by_family.sort_by_key(|name| all.iter().position(|other| family(other) == family(name)));
        in_ranges(by_family.into_iter()).join(", ")
    };
    let bounded = &plan.derivation.bounded;
    let all: Vec<VariableId> = bounded.of.iter().chain(&bounded.partly).copied().collect();
    let condition = if bounded.partly.is_empty() { "" } else { " where observed" };
    let bar = if bounded.given.is_empty() { "" } else { " | " };
    let of = format!("ln p({}{condition}{bar}{})", names(&all), names(&bounded.given));
    writeln!(out, "Bound: {of} {} {}", bounded.relation(), explain::bound_sum(plan)).unwrap();
    let modes = plan.derivation.modes.iter().map(|mode| format!("`{}({})`", mode.name, names(&mode.given)));
    let modes: Vec<String> = modes.collect();
    writeln!(out, "\nModes: {}.", modes.join(", ")).unwrap();
    out
}

fn holds(path: &Path, text: &str) {
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        return;
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(kept == text, "{} is not what the zoo makes it: run with UPDATE_EXPECT=1", path.display());
}
