//! Subspaces of an activation: an orthonormal basis, and the change of a vector's component within it.

use std::fmt;

/// How far products of a basis' rows may be from those of an orthonormal one.
const ROUNDING: f64 = 1e-3;

/// What of a vector's length must be left beside the vectors before it for it to be a direction of its own.
const INDEPENDENT: f64 = 1e-6;

/// An orthonormal basis of a subspace, `[size, width]`.
#[derive(Clone, PartialEq)]
pub struct Basis {
    width: usize,
    rows: Vec<f32>,
}

/// Vectors that are no basis.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BasisFault {
    /// They are not as many values as rows of that width have.
    #[error("{values} values do not make rows of {width}; give at least one whole row")]
    Extent {
        /// How many there are.
        values: usize,
        /// Values of a row.
        width: usize,
    },
    /// Two rows are not at right angles, or one is not of length 1.
    #[error("the product of rows {row} and {other} is {product}, in an orthonormal basis {}", u8::from(row == other))]
    NotOrthonormal {
        /// The one.
        row: usize,
        /// The other.
        other: usize,
        /// Their product.
        product: f64,
    },
    /// A vector is zero, not finite, or lies in the span of those before it.
    #[error("vector {row} is zero, not finite, or lies in the span of those before it; leave it out")]
    Dependent {
        /// Which.
        row: usize,
    },
}

impl Basis {
    /// Of rows that are orthonormal.
    ///
    /// # Errors
    /// Rows that are not.
    pub fn new(width: usize, rows: Vec<f32>) -> Result<Self, BasisFault> {
        let values = rows.len();
        if width == 0 || values == 0 || !values.is_multiple_of(width) {
            return Err(BasisFault::Extent { values, width });
        }
        let basis = Self { width, rows };
        for (row, one) in basis.rows.chunks_exact(width).enumerate() {
            for (other, two) in basis.rows.chunks_exact(width).enumerate().take(row + 1) {
                let product: f64 = dot(one, |place| f64::from(two[place]));
                let wanted = if row == other { 1.0 } else { 0.0 };
                let off = (product - wanted).abs();
                // What is not a number is no product of rows that are orthonormal.
                if off.is_nan() || off > ROUNDING {
                    return Err(BasisFault::NotOrthonormal { row, other, product });
                }
            }
        }
        Ok(basis)
    }

    /// Of the space that vectors span, `[size, width]`: each made orthogonal to those before it (Gram and Schmidt, twice, which is enough
    /// for rounding not to show) and divided by its length.
    ///
    /// # Errors
    /// Vectors that are zero or lie in the span of those before them.
    pub fn spanning(width: usize, vectors: &[f32]) -> Result<Self, BasisFault> {
        let values = vectors.len();
        if width == 0 || values == 0 || !values.is_multiple_of(width) {
            return Err(BasisFault::Extent { values, width });
        }
        let mut found: Vec<Vec<f64>> = Vec::new();
        for (row, vector) in vectors.chunks_exact(width).enumerate() {
            let mut left: Vec<f64> = vector.iter().map(|&value| f64::from(value)).collect();
            let length = norm(&left);
            for one in found.iter().chain(&found) {
                let product: f64 = left.iter().zip(one).map(|(a, b)| a * b).sum();
                left.iter_mut().zip(one).for_each(|(value, one)| *value -= product * one);
            }
            let rest = norm(&left);
            // What is not a number is no direction either.
            if !rest.is_finite() || rest <= INDEPENDENT * length {
                return Err(BasisFault::Dependent { row });
            }
            left.iter_mut().for_each(|value| *value /= rest);
            found.push(left);
        }
        Ok(Self { width, rows: found.into_iter().flatten().map(|value| value as f32).collect() })
    }

    /// Values of a vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Dimensions of the subspace.
    pub fn size(&self) -> usize {
        self.rows.len() / self.width
    }

    /// Its rows, `[size, width]`.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// Whether the components of two vectors within the subspace differ; `value` is the second.
    pub(super) fn differs(&self, vector: &[f32], value: impl Fn(usize) -> f32) -> bool {
        self.differences(vector, &value).any(|difference| difference != 0.0)
    }

    /// x becomes x + strength · P (value − x), P the projection on the subspace.
    pub(super) fn go(&self, vector: &mut [f32], value: impl Fn(usize) -> f32, strength: f32) {
        let mut change = vec![0.0; self.width];
        for (difference, row) in self.differences(vector, &value).zip(self.rows.chunks_exact(self.width)) {
            change.iter_mut().zip(row).for_each(|(change, row)| *change += difference * f64::from(*row));
        }
        for (x, change) in vector.iter_mut().zip(change) {
            *x = (f64::from(*x) + f64::from(strength) * change) as f32;
        }
    }

    /// The coordinates of value − x, row by row. In f64: what is left of x beside the subspace must not drown in rounding.
    fn differences<'b>(
        &'b self,
        vector: &'b [f32],
        value: &'b impl Fn(usize) -> f32,
    ) -> impl Iterator<Item = f64> + 'b {
        let difference: Vec<f64> =
            vector.iter().enumerate().map(|(place, &x)| f64::from(value(place)) - f64::from(x)).collect();
        self.rows.chunks_exact(self.width).map(move |row| dot(row, |place| difference[place]))
    }
}

impl fmt::Debug for Basis {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Basis [{}, {}]", self.size(), self.width)
    }
}

fn dot(row: &[f32], with: impl Fn(usize) -> f64) -> f64 {
    row.iter().enumerate().map(|(place, &value)| f64::from(value) * with(place)).sum()
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|value| value * value).sum::<f64>().sqrt()
}
