//! Settings that are there, and what one that is not there means: what llama.cpp takes it for.

use ablate::model::checkpoint::Checkpoint;
use ablate::model::facts::{Facts, PositionEncoding};
use ablate::model::gguf::Gguf;
use ablate::model::host::HostModel;

use super::edited::{Edited, Setting};

fn model(edited: &Edited) -> Result<Checkpoint, String> {
    let file = edited.file();
    Gguf::open(file.path()).and_then(Gguf::model).map_err(|error| error.to_string())
}

fn facts(edited: &Edited) -> Facts {
    model(edited).unwrap_or_else(|error| panic!("{error}")).facts().clone()
}

fn refusal(edited: &Edited) -> String {
    model(edited).err().expect("accepted")
}

fn frequencies(facts: &Facts) -> Vec<f32> {
    match &facts.positions {
        PositionEncoding::Rotary(rotary) => rotary.table.inv_freq.clone(),
        other => panic!("{other:?}"),
    }
}

/// Every setting of every architecture taken away: the model is the same, or its absence is an error that names it.
#[test]
fn every_setting_absent() {
    for (name, needed) in [
        (
            "llama",
            &[
                "attention.head_count",
                "attention.layer_norm_rms_epsilon",
                "block_count",
                "context_length",
                "embedding_length",
                "feed_forward_length",
            ][..],
        ),
        (
            "qwen2",
            &[
                "attention.head_count",
                "attention.layer_norm_rms_epsilon",
                "block_count",
                "context_length",
                "embedding_length",
                "feed_forward_length",
            ],
        ),
        (
            "gptneox",
            &[
                "attention.head_count",
                "attention.layer_norm_epsilon",
                "block_count",
                "context_length",
                "embedding_length",
                "feed_forward_length",
            ],
        ),
        (
            "gpt2",
            &[
                "attention.head_count",
                "attention.layer_norm_epsilon",
                "block_count",
                "context_length",
                "embedding_length",
                "feed_forward_length",
            ],
        ),
    ] {
        let whole = Edited::of(&format!("{name}.gguf"));
        let right = facts(&whole);
        for key in whole.keys() {
            let Some(setting) = key.strip_prefix(&format!("{name}.")) else { continue };
            let without = whole.clone().without(&key);
            match model(&without) {
                Err(error) if needed.contains(&setting) => assert!(error.contains(&key), "{key}: {error}"),
                Err(error) => {
                    // Heads that share keys, and a part of a head that is rotated, are not what absence means.
                    let shapes = setting == "attention.head_count_kv" && error.contains("attn_k.weight");
                    assert!(shapes, "{key}: {error}");
                }
                Ok(_) if needed.contains(&setting) => panic!("{key} is needed"),
                Ok(model) if setting == "rope.dimension_count" && name == "gptneox" => {
                    assert_eq!(frequencies(model.facts()).len(), right.d_head / 2);
                }
                Ok(model) => assert_eq!(*model.facts(), right, "{key}"),
            }
        }
    }
}

#[test]
fn as_many_key_heads_as_heads_where_nothing_is_said() {
    // The fixture has half as many; with its heads counted by the keys', all is consistent but the queries.
    let error = refusal(&Edited::of("llama.gguf").without("llama.attention.head_count_kv"));
    assert!(error.contains("'blk.0.attn_k.weight' is [16, 32], should be [32, 32]"), "{error}");
    // A count for each layer is that count where they are the same.
    let whole = Edited::of("llama.gguf");
    let same = whole.clone().with(&[("llama.attention.head_count_kv", Setting::Counts(&[2, 2]))]);
    assert_eq!(facts(&same), facts(&whole));
    let error = refusal(&whole.with(&[("llama.attention.head_count_kv", Setting::Counts(&[2, 4]))]));
    assert!(
        error.contains("'llama.attention.head_count_kv' must be a whole number, the same for all layers"),
        "{error}"
    );
}

#[test]
fn a_factor_without_a_type_is_linear() {
    let plain = Edited::of("llama.gguf");
    let right: Vec<f32> = frequencies(&facts(&plain)).iter().map(|frequency| frequency / 4.0).collect();
    for (key, more) in [
        ("llama.rope.scaling.factor", None),
        ("llama.rope.scaling.factor", Some("linear")),
        ("llama.rope.scale_linear", None),
    ] {
        let mut edited = plain.clone().with(&[(key, Setting::Float(4.0))]);
        if let Some(kind) = more {
            edited = edited.with(&[("llama.rope.scaling.type", Setting::Text(kind))]);
        }
        assert_eq!(frequencies(&facts(&edited)), right, "{key} {more:?}");
    }
    // No scaling by its type, by its factor, or for want of one.
    let none: [&[(&str, Setting)]; 5] = [
        &[("llama.rope.scaling.factor", Setting::Float(4.0)), ("llama.rope.scaling.type", Setting::Text("none"))],
        &[("llama.rope.scaling.factor", Setting::Float(0.0))],
        &[("llama.rope.scaling.type", Setting::Text("linear"))],
        &[("llama.rope.scaling.type", Setting::Text("yarn")), ("llama.rope.scaling.factor", Setting::Float(1.0))],
        &[
            ("llama.rope.scaling.attn_factor", Setting::Float(1.0)),
            ("llama.rope.scaling.finetuned", Setting::Bool(true)),
        ],
    ];
    for settings in none {
        assert_eq!(facts(&plain.clone().with(settings)), facts(&plain));
    }
}

#[test]
fn factors_of_frequencies_multiply_with_the_scaling() {
    let plain = Edited::of("llama.gguf");
    let factors = [1.0, 2.0, 4.0, 8.0];
    let edited = plain.clone().floats("rope_freqs.weight", &factors);
    let scaled = edited.clone().with(&[("llama.rope.scaling.factor", Setting::Float(4.0))]);
    let plain = frequencies(&facts(&plain));
    let divided = |by: f32| -> Vec<f32> { plain.iter().zip(factors).map(|(f, factor)| f / by / factor).collect() };
    assert_eq!(frequencies(&facts(&edited)), divided(1.0));
    assert_eq!(frequencies(&facts(&scaled)), divided(4.0));
    for (wrong, part) in [(&[1.0, 2.0][..], "should be [4]"), (&[1.0, 0.0, 1.0, 1.0], "holds 0, which is not a factor")]
    {
        let error = refusal(&Edited::of("llama.gguf").floats("rope_freqs.weight", wrong));
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn what_would_change_the_computation_is_refused_by_name() {
    let cases = [
        (
            "rope.scaling.type",
            Setting::Text("longrope"),
            "'longrope', which is not supported here; supported: none, linear, yarn",
        ),
        ("rope.scaling.attn_factor", Setting::Float(1.2), "'llama.rope.scaling.attn_factor' is 1.2"),
        ("rope.scaling.yarn_ext_factor", Setting::Float(1.0), "'llama.rope.scaling.yarn_ext_factor' is 1"),
        ("rope.scaling.yarn_attn_factor", Setting::Float(0.5), "'llama.rope.scaling.yarn_attn_factor' is 0.5"),
        ("rope.scaling.alpha", Setting::Float(2.0), "'llama.rope.scaling.alpha' is 2"),
        ("rope.dimension_count", Setting::Count(4), "4 rotated dimensions of heads with 8"),
        ("attention.value_length", Setting::Count(4), "heads with 8 dimensions for keys and 4 for values"),
        ("attention.causal", Setting::Bool(false), "'llama.attention.causal'"),
        ("expert_count", Setting::Count(8), "'llama.expert_count'"),
        ("residual_scale", Setting::Float(0.2), "'llama.residual_scale'"),
    ];
    for (key, setting, part) in cases {
        let error = refusal(&Edited::of("llama.gguf").with(&[(&format!("llama.{key}"), setting)]));
        assert!(error.contains(part), "{error}");
    }
    let yarn = [("llama.rope.scaling.type", Setting::Text("yarn")), ("llama.rope.scaling.factor", Setting::Float(4.0))];
    for (key, value) in [("rope.scaling.attn_factor", 1.2), ("rope.scaling.yarn_ext_factor", 0.0)] {
        let error =
            refusal(&Edited::of("llama.gguf").with(&yarn).with(&[(&format!("llama.{key}"), Setting::Float(value))]));
        assert!(error.contains(&format!("'llama.{key}' is {value}")), "{error}");
    }
    let adapter = [("general.type", Setting::Text("adapter"))];
    assert!(refusal(&Edited::of("llama.gguf").with(&adapter)).contains("an adapter (LoRA), not a model"));
}

/// The unembedding that a file has is used, whatever its embedding is.
#[test]
fn an_unembedding_beside_the_embedding_is_used() {
    let own = model(&Edited::of("llama-linear.gguf")).unwrap();
    assert!(!own.facts().tied);
    assert_ne!(own.head().unwrap().unembed.weight.data, own.embedding().unwrap().tokens.data);
    let tied = model(&Edited::of("llama.gguf")).unwrap();
    assert!(tied.facts().tied);
}

/// A tensor in a format that is not read spoils the file only where it is needed.
#[test]
fn an_unused_tensor_of_an_unknown_type() {
    let whole = Edited::of("llama.gguf");
    let (iq4_xs, unknown) = (23, 99);
    for kind in [iq4_xs, unknown] {
        let edited = whole.clone().tensor("blk.0.attn_rot_embd", &[4], kind);
        let file = edited.file();
        let gguf = Gguf::open(file.path()).unwrap();
        let error = gguf.tensor("blk.0.attn_rot_embd").unwrap_err().to_string();
        assert!(error.contains("is not supported; supported: F32, F16"), "{error}");
        assert_eq!(facts(&edited), facts(&whole));
    }
    let used = whole.renamed("output_norm.weight", "gone").tensor("output_norm.weight", &[32], iq4_xs);
    let error = refusal(&used);
    assert!(error.contains("tensor 'output_norm.weight': number format IQ4_XS (type 23) is not supported"), "{error}");
}
