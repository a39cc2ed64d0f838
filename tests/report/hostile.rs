//! A spec may come from anyone: nothing that it says is followed when its report is opened, in a browser or as Markdown.

use super::{manifest, report};
use ablate::report::{Report, html, markdown, write_index};
use data_encoding::BASE64;
use polars::prelude::*;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

fn described(description: &str) -> Report {
    Report { description: Some(description.into()), figures: Vec::new(), ..report() }
}

/// The part of the page that the description makes.
fn shown(description: &str) -> String {
    let page = html(&described(description), &manifest(), Path::new(""));
    page.split_once("</h1>").unwrap().1.split_once("<pre class=\"command\">").unwrap().0.to_string()
}

/// The part of the Markdown report that the description makes.
fn written(description: &str) -> String {
    let text = markdown(&described(description), Path::new(""));
    text.split_once('\n').unwrap().1.split_once("\n```sh").unwrap().0.to_string()
}

/// What a reader of Markdown makes links, pictures and markup of.
fn followed(text: &str) -> Vec<String> {
    let events = Parser::new_ext(text, Options::all() - Options::ENABLE_OLD_FOOTNOTES);
    let destination = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
        Event::Html(markup) | Event::InlineHtml(markup) => Some(markup.to_string()),
        _ => None,
    };
    events.filter_map(destination).collect()
}

const HOSTILE: [&str; 34] = [
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](< javascript:alert(1)>)",
    "[x](<java script:alert(1)>)",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A;avascript&colon;alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](java&NewLine;script:alert(1))",
    "[x](&#1;javascript:alert(1))",
    "[x](&#xFEFF;javascript:alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](\\javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "[x](file:///etc/passwd)",
    "[x](blob:a)",
    "[x](//example.com/a)",
    "[x](/\\example.com/a)",
    "[x](\\\\\\\\example.com/a)",
    "[x](/etc/passwd)",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "[x][r]\n\n[r]: javascript:alert(1)",
    "[r]\n\n[r]: javascript:alert(1)",
    "[r][]\n\n[r]: <javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml,<svg onload=alert(1)>)",
    "[![x](javascript:alert(1))](javascript:alert(2))",
    "![a [b](javascript:alert(1)) c](javascript:alert(2))",
    "> - [x](javascript:alert(1))",
    "<div>\n[x](javascript:alert(1))\n</div>",
    "| a |\n| --- |\n| [x](javascript:alert(1)) |",
];

#[test]
fn links_lead_to_pages_mailboxes_and_files_beside_the_report_alone() {
    for text in HOSTILE {
        let page = shown(text);
        assert!(!page.contains("<a") && !page.contains("<img") && !page.contains("href"), "{text}\n{page}");
        assert_eq!(followed(&written(text)), Vec::<String>::new(), "{text}\n{}", written(text));
    }
    for (text, destination) in [
        ("[x](https://example.com/a?b=c#d)", "https://example.com/a?b=c#d"),
        ("[x](HTTP://example.com)", "HTTP://example.com"),
        ("<https://example.com>", "https://example.com"),
        ("[x](mailto:a@example.com)", "mailto:a@example.com"),
        ("<a@example.com>", "mailto:a@example.com"),
        ("[x](tables/rates.csv)", "tables/rates.csv"),
        ("[x](../other/report.html)", "../other/report.html"),
        ("[x](a/b:c)", "a/b:c"),
        ("[x](#figure-rates)", "#figure-rates"),
        ("[x][r]\n\n[r]: https://example.com", "https://example.com"),
    ] {
        assert!(shown(text).contains(&format!("<a href=\"{destination}\">")), "{text}\n{}", shown(text));
        assert_eq!(written(text).trim(), text);
    }
}

/// The page fetches nothing, not even a picture, whose address could tell who reads it.
#[test]
fn pictures_in_a_description_are_links() {
    let page = shown("![what it is](https://example.com/a.png) and [![inner](a.png)](https://example.com)");
    assert!(page.contains("<a href=\"https://example.com/a.png\">what it is</a>"), "{page}");
    assert!(page.contains("<a href=\"https://example.com\">inner</a>"), "{page}");
    assert!(!page.contains("<img"));
}

#[test]
fn markup_in_a_description_is_text() {
    for text in [
        "<script>alert(1)</script>",
        "a <b onclick=\"alert(1)\">b</b>",
        "<img src=x onerror=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<!-- a --> <?php a ?> <![CDATA[ a ]]>",
        "<iframe src=\"javascript:alert(1)\"></iframe>",
        "<style>* { display: none }</style>",
        "<div>\n*a*\n\n<p>b\n</div>",
        "<a href=\"javascript:alert(1)\">x</a>",
    ] {
        let page = shown(text);
        for tag in ["<script", "<b ", "<img", "<svg", "<!--", "<?", "<iframe", "<style", "<div", "<a"] {
            assert!(!page.contains(tag), "{tag} in {page}");
        }
        assert_eq!(followed(&written(text)), Vec::<String>::new(), "{}", written(text));
    }
    // Code is code in both.
    let code = "`<b>` and [a](b.md)\n\n```\n<script>[x](javascript:1)\n```";
    assert_eq!(written(code).trim(), code);
    assert!(shown(code).contains("&lt;script&gt;[x](javascript:1)"), "{}", shown(code));
}

const WORDS: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "</style></svg><script>alert(1)</script>",
    "a | b\\| c",
    "`code` ``` ~~~",
    "[x](javascript:alert(1)) ![y](data:a)",
    "<javascript:alert(1)> https://example.com",
    "&lt;script&gt; &#106;",
    "two\nlines\r\n# and a heading",
    "# heading > 1. - *a* _b_ ~c~ $d$",
];

fn hostile_report(word: &str) -> Report {
    let mut report = report();
    report.title = word.into();
    report.description = None;
    report.command = word.into();
    report.notes = vec![word.into()];
    report.facts = vec![(word.into(), word.into())];
    report.spec_origins = format!("title = '''{word}'''  # {word}\n");
    report.spec_toml = format!("title = '''{word}'''\n");
    report.tables[0].frame = df!(word => [word], "n" => [1]).unwrap();
    report.tables[0].title = Some(word.into());
    report.tables[0].files = vec![Path::new("out/tables").join(word.replace(['/', '\n'], "")).with_extension("csv")];
    report.figures[0].title = Some(word.into());
    report.figures[0].notes = vec![word.into()];
    report.figures[0].files = vec![Path::new("out/figures").join(word.replace(['/', '\n'], "")).with_extension("svg")];
    report.activations = vec![Path::new("out/activations").join(word.replace(['/', '\n'], ""))];
    report
}

/// Titles, notes, facts, words in cells, names of columns and files.
#[test]
fn texts_are_text_in_the_page() {
    for word in WORDS {
        let mut manifest = manifest();
        manifest.models[0].name = word.into();
        manifest.models[0].source = word.into();
        manifest.steps[0].name = word.into();
        manifest.files[0].path = word.into();
        manifest.spec.sets = vec![word.into()];
        let page = html(&hostile_report(word), &manifest, Path::new("out"));
        assert_eq!(page.matches("<script").count(), 1, "{word}: the page's own");
        assert_eq!(page.matches("<style").count(), 1, "{word}");
        for tag in ["<img", "onerror=alert(1)>", "onmouseover='", "href=\"javascript", "href=\"data", "</svg>"] {
            assert!(!page.contains(tag), "{tag} of {word}");
        }
    }
}

#[test]
fn texts_are_text_in_markdown() {
    for word in WORDS {
        let text = markdown(&hostile_report(word), Path::new("out"));
        let wanted = |found: &String| {
            !found.starts_with("figures/") && !found.starts_with("tables/") && !found.starts_with("activations/")
        };
        let found: Vec<String> = followed(&text).into_iter().filter(wanted).collect();
        // The report's own: the spec can be folded away.
        assert_eq!(
            found,
            ["<details>\n", "<summary>The spec, with every default</summary>\n", "</details>\n"],
            "{text}"
        );
        let titles = Parser::new(&text)
            .filter(|event| matches!(event, Event::Start(Tag::Heading { level, .. }) if *level == HeadingLevel::H1));
        assert_eq!(titles.count(), 1, "{text}");
        let row = text.lines().find(|line| line.ends_with("| 1 |")).expect("a row");
        let bars = row.replace("\\\\", "").replace("\\|", "").matches('|').count();
        assert_eq!(bars, 3, "{row}");
    }
}

/// The policy of a page and what a browser checks it with: the texts of its style and script.
fn policy(page: &str) -> String {
    let policy = page.split_once("<meta http-equiv=\"Content-Security-Policy\" content=\"").expect("a policy").1;
    let policy = policy.split_once("\">").unwrap().0.to_string();
    for (name, directive) in [("script", "script-src"), ("style", "style-src")] {
        let text = page.split_once(&format!("<{name}>")).unwrap().1.split_once(&format!("</{name}>")).unwrap().0;
        let digest = BASE64.encode(&Sha256::digest(text));
        assert!(policy.contains(&format!("{directive} 'sha256-{digest}'")), "{name}: {policy}");
        assert!(page.find("Content-Security-Policy").unwrap() < page.find(&format!("<{name}>")).unwrap());
    }
    assert!(
        policy.starts_with("default-src 'none';") && !policy.contains("unsafe") && !policy.contains('*'),
        "{policy}"
    );
    policy
}

#[test]
fn a_policy_allows_what_the_pages_hold_and_nothing_else() {
    let page = html(&report(), &manifest(), Path::new("out"));
    assert!(policy(&page).contains("img-src data:;"));
    assert!(!page.contains("style=\"") && !page.contains(" onclick="), "nothing that the policy would block");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("a/figures")).unwrap();
    fs::write(folder.path().join("a/manifest.json"), manifest().text()).unwrap();
    let index = fs::read_to_string(write_index(folder.path()).unwrap().unwrap()).unwrap();
    assert!(policy(&index).contains("img-src 'self' file:;"));
}

/// A folder may have any name, and a manifest any file.
#[test]
fn links_to_results_lead_into_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let hostile = ["javascript:alert(1)", "data:text,<b>", "a\"><script>alert(1)<", "up..%2f", "plain"];
    for name in hostile {
        let results = root.join(name);
        fs::create_dir_all(results.join("figures")).unwrap();
        fs::write(results.join("figures/rates.svg"), "<svg/>").unwrap();
        let mut manifest = manifest();
        manifest.title = "</a><script>alert(1)</script>".into();
        manifest.files[0].path =
            if name == "plain" { "figures/../../a.svg".into() } else { "figures/rates.svg".into() };
        fs::write(results.join("manifest.json"), manifest.text()).unwrap();
    }
    fs::write(root.join("a.svg"), "<svg/>").unwrap();
    let index = fs::read_to_string(write_index(root).unwrap().unwrap()).unwrap();
    assert_eq!(index.matches("<script").count(), 1, "{index}");
    let links: Vec<&str> = index.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(links.len(), 2 * hostile.len() - 1, "{links:?}");
    for link in links {
        assert!(!link.contains(':') && !link.starts_with('/') && !link.contains("../"), "{link}");
    }
    assert!(index.contains("href=\"javascript%3Aalert%281%29/report.md\""), "{index}");
    assert!(!index.contains("figures/../.."));
}
