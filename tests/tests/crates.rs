//! The figure of the crates in `docs/architecture.md`, drawn from their manifests. `UPDATE_EXPECT=1` redraws it.

#[path = "crates/rooms.rs"]
mod rooms;
#[path = "crates/versions.rs"]
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item};

/// A crate of the workspace.
struct Crate {
    /// The top-level folder that contains it.
    folder: String,
    /// Its dependencies, and whether each is only used with a feature.
    needs: BTreeMap<String, bool>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest(folder: &str) -> DocumentMut {
    std::fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap().parse().unwrap()
}

/// All crates by name.
fn crates() -> BTreeMap<String, Crate> {
    let workspace = manifest(".");
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let members: Vec<_> = members.iter().map(|member| member.as_str().unwrap().to_owned()).collect();
    let names: Vec<_> = members.iter().map(|at| manifest(at)["package"]["name"].as_str().unwrap().to_owned()).collect();
    let one = |(at, name): (&String, &String)| {
        let manifest = manifest(at);
        let listed =
            manifest.get("dependencies").and_then(Item::as_table_like).into_iter().flat_map(|table| table.iter());
        let own = listed.filter(|(name, _)| names.iter().any(|other| other == name));
        let is_optional = |item: &Item| item.get("optional").and_then(Item::as_bool).unwrap_or(false);
        let needs = own.map(|(name, item)| (name.to_owned(), is_optional(item))).collect();
        (name.clone(), Crate { folder: at.split('/').next().unwrap().to_owned(), needs })
    };
    members.iter().zip(&names).map(one).collect()
}

/// All dependencies of a crate, direct and indirect.
fn reached(all: &BTreeMap<String, Crate>, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(at) = open.pop() {
        open.extend(all[&at].needs.keys().filter(|next| found.insert((*next).clone())).cloned().collect::<Vec<_>>());
    }
    found
}

/// The length of the longest path of dependencies.
fn level(all: &BTreeMap<String, Crate>, name: &str) -> usize {
    all[name].needs.keys().map(|below| level(all, below) + 1).max().unwrap_or(0)
}

const BOX: [usize; 2] = [150, 34];
const STEP: [usize; 2] = [174, 66];

fn svg(all: &BTreeMap<String, Crate>) -> String {
    let levels: BTreeMap<&str, usize> = all.keys().map(|name| (name.as_str(), level(all, name))).collect();
    let highest = levels.values().copied().max().unwrap();
    let row = |at: usize| levels.iter().filter(move |(_, level)| **level == at).map(|(name, _)| *name);
    let columns = (0..=highest).map(|at| row(at).count()).max().unwrap();
    let place = |name: &str| {
        let at = levels[name];
        let (count, index) = (row(at).count(), row(at).position(|other| other == name).unwrap());
        // Rows are centred.
        let x = 12 + (columns - count) * STEP[0] / 2 + index * STEP[0];
        (x, 12 + (highest - at) * STEP[1])
    };
    let (width, height) = (24 + columns * STEP[0] - (STEP[0] - BOX[0]), 24 + highest * STEP[1] + BOX[1]);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<title>The crates: an arrow leads to what a crate depends on</title>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#555\"/></marker></defs>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (name, one) in all {
        let beyond: BTreeSet<String> = one.needs.keys().flat_map(|next| reached(all, next)).collect();
        // Arrows that follow from other arrows are omitted.
        for (below, optional) in one.needs.iter().filter(|(below, _)| !beyond.contains(*below)) {
            let ((x, y), (to_x, to_y)) = (place(name), place(below));
            let dash = if *optional { " stroke-dasharray=\"5 4\"" } else { "" };
            writeln!(
                out,
                "<path d=\"M{} {}L{} {}\" stroke=\"#555\" fill=\"none\" marker-end=\"url(#tip)\"{dash}/>",
                x + BOX[0] / 2,
                y + BOX[1],
                to_x + BOX[0] / 2,
                to_y
            )
            .unwrap();
        }
    }
    for (name, one) in all {
        let (x, y) = place(name);
        let colour = match one.folder.as_str() {
            "srvae-dsl" | "srvae-macros" => "#dbe9f6",
            "runtime" => "#e2f0d9",
            _ => "#f3f3f3",
        };
        writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"{colour}\" stroke=\"#555\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{name}</text>",
            BOX[0],
            BOX[1],
            x + BOX[0] / 2,
            y + 22
        )
        .unwrap();
    }
    out + "</svg>\n"
}

#[test]
fn the_picture_is_that_of_the_manifests() {
    let (drawn, path) = (svg(&crates()), root().join("docs/pictures/crates.svg"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == drawn, "docs/pictures/crates.svg is not of these manifests; UPDATE_EXPECT=1 draws it anew");
}

/// The compiler does not depend on tensors, and the crates that compute do not depend on the compiler.
#[test]
fn dependencies_run_one_way() {
    let all = crates();
    let certain = |name: &str| {
        let mut open: Vec<&str> = vec![name];
        let mut found = BTreeSet::new();
        while let Some(at) = open.pop() {
            let needs = all[at].needs.iter().filter(|(_, optional)| !**optional).map(|(next, _)| next.as_str());
            open.extend(needs.filter(|next| found.insert(*next)).collect::<Vec<_>>());
        }
        found
    };
    assert_eq!(certain("srvae-dsl"), BTreeSet::from(["srvae-entries"]));
    for name in ["srvae-kernels", "srvae-numerics", "srvae-entries"] {
        assert!(!reached(&all, name).contains("srvae-dsl"), "{name}");
    }
}

/// The modules inside a module are acyclic, in every crate and at every depth.
#[test]
fn rooms_use_one_another_one_way() {
    let workspace = manifest(".");
    let members = workspace["workspace"]["members"].as_array().unwrap();
    for member in members.iter().map(|member| member.as_str().unwrap()) {
        for (place, rooms) in rooms::rooms(&root().join(member).join("src")) {
            assert_eq!(rooms::circle(&rooms), None, "{member}, in {place:?}: {rooms:?}");
        }
    }
}
