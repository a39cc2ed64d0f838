//! The report as one HTML file that needs no network and no other file: figures and all rows of tables are in it.

mod expected;
mod figure;
mod listing;
mod page;
mod provenance;
mod table;
mod text;

pub(super) use expected::badges;
pub(super) use page::{Pictures, page};
pub(super) use text::Html;

use text::escaped;

use super::{Report, ReportPart, link, one_line};
use crate::manifest::Manifest;
use std::path::{Path, PathBuf};

/// The report as an HTML page, for a file in `folder`, where the files of its figures are read from; `manifest` is of the same
/// run.
pub fn html(report: &Report, manifest: &Manifest, folder: &Path) -> String {
    let sections = sections(report, manifest, folder);
    let mut body = Html::default();
    header(&mut body, report);
    body.raw("<nav aria-label=\"Contents\"><ul>\n").raw(sections.links.as_str()).raw("</ul></nav>\n");
    body.open("main").raw(sections.body.as_str()).close("main");
    page(&one_line(&report.title), &body, Pictures::Within)
}

fn sections(report: &Report, manifest: &Manifest, folder: &Path) -> Sections {
    let mut sections = Sections::default();
    if !report.notes.is_empty() {
        sections.add("notes", "Notes", |body| body.list(&report.notes));
    }
    if !report.failed.is_empty() {
        let each = |body: &mut Html| report.failed.iter().for_each(|failed| provenance::failed(body, failed));
        sections.add("failed", "What failed", each);
    }
    if !report.expectations.is_empty() {
        sections.add("expected", "Expected", |body| expected::table(body, &report.expectations));
    }
    let mut glyphs = figure::Glyphs::default();
    for (part, titled) in report.parts() {
        match part {
            ReportPart::Figure(figure) => {
                let (id, title) = (format!("figure-{}", figure.name), one_line(figure.heading()));
                sections.part(&id, titled.then_some(&title), |body| figure::figure(body, figure, folder, &mut glyphs));
            }
            ReportPart::Table(table) => {
                let (id, title) = (format!("table-{}", table.name), one_line(table.heading()));
                sections.part(&id, titled.then_some(&title), |body| table::table(body, table, folder));
            }
        }
    }
    if !report.rows.is_empty() {
        sections.add("rows", "Rows of steps", |body| linked(body, &report.rows, folder));
    }
    if !report.activations.is_empty() {
        sections.add("activations", "Activations", |body| linked(body, &report.activations, folder));
    }
    if !report.checks.is_empty() {
        sections.add("self-check", "Self-check", |body| provenance::checks(body, &report.checks));
    }
    sections.add("provenance", "Where and with what", |body| provenance::facts(body, manifest));
    if !report.spec_origins.is_empty() {
        let heading = "The spec, with every default and where each value comes from";
        sections.add_headed("spec", "The spec", heading, |body| listing::toml(body, &report.spec_origins));
    }
    sections
}

/// What follows the header, and links to each part of it: none is there without the other.
#[derive(Default)]
struct Sections {
    links: Html,
    body: Html,
}

impl Sections {
    fn add(&mut self, id: &str, title: &str, fill: impl FnOnce(&mut Html)) {
        self.add_headed(id, title, title, fill);
    }

    /// A figure or a table; one without a title belongs to the part before.
    fn part(&mut self, id: &str, title: Option<&String>, fill: impl FnOnce(&mut Html)) {
        match title {
            Some(title) => self.add(id, title, fill),
            None => {
                self.body.raw("<section id=\"").text(id).raw("\">\n");
                fill(&mut self.body);
                self.body.close("section");
            }
        }
    }

    /// One that the contents call otherwise than its own heading.
    fn add_headed(&mut self, id: &str, listed: &str, heading: &str, fill: impl FnOnce(&mut Html)) {
        self.links.raw("<li>").with("a", "href", &format!("#{id}"), listed).raw("</li>\n");
        self.body.raw("<section id=\"").text(id).raw("\">\n").element("h2", heading);
        fill(&mut self.body);
        self.body.close("section");
    }
}

/// Links to files, by their names.
fn linked(body: &mut Html, files: &[PathBuf], folder: &Path) {
    body.open("ul");
    for path in files {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        body.raw("<li>").with("a", "href", &link(path, folder), &name).raw("</li>\n");
    }
    body.close("ul");
}

/// Title, verdicts, description, and the command that makes it all again.
fn header(body: &mut Html, report: &Report) {
    body.open("header");
    body.element("h1", &one_line(&report.title));
    body.raw("<p class=\"badges\">");
    expected::badges(body, &report.expectations);
    let (passed, failed): (Vec<_>, Vec<_>) = report.checks.iter().partition(|check| check.passed());
    body.count("good", "self-check passed", "self-checks passed", passed.len());
    body.count("bad", "self-check failed", "self-checks failed", failed.len());
    body.count("bad", "part failed", "parts failed", report.failed.len());
    body.count("note", "note", "notes", report.notes.len());
    body.raw("</p>\n");
    if let Some(description) = &report.description {
        body.description(description);
    }
    body.raw("<pre class=\"command\">").inline("code", &report.command).raw("</pre>\n");
    body.close("header");
}
