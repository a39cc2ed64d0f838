//! Interventions on Gemma 3 270M, as hooks on transformers' modules make them (`tests/fixtures/make_gemma3_interventions.py`).
//!
//!     scripts/fetch-gemma3.sh
//!     cargo test --release -- --ignored intervene::gemma3

use super::pretrained::Pretrained;
use ablate::model::hook::Site;

const LAYERS: usize = 18;
const HEADS: usize = 4;

/// Largest difference of a logit, logits of which go to about 40.
const TOLERANCE: f32 = 1e-3;

fn open() -> Pretrained {
    Pretrained::open("gemma-3-270m-q4_k_m.gguf", "gemma3-interventions.safetensors", TOLERANCE)
}

#[test]
#[ignore = "needs models/gemma-3-270m-q4_k_m.gguf: scripts/fetch-gemma3.sh"]
fn effects_and_ablations_of_gemma3() {
    let this = open();
    let (last, operand) = (this.last(), this.reference.integers("position")[0]);
    let layers = this.reference.integers("layers");
    let heads = layers.iter().flat_map(|&layer| (0..HEADS).map(move |head| Pretrained::head(layer, head, last)));
    this.intervene("patch/z", &heads.collect::<Vec<_>>());
    let mlp = Pretrained::mlp;
    this.intervene("patch/mlp_out", &(0..LAYERS).map(|layer| mlp(layer, last)).collect::<Vec<_>>());
    this.intervene("patch/mlp_out_operand", &layers.iter().map(|&layer| mlp(layer, operand)).collect::<Vec<_>>());
    let neurons = this.reference.integers("neurons").iter().map(|&neuron| Pretrained::neuron(11, neuron, last));
    this.intervene("patch/mlp_post_neuron", &neurons.collect::<Vec<_>>());
    this.intervene("ablate/heads", &[this.ablated(Site::Z, 0..LAYERS)]);
    this.intervene("ablate/mlps", &[this.ablated(Site::MlpPost, 6..12)]);
}

/// What the last position no longer sees in most layers reaches it through the others.
#[test]
#[ignore = "needs models/gemma-3-270m-q4_k_m.gguf: scripts/fetch-gemma3.sh"]
fn effects_on_a_prompt_longer_than_the_window() {
    let this = open().with_prompts("long/");
    let last = this.last();
    assert!(last > 3 + 512);
    let layers = this.reference.integers("layers");
    let first = layers.iter().map(|&layer| Pretrained::mlp(layer, 3));
    this.intervene("mlp_out_first", &first.collect::<Vec<_>>());
    let heads = layers.iter().flat_map(|&layer| (0..HEADS).map(move |head| Pretrained::head(layer, head, last)));
    this.intervene("z", &heads.collect::<Vec<_>>());
}

#[test]
#[ignore = "needs models/gemma-3-270m-q4_k_m.gguf: scripts/fetch-gemma3.sh"]
fn attributions_of_gemma3() {
    open().attribute_heads();
}
