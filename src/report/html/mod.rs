//! The report as one HTML file that needs no network and no other file: figures and all rows of tables are in it.

mod expected;
mod figure;
mod listing;
mod page;
mod provenance;
mod table;
mod text;

pub(super) use expected::badges;
pub(super) use page::page;
pub(super) use text::Html;

use text::escaped;

use super::{Report, one_line};
use crate::manifest::Manifest;
use std::path::Path;

/// The report as an HTML page, for a file in `folder`, where the files of its figures are read from; `manifest` is of the same
/// run.
pub fn html(report: &Report, manifest: &Manifest, folder: &Path) -> String {
    let mut body = Html::default();
    header(&mut body, report);
    contents(&mut body, report);
    body.open("main");
    if !report.notes.is_empty() {
        section(&mut body, "notes", "Notes");
        body.list(&report.notes);
        body.close("section");
    }
    if !report.failed.is_empty() {
        section(&mut body, "failed", "What failed");
        report.failed.iter().for_each(|failed| provenance::failed(&mut body, failed));
        body.close("section");
    }
    if !report.expectations.is_empty() {
        section(&mut body, "expected", "Expected");
        expected::table(&mut body, &report.expectations);
        body.close("section");
    }
    let mut glyphs = figure::Glyphs::default();
    for figure in &report.figures {
        section(&mut body, &format!("figure-{}", figure.name), &one_line(figure.heading()));
        figure::figure(&mut body, figure, folder, &mut glyphs);
        body.close("section");
    }
    for table in &report.tables {
        section(&mut body, &format!("table-{}", table.name), &one_line(table.heading()));
        table::table(&mut body, table, folder);
        body.close("section");
    }
    if !report.checks.is_empty() {
        section(&mut body, "self-check", "Self-check");
        provenance::checks(&mut body, &report.checks);
        body.close("section");
    }
    section(&mut body, "provenance", "Where and with what");
    provenance::facts(&mut body, manifest);
    body.close("section");
    if !report.spec_origins.is_empty() {
        section(&mut body, "spec", "The spec, with every default and where each value comes from");
        listing::toml(&mut body, &report.spec_origins);
        body.close("section");
    }
    body.close("main");
    page(&one_line(&report.title), &body)
}

/// Title, verdicts, description, and the command that makes it all again.
fn header(body: &mut Html, report: &Report) {
    body.open("header");
    body.element("h1", &one_line(&report.title));
    body.raw("<p class=\"badges\">");
    expected::badges(body, &report.expectations);
    let (passed, failed): (Vec<_>, Vec<_>) = report.checks.iter().partition(|check| check.passed());
    body.badge("good", "self-check passed", "self-checks passed", passed.len());
    body.badge("bad", "self-check failed", "self-checks failed", failed.len());
    body.badge("bad", "part failed", "parts failed", report.failed.len());
    body.badge("note", "note", "notes", report.notes.len());
    body.raw("</p>\n");
    if let Some(description) = &report.description {
        body.markdown(description);
    }
    body.raw("<pre class=\"command\"><code>").text(&report.command).raw("</code></pre>\n");
    body.close("header");
}

/// Links to everything that follows.
fn contents(body: &mut Html, report: &Report) {
    body.raw("<nav aria-label=\"Contents\"><ul>\n");
    let mut link = |id: &str, title: &str| {
        body.raw("<li><a href=\"#").text(id).raw("\">").text(title).raw("</a></li>\n");
    };
    if !report.notes.is_empty() {
        link("notes", "Notes");
    }
    if !report.failed.is_empty() {
        link("failed", "What failed");
    }
    if !report.expectations.is_empty() {
        link("expected", "Expected");
    }
    for figure in &report.figures {
        link(&format!("figure-{}", figure.name), &one_line(figure.heading()));
    }
    for table in &report.tables {
        link(&format!("table-{}", table.name), &one_line(table.heading()));
    }
    if !report.checks.is_empty() {
        link("self-check", "Self-check");
    }
    link("provenance", "Where and with what");
    if !report.spec_origins.is_empty() {
        link("spec", "The spec");
    }
    body.raw("</ul></nav>\n");
}

fn section(body: &mut Html, id: &str, title: &str) {
    body.raw("<section id=\"").text(id).raw("\">\n");
    body.element("h2", title);
}
