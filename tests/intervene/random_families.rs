//! The laws on random configurations of every family: windows, norms, caps, rotations and shapes as they may come together.

use super::laws::{interventions, replay_is_scratch, self_patch_is_clean};
use super::reference::Case;
use crate::support::device;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::facts::Facts;
use ablate::model::host::{EachLinear, HostBlock, HostEmbedding, HostHead, HostLinear, HostModel, HostNorm};
use ablate::model::processing::Processed;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::model::weights::WeightError;
use ablate::spec::Processing;
use burn::tensor::DType;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A random model whose weights are large enough for its heads, caps and norms to matter.
pub struct Loud(pub Checkpoint);

fn louder(linear: &mut HostLinear, factor: f32) {
    linear.weight.data.iter_mut().for_each(|value| *value *= factor);
    linear.bias.iter_mut().for_each(|bias| bias.data.iter_mut().for_each(|value| *value *= factor));
}

fn uneven(norm: &mut Option<HostNorm>) {
    let scales = norm.iter_mut().filter_map(|norm| norm.scale.as_mut());
    scales.for_each(|scale| {
        scale.data.iter_mut().enumerate().for_each(|(i, value)| *value *= 1.0 + 0.4 * (i as f32).sin())
    });
}

impl HostModel for Loud {
    fn facts(&self) -> &Facts {
        self.0.facts()
    }

    fn embedding(&self) -> Result<HostEmbedding, WeightError> {
        let mut embedding = self.0.embedding()?;
        embedding.tokens.data.iter_mut().for_each(|value| *value *= 30.0);
        Ok(embedding)
    }

    fn block_with(&self, layer: usize, each: &mut EachLinear) -> Result<HostBlock, WeightError> {
        let mut block = self.0.block(layer)?;
        let HostBlock { ln1, ln1_post, ln2, ln2_post, q_norm, k_norm, q, k, v, o, mlp } = &mut block;
        let mlp = mlp.ends().into_iter().flatten();
        [q, k, v, o].into_iter().chain(mlp).for_each(|linear| louder(linear, 20.0));
        [ln1, ln1_post, ln2, ln2_post, q_norm, k_norm].into_iter().for_each(uneven);
        Ok(block.with_each(each))
    }

    fn attention_writes_bias(&self, layer: usize) -> bool {
        self.0.attention_writes_bias(layer)
    }

    fn head(&self) -> Result<HostHead, WeightError> {
        let mut head = self.0.head()?;
        louder(&mut head.unembed, 30.0);
        Ok(head)
    }
}

const FAMILIES: [&str; 13] = [
    "llama",
    "mistral",
    "qwen2",
    "qwen3",
    "gemma2",
    "gemma3_text",
    "olmo2",
    "olmo3",
    "phi3",
    "smollm3",
    "mixtral",
    "qwen3_moe",
    "olmoe",
];

/// A norm of something small blows its rounding up by 1/√ε at most.
const EPSILON: f64 = 0.01;

/// A configuration of any family, with each of the keys that only some of them read.
pub fn configuration() -> impl Strategy<Value = Value> {
    let shape = (0..FAMILIES.len(), 1usize..5, 1usize..4, 1usize..3, 1usize..5, 3usize..12, 2usize..20);
    let switches =
        (proptest::collection::vec(any::<bool>(), 4), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let sizes = (1usize..7, prop_oneof![Just(None), (0.3f64..3.0).prop_map(Some)], 1.0f64..20.0, 0.5f64..3.0);
    (shape, switches, sizes).prop_map(|(shape, switches, sizes)| {
        let (family, layers, kv_heads, group, pairs, width, d_mlp) = shape;
        let (slides, tied, bias, windowed, rotated) = switches;
        let (window, cap, scalar, factor) = sizes;
        let types: Vec<&str> = (0..layers)
            .map(|layer| if slides[layer % slides.len()] { "sliding_attention" } else { "full_attention" })
            .collect();
        let mut config = json!({
            "model_type": FAMILIES[family], "num_hidden_layers": layers, "num_attention_heads": kv_heads * group,
            "num_key_value_heads": kv_heads, "head_dim": 2 * pairs, "hidden_size": 2 * width, "intermediate_size": d_mlp,
            "vocab_size": 17, "max_position_embeddings": 64, "tie_word_embeddings": tied, "attention_bias": bias,
            "rms_norm_eps": EPSILON,
        });
        let keys = match FAMILIES[family] {
            "mistral" | "phi3" => json!({ "sliding_window": windowed.then_some(window) }),
            "qwen2" | "qwen3" if windowed => {
                json!({ "use_sliding_window": true, "sliding_window": window, "layer_types": types })
            }
            "gemma2" => json!({
                "sliding_window": window, "layer_types": types, "query_pre_attn_scalar": scalar,
                "attn_logit_softcapping": cap, "final_logit_softcapping": cap.map(|cap| 3.0 * cap),
            }),
            "gemma3_text" => json!({
                "sliding_window": window, "layer_types": types, "query_pre_attn_scalar": scalar,
                "rope_theta": 1000.0, "rope_local_base_freq": 10.0,
                "rope_scaling": rotated.then(|| json!({ "rope_type": "linear", "factor": factor })),
            }),
            "olmo3" => json!({ "sliding_window": window, "layer_types": types, "rope_theta": 50.0 }),
            "smollm3" => {
                let layers = slides.iter().cycle().take(layers).map(|&one| u8::from(one)).collect::<Vec<u8>>();
                json!({ "no_rope_layers": layers, "use_sliding_window": windowed, "sliding_window": window })
            }
            "mixtral" => json!({
                "sliding_window": windowed.then_some(window), "num_local_experts": pairs + 1, "num_experts_per_tok": window.min(pairs),
            }),
            "qwen3_moe" => {
                let dense: Vec<usize> = (0..layers).filter(|layer| slides[layer % slides.len()]).collect();
                json!({
                    "use_sliding_window": windowed, "sliding_window": window, "num_experts": width, "num_experts_per_tok": pairs.min(width),
                    "moe_intermediate_size": 1 + d_mlp / 2, "norm_topk_prob": rotated, "mlp_only_layers": dense,
                })
            }
            // Its heads are the width's.
            "olmoe" => json!({
                "hidden_size": kv_heads * group * 2 * pairs, "num_experts": width, "num_experts_per_tok": pairs.min(width),
                "norm_topk_prob": rotated, "clip_qkv": cap,
            }),
            _ => json!({}),
        };
        let keys = keys.as_object().cloned().unwrap_or_default();
        config.as_object_mut().expect("an object").extend(keys);
        config
    })
}

pub fn case(config: &Value, seed: u64, pos: usize) -> Case {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, config.to_string()).unwrap();
    let host = Processed::new(Loud(Checkpoint::random(&path, seed).unwrap()), Processing::default());
    let model = Transformer::load(&host, &device::device(), DType::F32).unwrap();
    let batch = 3;
    let ids = (0..batch * pos).map(|place| ((place as u64 * 7 + seed % 13) % 17) as u32).collect();
    Case::of(model, Tokens { ids, batch, pos })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn replay_is_the_run_from_scratch(
        config in configuration(), seed in any::<u64>(), pos in 1usize..10, drafts in interventions(), memory in 1usize..200_000,
    ) {
        replay_is_scratch(&case(&config, seed, pos), &drafts, memory)?;
    }

    #[test]
    fn self_patch_changes_nothing(config in configuration(), seed in any::<u64>(), pos in 1usize..10, drafts in interventions()) {
        self_patch_is_clean(&case(&config, seed, pos), &drafts)?;
    }
}
