//! The common parts of all charts: the frame with its axes as SVG, the title and the legend as HTML.

use crate::printable::escape;
use anyhow::{Result, anyhow};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::ops::Range;

/// The result of drawing.
pub type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The drawing area of a chart.
pub type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// The grid lines of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mesh {
    Both,
    Horizontal,
    None,
}

/// The axes of a chart and the space around it, in pixels.
pub struct Frame<'a> {
    pub size: (u32, u32),
    /// The space for labels below and beside the chart.
    pub room: [u32; 2],
    pub x: Range<f64>,
    pub y: Range<f64>,
    /// The maximum number of labels on each axis.
    pub labels: [usize; 2],
    /// The label at a position of each axis.
    pub shown: [&'a dyn Fn(&f64) -> String; 2],
    /// The titles of the axes. Empty for none.
    pub names: [&'a str; 2],
    pub mesh: Mesh,
}

impl Frame<'_> {
    /// Draws the frame and its content.
    ///
    /// # Errors
    /// Those of the drawing library.
    pub fn draw(self, svg: &mut String, into: impl FnOnce(&mut Chart<'_, '_>) -> Drawn) -> Drawn {
        let area = SVGBackend::with_string(svg, self.size).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(16)
            .x_label_area_size(self.room[0])
            .y_label_area_size(self.room[1])
            .build_cartesian_2d(self.x, self.y)?;
        let mut mesh = chart.configure_mesh();
        match self.mesh {
            Mesh::Both => {}
            Mesh::Horizontal => _ = mesh.disable_x_mesh(),
            Mesh::None => _ = mesh.disable_mesh(),
        }
        if !self.names[0].is_empty() {
            mesh.x_desc(self.names[0]);
        }
        if !self.names[1].is_empty() {
            mesh.y_desc(self.names[1]);
        }
        mesh.light_line_style(TRANSPARENT)
            .x_labels(self.labels[0])
            .y_labels(self.labels[1])
            .x_label_formatter(self.shown[0])
            .y_label_formatter(self.shown[1])
            .label_style(("sans-serif", 14))
            .draw()?;
        into(&mut chart)?;
        area.present()?;
        Ok(())
    }
}

/// An entry of the legend.
pub fn key(colour: RGBColor, mark: &str, name: &str) -> String {
    let RGBColor(red, green, blue) = colour;
    format!("<span class=\"key\"><i style=\"color:rgb({red},{green},{blue})\">{mark}</i> {}</span>", escape(name))
}

/// A chart as an HTML figure, with title and legend above it.
///
/// # Errors
/// Those of the drawing library.
pub fn figure(title: &str, legend: &str, draw: impl FnOnce(&mut String) -> Drawn) -> Result<String> {
    let mut svg = String::new();
    draw(&mut svg).map_err(|reason| anyhow!("the chart of {title} could not be drawn: {reason}"))?;
    Ok(format!("<figure><figcaption><b>{}</b> {legend}</figcaption>\n{svg}</figure>\n", escape(title)))
}
