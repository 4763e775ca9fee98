//! The minimum version of Rust: every crate states the workspace's, clippy refuses what is newer, and no dependency needs more.

use super::{manifest, root};
use serde_json::Value;
use std::process::Command;

/// The members' folders.
fn members() -> Vec<String> {
    let members = manifest(".")["workspace"]["members"].as_array().unwrap().clone();
    members.iter().map(|member| member.as_str().unwrap().to_owned()).collect()
}

/// `1.89` and `1.89.0` are the same version.
fn version(text: &str) -> [u32; 3] {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap());
    [0; 3].map(|_| numbers.next().unwrap_or(0))
}

/// The lint reads the version in the manifest, so a crate without either would not be checked.
#[test]
fn every_crate_is_checked_against_the_stated_version() {
    let workspace = manifest(".");
    assert_eq!(workspace["workspace"]["lints"]["clippy"]["incompatible_msrv"].as_str(), Some("deny"));
    for member in members() {
        let own = manifest(&member);
        let is_inherited = |item: &toml_edit::Item| item.get("workspace").and_then(toml_edit::Item::as_bool);
        assert_eq!(is_inherited(&own["package"]["rust-version"]), Some(true), "{member}");
        assert_eq!(own.get("lints").and_then(is_inherited), Some(true), "{member}");
    }
}

#[test]
fn no_dependency_needs_a_newer_version() {
    let cargo = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let about = cargo(&["-vV"]);
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // What other systems need is not on this machine.
    let found = cargo(&["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host]);
    let found: Value = serde_json::from_str(&found).unwrap();
    let stated = manifest(".")["workspace"]["package"]["rust-version"].as_str().map(version).unwrap();
    let packages = found["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{} packages", packages.len());
    for package in packages {
        if let Some(needed) = package["rust_version"].as_str() {
            assert!(version(needed) <= stated, "{} {} needs Rust {needed}", package["name"], package["version"]);
        }
    }
}
