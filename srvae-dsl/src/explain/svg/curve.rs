//! Points and quadratic Bézier curves.

/// A point of the drawing, in its units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

impl Point {
    pub fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// A point on the line to another, at a fraction of the distance.
    pub fn towards(self, other: Self, part: f64) -> Self {
        Self::new(self.x + part * (other.x - self.x), self.y + part * (other.y - self.y))
    }
}

/// A quadratic Bézier curve.
#[derive(Debug, Clone, Copy)]
pub struct Curve {
    pub from: Point,
    pub control: Point,
    pub to: Point,
}

impl Curve {
    /// A curve between two points. Its middle is displaced to the left of the straight line by `bend` times their
    /// distance.
    pub fn bent(from: Point, to: Point, bend: f64) -> Self {
        let middle = from.towards(to, 0.5);
        let control = Point::new(middle.x + 2.0 * bend * (to.y - from.y), middle.y - 2.0 * bend * (to.x - from.x));
        Self { from, control, to }
    }

    pub fn at(&self, t: f64) -> Point {
        self.from.towards(self.control, t).towards(self.control.towards(self.to, t), t)
    }

    /// Points along the curve, both ends included.
    pub fn points(&self, count: usize) -> impl Iterator<Item = Point> + '_ {
        (0..count).map(move |at| self.at(at as f64 / (count - 1) as f64))
    }

    /// The part of the curve between two values of its parameter.
    pub fn part(&self, start: f64, end: f64) -> Self {
        let after = Self { from: self.at(start), control: self.control.towards(self.to, start), to: self.to };
        let end = (end - start) / (1.0 - start);
        Self { from: after.from, control: after.from.towards(after.control, end), to: after.at(end) }
    }

    /// The curve without the parts within these distances of its ends.
    pub fn trimmed(&self, start: f64, end: f64) -> Self {
        const STEPS: usize = 200;
        let parameter = |at: usize| at as f64 / STEPS as f64;
        let first = (0..=STEPS).find(|at| self.at(parameter(*at)).distance(self.from) >= start).unwrap_or(0);
        let last = (0..=STEPS).rev().find(|at| self.at(parameter(*at)).distance(self.to) >= end).unwrap_or(STEPS);
        if first >= last { *self } else { self.part(parameter(first), parameter(last)) }
    }
}

/// Whether two line segments cross.
pub fn cross(a: (Point, Point), b: (Point, Point)) -> bool {
    let side = |p: Point, q: Point, r: Point| (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
    side(a.0, a.1, b.0) * side(a.0, a.1, b.1) < 0.0 && side(b.0, b.1, a.0) * side(b.0, b.1, a.1) < 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_trimmed_at_their_ends() {
        let curve = Curve::bent(Point::new(0.0, 0.0), Point::new(100.0, 0.0), 0.2);
        assert_eq!(curve.at(0.5), Point::new(50.0, -20.0));
        let trimmed = curve.trimmed(10.0, 20.0);
        assert!((trimmed.from.distance(curve.from) - 10.0).abs() < 1.0);
        assert!((trimmed.to.distance(curve.to) - 20.0).abs() < 1.0);
        assert!(curve.points(50).any(|point| point.distance(trimmed.at(0.5)) < 2.0));
    }

    #[test]
    fn segments_cross_or_do_not() {
        let point = Point::new;
        assert!(cross((point(0.0, 0.0), point(2.0, 2.0)), (point(0.0, 2.0), point(2.0, 0.0))));
        assert!(!cross((point(0.0, 0.0), point(2.0, 0.0)), (point(0.0, 1.0), point(2.0, 1.0))));
    }
}
