//! Models with names of Rust's prelude, the runtime and the generated code. `tests/hygiene.rs` compiles and runs them.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// Names with a meaning in Rust, in the runtime or in generated code.
const NAMES: [&str; 88] = [
    "Box",
    "Clone",
    "COMPILED",
    "Config",
    "Debug",
    "Err",
    "FnOnce",
    "Iterator",
    "None",
    "Normal",
    "Ok",
    "Option",
    "Result",
    "Self",
    "Some",
    "String",
    "Tensor",
    "Vec",
    "_",
    "__",
    "_1",
    "alloc",
    "as",
    "async",
    "await",
    "bool",
    "bound_terms",
    "box_",
    "break",
    "clone",
    "compiled",
    "config",
    "core",
    "count",
    "crate",
    "data",
    "debug",
    "decode",
    "default",
    "dist",
    "draw",
    "draw_value",
    "dyn",
    "err",
    "f64",
    "flow",
    "flowed",
    "fn",
    "for_",
    "gen",
    "generation",
    "given_",
    "h1",
    "impl",
    "io",
    "kl_z",
    "layers",
    "log_p_x",
    "loop",
    "match",
    "model_",
    "mut",
    "nn",
    "noise",
    "none",
    "ok",
    "options",
    "out_",
    "params",
    "presets",
    "prior",
    "re_x",
    "result",
    "results",
    "rows",
    "samples",
    "self",
    "shape",
    "some",
    "srvae",
    "std",
    "str",
    "super",
    "try",
    "type",
    "usize",
    "variables",
    "vec",
];

/// Names of one model: the model, its parameter, preset, two networks, and x, c, y, w, z.
type Chosen<'n> = [&'n str; 10];

/// Variables, values and networks with the names that members of a family could have in generated code.
const MEMBERS: &str = "model members
preset default { size = 3 }
param size = 5
index l in 1..3
observed x: real[4]
latent z[l]: real[2]
latent z_1, z_2: real[2]
let h[l] = x |> linear(out: size)
let h_2 = x |> linear(out: size) |> elu
net step[l](k) = k |> linear(out: size)
net step_2(k) = k |> linear(out: size) |> elu
p(z[l]) = standard_normal
p(z_1) = standard_normal
p(z_2) = standard_normal
p(x | z[1..3], z_1, z_2) = normal from concat(z[1..3], z_1, z_2) |> linear
q(z[l] | x) = normal from h[l] |> step[l] |> linear
q(z_1 | x) = normal from h_2 |> step_2 |> linear
q(z_2 | x, z[2]) = normal from concat(h_2 |> step_2, z[2]) |> linear
";

/// Names that differ in only one way, or are like names derived from others.
const CHOSEN: [Chosen<'_>; 4] = [
    ["x", "params", "default", "config", "q_z", "x", "p_x", "q_x", "conditional_generation", "z"],
    ["gen", "None", "self", "params", "config", "vec", "Vec", "ok", "Ok", "h1"],
    ["std", "type", "fn", "p_y", "net_", "draw", "draw_value", "y", "prior", "flow"],
    ["srvae", "size", "new", "self", "super", "log_p_x", "X", "x_each", "x", "crate"],
];

fn main() {
    let out = env::var("OUT_DIR").expect("cargo says where to write");
    println!("cargo::rerun-if-changed=build.rs");
    let dealt = NAMES.iter().cycle().step_by(7).take(NAMES.len()).copied().collect::<Vec<_>>();
    let dealt = dealt.chunks_exact(10).map(|names| <Chosen<'_>>::try_from(names).expect("ten names"));
    let (mut code, mut list) = (String::new(), String::new());
    let models = CHOSEN.into_iter().chain(dealt).map(|names| (names[0], text(names)));
    for (at, (name, text)) in models.chain([("members", MEMBERS.to_owned())]).enumerate() {
        let path = Path::new(&out).join(format!("hygiene_{at}.pgm"));
        fs::write(&path, text).expect("a file of ours");
        writeln!(code, "mod hygiene_{at} {{ ::srvae::model!({:?}); }}", path.display().to_string()).expect("a string");
        let module = match name {
            "Self" | "self" | "super" | "crate" | "_" => format!("{name}_2"),
            name => format!("r#{name}"),
        };
        writeln!(list, "    hygiene_{at}::{module}::COMPILED,").expect("a string");
    }
    let code = format!("{code}\npub const MODELS: &[::srvae::Compiled] = &[\n{list}];\n");
    fs::write(Path::new(&out).join("hygiene.rs"), code).expect("a file of ours");
}

fn text([model, param, preset, net, other, x, c, y, w, z]: Chosen<'_>) -> String {
    format!(
        "model {model}\nparam {param} = 5\npreset {preset} {{ {param} = 3 }}\n\
         net {net}(h) = h |> linear(out: {param}) |> elu\nnet {other}(h, k) = concat(h, k) |> {net} |> linear(out: 4)\n\
         observed {x}: image[3, 4, 4]\ngiven {c}: real[2]\nlatent {y}: image[1, 4, 4]\nlatent {w}, {z}: real[4]\n\
         p({w}) = standard_normal\n\
         p({y} | {w}) = logistic_mixture(components: 2) from {w} |> linear(out: 16) |> reshape(1, 4, 4) |> conv\n\
         p({z} | {y}, {w}, {c}) = normal from {other}(concat({y} |> flatten, {w}), {c}) |> linear\n\
         p({x} | {y}, {z}) = logistic_mixture(components: 2)\n\
         \x20 from concat({y}, {z} |> linear(out: 16) |> reshape(1, 4, 4)) |> conv\n\
         q({y} | {x}) = grayscale({x})\nq({w} | {y}) = normal from {y} |> flatten |> linear\n\
         q({z} | {x}, {y}) = normal from concat({x} |> flatten |> linear(out: 4), {y} |> flatten |> linear(out: 4)) |> linear\n"
    )
}
