//! The names that llama.cpp gives a model's tensors, by the facts of the model.

use crate::kernel::NormKind;
use crate::model::facts::{Facts, HeadNorm, PositionEncoding};
use crate::model::family::names::{BlockNames, DenseNames, LinearNames, MlpNames, ModelNames, NormNames};

/// Where each weight is; `there` tells the tensors that the file has: biases, and maps that are fused or not. `fused_gate`:
/// whether an MLP without a gate of its own has it in front of the other map.
pub(super) fn names(facts: &Facts, fused_gate: bool, there: impl Fn(&str) -> bool) -> ModelNames {
    let (d_model, d_mlp) = (facts.d_model, facts.d_mlp);
    let (d_q, d_kv) = (facts.n_heads * facts.d_head, facts.n_kv_heads * facts.d_head);
    let linear = |name: String, inputs, outputs| {
        let bias = there(&format!("{name}.bias"));
        LinearNames::linear(name, inputs, outputs, bias)
    };
    // Scales are stored whole, in the families too whose own files hold them less one.
    let norm = |name: String, width| match facts.norm.kind {
        NormKind::Layer => NormNames::layer(name, width),
        NormKind::Rms => NormNames { adds_one: facts.family.starts_with("gemma"), ..NormNames::rms(name, width) },
    };
    let block = |layer: usize| {
        let at = |name: &str| format!("blk.{layer}.{name}");
        // The map of that name, or its rows of a fused one where the file has that.
        let part = |name: &str, fused: &str, rows: std::ops::Range<usize>, all: usize| match there(&at(&format!(
            "{fused}.weight"
        ))) {
            true => linear(at(fused), d_model, all).taking(std::iter::once(rows)),
            false => linear(at(name), d_model, rows.len()),
        };
        let qkv = |name, from, width| part(name, "attn_qkv", from..from + width, d_q + 2 * d_kv);
        let before = |name| facts.norms.before().then(|| norm(at(name), d_model));
        let after = |name| facts.norms.after().then(|| norm(at(name), d_model));
        let of_heads = |name, all| match facts.head_norm {
            None => None,
            Some(HeadNorm::EachHead) => Some(norm(at(name), facts.d_head)),
            Some(HeadNorm::AllHeads) => Some(norm(at(name), all)),
        };
        let fused = facts.gated && !there(&at("ffn_gate.weight")) && fused_gate;
        let up = |from: usize| linear(at("ffn_up"), d_model, 2 * d_mlp).taking(std::iter::once(from..from + d_mlp));
        let gate = || if fused { up(0) } else { linear(at("ffn_gate"), d_model, d_mlp) };
        BlockNames {
            ln1: before("attn_norm"),
            ln1_post: after("post_attention_norm"),
            ln2: before("ffn_norm"),
            ln2_post: after("post_ffw_norm"),
            q_norm: of_heads("attn_q_norm", d_q),
            k_norm: of_heads("attn_k_norm", d_kv),
            q: qkv("attn_q", 0, d_q),
            k: qkv("attn_k", d_q, d_kv),
            v: qkv("attn_v", d_q + d_kv, d_kv),
            o: linear(at("attn_output"), d_q, d_model),
            mlp: MlpNames::Dense(DenseNames {
                gate: facts.gated.then(gate),
                up: if fused { up(d_mlp) } else { linear(at("ffn_up"), d_model, d_mlp) },
                down: linear(at("ffn_down"), d_mlp, d_model),
            }),
        }
    };
    ModelNames {
        tokens: "token_embd.weight".into(),
        positions: (facts.positions == PositionEncoding::Learned).then(|| "position_embd.weight".into()),
        blocks: (0..facts.n_layers).map(block).collect(),
        other_blocks: None,
        ln_final: norm("output_norm".into(), d_model),
        unembed: linear("output".into(), d_model, facts.n_vocab),
        prefix: "",
        buffers: &[".attn_rot_embd", ".attn_rot_embd.weight"],
        aliases: &[],
    }
}
