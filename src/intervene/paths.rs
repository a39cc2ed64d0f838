//! Path patching (Wang et al. 2022, §3.1; Goldowsky-Dill et al. 2023), direct paths: a sender's output changes from its clean
//! to its source value as one receiver's input alone sees it. Every head and MLP between them writes what it wrote in the
//! clean run, so the change reaches the receiver through the residual stream, at the position where it was made:
//!
//! input of the receiver at a position = clean stream + (source output − clean output of the sender) there.
//!
//! What the receiver makes of that is written into a clean run, in which nothing else is touched.

use super::activation::{Activation, Activations, Layout};
use super::base::CleanRun;
use super::direct;
use super::edit::{Edit, EditedPrompt, Positions, Units};
use super::entry::{JoinPoint, LayerStage, SweepEntry};
use super::readout::{LogitRead, LogitReads};
use super::tensors::gather;
use crate::kernel::to_f32;
use crate::model::facts::{Facts, Residual};
use crate::model::hook::{Hook, Site};
use crate::model::transformer::Transformer;
use crate::spec::{HeadInput, NormScale};
use burn::tensor::Tensor;
use std::ops::Range;
use std::sync::Arc;

/// What writes: a head or an MLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sender {
    /// Its layer.
    pub layer: usize,
    /// The head; `None` for the MLP.
    pub head: Option<usize>,
}

/// What reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Receiver {
    /// One input of every head of a layer.
    Heads {
        /// The layer.
        layer: usize,
        /// Queries, keys or values.
        input: HeadInput,
    },
    /// The MLP of a layer.
    Mlp {
        /// The layer.
        layer: usize,
    },
}

impl Sender {
    /// Where its output is held: a head's at `attn.hook_z`, an MLP's at `hook_mlp_out`.
    pub fn hook(self) -> Hook {
        Hook::Block(self.layer, if self.head.is_some() { Site::Z } else { Site::MlpOut })
    }

    /// Whether it writes into what the receiver reads: in an earlier layer, or as a head of the same layer whose MLP comes
    /// after it.
    pub fn reaches(self, receiver: Receiver, facts: &Facts) -> bool {
        match receiver {
            Receiver::Heads { layer, .. } => self.layer < layer,
            Receiver::Mlp { layer } => {
                let attention_first = facts.residual == Residual::Sequential;
                self.layer < layer || self.layer == layer && self.head.is_some() && attention_first
            }
        }
    }
}

impl Receiver {
    /// Its layer.
    pub fn layer(self) -> usize {
        match self {
            Receiver::Heads { layer, .. } | Receiver::Mlp { layer } => layer,
        }
    }

    /// Where what it makes of its input is written: before rotation, of heads.
    pub fn hook(self) -> Hook {
        match self {
            Receiver::Heads { layer, input: HeadInput::Q } => Hook::Block(layer, Site::Q),
            Receiver::Heads { layer, input: HeadInput::K } => Hook::Block(layer, Site::K),
            Receiver::Heads { layer, input: HeadInput::V } => Hook::Block(layer, Site::V),
            Receiver::Mlp { layer } => Hook::Block(layer, Site::MlpOut),
        }
    }
}

/// The paths of some pairs of runs at some positions.
#[derive(Clone, Copy)]
pub struct Paths<'a> {
    /// The model.
    pub transformer: &'a Transformer,
    /// The clean run; it must hold what stands at the senders' hooks.
    pub base: &'a CleanRun,
    /// The senders' values in the source runs.
    pub sources: &'a Activations,
    /// Prompt of the base and source run of each pair.
    pub pairs: &'a [(usize, usize)],
    /// Where the sender writes and the receiver reads.
    pub positions: &'a Positions,
    /// Which scale the norm after attention has for a head's change.
    pub norm: NormScale,
    /// Bytes that what is computed may take.
    pub memory: usize,
}

impl Paths<'_> {
    /// How many senders [`Paths::received`] may be asked for at once.
    pub(crate) fn senders_at_once(&self, receiver: Receiver) -> usize {
        let length = self.base.tokens.pos;
        let width = Layout::of(receiver.hook(), self.transformer.facts(), length).map_or(1, Layout::position_width);
        let bytes = 4 * width * self.positions.iter(length).count() * self.pairs.len();
        (self.memory / 2 / bytes.max(1)).max(1)
    }

    /// What a receiver makes of each sender's change: run `sender * pairs + pair` holds its q, k or v, or the MLP's output, at
    /// the positions, for [`super::Value::Source`] to read.
    pub fn received(&self, receiver: Receiver, senders: &[Sender]) -> Activations {
        let facts = self.transformer.facts();
        let length = self.base.tokens.pos;
        let positions: Vec<usize> = self.positions.iter(length).collect();
        let hook = receiver.hook();
        let Some((layout, window)) = Layout::of(hook, facts, length).zip(window(&positions)) else {
            return Activations::new();
        };
        let stream = match receiver {
            Receiver::Heads { layer, .. } => &self.base.resid_pre[layer],
            Receiver::Mlp { layer } => self.base.resid_mid.get(layer).unwrap_or(&self.base.resid_pre[layer]),
        };
        let mut data = Vec::with_capacity(senders.len() * self.pairs.len() * positions.len() * layout.position_width());
        for sender in senders {
            for pairs in self.pairs.chunks(self.rows_at_once(window.len(), 0)) {
                let changed = self.changed(*sender, pairs, stream, window.clone());
                let values = match receiver {
                    Receiver::Heads { layer, input } => to_f32(self.transformer.head_input(layer, changed, input)),
                    Receiver::Mlp { layer } => to_f32(self.transformer.mlp_out(layer, changed)),
                };
                let row = window.len() * layout.position_width();
                for values in values.chunks_exact(row.max(1)) {
                    for &position in &positions {
                        let start = (position - window.start) * layout.position_width();
                        data.extend_from_slice(&values[start..start + layout.position_width()]);
                    }
                }
            }
        }
        let rows = senders.len() * self.pairs.len();
        std::iter::once((hook, Activation { layout, rows, positions, data })).collect()
    }

    /// What is wanted of the logits as each sender's change reaches them, `[sender, pair]`: the final norm and the unembedding
    /// of the changed stream at the last position. `tokens` are those whose logits are picked for a pair.
    ///
    /// # Errors
    /// What `pause`, called after every few rows with their number, returns.
    pub fn logits<E>(
        &self,
        senders: &[Sender],
        tokens: &dyn Fn(usize) -> Vec<u32>,
        wanted: LogitRead,
        mut pause: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<LogitReads, E> {
        let facts = self.transformer.facts();
        let last = self.base.tokens.pos - 1;
        let stream = &self.base.resid_pre[facts.n_layers];
        let numbers: Vec<usize> = (0..self.pairs.len()).collect();
        let mut all = LogitReads::default();
        for sender in senders {
            for part in numbers.chunks(self.rows_at_once(1, facts.n_vocab)) {
                let pairs = &self.pairs[part[0]..part[0] + part.len()];
                let changed = self.changed(*sender, pairs, stream, last..last + 1);
                let logits = self.transformer.unembed(changed, &mut ()).squeeze_dim(1);
                let base = || {
                    let prompts: Vec<usize> = pairs.iter().map(|(prompt, _)| *prompt).collect();
                    gather(&self.base.logits, &prompts)
                };
                all.extend(LogitReads::read(logits, part, tokens, base, wanted));
                pause(part.len())?;
            }
        }
        Ok(all)
    }

    /// The clean stream of pairs plus the sender's change, `[pair, window, d_model]`. `stream` is the base's, its last position
    /// the prompts' last.
    fn changed(&self, sender: Sender, pairs: &[(usize, usize)], stream: &Tensor<3>, window: Range<usize>) -> Tensor<3> {
        let units = sender.head.map_or(Units::All, |head| Units::Of(vec![head]));
        let edits: Arc<[Edit]> = Arc::from([Edit::patch(sender.hook(), self.positions.clone(), units)]);
        let rows: Vec<EditedPrompt> = pairs
            .iter()
            .map(|&(prompt, source)| EditedPrompt { prompt, source: Some(source), edits: edits.clone() })
            .collect();
        let join = JoinPoint { layer: sender.layer, stage: LayerStage::Pre };
        let entries: Vec<SweepEntry> = (0..rows.len())
            .map(|row| SweepEntry { row, start: window.start, join, direct: vec![sender.hook()] })
            .collect();
        let prompts: Vec<usize> = pairs.iter().map(|(prompt, _)| *prompt).collect();
        let missing = self.base.tokens.pos - stream.dims()[1];
        let clean = gather(&stream.clone().narrow(1, window.start - missing, window.len()), &prompts);
        match direct::rewrite(
            (self.transformer, self.base),
            self.sources,
            &rows,
            &entries,
            window.start,
            direct::Seen::Further(self.norm),
        ) {
            Some(change) => change.narrow(window.len()).of(clean),
            None => clean,
        }
    }

    /// Rows whose streams, and what a receiver computes of them or their logits, take half of the memory at most.
    fn rows_at_once(&self, positions: usize, n_vocab: usize) -> usize {
        let facts = self.transformer.facts();
        let per_position = 6 * facts.d_model + 3 * facts.widest_mlp() + 3 * facts.n_heads * facts.d_head;
        let slots = self.base.tokens.pos.min(positions.max(1));
        (self.memory / 2 / (4 * (slots * per_position + 2 * n_vocab))).clamp(1, MOST_ROWS)
    }
}

/// More rows make no product faster.
const MOST_ROWS: usize = 1024;

/// From the first position to the last.
fn window(positions: &[usize]) -> Option<Range<usize>> {
    Some(*positions.first()?..positions.last()? + 1)
}
