//! Labels that stand beside each other: short enough for their place, and different where what they name is.

use std::collections::HashMap;

/// What shows that there is more of a label.
const MORE: &str = "…";

/// Labels as they are written: an empty one in words, and spaces around one as signs where nothing else tells it from
/// another (" the" and "the" are two tokens).
pub fn spelled(labels: &[String]) -> Vec<String> {
    let mut bare: HashMap<&str, usize> = HashMap::new();
    labels.iter().for_each(|label| *bare.entry(label.trim()).or_default() += 1);
    let spell = |label: &String| match label.trim() {
        "" if label.is_empty() && labels.len() > 1 => "(empty)".to_string(),
        trimmed if !label.is_empty() && (trimmed.is_empty() || bare.get(trimmed).is_some_and(|count| *count > 1)) => {
            let start = label.len() - label.trim_start().len();
            let (before, rest) = label.split_at(start);
            let (middle, after) = rest.split_at(trimmed.len());
            format!("{}{middle}{}", before.replace(' ', "␣"), after.replace(' ', "␣"))
        }
        _ => label.clone(),
    };
    labels.iter().map(spell).collect()
}

/// Each label no wider than `space`: its beginning and end where that says which it is, or else the part in which it differs
/// from those that would read the same, or else a number.
pub fn fitted(labels: &[String], width: impl Fn(&str) -> f64, space: f64) -> Vec<String> {
    let fits = |text: &str| width(text) <= space;
    let mut short: Vec<String> = labels.iter().map(|label| shortened(label, &fits)).collect();
    for group in alike(labels, &short) {
        let of: Vec<Vec<char>> = group.iter().filter_map(|&index| Some(labels.get(index)?.chars().collect())).collect();
        let (before, after) = common(&of);
        let parts: Vec<String> = of.iter().map(|label| part(label, before, after, &fits)).collect();
        group.iter().zip(parts).for_each(|(&index, part)| short[index] = part);
    }
    for group in alike(labels, &short) {
        for (number, &index) in group.iter().enumerate() {
            short[index] = numbered(&labels[index], number + 1, &fits);
        }
    }
    short
}

/// The label, or its beginning and end with an ellipsis between.
fn shortened(label: &str, fits: &impl Fn(&str) -> bool) -> String {
    if fits(label) {
        return label.to_string();
    }
    let letters: Vec<char> = label.chars().collect();
    let shown = |kept: usize| {
        let start: String = letters.iter().take(kept.div_ceil(2)).collect();
        let end: String = letters.iter().skip(letters.len() - kept / 2).collect();
        format!("{}{MORE}{}", start.trim_end(), end.trim_start())
    };
    (1..letters.len()).rev().map(shown).find(|shown| fits(shown)).unwrap_or_default()
}

/// Places of labels that are not the same and read the same.
fn alike(labels: &[String], short: &[String]) -> Vec<Vec<usize>> {
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    short.iter().enumerate().for_each(|(index, text)| groups.entry(text).or_default().push(index));
    let differ = |group: &Vec<usize>| group.iter().any(|&index| labels[index] != labels[group[0]]);
    let mut groups: Vec<Vec<usize>> = groups.into_values().filter(differ).collect();
    groups.sort_unstable();
    groups
}

/// How many letters all have in common at their beginnings, and at their ends beyond that.
fn common(labels: &[Vec<char>]) -> (usize, usize) {
    let Some((first, others)) = labels.split_first() else { return (0, 0) };
    let same = |(one, other): &(&char, &char)| one == other;
    let shortest = labels.iter().map(Vec::len).min().unwrap_or(0);
    let starts = others.iter().map(|other| first.iter().zip(other).take_while(same).count());
    let ends = others.iter().map(|other| first.iter().rev().zip(other.iter().rev()).take_while(same).count());
    let before = starts.min().unwrap_or(0);
    (before, ends.min().unwrap_or(0).min(shortest - before))
}

/// The letters of a label between what it has in common with others, and as many around them as there is room for.
fn part(label: &[char], before: usize, after: usize, fits: &impl Fn(&str) -> bool) -> String {
    let shown = |start: usize, end: usize| {
        let text: String = label.get(start..end).unwrap_or_default().iter().collect();
        format!("{}{text}{}", if start > 0 { MORE } else { "" }, if end < label.len() { MORE } else { "" })
    };
    let (mut start, mut end) = (before, label.len() - after);
    if !fits(&shown(start, end)) {
        return shortened(&shown(start, end), fits);
    }
    loop {
        let mut grown = false;
        if start > 0 && fits(&shown(start - 1, end)) {
            (start, grown) = (start - 1, true);
        }
        if end < label.len() && fits(&shown(start, end + 1)) {
            (end, grown) = (end + 1, true);
        }
        if !grown {
            return shown(start, end);
        }
    }
}

/// The beginning of a label and its number among those that read like it.
fn numbered(label: &str, number: usize, fits: &impl Fn(&str) -> bool) -> String {
    let letters: Vec<char> = label.chars().collect();
    let shown = |kept: usize| format!("{}{MORE} ({number})", letters.iter().take(kept).collect::<String>().trim_end());
    (1..letters.len()).rev().map(shown).find(|shown| fits(shown)).unwrap_or_else(|| number.to_string())
}
