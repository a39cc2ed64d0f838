//! Rows that several devices share: each has the model and the clean run, and computes the rows of its prompts.

use super::base::CleanRun;
use super::edit::EditedPrompt;
use super::entry::SweepEntry;
use super::origin::SweepOrigin;
use crate::model::transformer::Transformer;
use burn::tensor::Device;
use std::collections::HashMap;

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
