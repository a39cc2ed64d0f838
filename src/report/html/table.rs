//! Tables whose rows can be sorted.

use super::Html;
use crate::report::{Table, kind, link};
use crate::table::{cell, operator, plain};
use polars::prelude::*;
use std::path::Path;

/// Rows of a table that the page has; the files have all.
const ROWS: usize = 1000;

/// One table and links to its files.
pub fn table(body: &mut Html, table: &Table, folder: &Path) {
    let frame = &table.frame;
    if frame.height() == 0 {
        body.element("p", "No rows.");
    } else {
        rows(body, frame, table.decimals);
    }
    if frame.height() > ROWS {
        body.raw("<p class=\"remark\">").text(&format!("The first {ROWS} of {} rows.", frame.height())).raw("</p>\n");
    }
    body.raw("<p class=\"files\"><code>").text(&table.name).raw("</code>");
    for path in &table.files {
        body.raw(" <a href=\"").text(&link(path, folder)).raw("\">").text(&kind(path)).raw("</a>");
    }
    body.raw("</p>\n");
}

fn rows(body: &mut Html, frame: &DataFrame, decimals: usize) {
    let columns = frame.columns();
    let kinds: Vec<(bool, bool)> =
        columns.iter().map(|column| (column.dtype().is_primitive_numeric(), operator::column(column))).collect();
    head(body, columns.iter().zip(&kinds).map(|(column, (number, _))| (operator::sign(column.name()), *number)));
    body.open("tbody");
    for row in 0..frame.height().min(ROWS) {
        body.raw("<tr>");
        for (column, (number, is_operator)) in columns.iter().zip(&kinds) {
            let shown = cell(column, row, decimals);
            if *number {
                // In full, for sorting and for who wants more digits.
                let full = plain(column, row);
                body.raw("<td class=\"number\" data-value=\"").text(&full).raw("\" title=\"").text(&full).raw("\">");
            } else {
                body.raw("<td>");
            }
            body.text(if *is_operator { operator::sign(&shown) } else { &shown }).raw("</td>");
        }
        body.raw("</tr>\n");
    }
    body.raw("</tbody></table></div>\n");
}

/// Opens a table that can be sorted by its columns: what each is called, and whether it is of numbers.
pub fn head<'c>(body: &mut Html, columns: impl Iterator<Item = (&'c str, bool)>) {
    body.raw("<div class=\"scroll\"><table class=\"sortable\">\n<thead><tr>");
    for (name, number) in columns {
        body.raw(if number { "<th class=\"number\" scope=\"col\">" } else { "<th scope=\"col\">" });
        body.raw("<button type=\"button\">").text(name).raw("</button></th>");
    }
    body.raw("</tr></thead>\n");
}
