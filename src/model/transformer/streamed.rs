//! Blocks that are not in a device's memory: each is read from where the model's weights are, or from another device that lends it,
//! when it is asked for, and given back when another is; the one after it is read by a thread meanwhile.
//!
//! A forward pass and a sweep ask for layers in their order, each once, so each weight is read once. Two blocks are there at
//! a time: the one that computes and the one that is read, or, where layers are asked for in another order, the last two.

use super::{Block, Holding, LayerAttention, LentLayers, Upload};
use crate::model::host::HostModel;
use crate::model::weights::WeightReads;
use burn::tensor::Device;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A block to compute with: one that the model holds, or one that was read.
pub enum LayerBlock<'t> {
    /// Held by the model.
    Held(&'t Block),
    /// Read, and given back after the last that computes with it.
    Read(Arc<Block>),
}

impl Deref for LayerBlock<'_> {
    type Target = Block;

    fn deref(&self) -> &Block {
        match self {
            LayerBlock::Held(block) => block,
            LayerBlock::Read(block) => block,
        }
    }
}

/// The blocks of a model from some layer on, which are read when they are asked for.
#[derive(Clone)]
pub struct StreamedLayers(Arc<Reader>);

/// What is read, from where, and what of it is there.
struct Reader {
    host: Box<dyn HostModel>,
    device: Device,
    holding: Holding,
    /// Layers that this device and others hold, and which of them it is.
    lent: LentLayers,
    holder: usize,
    state: Mutex<ReaderState>,
    /// Told whenever a block that was read ahead is there.
    arrived: Condvar,
    reads: WeightReads,
}

#[derive(Default)]
struct ReaderState {
    /// The block that was asked for last.
    current: Option<(usize, Arc<Block>)>,
    /// Another one.
    other: OtherBlock,
    /// The layer that comes next where layers are asked for in their order.
    next: Option<usize>,
}

/// The second block that is there.
#[derive(Default)]
enum OtherBlock {
    #[default]
    None,
    /// A thread reads it.
    Coming(usize),
    There(usize, Arc<Block>),
}

impl OtherBlock {
    fn there(self) -> Option<(usize, Arc<Block>)> {
        match self {
            OtherBlock::There(layer, block) => Some((layer, block)),
            OtherBlock::None | OtherBlock::Coming(_) => None,
        }
    }
}

impl fmt::Debug for StreamedLayers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layers from {} on, read when asked for; {:?}", self.0.holding.layers, self.0.lent)
    }
}

impl StreamedLayers {
    /// Layers of `host` that are not held, whose reads note their failures in `reads` instead of ending the pass they are for. Of one of several
    /// devices, whose place is given with the layers that they lend to each other, those that none of them holds are read.
    pub fn new(
        host: Box<dyn HostModel>,
        reads: WeightReads,
        device: &Device,
        holding: Holding,
        (lent, holder): (LentLayers, usize),
    ) -> Self {
        Self(Arc::new(Reader {
            host,
            device: device.clone(),
            holding,
            lent,
            holder,
            state: Mutex::default(),
            arrived: Condvar::new(),
            reads,
        }))
    }

    /// What reading layers has come to.
    pub fn reads(&self) -> &WeightReads {
        &self.0.reads
    }

    /// Whether what the attention of a layer writes has a bias.
    pub fn attention_writes_bias(&self, layer: usize) -> bool {
        self.0.host.attention_writes_bias(layer)
    }

    /// Says that layers from `layer` on will be asked for, in their order: the first of them is read from now on.
    pub fn expect(&self, layer: usize) {
        let Some(layer) = self.0.next(layer) else { return };
        let mut state = self.0.lock();
        state.next = Some(layer);
        let is_current = state.current.as_ref().is_some_and(|(held, _)| *held == layer);
        let other = match state.other {
            OtherBlock::None => None,
            OtherBlock::Coming(other) | OtherBlock::There(other, _) => Some(other),
        };
        // One that is being read comes, whether or not it is wanted.
        if !is_current && other != Some(layer) && !matches!(state.other, OtherBlock::Coming(_)) {
            self.0.give_back(std::mem::take(&mut state.other).there());
            Reader::read_ahead(&self.0, &mut state, layer);
        }
    }

    /// The block of a layer, one of those that the model itself does not hold.
    pub fn block(&self, layer: usize) -> Arc<Block> {
        let reader = &self.0;
        if let Some(own) = reader.lent.own(layer, reader.holder) {
            self.expect(layer + 1);
            return own.clone();
        }
        let mut state = reader.lock();
        if let Some((_, block)) = state.current.as_ref().filter(|(held, _)| *held == layer) {
            return block.clone();
        }
        let in_order = state.next == Some(layer) || Some(layer) == reader.next(0);
        state.next = reader.next(layer + 1);
        while matches!(state.other, OtherBlock::Coming(coming) if coming == layer) {
            state = reader.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let block = match std::mem::take(&mut state.other) {
            OtherBlock::There(held, block) if held == layer => {
                let before = state.current.replace((layer, block.clone()));
                // In order, the block before is given back for the one that is read now.
                match before {
                    Some((held, block)) if !in_order => state.other = OtherBlock::There(held, block),
                    before => reader.give_back(before),
                }
                block
            }
            other => {
                // One that is being read stays, since it comes whether or not it is wanted; one that is there goes, and the last one
                // that was asked for is the other now.
                let before = state.current.take();
                match (other, before) {
                    (OtherBlock::Coming(coming), before) => {
                        state.other = OtherBlock::Coming(coming);
                        reader.give_back(before);
                    }
                    (other, Some((held, block))) if !in_order => {
                        state.other = OtherBlock::There(held, block);
                        reader.give_back(other.there());
                    }
                    (other, before) => {
                        reader.give_back(other.there());
                        reader.give_back(before);
                    }
                }
                drop(state);
                let block = Arc::new(reader.read(layer));
                state = reader.lock();
                state.current = Some((layer, block.clone()));
                block
            }
        };
        if let Some(next) = state.next.filter(|_| in_order) {
            Reader::read_ahead(reader, &mut state, next);
        }
        block
    }
}

impl Reader {
    fn lock(&self) -> MutexGuard<'_, ReaderState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first layer from `layer` on that is read: neither the model nor its device holds it.
    fn next(&self, layer: usize) -> Option<usize> {
        let layers = layer.max(self.holding.layers)..self.host.facts().n_layers;
        layers.into_iter().find(|&layer| self.lent.own(layer, self.holder).is_none())
    }

    /// Gives a block back: the next one is read into the room that it took, unless something still computes with it.
    fn give_back(&self, block: Option<(usize, Arc<Block>)>) {
        // The room of one that is lent is its holder's.
        let read = block.filter(|(layer, _)| !self.lent.has(*layer));
        if let Some(block) = read.and_then(|(_, block)| Arc::try_unwrap(block).ok()) {
            block.dissolve(&mut |room| self.reads.give_back(room));
        }
    }

    fn read(&self, layer: usize) -> Block {
        if let Some(block) = self.lent.moved(layer, &self.device) {
            return block;
        }
        let facts = self.host.facts();
        self.reads.add(self.host.block_size(layer).stored);
        let Holding { dtype, as_stored, .. } = self.holding;
        let upload = Upload { device: &self.device, dtype, as_stored };
        match upload.block(&*self.host, layer) {
            Ok(block) => {
                self.reads.free();
                Block::upload(block, facts, LayerAttention::of(facts, layer), &upload)
            }
            Err(error) => unreachable!("a source whose reads do not fail has failed: {error}"),
        }
    }

    /// Has a thread read a layer, where no thread is at work. Without a thread it is read when it is asked for.
    fn read_ahead(reader: &Arc<Self>, state: &mut ReaderState, layer: usize) {
        if !matches!(state.other, OtherBlock::None) {
            return;
        }
        let own = reader.clone();
        let run = move || {
            let mut arriving = Arriving { reader: own, block: None };
            arriving.block = Some((layer, Arc::new(arriving.reader.read(layer))));
        };
        state.other = OtherBlock::Coming(layer);
        if std::thread::Builder::new().name("layers".into()).spawn(run).is_err() {
            state.other = OtherBlock::None;
        }
    }
}

/// A block that is being read. However the thread that reads it ends, those that wait for it are told.
struct Arriving {
    reader: Arc<Reader>,
    block: Option<(usize, Arc<Block>)>,
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let mut state = self.reader.lock();
        if matches!(state.other, OtherBlock::Coming(_)) {
            state.other = match self.block.take() {
                Some((layer, block)) => OtherBlock::There(layer, block),
                None => OtherBlock::None,
            };
        }
        self.reader.arrived.notify_all();
    }
}
