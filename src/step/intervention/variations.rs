//! The ways in which a spec's interventions are made: at each layer and strength of a sweep, with each placebo, with each seed of noise.

use crate::Error;
use crate::context::Context;
use crate::spec::step::{GivenUse, Intervention, NamedIntervention};
use crate::step::Scope;
use crate::step::noise::mean_over_seeds;
use crate::table::rows;

/// One way in which an intervention is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variation {
    /// Which intervention of the step.
    pub of: usize,
    /// The layer that its edits are in, of one that is swept over layers.
    pub layer: Option<usize>,
    /// What the strengths of its edits are multiplied by, of one that is swept over strengths.
    pub strength: Option<f32>,
    /// Which placebo it has in the place of its directions, from 1.
    pub placebo: Option<usize>,
    /// Which seed of its noise.
    pub seed: usize,
}

/// All variations of a step's interventions, the seeds of one innermost.
///
/// # Errors
/// Layers that the model has not, at their place in the spec.
pub fn variations(step: &Intervention, target: Scope, context: &Context) -> Result<Vec<Variation>, Error> {
    let of = |(of, named): (usize, &NamedIntervention)| {
        let layers: Vec<Option<usize>> = match &named.layers {
            None => vec![None],
            Some(layers) => {
                let path = ["step", step.name.as_str(), "interventions", named.name.as_str(), "layers"];
                let found = target.layers(layers.says(), layers.text(), context);
                let found = found.map_err(|problem| context.loaded.refuse(&path, problem, None))?;
                found.into_iter().map(Some).collect()
            }
        };
        let strengths: Vec<Option<f32>> = match named.strengths.as_slice() {
            [] => vec![None],
            some => some.iter().copied().map(Some).collect(),
        };
        let placebos = (0..=step.placebos_of(named)).map(|placebo| (placebo > 0).then_some(placebo));
        let mut all = Vec::new();
        for placebo in placebos {
            for &layer in &layers {
                for &strength in &strengths {
                    all.extend((0..seeds(named)).map(|seed| Variation { of, layer, strength, placebo, seed }));
                }
            }
        }
        Ok(all)
    };
    let all: Vec<Vec<Variation>> = Error::each(step.interventions.iter().enumerate().map(of))?;
    Ok(all.into_iter().flatten().collect())
}

/// How many runs of each prompt an intervention is the mean of: seeds of its noise.
pub fn seeds(named: &NamedIntervention) -> usize {
    let noise = named.edits.iter().filter_map(|edit| edit.value.given()).find(|given| given.noise.is_some());
    noise.map_or(1, |given| given.noise_seeds().len())
}

/// A variation as rows name it.
pub struct VariationKey {
    name: String,
    layer: Option<usize>,
    strength: Option<f32>,
}

impl VariationKey {
    /// Of runs without edits, under this name.
    pub fn unedited(name: &str) -> Self {
        Self { name: name.to_string(), layer: None, strength: None }
    }

    /// The run without an intervention.
    pub fn none() -> Self {
        Self { name: "none".into(), layer: None, strength: None }
    }
}

impl Variation {
    /// As rows name it: all seeds of one alike.
    pub fn key(&self, step: &Intervention) -> VariationKey {
        let named = &step.interventions[self.of];
        let name = match self.placebo {
            None => named.name.clone(),
            Some(number) => format!("{} ({} {number})", named.name, placebo_name(named)),
        };
        VariationKey { name, layer: self.layer, strength: self.strength }
    }
}

/// What stands in the place of an intervention's directions, or of its heads and neurons.
fn placebo_name(named: &NamedIntervention) -> &'static str {
    if !named.has_placebos() {
        return "random";
    }
    let uses = || named.edits.iter().filter_map(|edit| Some(edit.value.given()?.says()?.1));
    if uses().any(|used| used == GivenUse::Vector) { "placebo" } else { "random subspace" }
}

rows! {
    /// What names an intervention.
    pub InterventionColumns<'r>(key: &'r VariationKey) {
        intervention: String = &key.name, "Name of the intervention; of a placebo with its number behind it.";
        layer: Option<i64> = key.layer, "The layer that the intervention is swept to, from 0; null of one that is not swept over layers.";
        strength: Option<f64> = key.strength, "What the strengths of the intervention's edits are multiplied by; null of one that is not \
            swept over strengths.";
    }
}

/// The columns of [`InterventionColumns`] that a step's rows do not have: nothing in it is swept over them.
pub fn columns_left_out(step: &Intervention) -> Vec<&'static str> {
    let swept = |over: fn(&NamedIntervention) -> bool| step.interventions.iter().any(over);
    let layers = (!swept(|named| named.layers.is_some())).then_some("layer");
    let strengths = (!swept(|named| !named.strengths.is_empty())).then_some("strength");
    layers.into_iter().chain(strengths).collect()
}

/// Values `[1 + variation, prompt, measure]`, those of no edit first, with the mean over the seeds in the place of each seed's; `width`
/// values for each.
pub fn over_seeds(values: &[f64], variations: &[Variation], width: usize) -> Vec<f64> {
    let Some((unedited, mut rest)) = values.split_at_checked(width) else { return values.to_vec() };
    let mut means = unedited.to_vec();
    for seeds in variations.chunk_by(|a, b| Variation { seed: a.seed, ..*b } == *a) {
        let (runs, others) = rest.split_at_checked(seeds.len() * width).unwrap_or((rest, &[]));
        means.extend(mean_over_seeds(runs, seeds.len(), width));
        rest = others;
    }
    means
}
