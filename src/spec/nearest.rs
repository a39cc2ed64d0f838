//! The name that was probably meant.

/// Nobody mistypes a longer name; comparing costs its length times the candidate's.
const LONGEST: usize = 64;

/// The known name that was probably meant: the one with the fewest edits, if they are few for its length.
///
/// Everything that refuses a name uses this, so that "write 'x'" is said in the same cases everywhere.
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if name.chars().count() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|candidate| {
            let folded = candidate.to_lowercase().replace('-', "_");
            (strsim::damerau_levenshtein(&lower, &folded), candidate)
        })
        .filter(|(edits, candidate)| *edits <= 1 + name.chars().count().max(candidate.chars().count()) / 4)
        .filter(|(edits, candidate)| *edits < candidate.chars().count().max(2))
        // No letter is near another.
        .filter(|(edits, candidate)| *edits < candidate.chars().count().max(name.chars().count()))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// What to write: the name that was probably meant, in quotes, or one of all that are known, after these words.
pub fn advise(name: &str, known: &[&str], quote: char, otherwise: &str) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("write {quote}{near}{quote}"),
        None => format!("{otherwise} {}", known.join(", ")),
    }
}

/// What to write: one of some names, each in quotes, or what is said where there are none.
pub fn one_of(names: &[String], otherwise: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    match quoted.split_last() {
        Some((last, [])) => format!("write {last}"),
        Some((last, others)) => format!("write {} or {last}", others.join(", ")),
        None => otherwise.into(),
    }
}
