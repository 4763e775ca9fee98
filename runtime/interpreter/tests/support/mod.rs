//! Models of a text.

use srvae_dsl::plan::Plan;
use srvae_dsl::{Overrides, Source, compile};
use srvae_interpreter::Interpreted;
use srvae_numerics::Params;

/// The plan of a text without errors.
pub fn plan(text: &str) -> Plan {
    let compilation = compile(&Source::new("m.pgm", text), &Overrides::default());
    compilation.plan().map_err(|report| report.to_string()).unwrap().clone()
}

/// The model of a text, with its parameters in `params`.
pub fn interpreted(text: &str, params: &Params) -> Interpreted {
    Interpreted::new(plan(text), params).unwrap()
}
