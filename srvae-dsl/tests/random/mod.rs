//! Random valid model files.

use std::fmt::Write as _;

/// A small random number generator (xorshift64*): the same seed yields the same file.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15 | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Uniform on [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// From 0 to `end`, excluded.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end.max(1)
    }

    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = ((-2.0 * (1.0 - self.unit()).ln()).sqrt(), std::f64::consts::TAU * self.unit());
        radius * angle.cos()
    }

    pub fn flip(&mut self) -> bool {
        self.next() >> 63 == 1
    }

    /// Each with probability one half, but at least one.
    pub fn some<T: Clone>(&mut self, all: &[T]) -> Vec<T> {
        let chosen: Vec<T> = all.iter().filter(|_| self.flip()).cloned().collect();
        if chosen.is_empty() && !all.is_empty() { vec![all[self.below(all.len())].clone()] } else { chosen }
    }
}

/// A variable of the generator.
#[derive(Clone)]
struct Variable {
    name: String,
    space: &'static str,
    shape: Vec<usize>,
}

impl Variable {
    fn declared(&self) -> String {
        format!("{}: {}{:?}", self.name, self.space, self.shape)
    }

    /// As a vector.
    fn flat(&self) -> String {
        if self.shape.len() > 1 { format!("{} |> flatten", self.name) } else { self.name.clone() }
    }
}

/// Functions of the image x in q, with the shapes of their values.
pub const FUNCTIONS: [(&str, &[usize]); 5] = [
    ("downscale(x, 2)", &[3, 2, 2]),
    ("downscale(x, 4)", &[3, 1, 1]),
    ("grayscale(x)", &[1, 4, 4]),
    ("sketch(x)", &[1, 4, 4]),
    ("fourier(x, 4)", &[3, 4, 4]),
];

/// Vectors and feature maps, images and classes, one or two observed variables, flows in p and q, functions in q, and
/// shared networks. Every generated file is valid.
pub fn model(dice: &mut Dice) -> String {
    let mut text = "model random\nparam width = 6\n".to_owned();
    let mut observed = vec![pick(dice, "x", &["image", "real", "binary"])];
    if dice.flip() {
        observed.push(pick(dice, "x2", &["label", "real", "binary"]));
    }
    let given: Vec<Variable> = if dice.flip() { vec![pick(dice, "c", &["label", "real"])] } else { Vec::new() };
    let levels = 1 + dice.below(4);
    let latents: Vec<Variable> = (1..=levels).map(|level| pick(dice, &format!("z{level}"), &["real"])).collect();
    let computed = (observed[0].space == "image" && dice.flip()).then(|| FUNCTIONS[dice.below(FUNCTIONS.len())]);
    let reduced = computed.map(|(_, shape)| Variable { name: "y".to_owned(), space: "image", shape: shape.to_vec() });
    for variable in &observed {
        writeln!(text, "observed {}", variable.declared()).unwrap();
    }
    for variable in &given {
        writeln!(text, "given {}", variable.declared()).unwrap();
    }
    for variable in latents.iter().chain(&reduced) {
        writeln!(text, "latent {}", variable.declared()).unwrap();
    }
    let shares = dice.flip();
    if shares {
        let size: usize = observed[0].shape.iter().product();
        writeln!(text, "net shared(h: real[{size}]) -> real[5] = h |> linear(out: width) |> silu |> linear(out: 5)")
            .unwrap();
    }
    // Each latent depends on some of those before it. The last depends on at least one, so none is isolated.
    let mut before: Vec<Variable> = given.clone();
    for latent in latents.iter().chain(&reduced) {
        let parents = if before.is_empty() || (dice.below(3) == 0 && latent.space == "real") {
            Vec::new()
        } else {
            dice.some(&before)
        };
        factor(dice, &mut text, "p", latent, &parents, None);
        before.push(latent.clone());
    }
    for variable in &observed {
        let parents = if dice.flip() { before.clone() } else { dice.some(&before) };
        factor(dice, &mut text, "p", variable, &parents, None);
    }
    // The order in q is different.
    let mut known: Vec<Variable> = observed.iter().chain(&given).cloned().collect();
    if let (Some(reduced), Some((function, _))) = (&reduced, computed) {
        writeln!(text, "q(y | x) = {function}").unwrap();
        known.push(reduced.clone());
    }
    let mut left = latents;
    while !left.is_empty() {
        let latent = left.remove(dice.below(left.len()));
        let mut parents = dice.some(&known);
        if shares && !parents.iter().any(|parent| parent.name == "x") {
            parents.push(observed[0].clone());
        }
        factor(dice, &mut text, "q", &latent, &parents, shares.then_some("shared"));
        known.push(latent);
    }
    text
}

fn pick(dice: &mut Dice, name: &str, spaces: &[&'static str]) -> Variable {
    let space = spaces[dice.below(spaces.len())];
    let shape = match space {
        "image" => vec![3, 4, 4],
        "label" => vec![2 + dice.below(4)],
        _ if dice.flip() => vec![1 + dice.below(4)],
        _ => vec![1 + dice.below(3), 2, 2],
    };
    Variable { name: name.to_owned(), space, shape }
}

fn factor(dice: &mut Dice, text: &mut String, side: &str, of: &Variable, parents: &[Variable], net: Option<&str>) {
    let names: Vec<_> = parents.iter().map(|parent| parent.name.as_str()).collect();
    let bar = if parents.is_empty() { String::new() } else { format!(" | {}", names.join(", ")) };
    let flow = match of.shape.len() {
        3 if of.space == "real" && dice.below(4) == 0 => " |> real_nvp(scales: 1, growth: 2, steps: 1)",
        _ => "",
    };
    if parents.is_empty() {
        let base = ["standard_normal", "mixture_of_normals(components: 3)"][dice.below(2)];
        writeln!(text, "{side}({}) = {base}{flow}", of.name).unwrap();
        return;
    }
    let base = match of.space {
        "image" => "logistic_mixture(components: 2)",
        "binary" => "bernoulli",
        "label" => "categorical",
        _ => "normal",
    };
    let branch = |dice: &mut Dice, parent: &Variable| match net {
        Some(net) if parent.name == "x" => format!("{} |> {net}", parent.flat()),
        _ if dice.flip() => format!("{} |> linear(out: {}) |> elu", parent.flat(), 1 + dice.below(4)),
        _ => parent.flat(),
    };
    let branches: Vec<_> = parents.iter().map(|parent| branch(dice, parent)).collect();
    let trunk = match branches.as_slice() {
        [one] => one.clone(),
        several => format!("concat({})", several.join(", ")),
    };
    let end = match of.shape.as_slice() {
        [_] => " |> linear".to_owned(),
        shape => format!(
            " |> linear(out: {}) |> reshape({}, {}, {}) |> conv(kernel: {})",
            2 * shape[1] * shape[2],
            2,
            shape[1],
            shape[2],
            1 + 2 * dice.below(2)
        ),
    };
    writeln!(text, "{side}({}{bar}) = {base}{flow} from {trunk}{end}", of.name).unwrap();
}

/// Vectors with normals whose means are linear, so the distribution of x is known exactly.
pub fn linear_gaussian(dice: &mut Dice) -> String {
    let latents: Vec<String> = (1..=1 + dice.below(3)).map(|level| format!("z{level}")).collect();
    let observed: Vec<String> = (1..=1 + dice.below(2)).map(|at| format!("x{at}")).collect();
    let mut text = "model gaussian\n".to_owned();
    for name in &latents {
        writeln!(text, "latent {name}: real[{}]", 1 + dice.below(2)).unwrap();
    }
    for name in &observed {
        writeln!(text, "observed {name}: real[{}]", 1 + dice.below(2)).unwrap();
    }
    let mut normal = |dice: &mut Dice, side: &str, of: &str, parents: &[String]| {
        let trunk = match parents {
            [] => return writeln!(text, "{side}({of}) = standard_normal").unwrap(),
            [one] => one.clone(),
            several if dice.flip() => format!("concat({})", several.join(", ")),
            several => {
                let branches: Vec<_> = several.iter().map(|parent| format!("{parent} |> linear(out: 2)")).collect();
                format!("concat({})", branches.join(", "))
            }
        };
        writeln!(text, "{side}({of} | {}) = normal from {trunk} |> linear", parents.join(", ")).unwrap();
    };
    for (at, latent) in latents.iter().enumerate() {
        let parents = if dice.below(3) == 0 { Vec::new() } else { dice.some(&latents[..at]) };
        normal(dice, "p", latent, &parents);
    }
    for variable in &observed {
        let parents = dice.some(&latents);
        normal(dice, "p", variable, &parents);
    }
    let (mut known, mut left) = (observed, latents);
    while !left.is_empty() {
        let latent = left.remove(dice.below(left.len()));
        let parents = dice.some(&known);
        normal(dice, "q", &latent, &parents);
        known.push(latent);
    }
    text
}
