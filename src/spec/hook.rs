//! Names of the places in a forward pass that can be read and written: TransformerLens's names and shapes.

/// A place in the forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// `hook_embed`, `[batch, pos, d_model]`
    Embed,
    /// `hook_pos_embed`, `[batch, pos, d_model]`; of learned positions only.
    PosEmbed,
    /// `blocks.{layer}.…`
    Block(usize, Site),
    /// `ln_final.hook_scale`, `[batch, pos, 1]`
    LnFinalScale,
    /// `ln_final.hook_normalized`, `[batch, pos, d_model]`: as TransformerLens has it, before the scale in an RMS norm,
    /// after scale and shift in a layer norm.
    LnFinalNormalized,
}

/// A place within a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Site {
    /// `hook_resid_pre`, `[batch, pos, d_model]`
    ResidPre,
    /// `ln1.hook_scale`, `[batch, pos, 1]`
    Ln1Scale,
    /// `ln1.hook_normalized`, `[batch, pos, d_model]`: see [`Hook::LnFinalNormalized`].
    Ln1Normalized,
    /// `attn.hook_q`, `[batch, pos, head, d_head]`, before rotation.
    Q,
    /// `attn.hook_k`, `[batch, pos, kv_head, d_head]`, before rotation.
    K,
    /// `attn.hook_v`, `[batch, pos, kv_head, d_head]`
    V,
    /// `attn.hook_rot_q`, `[batch, pos, head, d_head]`; of rotary positions only.
    RotQ,
    /// `attn.hook_rot_k`, `[batch, pos, kv_head, d_head]`; of rotary positions only.
    RotK,
    /// `attn.hook_attn_scores`, `[batch, head, query_pos, key_pos]`, scaled and masked.
    AttnScores,
    /// `attn.hook_pattern`, `[batch, head, query_pos, key_pos]`, rows sum to one.
    Pattern,
    /// `attn.hook_z`, `[batch, pos, head, d_head]`: each head's output before the output projection.
    Z,
    /// `attn.hook_result`, `[batch, pos, head, d_model]`: each head's share of the output, without the bias.
    Result,
    /// `hook_attn_out`, `[batch, pos, d_model]`
    AttnOut,
    /// `hook_resid_mid`, `[batch, pos, d_model]`; of sequential blocks only.
    ResidMid,
    /// `ln2.hook_scale`, `[batch, pos, 1]`
    Ln2Scale,
    /// `ln2.hook_normalized`, `[batch, pos, d_model]`
    Ln2Normalized,
    /// `mlp.hook_pre`, `[batch, pos, d_mlp]`: the gate's input to the non-linearity in a gated MLP.
    MlpPre,
    /// `mlp.hook_pre_linear`, `[batch, pos, d_mlp]`: the other factor; of gated MLPs only.
    MlpPreLinear,
    /// `mlp.hook_post`, `[batch, pos, d_mlp]`: act(pre), times pre_linear in a gated MLP.
    MlpPost,
    /// `hook_mlp_out`, `[batch, pos, d_model]`
    MlpOut,
    /// `hook_resid_post`, `[batch, pos, d_model]`
    ResidPost,
}

/// Every site of a block with its TransformerLens name and its accepted shorthand, in the order they happen.
pub const SITES: [(Site, &str, &str); 21] = [
    (Site::ResidPre, "hook_resid_pre", "resid_pre"),
    (Site::Ln1Scale, "ln1.hook_scale", "ln1_scale"),
    (Site::Ln1Normalized, "ln1.hook_normalized", "ln1_normalized"),
    (Site::Q, "attn.hook_q", "q"),
    (Site::K, "attn.hook_k", "k"),
    (Site::V, "attn.hook_v", "v"),
    (Site::RotQ, "attn.hook_rot_q", "rot_q"),
    (Site::RotK, "attn.hook_rot_k", "rot_k"),
    (Site::AttnScores, "attn.hook_attn_scores", "attn_scores"),
    (Site::Pattern, "attn.hook_pattern", "pattern"),
    (Site::Z, "attn.hook_z", "z"),
    (Site::Result, "attn.hook_result", "result"),
    (Site::AttnOut, "hook_attn_out", "attn_out"),
    (Site::ResidMid, "hook_resid_mid", "resid_mid"),
    (Site::Ln2Scale, "ln2.hook_scale", "ln2_scale"),
    (Site::Ln2Normalized, "ln2.hook_normalized", "ln2_normalized"),
    (Site::MlpPre, "mlp.hook_pre", "mlp_pre"),
    (Site::MlpPreLinear, "mlp.hook_pre_linear", "mlp_pre_linear"),
    (Site::MlpPost, "mlp.hook_post", "mlp_post"),
    (Site::MlpOut, "hook_mlp_out", "mlp_out"),
    (Site::ResidPost, "hook_resid_post", "resid_post"),
];

impl Site {
    /// The name TransformerLens gives it, after `blocks.{i}.`.
    pub fn name(self) -> &'static str {
        SITES.iter().find(|(site, ..)| *site == self).map_or("", |(_, name, _)| name)
    }
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Hook::Embed => f.write_str("hook_embed"),
            Hook::PosEmbed => f.write_str("hook_pos_embed"),
            Hook::Block(layer, site) => write!(f, "blocks.{layer}.{}", site.name()),
            Hook::LnFinalScale => f.write_str("ln_final.hook_scale"),
            Hook::LnFinalNormalized => f.write_str("ln_final.hook_normalized"),
        }
    }
}
