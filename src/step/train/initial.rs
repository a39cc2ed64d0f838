//! Weights that a training begins with.

use crate::kernel::{ActivationFunction, NormFunction, NormKind};
use crate::model::facts::{Facts, NormPlaces, PositionEncoding, Residual, ScoreScale, SoftCaps};
use crate::model::host::{
    EachLinear, HostBlock, HostDense, HostEmbedding, HostHead, HostLinear, HostMlp, HostModel, HostNorm, HostTensor,
};
use crate::model::weights::WeightError;
use crate::random::{Purpose, normal, stream};
use crate::spec;

/// Standard deviation of the first weights.
const DEVIATION: f64 = 0.02;

/// The architecture that a training makes.
pub(super) fn facts(spec: &spec::step::Train, n_vocab: usize, n_ctx: usize) -> Result<Facts, String> {
    let (d_model, n_heads) = (spec.d_model, spec.heads);
    if n_heads == 0 || d_model % n_heads != 0 {
        return Err(format!(
            "{n_heads} heads do not divide d_model = {d_model}; write a number that divides {d_model}"
        ));
    }
    Ok(Facts {
        family: "ablate",
        n_layers: spec.layers,
        n_heads,
        n_kv_heads: n_heads,
        d_model,
        d_head: d_model / n_heads,
        d_mlp: spec.d_mlp,
        n_vocab,
        n_ctx,
        norm: NormFunction { kind: NormKind::Rms, eps: 1e-5, wide_scale: false },
        norms: NormPlaces::Before,
        head_norm: None,
        activation: ActivationFunction::Silu,
        gated: true,
        positions: PositionEncoding::Learned,
        bounded: true,
        window: None,
        scores: ScoreScale::STANDARD,
        caps: SoftCaps::NONE,
        clip: None,
        experts: None,
        embed_factor: 1.0,
        residual: Residual::Sequential,
        tied: false,
    })
}

/// The first weights: normal with deviation 0.02, those that write to the residual stream smaller by √(2·layers), so
/// that the stream's variance at the start does not grow with depth; norms 1.
pub(super) struct Initial {
    facts: Facts,
    embedding: HostEmbedding,
    blocks: Vec<HostBlock>,
    head: HostHead,
}

impl Initial {
    pub fn new(facts: &Facts, seed: u64) -> Self {
        let mut random = stream(seed, Purpose::Weights);
        let mut matrix = |rows: usize, columns: usize, deviation: f64| HostTensor {
            shape: vec![rows, columns],
            data: (0..rows * columns).map(|_| (deviation * normal(&mut random)) as f32).collect(),
        };
        let (d_model, d_mlp, width) = (facts.d_model, facts.d_mlp, facts.n_heads * facts.d_head);
        let writes = DEVIATION / ((2 * facts.n_layers) as f64).sqrt();
        let linear = |weight| HostLinear { weight, ..HostLinear::default() };
        let embedding = HostEmbedding {
            blocks: None,
            tokens: matrix(facts.n_vocab, d_model, DEVIATION),
            positions: Some(matrix(facts.n_ctx, d_model, DEVIATION)),
        };
        let blocks = (0..facts.n_layers)
            .map(|_| HostBlock {
                ln1: Some(ones(d_model)),
                ln1_post: None,
                ln2: Some(ones(d_model)),
                ln2_post: None,
                q_norm: None,
                k_norm: None,
                q: linear(matrix(d_model, width, DEVIATION)),
                k: linear(matrix(d_model, width, DEVIATION)),
                v: linear(matrix(d_model, width, DEVIATION)),
                o: linear(matrix(width, d_model, writes)),
                mlp: HostMlp::Dense(HostDense {
                    gate: Some(linear(matrix(d_model, d_mlp, DEVIATION))),
                    up: linear(matrix(d_model, d_mlp, DEVIATION)),
                    down: linear(matrix(d_mlp, d_model, writes)),
                }),
            })
            .collect();
        let head = HostHead { ln_final: ones(d_model), unembed: linear(matrix(d_model, facts.n_vocab, DEVIATION)) };
        Self { facts: facts.clone(), embedding, blocks, head }
    }
}

fn ones(width: usize) -> HostNorm {
    let scale = HostTensor { shape: vec![width], data: vec![1.0; width] };
    HostNorm { scale: Some(scale), ..HostNorm::default() }
}

impl HostModel for Initial {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn embedding(&self) -> Result<HostEmbedding, WeightError> {
        Ok(self.embedding.clone())
    }

    fn block_with(&self, layer: usize, each: &mut EachLinear) -> Result<HostBlock, WeightError> {
        Ok(self.blocks[layer].clone().with_each(each))
    }

    fn head(&self) -> Result<HostHead, WeightError> {
        Ok(self.head.clone())
    }
}
