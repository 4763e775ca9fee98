//! Films of balls that bounce off the edges of the picture.

use super::Chance;
use super::canvas::{Canvas, Colour, disc, hsv};
use super::sequences::length;
use super::table::{Use, random};
use crate::picture::resize;
use crate::spec::{Space, Variable};

/// [channels, height, width] of a step that can show a film: an image, or a binary one of at least 8x8 pixels.
pub fn frame(variable: &Variable) -> Option<[usize; 3]> {
    let [channels, height, width] = <[usize; 3]>::try_from(variable.one()).ok().filter(|_| variable.steps)?;
    let is_large = height >= 8 && width >= 8;
    let shows = variable.space == Space::Image || variable.space == Space::Binary && is_large;
    shows.then_some([channels, height, width])
}

/// A ball. Lengths are in heights of the picture, speeds in heights per step.
struct Ball {
    place: [f32; 2],
    speed: [f32; 2],
    radius: f32,
    colour: Colour,
}

impl Ball {
    fn new(chance: &mut Chance, right: f32, class: usize) -> Self {
        let radius = chance.between(0.12, 0.18);
        let place = [right, 1.0].map(|end| chance.between(radius, (end - radius).max(radius)));
        let (direction, size) = (std::f32::consts::TAU * chance.between(0.0, 1.0), 0.06 + 0.008 * class as f32);
        let colour = hsv(class as f32 / super::CLASSES as f32 + chance.between(-0.03, 0.03), 0.5, 1.0);
        Self { place, speed: [size * direction.cos(), size * direction.sin()], radius, colour }
    }

    /// Moves by one step. At an edge the ball is reflected.
    fn step(&mut self, right: f32) {
        for ((place, speed), end) in self.place.iter_mut().zip(&mut self.speed).zip([right, 1.0]) {
            *place += *speed;
            let (low, high) = (self.radius, (end - self.radius).max(self.radius));
            if !(low..=high).contains(place) {
                *speed = -*speed;
                *place = if *place < low { 2.0 * low - *place } else { 2.0 * high - *place }.clamp(low, high);
            }
        }
    }
}

/// A film `[steps, channels, height, width]` in grey levels: one or two balls before a dark wall. The class is their
/// hue and speed. Black after the record's end.
pub fn film(steps: usize, [channels, height, width]: [usize; 3], index: usize, view: usize, class: usize) -> Vec<u8> {
    let mut chance = Chance(random(Use::Record, index, view + 6000));
    let empty = Canvas::new(height, width);
    let right = empty.right();
    let wall = hsv(chance.between(0.0, 1.0), 0.4, 0.2);
    let mut balls: Vec<Ball> = (0..1 + index % 2).map(|_| Ball::new(&mut chance, right, class)).collect();
    let size = channels * height * width;
    let mut film = vec![0; steps * size];
    for picture in film.chunks_mut(size.max(1)).take(length(steps, index)) {
        let mut canvas = Canvas::new(height, width);
        canvas.paint(|_, _| wall);
        for ball in &mut balls {
            canvas.fill(disc((ball.place[0], ball.place[1]), ball.radius), |_, _| ball.colour, 1.0);
            ball.step(right);
        }
        picture.copy_from_slice(&resize::fit(&canvas.bytes(), [3, height, width], [channels, height, width]));
    }
    film
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean and the centre of mass of the brightness above the wall's.
    fn ball(frame: &[u8], side: usize) -> (f32, [f32; 2]) {
        let wall = f32::from(*frame.iter().min().unwrap());
        let each = frame.iter().enumerate().map(|(at, &level)| (at, f32::from(level) - wall));
        let (sum, x, y) = each.fold((0.0, 0.0, 0.0), |(sum, x, y), (at, light)| {
            (sum + light, x + light * (at % side) as f32, y + light * (at / side) as f32)
        });
        (sum / frame.len() as f32, [x / sum / side as f32, y / sum / side as f32])
    }

    #[test]
    fn a_ball_stays_whole_and_moves_at_its_speed() {
        let (side, class) = (16, 4);
        for index in (0..40).map(|at| 2 * at) {
            let all = film(12, [1, side, side], index, 0, class);
            let frames: Vec<&[u8]> = all.chunks(side * side).collect();
            let (shown, after) = frames.split_at(length(12, index));
            assert!(after.iter().all(|frame| frame.iter().all(|&level| level == 0)));
            let balls: Vec<(f32, [f32; 2])> = shown.iter().map(|frame| ball(frame, side)).collect();
            for pair in balls.windows(2) {
                let ((before, from), (after, to)) = (pair[0], pair[1]);
                // The soft edge is one of about two pixels of the radius; its rounding is some percent of the area.
                assert!((before - after).abs() < 0.1 * before, "{before} {after}");
                // 0.092 heights per step, at a reflection less; the centre is exact to a tenth of a pixel.
                let moved = (to[0] - from[0]).hypot(to[1] - from[1]);
                assert!(moved < 0.092 + 0.1 / side as f32, "{moved}");
            }
            let [first, last] = [balls[0].1, balls[balls.len() / 2].1];
            assert!(first != last);
        }
    }

    #[test]
    fn films_of_two_balls_are_brighter_in_every_frame() {
        let light = |index: usize| {
            let all = film(4, [1, 24, 24], index, 0, 0);
            ball(&all[..24 * 24], 24).0
        };
        let mean = |first: usize| (0..50).map(|at| light(2 * at + first)).sum::<f32>() / 50.0;
        // Overlaps of two balls hide less than a third of their area on average.
        assert!(mean(1) > 1.4 * mean(0), "{} {}", mean(1), mean(0));
    }
}
