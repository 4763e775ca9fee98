//! The entry point of the compiler: from a text and settings to everything that the compiler derives from them.

use crate::ast::File;
use crate::check::{Overrides, check};
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::graph::Model;
use crate::parse::read;
use crate::plan::{Plan, plan};
use crate::source::Source;
use std::sync::OnceLock;

/// Compiles a file with the parameter values of the settings. Without settings it is also checked at each of its
/// presets.
///
/// Infallible: errors of the file are in [`Compilation::diagnostics`]. Methods that need a valid file return these
/// errors.
pub fn compile(source: &Source, settings: &Overrides) -> Compilation {
    let (tree, mut diagnostics) = read(source);
    let broken = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let model = match broken {
        true => None,
        false => match check(&tree, source, settings) {
            Ok((model, warnings)) => {
                diagnostics.extend(warnings);
                Some(model)
            }
            Err(report) => {
                diagnostics.extend(report.diagnostics);
                None
            }
        },
    };
    Compilation { report: Report::new(source, diagnostics), tree, model, plan: OnceLock::new() }
}

/// Compiles a file from its bytes on disk. Bytes that are not UTF-8 are one of its errors.
pub fn compile_bytes(path: &str, bytes: &[u8], settings: &Overrides) -> Compilation {
    match Source::from_bytes(path, bytes) {
        Ok(source) => compile(&source, settings),
        Err(report) => Compilation { report, tree: File::default(), model: None, plan: OnceLock::new() },
    }
}

/// A compiled file. Later stages run on first use.
#[derive(Debug, Clone)]
pub struct Compilation {
    report: Report,
    tree: File,
    model: Option<Model>,
    plan: OnceLock<Plan>,
}

impl Compilation {
    pub fn source(&self) -> &Source {
        &self.report.source
    }

    /// The statements that could be parsed, even if others could not.
    pub fn tree(&self) -> &File {
        &self.tree
    }

    /// Errors and warnings, in the file's order.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.report.diagnostics
    }

    /// The diagnostics with the source text, for printing.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The checked model.
    ///
    /// # Errors
    /// The report, if the file has errors.
    pub fn model(&self) -> Result<&Model, Report> {
        self.model.as_ref().ok_or_else(|| self.report.clone())
    }

    /// The plan: the model after all decisions that code generation and explanations need.
    ///
    /// # Errors
    /// The report, if the file has errors.
    pub fn plan(&self) -> Result<&Plan, Report> {
        let model = self.model()?;
        Ok(self.plan.get_or_init(|| plan(model.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "model m\nparam width = 4\npreset wide { width = 8 }\nobserved x: real[width]\n\
                        p(x) = normal from x |> linear\n";

    #[test]
    fn a_right_file_has_a_model_and_a_plan() {
        let source = Source::new(
            "m.pgm",
            "model m\nobserved x: real[4]\nlatent z: real[2]\np(z) = standard_normal\n\
                        p(x | z) = normal from z |> linear\nq(z | x) = normal from x |> linear\n",
        );
        let compilation = compile(&source, &Overrides::default());
        assert_eq!(compilation.diagnostics(), []);
        assert_eq!(compilation.model().unwrap().variables.len(), 2);
        assert_eq!(compilation.plan().unwrap().derivation.terms.len(), 2);
    }

    #[test]
    fn a_broken_file_keeps_the_statements_that_read() {
        let compilation = compile(&Source::new("m.pgm", format!("{GOOD}latent z real\n")), &Overrides::default());
        assert_eq!(compilation.tree().items.len(), 5);
        assert_eq!(compilation.diagnostics().len(), 1);
        assert_eq!(&compilation.plan().unwrap_err(), compilation.report());
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error_at_their_place() {
        let compilation = compile_bytes("m.pgm", b"model \xff", &Overrides::default());
        assert!(compilation.model().is_err());
        assert!(compilation.report().to_string().contains("m.pgm:1:7"), "{}", compilation.report());
    }
}
