//! The configuration and the results of a run, as tables.

use serde_json::Value;

/// Rows of a table, its first row the headers.
pub type Table = Vec<Vec<String>>;

/// The configuration: model, data, seed, date, steps, batch and other settings that affect the result.
pub fn run(model: &str, config: Option<&Value>, lines: &[Value]) -> Table {
    let mut rows = vec![vec!["run".to_owned(), String::new()]];
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![name.to_owned(), value]);
        }
    };
    add("model", model.to_owned());
    let Some(config) = config else { return rows };
    let train = &config["train"];
    let settings = config["settings"].as_object().into_iter().flatten();
    let settings: Vec<String> = settings.map(|(name, value)| format!("{name} = {}", plain(value))).collect();
    let preset = plain(&config["preset"]);
    add("preset", if preset.is_empty() { String::new() } else { format!("{preset} ({})", settings.join(", ")) });
    if preset.is_empty() {
        add("parameters of the file", settings.join(", "));
    }
    add("trained parameters", plain(&config["parameters"]));
    add("data", plain(&config["data"]));
    add("seed", plain(&train["seed"]));
    add("date", plain(&config["started"]));
    let step = lines.iter().rev().find_map(|line| line["step"].as_u64());
    add("steps", step.map_or_else(String::new, |step| format!("{step} of {}", plain(&train["steps"]))));
    add("batch", plain(&train["batch"]));
    let schedule = &train["schedule"];
    add("learning rate", [plain(&schedule["rate"]), plain(&schedule["kind"])].join(", "));
    let samples = train["samples"].as_u64().filter(|samples| *samples > 1);
    add("samples per image", samples.map_or_else(String::new, |samples| samples.to_string()));
    add("device", plain(&config["device"]));
    rows
}

/// The results.
pub fn result(evaluation: Option<&Value>, lines: &[Value], config: Option<&Value>) -> Table {
    let mut rows = vec![vec!["result".to_owned(), String::new()]];
    let mut add = |name: &str, value: Option<f64>, digits: usize, unit: &str| {
        if let Some(value) = value {
            rows.push(vec![name.to_owned(), format!("{value:.digits$} {unit}").trim_end().to_owned()]);
        }
    };
    let tests: Vec<&Value> = lines.iter().map(|line| &line["test"]).filter(|test| test["nll"].is_f64()).collect();
    let mut test = |name: &str, found: Option<&&Value>| {
        if let Some(found) = found {
            add(name, found["nll"].as_f64(), 4, unit(found));
        }
    };
    test("test before training, K = 1", tests.first());
    test("test after training, K = 1", tests.get(1..).and_then(<[_]>::last));
    if let Some(found) = evaluation {
        add(&format!("evaluation, K = {}", found["k"]), found["nll"].as_f64(), 4, unit(found));
        add("evaluation, per step", found["nats_per_step"].as_f64(), 4, "nats");
        add("steps of a record, mean", found["steps"].as_f64(), 1, "");
        add("standard error", found["standard_error"].as_f64(), 4, unit(found));
        for (name, value) in found["terms"].as_object().into_iter().flatten() {
            add(name, value.as_f64(), 2, "nats");
        }
        add("test records", found["images"].as_f64(), 0, "");
    }
    let units = lines.iter().rev().find_map(|line| line["validation"]["units"].as_object());
    for (latent, counts) in units.into_iter().flatten() {
        add(&format!("active units of {latent}"), counts["active"].as_f64(), 0, &format!("of {}", counts["units"]));
    }
    let skipped = lines.iter().rev().find_map(|line| line["skipped_updates"].as_f64());
    add("skipped updates", skipped, 0, "");
    let last = lines.iter().rev().find(|line| line["seconds"].is_f64());
    add("training", last.and_then(|line| line["seconds"].as_f64()), 0, "s");
    let batch = config.and_then(|config| config["train"]["batch"].as_f64());
    let speed = last.and_then(|line| Some(line["step"].as_f64()? * batch? / line["seconds"].as_f64()?));
    let is_image = tests.iter().any(|found| unit(found) == "bits/dim");
    add("speed", speed, 1, if is_image { "images/s" } else { "records/s" });
    if rows.len() == 1 { Vec::new() } else { rows }
}

/// The unit of an evaluation's `nll`: bits/dim for images, nats for everything else.
pub fn unit(evaluation: &Value) -> &str {
    evaluation["unit"].as_str().unwrap_or("bits/dim")
}

/// A string without its quotes. Empty for a missing value.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_evaluation_in_nats_is_reported_in_nats() {
        let found = |unit: &str| json!({ "nll": 2.5, "standard_error": 0.1, "unit": unit, "k": 10 });
        for unit in ["nats", "bits/dim"] {
            let lines = [json!({ "step": 0, "test": found(unit) })];
            let rows = result(Some(&found(unit)), &lines, None);
            let value = |name: &str| rows.iter().find(|row| row[0] == name).map(|row| row[1].clone());
            assert_eq!(value("test before training, K = 1"), Some(format!("2.5000 {unit}")));
            assert_eq!(value("evaluation, K = 10"), Some(format!("2.5000 {unit}")));
            assert_eq!(value("standard error"), Some(format!("0.1000 {unit}")));
        }
    }

    #[test]
    fn data_seed_date_steps_and_batch_are_said() {
        let config = json!({
            "preset": "quick", "settings": { "width": 8 }, "parameters": 12, "data": "builtin", "device": "cpu",
            "started": "2026-01-02T03:04:05Z",
            "train": { "seed": 7, "steps": 30, "batch": 16, "schedule": { "kind": "cosine", "rate": 0.01 }, "samples": 1 },
        });
        let rows = run("toy", Some(&config), &[json!({ "step": 20 })]);
        for pair in [
            ["data", "builtin"],
            ["seed", "7"],
            ["date", "2026-01-02T03:04:05Z"],
            ["steps", "20 of 30"],
            ["batch", "16"],
            ["preset", "quick (width = 8)"],
            ["learning rate", "0.01, cosine"],
        ] {
            assert!(rows.contains(&pair.map(str::to_owned).to_vec()), "{pair:?}: {rows:?}");
        }
        assert!(!rows.iter().any(|row| row[0].starts_with("samples")), "{rows:?}");
    }
}
