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
    /// `ln_final.hook_standardized`, `[batch, pos, d_model]`: before scale and shift in either kind of norm.
    LnFinalStandardized,
    /// `ln_final.hook_normalized`, `[batch, pos, d_model]`: as TransformerLens 2 has it, before the scale in an RMS norm,
    /// after scale and shift in a layer norm.
    LnFinalNormalized,
    /// `ln_final.hook_out`, `[batch, pos, d_model]`: after scale and shift in either kind of norm.
    LnFinalOut,
}

/// Defines [`Site`], [`SITES`] and what is known of each, in the order they happen.
macro_rules! sites {
    ($($(#[doc = $about:literal])+ $site:ident = $name:literal, $short:literal, $shape:literal;)*) => {
        /// A place within a block.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Site {
            $($(#[doc = $about])+ #[doc = concat!("\n\n`", $name, "`, `", $shape, "`")] $site,)*
        }

        /// Every site of a block with its TransformerLens name and its accepted shorthand, in the order they happen.
        pub const SITES: [(Site, &str, &str); [$($name),*].len()] = [$((Site::$site, $name, $short),)*];

        impl Site {
            /// The shape of its activations.
            pub fn shape(self) -> &'static str {
                match self {
                    $(Site::$site => $shape,)*
                }
            }

            /// What it is, in words.
            pub fn about(self) -> &'static str {
                match self {
                    $(Site::$site => concat!($($about),+).trim_ascii(),)*
                }
            }
        }
    };
}

sites! {
    /// The residual stream before the block.
    ResidPre = "hook_resid_pre", "resid_pre", "[batch, pos, d_model]";
    /// What the norm before attention divides by.
    Ln1Scale = "ln1.hook_scale", "ln1_scale", "[batch, pos, 1]";
    /// The stream after the norm before attention, before its scale and shift: what TransformerLens 4 calls hook_normalized.
    Ln1Standardized = "ln1.hook_standardized", "ln1_standardized", "[batch, pos, d_model]";
    /// The stream after the norm before attention; as TransformerLens 2: before the scale in an RMS norm, after scale and shift in
    /// a layer norm.
    Ln1Normalized = "ln1.hook_normalized", "ln1_normalized", "[batch, pos, d_model]";
    /// What the norm before attention gives, after its scale and shift, in either kind of norm: hook_out of TransformerLens 4.
    Ln1Out = "ln1.hook_out", "ln1_out", "[batch, pos, d_model]";
    /// Queries, before their norm and before rotation.
    Q = "attn.hook_q", "q", "[batch, pos, head, d_head]";
    /// Keys, before their norm and before rotation; of key/value heads, which are fewer than query heads where queries are grouped.
    K = "attn.hook_k", "k", "[batch, pos, kv_head, d_head]";
    /// Values; of key/value heads.
    V = "attn.hook_v", "v", "[batch, pos, kv_head, d_head]";
    /// Queries after their norm, before rotation; of models that normalise them only.
    QNormed = "attn.hook_q_normed", "q_normed", "[batch, pos, head, d_head]";
    /// Keys after their norm, before rotation; of models that normalise them only.
    KNormed = "attn.hook_k_normed", "k_normed", "[batch, pos, kv_head, d_head]";
    /// Queries after rotation; of rotary positions only.
    RotQ = "attn.hook_rot_q", "rot_q", "[batch, pos, head, d_head]";
    /// Keys after rotation; of rotary positions only.
    RotK = "attn.hook_rot_k", "rot_k", "[batch, pos, kv_head, d_head]";
    /// Attention scores, scaled, capped where the model does that, and masked, before the softmax.
    AttnScores = "attn.hook_attn_scores", "attn_scores", "[batch, head, query_pos, key_pos]";
    /// Attention weights: rows sum to one.
    Pattern = "attn.hook_pattern", "pattern", "[batch, head, query_pos, key_pos]";
    /// Each head's output before the output projection.
    Z = "attn.hook_z", "z", "[batch, pos, head, d_head]";
    /// Each head's share of the attention's output, without the bias; before the norm after attention.
    Result = "attn.hook_result", "result", "[batch, pos, head, d_model]";
    /// What the attention's output weights give, before the norm after attention; of models with such a norm only.
    AttnProjected = "attn.hook_out", "attn_projected", "[batch, pos, d_model]";
    /// What the norm after attention divides by; of models with such a norm only.
    Ln1PostScale = "ln1_post.hook_scale", "ln1_post_scale", "[batch, pos, 1]";
    /// The attention's output after the norm after it, before its scale; see `ln1.hook_standardized`.
    Ln1PostStandardized = "ln1_post.hook_standardized", "ln1_post_standardized", "[batch, pos, d_model]";
    /// The attention's output after the norm after it; see `ln1.hook_normalized`.
    Ln1PostNormalized = "ln1_post.hook_normalized", "ln1_post_normalized", "[batch, pos, d_model]";
    /// What the norm after attention gives: what attention adds to the stream.
    Ln1PostOut = "ln1_post.hook_out", "ln1_post_out", "[batch, pos, d_model]";
    /// What the attention adds to the stream.
    AttnOut = "hook_attn_out", "attn_out", "[batch, pos, d_model]";
    /// The residual stream between attention and MLP; of sequential blocks only.
    ResidMid = "hook_resid_mid", "resid_mid", "[batch, pos, d_model]";
    /// What the norm before the MLP divides by.
    Ln2Scale = "ln2.hook_scale", "ln2_scale", "[batch, pos, 1]";
    /// The stream after the norm before the MLP, before its scale and shift; see `ln1.hook_standardized`.
    Ln2Standardized = "ln2.hook_standardized", "ln2_standardized", "[batch, pos, d_model]";
    /// The stream after the norm before the MLP; see `ln1.hook_normalized`.
    Ln2Normalized = "ln2.hook_normalized", "ln2_normalized", "[batch, pos, d_model]";
    /// What the norm before the MLP gives, after its scale and shift; see `ln1.hook_out`.
    Ln2Out = "ln2.hook_out", "ln2_out", "[batch, pos, d_model]";
    /// The router's logits; of layers with experts only. An edit chooses the experts anew. TransformerLens 4 has them flat, at
    /// `mlp.gate.hook_out`.
    RouterLogits = "mlp.hook_router_logits", "router_logits", "[batch, pos, expert]";
    /// What each expert's output is multiplied by, 0 of those that were not chosen; of layers with experts only. An edit mixes the
    /// experts whose weight is not 0, however many, and divides by no sum. TransformerLens 4 has it flat, `[batch * pos, expert]`,
    /// and keeps the largest weights of an edited one alone.
    ExpertWeights = "mlp.hook_expert_weights", "expert_weights", "[batch, pos, expert]";
    /// The MLP's neurons before the non-linearity: the gate's input in a gated MLP. Layers with experts have none.
    MlpPre = "mlp.hook_pre", "mlp_pre", "[batch, pos, d_mlp]";
    /// The other factor of a gated MLP; of gated MLPs only. Layers with experts have none.
    MlpPreLinear = "mlp.hook_pre_linear", "mlp_pre_linear", "[batch, pos, d_mlp]";
    /// The MLP's neurons: act(pre), times pre_linear in a gated MLP. Layers with experts have none.
    MlpPost = "mlp.hook_post", "mlp_post", "[batch, pos, d_mlp]";
    /// What the MLP's output weights give, before the norm after the MLP; of models with such a norm only.
    MlpProjected = "mlp.hook_out", "mlp_projected", "[batch, pos, d_model]";
    /// What the norm after the MLP divides by; of models with such a norm only.
    Ln2PostScale = "ln2_post.hook_scale", "ln2_post_scale", "[batch, pos, 1]";
    /// The MLP's output after the norm after it, before its scale; see `ln1.hook_standardized`.
    Ln2PostStandardized = "ln2_post.hook_standardized", "ln2_post_standardized", "[batch, pos, d_model]";
    /// The MLP's output after the norm after it; see `ln1.hook_normalized`.
    Ln2PostNormalized = "ln2_post.hook_normalized", "ln2_post_normalized", "[batch, pos, d_model]";
    /// What the norm after the MLP gives: what the MLP adds to the stream.
    Ln2PostOut = "ln2_post.hook_out", "ln2_post_out", "[batch, pos, d_model]";
    /// What the MLP adds to the stream.
    MlpOut = "hook_mlp_out", "mlp_out", "[batch, pos, d_model]";
    /// The residual stream after the block.
    ResidPost = "hook_resid_post", "resid_post", "[batch, pos, d_model]";
}

/// A hook as a reference describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookName {
    /// TransformerLens's name, of a site of a block after `blocks.N.`.
    pub name: &'static str,
    /// The shorthand.
    pub short: &'static str,
    /// Shape of its activations.
    pub shape: &'static str,
    /// What it is, in words.
    pub about: &'static str,
    /// Whether every block has one.
    pub in_blocks: bool,
}

/// Every hook, in the order they happen.
pub fn hooks() -> impl Iterator<Item = HookName> {
    let block = SITES.map(|(site, name, short)| HookName {
        name,
        short,
        shape: site.shape(),
        about: site.about(),
        in_blocks: true,
    });
    let outside = |after_blocks: bool| {
        let hooks = OUTSIDE.into_iter().filter(move |(hook, ..)| hook.is_of_final_norm() == after_blocks);
        hooks.map(|(_, name, short, shape, about)| HookName { name, short, shape, about, in_blocks: false })
    };
    outside(false).chain(block).chain(outside(true))
}

/// Defines [`OUTSIDE`].
macro_rules! outside {
    ($($hook:ident = $name:literal, $short:literal, $shape:literal, $about:literal;)*) => {
        /// Hooks outside the blocks: name, shorthand, shape, what it is.
        pub(super) const OUTSIDE: [(Hook, &str, &str, &str, &str); [$($name),*].len()] =
            [$((Hook::$hook, $name, $short, $shape, $about),)*];
    };
}

outside! {
    Embed = "hook_embed", "embed", "[batch, pos, d_model]", "The tokens' embeddings.";
    PosEmbed = "hook_pos_embed", "pos_embed", "[batch, pos, d_model]", "The positions' embeddings; of learned positions only.";
    LnFinalScale = "ln_final.hook_scale", "ln_final_scale", "[batch, pos, 1]", "What the norm before the unembedding divides by.";
    LnFinalStandardized = "ln_final.hook_standardized", "ln_final_standardized", "[batch, pos, d_model]",
        "The stream after the norm before the unembedding, before its scale and shift; see `ln1.hook_standardized`.";
    LnFinalNormalized = "ln_final.hook_normalized", "ln_final_normalized", "[batch, pos, d_model]",
        "The stream after the norm before the unembedding; see `ln1.hook_normalized`.";
    LnFinalOut = "ln_final.hook_out", "ln_final_out", "[batch, pos, d_model]",
        "What the unembedding reads: the stream after the norm, its scale and its shift; see `ln1.hook_out`.";
}

impl Site {
    /// The name TransformerLens gives it, after `blocks.{i}.`.
    pub fn name(self) -> &'static str {
        SITES.iter().find(|(site, ..)| *site == self).map_or("", |(_, name, _)| name)
    }
}

impl Hook {
    /// The hook that is written so in full, as [`Hook`] is shown: `blocks.3.hook_resid_post`.
    pub fn named(text: &str) -> Option<Self> {
        if let Some((hook, ..)) = OUTSIDE.iter().find(|(_, name, ..)| *name == text) {
            return Some(*hook);
        }
        let (layer, name) = text.strip_prefix("blocks.")?.split_once('.')?;
        let (site, ..) = SITES.iter().find(|(_, full, _)| *full == name)?;
        Some(Hook::Block(layer.parse().ok()?, *site))
    }

    /// Whether it stands at the norm before the unembedding, after all blocks.
    pub(crate) fn is_of_final_norm(self) -> bool {
        use Hook::{LnFinalNormalized, LnFinalOut, LnFinalScale, LnFinalStandardized};
        matches!(self, LnFinalScale | LnFinalStandardized | LnFinalNormalized | LnFinalOut)
    }
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Hook::Block(layer, site) => write!(f, "blocks.{layer}.{}", site.name()),
            outside => f.write_str(OUTSIDE.iter().find(|(hook, ..)| hook == outside).map_or("", |(_, name, ..)| name)),
        }
    }
}
