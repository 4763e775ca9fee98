//! The report in a browser: it renders, on a phone too, and asks nobody for anything. Without Chromium it is skipped.

use crate::support::Place;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Measures what a person would see, and leaves it in the page for the test to read.
const MEASURE: &str = "<script>addEventListener('load', () => {
  const seen = document.body.dataset;
  seen.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  seen.outside = performance.getEntriesByType('resource').filter(asked => !asked.name.startsWith('data:')).length;
  seen.broken = [...document.images].filter(image => image.naturalWidth === 0).length;
  seen.mathematics = Math.round(document.querySelector('math')?.getBoundingClientRect().height ?? 0);
  seen.charts = [...document.querySelectorAll('.curves svg')].filter(chart => chart.clientWidth > 200).length;
});</script>";

fn chromium() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

fn look(browser: &Path, place: &Place, page: &str, width: u32) -> Output {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--dump-dom"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--enable-logging=stderr", "--virtual-time-budget=5000"]);
    command.arg(format!("--window-size={width},900"));
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    // What the browser itself would like to know of the world is none of the page's doing.
    command.arg("--host-resolver-rules=MAP * ~NOTFOUND");
    command.arg(format!("file://{}", place.path(page).display())).output().unwrap()
}

#[test]
fn the_report_renders_in_a_browser_on_a_desk_and_on_a_phone() {
    let Some(browser) = chromium() else {
        println!("skipped: the_report_renders_in_a_browser_on_a_desk_and_on_a_phone (no Chromium on the PATH)");
        return;
    };
    let place = Place::new();
    place.json("toy.pgm --steps 30 --out run");
    let report = fs::read_to_string(place.path("run/report.html")).unwrap();
    assert!(!report.contains("<script"), "the report itself needs none");
    fs::write(place.path("page.html"), report.replace("</body>", &format!("{MEASURE}</body>"))).unwrap();
    for width in [1280, 500] {
        let seen = look(&browser, &place, "page.html", width);
        let (dom, log) = (String::from_utf8_lossy(&seen.stdout), String::from_utf8_lossy(&seen.stderr));
        assert!(seen.status.success(), "{log}");
        assert!(!log.contains("CONSOLE"), "{log}");
        let value = |name: &str| -> i64 {
            let start =
                dom.find(&format!("data-{name}=\"")).unwrap_or_else(|| panic!("{name}: {log}")) + name.len() + 7;
            dom[start..].split('"').next().unwrap().parse().unwrap()
        };
        assert_eq!((value("overflow"), value("broken"), value("outside")), (0, 0, 0), "{width}");
        assert!(
            value("mathematics") > 20 && value("charts") >= 2,
            "{width}: {} {}",
            value("mathematics"),
            value("charts")
        );
    }
}
