//! A run's curves, and their distribution over charts.

use super::curve::{self, Series, Style};
use super::summary;
use anyhow::Result;
use serde_json::Value;

/// The maximum ratio of the largest values of terms in one chart.
const ALIKE: f64 = 5.0;
/// The maximum number of curves in a chart.
const MOST: usize = 4;

/// The charts of a run's metrics as HTML figures. `clipped` states whether large gradients were scaled down.
///
/// # Errors
/// Those of the drawing library.
pub fn draw(lines: &[Value], clipped: bool) -> Result<String> {
    let of = |name: &str, style: Style, pick: &dyn Fn(&Value) -> Option<f64>| Series {
        name: name.to_owned(),
        style,
        points: lines
            .iter()
            .filter_map(|line| Some((line["step"].as_f64()?, pick(line).filter(|value| value.is_finite())?)))
            .collect(),
    };
    let evaluations = lines.iter().flat_map(|line| [&line["validation"], &line["test"]]);
    let unit = evaluations.filter(|found| found.is_object()).map(summary::unit).next();
    let mut drawn = curve::draw(
        unit.unwrap_or("bits/dim"),
        &[
            of("training", Style::Line, &|line| line["bits_per_dim"].as_f64().or(line["nats"].as_f64())),
            of("validation", Style::Marked, &|line| line["validation"]["nll"].as_f64()),
            of("test", Style::Points, &|line| line["test"]["nll"].as_f64()),
        ],
    )?;
    drawn += &curve::draw(
        "nats per step",
        &[
            of("training", Style::Line, &|line| line["nats_per_step"].as_f64()),
            of("validation", Style::Marked, &|line| line["validation"]["nats_per_step"].as_f64()),
            of("test", Style::Points, &|line| line["test"]["nats_per_step"].as_f64()),
        ],
    )?;
    let names: Vec<String> =
        lines.iter().find_map(|line| Some(line["terms"].as_object()?.keys().cloned().collect())).unwrap_or_default();
    for (title, kind) in [("reconstruction, nats", "RE"), ("KL, nats", "KL")] {
        let terms = names.iter().filter(|name| name.starts_with(kind));
        let series = terms.map(|name| of(name, Style::Line, &|line| line["terms"][name].as_f64())).collect();
        for chart in alike(series) {
            drawn += &curve::draw(title, &chart)?;
        }
    }
    let (title, name) = match clipped {
        true => ("gradient norm", "before clipping"),
        false => ("gradient norm", ""),
    };
    drawn += &curve::draw(title, &[of(name, Style::Line, &|line| line["gradient_norm"].as_f64())])?;
    drawn += &curve::draw("learning rate", &[of("", Style::Line, &|line| line["learning_rate"].as_f64())])?;
    Ok(drawn)
}

/// Groups series of similar magnitude, so that each can be read from the axis.
fn alike(mut series: Vec<Series>) -> Vec<Vec<Series>> {
    // The median is robust against a few failed steps.
    let magnitude = |series: &Series| {
        let mut sizes: Vec<f64> = series.points.iter().map(|point| point.1.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.get(sizes.len() / 2).copied().unwrap_or(0.0)
    };
    series.sort_by(|a, b| magnitude(b).total_cmp(&magnitude(a)));
    let mut charts: Vec<Vec<Series>> = Vec::new();
    for one in series {
        match charts.last_mut() {
            Some(chart) if chart.len() < MOST && magnitude(&chart[0]) <= ALIKE * magnitude(&one) => chart.push(one),
            _ => charts.push(vec![one]),
        }
    }
    charts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn terms_of_different_magnitude_have_charts_of_their_own() {
        let one = |name: &str, value: f64| Series {
            name: name.into(),
            style: Style::Line,
            points: vec![(0.0, value), (1.0, value)],
        };
        let charts = alike(vec![one("KL_u", 14.0), one("KL_z", 0.2), one("KL_w", 9.0)]);
        let names: Vec<Vec<&str>> =
            charts.iter().map(|chart| chart.iter().map(|series| series.name.as_str()).collect()).collect();
        assert_eq!(names, [vec!["KL_u", "KL_w"], vec!["KL_z"]]);
        let many = (0..9).map(|at| one(&format!("KL_z{at}"), 1.0)).collect();
        assert_eq!(alike(many).len(), 3);
    }

    #[test]
    fn clipping_is_spoken_of_where_there_is_some() {
        let line =
            |step: u32| json!({ "step": step, "bits_per_dim": 3.0, "gradient_norm": f64::from(step), "terms": {} });
        let lines: Vec<Value> = (1..4).map(line).collect();
        assert!(draw(&lines, true).unwrap().contains("before clipping"));
        assert!(!draw(&lines, false).unwrap().contains("before clipping"));
    }
}
