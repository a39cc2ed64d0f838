//! OLMoE: Llama's blocks with experts in every layer, and norms of queries and keys over all heads.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Experts, Facts, HeadNorm};
use super::llama::{self, Biases, ClassDefaults, LLAMA};
use super::mixture::{self, ExpertWords};
use super::names::{BlockNames, ModelNames, NormNames};
use super::reading::{Family, cap, even_split};

/// Llama's blocks with experts in every layer, and norms of queries and keys over all heads.
pub struct Olmoe;

impl Family for Olmoe {
    fn model_types(&self) -> &'static [&'static str] {
        &["olmoe"]
    }

    fn aliases(&self) -> &'static [(&'static str, &'static str)] {
        &[("num_local_experts", "num_experts")]
    }

    fn has_experts(&self) -> bool {
        true
    }

    fn about(&self) -> &'static str {
        "OLMoE: Llama's blocks with experts in every layer, norms of queries and keys over all heads"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let facts = llama::facts("olmoe", config, &OLMOE)?;
        if facts.d_head != even_split(facts.d_model, facts.n_heads)? {
            return Err(ConfigError(format!(
                "'head_dim' is {}: the norms of this family need the width's share of a head, {}",
                facts.d_head,
                facts.d_model / facts.n_heads
            )));
        }
        let (width, layers) = (facts.d_mlp, (0..facts.n_layers).collect());
        let normalised = config.flag_or("norm_topk_prob", false)?;
        let experts = mixture::experts(config, "num_experts", [64, 8], |count, chosen| Experts {
            count,
            chosen,
            width,
            normalised,
            layers,
        })?;
        let clip = cap(config, "clip_qkv", None)?;
        Ok(Facts { head_norm: Some(HeadNorm::AllHeads), clip, experts: Some(experts), ..facts })
    }

    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        let (d_q, d_kv) = (facts.n_heads * facts.d_head, facts.n_kv_heads * facts.d_head);
        let names = llama::names(facts, Biases::of_attention(config)?).with_blocks(|layer, block| {
            let norm = |name, width| Some(NormNames::rms(format!("model.layers.{layer}.self_attn.{name}"), width));
            BlockNames { q_norm: norm("q_norm", d_q), k_norm: norm("k_norm", d_kv), ..block }
        });
        let words = ExpertWords { holder: "mlp", parts: ["gate_proj", "up_proj", "down_proj"] };
        Ok(mixture::with_experts(names, facts, &words))
    }
}

/// What transformers' class takes for keys that are absent.
const OLMOE: ClassDefaults = ClassDefaults {
    vocab_size: 50_304,
    hidden_size: 2048,
    intermediate_size: 2048,
    num_hidden_layers: 16,
    num_attention_heads: 16,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    ..LLAMA
};
