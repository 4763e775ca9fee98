//! Functions shared by several tests of the compiler.

#![allow(dead_code)] // Each test file uses a part of it.

use srvae_dsl::emit::{Origin, rust_source};
use srvae_dsl::graph::{Body, Factor, Model, NetBody, Network, Node, Op};
use srvae_dsl::plan::Plan;
use srvae_dsl::{Overrides, Source, ast, compile, parse};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A path relative to this crate.
pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn read(path: &str) -> Source {
    Source::from_bytes(path, &std::fs::read(here(path)).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

pub fn tree(source: &Source) -> ast::File {
    parse(source).unwrap_or_else(|report| panic!("{report}"))
}

pub fn model_of(source: &Source, overrides: &Overrides) -> Model {
    let compilation = compile(source, overrides);
    compilation.model().unwrap_or_else(|report| panic!("{report}\n{}", source.text)).clone()
}

/// The plan of a file with its defaults.
pub fn plan_of(path: &str) -> Plan {
    whole_plan(&read(path))
}

/// The plan of a text with its defaults.
pub fn plan_of_text(text: &str) -> Plan {
    whole_plan(&Source::new("text.pgm", text))
}

fn whole_plan(source: &Source) -> Plan {
    let compilation = compile(source, &Overrides::default());
    compilation.plan().unwrap_or_else(|report| panic!("{report}\n{}", source.text)).clone()
}

pub fn code(plan: &Plan) -> String {
    let path = format!("{}.pgm", plan.model.name);
    let (include, text) = (format!("/models/{path}"), String::new());
    rust_source(plan, &Origin { path, include, text }).unwrap()
}

/// A syntax tree, one statement per line, without spans.
pub fn show_tree(file: &ast::File) -> String {
    file.items.iter().fold(String::new(), |text, item| text + &without_places(&format!("{item:?}")) + "\n")
}

/// Debug output without spans, with names as text.
pub fn without_places(debug: &str) -> String {
    let mut plain = String::new();
    let mut rest = debug;
    while let Some(at) = rest.find("Span {") {
        let before = rest[..at].trim_end();
        // Remove the field's name too.
        let cut =
            before.rfind([',', '{']).map_or(before.len(), |comma| comma + usize::from(&before[comma..=comma] == "{"));
        plain += &before[..cut];
        rest = &rest[at + rest[at..].find('}').unwrap() + 1..];
    }
    plain += rest;
    let mut short = String::new();
    let mut rest = plain.as_str();
    while let Some(at) = rest.find("Name { text: ") {
        short += &rest[..at];
        let text = &rest[at + "Name { text: ".len()..];
        let end = text.find(" }").unwrap();
        short += &text[..end];
        rest = &text[end + 2..];
    }
    short + rest
}

/// The checked model, one item per line.
pub fn show_graph(model: &Model) -> String {
    let mut text = format!("model {}\n", model.name);
    for param in &model.params {
        writeln!(text, "param {} = {}", param.name, param.value).unwrap();
    }
    for preset in &model.presets {
        let values: Vec<_> =
            preset.values.iter().map(|(id, value)| format!("{} = {value}", model.params[id.0].name)).collect();
        writeln!(text, "preset {} {{ {} }}", preset.name, values.join(", ")).unwrap();
    }
    for variable in &model.variables {
        writeln!(text, "{:?} {}: {:?}{:?}", variable.role, variable.name, variable.space, variable.shape).unwrap();
    }
    for net in &model.nets {
        writeln!(text, "net {}{:?} {:?} -> {:?}", net.name, net.formals, net.inputs, net.output).unwrap();
        match &net.body {
            NetBody::Network(network) => show_network(&mut text, model, network),
            NetBody::Rust { path, .. } => writeln!(text, "  rust {path}").unwrap(),
        }
    }
    for factor in model.p.iter().chain(&model.q) {
        show_factor(&mut text, model, factor);
    }
    text
}

fn show_factor(text: &mut String, model: &Model, factor: &Factor) {
    let names: Vec<_> = factor.parents.iter().map(|id| model.variable(id).name.as_str()).collect();
    let head = format!("{}({} | {})", factor.side.name(), model.variable(factor.variable).name, names.join(", "));
    match &factor.body {
        Body::Mixture { values, components, .. } => {
            let values = values.iter().map(|(id, _)| model.variable(*id).name.as_str()).collect::<Vec<_>>();
            writeln!(text, "    mixture of {components} at values of {}", values.join(", ")).unwrap();
        }
        Body::Deterministic { function, input } => {
            let input = &model.variable(*input).name;
            writeln!(text, "{head} = {}({input}{})", function.entry.name, arguments(&function.args)).unwrap();
        }
        Body::Stochastic { base, flows, network } => {
            write!(text, "{head} ~ {}{}", base.entry.name, arguments(&base.args)).unwrap();
            for flow in flows {
                write!(text, " |> {}{}", flow.flow.entry.name, arguments(&flow.flow.args)).unwrap();
            }
            text.push('\n');
            network.iter().for_each(|network| show_network(text, model, network));
        }
    }
}

fn show_network(text: &mut String, model: &Model, network: &Network) {
    for (index, node) in network.nodes.iter().enumerate() {
        writeln!(text, "  {index}: {} {:?} {}", show_node(model, node), node.shape, node.path).unwrap();
    }
}

fn show_node(model: &Model, node: &Node) -> String {
    let inputs: Vec<_> = node.inputs.iter().map(|input| input.0).collect();
    match &node.op {
        Op::Variable(id) => model.variable(*id).name.clone(),
        Op::Formal(at) => format!("argument {at}"),
        Op::Known(id) => format!("known {}", model.variable(*id).name),
        Op::Past(id) => format!("past {}", model.variable(*id).name),
        Op::Let(id) => model.nets[id.0].name.clone(),
        Op::Net(id) => format!("{}{inputs:?}", model.nets[id.0].name),
        Op::Experts { roots, .. } => format!("product{inputs:?} roots={roots}"),
        Op::Block { block, inferred } => {
            let mark = if *inferred { " (out inferred)" } else { "" };
            format!("{}{inputs:?}{}{mark}", block.entry.name, arguments(&block.args))
        }
    }
}

fn arguments(args: &[srvae_dsl::graph::Argument]) -> String {
    args.iter().fold(String::new(), |text, argument| text + &format!(" {}={}", argument.name, argument.value))
}

/// The items of generated code that belong to a type or function, as source.
pub fn items(code: &str, wanted: &str) -> String {
    let file: syn::File = syn::parse_str(code).unwrap();
    let mut found = Vec::new();
    for item in file.items {
        let syn::Item::Mod(module) = item else { continue };
        for item in module.content.unwrap().1 {
            collect(item, wanted, &mut found);
        }
    }
    assert!(!found.is_empty(), "no {wanted} in\n{code}");
    prettyplease::unparse(&syn::File { shebang: None, frontmatter: None, attrs: Vec::new(), items: found })
}

fn collect(item: syn::Item, wanted: &str, found: &mut Vec<syn::Item>) {
    match item {
        syn::Item::Mod(module) => {
            module.content.into_iter().flat_map(|(_, items)| items).for_each(|item| collect(item, wanted, found));
        }
        syn::Item::Struct(item) if item.ident == wanted => found.push(syn::Item::Struct(item)),
        syn::Item::Impl(item) => {
            let of = matches!(&*item.self_ty, syn::Type::Path(path) if path.path.is_ident(wanted));
            if of {
                found.push(syn::Item::Impl(item));
                return;
            }
            for member in item.items {
                if let syn::ImplItem::Fn(function) = member
                    && function.sig.ident == wanted
                    && item.trait_.is_none()
                {
                    found.push(syn::Item::Fn(syn::ItemFn {
                        attrs: function.attrs,
                        vis: function.vis,
                        modifiers: function.modifiers,
                        sig: function.sig,
                        block: Box::new(function.block),
                    }));
                }
            }
        }
        _ => {}
    }
}
