//! What each norm makes, by arithmetic on what transformers recorded: the stream that the norm reads, what it divides by, and the
//! weights in the file. `hook_normalized` itself is recorded, as TransformerLens 2 has it; `hook_standardized` and `hook_out` are
//! what TransformerLens 4 calls `hook_normalized` and `hook_out`.

use super::reference::{Values, folder};
use ablate::kernel::NormKind;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::host::{HostModel, HostNorm};

/// `hook_standardized` and `hook_out` of every norm of a fixture, from its recorded values.
pub fn derived(model: &str, recorded: &Values) -> Values {
    let host = Checkpoint::open(&folder(model)).unwrap();
    let facts = host.facts().clone();
    let mut derived = Values::new();
    let mut derive = |name: &str, stream: &str, norm: &HostNorm| {
        let (shape, stream) = &recorded[stream];
        let (_, divisor) = &recorded[&format!("{name}.hook_scale")];
        let width = facts.d_model;
        let (mut standardized, mut out) = (Vec::new(), Vec::new());
        for (x, divisor) in stream.chunks(width).zip(divisor) {
            let mean = match facts.norm.kind {
                NormKind::Layer => x.iter().sum::<f32>() / width as f32,
                NormKind::Rms => 0.0,
            };
            let row: Vec<f32> = x.iter().map(|x| (x - mean) / divisor).collect();
            let scale = norm.scale.as_ref().map(|scale| &scale.data);
            let shift = norm.shift.as_ref().map(|shift| &shift.data);
            out.extend(
                row.iter()
                    .enumerate()
                    .map(|(i, x)| x * scale.map_or(1.0, |scale| scale[i]) + shift.map_or(0.0, |shift| shift[i])),
            );
            standardized.extend(row);
        }
        derived.insert(format!("{name}.hook_standardized"), (shape.clone(), standardized));
        derived.insert(format!("{name}.hook_out"), (shape.clone(), out));
    };
    for layer in 0..facts.n_layers {
        let at = format!("blocks.{layer}");
        let block = host.block(layer).unwrap();
        if let Some(ln1) = &block.ln1 {
            derive(&format!("{at}.ln1"), &format!("{at}.hook_resid_pre"), ln1);
        }
        if let Some(ln2) = &block.ln2 {
            let mid = format!("{at}.hook_resid_mid");
            let read = if recorded.contains_key(&mid) { mid } else { format!("{at}.hook_resid_pre") };
            derive(&format!("{at}.ln2"), &read, ln2);
        }
    }
    derive("ln_final", &format!("blocks.{}.hook_resid_post", facts.n_layers - 1), &host.head().unwrap().ln_final);
    derived
}

/// What fixtures of `make_families.py`, whose norms are all RMS norms, have under one name of two: `hook_out` is recorded, but of a
/// norm that follows attention or MLP it is what is added to the stream.
pub fn under_other_names(recorded: &Values) -> Values {
    let mut others = Values::new();
    for (name, values) in recorded {
        if let Some(norm) = name.strip_suffix(".hook_normalized") {
            others.insert(format!("{norm}.hook_standardized"), values.clone());
        }
        for (norm, added) in [("ln1_post", "hook_attn_out"), ("ln2_post", "hook_mlp_out")] {
            if let Some(block) = name.strip_suffix(&format!("{norm}.hook_scale")) {
                others.insert(format!("{block}{norm}.hook_out"), recorded[&format!("{block}{added}")].clone());
            }
        }
    }
    others
}

/// `hook_normalized` is one of the two, which one by the kind of the norm.
#[test]
fn normalized_is_before_the_scale_of_an_rms_norm_and_after_that_of_a_layer_norm() {
    for model in super::MODELS {
        let facts = Checkpoint::open(&folder(model)).unwrap().facts().clone();
        let reference = super::reference::Reference::read(model);
        let same = match facts.norm.kind {
            NormKind::Rms => "hook_standardized",
            NormKind::Layer => "hook_out",
        };
        for (name, (_, normalized)) in reference.plain.iter().filter(|(name, _)| name.ends_with("hook_normalized")) {
            let other = &reference.plain[&name.replace("hook_normalized", same)].1;
            let apart = normalized.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 5e-5, "{model}: {name} is {apart:e} from {same}");
        }
    }
}
