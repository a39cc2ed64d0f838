//! The steps of all specs and variants of a command as one list, each once, with what it reads.

use super::cost::{CellCost, CellTiming, Weights};
use crate::Error;
use crate::plan::recall::names;
use crate::plan::{Plan, PlannedStep, PlannedVariant};
use crate::store::StoreLocation;
use crate::store::key::{Keys, parameters};
use crate::variants::reads::steps_behind;
use std::collections::{BTreeSet, HashMap};

/// A step that is computed once, for a group of variants of a spec.
#[derive(Debug, Clone)]
pub struct PlanCell {
    /// The spec, by its place in the command.
    pub spec: usize,
    /// The variant that it is computed in, by its place in the spec.
    pub variant: usize,
    /// The step, by its place among those that are computed in that variant.
    pub step: usize,
    /// Every spec and variant that has its rows.
    pub homes: Vec<(usize, usize)>,
    /// The cells that come before it: those whose rows it reads. Each has a lower number.
    pub needs: Vec<usize>,
    /// What it takes.
    pub cost: CellCost,
}

/// The cells of a command: needs come before what needs them.
#[derive(Debug)]
pub struct JoinedPlan {
    /// The cells.
    pub cells: Vec<PlanCell>,
}

impl JoinedPlan {
    /// Of the specs of a command, their steps timed by `timing`; without it nothing is known of what they take.
    ///
    /// # Errors
    /// Models whose files are no longer there.
    pub fn of(plans: &[Plan], mut timing: Option<&mut CellTiming>) -> Result<Self, Error> {
        let mut cells: Vec<PlanCell> = Vec::new();
        // Steps of several specs that are the same are computed once, where they have one store.
        let mut known: HashMap<(StoreLocation, String, Vec<String>), usize> = HashMap::new();
        let mut weights = Weights::default();
        for (spec, plan) in plans.iter().enumerate() {
            // The cell of a step in the variant that leads its group.
            let mut places: HashMap<(usize, &str), usize> = HashMap::new();
            for (number, variant) in plan.variants().iter().enumerate() {
                let keys = Keys::to_compare(variant.loaded(), variant.models());
                let store = StoreLocation::of(variant.loaded());
                for (place, planned) in variant.steps().iter().enumerate() {
                    let step = planned.step;
                    let key = (store.clone(), keys.of(step)?.digest.clone(), names(step));
                    let homes = planned.group.members.iter().map(|&member| (spec, member));
                    let cell = match known.get(&key).copied() {
                        Some(cell) => cell,
                        None => {
                            let needs = needs(plan, variant, planned, number, &places);
                            let cost = match &mut timing {
                                Some(timing) => CellCost::of(variant, planned, &mut **timing, &mut weights)?,
                                None => CellCost::default(),
                            };
                            known.insert(key, cells.len());
                            cells.push(PlanCell { spec, variant: number, step: place, homes: Vec::new(), needs, cost });
                            cells.len() - 1
                        }
                    };
                    cells[cell].homes.extend(homes);
                    places.insert((number, step.name()), cell);
                }
            }
        }
        Ok(Self { cells })
    }

    /// What a cell is called: `spec.toml: step 'effects' (dtype=bf16)`.
    pub fn label(&self, cell: usize, plans: &[Plan]) -> String {
        let PlanCell { spec, .. } = self.cells[cell];
        let source = plans[spec].loaded().sources.first().filter(|_| plans.len() > 1);
        let of = source.map(|source| format!("{}: ", source.name())).unwrap_or_default();
        let PlannedStep { step, group, .. } = self.planned(cell, plans);
        let variants = if group.name.is_empty() { String::new() } else { format!(" ({})", group.name) };
        format!("{of}step '{}'{variants}", step.name())
    }

    /// The step of a cell.
    pub fn planned<'p, 'a>(&self, cell: usize, plans: &'p [Plan<'a>]) -> &'p PlannedStep<'a> {
        let PlanCell { spec, variant, step, .. } = self.cells[cell];
        &plans[spec].variants()[variant].steps()[step]
    }

    /// Seconds of all cells.
    pub fn seconds(&self, cells: &[usize]) -> f64 {
        cells.iter().map(|&cell| self.cells[cell].cost.seconds).sum()
    }
}

/// The cells of the steps that a step reads or waits for.
fn needs(
    plan: &Plan,
    variant: &PlannedVariant,
    planned: &PlannedStep,
    number: usize,
    places: &HashMap<(usize, &str), usize>,
) -> Vec<usize> {
    let mut names: BTreeSet<String> =
        steps_behind(variant.loaded(), parameters::reads(planned.step)).into_iter().collect();
    names.extend(planned.step.needs().into_iter().map(String::from));
    let leader = |name: &str| {
        let groups = plan.groups.of_step(name).iter();
        groups.filter(|group| group.members.contains(&number)).find_map(|group| group.members.first().copied())
    };
    let cell = |name: String| places.get(&(leader(&name)?, name.as_str())).copied();
    let found: BTreeSet<usize> = names.into_iter().filter_map(cell).collect();
    found.into_iter().collect()
}
