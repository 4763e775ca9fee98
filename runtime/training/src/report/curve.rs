//! A chart of series over steps, as SVG.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

const COLOURS: [RGBColor; 4] =
    [RGBColor(31, 119, 180), RGBColor(214, 90, 20), RGBColor(44, 140, 60), RGBColor(140, 80, 170)];
const SIZE: (u32, u32) = (440, 280);

/// The chart; empty where no series has two points.
///
/// # Errors
/// What the drawing library says.
pub fn draw(title: &str, series: &[(&str, Vec<(f64, f64)>)]) -> Result<String> {
    let series: Vec<_> = series.iter().filter(|(_, points)| points.len() > 1).collect();
    if series.is_empty() {
        return Ok(String::new());
    }
    let mut svg = String::new();
    chart(title, &series, &mut svg).map_err(|reason| anyhow!("the chart of {title} could not be drawn: {reason}"))?;
    Ok(svg)
}

type Series<'a> = &'a (&'a str, Vec<(f64, f64)>);

fn chart(title: &str, series: &[Series<'_>], svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let all = || series.iter().flat_map(|(_, points)| points);
    let steps = all().map(|point| point.0).fold(1.0, f64::max);
    let (low, high) = range(all().map(|point| point.1).collect());
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .caption(title, ("sans-serif", 18))
        .x_label_area_size(34)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..steps, low..high)?;
    let whole = |step: &f64| format!("{step:.0}");
    let small = high - low < 5.0;
    let number = |value: &f64| if small { format!("{value:.2}") } else { format!("{value:.0}") };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&whole)
        .y_label_formatter(&number)
        .label_style(("sans-serif", 14))
        .x_desc("step")
        .draw()?;
    for ((name, points), colour) in series.iter().zip(COLOURS.iter().cycle()) {
        let colour = *colour;
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .label_font(("sans-serif", 14))
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    area.present()?;
    drop(chart);
    drop(area);
    Ok(())
}

/// Where most of the numbers are: the first steps are often far from all the others.
fn range(mut numbers: Vec<f64>) -> (f64, f64) {
    numbers.sort_by(f64::total_cmp);
    let at = |part: f64| numbers[((numbers.len() - 1) as f64 * part) as usize];
    let (low, high) = (at(0.0), at(0.99));
    let margin = ((high - low) * 0.05).max(1e-3);
    (low - margin, high + margin)
}
