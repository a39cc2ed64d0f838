//! Activations at one place as points, the means of some of them, and how these vary.

/// Points, `[n, width]`, one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Points<'a> {
    values: &'a [f32],
    width: usize,
}

impl<'a> Points<'a> {
    /// Points of `width` values each.
    pub fn new(values: &'a [f32], width: usize) -> Self {
        Self { values, width: width.max(1) }
    }

    /// All of their values.
    pub fn values(self) -> &'a [f32] {
        self.values
    }

    /// Values of a point.
    pub fn width(self) -> usize {
        self.width
    }

    /// One point.
    pub fn at(self, index: usize) -> &'a [f32] {
        &self.values[index * self.width..][..self.width]
    }

    /// The mean of some of them, summed in f64 in their order; zeros where there are none.
    pub fn mean(self, of: &[usize]) -> Vec<f64> {
        let mut mean = vec![0.0; self.width];
        for &index in of {
            mean.iter_mut().zip(self.at(index)).for_each(|(mean, &value)| *mean += f64::from(value));
        }
        mean.iter_mut().for_each(|mean| *mean /= of.len().max(1) as f64);
        mean
    }

    /// How some of them vary.
    pub fn variance(self, of: &'a [usize]) -> Variance<'a> {
        let mean = self.mean(of);
        let squares = of.iter().map(|&index| squared_distance(self.at(index), &mean)).sum();
        Variance { points: self, of, mean, squares }
    }

    /// Where some of them lie along orthonormal rows, from `mean` on: `[point][row]`.
    pub fn coordinates(self, of: &[usize], basis: &[Vec<f64>], mean: &[f64]) -> Vec<Vec<f64>> {
        of.iter().map(|&index| coordinates(self.at(index), basis, mean)).collect()
    }
}

/// How some points vary around their mean.
#[derive(Debug, Clone)]
pub struct Variance<'a> {
    points: Points<'a>,
    of: &'a [usize],
    mean: Vec<f64>,
    /// Sum of the squared distances from the mean: n times the variance, summed over dimensions.
    squares: f64,
}

impl Variance<'_> {
    /// The share of it along orthonormal rows; not a number where nothing varies.
    pub fn share(&self, basis: &[Vec<f64>]) -> f64 {
        let along = self.points.coordinates(self.of, basis, &self.mean);
        along.iter().flatten().map(|value| value.powi(2)).sum::<f64>() / self.squares
    }
}

fn squared_distance(point: &[f32], mean: &[f64]) -> f64 {
    point.iter().zip(mean).map(|(&value, mean)| (f64::from(value) - mean).powi(2)).sum()
}

fn coordinates(point: &[f32], basis: &[Vec<f64>], mean: &[f64]) -> Vec<f64> {
    let along = |row: &Vec<f64>| {
        row.iter().zip(point).zip(mean).map(|((row, &value), mean)| row * (f64::from(value) - mean)).sum()
    };
    basis.iter().map(along).collect()
}
