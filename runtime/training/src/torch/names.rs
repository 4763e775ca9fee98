//! The names of the authors' PyTorch code for our parameters.
//!
//! One rule, from our name to theirs, segment by segment:
//! - the factor stays (`q_z`); a branch named after a variable, `y.`, becomes `y_nn.0.`, a trunk `core_nn.0.`, a flow `flows.`;
//!   the name of the block itself (`encoder`, `real_nvp`, …) goes;
//! - `dense.I`, `down.I`, `up.I` and `head` of a block are the items of one list, `core_nn.N`, in the order they are applied;
//!   resizing convolutions stand one list deeper (`core_nn.0`);
//! - in a dense layer, `steps.I.squeeze` and `steps.I.grow` are `core_nn.2I.dense_block.0` and `.1` (activations take the odd
//!   places), `attention.squeeze` and `.excite` are `core_nn.2S.ca_block.0` and `.1`, S the number of steps;
//! - a coupling's `dense` and `head` are `st_net.0` and `st_net.1`; `scale.S.inner.I` is `next_block` S times, then
//!   `in_couplings.I` (`outer`: `out_couplings`);
//! - a convolution's parameters stand below `conv`.

/// All parameter names with PyTorch's names.
pub fn torch_names(names: &[String]) -> Vec<(String, String)> {
    names.iter().map(|name| (name.clone(), torch_name(name, names))).collect()
}

/// PyTorch's name for `name`. `all` are the model's names, because the rule counts neighbouring parameters.
fn torch_name(name: &str, all: &[String]) -> String {
    let segments: Vec<&str> = name.split('.').collect();
    let Some(block) = segments.iter().position(|segment| is_block(segment)) else { return name.to_owned() };
    let mut out: Vec<String> =
        segments.first().filter(|_| block > 0).map(|factor| (*factor).to_owned()).into_iter().collect();
    match segments[block] {
        flow if flow.starts_with("real_nvp") => out.push("flows".into()),
        _ if block > 1 => out.extend([format!("{}_nn", segments[1]), "0".into()]),
        _ if block == 1 => out.extend(["core_nn".into(), "0".into()]),
        _ => {}
    }
    let prefix = segments[..=block].join(".");
    inside(&segments[block + 1..], &prefix, all, &mut out);
    out.join(".")
}

fn is_block(segment: &str) -> bool {
    let stem = segment.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
    ["encoder", "decoder", "densenet", "real_nvp"].contains(&stem)
}

/// The names below a block, a coupling or a dense layer at `prefix`.
fn inside(segments: &[&str], prefix: &str, all: &[String], out: &mut Vec<String>) {
    let deeper = |count: usize| format!("{prefix}.{}", segments[..count].join("."));
    match segments {
        ["scale", scale, kind, index, rest @ ..] => {
            out.extend(std::iter::repeat_n("next_block".to_owned(), scale.parse().unwrap_or(0)));
            out.push(if *kind == "inner" { "in_couplings".into() } else { "out_couplings".into() });
            out.push((*index).to_owned());
            coupling(rest, &deeper(4), all, out);
        }
        ["steps", index, part, rest @ ..] => {
            let place = 2 * index.parse::<usize>().unwrap_or(0);
            out.extend(["core_nn".into(), place.to_string(), "dense_block".into()]);
            convolution(usize::from(*part == "grow"), rest, out);
        }
        ["attention", part, rest @ ..] => {
            out.extend(["core_nn".into(), (2 * count(all, prefix, "steps")).to_string(), "ca_block".into()]);
            convolution(usize::from(*part == "excite"), rest, out);
        }
        ["dense", index, rest @ ..] => {
            let stride = if count(all, prefix, "down") + count(all, prefix, "up") > 0 { 2 } else { 1 };
            out.extend(["core_nn".into(), (stride * index.parse::<usize>().unwrap_or(0)).to_string()]);
            inside(rest, &deeper(2), all, out);
        }
        ["down" | "up", index, rest @ ..] => {
            let place = 2 * index.parse::<usize>().unwrap_or(0) + 1;
            out.extend(["core_nn".into(), place.to_string(), "core_nn".into()]);
            convolution(0, rest, out);
        }
        ["head", rest @ ..] => {
            let before: usize = ["dense", "down", "up"].iter().map(|kind| count(all, prefix, kind)).sum();
            out.push("core_nn".into());
            convolution(before, rest, out);
        }
        rest => out.extend(rest.iter().map(|segment| (*segment).to_owned())),
    }
}

fn coupling(segments: &[&str], prefix: &str, all: &[String], out: &mut Vec<String>) {
    match segments {
        ["dense", rest @ ..] => {
            out.extend(["st_net".into(), "0".into()]);
            inside(rest, &format!("{prefix}.dense"), all, out);
        }
        ["head", rest @ ..] => {
            out.push("st_net".into());
            convolution(1, rest, out);
        }
        rest => out.extend(rest.iter().map(|segment| (*segment).to_owned())),
    }
}

/// A convolution's place in its list, `conv`, and the parameter.
fn convolution(place: usize, rest: &[&str], out: &mut Vec<String>) {
    out.extend([place.to_string(), "conv".into()]);
    out.extend(rest.iter().map(|segment| (*segment).to_owned()));
}

/// The number of indices after `prefix.kind.`.
fn count(all: &[String], prefix: &str, kind: &str) -> usize {
    let start = format!("{prefix}.{kind}.");
    let index = |name: &String| name.strip_prefix(&start)?.split('.').next()?.parse::<usize>().ok();
    all.iter().filter_map(index).max().map_or(0, |last| last + 1)
}
