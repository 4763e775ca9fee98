//! Converts the compiler's LaTeX to MathML, which browsers display natively.

use anyhow::{Result, anyhow};
use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::{Parser, Storage, push_mathml};

const ENDS: [&str; 2] = ["\\begin{align}", "\\end{align}"];

/// Every display of a LaTeX text as a MathML element.
///
/// # Errors
/// Unsupported LaTeX.
pub fn displays(latex: &str) -> Result<Vec<String>> {
    let rest = latex.split(ENDS[0]).skip(1);
    rest.map(|part| display(part.split(ENDS[1]).next().unwrap_or_default())).collect()
}

fn display(body: &str) -> Result<String> {
    let storage = Storage::new();
    let text = format!("\\begin{{aligned}}{body}\\end{{aligned}}");
    let parser = Parser::new(&text, &storage);
    // The converter marks unsupported LaTeX in red; here it is an error.
    let events: Result<Vec<_>, _> = parser.collect();
    let events = events.map_err(|reason| anyhow!("the mathematics cannot be converted: {reason}"))?;
    let config = RenderConfig { display_mode: DisplayMode::Block, ..RenderConfig::default() };
    let mut element = String::new();
    push_mathml(&mut element, events.into_iter().map(Ok::<_, std::convert::Infallible>), config)?;
    Ok(cells(&braces(&signs(&element))))
}

/// Puts each cell into one element, so that on a narrow screen the page's style can stack the cells of a line.
fn cells(element: &str) -> String {
    element.replace("<mtd>", "<mtd><mrow>").replace("</mtd>", "</mrow></mtd>")
}

/// Replaces a brace below a formula by a line, which the page's style draws. Browsers stretch a brace only with a font
/// for mathematics, which few machines have.
fn braces(element: &str) -> String {
    const BEGIN: &str = "<munder><munder>";
    const END: &str = "<mo stretchy=\"true\">\u{23df}</mo></munder>";
    if element.matches(BEGIN).count() != element.matches(END).count() {
        return element.to_owned();
    }
    element.replace(BEGIN, "<munder><mrow class=\"brace\">").replace(END, "</mrow>")
}

/// A sign at the beginning of a line is an operator between two terms, with the usual space.
fn signs(element: &str) -> String {
    let operator = |sign: &str| format!("<mo form=\"infix\">{sign}</mo>");
    element.replace("<mi>+</mi>", &operator("+")).replace("<mi>−</mi>", &operator("−"))
}

#[cfg(test)]
mod tests {
    use super::displays;

    #[test]
    fn what_the_compiler_writes_becomes_mathml() {
        let latex = "% Model m\n\\begin{align}\n  \\ln p_{\\theta}(\\mathbf{x}) \\geq{}& \\underbrace{\\mathbb{E}_{q_{\\phi}\
                     (\\mathbf{z} \\mid \\mathbf{x})} \\left[ \\ln p_{\\theta}(\\mathbf{x} \\mid \\mathbf{z}) \\right]}_\
                     {\\mathrm{RE}_{x}} \\\\\n  & - \\mathrm{KL}\\left( q \\,\\middle\\|\\, p \\right), \\quad d = \\text{downscale(factor: 2)}\n\\end{align}\n";
        let found = displays(latex).unwrap();
        assert_eq!(found.len(), 1);
        assert!(!found[0].contains('\u{23df}'), "{}", found[0]);
        assert_eq!(found[0].matches("<mtd><mrow>").count(), found[0].matches("</mrow></mtd>").count());
        assert!(!found[0].replace("<mtd><mrow>", "").contains("<mtd"), "{}", found[0]);
        for part in
            ["<math", "<munder><mrow class=\"brace\">", "\u{2265}", "\u{3b8}", "downscale(factor: 2)", "<mtable"]
        {
            assert!(found[0].contains(part), "{part}: {}", found[0]);
        }
        assert!(displays("\\begin{align} \\nothing{x} \\end{align}").is_err());
        assert!(displays("no display").unwrap().is_empty());
    }
}
