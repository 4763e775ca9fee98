//! Every entry with every example of its declaration: a model that uses it compiles, and the code generated for it is
//! stored in a snapshot.

mod support;

use srvae_dsl::catalog::{
    Arguments, Arity, BLOCKS, Block, DISTRIBUTIONS, Domain, FLOWS, FUNCTIONS, Parameter, Space, space_entry,
};
use support::{code, plan_of_text};

/// `name(kernel: 3, out: 2)`, with inputs before the arguments.
fn call(name: &str, inputs: &[String], parameters: &[Parameter], arguments: &Arguments) -> String {
    let repeats = |name: &str| parameters.iter().any(|parameter| parameter.name == name && parameter.repeats);
    let values = arguments.0.iter().map(
        |(name, value)| {
            if repeats(name) { value.to_string() } else { format!("{name}: {value}") }
        },
    );
    let all: Vec<String> = inputs.iter().cloned().chain(values).collect();
    if all.is_empty() { name.to_owned() } else { format!("{name}({})", all.join(", ")) }
}

/// `3, 4, 2`.
fn sizes(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// A pipeline from a vector to a shape.
fn onto(shape: &[usize]) -> String {
    let reshape = if shape.len() > 1 { format!(" |> reshape({})", sizes(shape)) } else { String::new() };
    format!("linear(out: {}){reshape}", shape.iter().product::<usize>())
}

/// Latents of these shapes, each with its factors, which `p(x | …)` reads through the network.
fn over_latents(shapes: &[&[usize]], network: &str) -> String {
    let names: Vec<String> = (0..shapes.len()).map(|at| format!("z{at}")).collect();
    let mut text = "model m\nobserved x: binary[6]\n".to_owned();
    for (name, shape) in names.iter().zip(shapes) {
        let mut head = shape.to_vec();
        head[0] *= 2;
        text += &format!("latent {name}: real[{}]\np({name}) = standard_normal\n", sizes(shape));
        text += &format!("q({name} | x) = normal from x |> {}\n", onto(&head));
    }
    text + &format!("p(x | {}) = bernoulli from {network} |> flatten |> linear\n", names.join(", "))
}

fn of_block(entry: &Block) -> Vec<String> {
    let each = entry.examples.iter().map(|example| {
        let inputs: Vec<String> = (0..example.inputs.len()).map(|at| format!("z{at}")).collect();
        if entry.arity == Arity::None {
            let sizes = (example.arguments)();
            let sizes = sizes.0.iter().filter(|(name, _)| *name == "sizes").map(|(_, size)| size.to_string());
            let value = match entry.name {
                "learned" => format!("learned real[{}]", sizes.collect::<Vec<_>>().join(", ")),
                // A repeated parameter has no name, so the parameters before it have none either.
                name => call(name, &[], entry.parameters, &(example.arguments)()).replace("value: ", ""),
            };
            return over_latents(&[&[1]], &format!("concat(z0, {value} |> flatten)"));
        }
        let (first, inside) = match entry.arity {
            Arity::None => (String::new(), Vec::new()),
            Arity::One => (format!("{} |> ", inputs[0]), Vec::new()),
            Arity::Two | Arity::Three | Arity::Many | Arity::Some => (String::new(), inputs),
        };
        over_latents(
            example.inputs,
            &format!("{first}{}", call(entry.name, &inside, entry.parameters, &(example.arguments)())),
        )
    });
    each.collect()
}

/// Compiles models and stores the lines that are generated for an entry.
fn keep(name: &str, runtime: &str, models: Vec<String>) {
    let mut kept = Vec::new();
    for text in models {
        let code = code(&plan_of_text(&text));
        let words = [format!("::{runtime}"), format!("{runtime}Config")];
        for line in code.lines() {
            if words.iter().any(|word| line.contains(word)) {
                kept.push(line.trim().to_owned());
            }
        }
    }
    kept.dedup();
    assert!(!kept.is_empty() || runtime == "label", "nothing is generated for `{name}`");
    insta::assert_snapshot!(format!("entry_{name}"), kept.join("\n"));
}

#[test]
fn blocks_and_flows() {
    for entry in BLOCKS {
        keep(entry.name, entry.runtime, of_block(entry));
    }
    for entry in FLOWS {
        // A block and a flow may have the same name.
        keep(&format!("flow_{}", entry.name), entry.runtime, of_flow(entry));
    }
}

/// A latent with the flow: in p if the flow has both directions, otherwise in q.
fn of_flow(entry: &Block) -> Vec<String> {
    let ways = entry.flow().unwrap();
    let each = entry.examples.iter().map(|example| {
        let (arguments, shape, context) = ((example.arguments)(), example.inputs[0], example.inputs.get(1));
        let mut flow = call(entry.name, &[], entry.parameters, &arguments);
        let given = context.map(|context| {
            let parent = if ways.forward { "c" } else { "x" };
            let value = format!("context: {parent} |> {}", onto(context));
            flow = match flow.strip_suffix(')') {
                Some(open) => format!("{open}, {value})"),
                None => format!("{flow}({value})"),
            };
            " | c"
        });
        let bar = given.unwrap_or_default();
        if ways.values == ["image"] {
            return format!("model m\nobserved x: image[{}]\np(x) = standard_normal |> {flow}\n", sizes(shape));
        }
        if entry.name == "onto" {
            let size = sizes(shape);
            return format!(
                "model m\nobserved x: image[{size}]\nlatent v: real[{size}]\np(v) = standard_normal\np(x | v) = floor(v)\n\
                 q(v | x) = uniform |> onto(x)\n"
            );
        }
        let (mut head, size) = (shape.to_vec(), sizes(shape));
        head[0] *= 2;
        let (p, q, bar, declared) = match ways.forward {
            true => (format!(" |> {flow}"), String::new(), bar, if bar.is_empty() { "" } else { "given c: real[3]\n" }),
            false => (String::new(), format!(" |> {flow}"), "", ""),
        };
        format!(
            "model m\nobserved x: binary[6]\n{declared}latent z0: real[{size}]\np(z0{bar}) = standard_normal{p}\n\
             q(z0 | x) = normal{q} from x |> {}\np(x | z0) = bernoulli from z0 |> flatten |> linear\n",
            onto(&head)
        )
    });
    each.collect()
}

#[test]
fn distributions() {
    for entry in DISTRIBUTIONS {
        let models = entry.examples.iter().map(|example| {
            let (arguments, shape) = ((example.arguments)(), example.inputs[0]);
            let density = call(entry.name, &[], entry.parameters, &arguments);
            let codes = |p: &str, q: &str| {
                let size = sizes(shape);
                format!(
                    "model m\nobserved x: binary[6]\nlatent z: real[{size}]\np(z) = {p}\nq(z | x) = {q} from x |> {}\n\
                     p(x | z) = bernoulli from z |> flatten |> linear\ndraw z = straight_through\n",
                    onto(shape)
                )
            };
            match entry.head(&arguments, shape).unwrap() {
                None if entry.atoms => codes(&density, "quantise"),
                Some(_) if entry.atoms => codes("codebook", &density),
                None if entry.spaces.contains(&Space::Sphere) => format!(
                    "model m\nobserved x: binary[6]\nlatent z0: sphere[{}]\np(z0) = {density}\n\
                     q(z0 | x) = von_mises_fisher from x |> {}\np(x | z0) = bernoulli from z0 |> linear\n",
                    sizes(shape),
                    onto(&[shape[0] + 1])
                ),
                // q has the same ends.
                None if entry.ends.is_some() => format!(
                    "model m\nobserved x: binary[6]\nlatent z0: real[{}]\np(z0) = {density}\nq(z0) = {density}\n\
                     p(x | z0) = bernoulli from z0 |> flatten |> linear\n",
                    sizes(shape)
                ),
                None => over_latents(&[shape], "z0").replacen("= standard_normal", &format!("= {density}"), 1),
                Some(mut head) => {
                    // Whole numbers are not in the head.
                    let whole = entry.natural.iter().filter(|one| one.domain == Domain::Whole);
                    let whole: Vec<String> = whole
                        .map(|one| {
                            head[0] -= (one.channels)(&arguments, shape[0]);
                            format!("{}: 10", one.name)
                        })
                        .collect();
                    let density = call(entry.name, &whole, entry.parameters, &arguments);
                    let space = space_entry(entry.spaces[0]).name;
                    over_latents(&[&[4]], "z0")
                        + &format!(
                            "observed y: {space}[{}]\np(y | z0) = {density} from z0 |> {}\n",
                            sizes(shape),
                            onto(&head)
                        )
                }
            }
        });
        keep(entry.name, entry.runtime, models.collect());
    }
}

#[test]
fn functions() {
    for entry in FUNCTIONS {
        let models = entry.examples.iter().map(|example| {
            let (arguments, input) = ((example.arguments)(), example.inputs[0]);
            let (space, shape) = (entry.range)(&arguments, entry.from, input).unwrap().unwrap();
            if entry.from == Space::Real {
                let size = sizes(input);
                return format!(
                    "model m\nobserved x: image[{size}]\nlatent v: real[{size}]\np(v) = standard_normal\n\
                     p(x | v) = {}(v)\nq(v | x) = uniform |> onto(x)\n",
                    entry.name
                );
            }
            let function = call(entry.name, &["x".to_owned()], entry.parameters, &arguments);
            let mixture = |shape: &[usize]| {
                let values = if shape[0] == 3 { 10 } else { 3 };
                format!("logistic_mixture(components: 1) from {{}} |> {}", onto(&[values, shape[1], shape[2]]))
            };
            format!(
                "model m\nobserved x: image[{}]\nlatent y: {}[{}]\nlatent z: real[4]\np(z) = standard_normal\n\
                 p(y | z) = {}\np(x | y) = {}\nq(y | x) = {function}\nq(z | y) = normal from y |> flatten |> linear\n",
                sizes(input),
                space_entry(space).name,
                sizes(&shape),
                mixture(&shape).replace("{}", "z"),
                mixture(input).replace("{}", "y |> flatten"),
            )
        });
        keep(entry.name, entry.runtime, models.collect());
    }
}
