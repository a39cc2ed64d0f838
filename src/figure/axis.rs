//! Axes: where a value is along one, and which labels it has room for.

use super::data::Categories;
use super::font::{self, Face};
use super::labels;
use super::number::{scientific, superscript};
use super::scene::TextStyle;

/// Size of tick labels in pixels.
pub const LABEL: TextStyle = TextStyle::new(12.0);
/// Width of a tick's label in pixels.
pub fn label_width(text: &str) -> f64 {
    LABEL.suited_to(text).width(text)
}

/// Least distance between neighbouring labels in pixels.
const APART: f64 = 7.0;
/// Least distance between lines of text, as a share of a line, where there is room for no more.
const TIGHT: f64 = 0.83;

/// An axis of a figure. Places on it go from 0 (left, bottom) to 1.
#[derive(Debug, Clone, PartialEq)]
pub enum FigureAxis {
    /// Equal cells, one per category.
    Categories {
        /// The categories.
        of: Categories,
        /// The first is at the top.
        downward: bool,
    },
    /// A range of numbers.
    Numbers {
        /// Number at the start.
        low: f64,
        /// Number at the end.
        high: f64,
        /// Equal distances are equal ratios.
        log: bool,
        /// Only whole numbers are labelled.
        whole: bool,
    },
}

/// A mark on an axis, with the lines of its label (none: a minor mark).
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// From 0 to 1.
    pub at: f64,
    /// What is written.
    pub label: Vec<String>,
}

/// The marks of a horizontal axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AxisLabels {
    /// Marks.
    pub ticks: Vec<Tick>,
    /// Labels read from bottom to top.
    pub upward: bool,
    /// Pixels the labels need across the axis.
    pub depth: f64,
}

impl FigureAxis {
    /// Numbers without room to spare; equal ends are moved apart.
    pub fn numbers(low: f64, high: f64, log: bool, whole: bool) -> Self {
        let (low, high) = match (log, same(low, high)) {
            (true, true) => (low / 2.0, high * 2.0),
            (false, true) if whole || low == 0.0 => (low - 1.0, high + 1.0),
            (false, true) => (low - low.abs() / 2.0, high + high.abs() / 2.0),
            _ => (low, high),
        };
        Self::Numbers { low, high, log, whole }
    }

    /// Place of a number from 0 to 1, beyond them outside the range; not finite where a logarithm is not.
    pub fn place(&self, number: f64) -> f64 {
        match self {
            Self::Categories { .. } => number,
            Self::Numbers { low, high, log: false, .. } => (number - low) / (high - low),
            Self::Numbers { low, high, log: true, .. } => (number / low).ln() / (high / low).ln(),
        }
    }

    /// Ends of a category's cell.
    pub fn cell(&self, index: usize) -> (f64, f64) {
        match self {
            Self::Categories { of, downward } => {
                let count = of.len().max(1) as f64;
                let place = if *downward { of.len().saturating_sub(index + 1) } else { index } as f64;
                (place / count, (place + 1.0) / count)
            }
            Self::Numbers { .. } => (0.0, 1.0),
        }
    }

    /// Marks of the axis laid horizontally over `length` pixels; upright labels are at most `deepest` pixels long.
    pub fn horizontal(&self, length: f64, deepest: f64) -> AxisLabels {
        match self {
            Self::Categories { of, .. } => self.horizontal_categories(of, length, deepest),
            Self::Numbers { .. } => {
                let fits = |ticks: &[Tick], _: bool| {
                    let mut ends = ticks.iter().filter_map(|tick| {
                        let half = label_width(tick.label.first()?) / 2.0 + APART / 2.0;
                        Some((tick.at * length - half, tick.at * length + half))
                    });
                    let mut last = f64::NEG_INFINITY;
                    ends.all(|(start, end)| std::mem::replace(&mut last, end) <= start)
                };
                let ticks = self.numbers_where(length / 65.0, fits);
                if labelled(&ticks).count() > 1 {
                    return AxisLabels { ticks, upward: false, depth: LABEL.line() };
                }
                // Two that are too wide beside each other have room when they are turned.
                let ticks = self.numbers_where(length / 36.0, lines_fit(length));
                AxisLabels { depth: widest(&ticks), ticks, upward: true }
            }
        }
    }

    /// Marks of the axis laid vertically over `length` pixels; labels are at most `widest` pixels wide.
    pub fn vertical(&self, length: f64, most: f64) -> AxisLabels {
        let ticks = match self {
            Self::Categories { of, .. } => {
                let every = of.every(of.label_line(), length / of.len().max(1) as f64);
                self.labelled(of, every, length, labels::fitted(&of.labels, label_width, most))
            }
            Self::Numbers { .. } => self.numbers_where(length / 36.0, lines_fit(length)),
        };
        AxisLabels { depth: widest(&ticks), ticks, upward: false }
    }

    fn horizontal_categories(&self, of: &Categories, length: f64, deepest: f64) -> AxisLabels {
        const LINES: usize = 3;
        let room = length / of.len().max(1) as f64 - APART;
        let broad = of.labels.iter().map(|label| label_width(label)).fold(0.0, f64::max);
        if broad <= room || (of.numbers.is_some() && (of.len() < 2 || broad + APART <= length / 2.0)) {
            let every = of.every(broad + APART, room + APART);
            let ticks = self.labelled(of, every, f64::INFINITY, of.labels.clone());
            return AxisLabels { ticks, upward: false, depth: LABEL.line() };
        }
        let words = of.labels.iter().flat_map(|label| label.split_whitespace());
        let longest_word = words.map(label_width).fold(0.0, f64::max);
        let wrapped = |label: &String| font::wrap(label, Face::Regular, LABEL.size, room, LINES + 1);
        if longest_word <= room && of.labels.iter().all(|label| wrapped(label).len() <= LINES) {
            let ticks = self.marked(1, 0, of.labels.iter().map(wrapped).collect());
            let lines = ticks.iter().map(|tick| tick.label.len()).max().unwrap_or(1);
            return AxisLabels { ticks, upward: false, depth: lines as f64 * LABEL.line() };
        }
        let every = of.every(of.label_line(), room + APART);
        let ticks = self.labelled(of, every, length, labels::fitted(&of.labels, label_width, deepest));
        AxisLabels { depth: widest(&ticks), ticks, upward: true }
    }

    /// Marks at every so-many-th category, at a round number where they are numbers. Of two or more categories at least two
    /// are labelled, the first and the last where there is room for no more across `length` pixels.
    fn labelled(&self, of: &Categories, every: usize, length: f64, labels: Vec<String>) -> Vec<Tick> {
        let first = of.first_round(every);
        let lines = |labels: Vec<String>| labels.into_iter().map(|label| vec![label]).collect();
        let ends = of.len().saturating_sub(1);
        let apart = ends as f64 / of.len().max(1) as f64 * length;
        if ends > 0 && first + every > ends && apart >= of.label_line() * TIGHT {
            return self.marked(ends, 0, lines(labels));
        }
        self.marked(every, first, lines(labels))
    }

    fn marked(&self, every: usize, first: usize, lines: Vec<Vec<String>>) -> Vec<Tick> {
        let mark = |(index, label)| {
            let (start, end) = self.cell(index);
            Tick { at: (start + end) / 2.0, label }
        };
        lines.into_iter().enumerate().skip(first).step_by(every).map(mark).collect()
    }

    /// As many labelled numbers as fit, about `wanted`; two, if need be less round ones, where there is any room for two: one
    /// number says nothing of a size.
    fn numbers_where(&self, wanted: f64, fits: impl Fn(&[Tick], bool) -> bool) -> Vec<Tick> {
        let mut wanted = wanted.clamp(1.0, 12.0);
        loop {
            let ticks = self.numbers_about(wanted);
            if labelled(&ticks).count() > 1 && fits(&ticks, false) {
                return ticks;
            }
            if wanted <= 1.0 {
                break;
            }
            wanted -= 1.0;
        }
        for finer in 2..=12 {
            let mut ticks = self.numbers_about(f64::from(finer));
            if labelled(&ticks).count() > 1 && fits(&ticks, false) {
                return ticks;
            }
            let places: Vec<f64> = labelled(&ticks).map(|tick| tick.at).collect();
            if let [first, .., last] = places[..] {
                let inner = |tick: &&mut Tick| tick.at > first && tick.at < last;
                ticks.iter_mut().filter(inner).for_each(|tick| tick.label.clear());
                if fits(&ticks, true) {
                    return ticks;
                }
            }
        }
        let mut ticks = self.numbers_about(1.0);
        ticks.truncate(1);
        ticks
    }

    /// Round numbers of the axis, about so many.
    fn numbers_about(&self, wanted: f64) -> Vec<Tick> {
        let Self::Numbers { low, high, log, whole } = *self else { return Vec::new() };
        if log && high / low >= 8.0 {
            return self.powers(low, high, wanted);
        }
        let (numbers, step) = round_numbers(low, high, wanted, whole);
        let tick = |number| Tick { at: self.place(number), label: vec![with_step(number, step)] };
        numbers.into_iter().map(tick).filter(|tick| (-1e-6..=1.0 + 1e-6).contains(&tick.at)).collect()
    }

    /// Powers of ten with minor marks between; also twice and five times them where there is room.
    fn powers(&self, low: f64, high: f64, wanted: f64) -> Vec<Tick> {
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let decades = (high / low).log10();
        let labelled: &[u32] = match decades {
            few if few * 3.0 <= wanted => &[1, 2, 5],
            few if few * 2.0 <= wanted => &[1, 3],
            _ => &[1],
        };
        let every = (decades / wanted).ceil().max(1.0) as i32;
        let plain = first >= -3 && last <= 6;
        let mut ticks = Vec::new();
        for exponent in first..=last {
            for digit in 1..10u32 {
                let number = f64::from(digit) * 10f64.powi(exponent);
                let at = self.place(number);
                if !(-1e-9..=1.0 + 1e-9).contains(&at) || (every > 1 && digit > 1) {
                    continue;
                }
                let shown = labelled.contains(&digit) && exponent.rem_euclid(every) == 0;
                let label = match (shown, plain, digit) {
                    (false, ..) => Vec::new(),
                    (true, true, _) => vec![number_text(number, (-exponent).max(0) as usize)],
                    (true, false, 1) => vec![format!("10{}", superscript(exponent))],
                    (true, false, _) => vec![format!("{digit}×10{}", superscript(exponent))],
                };
                ticks.push(Tick { at, label });
            }
        }
        ticks
    }
}

/// Marks that have a label.
fn labelled(ticks: &[Tick]) -> impl Iterator<Item = &Tick> {
    ticks.iter().filter(|tick| !tick.label.is_empty())
}

fn widest(ticks: &[Tick]) -> f64 {
    ticks.iter().flat_map(|tick| &tick.label).map(|label| label_width(label)).fold(0.0, f64::max)
}

/// Whether labels, one line each, are apart on an axis across their lines; tight ones just so.
fn lines_fit(length: f64) -> impl Fn(&[Tick], bool) -> bool {
    move |ticks, tight| {
        let apart = LABEL.line() * if tight { TIGHT } else { 1.2 };
        let places: Vec<f64> = labelled(ticks).map(|tick| tick.at).collect();
        places.windows(2).all(|pair| (pair[1] - pair[0]) * length >= apart)
    }
}

impl Categories {
    /// How many categories apart labels must be so that each has `needed` pixels, with `each` pixels per category.
    fn every(&self, needed: f64, each: f64) -> usize {
        let least = (needed / each.max(1e-6)).ceil().max(1.0) as usize;
        if self.numbers.is_none() || least == 1 {
            return least;
        }
        let decades = std::iter::successors(Some(1), |decade| Some(decade * 10));
        decades.flat_map(|decade| [1, 2, 5].map(|step| step * decade)).find(|every| *every >= least).unwrap_or(least)
    }

    /// Height of a label's line; some labels are larger than other text.
    fn label_line(&self) -> f64 {
        LABEL.suited_to(self.labels.first().map_or("", String::as_str)).line()
    }

    /// The first category to label: of evenly spaced numbers one that is a multiple of the labels' distance.
    fn first_round(&self, every: usize) -> usize {
        let Some([first, second, ..]) = self.numbers.as_deref() else { return 0 };
        let distance = (second - first) * every as f64;
        let numbers = self.numbers.iter().flatten().take(every);
        numbers.enumerate().find(|(_, number)| **number % distance == 0.0).map_or(0, |(index, _)| index)
    }
}

/// Whether two numbers differ by no more than 32-bit arithmetic in another order makes them.
pub fn same(low: f64, high: f64) -> bool {
    (high - low).abs() <= 5e-7 * low.abs().max(high.abs())
}

/// Ends with some room beyond them, a share of what is between.
pub fn roomy((low, high): (f64, f64), log: bool, share: f64) -> (f64, f64) {
    if log {
        let room = (high / low).powf(share);
        return (low / room, high * room);
    }
    (low - (high - low) * share, high + (high - low) * share)
}

/// The ends of an axis for values that are all the same: with zero, by which their size is seen, and with 1 where they may be
/// shares.
pub fn around(value: f64) -> (f64, f64) {
    match value {
        share if (0.1..=1.0).contains(&share) || share == 0.0 => (0.0, 1.0),
        positive if positive > 0.0 => (0.0, positive * 1.06),
        negative => (negative * 1.06, 0.0),
    }
}

/// Multiples of 1, 2, 2.5 or 5 times a power of ten between the ends, about `wanted` of them, and their distance.
pub fn round_numbers(low: f64, high: f64, wanted: f64, whole: bool) -> (Vec<f64>, f64) {
    let raw = (high - low) / wanted.max(1.0);
    let power = 10f64.powf(raw.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
    let mut step = steps.into_iter().find(|step| *step >= raw * 0.999).unwrap_or(power * 10.0);
    if whole {
        step = if step < 1.0 { 1.0 } else { step.ceil() };
    }
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let count = (last - first).clamp(-1.0, 1000.0) as i64 + 1;
    ((0..count).map(|index| (first + index as f64) * step).collect(), step)
}

/// A number as a label, given the distance to the next label.
pub fn with_step(number: f64, step: f64) -> String {
    const FEW: f64 = 50.0;
    let steps = number.abs() / step;
    if number.abs() >= 1e6 || (step < 1e-4 && steps < FEW) {
        // As many digits as tell it from the next.
        return scientific(number, steps.log10().ceil().clamp(1.0, 14.0) as usize + 1);
    }
    let mut decimals = (-step.log10()).ceil().max(0.0) as usize;
    // 0.25 needs one more than its power of ten says.
    if (step * 10f64.powi(decimals as i32)).fract().abs() > 1e-6 {
        decimals += 1;
    }
    number_text(number, decimals)
}

/// With that many decimals and a true minus.
pub fn number_text(number: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", number + 0.0);
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) => format!("−{digits}"),
        Some(digits) => digits.to_string(),
        None => text,
    }
}
