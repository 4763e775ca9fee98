//! The report in a browser: it renders, also at the width of a phone, and makes no network requests. Without Chromium
//! the test is ignored.

#[path = "cli/support.rs"]
#[allow(dead_code, reason = "each test target uses its part")]
mod support;

use anyhow::Result;
use srvae_tests::trials::{self, Missing};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use support::Place;

srvae_tests::trials!(the_report_renders_in_a_browser_on_a_desk_and_on_a_phone);

fn main() -> ExitCode {
    trials::run(&[TRIALS])
}

/// A page with the report in a frame of a given width. The page measures what is visible and stores it for the test. A
/// browser window cannot be as narrow as a phone.
const FRAME: &str = "<body data-ready=\"0\"><iframe src=\"run/report.html\" style=\"border:0;height:900px;width:WIDTHpx\"></iframe>
<script>addEventListener('load', () => {
  const [seen, page] = [document.body.dataset, document.querySelector('iframe').contentDocument];
  const all = what => [...page.querySelectorAll(what)];
  const wide = element => element.scrollWidth - element.clientWidth;
  const size = element => element.getBoundingClientRect();
  seen.overflow = wide(page.documentElement);
  seen.cut = all('.display, .facts, .sheet').filter(element => wide(element) > 1).length;
  seen.outside = page.defaultView.performance.getEntriesByType('resource').filter(asked => !asked.name.startsWith('data:')).length;
  seen.broken = [...page.images].filter(image => image.naturalWidth === 0).length;
  seen.mathematics = Math.round(size(page.querySelector('math')).height);
  seen.braces = all('.brace').filter(brace => size(brace).width > 0.9 * size(brace.parentElement).width).length;
  seen.charts = all('.curves svg').filter(chart => chart.clientWidth > 200).length;
  seen.rows = all('.sheet .row').filter(row => row.innerText.trim() && size(row.querySelector('img')).width > 150).length;
  seen.letters = Math.min(...all('.sheet span, td').map(text => parseFloat(page.defaultView.getComputedStyle(text).fontSize)));
});</script>";

fn chromium() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

fn look(browser: &Path, place: &Place, page: &str) -> Output {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--dump-dom"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--enable-logging=stderr", "--virtual-time-budget=5000"]);
    command.args(["--window-size=1280,900", "--allow-file-access-from-files"]);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    // Requests that the browser itself makes are not caused by the page.
    command.arg("--host-resolver-rules=MAP * ~NOTFOUND");
    command.arg(format!("file://{}", place.path(page).display())).output().unwrap()
}

fn the_report_renders_in_a_browser_on_a_desk_and_on_a_phone() -> Result<()> {
    let browser = chromium().ok_or_else(|| Missing("no Chromium on the PATH".into()))?;
    let place = Place::new();
    place.json("toy.pgm --steps 30 --out run");
    let report = fs::read_to_string(place.path("run/report.html")).unwrap();
    assert!(!report.contains("<script"), "the report itself needs none");
    for fact in [
        "<td>data</td><td>builtin</td>",
        "<td>seed</td><td>1</td>",
        "<td>steps</td><td>30 of 30</td>",
        "<td>batch</td>",
        "<td>date</td>",
    ] {
        assert!(report.contains(fact), "{fact}");
    }
    for width in [1200, 390] {
        fs::write(place.path("page.html"), FRAME.replace("WIDTH", &width.to_string())).unwrap();
        let seen = look(&browser, &place, "page.html");
        let (dom, log) = (String::from_utf8_lossy(&seen.stdout), String::from_utf8_lossy(&seen.stderr));
        assert!(seen.status.success(), "{log}");
        assert!(!log.contains("CONSOLE"), "{log}");
        let value = |name: &str| -> i64 {
            let start =
                dom.find(&format!("data-{name}=\"")).unwrap_or_else(|| panic!("{name}: {log}")) + name.len() + 7;
            dom[start..].split('"').next().unwrap().parse::<f64>().unwrap() as i64
        };
        assert_eq!((value("overflow"), value("cut"), value("broken"), value("outside")), (0, 0, 0, 0), "{width}");
        let shown = ["mathematics", "braces", "charts", "rows", "letters"].map(value);
        // Two terms, each with its brace; charts of bits/dim, terms, gradient and learning rate; at least one row per
        // mode.
        let least = [20, 2, 4, 2, 11];
        assert!(
            shown.iter().zip(least).all(|(shown, least)| *shown >= least),
            "{width}: {shown:?}, at least {least:?}"
        );
    }
    Ok(())
}
