//! `manifest.json`: what was run, on what, and what came out.

use super::results::Checksum;
use crate::report::Report;
use serde_json::json;

/// The manifest's text.
pub fn json(report: &Report, files: &[Checksum]) -> String {
    let facts: serde_json::Map<_, _> = report.facts.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let mut manifest = json!({
        "title": report.title,
        "command": report.command,
        "machine": facts,
        "notes": report.notes,
        "self_checks": report.checks,
        "expectations": report.expectations,
        "spec": report.spec_toml,
        "files": files,
    });
    if !report.recalled.is_empty() {
        manifest["from_store"] = json!(report.recalled);
    }
    format!("{manifest:#}\n")
}
