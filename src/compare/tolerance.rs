//! How far two numbers may be from each other and still be the same result.

use serde::Serialize;

/// Two finite numbers agree when `|a − b| ≤ absolute + relative · max(|a|, |b|)`; the same whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Tolerance {
    /// Share of the larger of the two.
    pub relative: f64,
    /// What is allowed besides, in the unit of the numbers.
    pub absolute: f64,
}

impl Tolerance {
    /// The same numbers only.
    pub const NONE: Self = Self { relative: 0.0, absolute: 0.0 };

    /// What two runs in single precision on different processors may differ by: a difference of 1e-4 between logits is one of 1e-4
    /// between probabilities relative to them, and 1e-6 is one rounding of a logit of 16 (docs/verify.md).
    pub const SINGLE: Self = Self { relative: 1e-4, absolute: 1e-6 };

    /// Whether two numbers agree. A NaN agrees with a NaN, an infinity with the same one.
    pub fn holds(&self, a: f64, b: f64) -> bool {
        let apart = (a - b).abs();
        same(a, b) || (apart.is_finite() && apart <= self.absolute + self.relative * a.abs().max(b.abs()))
    }

    /// How bad a difference is: how many times the tolerance, or without any the share that it is of a column's largest number.
    /// Infinite where one of the two is no number.
    pub fn excess(&self, a: f64, b: f64, largest: f64) -> f64 {
        if same(a, b) {
            return 0.0;
        }
        let allowed = self.absolute + self.relative * a.abs().max(b.abs());
        let share = (a - b).abs() / if allowed > 0.0 { allowed } else { largest };
        if share.is_nan() { f64::INFINITY } else { share.max(f64::MIN_POSITIVE) }
    }
}

/// Whether two numbers are one; NaN is NaN, and zero has no sign.
pub fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}
