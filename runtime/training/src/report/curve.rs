//! Charts of values over steps: the axes and curves as SVG, the title and the legend as HTML.

use super::chart::{Drawn, Frame, Mesh, figure, key};
use anyhow::Result;
use plotters::prelude::*;

const COLOURS: [RGBColor; 4] =
    [RGBColor(31, 119, 180), RGBColor(214, 90, 20), RGBColor(44, 140, 60), RGBColor(140, 80, 170)];
const SIZE: (u32, u32) = (440, 240);
/// The largest value that can be drawn.
const LARGEST: f64 = 1e30;

/// One curve of a chart.
#[derive(Debug, Clone)]
pub struct Series {
    /// The name in the legend. A chart with one unnamed series has no legend.
    pub name: String,
    pub style: Style,
    /// Steps and values.
    pub points: Vec<(f64, f64)>,
}

/// The style of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A line through many values.
    Line,
    /// A line with marks at a few values.
    Marked,
    /// Points without a line.
    Points,
}

/// A chart as an HTML figure. Empty with fewer than two points.
///
/// # Errors
/// Those of the drawing library.
pub fn draw(title: &str, series: &[Series]) -> Result<String> {
    let drawable = |series: &Series| {
        let mut series = series.clone();
        series.points.retain(|(_, value)| value.abs() < LARGEST);
        series
    };
    let all: Vec<Series> = series.iter().map(drawable).filter(|series| !series.points.is_empty()).collect();
    let values: Vec<f64> = all.iter().flat_map(|series| &series.points).map(|point| point.1).collect();
    if values.len() < 2 {
        return Ok(String::new());
    }
    let range = range(values.clone());
    let asked: usize = series.iter().map(|series| series.points.len()).sum();
    let outside = asked - values.iter().filter(|value| is_inside(**value, range)).count();
    figure(title, &legend(&all, outside), |svg| chart(&all, range, svg))
}

/// The names of the curves, and the number of values outside of the chart.
fn legend(series: &[Series], outside: usize) -> String {
    let mark = |style: Style| if style == Style::Points { "●" } else { "━" };
    let entry = |(series, colour): (&Series, &RGBColor)| key(*colour, mark(series.style), &series.name);
    let named = series.iter().zip(COLOURS.iter().cycle()).filter(|(series, _)| !series.name.is_empty());
    let legend: Vec<String> = named.map(entry).collect();
    let outside = match outside {
        0 => String::new(),
        1 => " <small>1 value lies outside of the chart</small>".to_owned(),
        many => format!(" <small>{many} values lie outside of the chart</small>"),
    };
    legend.join(" ") + &outside
}

fn chart(series: &[Series], (low, high): (f64, f64), svg: &mut String) -> Drawn {
    let steps = series.iter().flat_map(|series| &series.points).map(|point| point.0).fold(1.0, f64::max);
    let frame = Frame {
        size: SIZE,
        room: [36, 64],
        x: 0.0..steps,
        y: low..high,
        labels: [6, 6],
        shown: [&|step| format!("{step:.0}"), &|value| show(*value, high - low)],
        names: ["step", ""],
        mesh: Mesh::Both,
    };
    frame.draw(svg, |chart| {
        for (series, colour) in series.iter().zip(COLOURS.iter().cycle()) {
            // The curve is interrupted where values are left out.
            let shown = || series.points.split(|point| !is_inside(point.1, (low, high)));
            if series.style != Style::Points {
                for part in shown() {
                    chart.draw_series(LineSeries::new(part.iter().copied(), colour.stroke_width(2)))?;
                }
            }
            if series.style != Style::Line {
                chart.draw_series(shown().flatten().map(|point| Circle::new(*point, 4, colour.filled())))?;
            }
        }
        Ok(())
    })
}

/// A value with enough digits to distinguish the labels of an axis.
pub fn show(value: f64, range: f64) -> String {
    if value.abs() >= 1e6 {
        return format!("{value:.1e}");
    }
    let digits = (1.0 - (range / 5.0).log10()).ceil().clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    // A value that is rounded to zero has no sign.
    let is_zero = text.trim_start_matches('-').bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if is_zero { text.trim_start_matches('-').to_owned() } else { text }
}

fn is_inside(value: f64, (low, high): (f64, f64)) -> bool {
    value.abs() < LARGEST && value >= low && value <= high
}

/// The range of the values without a few outliers, which are frequent in the first steps.
fn range(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| values[((values.len() - 1) as f64 * part).round() as usize];
    let (least, low, high, most) = (at(0.0), at(0.02), at(0.98), at(1.0));
    let reach = 2.0 * (high - low);
    let low = if least < low - reach && reach > 0.0 { low } else { least };
    let high = if most > high + reach && reach > 0.0 { high } else { most };
    let margin = ((high - low) * 0.05).max(high.abs() * 1e-3).max(1e-6);
    (low - margin, high + margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(style: Style, points: &[(f64, f64)]) -> Series {
        Series { name: "test".into(), style, points: points.to_vec() }
    }

    #[test]
    fn points_are_marked_and_the_legend_stands_beside_the_chart() {
        let two = [(0.0, 3.0), (20.0, 1.0)];
        let points = draw("bits/dim", &[series(Style::Points, &two)]).unwrap();
        assert_eq!(
            (points.matches("<circle").count(), points.matches("<polyline").count()),
            (2, line_count(&two, false))
        );
        let marked = draw("bits/dim", &[series(Style::Marked, &two)]).unwrap();
        assert_eq!(marked.matches("<circle").count(), 2);
        let svg = &marked[marked.find("<svg").unwrap()..];
        assert!(!svg.contains(">test<") && marked.contains("</i> test</span>"), "{marked}");
        assert!(draw("bits/dim", &[series(Style::Line, &two[..1])]).unwrap().is_empty());
    }

    /// The number of lines of a chart's frame and grid.
    fn line_count(points: &[(f64, f64)], curve: bool) -> usize {
        let text = draw("", &[series(if curve { Style::Line } else { Style::Points }, points)]).unwrap();
        text.matches("<polyline").count()
    }

    #[test]
    fn values_far_outside_are_left_out_and_counted() {
        let mut points: Vec<(f64, f64)> = (0..200).map(|step| (f64::from(step), f64::from(step % 7))).collect();
        points[0].1 = 1e9;
        points[100].1 = f64::MAX;
        points[101].1 = -f64::MAX;
        let text = draw("t", &[series(Style::Line, &points)]).unwrap();
        assert!(text.contains("3 values lie outside of the chart"), "{text}");
        let (low, high) = range((0..10).map(f64::from).collect());
        assert!(low < 0.0 && high > 9.0, "a few values are all shown: {low} {high}");
    }

    /// Of 200 values the fourth from either end is within two percent; one that lies further out than twice their range is left out.
    #[test]
    fn a_range_is_that_of_most_values() {
        let values: Vec<f64> = std::iter::once(-1e6).chain((1..200).map(f64::from)).collect();
        assert_eq!(range(values), (4.0 - 9.75, 199.0 + 9.75));
    }

    #[test]
    fn labels_have_the_digits_that_tell_them_apart() {
        assert_eq!([show(10.25, 2.0), show(1234.0, 5000.0), show(0.0123, 0.01)], ["10.25", "1234", "0.0123"]);
        assert_eq!(show(2.5e7, 1e8), "2.5e7");
        assert_eq!([show(-1e-9, 1.0), show(-0.5, 1.0)], ["0.00", "-0.50"]);
    }
}
