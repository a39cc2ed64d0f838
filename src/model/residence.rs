//! Which of a model's weights are in memory while it runs: all, or, where `memory_mib` of the model or the memory of its devices is less
//! than they take, embedding, unembedding and as many first layers as fit.

use super::host::{BlockSize, HostModel};
use crate::counted::agreeing;
use serde::Serialize;

/// A model whose layers are not all in the memory of each of its devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Residence {
    /// How many of the first layers are in memory, on any of the devices.
    pub held: usize,
    /// How many layers each device holds, where there are several: the first ones are on the first device.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<usize>,
    /// How many there are.
    pub layers: usize,
    /// Bytes of what is held: embedding, unembedding, and layers; on the device that holds most.
    pub held_bytes: usize,
    /// Bytes in memory of the largest of the layers that a device does not hold: two of them are there at once.
    pub layer_bytes: usize,
    /// Bytes of files that reading all layers once reads which no device holds.
    pub read_bytes: u64,
}

/// The most that weights may take on each device.
#[derive(Debug, Clone, Copy)]
pub enum WeightBudget {
    /// What a spec says, in mebibytes: two layers that are passing may come on top of it.
    Written(usize),
    /// What the devices have, in bytes: layers that are passing, too, have to fit.
    Device(u64),
}

/// Less memory than what has to be held takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "memory_mib = {given} is too small, because embedding and unembedding stay in memory; write memory_mib = {least} or more"
)]
pub struct TooLittleMemory {
    given: usize,
    least: usize,
}

impl Residence {
    /// Of a model whose weights take `element` bytes each in memory, or as many as they are stored in where that is less and they are held
    /// so, on so many devices; `None` where all fit on each, and where devices cannot hold all layers together that are not to be read.
    ///
    /// # Errors
    /// Less memory than embedding and unembedding take.
    pub fn of(
        model: &dyn HostModel,
        (element, as_stored): (usize, bool),
        budget: WeightBudget,
        devices: usize,
    ) -> Result<Option<Self>, TooLittleMemory> {
        let bytes = |size: &BlockSize| size.bytes(element, as_stored);
        let ends = bytes(&model.ends_size());
        let sizes: Vec<BlockSize> = (0..model.facts().n_layers).map(|layer| model.block_size(layer)).collect();
        let all = ends + sizes.iter().map(bytes).sum::<usize>();
        let largest = |sizes: &[BlockSize]| sizes.iter().map(bytes).max().unwrap_or_default();
        let room = match budget {
            WeightBudget::Written(mib) => {
                let written = mib.saturating_mul(1 << 20);
                if ends > written {
                    return Err(TooLittleMemory { given: mib, least: ends.div_ceil(1 << 20) });
                }
                written
            }
            WeightBudget::Device(bytes) if all as u64 <= bytes => return Ok(None),
            WeightBudget::Device(bytes) => (bytes as usize).saturating_sub(2 * largest(&sizes)),
        };
        if all <= room {
            return Ok(None);
        }
        let (mut held, mut held_bytes) = (0, ends);
        let mut shares = Vec::with_capacity(devices);
        for device in 0..devices {
            // As many as those after it would have, so that devices hold alike where there is room.
            let most = (sizes.len() - held).div_ceil(devices - device);
            let mut taken = ends;
            let fits = |size: &&BlockSize| {
                taken += bytes(size);
                taken <= room
            };
            let share: Vec<&BlockSize> = sizes[held..].iter().take(most).take_while(fits).collect();
            held_bytes = held_bytes.max(ends + share.iter().copied().map(bytes).sum::<usize>());
            held += share.len();
            shares.push(share.len());
        }
        if matches!(budget, WeightBudget::Device(_)) && held < sizes.len() {
            return Ok(None);
        }
        let several = devices > 1;
        Ok(Some(Self {
            held,
            shares: if several { shares } else { Vec::new() },
            layers: sizes.len(),
            held_bytes,
            layer_bytes: largest(if several { &sizes } else { &sizes[held..] }),
            read_bytes: sizes[held..].iter().map(|size| size.stored).sum(),
        }))
    }

    /// Bytes of weights that are in the memory of a device at once, at most.
    pub fn most_bytes(&self) -> usize {
        let own = self.shares.iter().copied().min().unwrap_or(self.held);
        self.held_bytes + self.layer_bytes * (self.layers - own).min(2)
    }

    /// What there is to know of it, where layers are spread over devices.
    pub fn note(&self) -> Option<String> {
        let (last, others) = self.shares.split_last()?;
        let each: Vec<String> = others.iter().map(usize::to_string).collect();
        let read = match self.layers - self.held {
            0 => String::new(),
            left => format!("; the other {} read from files", agreeing(left, "one is", &format!("{left} are"))),
        };
        Some(format!(
            "its layers are spread over the devices, {} and {last}, which lend them to each other{read}",
            each.join(", ")
        ))
    }
}
