//! Scenes with objects: a house, a city, flowers, a pattern.

use super::Chance;
use super::canvas::{Canvas, Colour, disc, ellipse, hsv, mix, rectangle, shade, stroke, triangle};
use super::nature::{day_sky, land};
use super::texture::noise;

pub fn house(canvas: &mut Canvas, chance: &mut Chance) {
    let horizon = chance.between(0.6, 0.75);
    day_sky(canvas, chance, horizon);
    let grass = hsv(chance.between(0.2, 0.36), chance.between(0.4, 0.65), chance.between(0.35, 0.6));
    land(canvas, chance, horizon, 0.05, 1.5, grass);
    let (half, wall_height) = (chance.between(0.16, 0.28), chance.between(0.2, 0.32));
    let centre = chance.between(0.32, 0.68) * canvas.right();
    let foot = horizon + chance.between(0.08, 0.16);
    let top = foot - wall_height;
    let wall = hsv(chance.between(0.0, 1.0), chance.between(0.05, 0.5), chance.between(0.6, 0.95));
    let (roof, seed) = (hsv(chance.of(&[0.0, 0.02, 0.06, 0.6, 0.9]), 0.55, chance.between(0.3, 0.6)), chance.seed());
    let bricks = chance.of(&[0.0, 0.05, 0.12]);
    canvas.fill(
        rectangle((centre - half, top), (centre + half, foot)),
        |x, y| shade(wall, 1.0 - bricks * f32::from((y * 60.0).sin() > 0.3) + 0.03 * noise(seed, x * 30.0, y * 30.0)),
        1.0,
    );
    let peak = half * chance.between(0.55, 1.0);
    if chance.yes(0.6) {
        let x = centre + half * chance.of(&[-0.5, 0.5]);
        canvas.fill(rectangle((x - 0.03, top - peak), (x + 0.03, top)), |_, _| shade(roof, 0.7), 1.0);
    }
    let tiles = |_: f32, y: f32| shade(roof, 0.95 + 0.12 * (y * 75.0).sin());
    canvas.fill(triangle((centre, top - peak), half * 1.2, peak + 0.01), tiles, 1.0);
    let door = hsv(chance.between(0.0, 1.0), 0.6, chance.between(0.25, 0.5));
    let (door_x, door_half) = (centre + half * chance.of(&[-0.45, 0.0, 0.45]), half * 0.17);
    canvas.fill(
        rectangle((door_x - door_half, foot - wall_height * 0.6), (door_x + door_half, foot)),
        |_, _| door,
        1.0,
    );
    let glass = if chance.yes(0.3) { [1.0, 0.88, 0.5] } else { [0.55, 0.72, 0.85] };
    for place in [-0.45, 0.0, 0.45] {
        let x = centre + half * place;
        if (x - door_x).abs() > door_half {
            window(canvas, (x, top + wall_height * 0.4), half * 0.16, glass);
        }
    }
    if chance.yes(0.5) {
        let path = mix(grass, [0.8, 0.72, 0.6], 0.7);
        let spread = |y: f32| door_half + 0.5 * (y - foot).max(0.0);
        canvas.fill(|x, y| ((x - door_x).abs() - spread(y)).max(foot - y), |_, _| path, 1.0);
    }
}

fn window(canvas: &mut Canvas, centre: (f32, f32), half: f32, glass: Colour) {
    let frame = |grow: f32| {
        rectangle((centre.0 - half * grow, centre.1 - half * grow), (centre.0 + half * grow, centre.1 + half * grow))
    };
    canvas.fill(frame(1.3), |_, _| [0.95, 0.95, 0.93], 1.0);
    canvas.fill(frame(0.9), |x, y| shade(glass, if x - centre.0 > y - centre.1 { 1.1 } else { 0.85 }), 1.0);
}

pub fn city(canvas: &mut Canvas, chance: &mut Chance) {
    let late = chance.yes(0.5);
    if late {
        let (top, low) = (hsv(chance.between(0.6, 0.8), 0.6, 0.25), hsv(chance.between(-0.1, 0.08), 0.5, 0.75));
        canvas.paint(|_, y| mix(top, low, y));
    } else {
        day_sky(canvas, chance, 0.85);
    }
    let hue = chance.between(0.0, 1.0);
    for row in 0..3 {
        let near = row as f32 / 2.0;
        let mut left = chance.between(-0.1, 0.0);
        while left < canvas.right() {
            let width = chance.between(0.1, 0.24);
            let top = 0.35 + 0.25 * near + chance.between(-0.22, 0.15);
            let value = if late { 0.35 - 0.25 * near } else { 0.75 - 0.35 * near };
            let wall =
                hsv(hue + chance.between(-0.1, 0.1), chance.between(0.08, 0.3), value * chance.between(0.8, 1.2));
            tower(canvas, chance, (left, top), width, wall, late);
            left += width + chance.between(-0.01, 0.05) * (1.0 - near);
        }
    }
    let street = if late { [0.1, 0.1, 0.13] } else { [0.4, 0.4, 0.42] };
    let lane =
        |x: f32, y: f32| if (y - 0.95).abs() < 0.012 && (x * 18.0).sin() > 0.0 { [0.9, 0.85, 0.6] } else { street };
    canvas.fill(|_, y| 0.9 - y, lane, 1.0);
}

fn tower(canvas: &mut Canvas, chance: &mut Chance, corner: (f32, f32), width: f32, wall: Colour, late: bool) {
    let (seed, across, up) = (chance.seed(), chance.of(&[30.0, 40.0, 50.0]), chance.of(&[30.0, 40.0]));
    let glass = if late { [1.0, 0.85, 0.5] } else { mix(wall, [0.6, 0.75, 0.9], 0.6) };
    let lit_share = if late { 0.0 } else { -0.8 };
    let facade = |x: f32, y: f32| {
        let (u, v) = ((x - corner.0) * across / 2.0, (y - corner.1) * up / 2.0);
        let pane = u.fract() > 0.45 && v.fract() > 0.45 && u > 0.5 && u < width * across / 2.0 - 0.3;
        let lit = noise(seed, u.floor() * 7.3, v.floor() * 5.7) > lit_share;
        if pane && lit { glass } else { shade(wall, 1.0 - 0.25 * f32::from(x > corner.0 + 0.8 * width)) }
    };
    canvas.fill(rectangle(corner, (corner.0 + width, 1.0)), facade, 1.0);
    if chance.yes(0.25) {
        let x = corner.0 + width / 2.0;
        canvas.fill(stroke((x, corner.1), (x, corner.1 - chance.between(0.05, 0.14)), 0.006), |_, _| wall, 1.0);
    }
}

pub fn flowers(canvas: &mut Canvas, chance: &mut Chance) {
    let horizon = chance.between(0.15, 0.45);
    day_sky(canvas, chance, horizon);
    let green = hsv(chance.between(0.2, 0.36), chance.between(0.45, 0.7), chance.between(0.35, 0.55));
    let seed = chance.seed();
    let blades = |x: f32, y: f32| shade(green, 0.85 + 0.25 * noise(seed, x * 40.0, y * 9.0) + 0.2 * (y - horizon));
    canvas.fill(|x, y| horizon + 0.03 * noise(seed, x * 5.0, 0.0) - y, blades, 1.0);
    let hue = chance.between(0.0, 1.0);
    let several = chance.yes(0.4);
    let count = chance.count(3, 9);
    for number in 0..count {
        let y = horizon + 0.1 + (0.8 - horizon) * (number as f32 + chance.between(0.0, 1.0)) / count as f32;
        let x = chance.between(0.05, 0.95) * canvas.right();
        let size = 0.04 + 0.13 * (y - horizon);
        let own = if several { chance.between(0.0, 1.0) } else { hue + chance.between(-0.04, 0.04) };
        let petal = hsv(own, chance.between(0.4, 0.9), chance.between(0.8, 1.0));
        flower(canvas, chance, (x, y), size, petal);
    }
}

fn flower(canvas: &mut Canvas, chance: &mut Chance, at: (f32, f32), size: f32, petal: Colour) {
    let lean = chance.between(-0.3, 0.3) * size;
    canvas.fill(stroke(at, (at.0 + lean, at.1 + 3.0 * size), 0.12 * size), |_, _| [0.2, 0.45, 0.15], 1.0);
    if chance.yes(0.25) {
        canvas.fill(ellipse(at, (0.6 * size, size)), |x, _| shade(petal, if x < at.0 { 1.0 } else { 0.8 }), 1.0);
        return;
    }
    let (petals, turn) = (chance.of(&[5.0, 6.0, 8.0]), chance.between(0.0, 6.0));
    let outline = |x: f32, y: f32| {
        let (dx, dy) = (x - at.0, y - at.1);
        dx.hypot(dy) - size * (0.75 + 0.3 * (petals * (dy.atan2(dx) + turn)).cos())
    };
    canvas.fill(outline, |x, y| shade(petal, 0.75 + 0.3 * (x - at.0).hypot(y - at.1) / size), 1.0);
    canvas.fill(disc(at, 0.32 * size), |_, _| [0.95, 0.8, 0.25], 1.0);
}

pub fn pattern(canvas: &mut Canvas, chance: &mut Chance) {
    let hue = chance.between(0.0, 1.0);
    let paper = hsv(hue, chance.between(0.1, 0.6), chance.between(0.55, 0.95));
    let ink = hsv(hue + chance.of(&[0.08, 0.33, 0.5]), chance.between(0.4, 0.8), chance.between(0.25, 0.75));
    let (angle, scale, seed) = (chance.between(0.0, 3.2), chance.between(4.0, 9.0), chance.seed());
    let kind = chance.count(0, 5);
    let (cosine, sine) = (angle.cos(), angle.sin());
    let bend = chance.of(&[0.0, 0.0, 0.25]);
    let wave = move |x: f32, y: f32| {
        let (u, v) = ((x * cosine - y * sine) * scale, (x * sine + y * cosine) * scale);
        let u = u + bend * (v * 2.0).sin();
        let cell = (u - u.round()).hypot(v - v.round());
        match kind {
            0 => (u * std::f32::consts::TAU).sin(),
            1 => (u * std::f32::consts::PI).sin() * (v * std::f32::consts::PI).sin() * 2.0,
            2 => (0.3 - cell) * 5.0,
            3 => ((x - 0.5).hypot(y - 0.5) * scale * std::f32::consts::TAU).sin(),
            4 => ((u * std::f32::consts::TAU).sin()).max((v * std::f32::consts::TAU).sin()) - 0.5,
            _ => 3.0 * noise(seed, u * 0.7, v * 0.7),
        }
    };
    let (weave, across) = (chance.between(0.0, 0.12), 60.0);
    let cloth = |colour: Colour, x: f32, y: f32| shade(colour, 1.0 + weave * (x * across).sin() * (y * across).sin());
    canvas.paint(|x, y| cloth(paper, x, y));
    canvas.fill(|x, y| -0.03 * wave(x, y), |x, y| cloth(ink, x, y), 1.0);
    let glow = (chance.between(0.0, 1.0), chance.between(0.0, 1.0));
    let strength = chance.between(0.0, 0.35);
    canvas.light(|x, y| strength * (0.5 - (x - glow.0).hypot(y - glow.1)), [1.0, 1.0, 0.95]);
}
