//! The rows of directions: how well they separate, where numbers lie on a helix, and power by frequency.

use super::reads::DirectionPlace;
use crate::direction::ControlDraws;
use crate::measure::Interval;
use crate::model::facts::Facts;
use crate::step::places::PlaceColumns;
use crate::step::summary::number;
use crate::table::rows;

/// The area under the ROC curve.
pub const AUC: &str = "auc";
/// Share of the prompts whose nearest class mean is their own class's.
pub const ACCURACY: &str = "accuracy";
/// Share of the variance that lies within the subspace.
pub const SHARE: &str = "share";
/// Share of the variance that the helix explains.
pub const R2: &str = "r2";
/// Share of the pairs in which the exchanged subspace gives the other prompt's answer.
pub const INTERCHANGE: &str = "interchange-accuracy";
/// The same where all of the activation is exchanged.
pub const PATCHED: &str = "patched-accuracy";
/// All measures of directions.
pub const MEASURES: &[&str] = &[AUC, ACCURACY, SHARE, R2, INTERCHANGE, PATCHED];

/// Rows that are tested on the prompts that the direction is not made from, or on those that it is.
pub const SPLITS: &[&str] = &["test", "train"];

/// A measure of a direction, beside its controls.
#[derive(Debug, Clone)]
pub struct Separation {
    /// Which row of the basis it is of; `None` for the whole subspace.
    pub axis: Option<usize>,
    /// What is measured.
    pub measure: &'static str,
    /// Its value.
    pub value: f64,
    /// Its 95 % interval, where there is one.
    pub interval: Option<Interval>,
    /// The same of random subspaces.
    pub random: Option<ControlDraws>,
    /// The same of directions that are made of shuffled labels.
    pub shuffled: Option<ControlDraws>,
}

/// What is said of all rows of a place.
#[derive(Debug, Clone, Copy)]
pub struct PlaceFacts<'r> {
    /// The place.
    pub place: &'r DirectionPlace,
    /// The model's facts.
    pub facts: &'r Facts,
    /// How the direction was found.
    pub method: &'static str,
    /// Dimensions of the subspace.
    pub dimensions: usize,
    /// Length of the vector.
    pub norm: f64,
    /// How many prompts (numbers, pairs) it is made from.
    pub made_of: usize,
    /// How many it is tested on.
    pub n: usize,
    /// Which these are.
    pub split: &'static str,
}

/// Where a number lies on a fitted helix, for one period.
#[derive(Debug, Clone, Copy)]
pub struct HelixPoint {
    /// The number.
    pub number: f64,
    /// Which prompts it was in.
    pub split: &'static str,
    /// The period; `None` of the number itself.
    pub period: Option<f64>,
    /// What the activation says of the cosine, or of the number.
    pub x: f64,
    /// What it says of the sine; none of the number itself, and of period 2.
    pub y: Option<f64>,
}

/// Power at a frequency.
#[derive(Debug, Clone, Copy)]
pub struct FrequencyPower {
    /// Turns over all numbers.
    pub frequency: usize,
    /// How many numbers there are.
    pub numbers: usize,
    /// Share of the power of all frequencies.
    pub power: f64,
}

rows! {
    /// How well a direction separates prompts.
    pub SeparationColumns<'r>((of, row): (PlaceFacts<'r>, &'r Separation)) {
        place: PlaceColumns = of.place.place.key(&of.place.at, of.facts);
        method: String = of.method, "How the direction was found.";
        dimensions: i64 = of.dimensions, "Dimensions of the subspace.";
        norm: f64 = of.norm, "Length of the vector that is added at strength 1.";
        made_of: i64 = of.made_of, "How many prompts it is made from; of method `fourier` numbers, of `das` pairs.";
        axis: Option<i64> = row.axis, "Which row of the basis, from 0; null of the whole subspace.";
        measure: String = row.measure, "`auc`: a prompt of `of` lies further along than one of `minus`; `accuracy`: the nearest class \
            mean, of two classes the side of the midpoint, is the prompt's own; `share`: of the variance of the prompts within the subspace; \
            `r2`: of the variance of held-out numbers that the helix explains; `interchange-accuracy`: the exchanged subspace gives the \
            counterfactual answer; `patched-accuracy`: all of the activation exchanged does.", in MEASURES;
        split: String = of.split, "`test`: prompts that it is not made from; `train` where there are no others.", in SPLITS;
        n: i64 = of.n, "How many prompts, numbers or pairs it is measured on.";
        value: Option<f64> = number(row.value), "The measure.";
        ci_low: Option<f64> = row.interval.map(|interval| interval.low), "Lower end of the 95 % interval: of `auc` by DeLong, of shares of \
            prompts by Wilson; null where there is none.";
        ci_high: Option<f64> = row.interval.map(|interval| interval.high), "Upper end of the 95 % interval.";
        random: Option<f64> = row.random.map(|draws| draws.mean), "The same measure of random subspaces of as many dimensions, mean over `controls` draws.";
        random_high: Option<f64> = row.random.map(|draws| draws.high), "What 95 % of these draws do not exceed.";
        shuffled: Option<f64> = row.shuffled.map(|draws| draws.mean), "The same measure of directions made of shuffled labels or numbers, mean over `controls` draws.";
        shuffled_high: Option<f64> = row.shuffled.map(|draws| draws.high), "What 95 % of these draws do not exceed.";
    }

    /// Where a number lies on a fitted helix.
    pub HelixColumns<'r>((of, point): (PlaceFacts<'r>, &'r HelixPoint)) {
        place: PlaceColumns = of.place.place.key(&of.place.at, of.facts);
        number: f64 = point.number, "The number.";
        split: String = point.split, "Whether the helix was fitted to it: `train`, or not: `test`.", in SPLITS;
        period: Option<f64> = point.period, "The period T; null of the number itself.";
        x: Option<f64> = number(point.x), "What the activation says of cos(2πa/T), by the pseudoinverse of the helix; of the number itself where `period` is null.";
        y: Option<f64> = point.y, "The same of sin(2πa/T); null of the number itself and of period 2.";
    }

    /// Power by frequency over a number.
    pub FrequencyColumns<'r>((of, one): (PlaceFacts<'r>, &'r FrequencyPower)) {
        place: PlaceColumns = of.place.place.key(&of.place.at, of.facts);
        frequency: i64 = one.frequency, "Turns over all of the numbers.";
        period: f64 = one.numbers as f64 / one.frequency as f64, "The period: how many numbers are a turn.";
        power: f64 = one.power, "Its share of the power of all frequencies from 1 on, summed over dimensions.";
    }
}
