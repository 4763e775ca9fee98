//! A page of HTML without anything outside of it.

use crate::picture::base64;
use crate::printable::escape;
use std::fmt::Write;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --ink: light-dark(#222, #ddd); --paper: light-dark(#fff, #181a1d); }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin-top: 2rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; }
.scroll { overflow-x: auto; }
td, th { padding: .2rem .8rem .2rem 0; text-align: right; font-variant-numeric: tabular-nums; }
td:first-child, th:first-child, td:last-child { text-align: left; }
tr + tr td { border-top: 1px solid var(--line); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: .5rem 2rem; align-items: start; }
.facts td { overflow-wrap: anywhere; vertical-align: top; } .facts td:first-child { overflow-wrap: normal; color: light-dark(#555, #aaa); }
.facts th { font-size: 1.1rem; padding-top: .8rem; }
pre { overflow-x: auto; padding: .6rem; border: 1px solid var(--line); border-radius: .3rem; font-size: .85rem; }
figure { margin: 0; } figcaption { font-size: .9rem; } .key { white-space: nowrap; margin-left: .6rem; }
img { max-width: 100%; height: auto; image-rendering: pixelated; vertical-align: top; }
.display { overflow-x: auto; overflow-y: hidden; padding: .4rem 0; } math { font-size: 1.05rem; }
mtable.menv-alignlike mtd { padding: .35em .1em; text-align: left; text-align: -webkit-left; }
mtable.menv-alignlike mtd:nth-child(odd) { text-align: right; text-align: -webkit-right; }
mrow.brace { border: 1px solid currentColor; border-top: 0; border-radius: 0 0 .5em .5em / 0 0 .3em .3em; padding: 0 .15em .15em; margin-left: .15em; }
summary { cursor: pointer; margin: .4rem 0; }
.wide { overflow-x: auto; background: #fff; } .wide img { max-width: none; } .wide svg { max-width: 100%; height: auto; }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)); gap: 1rem; }
.curves svg { width: 100%; height: auto; background: #fff; }
.sheet .row { display: grid; grid-template-columns: 8rem 1fr; align-items: center; margin-bottom: .15rem; font-size: .9rem; }
.sheet .new { margin-top: .8rem; } .sheet span { padding-right: .5rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  .wide svg { max-width: max(100%, 40rem); }
  mtable.menv-alignlike, mtable.menv-alignlike mtr, mtable.menv-alignlike mtd:nth-child(n) { display: block; text-align: left; }
  mtable.menv-alignlike mtd:nth-child(even) { padding-left: 1.5em; }
  .sheet .row { display: block; } .sheet span { display: block; font-size: .8rem; line-height: 1.3; }
  .facts td { font-size: .9rem; } math { font-size: .8rem; } .scroll td, .scroll th { font-size: .8rem; padding-right: .5rem; }
}
";

/// A page as it grows.
#[derive(Debug)]
pub struct Page {
    title: String,
    body: String,
}

impl Page {
    pub fn new(title: &str) -> Self {
        Self { title: escape(title), body: String::new() }
    }

    /// A heading with HTML below it.
    pub fn section(&mut self, heading: &str, html: &str) {
        // Writing to a string cannot fail.
        writeln!(self.body, "<section><h2>{}</h2>\n{html}\n</section>", escape(heading)).ok();
    }

    /// A heading with lines as they are below it; nothing where there are none.
    pub fn text(&mut self, heading: &str, text: &str) {
        if !text.trim().is_empty() {
            self.section(heading, &format!("<pre>{}</pre>", escape(text.trim_end())));
        }
    }

    /// The same, to be opened: what is long and seldom wanted.
    pub fn folded(&mut self, heading: &str, text: &str) {
        if !text.trim().is_empty() {
            let text = escape(text.trim_end());
            self.section(heading, &format!("<details><summary>Show all</summary><pre>{text}</pre></details>"));
        }
    }

    /// A heading and a table, its first row the headers; nothing where there are no rows.
    pub fn table(&mut self, heading: &str, rows: &[Vec<String>]) {
        if !rows.is_empty() {
            self.section(heading, &format!("<div class=\"scroll\">{}</div>", table(rows)));
        }
    }

    /// Tables side by side where the screen is wide enough.
    pub fn tables(&mut self, tables: &[Vec<Vec<String>>]) {
        let all: String = tables.iter().filter(|rows| !rows.is_empty()).map(|rows| table(rows)).collect();
        writeln!(self.body, "<div class=\"facts\">{all}</div>").ok();
    }

    /// The whole page.
    pub fn html(&self) -> String {
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{0}</title>\n<style>{STYLE}</style></head>\n\
             <body><h1>{0}</h1>\n{1}</body></html>\n",
            self.title, self.body
        )
    }
}

/// A table, its first row the headers.
fn table(rows: &[Vec<String>]) -> String {
    let row = |cells: &[String], tag: &str| {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let Some((headers, rows)) = rows.split_first() else { return String::new() };
    let rows: String = rows.iter().map(|cells| row(cells, "td")).collect();
    format!("<table>\n{}{rows}</table>\n", row(headers, "th"))
}

/// A PNG file as an element.
pub fn image(what: &str, png: &[u8]) -> String {
    format!("<img alt=\"{}\" src=\"data:image/png;base64,{}\">", escape(what), base64(png))
}
