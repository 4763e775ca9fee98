//! Values of parameters: those of presets and those set by the caller.

use super::{Checker, Overrides, docs};
use crate::ast::{File, ItemKind, Setting};
use crate::diagnostics::{Diagnostic, messages};
use crate::graph::{ParamId, Preset, Value};

impl Checker<'_> {
    /// Reads the presets and applies the overrides.
    pub(super) fn settings(&mut self, file: &File, overrides: &Overrides) {
        for item in &file.items {
            if let ItemKind::Preset { name, settings } = &item.kind {
                let values = settings.iter().filter_map(|setting| self.setting(setting)).collect();
                self.once_each(settings);
                self.presets.push(Preset { name: name.text.clone(), docs: docs(item), values, span: name.span });
            }
        }
        if let Some(name) = &overrides.preset {
            match self.presets.iter().find(|preset| preset.name == *name) {
                Some(preset) => {
                    for (param, value) in &preset.values {
                        self.params[param.0].value = value.clone();
                    }
                }
                None => {
                    let known: Vec<_> = self.presets.iter().map(|preset| preset.name.as_str()).collect();
                    self.findings.push(messages::unknown_preset(name, known));
                }
            }
        }
        for (name, text) in &overrides.set {
            if let Err(error) = self.set(name, text) {
                self.findings.push(error);
            }
        }
    }

    /// Checks that a preset gives each parameter only one value.
    fn once_each(&mut self, settings: &[Setting]) {
        for (index, setting) in settings.iter().enumerate() {
            if let Some(first) = settings[..index].iter().find(|other| other.name.text == setting.name.text) {
                self.findings.push(messages::argument_twice(&setting.name.text, setting.name.span, first.name.span));
            }
        }
    }

    fn setting(&mut self, setting: &Setting) -> Option<(ParamId, Value)> {
        let name = &setting.name;
        let Some(id) = self.params.iter().position(|param| param.name == name.text) else {
            let error = messages::unknown_param(&name.text, name.span, self.param_names());
            self.findings.push(error);
            return None;
        };
        let default = &self.params[id].default;
        match convert(&setting.value, default) {
            Some(value) => Some((ParamId(id), value)),
            None => {
                let (wanted, found) = (kind(default), show(&setting.value));
                let error = messages::wrong_setting(&name.text, wanted, &found);
                self.findings.push(error.at(setting.value_span, format!("this is {found}")));
                None
            }
        }
    }

    fn set(&mut self, name: &str, text: &str) -> Result<(), Diagnostic> {
        let Some(id) = self.params.iter().position(|param| param.name == name) else {
            return Err(messages::unknown_setting(name, self.param_names()));
        };
        let default = &self.params[id].default;
        match convert(&read(text), default) {
            Some(value) => self.params[id].value = value,
            None => return Err(messages::wrong_setting(name, kind(default), &format!("`{text}`"))),
        }
        Ok(())
    }
}

/// Parses a value as typed on the command line.
fn read(text: &str) -> Value {
    let text = text.trim();
    if let Ok(value) = text.parse() {
        return Value::Int(value);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            Value::Real(value)
        }
        _ => crate::parse::word(text),
    }
}

/// The value converted to the type of the default.
fn convert(value: &Value, default: &Value) -> Option<Value> {
    match (value, default) {
        (Value::Int(_), Value::Int(_)) | (Value::Real(_), Value::Real(_)) => Some(value.clone()),
        (Value::Bool(_), Value::Bool(_)) | (Value::Word(_), Value::Word(_)) => Some(value.clone()),
        (Value::Int(value), Value::Real(_)) => Some(Value::Real(*value as f64)),
        _ => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Int(_) => "a whole number",
        Value::Real(_) => "a number",
        Value::Bool(_) => "true or false",
        Value::Word(_) => "a word",
    }
}

/// The value as printed in messages.
pub(super) fn show(value: &Value) -> String {
    match value {
        Value::Int(value) => value.to_string(),
        Value::Real(value) => format!("{value:?}"),
        Value::Bool(value) => value.to_string(),
        Value::Word(word) => format!("`{word}`"),
    }
}
