//! What a classifier reads: one unit of an activation at one position.

/// Rows of values that lie apart, in a larger array.
#[derive(Debug, Clone)]
pub struct Features<'a> {
    data: &'a [f32],
    stride: usize,
    first: usize,
    width: usize,
    standard: Option<Standard>,
}

/// What is taken from each value, and what the rest is multiplied by.
#[derive(Debug, Clone, PartialEq)]
pub struct Standard {
    mean: Vec<f32>,
    factor: Vec<f32>,
}

impl<'a> Features<'a> {
    /// `width` values of each row, the first at `first`; rows start `stride` values apart.
    ///
    /// # Panics
    /// If a row's values reach into the next row.
    pub fn new(data: &'a [f32], stride: usize, first: usize, width: usize) -> Self {
        assert!(first + width <= stride, "a row's features lie within the row");
        Self { data, stride, first, width, standard: None }
    }

    /// Rows of `width` values, one after the other.
    pub fn dense(data: &'a [f32], width: usize) -> Self {
        Self::new(data, width, 0, width)
    }

    /// Values per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The same with mean 0 and standard deviation 1 over some rows: a value that is the same in all of them is 0.
    pub fn standardized(self, rows: &[usize]) -> Self {
        let standard = Standard::of(&self, rows);
        Self { standard: Some(standard), ..self }
    }

    /// Copies rows into `out`, `[row, width]`.
    pub fn gather(&self, rows: &[usize], out: &mut Vec<f32>) {
        out.clear();
        for &row in rows {
            match &self.standard {
                None => out.extend_from_slice(self.raw(row)),
                Some(Standard { mean, factor }) => {
                    let scaled = self.raw(row).iter().zip(mean).zip(factor);
                    out.extend(scaled.map(|((value, mean), factor)| (value - mean) * factor));
                }
            }
        }
    }

    fn raw(&self, row: usize) -> &[f32] {
        &self.data[row * self.stride + self.first..][..self.width]
    }
}

impl Standard {
    /// Of the raw values of some rows; sums in f64.
    fn of(features: &Features, rows: &[usize]) -> Self {
        let n = rows.len().max(1) as f64;
        let mut mean = vec![0.0f64; features.width];
        for &row in rows {
            mean.iter_mut().zip(features.raw(row)).for_each(|(mean, &value)| *mean += f64::from(value) / n);
        }
        let mut variance = vec![0.0f64; features.width];
        for &row in rows {
            let each = variance.iter_mut().zip(features.raw(row)).zip(&mean);
            each.for_each(|((variance, &value), mean)| *variance += (f64::from(value) - mean).powi(2) / n);
        }
        // What does not vary but by rounding is made 0, not magnified.
        let factor = |(variance, mean): (&f64, &f64)| {
            let spread = variance.sqrt();
            if spread > f64::from(f32::EPSILON) * mean.abs() { (1.0 / spread) as f32 } else { 0.0 }
        };
        let factor = variance.iter().zip(&mean).map(factor).collect();
        Self { mean: mean.into_iter().map(|mean| mean as f32).collect(), factor }
    }
}
