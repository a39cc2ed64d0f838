//! The mean and spread of values that come one at a time.

/// Mean and spread of some values, one at a time (Welford 1962): no sum of squares, whose rounding is larger than the spread.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunningMoments {
    /// How many values.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    squares: f64,
}

impl RunningMoments {
    /// One more value.
    pub fn add(&mut self, value: f64) {
        self.n += 1;
        let before = value - self.mean;
        self.mean += before / self.n as f64;
        self.squares += before * (value - self.mean);
    }

    /// Sample standard deviation (n − 1).
    pub fn std(&self) -> Option<f64> {
        (self.n > 1).then(|| (self.squares / (self.n - 1) as f64).sqrt())
    }
}
