//! Rewriting weights so that they are easier to interpret and every probability stays the same: the paper's setting
//! (§2 and appendix), and TransformerLens's `fold_ln`, `center_unembed` and `center_writing_weights`, in that order.
//! Value biases are not folded.

use super::facts::Facts;
use super::host::{
    BlockSize, EachLinear, HostBlock, HostEmbedding, HostHead, HostLinear, HostModel, HostNorm, HostTensor, LinearPlace,
};
use super::weights::WeightError;
use crate::kernel::NormKind;
use crate::spec::Processing;

/// A model whose weights are processed as they are read.
pub struct Processed<M> {
    model: M,
    facts: Facts,
    processing: Processing,
    notes: Vec<String>,
}

impl<M: HostModel> Processed<M> {
    /// `model`, processed. A tied unembedding is no longer the embedding once a norm is folded into it or it is centred.
    pub fn new(model: M, processing: Processing) -> Self {
        let mut facts = model.facts().clone();
        let centered = centers_unembed(&facts, &processing) || centers_writing(&facts, &processing);
        facts.tied &= !(processing.fold_norm || centered);
        let mut notes = model.notes().to_vec();
        if processing.center_unembed && facts.caps.logits.is_some() {
            notes.push(
                "center_unembed is left out, because this model has a soft cap on its logits, which would then give other values"
                    .into(),
            );
        }
        Self { model, facts, processing, notes }
    }

    fn centers_writing(&self) -> bool {
        centers_writing(&self.facts, &self.processing)
    }

    fn centers_unembed(&self) -> bool {
        centers_unembed(&self.facts, &self.processing)
    }

    /// Folds `norm` into a map that reads it. A layer norm's output has mean zero, so what a reading weight has in
    /// common over `d_model` never matters: TransformerLens removes it, and so does this.
    fn fold(&self, HostNorm { scale, shift, .. }: &HostNorm, reader: &mut HostLinear) {
        if let Some(shift) = shift {
            fold_shift(shift, reader);
        }
        if let Some(scale) = scale {
            let width = row_width(&reader.weight);
            let rows = reader.weight.data.chunks_mut(width).zip(&scale.data);
            rows.for_each(|(row, scale)| row.iter_mut().for_each(|weight| *weight *= scale));
        }
        if self.facts.norm.kind == NormKind::Layer {
            center_columns(&mut reader.weight);
        }
    }

    /// A linear map of a block, whose norms before attention and before the MLP are `ln1` and `ln2`. A norm of what is written, or of
    /// queries and keys, stands before no linear map: it stays as it is.
    fn processed(&self, place: LinearPlace, [ln1, ln2]: [Option<&HostNorm>; 2], mut linear: HostLinear) -> HostLinear {
        let read = match place {
            LinearPlace::AttentionReader => ln1,
            LinearPlace::MlpReader => ln2.or(ln1),
            LinearPlace::AttentionWriter | LinearPlace::MlpWriter => {
                if self.centers_writing() {
                    center_rows(&mut linear.weight);
                    linear.bias.iter_mut().for_each(center_rows);
                }
                None
            }
        };
        if let Some(norm) = read.filter(|_| self.processing.fold_norm) {
            self.fold(norm, &mut linear);
        }
        linear
    }
}

impl<M: HostModel> HostModel for Processed<M> {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn embedding(&self) -> Result<HostEmbedding, WeightError> {
        let mut embedding = self.model.embedding()?;
        if self.centers_writing() {
            center_rows(&mut embedding.tokens);
            embedding.positions.iter_mut().for_each(center_rows);
        }
        Ok(embedding)
    }

    fn block_with(&self, layer: usize, each: &mut EachLinear) -> Result<HostBlock, WeightError> {
        let mut process = |place, norms: [Option<&HostNorm>; 2], linear| {
            let linear = self.processed(place, norms, linear);
            each(place, norms, linear)
        };
        let mut block = self.model.block_with(layer, &mut process)?;
        if self.processing.fold_norm {
            // They are in the maps that read them.
            block.ln1.iter_mut().chain(&mut block.ln2).for_each(|norm| *norm = HostNorm::default());
        }
        Ok(block)
    }

    fn head(&self) -> Result<HostHead, WeightError> {
        let mut head = self.model.head()?;
        if self.processing.fold_norm {
            self.fold(&std::mem::take(&mut head.ln_final), &mut head.unembed);
        }
        if self.centers_unembed() {
            center_rows(&mut head.unembed.weight);
            head.unembed.bias.iter_mut().for_each(center_rows);
        }
        Ok(head)
    }

    fn block_size(&self, layer: usize) -> BlockSize {
        self.model.block_size(layer)
    }

    fn ends_size(&self) -> BlockSize {
        let size = self.model.ends_size();
        let untied = self.model.facts().tied && !self.facts.tied;
        if untied { size.and(BlockSize::in_f32(self.facts.n_vocab * self.facts.d_model)) } else { size }
    }

    fn attention_writes_bias(&self, layer: usize) -> bool {
        self.model.attention_writes_bias(layer)
    }

    fn parameters(&self) -> usize {
        self.model.parameters()
    }

    fn stored_dtype(&self) -> String {
        self.model.stored_dtype()
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// Whether what is written to the stream can be centred: the norms that read it take the mean off themselves.
fn centers_writing(facts: &Facts, processing: &Processing) -> bool {
    processing.center_writing && facts.norm.kind == NormKind::Layer
}

/// Whether logits can be centred: a soft cap of them is no longer the same after all have been moved by one number.
fn centers_unembed(facts: &Facts, processing: &Processing) -> bool {
    processing.center_unembed && facts.caps.logits.is_none()
}

/// Adds what the norm's shift becomes behind `reader` to its bias, which is made if there is none.
fn fold_shift(shift: &HostTensor, reader: &mut HostLinear) {
    let width = row_width(&reader.weight);
    let mut sums = match &reader.bias {
        Some(bias) => bias.data.iter().map(|&bias| f64::from(bias)).collect(),
        None => vec![0.0f64; width],
    };
    for (row, &shift) in reader.weight.data.chunks(width).zip(&shift.data) {
        sums.iter_mut().zip(row).for_each(|(sum, &weight)| *sum += f64::from(shift) * f64::from(weight));
    }
    let data = sums.into_iter().map(|sum| sum as f32).collect();
    reader.bias = Some(HostTensor { shape: vec![width], data });
}

/// Subtracts from each row (a vector is one row) its mean.
fn center_rows(tensor: &mut HostTensor) {
    let width = row_width(tensor);
    for row in tensor.data.chunks_mut(width) {
        let mean = (row.iter().map(|&value| f64::from(value)).sum::<f64>() / width as f64) as f32;
        row.iter_mut().for_each(|value| *value -= mean);
    }
}

/// Subtracts from each column its mean.
fn center_columns(tensor: &mut HostTensor) {
    let width = row_width(tensor);
    let rows = (tensor.data.len() / width).max(1) as f64;
    let mut means = vec![0.0f64; width];
    for row in tensor.data.chunks(width) {
        means.iter_mut().zip(row).for_each(|(mean, &value)| *mean += f64::from(value) / rows);
    }
    for row in tensor.data.chunks_mut(width) {
        row.iter_mut().zip(&means).for_each(|(value, &mean)| *value -= mean as f32);
    }
}

/// Extent of the last dimension.
fn row_width(tensor: &HostTensor) -> usize {
    tensor.shape.last().copied().unwrap_or(1).max(1)
}
