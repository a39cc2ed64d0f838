//! Words of the field for what has another name here, or is not here yet: what to take instead.

/// A word of the field.
#[derive(Debug, PartialEq, Eq)]
pub struct Synonym {
    names: &'static str,
    /// What it is here, or that it is not, and what is nearest to it.
    pub about: &'static str,
    see: &'static str,
}

impl Synonym {
    /// What it is called, in lower case with '-' between words.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.split(' ')
    }

    /// What explains that: names that `ablate explain` finds.
    pub fn see(&self) -> impl Iterator<Item = &'static str> {
        self.see.split(' ')
    }
}

/// The names, what is to be said, and what to see, names with a space between.
const fn word(names: &'static str, about: &'static str, see: &'static str) -> Synonym {
    Synonym { names, about, see }
}

/// Every word, those that are near to each other together.
pub const SYNONYMS: &[Synonym] = &[
    word(
        "perplexity nll negative-log-likelihood log-likelihood loglikelihood per-token-loss surprisal",
        "How surprised a model is by a text: here a step of kind 'loss', token by token, in nats; perplexity is the exponential of its mean. Of a whole answer under an edit: \
         the measure 'sequence-log-probability'.",
        "loss sequence-log-probability",
    ),
    word(
        "steering steer steering-vector steering-vectors activation-steering activation-addition actadd caa \
         contrastive-activation-addition activation-engineering representation-engineering repe",
        "Steering adds to activations: here an edit of a step of kind 'intervention' with add = true and a value: { direction = \"STEP\" }, which a step found, or a vector \
         of a file. 'layers' and 'strengths' sweep it, and placebos of the same length stand beside it.",
        "intervention",
    ),
    word(
        "activation-patching-denoising causal-tracing causal-trace tracing rome memit restoration",
        "Causal tracing restores clean activations in a corrupted run: here 'activation-patching' with direction = \"denoising\". The corrupted run is another prompt, \
         or, with 'corrupt', the prompt's own with noise on its embeddings; 'window' restores several layers together. Editing weights (ROME, MEMIT) is not there.",
        "activation-patching direction",
    ),
    word(
        "interchange-intervention interchange-interventions interchange causal-mediation causal-mediation-analysis \
         mediation causal-abstraction patching activation-transplant resampling das distributed-alignment-search",
        "An interchange intervention, or causal mediation analysis, puts one prompt's activations into the run of another: here 'activation-patching', with the effect as \
         'indirect-effect'. Within a subspace it is an edit of a step of kind 'intervention' with value = { subspace = \"STEP\" }, \
         which a step of kind 'direction' finds, with method = \"das\" (distributed alignment search) one that is learned.",
        "activation-patching intervention direction indirect-effect counterfactual",
    ),
    word(
        "eap edge-attribution edge-attribution-patching eap-ig edge-patching edges attribution",
        "Edge attribution patching scores edges by gradients. Here 'attribution-patching' scores components so, and 'path-patching' measures edges exactly; gradients of \
         edges are not there yet.",
        "attribution-patching path-patching",
    ),
    word(
        "integrated-gradients ig gradient gradients saliency",
        "Gradients times differences of activations: here 'attribution-patching', with integrated gradients by its key 'steps'.",
        "attribution-patching",
    ),
    word(
        "acdc circuit-discovery automatic-circuit-discovery subnetwork-probing circuit circuits causal-scrubbing",
        "Searching for circuits edge by edge (ACDC) is not there. Here components are ranked by an effect, and 'ablation' with mode = \"keep\" says how faithful the best k are; \
         'smallest' takes the least k that is good enough.",
        "ablation smallest path-patching",
    ),
    word(
        "r r' answer-r counterfactual-answer",
        "r is the first token of the prompt's own answer. r' is that of the wrong answer it is compared with: the prompt's contrast, where prompts have one, or else the answer of its counterfactual.",
        "indirect-effect counterfactual prompts.contrast",
    ),
    word(
        "corrupted corruption corrupted-prompt corrupt source-prompt base-prompt clean-prompt",
        "The corrupted, or source, prompt is the counterfactual of a pair; the clean, or base, prompt is the step's own.",
        "counterfactual activation-patching",
    ),
    word(
        "noising-denoising noise denoise",
        "Noising puts the counterfactual's activations into the clean run; denoising the clean ones into the counterfactual's. Gaussian noise on embeddings is 'corrupt' of \
         'activation-patching', or value = { noise = 3.0 } of an edit.",
        "activation-patching intervention",
    ),
    word(
        "dla direct-logit-attribution logit-attributions direct-effect logit-decomposition",
        "Direct logit attribution takes the logit apart into what each component writes: here 'logit-attribution'. A direct effect measured by an intervention is 'path-patching' to the logits.",
        "logit-attribution path-patching",
    ),
    word(
        "lens logitlens tuned-lens future-lens patchscope patchscopes jacobian-lens",
        "What a layer's stream says when it is unembedded: here 'logit-lens'. Lenses that are trained (tuned lens) are not there; a 'probe' trains a classifier on any stream.",
        "logit-lens probe",
    ),
    word(
        "difference-in-means mean-difference mass-mean mass-mean-probe pca principal-components helix fourier-features clock \
         concept-vector refusal-direction linear-representation function-vector rotated-subspace boundless-das",
        "Directions and subspaces of activations: here a step of kind 'direction', whose 'method' says how they are found; edits of later steps add them, exchange them or take \
         them away.",
        "direction intervention",
    ),
    word(
        "probing linear-probe linear-probing classifier diagnostic-classifier",
        "A linear classifier on activations: here 'probe'.",
        "probe",
    ),
    word(
        "sae saes sparse-autoencoder sparse-autoencoders autoencoder transcoder transcoders crosscoder clt \
         dictionary-learning features feature",
        "Sparse autoencoders and transcoders are not there. 'capture' writes activations to train one on elsewhere; neurons are looked at by 'neuron-patching' and 'heuristics'.",
        "capture neuron-patching heuristics",
    ),
    word(
        "generation sampling decode decoding completion-of-text",
        "Texts that the model writes, as it is and under edits: here 'generate'. `ablate logits` shows the next token's probabilities of a text; 'accuracy' with answer = \"multi-token\" lets the model write whole answers, greedily.",
        "generate accuracy prompts.answer",
    ),
    word(
        "mean-ablation zero-ablation resample-ablation head-ablation lesion pruning",
        "Components replaced by a mean, by zero or by another prompt's values: here 'ablation', by its key 'value'.",
        "ablation ablation.value",
    ),
    word(
        "attention-knockout knockout cut blocking attention-blocking masking",
        "Attention edges cut before the softmax: here an edit 'cut' of a step of kind 'intervention'. Neurons of heuristics are knocked out by 'heuristic-knockout' and 'prompt-knockout'.",
        "intervention heuristic-knockout prompt-knockout",
    ),
    word(
        "induction induction-head induction-heads prefix-matching previous-token-head duplicate-token-head head-detection detect-head",
        "How much each head attends where induction, previous-token and duplicate-token heads do: here 'attention-patterns' with 'toward', on prompts such as repeated 'random_tokens'.",
        "attention-patterns attention-patterns.toward prompts.random_tokens",
    ),
    word(
        "attention-map attention-maps attention-weights attention-head",
        "What heads look at, on average and prompt by prompt: here 'attention-patterns'.",
        "attention-patterns",
    ),
    word(
        "ov ov-circuit qk qk-circuit weights svd composition",
        "Analyses of weights alone are not there. What heads read and write is measured on prompts: 'path-patching', 'logit-attribution', 'attention-patterns'.",
        "path-patching logit-attribution",
    ),
    word(
        "logit-diff logit-differences ld",
        "The answer's logit minus the other answer's: here 'logit-difference'; as a share of the difference of both runs 'normalized-logit-difference'.",
        "logit-difference normalized-logit-difference",
    ),
    word("kl-divergence divergence kullback-leibler kld", "How far the whole distribution goes: here 'kl'.", "kl"),
    word(
        "aie ie total-effect average-indirect-effect indirect-effects",
        "Effects of an intervention, averaged over prompts: here 'indirect-effect', its mean in the column 'mean'.",
        "indirect-effect log-indirect-effect",
    ),
    word(
        "completeness minimality faithful sufficiency necessity",
        "What a circuit keeps of the answer: here 'faithfulness', a measure of 'ablation'; with mode = \"keep\" it says what is sufficient, with mode = \"ablate\" what is needed. Minimality is looked for by 'smallest'.",
        "faithfulness ablation smallest",
    ),
    word(
        "fine-tuning finetuning finetune fine-tune lora unlearning weight-editing",
        "Weights of models that are there are not changed. 'train' trains a small model from scratch; a fine-tuned model in a folder of its own is a model like any other.",
        "train model.source",
    ),
    word(
        "cache run-with-cache activation-cache activations dump",
        "Activations kept as files: here 'capture'. The store, which keeps what steps have made, is told of by `ablate store --help`.",
        "capture",
    ),
    word(
        "transformerlens transformer-lens hookedtransformer nnsight hook hooks hook-name hook-names hook-point hook-points site residual-stream \
         residual",
        "Activations have TransformerLens's names: hook_resid_pre, hook_z, hook_mlp_out and so on (`ablate list hooks`); a site of a step is a hook with its layers and units.",
        "resid_post activation-patching.sites",
    ),
    word(
        "last first last-token final-token last-position final-position first-token token-position token-positions",
        "Positions of a prompt's tokens: \"last\" is the last one, whose logits say the answer; a number counts from 0, or from the end if it is negative; \"bos\", a slot's name or a token of the \
         template names one, \"each\" every one on its own, \"all\" all together. Here the key 'positions' of a step.",
        "activation-patching.positions each all",
    ),
    word(
        "braces layer-range layer-ranges ranges",
        "Some layers of a site, a component or a key 'layers': `24..30` is 24 to 29, because the end of a range is excluded; braces hold several, `{0,3,8..12}`, or the name of a step of kind 'probe', \
         `{probes}`, for the layers that it finds.",
        "activation-patching.sites ablation.components neuron-patching.layers",
    ),
    word(
        "gemma gemma-2 gemma-3",
        "Gemma 2 and the language model of Gemma 3 are read; the first Gemma is not.",
        "gemma2 gemma3",
    ),
    word("qwen qwen-2 qwen-3", "Qwen2, Qwen2.5 and Qwen3 are read.", "qwen2 qwen3"),
    word("olmo olmo-2 olmo-3", "OLMo 2 and 3 are read; the first OLMo is not.", "olmo2 olmo3"),
    word(
        "moe mixture-of-experts experts router",
        "Mixtures of experts are read in the families mixtral, qwen3_moe and olmoe; router_logits and expert_weights are their hooks.",
        "mixtral qwen3_moe olmoe router_logits expert_weights",
    ),
    word("phi phi-3 phi-4", "Phi-3, Phi-3.5-mini and Phi-4-mini are read, as 'phi3'; the ones before are not.", "phi3"),
];

/// Families of models that are often asked for and that no program part reads; those that are read are topics of their own.
const FAMILIES: Synonym = word(
    "phi-2 opt bloom falcon mamba bert roberta t5 deepseek gpt-oss stablelm starcoder cohere granite whisper vit clip",
    "This family of models is not read yet. `ablate list models` has those that are: their folders, hf: names and GGUF files are opened; a model of another family whose files are laid out as one of these is, \
     if its config.json says so.",
    "model.source",
);

/// What a word of the field is here.
pub fn synonym(name: &str) -> Option<&'static Synonym> {
    let folded = folded(name);
    let is = |synonym: &&Synonym| synonym.names().any(|name| name == folded);
    SYNONYMS.iter().chain(std::iter::once(&FAMILIES)).find(is)
}

/// Every such word.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    SYNONYMS.iter().chain(std::iter::once(&FAMILIES)).flat_map(Synonym::names)
}

/// In lower case, with '-' between words, as they are listed.
fn folded(name: &str) -> String {
    let words = name.trim().to_lowercase().replace('′', "'");
    words.split(|letter: char| letter.is_whitespace() || letter == '_' || letter == '-').collect::<Vec<_>>().join("-")
}
