//! What the shapes of a template's prompts gave, until the last of them has been run.

use super::inference::{ControlValues, Inference};
use crate::counted::{agreeing, counted};
use crate::prompt::{Dropped, Prompt};
use indexmap::IndexMap;
use polars::prelude::DataFrame;

/// What the shapes of a template gave so far.
#[derive(Debug, Default)]
pub struct OpenTemplate {
    /// Values by the name of their rows.
    pub values: IndexMap<String, Vec<ShapeValues>>,
    /// Clean prompts without a counterfactual.
    pub unpaired: UnpairedPrompts,
    /// Of prompts that a file pairs, those whose pair could not be used, by the name of their rows.
    dropped: IndexMap<String, Vec<Dropped>>,
    /// The same of shapes none of whose pairs could.
    of_refused: Vec<Dropped>,
}

impl OpenTemplate {
    /// Adds pairs of a shape that could not be used, which are rows of this name.
    pub fn add_dropped(&mut self, name: &str, dropped: &[Dropped]) {
        let all = self.dropped.entry(name.to_string()).or_default();
        dropped.iter().for_each(|one| one.clone().join(all));
    }

    /// Adds those of a shape none of whose pairs could be used.
    pub fn drop_shape(&mut self, dropped: Vec<Dropped>) {
        dropped.into_iter().for_each(|one| one.join(&mut self.of_refused));
    }

    /// The pairs of all shapes that could not be used, by the name of their rows.
    pub fn take_dropped(&mut self) -> Vec<(String, Vec<Dropped>)> {
        let of_refused = std::mem::take(&mut self.of_refused);
        let all = std::mem::take(&mut self.dropped).into_iter().map(|(name, mut dropped)| {
            of_refused.iter().for_each(|one| one.clone().join(&mut dropped));
            (name, dropped)
        });
        all.collect()
    }
}

/// Clean prompts without a counterfactual: how many of how many, and why the first of them has none.
#[derive(Debug, Default)]
pub struct UnpairedPrompts {
    count: usize,
    of: usize,
    first: Option<String>,
}

/// What one shape gave, as [`super::summary::MeasuredValues`] has it.
#[derive(Debug)]
pub struct ShapeValues {
    /// One row per key.
    pub keys: DataFrame,
    /// Names of the measures.
    pub measures: Vec<&'static str>,
    /// The prompts.
    pub prompts: Vec<Prompt>,
    /// `[key, prompt, measure]`
    pub data: Vec<f64>,
    /// `[prompt, measure]`
    pub baseline: Option<Vec<f64>>,
    /// What stands beside the means.
    pub inference: Inference<'static>,
    /// The random sets beside those that keys are of.
    pub controls: Option<ControlValues>,
}

impl UnpairedPrompts {
    /// Adds those of a shape: `count` of `of` prompts.
    pub fn add(&mut self, count: usize, of: usize, why: Option<String>) {
        self.count += count;
        self.of += of;
        self.first = self.first.take().or(why);
    }

    /// What a reader should know of them.
    pub fn note(&self, model: &str, template: &str) -> Option<String> {
        let (count, of) = (self.count, self.of);
        self.first.as_ref().map(|first| {
            format!(
                "{model}: template '{template}': {count} of {} {} left out; the first: {first}",
                counted(of, "prompt"),
                agreeing(count, "has no counterfactual and is", "have no counterfactual and are")
            )
        })
    }
}
