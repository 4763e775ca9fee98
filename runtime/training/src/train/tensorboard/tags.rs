//! The tags of a line of `metrics.jsonl`.

use serde_json::Value;

/// Entries that are not curves: options of an evaluation, and numbers that other entries contain.
const LEFT_OUT: [&str; 10] =
    ["step", "steps", "seconds", "images", "k", "nll_by_samples", "standard_error", "bound", "log_likelihood", "units"];

/// A line's values by their tags: `train/…` for steps of training, `validation/…` and `test/…` for evaluations.
pub fn scalars(line: &Value) -> Vec<(String, f64)> {
    let mut values = Vec::new();
    for part in ["validation", "test"] {
        collect(&line[part], part, &mut values);
        for (latent, counts) in line[part]["units"].as_object().into_iter().flatten() {
            let active = counts["active"].as_f64();
            values.extend(active.map(|active| (format!("{part}/active_units/{latent}"), active)));
        }
        values.retain(|(tag, _)| !tag.ends_with("/images_per_s"));
    }
    collect(line, "train", &mut values);
    values
}

fn collect(object: &Value, part: &str, values: &mut Vec<(String, f64)>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        // Steps and evaluations use the same name for the score, which includes the unit.
        let name = match (name.as_str(), object["unit"].as_str()) {
            ("nll", Some("nats")) => "nats",
            ("nll", _) => "bits_per_dim",
            (name, _) => name,
        };
        match value {
            Value::Object(_) if name == "terms" => collect(value, part, values),
            Value::Object(_) if name == "weighted" => collect(value, &format!("{part}/weighted"), values),
            _ => values.extend(value.as_f64().map(|number| (format!("{part}/{name}"), number))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tags(line: &Value) -> Vec<String> {
        scalars(line).into_iter().map(|(tag, _)| tag).collect()
    }

    #[test]
    fn one_scheme_names_training_validation_and_test() {
        let train = json!({
            "step": 3, "seconds": 1.5, "bits_per_dim": 4.0, "terms": { "RE_x": -1.0, "KL_z": 2.0 }, "gradient_norm": 5.0,
            "learning_rate": 0.1, "images_per_s": 60.0,
        });
        let names = ["bits_per_dim", "RE_x", "KL_z", "gradient_norm", "learning_rate", "images_per_s"];
        assert_eq!(tags(&train), names.map(|name| format!("train/{name}")));
        let found = json!({
            "nll": 4.0, "nll_by_samples": { "1": 4.0 }, "standard_error": 0.1, "k": 1, "bound": 4.0, "log_likelihood": -9.0,
            "terms": { "RE_x": -1.0 }, "images": 256, "seconds": 1.0, "images_per_s": 9.0,
            "units": { "z": { "active": 3, "units": 4 } },
        });
        let tags_of = |part: &str| tags(&json!({ "step": 3, part: found }));
        assert_eq!(tags_of("validation"), ["validation/bits_per_dim", "validation/RE_x", "validation/active_units/z"]);
        assert_eq!(tags_of("test"), ["test/bits_per_dim", "test/RE_x", "test/active_units/z"]);
        let table = json!({ "step": 3, "validation": { "nll": 4.0, "unit": "nats", "k": 1 } });
        assert_eq!(tags(&table), ["validation/nats"]);
        assert_eq!(tags(&json!({ "step": 3, "nats": 4.0 })), ["train/nats"]);
    }
}
