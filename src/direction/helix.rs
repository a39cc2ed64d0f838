//! A helix over a number: x(a) ≈ mean + C · B(a), B(a) the number itself and the cosine and sine of 2πa/T for each period T (Kantamneni and
//! Tegmark 2025, arXiv 2502.00873), fitted by least squares to the first principal components of the numbers' points.

use super::basis::{PrincipalComponents, dot, length, orthonormal, scaled, signed};
use nalgebra::DMatrix;

/// A function of the number that is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wave {
    /// The number itself.
    Linear,
    /// The Chebyshev polynomial of a degree from 2 on, of the number with `low` at −1 and `high` at 1: those up to a degree, with the number
    /// itself, span all polynomials of it.
    Polynomial {
        /// Its degree.
        degree: usize,
        /// The number that is taken to −1.
        low: f64,
        /// The number that is taken to 1.
        high: f64,
    },
    /// cos(2πa/T)
    Cosine(f64),
    /// sin(2πa/T)
    Sine(f64),
}

impl Wave {
    /// Those of a polynomial of some degree over the range of `numbers` (1: the number itself; 0: none), then a cosine and a sine for each
    /// period; of period 2 the cosine alone, as whole numbers have no sine.
    pub fn of(degree: usize, periods: &[f64], numbers: &[f64]) -> Vec<Self> {
        let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let linear = (degree > 0).then_some(Wave::Linear);
        let higher = (2..=degree).map(|degree| Wave::Polynomial { degree, low, high });
        let pair = |&period: &f64| [Some(Wave::Cosine(period)), (period != 2.0).then_some(Wave::Sine(period))];
        linear.into_iter().chain(higher).chain(periods.iter().flat_map(pair).flatten()).collect()
    }

    /// Its value at a number.
    pub fn at(self, number: f64) -> f64 {
        let turn = std::f64::consts::TAU * number;
        match self {
            Wave::Linear => number,
            Wave::Polynomial { degree, low, high } => {
                let x = if high > low { (2.0 * number - low - high) / (high - low) } else { 0.0 };
                let (mut before, mut value) = (1.0, x);
                for _ in 1..degree {
                    (before, value) = (value, 2.0 * x * value - before);
                }
                value
            }
            Wave::Cosine(period) => (turn / period).cos(),
            Wave::Sine(period) => (turn / period).sin(),
        }
    }
}

/// A fitted helix.
#[derive(Debug, Clone)]
pub struct Helix<'c> {
    waves: Vec<Wave>,
    /// Mean of each wave over the numbers that were fitted.
    wave_means: Vec<f64>,
    /// The components that were fitted, and the mean of the points.
    components: &'c PrincipalComponents,
    /// What each wave adds, in coordinates of the components: `[wave][component]`.
    coefficients: Vec<Vec<f64>>,
    /// Takes coordinates of the components to waves: the pseudoinverse, `[wave][component]`.
    inverse: Vec<Vec<f64>>,
}

impl<'c> Helix<'c> {
    /// Fits points `[width]`, one for each number, in their principal components, which are the same whatever numbers the points are said to
    /// be of. The waves are fitted with an intercept. None of fewer than two points, without components, and where nothing can be solved.
    pub fn fit(
        numbers: &[f64],
        points: &[Vec<f64>],
        components: &'c PrincipalComponents,
        waves: &[Wave],
    ) -> Option<Self> {
        let n = points.len();
        if n < 2 || components.rows.is_empty() {
            return None;
        }
        let waves = waves.to_vec();
        let mean = |wave: &Wave| numbers.iter().map(|&number| wave.at(number)).sum::<f64>() / n as f64;
        let wave_means: Vec<f64> = waves.iter().map(mean).collect();
        let design = DMatrix::from_fn(n, waves.len(), |row, wave| waves[wave].at(numbers[row]) - wave_means[wave]);
        // Waves differ in size by orders of magnitude: each is fitted at length 1.
        let lengths: Vec<f64> = design.column_iter().map(|column| column.norm().max(f64::MIN_POSITIVE)).collect();
        let scaled = DMatrix::from_fn(n, waves.len(), |row, wave| match lengths[wave] > 1e-9 {
            true => design[(row, wave)] / lengths[wave],
            false => 0.0,
        });
        let reduced: Vec<Vec<f64>> = points.iter().map(|point| components.coordinates(point)).collect();
        let targets = DMatrix::from_fn(n, components.rows.len(), |row, component| reduced[row][component]);
        let solved = scaled.svd(true, true).solve(&targets, 1e-9).ok()?;
        let coefficient = |wave: usize, component: usize| match lengths[wave] > 1e-9 {
            true => solved[(wave, component)] / lengths[wave],
            false => 0.0,
        };
        let matrix = DMatrix::from_fn(waves.len(), components.rows.len(), coefficient);
        let inverse = matrix.clone().transpose().pseudo_inverse(1e-12).ok()?;
        let rows = |matrix: &DMatrix<f64>| -> Vec<Vec<f64>> {
            matrix.row_iter().map(|row| row.iter().copied().collect()).collect()
        };
        Some(Self { coefficients: rows(&matrix), inverse: rows(&inverse), waves, wave_means, components })
    }

    /// The helix's point for a number, `[width]`: mean + C · B(a).
    pub fn point(&self, number: f64) -> Vec<f64> {
        self.components.added(&self.fitted(number), self.components.mean.clone())
    }

    /// The waves, in the order of all that is said of each.
    pub fn waves(&self) -> &[Wave] {
        &self.waves
    }

    /// Orthonormal rows that span what the waves add.
    pub fn basis(&self) -> Vec<Vec<f64>> {
        let nowhere = vec![0.0; self.components.mean.len()];
        let add = |coefficients: &Vec<f64>| self.components.added(coefficients, nowhere.clone());
        // Each at length 1: a wave of small size spans as much as any.
        let added: Vec<Vec<f64>> = self.coefficients.iter().map(add).collect();
        let largest = added.iter().map(|vector| length(vector)).fold(0.0, f64::max);
        let there = added.into_iter().filter(|vector| length(vector) > 1e-9 * largest);
        let unit = |vector: Vec<f64>| scaled(&vector, 1.0 / length(&vector));
        signed(orthonormal(&there.map(unit).collect::<Vec<_>>()))
    }

    /// Share of the variance of points in the fitted components that the helix explains: 1 − Σ‖x − x̂‖² / Σ‖x − mean‖², x̂ of each point's
    /// number. None where they do not vary.
    pub fn explained(&self, numbers: &[f64], points: &[Vec<f64>]) -> Option<f64> {
        let (mut left, mut all) = (0.0, 0.0);
        for (&number, point) in numbers.iter().zip(points) {
            let reduced = self.components.coordinates(point);
            let fitted = self.fitted(number);
            left += reduced.iter().zip(&fitted).map(|(value, fitted)| (value - fitted).powi(2)).sum::<f64>();
            all += reduced.iter().map(|value| value.powi(2)).sum::<f64>();
        }
        (all > 0.0).then(|| 1.0 - left / all)
    }

    /// What each wave is at a point, by the activation alone: the pseudoinverse of C times (x − mean), plus the wave's mean.
    pub fn read(&self, point: &[f64]) -> Vec<f64> {
        let reduced = self.components.coordinates(point);
        self.inverse.iter().zip(&self.wave_means).map(|(row, mean)| dot(row, &reduced) + mean).collect()
    }

    fn fitted(&self, number: f64) -> Vec<f64> {
        let mut sum = vec![0.0; self.components.rows.len()];
        for ((wave, mean), coefficients) in self.waves.iter().zip(&self.wave_means).zip(&self.coefficients) {
            let value = wave.at(number) - mean;
            sum.iter_mut().zip(coefficients).for_each(|(sum, coefficient)| *sum += value * coefficient);
        }
        sum
    }
}

/// Power by frequency of points over numbers that follow one another: |Σₐ x(a) exp(−2πi f a / N)|² summed over dimensions, for f from 1 to N/2,
/// as a share of all of them; those below N/2 count twice, for −f. Empty where the numbers do not follow one another.
pub fn spectrum(numbers: &[f64], points: &[Vec<f64>]) -> Vec<f64> {
    let n = numbers.len();
    let follow = numbers.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
    if n < 3 || !follow {
        return Vec::new();
    }
    let width = points.first().map_or(0, Vec::len);
    let power = |frequency: usize| {
        let (mut real, mut imaginary) = (vec![0.0; width], vec![0.0; width]);
        for (index, point) in points.iter().enumerate() {
            let turn = std::f64::consts::TAU * ((frequency * index) % n) as f64 / n as f64;
            let (sine, cosine) = turn.sin_cos();
            for ((real, imaginary), value) in real.iter_mut().zip(&mut imaginary).zip(point) {
                *real += cosine * value;
                *imaginary -= sine * value;
            }
        }
        let sides = if 2 * frequency == n { 1.0 } else { 2.0 };
        sides * (dot(&real, &real) + dot(&imaginary, &imaginary))
    };
    let powers: Vec<f64> = (1..=n / 2).map(power).collect();
    let all: f64 = powers.iter().sum();
    if all > 0.0 { powers.into_iter().map(|power| power / all).collect() } else { Vec::new() }
}
