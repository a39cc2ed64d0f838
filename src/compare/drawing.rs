//! Whether two SVG files are one drawing: the same shapes and texts, in the same places to half a pixel and of the same colours
//! to the eye.

/// Units (tenths of a pixel) that a place may be off.
const PLACE: f64 = 5.0;
/// Steps of 255 that a colour may be off.
const COLOUR: i32 = 4;

/// Whether the drawings show the same.
pub(super) fn alike(a: &str, b: &str) -> bool {
    // Attributes' values are the odd parts.
    let (mut one, mut other) = (a.split('"'), b.split('"'));
    let mut before = "";
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) => {
                let near = match before.rsplit([' ', '<']).next() {
                    Some("d=") => places(a, b),
                    Some("transform=") => match (a.split_once(')'), b.split_once(')')) {
                        (Some((a, turn)), Some((b, other))) => places(a, b) && turn == other,
                        _ => false,
                    },
                    Some("fill=" | "stroke=") => colours(a, b),
                    _ => false,
                };
                if a != b && !near {
                    return false;
                }
                before = a;
            }
            _ => return false,
        }
    }
}

/// Whether two texts are the same but for numbers, and those are near.
fn places(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a, b);
    loop {
        let (one, other) = (words(a), words(b));
        if one.0 != other.0 {
            return false;
        }
        if one.1.is_empty() && other.1.is_empty() {
            return true;
        }
        match (one.1.parse::<f64>(), other.1.parse::<f64>()) {
            (Ok(a), Ok(b)) if (a - b).abs() <= PLACE => {}
            _ => return false,
        }
        (a, b) = (one.2, other.2);
    }
}

/// What is before the first number, the number, and the rest.
fn words(text: &str) -> (&str, &str, &str) {
    let of_number = |letter: char| letter.is_ascii_digit() || letter == '-' || letter == '.';
    let start = text.find(of_number).unwrap_or(text.len());
    let (before, rest) = text.split_at(start);
    let end = rest.char_indices().find(|&(at, letter)| !of_number(letter) || (at > 0 && letter == '-'));
    let (number, rest) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
    (before, number, rest)
}

fn colours(a: &str, b: &str) -> bool {
    let channels = |text: &str| {
        let code = i32::from_str_radix(text.strip_prefix('#').filter(|code| code.len() == 6)?, 16).ok()?;
        Some([code >> 16, (code >> 8) & 0xff, code & 0xff])
    };
    match (channels(a), channels(b)) {
        (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| (a - b).abs() <= COLOUR),
        _ => false,
    }
}
