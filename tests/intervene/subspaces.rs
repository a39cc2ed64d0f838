//! Changes within subspaces, and rows of runs that are edited themselves: laws, and numbers by hand.

use super::laws::{CASES, COUNT, Draft, basis, drafted, interventions, largest_difference};
use super::reference::{Case, at, base, of, rows, sources, wanted};
use ablate::intervene::{
    Activation, Basis, BasisFault, Change, CleanRun, Edit, EditError, EditedPrompt, Layout, Positions, Replay, Units,
    Value, run_edited,
};
use ablate::kernel::to_f32;
use ablate::model::hook::{Hook, Site};
use proptest::prelude::*;
use std::sync::Arc;

/// Logits by replay and from scratch of edits on every prompt.
fn both(case: &Case, interventions: &[Vec<Edit>]) -> (Vec<f32>, Vec<f32>) {
    let rows = rows(interventions, case.tokens.batch);
    let wanted = wanted(&rows);
    let (base, sources) =
        (base(&case.model, &case.tokens, &wanted), sources(&case.model, &case.source_tokens, &wanted));
    let replay = Replay::new(&case.model, &base, &sources, 1 << 30);
    let scratch = run_edited(&case.model, &case.tokens, &rows, &sources);
    (to_f32(replay.logits(&rows).unwrap()), to_f32(scratch))
}

fn scale(logits: &[f32]) -> f32 {
    logits.iter().fold(1.0f32, |a, b| a.max(b.abs()))
}

/// The stream after a block, what attention or the MLP writes, or one head.
fn place(case: &Case, layer: usize, which: usize) -> (Hook, Units, usize) {
    let facts = case.model.facts();
    let layer = layer % facts.n_layers;
    let stream = |site| (Hook::Block(layer, site), Units::All, facts.d_model);
    match which {
        0 => stream(Site::ResidPost),
        1 => stream(Site::AttnOut),
        2 => stream(Site::MlpOut),
        _ => (Hook::Block(layer, Site::Z), of(&[which % facts.n_heads]), facts.d_head),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn projected_out_twice_is_once(model in 0..COUNT, layer in 0usize..9, which in 0usize..5, size in 1usize..4, seed in 0usize..1000) {
        let case = &CASES[model];
        let (hook, units, width) = place(case, layer, which);
        let basis = basis(width, size, &[seed]);
        let out = Edit::within(hook, Positions::All, units, basis, Value::Constant(0.0));
        let (replayed, scratch) = both(case, &[vec![out.clone()], vec![out.clone(), out]]);
        prop_assert!(largest_difference(&replayed, &scratch) / scale(&scratch) < 5e-5);
        let (once, twice) = replayed.split_at(replayed.len() / 2);
        prop_assert!(largest_difference(once, twice) / scale(once) < 5e-5);
    }

    #[test]
    fn a_basis_of_full_rank_is_a_plain_patch(model in 0..COUNT, layer in 0usize..9, which in 0usize..5, seed in 0usize..1000) {
        let case = &CASES[model];
        let (hook, units, width) = place(case, layer, which);
        let last = at(&[case.tokens.pos - 1]);
        let within = Edit::within(hook, last.clone(), units.clone(), basis(width, width, &[seed]), Value::Source);
        let (replayed, _) = both(case, &[vec![within], vec![Edit::patch(hook, last, units)]]);
        let (within, patched) = replayed.split_at(replayed.len() / 2);
        prop_assert!(largest_difference(within, patched) / scale(patched) < 5e-5);
    }

    #[test]
    fn interchange_with_itself_computes_nothing(model in 0..COUNT, layer in 0usize..9, which in 0usize..5, size in 1usize..4) {
        let case = &CASES[model];
        let (hook, units, width) = place(case, layer, which);
        let edit = Edit::within(hook, Positions::All, units, basis(width, size, &[size]), Value::Source);
        let rows = rows(&[vec![edit]], case.tokens.batch);
        let wanted = wanted(&rows);
        let base = base(&case.model, &case.tokens, &wanted);
        let own = sources(&case.model, &case.tokens, &wanted);
        let replay = Replay::new(&case.model, &base, &own, 1 << 30);
        prop_assert_eq!(replay.cost(&rows).unwrap().unchanged, rows.len());
        prop_assert_eq!(to_f32(replay.logits(&rows).unwrap()), to_f32(base.logits.clone()));
    }

    /// Rows of runs that have edits of their own are the runs from scratch with both.
    #[test]
    fn rows_start_from_edited_runs(model in 0..COUNT, drafts in interventions(), size in 0.0f32..2.0) {
        rows_under(&CASES[model], &drafts, size)?;
    }
}

/// Something for each prompt that is added to its embeddings at some of its positions.
fn added_to_embeddings(case: &Case, size: f32) -> Vec<Arc<[Edit]>> {
    let (width, length) = (case.model.facts().d_model, case.tokens.pos);
    let positions: Vec<usize> = (0..length).filter(|position| position % 2 == 0).collect();
    let of = |prompt: usize| -> Arc<[Edit]> {
        let value = |place: usize| size * ((place * 31 + prompt * 17) as f32).sin();
        let data = (0..positions.len() * width).map(value).collect();
        let given = Activation { layout: Layout::Stream { width }, rows: 1, positions: positions.clone(), data };
        let change = Change::Add { value: Value::Fixed(Arc::new(given)), strength: 1.0 };
        [Edit { hook: Hook::Embed, positions: at(&positions), units: Units::All, change }].into()
    };
    (0..case.tokens.batch).map(of).collect()
}

fn rows_under(case: &Case, drafts: &[Vec<Draft>], size: f32) -> Result<(), TestCaseError> {
    let rows = drafted(case, drafts);
    let wanted = wanted(&rows);
    let under = added_to_embeddings(case, size);
    let pause = || Ok::<(), ablate::model::NotFinite>(());
    let base = CleanRun::run_under(&case.model, case.tokens.clone(), under.clone(), &wanted, 2, pause).unwrap();
    let sources = sources(&case.model, &case.source_tokens, &wanted);
    let replayed = to_f32(Replay::new(&case.model, &base, &sources, 1 << 30).logits(&rows).unwrap());
    let with_both: Vec<EditedPrompt> = rows
        .iter()
        .map(|row| EditedPrompt {
            edits: under[row.prompt].iter().chain(row.edits.iter()).cloned().collect(),
            ..row.clone()
        })
        .collect();
    let scratch = to_f32(run_edited(&case.model, &case.tokens, &with_both, &sources));
    prop_assert!(
        largest_difference(&replayed, &scratch) / scale(&scratch) < 5e-5,
        "{}: {}",
        case.name,
        largest_difference(&replayed, &scratch)
    );
    let check = Replay::new(&case.model, &base, &sources, 1 << 30).check(&rows, 4).unwrap();
    prop_assert!(check.largest_difference / scale(&scratch) < 1e-4, "{:?}", check);
    Ok(())
}

#[test]
fn a_basis_is_orthonormal() {
    let spanned = Basis::spanning(3, &[3.0, 0.0, 0.0, 1.0, 2.0, 0.0]).unwrap();
    assert_eq!((spanned.size(), spanned.width()), (2, 3));
    assert_eq!(spanned.rows(), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert!(Basis::new(3, spanned.rows().to_vec()).is_ok());
    let fault = Basis::new(2, vec![1.0, 0.0, 0.6, 0.8]).unwrap_err();
    assert!(matches!(fault, BasisFault::NotOrthonormal { row: 1, other: 0, .. }), "{fault}");
    assert!(matches!(Basis::new(2, vec![2.0, 0.0]), Err(BasisFault::NotOrthonormal { row: 0, other: 0, .. })));
    assert!(matches!(Basis::new(2, vec![f32::NAN, 0.0]), Err(BasisFault::NotOrthonormal { .. })));
    assert_eq!(Basis::spanning(2, &[1.0, 1.0, 2.0, 2.0]), Err(BasisFault::Dependent { row: 1 }));
    assert_eq!(Basis::spanning(2, &[0.0, 0.0]), Err(BasisFault::Dependent { row: 0 }));
    assert_eq!(Basis::spanning(2, &[1.0, 0.0, 1.0]), Err(BasisFault::Extent { values: 3, width: 2 }));
}

#[test]
fn a_subspace_of_another_width_is_refused() {
    let case = &CASES[0];
    let facts = case.model.facts();
    let edit = |units: Units, width: usize| {
        let hook = Hook::Block(0, Site::ResidPost);
        Edit::within(hook, Positions::All, units, basis(width, 1, &[1]), Value::Constant(0.0)).validate(facts, 4)
    };
    assert!(edit(Units::All, facts.d_model).is_ok());
    let wider = edit(Units::All, facts.d_model + 1).unwrap_err();
    assert!(matches!(wider, EditError::Subspace { expected: Some(expected), .. } if expected == facts.d_model));
    assert!(matches!(edit(of(&[0]), facts.d_model), Err(EditError::Subspace { expected: None, .. })));
    let scores =
        Edit::within(Hook::Block(0, Site::Pattern), Positions::All, Units::All, basis(4, 1, &[1]), Value::Source);
    assert!(matches!(scores.validate(facts, 4), Err(EditError::Subspace { .. })));
}

/// What transformers' modules gave with hooks on them (`tests/fixtures/make_subspaces.py`).
mod by_hooks {
    use super::*;
    use crate::parity::reference::folder;
    use ablate::model::checkpoint::Checkpoint;
    use ablate::model::processing::Processed;
    use ablate::model::transformer::{Tokens, Transformer};
    use ablate::spec::Processing;
    use burn::tensor::DType;
    use safetensors::SafeTensors;

    const MODELS: [&str; 5] = ["llama32", "gemma2", "gemma3", "olmo2", "qwen3"];

    struct Hooked {
        name: &'static str,
        case: Case,
        bytes: Vec<u8>,
    }

    impl Hooked {
        fn open(name: &'static str) -> Self {
            let bytes = std::fs::read(folder(name).join("../../subspaces.safetensors")).unwrap();
            let tokens = {
                let file = SafeTensors::deserialize(&bytes).unwrap();
                let view = file.tensor(&format!("{name}/tokens")).unwrap();
                let ids =
                    view.data().as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as u32).collect();
                Tokens { ids, batch: view.shape()[0], pos: view.shape()[1] }
            };
            let host = Processed::new(Checkpoint::open(&folder(name)).unwrap(), Processing::NONE);
            let model = Transformer::load(&host, &crate::support::device::device(), DType::F32).unwrap();
            Self { name, case: Case::of(model, tokens), bytes }
        }

        fn floats(&self, key: &str) -> Vec<f32> {
            let file = SafeTensors::deserialize(&self.bytes).unwrap();
            let view = file.tensor(&format!("{}/{key}", self.name)).unwrap();
            view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        }

        fn given(&self, key: &str, hook: Hook) -> Value {
            let layout = Layout::of(hook, self.case.model.facts(), self.case.tokens.pos).unwrap();
            Value::Fixed(Arc::new(Activation { layout, rows: 1, positions: Vec::new(), data: self.floats(key) }))
        }

        fn within(&self, hook: Hook, positions: Positions, value: Value, strength: f32) -> Edit {
            let facts = self.case.model.facts();
            let basis = Arc::new(Basis::new(facts.d_model, self.floats("plane")).unwrap());
            Edit { hook, positions, units: Units::All, change: Change::Within { basis, value, strength } }
        }

        fn expect(&self, key: &str, found: &[f32]) {
            let off = largest_difference(found, &self.floats(key));
            assert!(off < 1e-4, "{}: {key} is off by {off:.1e}", self.name);
        }
    }

    #[test]
    fn changes_within_subspaces_are_those_of_hooks() {
        for model in MODELS.map(Hooked::open) {
            let last = at(&[model.case.tokens.pos - 1]);
            let block = |layer, site| Hook::Block(layer, site);
            let (post, zero) = (block(0, Site::ResidPost), Value::Constant(0.0));
            let n_layers = model.case.model.facts().n_layers;
            let head = Arc::new(Basis::new(model.case.model.facts().d_head, model.floats("head")).unwrap());
            let added = Change::Add { value: model.given("v", post), strength: 1.5 };
            let everywhere = (0..n_layers)
                .map(|layer| model.within(block(layer, Site::ResidPost), Positions::All, Value::Constant(0.0), 1.0));
            let interventions = [
                ("add", vec![Edit { hook: post, positions: last.clone(), units: Units::All, change: added }]),
                ("out", vec![model.within(post, Positions::All, zero.clone(), 1.0)]),
                ("half", vec![model.within(post, at(&[1]), zero.clone(), 0.5)]),
                ("out_everywhere", everywhere.collect()),
                ("interchange", vec![model.within(block(1, Site::MlpOut), last.clone(), Value::Source, 1.0)]),
                ("interchange_stream", vec![model.within(post, at(&[2]), Value::Source, 1.0)]),
                ("class", {
                    let hook = block(0, Site::AttnOut);
                    vec![model.within(hook, at(&[1]), model.given("m", hook), 1.0)]
                }),
                ("head_out", vec![Edit::within(block(0, Site::Z), Positions::All, of(&[1]), head, zero)]),
            ];
            let edits: Vec<Vec<Edit>> = interventions.iter().map(|(_, edits)| edits.clone()).collect();
            let (replayed, scratch) = both(&model.case, &edits);
            let each = replayed.len() / edits.len();
            for (number, (key, _)) in interventions.iter().enumerate() {
                model.expect(key, &replayed[number * each..][..each]);
                model.expect(key, &scratch[number * each..][..each]);
            }
        }
    }

    #[test]
    fn noise_and_restored_windows_are_those_of_hooks() {
        for model in MODELS.map(Hooked::open) {
            let case = &model.case;
            let (facts, prompts) = (case.model.facts(), case.tokens.batch);
            let noise = model.floats("noise");
            let under: Vec<Arc<[Edit]>> = noise
                .chunks_exact(2 * facts.d_model)
                .map(|noise| {
                    let layout = Layout::Stream { width: facts.d_model };
                    let given = Activation { layout, rows: 1, positions: vec![1, 2], data: noise.to_vec() };
                    let change = Change::Add { value: Value::Fixed(Arc::new(given)), strength: 1.0 };
                    [Edit { hook: Hook::Embed, positions: at(&[1, 2]), units: Units::All, change }].into()
                })
                .collect();
            let restored: Vec<Vec<Edit>> = (0..facts.n_layers)
                .map(|layer| {
                    let window = layer.saturating_sub(1)..layer + 1;
                    window.map(|layer| Edit::patch(Hook::Block(layer, Site::MlpOut), at(&[2]), Units::All)).collect()
                })
                .collect();
            let rows = rows(&restored, prompts);
            let wanted = wanted(&rows);
            let pause = || Ok::<(), ablate::model::NotFinite>(());
            let base = CleanRun::run_under(&case.model, case.tokens.clone(), under, &wanted, 2, pause).unwrap();
            model.expect("noised", &to_f32(base.logits.clone()));
            let clean = sources(&case.model, &case.tokens, &wanted);
            model.expect("restored", &to_f32(Replay::new(&case.model, &base, &clean, 1 << 30).logits(&rows).unwrap()));
        }
    }
}
