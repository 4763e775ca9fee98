use super::*;

#[test]
fn intervals_contain_what_is_computed_and_no_more() {
    let unit = Interval::open(0.0, 1.0);
    let binary = Interval::closed(0.0, 1.0);
    let one = Interval::closed(1.0, 1.0);
    assert_eq!(one + -unit, unit);
    assert_eq!(one + -binary, binary);
    assert_eq!(unit * unit, unit);
    assert_eq!(binary * Interval::POSITIVE, Interval::NOT_NEGATIVE);
    assert_eq!(one + binary * Interval::POSITIVE, Interval { low: one.low, ..Interval::POSITIVE });
    assert_eq!(Interval::POSITIVE / Interval::POSITIVE, Interval::POSITIVE);
    assert_eq!(one / (one + Interval::POSITIVE), unit);
    assert_eq!(Interval::open(-1.0, 1.0) * Interval::closed(2.0, 3.0), Interval::open(-3.0, 3.0));
    assert_eq!(Interval::ALL * Interval::ALL, Interval::ALL);
    assert_eq!(Interval::ALL.power(2), Interval::NOT_NEGATIVE);
    assert_eq!(Interval::closed(2.0, 3.0).power(2), Interval::closed(4.0, 9.0));
    assert_eq!(unit / Interval::ALL, Interval::ALL);
    assert_eq!(one / -(one + Interval::POSITIVE), -unit);
    assert_eq!(Interval::open(-2.0, 1.0).power(2), Interval { low: binary.low, ..Interval::open(0.0, 4.0) });
    assert_eq!(Interval::open(-2.0, -1.0).power(2), Interval::open(1.0, 4.0));
    assert_eq!(Interval::closed(-2.0, 1.0).power(3), Interval::closed(-8.0, 1.0));
    assert_eq!(unit.with(Interval::closed(1.0, 2.0)), Interval { low: unit.low, high: End { at: 2.0, inside: true } });
    assert_eq!(binary * -one, Interval::closed(-1.0, 0.0));
    assert_eq!((-Interval::POSITIVE).mapped(f64::exp, Interval::POSITIVE), unit);
    assert_eq!((-Interval::NOT_NEGATIVE).mapped(f64::exp, Interval::POSITIVE), Interval { high: one.high, ..unit });
    let relu = |of: Interval| of.clamped(0.0, f64::INFINITY);
    assert_eq!((relu(Interval::ALL), relu(Interval::POSITIVE)), (Interval::NOT_NEGATIVE, Interval::POSITIVE));
    assert_eq!(relu(-Interval::POSITIVE), Interval::closed(0.0, 0.0));
    assert_eq!(relu(Interval::closed(2.0, 3.0)), Interval::closed(2.0, 3.0));
    assert!(unit.is_inside(binary) && !binary.is_inside(unit) && binary.is_inside(binary) && unit.is_inside(unit));
    assert!(!Interval::ALL.is_inside(Interval::NOT_NEGATIVE) && binary.is_inside(Interval::NOT_NEGATIVE));
}

/// With positive weights, an average of 0 and numbers from 0 to 1 is 0 only if all of them are.
#[test]
fn averages_are_at_an_end_only_together() {
    let (zero, binary) = (Interval::closed(0.0, 0.0), Interval::closed(0.0, 1.0));
    let half = Interval::closed(0.5, 1.0);
    assert_eq!(Interval::averages(&[zero, Interval::closed(1.0, 1.0)]), Interval::open(0.0, 1.0));
    assert_eq!(Interval::averages(&[binary, binary]), binary);
    assert_eq!(Interval::averages(&[binary, half]), Interval { high: binary.high, ..Interval::open(0.0, 1.0) });
    assert_eq!(Interval::averages(&[half]), half);
}

#[test]
fn domains_exclude_their_ends() {
    let within = |interval: Interval| {
        [Domain::Real, Domain::Positive, Domain::Unit, Domain::Simplex].map(|domain| interval.is_within(domain))
    };
    assert_eq!(within(Interval::open(0.0, 1.0)), [true, true, true, false]);
    assert_eq!(within(Interval::closed(0.0, 1.0)), [true, false, true, false]);
    assert_eq!(within(Interval::closed(0.5, 1.0)), [true, true, true, false]);
    assert_eq!(within(Interval::closed(0.5, 1.001)), [true, true, false, false]);
    assert_eq!(within(Interval::closed(-0.001, 0.5)), [true, false, false, false]);
    assert_eq!(within(Interval::ALL), [true, false, false, false]);
}

#[test]
fn sums_parts_and_shares() {
    let (unit, binary) = (Interval::open(0.0, 1.0), Interval::closed(0.0, 1.0));
    assert_eq!(binary.summed(3), Interval::closed(0.0, 3.0));
    assert_eq!(Interval::closed(1.0, 1.0).parts(), binary);
    assert_eq!(Interval::POSITIVE.shares().within(Interval::POSITIVE), unit);
    assert_eq!(Interval::NOT_NEGATIVE.shares(), binary);
    assert_eq!(Interval::ALL.shares(), Interval::ALL);
    assert_eq!(unit.within(binary), unit);
    assert!(binary.contains(0.0) && !unit.contains(0.0) && unit.contains(0.5));
    assert_eq!(Interval::open(-1.0, 0.5).within(binary), Interval { low: binary.low, ..Interval::open(0.0, 0.5) });
}

/// x (1 − y) for x in several intervals and y between 0 and 1.
#[test]
fn linear_functions_are_least_and_most_at_ends() {
    let of = |x: Interval, y: Interval| {
        let slope = Interval::closed(1.0, 1.0) + -y;
        x.through(slope, |x| Interval::closed(x, x) * slope)
    };
    let (unit, binary) = (Interval::open(0.0, 1.0), Interval::closed(0.0, 1.0));
    assert_eq!(of(unit, unit), unit);
    assert_eq!(of(binary, unit), Interval { high: unit.high, ..binary });
    // 1 is not a value, but that takes more than the interval of the slope.
    assert_eq!(of(unit, binary), binary);
    assert_eq!(of(Interval::POSITIVE, unit), Interval::POSITIVE);
    assert_eq!(of(-Interval::POSITIVE, unit), -Interval::POSITIVE);
    assert_eq!(of(Interval::POSITIVE, Interval::closed(0.0, 2.0)), Interval::ALL);
    assert_eq!(of(Interval::ALL, unit), Interval::ALL);
    assert_eq!(of(Interval::ALL, Interval::closed(1.0, 1.0)), Interval::closed(0.0, 0.0));
}
