use super::*;

const UNIT: Interval = Interval::open(0.0, 1.0);
const BINARY: Interval = Interval::closed(0.0, 1.0);

fn of(at: usize, interval: Interval) -> Polynomial {
    Polynomial::unknown(Unknown::Node { of: None, at: vec![at] }, interval)
}

fn rest(of: &Polynomial) -> Polynomial {
    of.clone().scaled(-1.0, 1.0)
}

#[test]
fn unknown_numbers_cancel_and_different_ones_do_not() {
    let (keep, other) = (of(1, UNIT), of(2, UNIT));
    assert_eq!(keep.clone().plus(&rest(&keep)).number(), Some(1.0));
    assert_eq!(keep.clone().plus(&rest(&other)).number(), None);
    assert_eq!(keep.times(&Polynomial::constant(2.0)), keep.clone().plus(&keep));
    assert_eq!(keep.times(&keep).minus(&keep.times(&keep)).number(), Some(0.0));
    assert_eq!(keep.times(&keep).minus(&keep).number(), None);
    let long = (0..=MOST_UNKNOWN).fold(Polynomial::default(), |sum, at| sum.plus(&of(at, UNIT)));
    assert!(long.is_long() && !keep.is_long());
}

#[test]
fn averages_lie_between_what_they_average() {
    let average = |a: &Polynomial, p: &Polynomial, q: &Polynomial| a.times(p).plus(&rest(a).times(q)).bounds();
    let (a, z, p, q) = (of(1, UNIT), of(2, BINARY), of(3, UNIT), of(4, UNIT));
    let (s, t) = (of(5, Interval::POSITIVE), of(6, Interval::POSITIVE));
    assert_eq!(average(&a, &p, &q), UNIT);
    assert_eq!(average(&z, &p, &q), UNIT);
    assert_eq!(average(&a, &z, &q), UNIT);
    assert_eq!(average(&z, &s, &t), Interval::POSITIVE);
    assert_eq!(average(&a, &s, &of(7, Interval::ALL)), Interval::ALL);
    // Neither 2 a p nor a p + q is one.
    assert_eq!(a.times(&p).scaled(2.0, 0.0).bounds(), Interval::open(0.0, 2.0));
    assert_eq!(a.times(&p).plus(&q).bounds(), Interval::open(0.0, 2.0));
}

/// p + q − 2 p q, and 1 − (1 − p) (1 − q).
#[test]
fn one_or_either_of_two() {
    let (p, z) = (of(1, UNIT), of(2, BINARY));
    let both = p.times(&z);
    assert_eq!(p.clone().plus(&z).plus(&both.clone().scaled(-2.0, 0.0)).bounds(), UNIT);
    assert_eq!(rest(&rest(&p).times(&rest(&z))).bounds(), Interval::open(0.0, 1.0).with(Interval::closed(1.0, 1.0)));
    assert_eq!(both.bounds(), Interval::closed(0.0, 0.0).with(UNIT));
}

/// u², 2 u (1 − u) and (1 − u)² are the probabilities of two, one and none of two.
#[test]
fn powers_of_one_number() {
    let (u, z, w, y) = (of(1, UNIT), of(2, Interval::ALL), of(3, Interval::POSITIVE), of(4, Interval::ALL));
    let (two, none) = (u.times(&u), rest(&u).times(&rest(&u)));
    let one = u.times(&rest(&u)).scaled(2.0, 0.0);
    assert_eq!(two.clone().plus(&one).plus(&none).number(), Some(1.0));
    assert_eq!([two.bounds(), none.bounds(), two.clone().plus(&one).bounds()], [UNIT, UNIT, UNIT]);
    // At most a half, at u = 1/2.
    assert_eq!(one.bounds(), Interval::open(0.0, 0.5).with(Interval::closed(0.5, 0.5)));
    assert_eq!(two.plus(&none).bounds().low(), 0.5);
    // Squares, also with a factor, and multiplied out.
    let apart = z.clone().minus(&y);
    assert_eq!(apart.times(&apart).bounds(), Interval::NOT_NEGATIVE);
    assert_eq!(apart.times(&apart).times(&w).bounds(), Interval::NOT_NEGATIVE);
    assert_eq!(z.times(&z).plus(&z).bounds().low(), -0.25);
    assert_eq!(z.times(&z).times(&z).bounds(), Interval::ALL);
    assert_eq!(w.times(&w).plus(&w).bounds(), Interval::POSITIVE);
    assert_eq!(w.times(&w).minus(&w).bounds().low(), -0.25);
}

/// Entries of a class of five: sums of different ones are at most 1, and of proportions less.
#[test]
fn parts_of_a_class() {
    let part = |from, to, are_positive| {
        let whole = Box::new(Unknown::Node { of: None, at: vec![9] });
        Part { whole, from, to, channels: 5 }.sum(are_positive)
    };
    let class = |from, to| part(from, to, false);
    assert_eq!(class(0, 5).number(), Some(1.0));
    assert_eq!(class(0, 2).plus(&class(3, 5)).bounds(), BINARY);
    assert_eq!(class(0, 3).plus(&class(2, 5)).bounds(), Interval::closed(1.0, 2.0));
    assert_eq!(class(0, 1).minus(&class(1, 2)).bounds(), Interval::closed(-1.0, 1.0));
    assert_eq!(class(0, 3).minus(&class(1, 2)).bounds(), BINARY);
    let of = |from, to| part(from, to, true);
    assert_eq!(of(0, 2).plus(&of(3, 5)).bounds(), UNIT);
    assert_eq!(rest(&of(0, 1)).minus(&of(1, 2)).bounds(), UNIT);
    // An average of three numbers, one for each class.
    let (p, q) = (super::tests::of(1, UNIT), super::tests::of(2, UNIT));
    let average = class(0, 1).times(&p).plus(&class(1, 3).times(&q)).plus(&class(3, 5).scaled(0.5, 0.0));
    assert_eq!(average.bounds(), UNIT);
    // The same entry twice in a product: not followed, but not wrong.
    assert_eq!(of(0, 1).times(&of(0, 1)).bounds(), UNIT);
}

/// Small random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % count
    }

    /// A number of the interval, a multiple of 1/4.
    fn point(&mut self, interval: Interval) -> f64 {
        loop {
            let at = self.below(65) as f64 / 4.0 - 8.0;
            if interval.contains(at) {
                return at;
            }
        }
    }
}

const INTERVALS: [Interval; 8] = [
    UNIT,
    BINARY,
    Interval::POSITIVE,
    Interval::NOT_NEGATIVE,
    Interval::open(f64::NEG_INFINITY, 0.0),
    Interval::closed(-2.0, 3.0),
    Interval::open(-1.0, 0.5),
    Interval::ALL,
];

/// Random polynomials of three numbers at random points. In those of first degree all numbers are small multiples of 1/4, so that
/// nothing is rounded.
#[test]
fn bounds_contain_every_value() {
    let mut random = Random(1);
    for degree in [1, 2, 3] {
        let rounding = if degree == 1 { 0.0 } else { 1e-9 };
        for _ in 0..1500 {
            let own: Vec<Interval> = (0..3).map(|_| INTERVALS[random.below(8) as usize]).collect();
            let exponents = |random: &mut Random| -> Vec<u64> { (0..3).map(|_| random.below(degree + 1)).collect() };
            let terms: Vec<(f64, Vec<u64>)> =
                (0..6).map(|_| (random.below(5) as f64 - 2.0, exponents(&mut random))).collect();
            let mut sum = Polynomial::default();
            for (factor, exponents) in &terms {
                let repeated = (0..3).flat_map(|at| (0..exponents[at]).map(move |_| at));
                let product = repeated.fold(Polynomial::constant(*factor), |all, at| all.times(&of(at, own[at])));
                sum = sum.plus(&product);
            }
            let bounds = sum.bounds();
            for _ in 0..20 {
                let point: Vec<f64> = own.iter().map(|interval| random.point(*interval)).collect();
                let product =
                    |exponents: &[u64]| (0..3).map(|at| point[at].powi(exponents[at] as i32)).product::<f64>();
                let value: f64 = terms.iter().map(|(factor, exponents)| factor * product(exponents)).sum();
                let near = Interval::closed(-rounding * (1.0 + value.abs()), rounding * (1.0 + value.abs()));
                let bounds = if rounding > 0.0 { bounds + near } else { bounds };
                assert!(bounds.contains(value), "{value} at {point:?} is outside of {bounds:?}, the bounds of {sum:?}");
            }
        }
    }
}

/// Random sums over entries of a class, with random factors and another number, for every class.
#[test]
fn bounds_of_parts_contain_every_class() {
    const CHANNELS: usize = 5;
    let mut random = Random(2);
    for _ in 0..1500 {
        let interval = INTERVALS[random.below(8) as usize];
        let terms: Vec<(f64, usize, usize, bool)> = (0..4)
            .map(|_| {
                let from = random.below(5) as usize;
                let to = from + 1 + random.below((CHANNELS - from) as u64) as usize;
                (random.below(5) as f64 - 2.0, from, to, random.below(2) == 1)
            })
            .collect();
        let part = |from, to| {
            let whole = Box::new(Unknown::Node { of: None, at: vec![9] });
            Part { whole, from, to, channels: CHANNELS }.sum(false)
        };
        let other = of(1, interval);
        let sum = terms.iter().fold(Polynomial::default(), |sum, (factor, from, to, is_scaled)| {
            let part = part(*from, *to).scaled(*factor, 0.0);
            sum.plus(&if *is_scaled { part.times(&other) } else { part })
        });
        let bounds = sum.bounds();
        for class in 0..CHANNELS {
            let at = random.point(interval);
            let value: f64 = terms
                .iter()
                .filter(|(_, from, to, _)| (*from..*to).contains(&class))
                .map(|(factor, .., is_scaled)| factor * if *is_scaled { at } else { 1.0 })
                .sum();
            assert!(bounds.contains(value), "{value} for class {class} and {at} is outside of {bounds:?}: {terms:?}");
        }
    }
}
