//! Plots of records other than images: points, sequences, maps.

use super::chart::{Frame, Mesh, figure, key};
use super::curve::show;
use super::page::Page;
use crate::figures::{Lines, Map, Plots, Scatter};
use anyhow::Result;
use plotters::prelude::*;

/// Ten colours that are distinguishable on white (Tableau's).
const COLOURS: [RGBColor; 10] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 90, 20),
    RGBColor(44, 140, 60),
    RGBColor(190, 40, 40),
    RGBColor(140, 80, 170),
    RGBColor(140, 86, 75),
    RGBColor(220, 110, 190),
    RGBColor(110, 110, 110),
    RGBColor(160, 160, 20),
    RGBColor(20, 170, 190),
];
const SQUARE: (u32, u32) = (440, 360);
const WIDE: (u32, u32) = (440, 220);

/// Adds the existing plots, under a heading for each kind.
///
/// # Errors
/// Those of the drawing library.
pub fn add(page: &mut Page, plots: &Plots) -> Result<()> {
    let points = |all: &[Scatter]| all.iter().map(scatter).collect::<Result<String>>();
    let maps = |all: &[Map]| all.iter().map(map).collect::<Result<String>>();
    let lines = plots.sequences.iter().map(lines).collect::<Result<String>>()?;
    let sections = [
        ("Pairs", points(&plots.pairs)?),
        ("Sequences", lines + &maps(&plots.maps)?),
        ("Latent space", points(&plots.latents)?),
        ("Imputed", points(&plots.imputed)? + &maps(&plots.classified)?),
    ];
    for (heading, drawn) in sections.into_iter().filter(|(_, drawn)| !drawn.is_empty()) {
        page.section(heading, &format!("<div class=\"curves\">{drawn}</div>"));
    }
    Ok(())
}

/// The names of the colours.
fn legend<'a>(names: impl Iterator<Item = &'a str>, mark: &str) -> String {
    let keys: Vec<String> = names.zip(COLOURS.iter().cycle()).map(|(name, colour)| key(*colour, mark, name)).collect();
    keys.join(" ")
}

/// The range of the middle 99 % of some values, with a margin.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let mut sorted: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |part: f64| sorted.get((sorted.len().saturating_sub(1) as f64 * part).round() as usize).copied();
    let (low, high) = (at(0.005).unwrap_or(0.0), at(0.995).unwrap_or(1.0));
    let margin = ((high - low) * 0.06).max(high.abs() * 1e-3).max(1e-6);
    (low - margin, high + margin)
}

fn scatter(scatter: &Scatter) -> Result<String> {
    let names = scatter.groups.iter().map(|group| group.name.as_str());
    figure(&scatter.title, &legend(names, "●"), |svg| {
        let axis = |at: usize| range(scatter.groups.iter().flat_map(|group| &group.points).map(move |point| point[at]));
        let (mut x, mut y) = (axis(0), axis(1));
        if scatter.diagonal {
            x = (x.0.min(y.0), x.1.max(y.1));
            y = x;
        }
        let frame = Frame {
            size: SQUARE,
            room: [40, 64],
            x: x.0..x.1,
            y: y.0..y.1,
            labels: [5, 5],
            shown: [&|value| show(*value, x.1 - x.0), &|value| show(*value, y.1 - y.0)],
            names: [&scatter.axes[0], &scatter.axes[1]],
            mesh: Mesh::Both,
        };
        frame.draw(svg, |chart| {
            if scatter.diagonal {
                chart.draw_series(LineSeries::new([(x.0, x.0), (x.1, x.1)], BLACK.mix(0.4)))?;
            }
            let inside = |point: &&[f64; 2]| (x.0..=x.1).contains(&point[0]) && (y.0..=y.1).contains(&point[1]);
            for (group, colour) in scatter.groups.iter().zip(COLOURS.iter().cycle()) {
                let point = |point: &[f64; 2]| Circle::new((point[0], point[1]), 2, colour.mix(0.6).filled());
                chart.draw_series(group.points.iter().filter(inside).map(point))?;
            }
            Ok(())
        })
    })
}

fn lines(lines: &Lines) -> Result<String> {
    let names = lines.lines.iter().map(|(name, _)| name.as_str());
    figure(&lines.title, &legend(names, "━"), |svg| {
        let (low, high) = range(lines.lines.iter().flat_map(|(_, values)| values.iter().copied()));
        let steps = lines.lines.iter().map(|(_, values)| values.len()).max().unwrap_or(1).max(2);
        let frame = Frame {
            size: WIDE,
            room: [36, 56],
            x: 1.0..steps as f64,
            y: low..high,
            labels: [steps.min(8), 4],
            shown: [&|step| format!("{step:.0}"), &|value| show(*value, high - low)],
            names: ["step", ""],
            mesh: Mesh::Both,
        };
        frame.draw(svg, |chart| {
            for ((_, values), colour) in lines.lines.iter().zip(COLOURS.iter().cycle()) {
                let points = values.iter().enumerate().map(|(step, value)| ((step + 1) as f64, value.clamp(low, high)));
                chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
            }
            Ok(())
        })
    })
}

/// The names of classes, if they fit below an axis.
pub fn short(names: &[String]) -> Option<&[String]> {
    let letters: usize = names.iter().map(|name| name.chars().count().max(2)).sum();
    (!names.is_empty() && names.len() <= 12 && letters <= 48).then_some(names)
}

/// The name of the class whose bar is centred at a position.
pub fn named(names: &[String], place: f64) -> Option<String> {
    let class = place.round();
    ((place - class).abs() < 1e-6 && class >= 0.0).then(|| names.get(class as usize).cloned())?
}

/// A square for each number, darker for larger ones; the first row is at the top.
fn map(map: &Map) -> Result<String> {
    figure(&map.title, "", |svg| {
        let (down, right) = (map.rows.len().max(1), map.rows.iter().map(Vec::len).max().unwrap_or(1).max(1));
        let [x, y] = map.first.map(|first| first as f64);
        let names = short(&map.names);
        let whole = |value: &f64| match names {
            Some(names) => named(names, *value).unwrap_or_default(),
            None if value.fract().abs() < 1e-6 => format!("{value:.0}"),
            None => String::new(),
        };
        let frame = Frame {
            size: if down > right { SQUARE } else { WIDE },
            room: [36, if map.names.is_empty() { 48 } else { 88 }],
            x: x - 0.5..x + right as f64 - 0.5,
            y: y + down as f64 - 0.5..y - 0.5,
            labels: [right.min(12), down.min(12)],
            shown: [&whole, &whole],
            names: [&map.axes[0], &map.axes[1]],
            mesh: Mesh::None,
        };
        let cells = map.rows.iter().enumerate().flat_map(|(row, numbers)| {
            numbers.iter().enumerate().map(move |(column, &number)| (y + row as f64, x + column as f64, number))
        });
        let square = |(row, column, number): (f64, f64, f64)| {
            let shade = |dark: u8| (255.0 - (255.0 - f64::from(dark)) * number.clamp(0.0, 1.0)).round() as u8;
            let colour = RGBColor(shade(20), shade(70), shade(130));
            Rectangle::new([(column - 0.5, row - 0.5), (column + 0.5, row + 0.5)], colour.filled())
        };
        frame.draw(svg, |chart| {
            chart.draw_series(cells.map(square))?;
            Ok(())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Group;

    /// The middle 99 percent, and six percent of it on either side.
    #[test]
    fn a_range_leaves_out_the_outermost_values() {
        let (low, high) = range((0..=1000).map(f64::from));
        // Rounding.
        assert!((low - (5.0 - 59.4)).abs() < 1e-9 && (high - (995.0 + 59.4)).abs() < 1e-9, "{low} {high}");
    }

    /// Steps count from 1: the first lies on the left edge and the last on the right one, however many there are.
    #[test]
    fn lines_reach_from_the_first_step_to_the_last() {
        let drawn = |steps: usize| {
            // Above the numbers of steps, which are looked for among the labels.
            let values = (0..steps).map(|at| 100.0 + at as f64).collect();
            lines(&Lines { title: "x".into(), lines: vec![("a".into(), values)] }).unwrap()
        };
        let ends = |steps: usize| {
            let svg = drawn(steps);
            let points = svg.split("points=\"").skip(1).filter_map(|rest| rest.split('"').next());
            let line = points.map(|points| points.split_whitespace().collect::<Vec<_>>());
            let line = line.filter(|line| line.len() == steps).last().unwrap();
            [line[0], line[steps - 1]].map(|point| point.split(',').next().map(str::to_owned))
        };
        assert_eq!(ends(3), ends(7));
        let svg = drawn(3);
        let labels = svg.split('>').skip(1).filter_map(|rest| rest.split('<').next()).map(str::trim);
        let steps: Vec<_> = labels.filter(|label| ["0", "1", "2", "3", "4"].contains(label)).collect();
        assert_eq!(steps, ["1", "2", "3"]);
    }

    #[test]
    fn every_point_line_and_cell_is_drawn_and_names_are_escaped() {
        let group = |name: &str| Group { name: name.into(), points: vec![[0.0, 1.0], [2.0, 3.0], [4.0, 0.0]] };
        let plots = Plots {
            pairs: vec![Scatter {
                title: "a<b".into(),
                axes: ["a".into(), "b".into()],
                groups: vec![group("test data"), group("samples")],
                diagonal: true,
            }],
            sequences: vec![Lines { title: "x".into(), lines: vec![("1".into(), vec![0.0, 1.0, 0.5])] }],
            maps: vec![Map {
                title: "m".into(),
                axes: ["step".into(), "key".into()],
                first: [1, 0],
                rows: vec![vec![0.0, 1.0], vec![1.0, 0.0], vec![0.5, 0.5]],
                names: Vec::new(),
            }],
            ..Plots::default()
        };
        let mut page = Page::new("t");
        add(&mut page, &plots).unwrap();
        let html = page.html();
        assert_eq!(html.matches("<circle").count(), 6, "{html}");
        assert!(html.contains("a&lt;b") && html.contains("<h2>Pairs</h2>") && html.contains("<h2>Sequences</h2>"));
        assert_eq!(html.matches("#144682").count(), 2, "two dark cells");
        assert!(!html.contains("Latent space") && !html.contains("Imputed"));
    }
}
