//! Marginal distributions as charts: bars for the data, a line for samples of the model.

use super::chart::{Drawn, Frame, Mesh, figure, key};
use crate::figures::Marginal;
use anyhow::Result;
use plotters::prelude::*;

const DATA: RGBColor = RGBColor(160, 190, 220);
const SAMPLES: RGBColor = RGBColor(214, 90, 20);
const SIZE: (u32, u32) = (440, 220);

/// The chart of a marginal as an HTML figure.
///
/// # Errors
/// Those of the drawing library.
pub fn draw(marginal: &Marginal) -> Result<String> {
    let legend = key(DATA, "█", "test data") + &key(SAMPLES, "━", "samples");
    figure(&marginal.title, &legend, |svg| chart(marginal, svg))
}

fn chart(marginal: &Marginal, svg: &mut String) -> Drawn {
    let edges = &marginal.edges;
    let (low, high) = (edges[0], edges[edges.len() - 1]);
    let most = marginal.data.iter().chain(&marginal.samples).copied().fold(1e-3, f64::max);
    let range = high - low;
    let names = super::plots::short(&marginal.names);
    let place = |value: &f64| match marginal.discrete {
        true if names.is_some() => names.and_then(|names| super::plots::named(names, *value)).unwrap_or_default(),
        true => format!("{value:.0}"),
        false => super::curve::show(*value, range),
    };
    let frame = Frame {
        size: SIZE,
        room: [24, 48],
        x: low..high,
        y: 0.0..most * 1.05,
        labels: [if marginal.discrete { marginal.data.len().min(12) } else { 6 }, 4],
        shown: [&place, &|value| format!("{value:.2}")],
        names: ["", ""],
        mesh: Mesh::Horizontal,
    };
    frame.draw(svg, |chart| {
        let bars = edges.windows(2).zip(&marginal.data);
        chart.draw_series(bars.map(|(pair, height)| {
            let gap = 0.04 * (pair[1] - pair[0]);
            Rectangle::new([(pair[0] + gap, 0.0), (pair[1] - gap, *height)], DATA.filled())
        }))?;
        let steps =
            edges.windows(2).zip(&marginal.samples).flat_map(|(pair, height)| [(pair[0], *height), (pair[1], *height)]);
        chart.draw_series(LineSeries::new(steps, SAMPLES.stroke_width(2)))?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_of_the_data_has_a_bar_and_the_samples_a_line() {
        let marginal = Marginal {
            title: "c <1>".into(),
            edges: vec![-0.5, 0.5, 1.5],
            data: vec![0.25, 0.75],
            samples: vec![0.5, 0.5],
            discrete: true,
            names: Vec::new(),
        };
        let text = draw(&marginal).unwrap();
        let bars = text.matches("fill=\"#A0BEDC\"").count();
        assert_eq!(bars, 2, "{text}");
        assert!(text.contains("c &lt;1&gt;") && text.contains("#D65A14"), "{text}");
        let named = Marginal { names: vec!["cat".into(), "dog".into()], ..marginal };
        let text = draw(&named).unwrap();
        assert!(text.contains("cat") && text.contains("dog"), "{text}");
    }
}
