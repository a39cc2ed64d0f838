//! The direction of one place, found in the activations of all samples, and what is said of it.

use super::classes::DirectionSamples;
use super::fitted::{DirectionProblem, Fitted};
use super::labelled::{ClassJudgement, LabelledFit, LabelledPoints};
use super::reads::DirectionPlace;
use super::rows::{ACCURACY, AUC, FrequencyPower, HelixPoint, PlaceFacts, R2, SHARE, Separation};
use super::vectors::Vectors;
use crate::Error;
use crate::direction::{
    ControlDraws, Helix, Points, Subspace, Variance, Wave, principal_components, principal_components_of, random_basis,
    spectrum,
};
use crate::model::facts::Facts;
use crate::random::{Purpose, stream};
use crate::spec::step::{DirectionMethod, FindDirection};
use indexmap::IndexMap;
use rand::seq::SliceRandom;

/// What was found at a place.
pub struct FoundDirection {
    /// The subspace.
    pub subspace: Subspace,
    /// How well it separates.
    pub rows: Vec<Separation>,
    /// Where numbers lie on the helix, of method `fourier`.
    pub points: Vec<HelixPoint>,
    /// Power by frequency, of method `fourier`.
    pub spectrum: Vec<FrequencyPower>,
    /// How many prompts, numbers or pairs it is made from, and measured on.
    pub counts: (usize, usize),
    /// Which these are: `test` or `train`.
    pub split: &'static str,
}

impl FoundDirection {
    /// What all of its rows say.
    pub fn facts<'r>(&self, place: &'r DirectionPlace, facts: &'r Facts, method: DirectionMethod) -> PlaceFacts<'r> {
        PlaceFacts {
            place,
            facts,
            method: method.name(),
            dimensions: self.subspace.dimensions(),
            norm: self.subspace.norm(),
            made_of: self.counts.0,
            n: self.counts.1,
            split: self.split,
        }
    }
}

/// What a place's direction is found from.
pub struct DirectionSearch<'s> {
    /// The step.
    pub step: &'s FindDirection,
    /// What its prompts are of.
    pub samples: &'s DirectionSamples,
    /// Vectors of a file, of method `file`.
    pub vectors: Option<&'s Vectors>,
}

impl DirectionSearch<'_> {
    /// Finds the direction of a place in the activations `[sample, width]`.
    ///
    /// # Errors
    /// Activations that have no such direction, training that fails, Ctrl-C.
    pub fn found(&self, place: &DirectionPlace, values: &[f32], facts: &Facts) -> Result<FoundDirection, Error> {
        let points = Points::new(values, place.width(facts));
        let found = match self.step.method {
            DirectionMethod::DifferenceOfMeans | DirectionMethod::Mean | DirectionMethod::Probe => {
                self.labelled(LabelledFit::of(self.step), place, points)
            }
            DirectionMethod::File => match self.vectors {
                Some(vectors) => self.labelled(LabelledFit::Given(vectors), place, points),
                None => Err("no vectors were read".to_string().into()),
            },
            DirectionMethod::Pca => self.components(place, points),
            DirectionMethod::Fourier => self.helix(place, points),
            DirectionMethod::Das => Err("it is learned with the model".to_string().into()),
        };
        found.map_err(|problem| match problem {
            DirectionProblem::Problem(problem) => Error::failed(format!("step '{}'", self.step.name))(format!(
                "{}, position '{}': {problem}",
                place.place.hook, place.at.label
            )),
            DirectionProblem::Other(error) => error,
        })
    }

    /// Methods that make a direction of labels.
    fn labelled(
        &self,
        fit: LabelledFit,
        place: &DirectionPlace,
        points: Points,
    ) -> Result<FoundDirection, DirectionProblem> {
        let task = LabelledPoints { step: self.step, samples: self.samples, points };
        let fitted = fit.fit(&task, &self.samples.class, place)?;
        let (measured, split) = self.samples.split.measured();
        let train = &self.samples.split.train;
        let mut rows = Vec::new();
        if self.samples.classes.len() > 1 {
            let own = task.judge(&fitted, &fitted.basis, measured);
            let shuffled = match fit.is_made_of_labels() {
                true => self.draws(|random| {
                    let mut labels: Vec<usize> = train.iter().map(|&sample| self.samples.class[sample]).collect();
                    labels.shuffle(random);
                    let mut class = self.samples.class.clone();
                    train.iter().zip(labels).for_each(|(&sample, label)| class[sample] = label);
                    match fit.fit(&task, &class, place) {
                        Ok(fitted) => Ok(Some(task.judge(&fitted, &fitted.basis, measured))),
                        // Shuffled classes may come to have one mean, where activations are of few values: no direction is drawn then.
                        Err(DirectionProblem::Problem(_)) => Ok(None),
                        Err(other) => Err(other),
                    }
                })?,
                false => Vec::new(),
            };
            let shuffled: Vec<ClassJudgement> = shuffled.into_iter().flatten().collect();
            let dimensions = fitted.basis.len();
            let random = self.draws(|random| {
                let basis = random_basis(dimensions, points.width(), random);
                Ok(task.judge(&fitted, &basis, measured))
            })?;
            if let Some((auc, interval)) = own.auc {
                let of = |draws: &[ClassJudgement]| ControlDraws::of(draws.iter().filter_map(|one| Some(one.auc?.0)));
                rows.push(Separation {
                    axis: None,
                    measure: AUC,
                    value: auc,
                    interval: Some(interval),
                    random: of(&random),
                    shuffled: of(&shuffled),
                });
            }
            let of = |draws: &[ClassJudgement]| ControlDraws::of(draws.iter().filter_map(|one| one.right.rate()));
            rows.push(Separation {
                axis: None,
                measure: ACCURACY,
                value: own.right.rate().unwrap_or(f64::NAN),
                interval: Some(own.right.interval()),
                random: of(&random),
                shuffled: of(&shuffled),
            });
        }
        rows.push(self.share(&points.variance(measured), &fitted.basis)?);
        Ok(FoundDirection {
            subspace: fitted.stored(place),
            rows,
            points: Vec::new(),
            spectrum: Vec::new(),
            counts: (train.len(), measured.len()),
            split,
        })
    }

    /// Principal components.
    fn components(&self, place: &DirectionPlace, points: Points) -> Result<FoundDirection, DirectionProblem> {
        let train = &self.samples.split.train;
        let components = principal_components(points, train, self.step.dimensions);
        if components.rows.is_empty() {
            return Err("the activations do not vary".to_string().into());
        }
        let fitted = Fitted::spread(components.rows, components.mean, points, train);
        let (measured, split) = self.samples.split.measured();
        let variance = points.variance(measured);
        let random = self.random_shares(&variance, 1, points.width())?;
        let of_axis = |(axis, row): (usize, &Vec<f64>)| Separation {
            axis: Some(axis),
            ..share_row(variance.share(std::slice::from_ref(row)), random)
        };
        let mut rows: Vec<Separation> = fitted.basis.iter().enumerate().map(of_axis).collect();
        rows.push(self.share(&variance, &fitted.basis)?);
        Ok(FoundDirection {
            subspace: fitted.stored(place),
            rows,
            points: Vec::new(),
            spectrum: Vec::new(),
            counts: (train.len(), measured.len()),
            split,
        })
    }

    /// A helix over the numbers, fitted to the mean point of each.
    fn helix(&self, place: &DirectionPlace, points: Points) -> Result<FoundDirection, DirectionProblem> {
        let (step, split) = (self.step, &self.samples.split);
        let of_number = |among: &[usize]| -> (Vec<f64>, Vec<Vec<f64>>) {
            let mut samples: IndexMap<u64, Vec<usize>> = IndexMap::new();
            let number = |sample: usize| self.samples.numbers[sample];
            among.iter().for_each(|&sample| samples.entry(number(sample).to_bits()).or_default().push(sample));
            let mut all: Vec<(f64, Vec<f64>)> =
                samples.into_iter().map(|(number, samples)| (f64::from_bits(number), points.mean(&samples))).collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
            all.into_iter().unzip()
        };
        let (numbers, train) = of_number(&split.train);
        let (test_numbers, test) = of_number(&split.test);
        let unfitted = || match numbers.len() {
            0 | 1 => "a helix needs several different numbers; write prompts with more of them".to_string(),
            _ => "the activations do not vary with the number".to_string(),
        };
        // Shuffled numbers have the same points.
        let components = principal_components_of(&train, points.width(), step.reduce);
        let fit = |numbers: &[f64]| {
            let waves = Wave::of(step.degree, &step.periods, numbers);
            Helix::fit(numbers, &train, &components, &waves).ok_or_else(|| DirectionProblem::Problem(unfitted()))
        };
        let helix = fit(&numbers)?;
        let (measured, name) = split.measured();
        let (on_numbers, on) = if test.is_empty() { (&numbers, &train) } else { (&test_numbers, &test) };
        let shuffled = self.draws(|random| {
            let mut numbers = numbers.clone();
            numbers.shuffle(random);
            // Where nothing is held out, the fit to shuffled numbers is measured on these: a function of enough waves fits any.
            let on_numbers = if test.is_empty() { &numbers } else { on_numbers };
            Ok(fit(&numbers)?.explained(on_numbers, on).unwrap_or(f64::NAN))
        })?;
        let explained = Separation {
            axis: None,
            measure: R2,
            value: helix.explained(on_numbers, on).unwrap_or(f64::NAN),
            interval: None,
            random: None,
            shuffled: ControlDraws::of(shuffled),
        };
        let basis = helix.basis();
        if basis.is_empty() {
            return Err("the activations do not vary with the number".to_string().into());
        }
        let share = self.share(&points.variance(measured), &basis)?;
        let mut fitted = Fitted::spread(basis, components.mean.clone(), points, &split.train);
        let (all_numbers, all) = of_number(&(0..self.samples.count()).collect::<Vec<_>>());
        // The helix's own points, those of numbers that it was not fitted to as well: what edits write by the number's name.
        fitted.means = all_numbers.iter().map(|&number| (number.to_string(), helix.point(number))).collect();
        let mut found = Vec::new();
        for (numbers, points, split) in [(&numbers, &train, "train"), (&test_numbers, &test, "test")] {
            for (&number, point) in numbers.iter().zip(points) {
                found.extend(on_helix(&helix, number, &helix.read(point), split));
            }
        }
        let powers = spectrum(&all_numbers, &all);
        let power = |(index, &power): (usize, &f64)| FrequencyPower { frequency: index + 1, numbers: all.len(), power };
        Ok(FoundDirection {
            subspace: fitted.stored(place),
            rows: vec![explained, share],
            points: found,
            spectrum: powers.iter().enumerate().map(power).collect(),
            counts: (numbers.len(), on.len()),
            split: name,
        })
    }

    /// Share of the variance of the measured samples that lies within a subspace, beside random ones.
    fn share(&self, variance: &Variance, basis: &[Vec<f64>]) -> Result<Separation, DirectionProblem> {
        let width = basis.first().map_or(0, Vec::len);
        Ok(share_row(variance.share(basis), self.random_shares(variance, basis.len(), width)?))
    }

    /// The same share of random subspaces of so many dimensions.
    fn random_shares(
        &self,
        variance: &Variance,
        dimensions: usize,
        width: usize,
    ) -> Result<Option<ControlDraws>, DirectionProblem> {
        let shares = self.draws(|random| Ok(variance.share(&random_basis(dimensions, width, random))))?;
        Ok(ControlDraws::of(shares))
    }

    /// Controls: as many draws as the step says, the same at every place.
    fn draws<T>(
        &self,
        mut draw: impl FnMut(&mut rand_chacha::ChaCha8Rng) -> Result<T, DirectionProblem>,
    ) -> Result<Vec<T>, DirectionProblem> {
        let mut random = stream(self.step.seed, Purpose::Control);
        (0..self.step.controls).map(|_| draw(&mut random)).collect()
    }
}

/// A subspace's share of the variance beside that of random ones.
pub fn share_row(value: f64, random: Option<ControlDraws>) -> Separation {
    Separation { axis: None, measure: SHARE, value, interval: None, random, shuffled: None }
}

/// What the waves of a helix say of a point, period by period.
fn on_helix(helix: &Helix, number: f64, waves: &[f64], split: &'static str) -> Vec<HelixPoint> {
    let mut found: Vec<HelixPoint> = Vec::new();
    for (wave, &value) in helix.waves().iter().zip(waves) {
        let period = match *wave {
            Wave::Linear => None,
            // The higher powers have no place of their own.
            Wave::Polynomial { .. } => continue,
            Wave::Cosine(period) => Some(period),
            Wave::Sine(_) => {
                if let Some(last) = found.last_mut() {
                    last.y = Some(value);
                }
                continue;
            }
        };
        found.push(HelixPoint { number, split, period, x: value, y: None });
    }
    found
}
