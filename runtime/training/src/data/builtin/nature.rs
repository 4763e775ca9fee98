//! Scenes of landscapes: hills, sea, night, forest, mountains, desert.

use super::Chance;
use super::canvas::{Canvas, Colour, disc, ellipse, hsv, mix, rectangle, shade, stroke, triangle};
use super::texture::{cloud, noise, ridge};

const WHITE: Colour = [0.97, 0.97, 0.96];

pub fn hills(canvas: &mut Canvas, chance: &mut Chance) {
    let horizon = chance.between(0.4, 0.6);
    day_sky(canvas, chance, horizon);
    let hue = chance.between(0.18, 0.38);
    let layers = chance.count(2, 4);
    for layer in 0..layers {
        let depth = (layer + 1) as f32 / layers as f32;
        let base = horizon + (0.95 - horizon) * (depth - 0.5 / layers as f32);
        let colour = hsv(hue + chance.between(-0.04, 0.04), 0.35 + 0.35 * depth, 0.75 - 0.35 * depth);
        land(canvas, chance, base, 0.12, chance_width(layer), colour);
    }
    for _ in 0..chance.count(0, 4) {
        let y = chance.between(horizon + 0.12, 0.9);
        let x = chance.between(0.0, canvas.right());
        round_tree(canvas, chance, (x, y), 0.1 + 0.35 * (y - horizon));
    }
}

fn chance_width(layer: u32) -> f32 {
    1.5 + 0.5 * layer as f32
}

pub fn sea(canvas: &mut Canvas, chance: &mut Chance) {
    let horizon = chance.between(0.4, 0.62);
    let evening = chance.yes(0.6);
    let sun_x = chance.between(0.15, 0.85) * canvas.right();
    let (sky, glow) = if evening {
        let hue = chance.between(-0.06, 0.1);
        (hsv(hue + chance.between(0.5, 0.75), 0.45, 0.55), hsv(hue, 0.65, 1.0))
    } else {
        (hsv(chance.between(0.53, 0.62), 0.6, 0.85), [0.85, 0.93, 0.97])
    };
    canvas.paint(|_, y| mix(sky, glow, (y / horizon).clamp(0.0, 1.0).powi(2)));
    clouds(canvas, chance, horizon, mix(glow, WHITE, 0.5));
    let sun_y = horizon - chance.between(0.0, 0.25);
    let sun = mix(glow, [1.0, 0.95, 0.75], 0.7);
    if evening {
        canvas.light(|x, y| 0.35 * (-(x - sun_x).hypot(y - sun_y) * 4.0).exp(), sun);
        canvas.fill(disc((sun_x, sun_y), chance.between(0.05, 0.11)), |_, _| sun, 1.0);
    }
    let deep = shade(mix(sky, [0.05, 0.3, 0.45], 0.5), 0.75);
    let (seed, waves) = (chance.seed(), chance.between(18.0, 34.0));
    canvas.fill(
        |_, y| horizon - y,
        |x, y| {
            let near = ((y - horizon) / (1.0 - horizon)).clamp(0.0, 1.0);
            let ripple = noise(seed, x * 7.0 / (0.3 + near), y * waves);
            let path = if evening { 0.7 * (-((x - sun_x) / (0.06 + 0.2 * near)).powi(2)).exp() } else { 0.0 };
            let water = mix(mix(glow, deep, 0.45 + 0.5 * near), deep, 0.2 * ripple + 0.2);
            mix(water, sun, path * (0.45 + 0.45 * ripple).clamp(0.0, 1.0))
        },
        1.0,
    );
    if chance.yes(0.55) {
        boat(canvas, chance, horizon);
    }
}

fn boat(canvas: &mut Canvas, chance: &mut Chance, horizon: f32) {
    let size = chance.between(0.08, 0.18);
    let y = chance.between(horizon + 0.06, 0.85);
    let x = chance.between(0.2, 0.8) * canvas.right();
    let hull = hsv(chance.between(0.0, 1.0), 0.6, 0.35);
    let sail = mix(WHITE, hsv(chance.between(0.0, 1.0), 0.7, 0.9), chance.of(&[0.1, 0.2, 0.8]));
    canvas.fill(stroke((x, y), (x, y - 2.0 * size), 0.008), |_, _| shade(hull, 0.6), 1.0);
    let peak = (x + 0.1 * size, y - 2.0 * size);
    canvas.fill(|px, py| triangle(peak, 0.8 * size, 1.75 * size)(px, py).max(peak.0 - px), |_, _| sail, 1.0);
    canvas.fill(|px, py| ellipse((x, y), (size, 0.5 * size))(px, py).max(y - 0.05 * size - py), |_, _| hull, 1.0);
}

pub fn night(canvas: &mut Canvas, chance: &mut Chance) {
    let top = hsv(chance.between(0.6, 0.75), chance.between(0.6, 0.9), chance.between(0.08, 0.2));
    let low = hsv(chance.between(0.55, 0.85), 0.6, chance.between(0.25, 0.45));
    canvas.paint(|_, y| mix(top, low, y.powf(1.5)));
    for _ in 0..chance.count(6, 28) {
        let at = (chance.between(0.0, canvas.right()), chance.between(0.0, 0.75));
        let (size, bright) = (chance.between(0.004, 0.014), chance.between(0.4, 1.0));
        canvas.fill(disc(at, size), |_, _| [0.95, 0.95, 0.85], bright);
    }
    let moon = (chance.between(0.15, 0.85) * canvas.right(), chance.between(0.12, 0.4));
    let radius = chance.between(0.07, 0.14);
    canvas.light(|x, y| 0.22 * (-((x - moon.0).hypot(y - moon.1) - radius).max(0.0) * 6.0).exp(), [0.8, 0.85, 1.0]);
    let bite = if chance.yes(0.5) { chance.between(0.5, 1.1) * radius } else { 9.0 };
    let seed = chance.seed();
    canvas.fill(
        |x, y| disc(moon, radius)(x, y).max(-disc((moon.0 + bite, moon.1 - 0.3 * bite), radius)(x, y)),
        |x, y| shade([0.98, 0.96, 0.86], 0.92 + 0.1 * noise(seed, x * 16.0, y * 16.0)),
        1.0,
    );
    let ground = shade(low, chance.between(0.15, 0.35));
    let base = chance.between(0.7, 0.88);
    land(canvas, chance, base, 0.1, 2.0, ground);
    if chance.yes(0.5) {
        for _ in 0..chance.count(1, 5) {
            let (x, height) = (chance.between(0.0, canvas.right()), chance.between(0.15, 0.35));
            pine(canvas, (x, base + 0.05), height, shade(ground, 0.7));
        }
    }
}

pub fn forest(canvas: &mut Canvas, chance: &mut Chance) {
    let horizon = chance.between(0.5, 0.7);
    day_sky(canvas, chance, horizon);
    let autumn = chance.yes(0.3);
    let hue = if autumn { chance.between(0.04, 0.14) } else { chance.between(0.25, 0.42) };
    let mist = mix(hsv(hue, 0.2, 0.75), [0.7, 0.78, 0.8], 0.5);
    let ground = hsv(chance.between(0.15, 0.35), 0.45, chance.between(0.25, 0.5));
    land(canvas, chance, horizon + 0.08, 0.05, 2.0, mix(ground, mist, 0.3));
    let rows = chance.count(2, 3);
    for row in 0..rows {
        let near = (row + 1) as f32 / rows as f32;
        let foot = horizon + 0.1 + (0.92 - horizon) * near * 0.8;
        for _ in 0..(11 - 3 * row - chance.count(0, 2)) {
            let x = chance.between(-0.05, canvas.right() + 0.05);
            let height = (0.25 + 0.5 * near) * chance.between(0.7, 1.15);
            let green = hsv(hue + chance.between(-0.03, 0.03), 0.6, chance.between(0.2, 0.4) + 0.1 * near);
            let colour = mix(mist, green, 0.35 + 0.65 * near);
            if autumn {
                round_tree_of(canvas, chance, (x, foot), height, colour);
            } else {
                pine(canvas, (x, foot + chance.between(-0.02, 0.04)), height, colour);
            }
        }
    }
}

pub fn mountains(canvas: &mut Canvas, chance: &mut Chance) {
    let horizon = chance.between(0.6, 0.78);
    day_sky(canvas, chance, horizon);
    let rock = hsv(chance.between(0.55, 0.75), chance.between(0.1, 0.35), chance.between(0.35, 0.55));
    for layer in 0..chance.count(2, 4) {
        let apex =
            (chance.between(-0.1, 1.1) * canvas.right(), horizon - chance.between(0.25, 0.55) + 0.05 * layer as f32);
        let height = horizon - apex.1 + 0.02;
        let half_width = height * chance.between(0.7, 1.3);
        let snow = apex.1 + height * chance.between(0.2, 0.45);
        let seed = chance.seed();
        let own = shade(rock, chance.between(0.8, 1.15));
        let jag = move |x: f32, y: f32| 0.05 * cloud(seed, x * 6.0, y * 6.0);
        canvas.fill(
            |x, y| triangle(apex, half_width, height)(x + jag(x, y), y),
            |x, y| {
                let lit = if x < apex.0 + jag(y, x) * 2.0 { 1.15 } else { 0.7 };
                let line = snow + 0.12 * noise(seed, x * 14.0, 0.0);
                let colour = if y < line { [0.9, 0.93, 0.97] } else { own };
                shade(colour, lit * (1.0 + 0.12 * noise(seed, x * 20.0, y * 20.0)))
            },
            1.0,
        );
    }
    if chance.yes(0.5) {
        lake(canvas, chance, horizon, rock);
    } else {
        let meadow = hsv(chance.between(0.2, 0.38), 0.5, chance.between(0.35, 0.55));
        land(canvas, chance, horizon, 0.04, 2.0, meadow);
        for _ in 0..chance.count(0, 6) {
            let foot = (chance.between(0.0, canvas.right()), chance.between(horizon + 0.05, 0.95));
            pine(canvas, foot, chance.between(0.12, 0.25), shade(meadow, 0.5));
        }
    }
}

fn lake(canvas: &mut Canvas, chance: &mut Chance, horizon: f32, rock: Colour) {
    let (seed, blue) = (chance.seed(), hsv(chance.between(0.5, 0.62), 0.55, chance.between(0.4, 0.65)));
    let ripples = |x: f32, y: f32| noise(seed, x * 5.0, y * 40.0);
    canvas.fill(
        |_, y| horizon - y,
        |x, y| mix(mix(blue, rock, 0.25), WHITE, (0.12 + 0.12 * ripples(x, y)) * (1.3 - y)),
        1.0,
    );
}

pub fn desert(canvas: &mut Canvas, chance: &mut Chance) {
    let horizon = chance.between(0.45, 0.65);
    let (top, low) = (hsv(chance.between(0.52, 0.6), 0.5, 0.85), hsv(chance.between(0.07, 0.14), 0.3, 0.97));
    canvas.paint(|_, y| mix(top, low, (y / horizon).clamp(0.0, 1.0)));
    let sun = (chance.between(0.1, 0.9) * canvas.right(), chance.between(0.1, 0.3));
    canvas.fill(disc(sun, chance.between(0.05, 0.1)), |_, _| [1.0, 0.97, 0.8], 1.0);
    let sand = hsv(chance.between(0.06, 0.13), chance.between(0.4, 0.65), chance.between(0.75, 0.95));
    if chance.yes(0.4) {
        for _ in 0..chance.count(1, 3) {
            let height = chance.between(0.15, 0.35);
            let apex = (chance.between(0.1, 0.9) * canvas.right(), horizon + 0.03 - height);
            let ridge = apex.0 + chance.between(-0.06, 0.06);
            let stone = shade(sand, 0.9);
            let lit = |x: f32, y: f32| shade(stone, if x < ridge { 1.05 } else { 0.65 } + 0.04 * (y * 90.0).sin());
            canvas.fill(triangle(apex, height * 1.1, height), lit, 1.0);
        }
    }
    for layer in 0..chance.count(1, 3) {
        let base = horizon + 0.14 * layer as f32;
        let dune = shade(sand, chance.between(0.8, 1.05));
        let (seed, scale) = (chance.seed(), chance.between(0.8, 1.6));
        canvas.fill(
            |x, y| base + 0.09 * ridge(seed, x * scale) - y,
            |x, y| shade(dune, 0.93 + 0.1 * ((y * 70.0 + 6.0 * noise(seed, x * 4.0, y * 4.0)).sin())),
            1.0,
        );
    }
    for _ in 0..chance.count(0, 3) {
        let foot = (chance.between(0.1, 0.9) * canvas.right(), chance.between(horizon + 0.1, 0.92));
        cactus(canvas, chance, foot, chance_height(foot.1));
    }
}

fn chance_height(foot: f32) -> f32 {
    0.12 + 0.3 * (foot - 0.45)
}

fn cactus(canvas: &mut Canvas, chance: &mut Chance, foot: (f32, f32), height: f32) {
    let green = hsv(chance.between(0.28, 0.4), 0.6, chance.between(0.3, 0.5));
    let width = height * 0.11;
    let lit = move |x: f32, _: f32| shade(green, if x < foot.0 { 1.1 } else { 0.8 });
    canvas.fill(stroke(foot, (foot.0, foot.1 - height), width), lit, 1.0);
    for side in [-1.0, 1.0] {
        if chance.yes(0.7) {
            let elbow = (foot.0 + side * height * 0.32, foot.1 - height * chance.between(0.35, 0.6));
            canvas.fill(stroke((foot.0, elbow.1), elbow, width * 0.8), lit, 1.0);
            canvas.fill(stroke(elbow, (elbow.0, elbow.1 - height * 0.3), width * 0.8), lit, 1.0);
        }
    }
}

/// A day sky, sometimes with clouds and a sun.
pub fn day_sky(canvas: &mut Canvas, chance: &mut Chance, horizon: f32) {
    let hue = chance.of(&[0.55, 0.57, 0.6, 0.62, 0.08]) + chance.between(-0.03, 0.03);
    let top = hsv(hue, chance.between(0.3, 0.7), chance.between(0.7, 0.95));
    let low = mix(top, [0.95, 0.95, 0.92], chance.between(0.5, 0.85));
    canvas.paint(|_, y| mix(top, low, (y / horizon).clamp(0.0, 1.0)));
    if chance.yes(0.5) {
        let at = (chance.between(0.05, 0.95) * canvas.right(), chance.between(0.05, horizon * 0.6));
        let sun = [1.0, 0.95, chance.between(0.5, 0.85)];
        canvas.light(|x, y| 0.25 * (-(x - at.0).hypot(y - at.1) * 6.0).exp(), sun);
        canvas.fill(disc(at, chance.between(0.05, 0.1)), |_, _| sun, 1.0);
    }
    if chance.yes(0.7) {
        clouds(canvas, chance, horizon, WHITE);
    }
}

fn clouds(canvas: &mut Canvas, chance: &mut Chance, horizon: f32, colour: Colour) {
    let (seed, scale, cover) = (chance.seed(), chance.between(2.5, 5.0), chance.between(-0.1, 0.25));
    let strength = chance.between(0.5, 0.95);
    canvas.fill(
        |x, y| if y < horizon { 0.06 * (cover - cloud(seed, x * scale, y * scale * 1.8)) } else { 1.0 },
        |x, y| shade(colour, 0.95 + 0.06 * cloud(seed, x * scale * 2.0, y * scale * 4.0 - 0.4)),
        strength,
    );
}

/// Ground below a rolling line, with grain.
pub fn land(canvas: &mut Canvas, chance: &mut Chance, base: f32, rise: f32, scale: f32, colour: Colour) {
    let (seed, grain) = (chance.seed(), chance.between(0.06, 0.2));
    canvas.fill(
        |x, y| base + rise * ridge(seed, x * scale) - y,
        |x, y| shade(colour, 1.0 - 0.3 * (y - base) + grain * noise(seed, x * 22.0, y * 30.0)),
        1.0,
    );
}

fn pine(canvas: &mut Canvas, foot: (f32, f32), height: f32, colour: Colour) {
    let trunk = ((foot.0 - 0.03 * height, foot.1 - 0.2 * height), (foot.0 + 0.03 * height, foot.1));
    canvas.fill(rectangle(trunk.0, trunk.1), |_, _| [0.3, 0.2, 0.12], 1.0);
    for tier in 0..3 {
        let top = foot.1 - height * (1.0 - 0.24 * tier as f32);
        let half_width = height * (0.13 + 0.06 * tier as f32);
        let lit = move |x: f32, _: f32| shade(colour, if x < foot.0 { 1.12 } else { 0.82 });
        canvas.fill(triangle((foot.0, top), half_width, height * 0.38), lit, 1.0);
    }
}

fn round_tree(canvas: &mut Canvas, chance: &mut Chance, foot: (f32, f32), height: f32) {
    let colour = hsv(chance.between(0.2, 0.4), 0.6, chance.between(0.3, 0.55));
    round_tree_of(canvas, chance, foot, height, colour);
}

fn round_tree_of(canvas: &mut Canvas, chance: &mut Chance, foot: (f32, f32), height: f32, colour: Colour) {
    canvas.fill(stroke(foot, (foot.0, foot.1 - 0.6 * height), 0.04 * height), |_, _| [0.32, 0.22, 0.14], 1.0);
    let (crown, seed) = ((foot.0, foot.1 - 0.68 * height), chance.seed());
    canvas.fill(
        |x, y| disc(crown, 0.32 * height)(x, y) + 0.1 * height * noise(seed, x * 9.0 / height, y * 9.0 / height),
        |x, y| shade(colour, 0.95 - 0.8 * (y - crown.1) / height + 0.18 * noise(seed, x * 25.0, y * 25.0)),
        1.0,
    );
}
