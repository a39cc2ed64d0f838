//! The configurations of published models: as many parameters, the windows, norms and rotations that transformers makes of them.

use ablate::model::checkpoint::Checkpoint;
use ablate::model::facts::{Experts, HeadNorm, NormPlaces};
use ablate::model::host::HostModel;

/// As transformers counts them on the meta device (tests/fixtures/configs/count.py).
#[test]
fn parameters() {
    let published = [
        ("gemma-2-2b", 2_614_341_888),
        ("gemma-3-1b", 999_885_952),
        ("gemma-3-270m", 268_098_176),
        // Without its eyes.
        ("gemma-3-4b", 3_880_263_168),
        ("gpt-j-6b", 6_050_882_784),
        ("gpt2", 124_439_808),
        ("gpt2-xl", 1_557_611_200),
        ("llama3-70b", 70_553_706_496),
        ("llama3-8b", 8_030_261_248),
        ("llama3.1-8b", 8_030_261_248),
        ("llama3.2-1b", 1_235_814_400),
        ("mistral-7b-v0.1", 7_241_732_096),
        ("mistral-7b-v0.3", 7_248_023_552),
        ("mixtral-8x7b", 46_702_792_704),
        ("olmo2-1b", 1_484_916_736),
        ("olmo3-7b", 7_298_011_136),
        ("olmoe-1b-7b", 6_919_161_856),
        ("phi-3-mini-4k", 3_821_079_552),
        ("phi-3.5-mini", 3_821_079_552),
        ("pythia-6.9b", 6_857_302_016),
        ("qwen2.5-0.5b", 494_032_768),
        ("qwen3-0.6b", 596_049_920),
        ("qwen3-30b-a3b", 30_532_122_624),
        ("qwen3-8b", 8_190_735_360),
        ("smollm2-135m", 134_515_008),
        ("smollm3-3b", 3_075_098_624),
    ];
    for (model, parameters) in published {
        let host = published_model(model);
        assert_eq!(host.parameters(), parameters, "{model}");
        let near = host.facts().approximate_parameters() as f64 / parameters as f64;
        assert!((near - 1.0).abs() < 0.01, "{model}: {near}");
    }
}

/// Of how many experts how many are chosen, how wide they are, and whether the chosen weights sum to one.
#[test]
fn experts() {
    for (model, count, chosen, width, normalised) in [
        ("mixtral-8x7b", 8, 2, 14_336, true),
        ("olmoe-1b-7b", 64, 8, 1024, false),
        ("qwen3-30b-a3b", 128, 8, 768, true),
    ] {
        let facts = published_model(model).facts().clone();
        let layers = (0..facts.n_layers).collect();
        assert_eq!(facts.experts, Some(Experts { count, chosen, width, normalised, layers }), "{model}");
    }
    assert_eq!(published_model("qwen3-8b").facts().experts, None);
}

fn published_model(name: &str) -> Checkpoint {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/configs");
    Checkpoint::random(&folder.join(format!("{name}.json")), 0).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Where attention has a window: how wide, and every how many layers it has none. As transformers' `layer_types` has it, and where there
/// are none, its class.
#[test]
fn windows() {
    let nowhere_full = usize::MAX;
    let published = [
        ("gemma-2-2b", 4096, 2),
        ("gemma-3-1b", 512, 6),
        ("gemma-3-270m", 512, 6),
        ("gemma-3-4b", 1024, 6),
        ("mistral-7b-v0.1", 4096, nowhere_full),
        ("olmo3-7b", 4096, 4),
        ("phi-3-mini-4k", 2047, nowhere_full),
    ];
    for (model, tokens, every) in published {
        let facts = published_model(model).facts().clone();
        let window = facts.window.unwrap_or_else(|| panic!("{model} has no window"));
        let layers: Vec<usize> = (0..facts.n_layers).filter(|layer| !(layer + 1).is_multiple_of(every)).collect();
        assert_eq!((window.tokens, window.layers), (tokens, layers), "{model}");
    }
    for model in ["llama3.2-1b", "mistral-7b-v0.3", "olmo2-1b", "qwen2.5-0.5b", "qwen3-0.6b", "qwen3-8b", "smollm3-3b"]
    {
        assert_eq!(published_model(model).facts().window, None, "{model}");
    }
}

/// Norms, scale and caps of scores and logits, and the embedding's factor, by the tables of their papers.
#[test]
fn norms_and_scales() {
    let (before, after, around) = (NormPlaces::Before, NormPlaces::After, NormPlaces::Around);
    let (each, all) = (Some(HeadNorm::EachHead), Some(HeadNorm::AllHeads));
    let (capped, free) = ((Some(50.0), Some(30.0)), (None, None));
    let published = [
        ("gemma-2-2b", around, None, 256.0, capped, 48.0),
        ("gemma-3-1b", around, each, 256.0, free, 1152f64.sqrt()),
        ("gemma-3-270m", around, each, 256.0, free, 640f64.sqrt()),
        ("gemma-3-4b", around, each, 256.0, free, 2560f64.sqrt()),
        ("llama3.2-1b", before, None, 64.0, free, 1.0),
        ("mistral-7b-v0.1", before, None, 128.0, free, 1.0),
        ("olmo2-1b", after, all, 128.0, free, 1.0),
        ("olmo3-7b", after, all, 128.0, free, 1.0),
        ("phi-3-mini-4k", before, None, 96.0, free, 1.0),
        ("qwen3-0.6b", before, each, 128.0, free, 1.0),
        ("qwen3-8b", before, each, 128.0, free, 1.0),
        ("smollm3-3b", before, None, 128.0, free, 1.0),
    ];
    for (model, norms, head_norm, scale, caps, embed_factor) in published {
        let facts = published_model(model).facts().clone();
        let found = facts.scores.over_root_of.unwrap_or(facts.d_head as f64);
        assert_eq!((facts.norms, facts.head_norm, found), (norms, head_norm, scale), "{model}");
        assert_eq!((facts.caps.scores, facts.caps.logits), caps, "{model}");
        assert!((facts.embed_factor - embed_factor).abs() < 1e-9, "{model}: {}", facts.embed_factor);
    }
}

/// Radians per position of the second, the middle and the last pair of dimensions, and the attention factor, of a layer; `None` where it
/// rotates nothing (tests/fixtures/configs/count.py).
#[test]
fn rotations() {
    let gemma_window = Some(([0.93057203, 0.01, 0.00010746078], 1.0));
    let gemma_full = Some(([0.89768714, 0.001, 1.1139739e-06], 1.0));
    let qwen3 = Some(([0.8058422, 0.001, 1.2409378e-06], 1.0));
    let smollm3 = Some(([0.78583, 0.00044721362, 2.5450797e-07], 1.0));
    let olmo = Some(([0.8146172, 0.0014142134, 2.4551407e-06], 1.0));
    let published = [
        ("gemma-2-2b", 0, gemma_window),
        ("gemma-2-2b", 1, gemma_window),
        ("gemma-3-1b", 0, gemma_window),
        ("gemma-3-1b", 5, gemma_full),
        ("gemma-3-270m", 16, gemma_window),
        ("gemma-3-270m", 17, gemma_full),
        ("gemma-3-4b", 4, gemma_window),
        ("gemma-3-4b", 5, Some(([0.11221089, 0.000125, 1.3924674e-07], 1.0))),
        ("llama3.1-8b", 0, Some(([0.8146172, 0.000524846, 3.068926e-07], 1.0))),
        ("llama3.2-1b", 0, Some(([0.6636013, 0.0004295567, 9.4183065e-08], 1.0))),
        ("mistral-7b-v0.1", 0, Some(([0.86596435, 0.01, 0.00011547819], 1.0))),
        ("olmo2-1b", 0, olmo),
        ("olmo3-7b", 2, olmo),
        ("olmo3-7b", 3, Some(([0.8146172, 0.00039514786, 3.068926e-07], 1.2079442))),
        ("phi-3-mini-4k", 0, Some(([0.82540417, 0.01, 0.00012115275], 1.0))),
        ("phi-3.5-mini", 0, Some(([0.8092198, 0.0050251265, 4.2659427e-05], 1.1902381))),
        ("qwen3-0.6b", 0, qwen3),
        ("qwen3-8b", 35, qwen3),
        ("smollm3-3b", 2, smollm3),
        ("smollm3-3b", 3, None),
        ("smollm3-3b", 35, None),
    ];
    let near = |found: f32, expected: f32| (found / expected - 1.0).abs() < 2e-6;
    for (model, layer, expected) in published {
        let facts = published_model(model).facts().clone();
        let rotary = facts.rotary_of(layer);
        assert_eq!(rotary.is_some(), expected.is_some(), "{model}, layer {layer}");
        if let (Some(rotary), Some((frequencies, magnitude))) = (rotary, expected) {
            let pairs = rotary.inv_freq.len();
            let found = [1, pairs / 2, pairs - 1].map(|pair| rotary.inv_freq[pair]);
            let same = found.iter().zip(frequencies).all(|(&found, expected)| near(found, expected));
            assert!(
                same && near(rotary.magnitude, magnitude),
                "{model}, layer {layer}: {found:?}, {}",
                rotary.magnitude
            );
        }
    }
}
