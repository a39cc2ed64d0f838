//! Computes some of the cells of a command into their stores, and no tables, figures or reports.
//!
//! A cell whose needs are not in the store yet has them computed here, unless another process is at them, which is waited for: no
//! part needs another to be run, before it or beside it, and nothing is computed twice.

use super::{JoinedPlan, PlanCell};
use crate::Error;
use crate::context::Context;
use crate::error::FailedPart;
use crate::manifest::SelfCheck;
use crate::plan::recall::State;
use crate::plan::{Plan, PlannedStep, PlannedVariant, Recall, Session};
use crate::resume::Blocks;
use crate::store::{StepFailure, Store};
use crate::system::interrupt::{self, InterruptStage};
use crate::system::progress::Progress;
use crate::table::Frames;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// How a part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardDone {
    /// Cells that were computed here.
    pub computed: usize,
    /// Cells of the part that the store had.
    pub stored: usize,
}

/// Computes the `chosen` cells, in this order.
///
/// # Errors
/// Specs without a store; and, once all that could be computed is, what failed.
pub fn compute(
    plans: &[Plan],
    joined: &JoinedPlan,
    chosen: &[usize],
    session: &Session,
    progress: &Progress,
) -> Result<ShardDone, Error> {
    let stores = stores(plans, joined, chosen, session)?;
    let mut recalls = BTreeMap::new();
    for (&(spec, variant), store) in &stores {
        let planned = &plans[spec].variants()[variant];
        recalls.insert((spec, variant), Recall::new(planned.loaded(), planned.models(), session, Some(store))?);
    }
    interrupt::stage(InterruptStage::Kept);
    let folder = tempfile::Builder::new().prefix("ablate-shard-").tempdir().map_err(Error::failed("files of steps"))?;
    interrupt::goes_with_the_process(folder.path());
    let mut uses: HashMap<usize, usize> = HashMap::new();
    for &need in chosen.iter().flat_map(|&cell| &joined.cells[cell].needs) {
        *uses.entry(need).or_default() += 1;
    }
    let mut work = ShardWork {
        plans,
        joined,
        recalls,
        progress,
        folder: folder.path(),
        uses,
        frames: HashMap::new(),
        states: HashMap::new(),
        failed: Vec::new(),
        done: ShardDone { computed: 0, stored: 0 },
    };
    for (number, &cell) in chosen.iter().enumerate() {
        interrupt::check()?;
        progress.say(&format!("{} of {}: {}", number + 1, chosen.len(), joined.label(cell, plans)));
        work.chosen(cell)?;
    }
    let ShardWork { failed, done, .. } = work;
    match failed.is_empty() {
        true => Ok(done),
        false => Err(Error::Parts { failed, made: done != ShardDone { computed: 0, stored: 0 } }),
    }
}

/// The stores of all variants whose steps may be computed.
fn stores(
    plans: &[Plan],
    joined: &JoinedPlan,
    chosen: &[usize],
    session: &Session,
) -> Result<BTreeMap<(usize, usize), Arc<Store>>, Error> {
    let mut stores = BTreeMap::new();
    let mut next: Vec<usize> = chosen.to_vec();
    let mut seen = vec![false; joined.cells.len()];
    while let Some(cell) = next.pop() {
        if std::mem::replace(&mut seen[cell], true) {
            continue;
        }
        let PlanCell { spec, variant, needs, .. } = &joined.cells[cell];
        stores.insert((*spec, *variant), lasting(&plans[*spec].variants()[*variant], session)?);
        next.extend(needs);
    }
    Ok(stores)
}

/// Refuses specs without a store that outlasts the command.
///
/// # Errors
/// The first of them.
pub fn check_stores(plans: &[Plan], session: &Session) -> Result<(), Error> {
    plans.iter().flat_map(Plan::variants).try_for_each(|variant| lasting(variant, session).map(drop))
}

/// The store of a variant.
fn lasting(variant: &PlannedVariant, session: &Session) -> Result<Arc<Store>, Error> {
    let store = session.store(variant.loaded()).filter(|store| !store.is_temporary());
    store.ok_or_else(|| {
        let spec = variant.loaded().sources.first().map_or("the spec", |source| source.name());
        let problem =
            "parts of a run exchange results through the store, which is off; write run.store = \"FOLDER\", or set ABLATE_CACHE=FOLDER";
        Error::refused(spec)(problem)
    })
}

/// Where a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CellState {
    /// Its rows are at hand.
    Here,
    /// It failed, or what it needs did: the failure, by number.
    Failed(usize),
}

/// Cells under way.
struct ShardWork<'w, 'a> {
    plans: &'w [Plan<'a>],
    joined: &'w JoinedPlan,
    recalls: BTreeMap<(usize, usize), Recall<'w>>,
    progress: &'w Progress,
    /// Where steps put files, until the store has them.
    folder: &'w Path,
    /// How many of the chosen cells that are still to come read each.
    uses: HashMap<usize, usize>,
    frames: HashMap<(usize, usize), Frames>,
    states: HashMap<usize, CellState>,
    failed: Vec<FailedPart>,
    done: ShardDone,
}

impl<'w, 'a> ShardWork<'w, 'a> {
    /// A cell of this part: computed, unless the store has it.
    fn chosen(&mut self, cell: usize) -> Result<(), Error> {
        let is_done = self.states.contains_key(&cell);
        if !is_done && self.is_whole(cell)? {
            self.done.stored += 1;
        } else if !is_done {
            let before = self.done.computed;
            let is_here = self.have(cell)? == CellState::Here;
            // Another process may have put it there meanwhile.
            self.done.stored += usize::from(is_here && self.done.computed == before);
        }
        for need in self.joined.cells[cell].needs.clone() {
            self.used(need);
        }
        if self.uses.get(&cell).is_none_or(|uses| *uses == 0) {
            self.forget(cell);
        }
        Ok(())
    }

    fn recall(&self, cell: usize) -> Result<&Recall<'w>, Error> {
        let PlanCell { spec, variant, .. } = self.joined.cells[cell];
        self.recalls.get(&(spec, variant)).ok_or_else(|| Error::failed("shards")("a cell without a store"))
    }

    /// Whether the store has all of a cell, as it was put.
    fn is_whole(&self, cell: usize) -> Result<bool, Error> {
        let recall = self.recall(cell)?;
        let state = recall.state(self.joined.planned(cell, self.plans).step)?;
        Ok(matches!(state, State::Stored(entry) if recall.store().is_some_and(|store| store.check(&entry).is_ok())))
    }

    /// Has the rows of a cell: from the store, or computed once what it needs is there.
    fn have(&mut self, cell: usize) -> Result<CellState, Error> {
        if let Some(state) = self.states.get(&cell) {
            return Ok(*state);
        }
        let mut state = CellState::Here;
        if !self.is_whole(cell)? {
            for need in self.joined.cells[cell].needs.clone() {
                if let CellState::Failed(number) = self.have(need)? {
                    self.failed[number].skipped.push(self.joined.label(cell, self.plans));
                    state = CellState::Failed(number);
                    break;
                }
            }
        }
        if state == CellState::Here
            && let Err(error) = self.step(cell)
        {
            if matches!(error, Error::Interrupted(_)) {
                return Err(error);
            }
            let what = self.joined.label(cell, self.plans);
            self.progress.say(&format!("{what} failed; the error is shown at the end"));
            self.note(cell, &error);
            state = CellState::Failed(self.failed.len());
            self.failed.push(FailedPart { what, skipped: Vec::new(), error });
        }
        self.states.insert(cell, state);
        Ok(state)
    }

    /// Runs the step of a cell through the store, and keeps its rows for who reads them.
    fn step(&mut self, cell: usize) -> Result<(), Error> {
        let PlanCell { spec, variant, ref homes, .. } = self.joined.cells[cell];
        let planned = &self.plans[spec].variants()[variant];
        let PlannedStep { step, group, .. } = self.joined.planned(cell, self.plans);
        let none = Frames::default();
        let recall = self.recall(cell)?;
        let context = Context {
            loaded: planned.loaded(),
            models: planned.models(),
            progress: self.progress,
            dir: &group.dir(&self.folder.join(spec.to_string())),
            frames: self.frames.get(&(spec, variant)).unwrap_or(&none),
            blocks: &Blocks::off(),
        };
        let ran = recall.step(step, &context)?;
        let (outcome, from_store) = (ran.outcome, ran.from_store);
        if from_store.is_none() {
            if let Some(failed) = outcome.checks.iter().find(|check| !SelfCheck::passed(check)) {
                return Err(Error::SelfCheck(failed.clone()));
            }
            if !matches!(recall.state(step)?, State::Stored(_)) {
                let problem = "its results could not be kept in the store, so that no other run can gather them";
                return Err(Error::failed(self.joined.label(cell, self.plans))(problem));
            }
        }
        self.done.computed += usize::from(from_store.is_none());
        for home in homes {
            let frames = self.frames.entry(*home).or_default();
            frames.insert_files(step.name(), outcome.files.clone());
            outcome.frames.iter().for_each(|(name, frame)| frames.insert(name.clone(), frame.clone()));
        }
        Ok(())
    }

    /// One of the cells that read this one is done.
    fn used(&mut self, cell: usize) {
        let left = self.uses.entry(cell).or_default();
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.forget(cell);
        }
    }

    /// Gives back the memory of rows; whoever asks for them again has them from the store.
    fn forget(&mut self, cell: usize) {
        if self.states.get(&cell) == Some(&CellState::Here) {
            self.states.remove(&cell);
            let name = self.joined.planned(cell, self.plans).step.name();
            for home in &self.joined.cells[cell].homes {
                if let Some(frames) = self.frames.get_mut(home) {
                    frames.remove(name);
                }
            }
        }
    }

    /// Leaves word in the store of why a cell is not there.
    fn note(&self, cell: usize, error: &Error) {
        let Ok(recall) = self.recall(cell) else { return };
        let step = self.joined.planned(cell, self.plans).step;
        if let (Some(store), Ok(key)) = (recall.store(), recall.key(step)) {
            store.note_failure(&key.digest, &StepFailure::now(step.name(), error.render(false).trim_end()));
        }
    }
}
