//! Numbers of things in messages: "1 step is done", "2 steps are done".

use std::fmt::Display;

/// So many of what has this name in the singular: "1 entry", "2 entries", "0 boxes".
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    match is_one(&count) {
        true => format!("{count} {noun}"),
        false => format!("{count} {}", plural(noun)),
    }
}

/// The form of a verb that goes with so many things: `one` with 1, `others` with every other number.
pub(crate) fn agreeing<'w, N: PartialEq + From<u8>>(count: N, one: &'w str, others: &'w str) -> &'w str {
    if is_one(&count) { one } else { others }
}

fn is_one<N: PartialEq + From<u8>>(count: &N) -> bool {
    *count == N::from(1)
}

/// The plural of a noun that has a regular one.
fn plural(noun: &str) -> String {
    let of_y = noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']));
    match of_y {
        Some(stem) => format!("{stem}ies"),
        None if ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end)) => format!("{noun}es"),
        None => format!("{noun}s"),
    }
}
