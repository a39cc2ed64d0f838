//! Numbers as labels.

/// Numbers as labels beside each other: each as short as it can be, all in full where that would make two the same.
pub fn numbers(all: &[f64]) -> Vec<String> {
    let short: Vec<String> = all.iter().map(|&one| number(one)).collect();
    let mut distinct: Vec<&String> = short.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() == all.len() {
        return short;
    }
    all.iter().map(|number| number.to_string().replacen('-', "−", 1)).collect()
}

/// A number as a label by itself: as short as it can be.
pub fn number(number: f64) -> String {
    if number != 0.0 && (number.abs() >= 1e6 || number.abs() < 1e-4) && number.is_finite() {
        return scientific(number, 2);
    }
    let rounded = (number * 1e6).round() / 1e6;
    let text = rounded.to_string();
    text.strip_prefix('-').map(|digits| format!("−{digits}")).unwrap_or(text)
}

/// `1.5×10⁶`, of at most so many decimals.
pub fn scientific(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$e}");
    let Some((digits, exponent)) = text.split_once('e').filter(|_| number != 0.0) else { return "0".to_string() };
    let digits = digits.trim_end_matches('0').trim_end_matches('.').replace('-', "−");
    format!("{digits}×10{}", superscript(exponent.parse().unwrap_or(0)))
}

pub fn superscript(exponent: i32) -> String {
    exponent
        .to_string()
        .chars()
        .map(|character| match character {
            '-' => '⁻',
            digit => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit.to_digit(10).unwrap_or(0) as usize],
        })
        .collect()
}
