//! The HTML report: nothing a user writes is taken for markup, and the page needs no other file.

use super::{manifest, report};
use ablate::report::{Report, html};
use polars::prelude::*;
use std::path::Path;

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"64\" height=\"42\">\n<title>rates</title>\n<defs>\n\
                   <path id=\"r28\" d=\"M0 0\"/>\n</defs>\n<use href=\"#r28\"/>\n</svg>\n";

/// The page of the report whose figure is in `folder`.
fn page(mut report: Report, folder: &Path) -> String {
    for figure in &mut report.figures {
        figure.files = vec![folder.join(format!("figures/{}.svg", figure.name))];
    }
    html(&report, &manifest(), folder)
}

fn folder_with(figures: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("figures")).unwrap();
    for figure in figures {
        std::fs::write(folder.path().join(format!("figures/{figure}.svg")), SVG).unwrap();
    }
    folder
}

/// Tags that are opened are closed, in order; the page's own script and style are taken out before.
fn assert_well_formed(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let without = |text: &str, name: &str| {
        let (before, rest) = text.split_once(&format!("<{name}>")).unwrap();
        let (_, after) = rest.split_once(&format!("</{name}>")).unwrap();
        format!("{before}{after}")
    };
    let page = without(&without(page, "style"), "script");
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag that ends");
        let name = tag.split([' ', '\n']).next().unwrap();
        if tag.starts_with('!') || tag.ends_with('/') || ["meta", "img", "br", "hr"].contains(&name) {
            continue;
        }
        match name.strip_prefix('/') {
            None => open.push(name),
            Some(closed) => assert_eq!(open.pop(), Some(closed), "in {tag}"),
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn is_one_file_without_a_network() {
    let folder = folder_with(&["rates"]);
    let page = page(report(), folder.path());
    assert_well_formed(&page);
    assert!(page.contains("<use href=\"#r28\"/>"), "the figure is in the page");
    for outside in ["src=\"http", "href=\"http", "@import", "url(", "<link"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn what_a_user_writes_is_text() {
    let hostile = "<script>alert(\"1\")</script> & 'x'";
    let mut report = report();
    report.title = hostile.into();
    report.description = Some(format!("*one* {hostile}\n\n<div onclick=x>\n\n[l](a)"));
    report.command = hostile.into();
    report.notes = vec![hostile.into()];
    report.facts = vec![(hostile.into(), hostile.into())];
    report.spec_origins = format!("title = \"{hostile}\"  # {hostile}\n[{hostile}]\n");
    report.tables[0].frame = df!(hostile => [hostile], "n" => [1]).unwrap();
    report.tables[0].title = Some(hostile.into());
    report.figures[0].title = Some(hostile.into());
    report.figures[0].notes = vec![hostile.into()];
    let page = page(report, folder_with(&[]).path());
    assert_well_formed(&page);
    assert_eq!(page.matches("<script>").count(), 1, "the page's own");
    assert!(!page.contains("<div onclick"), "{page}");
    assert!(page.contains("<em>one</em>"), "the description is Markdown");
}

/// Glyphs of one font are the same in all figures of a page.
#[test]
fn outlines_of_letters_are_in_the_page_once() {
    let mut report = report();
    let again = report.figures[0].clone();
    report.figures.push(again);
    report.figures[1].name = "again".into();
    let page = page(report, folder_with(&["rates", "again"]).path());
    assert_eq!(page.matches("<path id=\"r28\"").count(), 1);
    assert_eq!(page.matches("<use href=\"#r28\"/>").count(), 2);
}

/// A reader sees as many decimals as the spec says, and sorts by all of them.
#[test]
fn cells_have_the_whole_number() {
    let page = page(report(), folder_with(&["rates"]).path());
    assert!(page.contains("data-value=\"0.98765\" title=\"0.98765\">0.988</td>"), "{page}");
    assert!(page.contains("<td>×</td>"), "operators as their signs");
}

#[test]
fn numbers_expected_stand_beside_ours() {
    let page = page(report(), folder_with(&["rates"]).path());
    assert!(page.contains("<span class=\"badge good\">1 as expected</span>"), "{page}");
    assert!(page.contains("<span class=\"badge bad\">2 not as expected</span>"));
    assert!(page.contains("<span class=\"badge other\">1 expected of another model</span>"));
    assert!(page.contains("<td class=\"number\" data-value=\"0.95\">0.950</td>"));
}

#[test]
fn a_spec_is_coloured_and_keeps_its_text() {
    let mut report = report();
    let line = "sites = [\"blocks.*[head]\", 'x'], where = { \"a # b\" = \"c \\\" # d\", n = -1.5e3 }  # mine.toml:3";
    report.spec_origins = format!("[[step]]\n{line}\n");
    let page = page(report, folder_with(&[]).path());
    let listing = page.split_once("<pre class=\"listing\"><code>").unwrap().1.split_once("</code>").unwrap().0;
    for span in [
        "<span class=\"header\">[[step]]</span>",
        "<span class=\"key\">sites</span>",
        "<span class=\"string\">&quot;blocks.*[head]&quot;</span>",
        "<span class=\"key\">&quot;a # b&quot;</span>",
        "<span class=\"string\">&quot;c \\&quot; # d&quot;</span>",
        "<span class=\"literal\">-1.5e3</span>",
        "<span class=\"origin\"># mine.toml:3</span>",
    ] {
        assert!(listing.contains(span), "{span}\nin {listing}");
    }
    let mut text = String::new();
    let mut inside = false;
    for letter in listing.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            letter if !inside => text.push(letter),
            _ => {}
        }
    }
    let text = text.replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
    assert_eq!(text.trim_end(), format!("[[step]]\n{line}"));
}

/// Enough to know what ran, and to tell it from what others ran.
#[test]
fn provenance_is_there() {
    let page = page(report(), folder_with(&["rates"]).path());
    for part in
        ["0.1.0, executable 123456789abc", "burn 0.22.1", "AMD EPYC, 2 cores", "gpt_neox", "hub:a/b at deadbeef"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("the store: computed 2026-01-02 on AMD EPYC in 3.0 s"), "{page}");
}

#[test]
fn a_figure_that_is_gone_is_said_to_be() {
    let page = page(report(), folder_with(&[]).path());
    assert!(page.contains("rates.svg cannot be read"), "{page}");
}
