//! Projects rows of many numbers to two dimensions.

/// Rows in two dimensions: unchanged if they have two numbers, otherwise their first two principal components, with the
/// fraction of the variance.
pub fn plane(rows: &[Vec<f64>]) -> (Vec<[f64; 2]>, Option<f64>) {
    let units = rows.first().map_or(0, Vec::len);
    if units == 2 {
        return (rows.iter().map(|row| [row[0], row[1]]).collect(), None);
    }
    let count = rows.len().max(1) as f64;
    let mean: Vec<f64> = (0..units).map(|at| rows.iter().map(|row| row[at]).sum::<f64>() / count).collect();
    let centred: Vec<Vec<f64>> =
        rows.iter().map(|row| row.iter().zip(&mean).map(|(value, mean)| value - mean).collect()).collect();
    let total: f64 = centred.iter().flatten().map(|value| value * value).sum();
    let first = component(&centred, None);
    let second = component(&centred, Some(&first));
    let along = |row: &Vec<f64>, axis: &[f64]| row.iter().zip(axis).map(|(value, part)| value * part).sum::<f64>();
    let points: Vec<[f64; 2]> = centred.iter().map(|row| [along(row, &first), along(row, &second)]).collect();
    let kept: f64 = points.iter().flatten().map(|value| value * value).sum();
    (points, Some(if total > 0.0 { kept / total } else { 0.0 }))
}

/// The direction of the largest variance, orthogonal to another, by power iteration.
fn component(rows: &[Vec<f64>], apart: Option<&[f64]>) -> Vec<f64> {
    let units = rows.first().map_or(0, Vec::len);
    // A direction that is unlikely to be orthogonal to the data.
    let mut axis: Vec<f64> = (0..units).map(|at| 1.0 + (at as f64 * 0.7).sin()).collect();
    for _ in 0..100 {
        if let Some(apart) = apart {
            let along: f64 = axis.iter().zip(apart).map(|(a, b)| a * b).sum();
            axis.iter_mut().zip(apart).for_each(|(value, part)| *value -= along * part);
        }
        let length = axis.iter().map(|value| value * value).sum::<f64>().sqrt();
        if length < 1e-12 {
            return vec![0.0; units];
        }
        axis.iter_mut().for_each(|value| *value /= length);
        let last = axis.clone();
        axis = vec![0.0; units];
        for row in rows {
            let along: f64 = row.iter().zip(&last).map(|(a, b)| a * b).sum();
            axis.iter_mut().zip(row).for_each(|(sum, value)| *sum += along * value);
        }
        let moved: f64 = axis.iter().map(|value| value * value).sum();
        if moved < 1e-24 {
            return last;
        }
    }
    let length = axis.iter().map(|value| value * value).sum::<f64>().sqrt().max(1e-300);
    axis.into_iter().map(|value| value / length).collect()
}
