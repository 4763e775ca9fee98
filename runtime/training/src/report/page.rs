//! A page of HTML without anything outside of it.

use std::fmt::Write;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --ink: light-dark(#222, #ddd); --paper: light-dark(#fff, #181a1d); }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td, th { padding: .2rem .8rem .2rem 0; text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td:first-child, th:first-child, td:last-child { text-align: left; }
tr + tr td { border-top: 1px solid var(--line); }
pre { overflow-x: auto; padding: .6rem; border: 1px solid var(--line); border-radius: .3rem; font-size: .85rem; }
img { max-width: 100%; height: auto; image-rendering: pixelated; }
.display { overflow-x: auto; overflow-y: hidden; padding: .4rem 0; } math { font-size: 1.05rem; }
mtable.menv-alignlike mtd { padding: .35em .1em; text-align: left; text-align: -webkit-left; }
mtable.menv-alignlike mtd:nth-child(odd) { text-align: right; text-align: -webkit-right; }
summary { cursor: pointer; margin: .4rem 0; }
.wide { overflow-x: auto; background: #fff; } .wide svg { max-width: 100%; height: auto; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 1rem; }
.curves svg { width: 100%; height: auto; background: #fff; }
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

    /// A heading and a table, its first row the headers; nothing where there are no rows.
    pub fn table(&mut self, heading: &str, rows: &[Vec<String>]) {
        let Some((headers, rows)) = rows.split_first() else { return };
        let row = |cells: &[String], tag: &str| {
            let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
            format!("<tr>{cells}</tr>\n")
        };
        let rows: String = rows.iter().map(|cells| row(cells, "td")).collect();
        self.section(heading, &format!("<table>\n{}{rows}</table>", row(headers, "th")));
    }

    /// A heading and a PNG file below it.
    pub fn picture(&mut self, heading: &str, png: &[u8]) {
        let data = base64(png);
        self.section(heading, &format!("<img alt=\"{}\" src=\"data:image/png;base64,{data}\">", escape(heading)));
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

/// Text that HTML shows as it is.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |word, at| word << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for digit in 0..4 {
            let index = (word >> (18 - 6 * digit)) & 63;
            text.push(if digit <= group.len() { char::from(DIGITS[index as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_the_standard_one() {
        for (text, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xff, 0xfe]), "//4=");
    }
}
