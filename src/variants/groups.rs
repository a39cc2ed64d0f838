//! Which variants of a spec have a step's rows in common: those that differ only in what the step does not depend on.

use super::pool;
use super::reads::with_all_it_reads;
use crate::context::Models;
use crate::spec::matrix::VariantLabel;
use crate::spec::references::{self, RefersTo};
use crate::spec::{Loaded, Step, Variant};
use crate::store::key::parameters;
use polars::prelude::DataType;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Variants that have the same rows of a step: it is computed for the first of them.
#[derive(Debug, Clone, Default)]
pub struct VariantGroup {
    /// The variants, by number.
    pub members: Vec<usize>,
    /// Their labels on the axes that the step depends on, in the order of the axes.
    pub labels: Vec<VariantLabel>,
    /// `dtype=bf16`; empty where the step depends on no axis.
    pub name: String,
    folder: String,
}

/// The groups of each step of a spec.
#[derive(Debug, Default)]
pub struct VariantGroups {
    axes: Vec<String>,
    steps: HashMap<String, OfStep>,
}

#[derive(Debug, Default)]
struct OfStep {
    /// The axes that it depends on, by number.
    axes: Vec<usize>,
    groups: Vec<VariantGroup>,
}

impl VariantGroups {
    /// Of a spec: one group of one variant for each step where it has no matrix.
    pub fn of(loaded: &Loaded) -> Self {
        let steps = loaded.spec.steps.iter().map(|step| step.name().to_string());
        let Some(sweep) = loaded.sweep() else {
            let only = || OfStep {
                axes: Vec::new(),
                groups: vec![VariantGroup { members: vec![0], ..VariantGroup::default() }],
            };
            return Self { axes: Vec::new(), steps: steps.map(|step| (step, only())).collect() };
        };
        // A profile may change any step.
        let profiles: BTreeSet<Option<String>> = loaded
            .variants()
            .into_iter()
            .map(|loaded| Some(loaded.recognised()?.profile.as_ref()?.name().to_string()))
            .collect();
        let all = if profiles.len() > 1 { vec![vec!["model".to_string()]] } else { Vec::new() };
        let groups = |name: String| {
            let axes: BTreeSet<usize> = sweep
                .variants
                .iter()
                .flat_map(|variant| variant.axes_at(&[keys_behind(&variant.loaded, &name), all.clone()].concat()))
                .collect();
            let axes: Vec<usize> = axes.into_iter().collect();
            let groups = gather(&sweep.axes, &sweep.variants, &axes);
            (name, OfStep { axes, groups })
        };
        Self { axes: sweep.axes.clone(), steps: steps.map(groups).collect() }
    }

    /// The names of the axes that a step depends on.
    pub fn axes(&self, step: &str) -> Vec<&str> {
        let axes = self.steps.get(step).into_iter().flat_map(|of| &of.axes);
        axes.filter_map(|&axis| self.axes.get(axis)).map(String::as_str).collect()
    }

    /// The groups of a step, in the order of the variants.
    pub fn of_step(&self, step: &str) -> &[VariantGroup] {
        self.steps.get(step).map_or(&[], |of| &of.groups)
    }

    /// The group that a step is computed for in this variant.
    pub fn led_by(&self, step: &str, variant: usize) -> Option<&VariantGroup> {
        self.of_step(step).iter().find(|group| group.members.first() == Some(&variant))
    }
}

impl VariantGroup {
    /// The folder that its step writes files to, of the results' folder.
    pub fn dir(&self, results: &Path) -> PathBuf {
        match self.folder.as_str() {
            "" => results.to_path_buf(),
            folder => results.join("variants").join(folder),
        }
    }
}

fn gather(axes: &[String], variants: &[Variant], of: &[usize]) -> Vec<VariantGroup> {
    let mut groups: Vec<VariantGroup> = Vec::new();
    for (number, variant) in variants.iter().enumerate() {
        let name = Variant::name_of(axes, &variant.labels, of);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.members.push(number),
            None => {
                let labels: Vec<VariantLabel> =
                    of.iter().filter_map(|&axis| variant.labels.get(axis).cloned()).collect();
                let parts = of.iter().zip(&labels).filter_map(|(&axis, label)| {
                    let name = axes.get(axis)?;
                    Some(format!("{name}={}", label.in_path()))
                });
                let folder = parts.collect::<Vec<_>>().join(",");
                groups.push(VariantGroup { members: vec![number], labels, name, folder });
            }
        }
    }
    groups
}

/// The keys of a spec that a step's rows depend on: its own and those of the steps that it reads, their models and prompts.
fn keys_behind(loaded: &Loaded, name: &str) -> Vec<Vec<String>> {
    let key = |parts: &[&str]| parts.iter().map(|part| part.to_string()).collect::<Vec<String>>();
    let models = Models::new(loaded, true);
    let step = loaded.spec.steps.iter().find(|step| step.name() == name);
    let mut keys = Vec::new();
    for step in step.into_iter().flat_map(|step| with_all_it_reads(loaded, step)) {
        keys.push(key(&["step", step.name()]));
        for model in step.models().map(|selected| models.names(selected)).unwrap_or_default() {
            keys.push(if model.name == "model" { key(&["model"]) } else { key(&["models", &model.name]) });
        }
        for set in if has_prompts(step) { parameters::prompt_sets(step) } else { Vec::new() } {
            keys.push(set.map_or_else(|| key(&["prompts"]), |set| key(&["prompt_sets", &set])));
        }
    }
    keys
}

fn has_prompts(step: &Step) -> bool {
    references::of_step(step.kind()).iter().any(|key| key.path == ["prompts"] && key.to == RefersTo::Prompts)
}

/// The axes that a step depends on, with the types of their columns.
pub fn axes<'g>(loaded: &Loaded, groups: &'g VariantGroups, step: &str) -> Vec<(&'g str, DataType)> {
    let Some(sweep) = loaded.sweep() else { return Vec::new() };
    let number = |axis: &str| sweep.axes.iter().position(|other| other == axis).unwrap_or_default();
    let dtype = |axis: &str| {
        let number = number(axis);
        pool::dtype(sweep.variants.iter().filter_map(move |variant| variant.labels.get(number)))
    };
    groups.axes(step).into_iter().map(|axis| (axis, dtype(axis))).collect()
}
