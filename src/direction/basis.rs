//! Orthonormal bases: of what some vectors span, of random ones, and the principal components of points.

use super::points::Points;
use crate::random::normal;
use nalgebra::{DMatrix, SymmetricEigen};
use rand_chacha::ChaCha8Rng;

/// What is less than this share of the largest is rounding of activations, which are in f32.
const NOTHING: f64 = 1e-6;

/// What is less than this share of the points themselves is rounding of sums in f64.
const ROUNDING: f64 = 1e-12;

/// a · b
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The length of a vector.
pub fn length(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

/// a − b
pub fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// A vector times a number.
pub fn scaled(vector: &[f64], by: f64) -> Vec<f64> {
    vector.iter().map(|value| value * by).collect()
}

/// Orthonormal rows that span what `vectors` span, in their order (Gram and Schmidt, twice, so that they are orthogonal to rounding); those
/// that the ones before span already give none.
pub fn orthonormal(vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let largest = vectors.iter().map(|vector| length(vector)).fold(0.0, f64::max);
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for vector in vectors {
        let mut left = vector.clone();
        for _ in 0..2 {
            for row in &rows {
                let along = dot(row, &left);
                left.iter_mut().zip(row).for_each(|(left, row)| *left -= along * row);
            }
        }
        let norm = length(&left);
        if norm > NOTHING * largest && norm > 0.0 {
            rows.push(scaled(&left, 1.0 / norm));
        }
    }
    rows
}

/// The same with the sign of each row chosen: its largest entry (of several: the first) is positive.
pub fn signed(rows: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let sign = |row: Vec<f64>| {
        let largest =
            row.iter().fold(0.0_f64, |largest, value| if value.abs() > largest.abs() { *value } else { largest });
        if largest < 0.0 { scaled(&row, -1.0) } else { row }
    };
    rows.into_iter().map(sign).collect()
}

/// A random subspace of `k` dimensions, every one as likely as any other.
pub fn random(k: usize, width: usize, random: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let vectors: Vec<Vec<f64>> = (0..k.min(width)).map(|_| (0..width).map(|_| normal(random)).collect()).collect();
    orthonormal(&vectors)
}

/// Principal components: orthonormal rows, the one of the largest variance first, and the sum of squares along each.
#[derive(Debug, Clone)]
pub struct PrincipalComponents {
    /// The mean of the points.
    pub mean: Vec<f64>,
    /// The components, `[width]` each, their largest entry positive.
    pub rows: Vec<Vec<f64>>,
    /// Sum over the points of the squared coordinate along each component.
    pub squares: Vec<f64>,
}

impl PrincipalComponents {
    /// Where a point `[width]` lies along each component, from the mean on.
    pub fn coordinates(&self, point: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| dot(row, point) - dot(row, &self.mean)).collect()
    }

    /// What coordinates along the components add up to, added to `start` `[width]`.
    pub fn added(&self, coordinates: &[f64], mut start: Vec<f64>) -> Vec<f64> {
        for (along, row) in coordinates.iter().zip(&self.rows) {
            start.iter_mut().zip(row).for_each(|(value, row)| *value += along * row);
        }
        start
    }
}

/// The first `k` principal components of some points, fewer where they span less: eigenvectors of the smaller of XᵀX and XXᵀ.
pub fn principal_components(points: Points, of: &[usize], k: usize) -> PrincipalComponents {
    let rows: Vec<Vec<f64>> =
        of.iter().map(|&index| points.at(index).iter().map(|&v| f64::from(v)).collect()).collect();
    principal_components_of(&rows, points.width(), k)
}

/// The same of points in f64, `[width]` each.
pub fn principal_components_of(points: &[Vec<f64>], width: usize, k: usize) -> PrincipalComponents {
    let n = points.len();
    // Summed first and divided once, as `Points::mean`: the mean of points that are all the same is the same to the last bit.
    let mut mean = vec![0.0; width];
    points.iter().for_each(|point| mean.iter_mut().zip(point).for_each(|(mean, value)| *mean += value));
    mean.iter_mut().for_each(|mean| *mean /= n.max(1) as f64);
    let x = DMatrix::from_fn(n, width, |row, column| points[row][column] - mean[column]);
    let few = n < width;
    let transposed = x.transpose();
    let gram = if few { &x * &transposed } else { &transposed * &x };
    let eigen = SymmetricEigen::new(gram);
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let largest = order.first().map_or(0.0, |&first| eigen.eigenvalues[first]).max(0.0);
    // Where nothing varies, the largest is itself the rounding of sums in f64, which are as large as the points are.
    let sizes: f64 = points.iter().map(|point| dot(point, point)).sum();
    let nothing = (NOTHING * NOTHING * largest).max(ROUNDING * ROUNDING * sizes);
    let kept = order.into_iter().take(k).filter(|&index| eigen.eigenvalues[index] > nothing);
    let component = |index: usize| -> Vec<f64> {
        let vector = eigen.eigenvectors.column(index);
        match few {
            true => (&transposed * vector).iter().copied().collect(),
            false => vector.iter().copied().collect(),
        }
    };
    let vectors: Vec<Vec<f64>> =
        kept.map(component).map(|vector| scaled(&vector, 1.0 / length(&vector).max(f64::MIN_POSITIVE))).collect();
    let rows = signed(orthonormal(&vectors));
    let along = |row: &Vec<f64>| points.iter().map(|point| dot(row, &minus(point, &mean)).powi(2)).sum();
    let squares = rows.iter().map(along).collect();
    PrincipalComponents { mean, rows, squares }
}
