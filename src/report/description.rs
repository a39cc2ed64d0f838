//! A spec's description: Markdown that anyone may have written, made safe to open.
//!
//! Links are links where they lead to a page (`http`, `https`), a mailbox (`mailto`) or a file beside the report; markup in it
//! is shown as text. The page of a report fetches nothing, so that a picture is a link there.

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};
use std::ops::Range;

const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// Rounds of [`markdown`]: what is no link any more may uncover another, each time one level further in.
const ROUNDS: usize = 32;

fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
}

/// Whether a link may lead there. Browsers skip spaces and control characters in a scheme and take `\` for `/`, so that
/// whatever has such is no link.
fn may_lead(kind: LinkType, destination: &str) -> bool {
    if kind == LinkType::Email {
        return true;
    }
    let hidden = |letter: char| letter.is_control() || letter.is_whitespace() || "\\\u{feff}\u{200b}".contains(letter);
    if destination.contains(hidden) || destination.starts_with('/') {
        return false;
    }
    let before = destination.split(['/', '?', '#']).next().unwrap_or_default();
    match before.split_once(':') {
        Some((scheme, _)) => SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)),
        None => true,
    }
}

/// What a page shows of it.
pub(super) fn events(text: &str) -> impl Iterator<Item = Event<'_>> {
    // Of each link and picture that is open: whether it is shown as a link. A link within a link is not.
    let mut open: Vec<bool> = Vec::new();
    parser(text).filter_map(move |event| match event {
        Event::Html(markup) | Event::InlineHtml(markup) => Some(Event::Text(markup)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Link { link_type, dest_url, title, id } | Tag::Image { link_type, dest_url, title, id }) => {
            let shown = !open.contains(&true) && may_lead(link_type, &dest_url);
            open.push(shown);
            shown.then_some(Event::Start(Tag::Link { link_type, dest_url, title, id }))
        }
        Event::End(TagEnd::Link | TagEnd::Image) => open.pop().unwrap_or(false).then_some(Event::End(TagEnd::Link)),
        other => Some(other),
    })
}

/// The same for a Markdown file: links that lead elsewhere, and markup, escaped where they begin.
pub(super) fn markdown(text: &str) -> String {
    let mut safe = text.to_string();
    for _ in 0..ROUNDS {
        let found = beginnings(&safe);
        if found.is_empty() {
            return safe;
        }
        for (at, instead) in found.into_iter().rev() {
            safe.replace_range(at..at + 1, instead);
        }
    }
    super::fence::fenced("text", text)
}

/// The bytes at which a link or markup begins that must not be followed, ascending, and what is written instead of each.
fn beginnings(text: &str) -> Vec<(usize, &'static str)> {
    let mut found: Vec<(usize, &'static str)> = Vec::new();
    let brackets = |letter: u8, range: Range<usize>| {
        let bytes = text.as_bytes().get(range.clone()).unwrap_or_default();
        let at = bytes.iter().enumerate().filter(move |(_, byte)| **byte == letter);
        at.map(move |(at, _)| range.start + at).collect::<Vec<usize>>()
    };
    for (event, range) in parser(text).into_offset_iter() {
        match event {
            Event::Html(_) | Event::InlineHtml(_) => {
                found.extend(brackets(b'<', range).into_iter().map(|at| (at, "&lt;")));
            }
            Event::Start(Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. })
                if !may_lead(link_type, &dest_url) =>
            {
                let (letter, instead) = match link_type {
                    LinkType::Autolink => (b'<', "&lt;"),
                    _ => (b'[', "\\["),
                };
                found.extend(brackets(letter, range).first().map(|&at| (at, instead)));
            }
            _ => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Markup of the description.
pub(super) fn html(page: &mut String, text: &str) {
    pulldown_cmark::html::push_html(page, events(text));
}
