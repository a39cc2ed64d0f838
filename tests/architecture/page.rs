//! `docs/architecture.md`: the drawing on it is made from the code.

use super::floors::FLOORS;
use super::sources::Sources;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const BEGIN: &str = "<!-- made from the code: ABLATE_UPDATE_SCHEMA=1 cargo test --release -- checked_in -->\n";
const END: &str = "<!-- end -->\n";

/// The rooms that each takes from.
fn takes(sources: &Sources) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut takes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, others) in sources.takes() {
        let Some(room) = module.first() else { continue };
        let others = others.into_iter().filter_map(|other| other.first()).filter(|other| *other != room);
        takes.entry(room).or_default().extend(others.map(String::as_str));
    }
    takes
}

/// The drawing, of the nearest arrows alone: none where there is a longer way. Then each room with what it is for and all that it
/// takes from, the top floor first.
fn drawing() -> String {
    let sources = Sources::read();
    let takes = takes(&sources);
    let none = BTreeSet::new();
    let of = |room: &str| takes.get(room).unwrap_or(&none);
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for room in FLOORS {
        let below = of(room).iter().flat_map(|other| reached.get(other).into_iter().flatten().copied());
        let all = below.chain(of(room).iter().copied()).collect();
        reached.insert(room, all);
    }
    let mut text = String::from("```mermaid\ngraph TD\n");
    for room in FLOORS.into_iter().rev() {
        let longer = |other: &&&str| of(room).iter().any(|by| reached[by].contains(**other));
        for other in of(room).iter().filter(|other| !longer(other)) {
            let _ = writeln!(text, "  {room} --> {other}");
        }
    }
    text += "```\n\n| room | what it is for | takes from |\n|---|---|---|\n";
    for room in FLOORS.into_iter().rev() {
        let about = sources.each().find(|source| source.module == [room]).map_or("", |source| source.about.as_str());
        let others: Vec<&str> = FLOORS.into_iter().rev().filter(|other| of(room).contains(other)).collect();
        let _ = writeln!(text, "| `{room}` | {about} | {} |", others.join(", "));
    }
    text
}

#[test]
fn the_page_of_the_house_is_checked_in() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the drawing's beginning");
    let (drawn, after) = rest.split_once(END).expect("the drawing's end");
    let drawing = drawing();
    if std::env::var_os("ABLATE_UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, [before, BEGIN, &drawing, END, after].concat()).unwrap();
        return;
    }
    assert_eq!(drawn, drawing, "write it anew: ABLATE_UPDATE_SCHEMA=1 cargo test --release -- checked_in");
}

#[test]
fn the_program_on_the_page_of_the_library_is_the_example() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (page, example) = (read("docs/library.md"), read("examples/patch_head.rs"));
    let program = &example[example.find("use ablate").expect("its first line")..];
    assert!(page.contains(program), "docs/library.md shows another program than examples/patch_head.rs");
}
