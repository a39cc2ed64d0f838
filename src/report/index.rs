//! One page for a folder of results: what each of its runs found, with a picture and a link to its report.

use super::html::{Html, Pictures, badges, page};
use super::{link, one_line};
use crate::manifest::{FILE, Manifest, ManifestError};
use crate::system::atomic::{WriteError, write_atomic};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Its name in the folder.
pub const INDEX: &str = "index.html";

/// How far below the folder results are looked for: `results/paper/fig02` is two below `results`.
const DEPTH: usize = 4;

/// A folder of results below the index's own.
struct IndexEntry {
    folder: PathBuf,
    manifest: Result<Manifest, ManifestError>,
}

/// Writes `index.html` for the results below a folder; none where there are none. It shows the figures' own files, so it goes where they go.
///
/// # Errors
/// Names the file that cannot be written.
pub fn write_index(folder: &Path) -> Result<Option<PathBuf>, WriteError> {
    let entries = entries(folder);
    if entries.is_empty() {
        return Ok(None);
    }
    let path = folder.join(INDEX);
    let text = index(folder, &entries);
    write_atomic(&path, |out| out.write_all(text.as_bytes()))?;
    Ok(Some(path))
}

/// Those of one folder together, its own before those further down.
fn entries(folder: &Path) -> Vec<IndexEntry> {
    let mut found = Vec::new();
    collect(folder, DEPTH, &mut found);
    found.sort_by(|a, b| (a.folder.parent(), &a.folder).cmp(&(b.folder.parent(), &b.folder)));
    found
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<IndexEntry>) {
    // A folder that cannot be read has no results to show.
    let below = fs::read_dir(folder).into_iter().flatten().flatten();
    // What a run is still writing is no results yet.
    let hidden = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    for folder in below.map(|entry| entry.path()).filter(|path| path.is_dir() && !path.is_symlink() && !hidden(path)) {
        // What cannot be put in its place is said by who runs the spec again.
        let _ = crate::results::settle(&folder);
        if folder.join(FILE).is_file() {
            found.push(IndexEntry { manifest: Manifest::read(&folder), folder });
        } else if depth > 1 {
            collect(&folder, depth - 1, found);
        }
    }
}

fn index(folder: &Path, entries: &[IndexEntry]) -> String {
    let name = folder.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let title = format!("Results in {}", name.unwrap_or_else(|| folder.display().to_string()));
    let mut body = Html::default();
    body.open("header").element("h1", &title);
    let manifests = || entries.iter().filter_map(|entry| entry.manifest.as_ref().ok());
    let expectations: Vec<_> = manifests().flat_map(|manifest| manifest.expectations.iter().cloned()).collect();
    body.raw("<p class=\"badges\">");
    let runs = entries.len();
    body.count("other", "run", "runs", runs);
    badges(&mut body, &expectations);
    body.raw("</p>\n").close("header").open("main");
    let mut within: Option<&Path> = None;
    for entry in entries {
        let parent = entry.folder.parent().and_then(|parent| parent.strip_prefix(folder).ok());
        if within != parent {
            if within.is_some() {
                body.close("div");
            }
            if let Some(parent) = parent.filter(|parent| !parent.as_os_str().is_empty()) {
                body.element("h2", &parent.display().to_string());
            }
            body.raw("<div class=\"cards\">\n");
            within = parent;
        }
        card(&mut body, entry, folder);
    }
    body.close("div").close("main");
    page(&title, &body, Pictures::Beside)
}

const REMARK: &str = "p class=\"remark\"";

fn card(body: &mut Html, entry: &IndexEntry, folder: &Path) {
    let IndexEntry { folder: results, manifest } = entry;
    body.raw("<article class=\"card\">\n");
    match manifest {
        Ok(manifest) => {
            let report = report_of(results);
            if let Some(figure) = picture(results, manifest) {
                let source = link(&figure, folder);
                body.raw("<a href=\"").text(&link(&report, folder)).raw("\"><img alt=\"\" loading=\"lazy\" src=\"");
                body.text(&source).raw("\"></a>\n");
            }
            body.raw("<h3>").with("a", "href", &link(&report, folder), &one_line(&manifest.title));
            body.raw("</h3>\n<p class=\"badges\">");
            badges(body, &manifest.expectations);
            let failed = |check: &&crate::manifest::SelfCheck| !check.passed();
            let count = manifest.self_checks.iter().filter(failed).count();
            body.count("bad", "self-check failed", "self-checks failed", count);
            body.count("bad", "part failed", "parts failed", manifest.failed.len());
            body.count("note", "note", "notes", manifest.notes.len());
            body.raw("</p>\n").element(REMARK, &models(manifest));
            body.raw("<p class=\"remark\">").inline("code", &manifest.command).raw("</p>\n");
            body.element(REMARK, &manifest.ended);
        }
        Err(error) => {
            body.element("h3", &results.strip_prefix(folder).unwrap_or(results).display().to_string());
            body.raw("<p class=\"badges\">").badge("bad", "not readable").raw("</p>\n");
            body.element(REMARK, &error.to_string());
        }
    }
    body.close("article");
}

/// The page of a run, or the Markdown where a repository keeps that alone.
fn report_of(results: &Path) -> PathBuf {
    let page = results.join("report.html");
    if page.is_file() { page } else { results.join("report.md") }
}

/// The first figure that is there as SVG, or else as another image.
fn picture(results: &Path, manifest: &Manifest) -> Option<PathBuf> {
    let own =
        |path: &Path| path.starts_with("figures") && path.components().all(|part| matches!(part, Component::Normal(_)));
    let files = || manifest.files.iter().map(|file| Path::new(&file.path));
    let figures = || files().filter(|path| own(path)).map(|path| results.join(path));
    let of = |ending: &str| {
        let is_one = |path: &PathBuf| path.extension().is_some_and(|found| found == ending) && path.is_file();
        figures().find(is_one)
    };
    of("svg").or_else(|| of("png"))
}

fn models(manifest: &Manifest) -> String {
    let mut sources: Vec<&str> = manifest.models.iter().map(|model| model.source.as_str()).collect();
    sources.dedup();
    sources.join(", ")
}
