//! Directions that are made of classes: means, differences of means, the weights of a probe; and how well any subspace tells classes apart.

use super::classes::DirectionSamples;
use super::fitted::{DirectionProblem, Fitted, is_something};
use super::reads::DirectionPlace;
use super::vectors::Vectors;
use crate::Error;
use crate::direction::{Points, auc, dot, length, minus, nearest, orthonormal, principal_components_of, scaled};
use crate::kernel::Adam;
use crate::measure::{Interval, RightAnswers};
use crate::probe::{Classifier, EpochOrder, Features, FitSettings, fit};
use crate::spec::step::{DirectionMethod, FindDirection};
use crate::system::interrupt;
use indexmap::IndexMap;

/// The samples at one place.
pub struct LabelledPoints<'l> {
    /// The step.
    pub step: &'l FindDirection,
    /// What its prompts are of.
    pub samples: &'l DirectionSamples,
    /// Their activations.
    pub points: Points<'l>,
}

/// How a direction is made of labels.
#[derive(Clone, Copy)]
pub enum LabelledFit<'v> {
    /// mean(of) − mean(minus)
    Difference,
    /// mean(of)
    Mean,
    /// What the means of the classes span.
    Means,
    /// A linear classifier.
    Probe,
    /// A file's, whatever the labels.
    Given(&'v Vectors),
}

/// How well a subspace tells classes apart.
pub struct ClassJudgement {
    /// Area under the curve with its interval, of two classes.
    pub auc: Option<(f64, Interval)>,
    /// Prompts whose nearest class mean is their own.
    pub right: RightAnswers,
}

impl LabelledFit<'_> {
    /// As the step says.
    pub fn of(step: &FindDirection) -> Self {
        match step.method {
            DirectionMethod::Probe => LabelledFit::Probe,
            DirectionMethod::Mean if step.by.is_some() => LabelledFit::Means,
            DirectionMethod::Mean => LabelledFit::Mean,
            _ => LabelledFit::Difference,
        }
    }

    /// Whether other labels make another direction.
    pub fn is_made_of_labels(self) -> bool {
        !matches!(self, LabelledFit::Given(_))
    }

    /// The subspace, from the samples to learn from; `class` is the class of each sample.
    pub fn fit(
        self,
        task: &LabelledPoints,
        class: &[usize],
        place: &DirectionPlace,
    ) -> Result<Fitted, DirectionProblem> {
        let train = &task.samples.split.train;
        let means = task.means(class);
        let centre = task.points.mean(train);
        let named: IndexMap<String, Vec<f64>> =
            task.samples.classes.iter().cloned().zip(means.iter().cloned()).collect();
        let along = |direction: Vec<f64>, vector: Vec<f64>, mean: Vec<f64>| Fitted {
            basis: vec![scaled(&direction, 1.0 / length(&direction))],
            mean,
            means: named.clone(),
            vector,
        };
        let halfway = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect::<Vec<f64>>();
        match (self, means.as_slice()) {
            (LabelledFit::Difference, [of, other]) => {
                let difference = minus(of, other);
                match is_something(&difference) {
                    true => Ok(along(difference.clone(), difference, halfway(of, other))),
                    false => Err("the classes have the same mean".to_string().into()),
                }
            }
            (LabelledFit::Mean, [of]) => match is_something(of) {
                true => Ok(along(of.clone(), of.clone(), vec![0.0; of.len()])),
                false => Err("the mean is zero".to_string().into()),
            },
            (LabelledFit::Probe, [of, other]) => {
                let weights = task.weights(class)?;
                let direction = minus(&weights[0], &weights[1]);
                if !is_something(&direction) {
                    return Err("the probe's weights are zero, or no numbers; write another lr".to_string().into());
                }
                // As long as the classes are apart along it: adding it takes one's mean to the other's.
                let unit = scaled(&direction, 1.0 / length(&direction));
                let vector = scaled(&unit, dot(&unit, &minus(of, other)));
                Ok(along(direction, vector, halfway(of, other)))
            }
            (LabelledFit::Means, means) => task.spanned(means.to_vec(), centre, named),
            (LabelledFit::Probe, _) => task.spanned(task.weights(class)?, centre, named),
            (LabelledFit::Given(vectors), _) => {
                let rows = vectors.at(place, task.points.width())?;
                let basis = orthonormal(&rows);
                match (basis.is_empty(), rows.into_iter().next()) {
                    (false, Some(vector)) => Ok(Fitted { basis, mean: centre, means: named, vector }),
                    _ => Err("the vector is zero".to_string().into()),
                }
            }
            (LabelledFit::Difference | LabelledFit::Mean, _) => Err("no such classes".to_string().into()),
        }
    }
}

impl LabelledPoints<'_> {
    /// The mean of each class's samples to learn from.
    fn means(&self, class: &[usize]) -> Vec<Vec<f64>> {
        let train = &self.samples.split.train;
        let of = |number: usize| train.iter().copied().filter(|&sample| class[sample] == number).collect::<Vec<_>>();
        (0..self.samples.classes.len()).map(|number| self.points.mean(&of(number))).collect()
    }

    /// The subspace that vectors span around their mean: the direction in which they lie furthest apart first.
    fn spanned(
        &self,
        vectors: Vec<Vec<f64>>,
        centre: Vec<f64>,
        named: IndexMap<String, Vec<f64>>,
    ) -> Result<Fitted, DirectionProblem> {
        let components = principal_components_of(&vectors, self.points.width(), vectors.len());
        if components.rows.is_empty() {
            return Err("the classes are all the same".to_string().into());
        }
        let fitted = Fitted::spread(components.rows, centre, self.points, &self.samples.split.train);
        Ok(Fitted { means: named, ..fitted })
    }

    /// The weights of a linear classifier of the classes, `[class][width]`, trained as a step of kind `probe` does.
    fn weights(&self, class: &[usize]) -> Result<Vec<Vec<f64>>, Error> {
        let (step, points, classes) = (self.step, self.points, self.samples.classes.len());
        let labels: Vec<u32> = class.iter().map(|&class| class as u32).collect();
        let features = Features::dense(points.values(), points.width());
        let mut classifier = Classifier::random(points.width(), classes, step.seed);
        let settings = FitSettings { adam: Adam::new(step.lr), batch: step.batch };
        let epochs = EpochOrder::new(&self.samples.split.train, step.seed).take(step.epochs);
        fit(&mut classifier, &features, &labels, epochs, settings, || interrupt::check().map_err(Error::from))?;
        let of = |class: usize| classifier.weight.chunks_exact(classes).map(|row| f64::from(row[class])).collect();
        Ok((0..classes).map(of).collect())
    }

    /// How well a subspace through the point of `fitted` tells the classes of some samples apart: by the nearest of the class means that it
    /// was fitted with, and along the line between two of them.
    pub fn judge(&self, fitted: &Fitted, basis: &[Vec<f64>], measured: &[usize]) -> ClassJudgement {
        let mean = &fitted.mean;
        let place = |point: &Vec<f64>| -> Vec<f64> { basis.iter().map(|row| dot(row, &minus(point, mean))).collect() };
        let centres: Vec<Vec<f64>> = fitted.means.values().map(place).collect();
        let coordinates = self.points.coordinates(measured, basis, mean);
        let mut right = RightAnswers::default();
        for (&sample, point) in measured.iter().zip(&coordinates) {
            right.add(nearest(point, &centres) == Some(self.samples.class[sample]));
        }
        let auc = match centres.as_slice() {
            [of, other] => {
                let line = minus(of, other);
                let of_class = |class: usize| -> Vec<f64> {
                    let members =
                        measured.iter().zip(&coordinates).filter(|(sample, _)| self.samples.class[**sample] == class);
                    members.map(|(_, point)| dot(&line, point)).collect()
                };
                auc(&of_class(0), &of_class(1))
            }
            _ => None,
        };
        ClassJudgement { auc, right }
    }
}
