//! Numbers of a limited range.

/// The maximum of counts on the command line. Sums and products of a few such numbers do not overflow.
const MOST: usize = 1_000_000_000_000;

pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 is needed".into()),
        Ok(number) if number > MOST => Err(format!("at most {MOST} is possible")),
        Ok(number) => Ok(number),
        Err(_) => Err("a whole number is needed".into()),
    }
}

pub fn count(text: &str) -> Result<usize, String> {
    if text.trim() == "0" { Ok(0) } else { at_least_one(text) }
}

pub fn at_least_two(text: &str) -> Result<usize, String> {
    at_least_one(text).and_then(|number| if number > 1 { Ok(number) } else { Err("at least 2 are needed".into()) })
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| "a number is needed".into())
}

pub fn positive(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| if number > 0.0 { Ok(number) } else { Err("a number above 0 is needed".into()) })
}

pub fn not_negative(text: &str) -> Result<f64, String> {
    number(text)
        .and_then(|number| if number >= 0.0 { Ok(number) } else { Err("a number of at least 0 is needed".into()) })
}

pub fn fraction(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| {
        if (0.0..1.0).contains(&number) { Ok(number) } else { Err("a number from 0 to 1 (excluded) is needed".into()) }
    })
}
