//! Rows that several devices share: each has the model and the clean run, and computes the rows of its prompts.

use super::base::CleanRun;
use super::edit::EditedPrompt;
use super::entry::SweepEntry;
use super::origin::SweepOrigin;
use super::sweep::{Consume, Sweep};
use super::vocabulary::Vocabulary;
use crate::model::transformer::Transformer;
use burn::tensor::{Device, Tensor};
use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::mpsc;

/// Another device with all that rows start from.
pub(super) struct DeviceCopy<'a> {
    transformer: &'a Transformer,
    base: CleanRun,
}

impl<'a> DeviceCopy<'a> {
    pub fn new(transformer: &'a Transformer, base: &CleanRun) -> Self {
        Self { transformer, base: base.to_device(&transformer.device()) }
    }

    /// Where it is.
    pub fn device(&self) -> Device {
        self.transformer.device()
    }

    /// What its rows start from.
    pub fn origin<'o>(&'o self, first: &SweepOrigin<'o>, memory: usize) -> SweepOrigin<'o> {
        SweepOrigin { transformer: self.transformer, base: &self.base, sources: first.sources, memory }
    }
}

/// What each of several devices may take of `memory` bytes: all of it where each has its own, a part where one is there more than once.
pub(super) fn memory_of_each(memory: usize, devices: &[Device]) -> usize {
    let times = |device: &Device| devices.iter().filter(|other| *other == device).count();
    memory / devices.iter().map(times).max().unwrap_or(1)
}

/// The entries of each of `devices`, in their order. Rows of one prompt may be the same run up to some layer, so they stay together where
/// there are prompts for all.
pub(super) fn shares(entries: &[SweepEntry], rows: &[EditedPrompt], devices: usize) -> Vec<Vec<SweepEntry>> {
    // Numbered as they come, not by their place among all prompts: every second one may have no rows.
    let mut prompts: HashMap<usize, usize> = HashMap::new();
    for entry in entries {
        let next = prompts.len();
        prompts.entry(rows[entry.row].prompt).or_insert(next);
    }
    let mut shares = vec![Vec::with_capacity(entries.len() / devices + 1); devices];
    for (number, entry) in entries.iter().enumerate() {
        let place = if prompts.len() < devices { number } else { prompts[&rows[entry.row].prompt] };
        shares[place % devices].push(entry.clone());
    }
    shares
}

/// Runs the entries of all devices at once, a thread for each; `consume` gets what `read` makes of their logits as they come.
///
/// # Errors
/// What `consume` returns; the others then stop after what they are at.
pub(super) fn run<R: Send, E>(
    devices: &[(SweepOrigin, Vec<SweepEntry>)],
    rows: &[EditedPrompt],
    vocabulary: &(dyn Fn(&Transformer) -> Vocabulary + Sync),
    read: &(dyn Fn(&[usize], Tensor<2>) -> R + Sync),
    consume: &mut Consume<E, R>,
) -> Result<(), E> {
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(2 * devices.len());
        let mut workers = Vec::with_capacity(devices.len());
        for (origin, entries) in devices {
            let sender = sender.clone();
            workers.push(scope.spawn(move || {
                let vocabulary = vocabulary(origin.transformer);
                for sweep in origin.sweeps(entries) {
                    let sweep = Sweep::new(origin, rows, sweep, &vocabulary);
                    let send = sweep.run(&mut |numbers, logits| sender.send((numbers.to_vec(), read(numbers, logits))));
                    // Whoever waited for it has gone.
                    if send.is_err() {
                        return;
                    }
                }
            }));
        }
        drop(sender);
        let consumed = receiver.into_iter().try_for_each(|(numbers, result)| consume(&numbers, result));
        // A panic goes on with what it said, which the scope would not hand on.
        workers.into_iter().try_for_each(|worker| worker.join()).unwrap_or_else(|panic| resume_unwind(panic));
        consumed
    })
}
