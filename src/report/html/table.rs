//! Tables whose rows can be sorted.

use super::Html;
use crate::report::{ReportTable, kind, link};
use crate::table::palette::{self, Palette};
use crate::table::{cell, plain};
use polars::prelude::*;
use std::path::{Path, PathBuf};

/// Rows of a table that the page has; the files have all.
const ROWS: usize = 1000;

/// One table and links to its files.
pub fn table(body: &mut Html, table: &ReportTable, folder: &Path) {
    let frame = &table.frame;
    match table.without_rows() {
        Some(none) => {
            body.element("p", &none);
        }
        None => rows(body, frame, table.decimals),
    }
    if frame.height() > ROWS {
        body.element("p class=\"remark\"", &format!("The first {ROWS} of {} rows.", frame.height()));
    }
    files(body, &table.name, &table.files, folder);
    body.raw("\n");
}

/// The name of a table or figure, and links to its files.
pub fn files(body: &mut Html, name: &str, files: &[PathBuf], folder: &Path) {
    body.raw("<p class=\"files\">").inline("code", name);
    for path in files {
        body.raw(" ").with("a", "href", &link(path, folder), &kind(path));
    }
    body.raw("</p>");
}

fn rows(body: &mut Html, frame: &DataFrame, decimals: usize) {
    let columns = frame.columns();
    let kind = |column: &Column| (column.dtype().is_primitive_numeric(), Palette::of_column(column).is_some());
    let kinds: Vec<(bool, bool)> = columns.iter().map(kind).collect();
    let named = columns.iter().zip(&kinds).map(|(column, (number, _))| (palette::shown(column.name()), *number));
    sortable(body, named, 0..frame.height().min(ROWS), |body, row| {
        for (column, (number, is_label)) in columns.iter().zip(&kinds) {
            let shown = cell(column, row, decimals);
            if *number {
                // In full, for sorting and for who wants more digits.
                let full = plain(column, row);
                body.raw("<td class=\"number\" data-value=\"").text(&full).raw("\" title=\"").text(&full).raw("\">");
            } else {
                body.raw("<td>");
            }
            body.text(if *is_label { palette::shown(&shown) } else { &shown }).raw("</td>");
        }
    })
    .raw("\n");
}

/// A table that can be sorted by its columns: what each is called, whether it is of numbers, and what writes the cells of a row.
pub fn sortable<'h, 'c, R>(
    body: &'h mut Html,
    columns: impl IntoIterator<Item = (&'c str, bool)>,
    rows: impl IntoIterator<Item = R>,
    cells: impl Fn(&mut Html, R),
) -> &'h mut Html {
    body.raw("<div class=\"scroll\"><table class=\"sortable\">\n<thead><tr>");
    for (name, number) in columns {
        body.raw(if number { "<th class=\"number\" scope=\"col\">" } else { "<th scope=\"col\">" });
        body.inline("button type=\"button\"", name).raw("</th>");
    }
    body.raw("</tr></thead>\n").open("tbody");
    for row in rows {
        body.raw("<tr>");
        cells(body, row);
        body.raw("</tr>\n");
    }
    body.raw("</tbody></table></div>")
}

/// A cell of a number, and the number in full.
pub fn number(body: &mut Html, full: &str, shown: &str) {
    body.with("td class=\"number\"", "data-value", full, shown);
}
