//! Prompts that several steps of a run have are made, and the model asked about them, once.

use ablate::context::{Context, Models};
use ablate::prompt::PromptSet;
use ablate::resume::Blocks;
use ablate::spec::{Loaded, Prompts, parse};
use ablate::step::{self, Outcome};
use ablate::system::progress::Progress;
use ablate::table::Frames;

const SPEC: &str = r#"
title = "a test"
[model]
source = "builtin:arith"
[prompts]
operands = { a = "0..40", b = "0..40" }
keep = "correct"
sample = 5
[prompt_sets.more]
sample = 6
[[step]]
name = "first"
kind = "logit-lens"
[[step]]
name = "second"
kind = "attention-patterns"
[[step]]
name = "third"
kind = "logit-lens"
prompts = "more"
"#;

/// Runs the steps one after the other, each with `models`, or with models of its own.
fn outcomes(loaded: &Loaded, shared: Option<&Models>) -> Vec<Outcome> {
    let run = |step| {
        let own = Models::new(loaded, true);
        let models = shared.unwrap_or(&own);
        let (progress, frames, blocks) = (Progress::quiet(), Frames::default(), Blocks::off());
        let folder = tempfile::tempdir().unwrap();
        let context =
            Context { loaded, models, progress: &progress, dir: folder.path(), frames: &frames, blocks: &blocks };
        models.usage().forget();
        let mut outcome = step::run(step, &context).unwrap();
        outcome.prompts = models.usage().take_built();
        outcome
    };
    loaded.spec.steps.iter().map(run).collect()
}

#[test]
fn a_second_step_does_not_ask_again() {
    let loaded = parse("spec.toml", SPEC).unwrap();
    let models = Models::new(&loaded, true);
    let together = outcomes(&loaded, Some(&models));
    let model = models.open(&models.names(&[])[0]).unwrap();
    let batch = loaded.spec.run.batch.unwrap_or(1024);
    // What a further step would have to make of them.
    let asked = |prompts: &Prompts, batch: usize| {
        models.set(&model, prompts, batch, || Err::<PromptSet, _>("asked again")).map(|set| set.prompts.len())
    };
    let prompts = loaded.spec.prompts.as_ref().unwrap();
    assert_eq!(asked(prompts, batch), Ok(4 * 5));
    assert_eq!(asked(&loaded.spec.prompt_sets["more"], batch), Ok(4 * 6));
    assert_eq!(asked(&Prompts { seeds: vec![7], ..prompts.clone() }, batch), Err("asked again"), "others are others");
    assert_eq!(asked(prompts, batch - 1), Err("asked again"), "in other batches logits round otherwise");

    let alone = outcomes(&loaded, None);
    for (one, other) in together.iter().zip(&alone) {
        assert_eq!(one.frames, other.frames);
        assert_eq!((&one.notes, &one.prompts), (&other.notes, &other.prompts));
        assert!(!one.prompts.is_empty(), "the manifest has the prompts of every step");
    }
}
