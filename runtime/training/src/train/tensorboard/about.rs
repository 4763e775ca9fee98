//! The description of a run: its hyperparameters, its bound as text, its graph.

use super::message::{bytes, double, float, integer, message};
use super::{Events, now};
use anyhow::Result;
use serde_json::Value;

/// The description of a run in TensorBoard, besides its values.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The name of the score for comparing runs: `bits_per_dim` or `nats`.
    pub score: &'static str,
    /// By name: numbers, flags and words.
    pub hyperparameters: Vec<(String, Value)>,
    /// Texts in Markdown by their tags.
    pub texts: Vec<(String, String)>,
    pub graph: Vec<Node>,
}

/// A factor of the model, or a variable that data supply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Parts of a path are nested boxes: `p/x`.
    pub name: String,
    /// The node's operation, such as the distribution's name.
    pub operation: String,
    /// Names of the nodes that it reads.
    pub inputs: Vec<String>,
}

/// TensorFlow's codes of types.
const FLOAT: u64 = 1;
const STRING: u64 = 7;
/// The hyperparameter plugin's codes of a run's status.
const SUCCESS: u64 = 1;
const FAILURE: u64 = 2;

impl Events {
    /// Adds the description, once at the beginning of the run.
    ///
    /// # Errors
    /// Usually a full disk.
    pub fn about(&mut self, about: &About) -> Result<()> {
        if !about.graph.is_empty() {
            let nodes: Vec<Vec<u8>> = about.graph.iter().map(node).collect();
            let graph = [nodes.concat(), message(4, &[integer(1, 22)])].concat();
            self.record(&[double(1, now()), bytes(4, graph)])?;
        }
        let mut values: Vec<Vec<u8>> = about.texts.iter().map(|(tag, text)| text_value(tag, text)).collect();
        let known: Vec<_> =
            about.hyperparameters.iter().filter_map(|(name, value)| Some((name, typed(value)?))).collect();
        let declared = known.iter().map(|(name, (kind, _))| message(4, &[bytes(1, name), integer(4, *kind)]));
        let metric = |part: &&str| message(5, &[message(1, &[bytes(2, format!("{part}/{}", about.score))])]);
        let experiment: Vec<Vec<u8>> = [double(3, now())]
            .into_iter()
            .chain(declared)
            .chain(["train", "validation", "test"].iter().map(metric))
            .collect();
        values.push(plugin_value("_hparams_/experiment", &message(2, &experiment)));
        let pair = |(name, (_, value)): &(&String, (u64, Vec<u8>))| message(1, &[bytes(1, name), bytes(2, value)]);
        let session: Vec<Vec<u8>> = known.iter().map(pair).chain([double(5, now())]).collect();
        values.push(plugin_value("_hparams_/session_start_info", &message(3, &session)));
        self.summary(0, &values)
    }

    /// Adds the end of the run.
    ///
    /// # Errors
    /// Usually a full disk.
    pub fn end(&mut self, step: usize, success: bool) -> Result<()> {
        let state = if success { SUCCESS } else { FAILURE };
        let end = message(4, &[integer(1, state), double(2, now())]);
        self.summary(step, &[plugin_value("_hparams_/session_end_info", &end)])
    }
}

fn node(node: &Node) -> Vec<u8> {
    let inputs = node.inputs.iter().map(|input| bytes(3, input));
    let fields: Vec<Vec<u8>> = [bytes(1, &node.name), bytes(2, &node.operation)].into_iter().chain(inputs).collect();
    message(1, &fields)
}

/// The plugin's code of a value's type (1 word, 2 flag, 3 number), and the encoded value.
fn typed(value: &Value) -> Option<(u64, Vec<u8>)> {
    match value {
        Value::String(word) => Some((1, bytes(3, word))),
        Value::Bool(flag) => Some((2, integer(4, u64::from(*flag)))),
        Value::Number(number) => number.as_f64().map(|number| (3, double(2, number))),
        _ => None,
    }
}

fn text_value(tag: &str, text: &str) -> Vec<u8> {
    let metadata = message(9, &[message(1, &[bytes(1, "text")])]);
    let tensor = message(8, &[integer(1, STRING), message(2, &[message(2, &[integer(1, 1)])]), bytes(8, text)]);
    message(1, &[bytes(1, format!("{tag}/text_summary")), tensor, metadata])
}

fn plugin_value(tag: &str, content: &[u8]) -> Vec<u8> {
    let metadata = message(9, &[message(1, &[bytes(1, "hparams"), bytes(2, content)])]);
    let tensor = message(8, &[integer(1, FLOAT), message(2, &[message(2, &[integer(1, 1)])]), float(5, 0.0)]);
    message(1, &[bytes(1, tag), tensor, metadata])
}
