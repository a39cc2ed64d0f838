//! What must hold for every model, prompt and edit.

use super::reference::{Case, MODELS, at, base, of, rows, sources, wanted};
use crate::parity::families::{self, EXPERTS, FAMILIES};
use crate::support::device;
use ablate::intervene::{
    Activation, Basis, Change, Edit, EditError, EditedPrompt, Layout, LogitRead, Positions, Replay, Units, Value,
    capture_means, run_edited,
};
use ablate::kernel::to_f32;
use ablate::model::hook::{Hook, SITES, Site};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::{Arc, LazyLock};

/// Models with windows, and with scores of other scales.
const ALONE: [&str; 3] = ["gpt2-scores", "mistral-window", "qwen2-window"];
pub const COUNT: usize = MODELS.len() + ALONE.len() + FAMILIES.len() + EXPERTS.len();

pub static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let alone = ALONE.into_iter().chain(families::all()).map(Case::alone);
    MODELS.iter().map(|name| Case::open(name)).chain(alone).collect()
});

/// In units of what differences may be on the CPU.
pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let largest = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |a, b| if b.is_nan() || b > a { b } else { a });
    largest / device::tolerance(1.0)
}

/// An edit as random numbers, made to fit whatever model it meets.
#[derive(Debug, Clone)]
pub struct Draft {
    layer: usize,
    site: usize,
    positions: Vec<usize>,
    all_positions: bool,
    units: Vec<usize>,
    all_units: bool,
    change: u8,
    strength: f32,
    keys: Vec<usize>,
}

fn draft() -> impl Strategy<Value = Draft> {
    let numbers = || proptest::collection::vec(0usize..1000, 1..4);
    let what = (0usize..100, 0..SITES.len() + 6, 0u8..8, prop_oneof![Just(1.0f32), -1.5f32..1.5]);
    (what, numbers(), any::<bool>(), numbers(), any::<bool>(), numbers()).prop_map(
        |((layer, site, change, strength), positions, all_positions, units, all_units, keys)| Draft {
            layer,
            site,
            positions,
            all_positions,
            units,
            all_units,
            change,
            strength,
            keys,
        },
    )
}

/// A basis of `size` dimensions at most, of vectors that a few numbers say.
pub fn basis(width: usize, size: usize, numbers: &[usize]) -> Arc<Basis> {
    let mut random = ChaCha8Rng::seed_from_u64(numbers.iter().fold(7, |seed, &number| seed * 1009 + number as u64));
    let size = size.min(width);
    let vectors: Vec<f32> = (0..size * width).map(|_| random.random_range(-1.0..1.0)).collect();
    Arc::new(Basis::spanning(width, &vectors).expect("random vectors are independent"))
}

fn sorted(numbers: &[usize], below: usize) -> Vec<usize> {
    let mut numbers: Vec<usize> = numbers.iter().map(|number| number % below).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

impl Draft {
    /// A subspace of what is edited, where there can be one. What chooses experts is left alone, near a tie rounding chooses others, and so are
    /// divisors, which must not become zero.
    fn basis(&self, layout: Layout, hook: Hook) -> Option<Arc<Basis>> {
        let width = match layout {
            Layout::Stream { width } if self.all_units && width > 1 => width,
            Layout::Heads { width, .. } if !self.all_units || self.keys.len() > 1 => width,
            Layout::Heads { .. } => layout.position_width(),
            _ => return None,
        };
        let experts = matches!(hook, Hook::Block(_, Site::RouterLogits | Site::ExpertWeights));
        (!experts).then(|| basis(width, self.keys.len(), &self.keys))
    }

    /// `None` where the model has no such hook.
    pub fn edit(&self, case: &Case) -> Option<Edit> {
        let facts = case.model.facts();
        let hook = match self.site.checked_sub(SITES.len()) {
            None => Hook::Block(self.layer % facts.n_layers, SITES[self.site].0),
            Some(0) => Hook::Embed,
            Some(1) => Hook::PosEmbed,
            Some(2) => Hook::LnFinalNormalized,
            Some(3) => Hook::LnFinalStandardized,
            Some(4) => Hook::LnFinalOut,
            Some(_) => Hook::LnFinalScale,
        };
        let length = case.tokens.pos;
        let layout = Layout::of(hook, facts, length)?;
        let positions =
            if self.all_positions { Positions::All } else { Positions::At(sorted(&self.positions, length)) };
        let units = if self.all_units { Units::All } else { Units::Of(sorted(&self.units, layout.units())) };
        let scores = matches!(hook, Hook::Block(_, Site::AttnScores));
        // A divisor near zero blows every rounding up: it gets values that runs have.
        let divisor = matches!(layout, Layout::Stream { width: 1 });
        let change = match self.change {
            0..=2 if divisor => Change::Replace { value: Value::Source, strength: 1.0 },
            3.. if scores => Change::Cut { keys: Positions::At(sorted(&self.keys, length)) },
            0 => Change::Replace { value: Value::Constant(0.5), strength: 1.0 },
            1 => Change::Add { value: Value::Source, strength: self.strength },
            2 => Change::Replace { value: Value::Source, strength: self.strength },
            6.. if self.basis(layout, hook).is_some() => {
                let value = if self.change == 6 { Value::Source } else { Value::Constant(0.0) };
                let basis = self.basis(layout, hook).expect("there is one");
                Change::Within { basis, value, strength: self.strength }
            }
            _ => Change::Replace { value: Value::Source, strength: 1.0 },
        };
        Some(Edit { hook, positions, units, change })
    }
}

pub fn drafted(case: &Case, drafts: &[Vec<Draft>]) -> Vec<EditedPrompt> {
    let edits = |drafts: &Vec<Draft>| drafts.iter().filter_map(|draft| draft.edit(case)).collect::<Vec<Edit>>();
    rows(&drafts.iter().map(edits).collect::<Vec<_>>(), case.tokens.batch)
}

/// Rows of several edits each.
pub fn interventions() -> impl Strategy<Value = Vec<Vec<Draft>>> {
    proptest::collection::vec(proptest::collection::vec(draft(), 1..4), 1..6)
}

/// Replayed = recomputed from scratch; batched = single; rows in any order.
pub fn replay_is_scratch(case: &Case, drafts: &[Vec<Draft>], memory: usize) -> Result<(), TestCaseError> {
    let rows = drafted(case, drafts);
    let wanted = wanted(&rows);
    let base = base(&case.model, &case.tokens, &wanted);
    let sources = sources(&case.model, &case.source_tokens, &wanted);
    let scratch = to_f32(run_edited(&case.model, &case.tokens, &rows, &sources));
    let scale = scratch.iter().fold(1.0f32, |a, b| a.max(b.abs()));
    prop_assert!(scratch.iter().all(|logit| logit.is_finite()));

    let replay = Replay::new(&case.model, &base, &sources, 1 << 30);
    let whole = to_f32(replay.logits(&rows).unwrap());
    prop_assert!(
        largest_difference(&whole, &scratch) / scale < 5e-5,
        "replayed against scratch: {}",
        largest_difference(&whole, &scratch)
    );
    let again = to_f32(replay.logits(&rows).unwrap());
    prop_assert_eq!(&whole, &again, "the same again, to the bit");

    let blocks = Replay::new(&case.model, &base, &sources, memory);
    let in_blocks = to_f32(blocks.logits(&rows).unwrap());
    prop_assert!(
        largest_difference(&whole, &in_blocks) / scale < 1e-5,
        "in blocks: {}",
        largest_difference(&whole, &in_blocks)
    );

    let reversed: Vec<EditedPrompt> = rows.iter().rev().cloned().collect();
    let backwards = to_f32(replay.logits(&reversed).unwrap());
    let width = whole.len() / rows.len();
    let forwards: Vec<f32> = backwards.chunks_exact(width).rev().flatten().copied().collect();
    prop_assert!(largest_difference(&whole, &forwards) / scale < 1e-5, "in another order");

    let single: Vec<f32> =
        rows.iter().flat_map(|row| to_f32(replay.logits(std::slice::from_ref(row)).unwrap())).collect();
    prop_assert!(largest_difference(&whole, &single) / scale < 1e-5, "one at a time");
    Ok(())
}

/// A run patched with its own values is itself, to the bit: nothing is computed.
pub fn self_patch_is_clean(case: &Case, drafts: &[Vec<Draft>]) -> Result<(), TestCaseError> {
    let mut rows = drafted(case, drafts);
    for row in &mut rows {
        let edits = row.edits.iter().filter(|edit| !matches!(edit.change, Change::Cut { .. }));
        row.edits = edits.map(|edit| Edit::patch(edit.hook, edit.positions.clone(), edit.units.clone())).collect();
    }
    let wanted = wanted(&rows);
    let base = base(&case.model, &case.tokens, &wanted);
    let sources = sources(&case.model, &case.tokens, &wanted);
    let replay = Replay::new(&case.model, &base, &sources, 1 << 30);
    prop_assert_eq!(replay.cost(&rows).unwrap().unchanged, rows.len());
    let clean = to_f32(base.logits.clone());
    let width = clean.len() / case.tokens.batch;
    for (row, logits) in rows.iter().zip(to_f32(replay.logits(&rows).unwrap()).chunks_exact(width)) {
        prop_assert_eq!(logits, &clean[row.prompt * width..][..width]);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replay_is_the_run_from_scratch(model in 0..COUNT, drafts in interventions(), memory in 1usize..200_000) {
        replay_is_scratch(&CASES[model], &drafts, memory)?;
    }

    #[test]
    fn self_patch_changes_nothing(model in 0..COUNT, drafts in interventions()) {
        self_patch_is_clean(&CASES[model], &drafts)?;
    }

    /// An edit of strength 0 changes nothing.
    #[test]
    fn strength_zero_is_the_clean_run(model in 0..COUNT, drafts in interventions()) {
        let case = &CASES[model];
        let mut rows = drafted(case, &drafts);
        for row in &mut rows {
            let scaled = |edit: &Edit| {
                let change = match &edit.change {
                    Change::Replace { value, .. } => Change::Replace { value: value.clone(), strength: 0.0 },
                    Change::Add { value, .. } => Change::Add { value: value.clone(), strength: 0.0 },
                    Change::Within { basis, value, .. } => {
                        Change::Within { basis: basis.clone(), value: value.clone(), strength: 0.0 }
                    }
                    Change::Cut { .. } => return None,
                };
                Some(Edit { change, ..edit.clone() })
            };
            row.edits = row.edits.iter().filter_map(scaled).collect();
        }
        let wanted = wanted(&rows);
        let sources = sources(&case.model, &case.source_tokens, &wanted);
        let scratch = to_f32(run_edited(&case.model, &case.tokens, &rows, &sources));
        let base = base(&case.model, &case.tokens, &wanted);
        let replayed = to_f32(Replay::new(&case.model, &base, &sources, 1 << 30).logits(&rows).unwrap());
        prop_assert!(largest_difference(&scratch, &replayed) < 1e-4);
        let clean = to_f32(base.logits.clone());
        let width = clean.len() / case.tokens.batch;
        for (row, logits) in rows.iter().zip(replayed.chunks_exact(width)) {
            prop_assert_eq!(logits, &clean[row.prompt * width..][..width]);
        }
    }
}

/// Rows without an edit, and no rows at all.
#[test]
fn no_edits_are_the_clean_run() {
    for case in CASES.iter() {
        let rows = case.rows(&[Vec::new(), Vec::new()]);
        let base = base(&case.model, &case.tokens, &Default::default());
        let none = Default::default();
        let replay = Replay::new(&case.model, &base, &none, 1 << 30);
        let clean = to_f32(base.logits.clone());
        assert_eq!(to_f32(replay.logits(&rows).unwrap()), [clean.clone(), clean.clone()].concat(), "{}", case.name);
        let scratch = to_f32(run_edited(&case.model, &case.tokens, &rows, &none));
        assert!(largest_difference(&scratch[..clean.len()], &clean) < 2e-5, "{}", case.name);
        assert_eq!(replay.logits(&[]).unwrap().dims(), [0, case.model.facts().n_vocab], "{}", case.name);
        assert_eq!(replay.check(&[], 8).unwrap().rows, 0);
    }
}

/// A query reads no key after it, whatever is written there.
#[test]
fn the_mask_stays_whatever_is_written() {
    for case in CASES.iter() {
        let written = |value: f32, strength: f32, site: Site| {
            let change = Change::Replace { value: Value::Constant(value), strength };
            vec![Edit { hook: Hook::Block(0, site), positions: at(&[0]), units: Units::All, change }]
        };
        // The first query reads the first key alone: any score of it is the whole softmax.
        let rows = case.rows(&[
            written(0.5, 1.0, Site::AttnScores),
            written(0.5, 0.3, Site::AttnScores),
            written(1.0, 1.0, Site::Pattern),
        ]);
        let wanted = wanted(&rows);
        let none = Default::default();
        let scratch = to_f32(run_edited(&case.model, &case.tokens, &rows, &none));
        let base = base(&case.model, &case.tokens, &wanted);
        let replayed = to_f32(Replay::new(&case.model, &base, &none, 1 << 30).logits(&rows).unwrap());
        let clean = to_f32(base.logits.clone());
        for logits in scratch.chunks_exact(clean.len()).chain(replayed.chunks_exact(clean.len())) {
            assert!(largest_difference(logits, &clean) < 2e-5, "{}", case.name);
        }
    }
}

/// The neurons of a layer, or, where it has experts with neurons of their own, what it writes.
fn mlp(case: &Case, layer: usize) -> Hook {
    let neurons = Hook::Block(layer, Site::MlpPost);
    let there = Layout::of(neurons, case.model.facts(), case.tokens.pos).is_some();
    if there { neurons } else { Hook::Block(layer, Site::MlpOut) }
}

/// One thread and several.
#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for case in CASES.iter() {
        let facts = case.model.facts();
        let edits = |layer: usize| {
            let heads = Edit::patch(Hook::Block(layer, Site::Z), at(&[1, case.last()]), Units::All);
            vec![heads, Edit::zero(mlp(case, layer), Positions::All, of(&[0, 2]))]
        };
        let rows = case.rows(&(0..facts.n_layers).map(edits).collect::<Vec<_>>());
        let wanted = wanted(&rows);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let base = base(&case.model, &case.tokens, &wanted);
                let sources = sources(&case.model, &case.source_tokens, &wanted);
                to_f32(Replay::new(&case.model, &base, &sources, 1 << 30).logits(&rows).unwrap())
            })
        };
        let one = run(1);
        for threads in [2, 3] {
            assert!(largest_difference(&one, &run(threads)) < 1e-5, "{} with {threads} threads", case.name);
        }
    }
}

#[test]
fn patching_everything_is_the_source_run() {
    for case in CASES.iter() {
        let layer = case.model.facts().n_layers - 1;
        let everything = [
            vec![Edit::patch(Hook::Block(0, Site::ResidPre), Positions::All, Units::All)],
            vec![Edit::patch(Hook::Block(layer, Site::ResidPost), Positions::All, Units::All)],
            vec![Edit::patch(Hook::Block(layer, Site::ResidPost), at(&[case.last()]), Units::All)],
        ];
        let replayed = case.replay(&case.rows(&everything));
        let source = to_f32(case.model.last_logits(&case.source_tokens));
        for patched in replayed.chunks_exact(source.len()) {
            assert!(largest_difference(patched, &source) < 2e-5, "{}", case.name);
        }
    }
}

#[test]
fn a_mean_ablation_of_everything_forgets_the_prompt() {
    for case in CASES.iter() {
        let facts = case.model.facts();
        let mut hooks = vec![Hook::Embed];
        for layer in 0..facts.n_layers {
            hooks.extend([Hook::Block(layer, Site::Z), mlp(case, layer)]);
        }
        let wanted = hooks.iter().map(|&hook| (hook, Positions::All)).collect();
        let groups = vec![0; case.tokens.batch];
        let pause = || Ok::<(), ablate::model::NotFinite>(());
        let means = capture_means(&case.model, &case.tokens, &groups, &wanted, false, 2, pause).unwrap().remove(0);
        let set = |&hook: &Hook| Edit::set(hook, Positions::All, Units::All, Arc::new(means[&hook].clone()));
        let edits: Vec<Edit> = hooks.iter().map(set).collect();
        let replayed = case.replay(&case.rows(&[edits]));
        let width = facts.n_vocab;
        for logits in replayed.chunks_exact(width).skip(1) {
            assert!(largest_difference(logits, &replayed[..width]) < 2e-5, "{}", case.name);
        }
    }
}

#[test]
fn means_are_means() {
    let case = &CASES[4];
    let hook = Hook::Block(1, Site::Z);
    let wanted = [(hook, at(&[1, 3]))].into_iter().collect();
    let all = sources(&case.model, &case.tokens, &wanted);
    let pause = || Ok::<(), ablate::model::NotFinite>(());
    let groups: Vec<usize> = (0..case.tokens.batch).map(|prompt| prompt % 2).collect();
    let means = capture_means(&case.model, &case.tokens, &groups, &wanted, false, 1, pause).unwrap();
    let pooled = capture_means(&case.model, &case.tokens, &groups, &wanted, true, 3, pause).unwrap();
    for (group, (mean, pooled)) in means.iter().zip(&pooled).enumerate() {
        let members: Vec<usize> = (0..case.tokens.batch).filter(|prompt| prompt % 2 == group).collect();
        for head in 0..case.model.facts().n_heads {
            for index in 0..case.model.facts().d_head {
                let value = |prompt: usize, position: usize| all[&hook].unit(prompt, position, head).unwrap()[index];
                let by_position: Vec<f32> = [1, 3]
                    .iter()
                    .map(|&position| members.iter().map(|&p| value(p, position)).sum::<f32>() / members.len() as f32)
                    .collect();
                for (&wanted, position) in by_position.iter().zip([1, 3]) {
                    assert!((mean[&hook].unit(0, position, head).unwrap()[index] - wanted).abs() < 1e-6);
                }
                let over_both = (by_position[0] + by_position[1]) / 2.0;
                assert!((pooled[&hook].unit(0, 4, head).unwrap()[index] - over_both).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn cutting_edges_of_the_future_changes_nothing() {
    for case in CASES.iter() {
        let cut = |layer: usize| vec![Edit::cut(layer, Units::All, at(&[1]), at(&[2, 3]))];
        let interventions: Vec<_> = (0..case.model.facts().n_layers).map(cut).collect();
        let rows = case.rows(&interventions);
        let wanted = wanted(&rows);
        let base = base(&case.model, &case.tokens, &wanted);
        let none = Default::default();
        let replay = Replay::new(&case.model, &base, &none, 1 << 30);
        assert_eq!(replay.cost(&rows).unwrap().unchanged, rows.len());
        let scratch = to_f32(run_edited(&case.model, &case.tokens, &rows, &none));
        let clean = to_f32(base.logits.clone());
        for logits in scratch.chunks_exact(clean.len()) {
            assert!(largest_difference(logits, &clean) < 2e-5, "{}", case.name);
        }
    }
}

/// A query that reads nothing: its z is zero, not a softmax over nothing.
#[test]
fn cutting_every_edge_leaves_nothing() {
    for case in CASES.iter() {
        let last = case.last();
        let cut = vec![
            Edit::cut(0, Units::All, at(&[last]), at(&[0, 1])),
            Edit::cut(0, Units::All, at(&[last]), at(&(2..=last).collect::<Vec<_>>())),
        ];
        let zero = vec![Edit::zero(Hook::Block(0, Site::Z), at(&[last]), Units::All)];
        let replayed = case.replay(&case.rows(&[cut, zero]));
        let (cut, zero) = replayed.split_at(replayed.len() / 2);
        assert!(cut.iter().all(|logit| logit.is_finite()), "{}", case.name);
        assert!(largest_difference(cut, zero) < 2e-5, "{}", case.name);
    }
}

/// An edge that is cut stays cut, whatever else is written to its score, before the cut or after it: what is left is a softmax over
/// the other keys, here of equal scores.
#[test]
fn a_cut_edge_stays_cut() {
    for case in CASES.iter() {
        let (last, heads) = (case.last(), case.model.facts().n_heads);
        let cut = Edit::cut(0, Units::Of(vec![0]), at(&[last]), at(&[1]));
        let equal = |strength| Edit {
            change: Change::Replace { value: Value::Constant(0.5), strength },
            ..Edit::zero(Hook::Block(0, Site::AttnScores), at(&[last]), Units::Of(vec![0]))
        };
        // A layer with a window sees no further back.
        let window = case.model.facts().window_of(0);
        let left: Vec<usize> =
            (0..=last).filter(|&key| key != 1 && window.is_none_or(|window| key + window > last)).collect();
        let share = |key: usize| if left.contains(&key) { 1.0 / left.len() as f32 } else { 0.0 };
        let shares: Vec<f32> = (0..=last).map(share).collect();
        let layout = Layout::Attention { heads, keys: last + 1 };
        let values = Activation { layout, rows: 1, positions: vec![last], data: shares.repeat(heads) };
        let pattern = Edit::set(Hook::Block(0, Site::Pattern), at(&[last]), Units::Of(vec![0]), Arc::new(values));
        let interventions = [
            vec![cut.clone(), equal(1.0)],
            vec![equal(1.0), cut.clone()],
            vec![pattern],
            vec![cut.clone(), equal(0.0)],
            vec![cut],
        ];
        let found = case.replay(&case.rows(&interventions));
        let found: Vec<&[f32]> = found.chunks_exact(found.len() / interventions.len()).collect();
        assert!(largest_difference(found[0], found[2]) < 2e-5, "{}", case.name);
        assert!(largest_difference(found[1], found[2]) < 2e-5, "{}", case.name);
        assert!(largest_difference(found[3], found[4]) < 2e-5, "{}: strength 0 changes nothing", case.name);
    }
}

/// The planner's savings are counted: an edit of a head at the last position leaves everything before it alone.
#[test]
fn only_what_an_edit_reaches_is_computed() {
    let case = &CASES[1];
    let facts = case.model.facts();
    let head = |layer: usize| vec![Edit::patch(Hook::Block(layer, Site::Z), at(&[case.last()]), of(&[1]))];
    let rows = case.rows(&(0..facts.n_layers).map(head).collect::<Vec<_>>());
    let wanted = wanted(&rows);
    let base = base(&case.model, &case.tokens, &wanted);
    let sources = sources(&case.model, &case.source_tokens, &wanted);
    let cost = Replay::new(&case.model, &base, &sources, 1 << 30).cost(&rows).unwrap();
    let layers: usize = (1..=facts.n_layers).sum();
    assert_eq!(cost.replayed as usize, layers * case.tokens.batch);
    assert_eq!(cost.naive as usize, rows.len() * facts.n_layers * case.tokens.pos);
}

#[test]
fn wrong_edits_are_refused() {
    let case = &CASES[4];
    let facts = case.model.facts();
    let length = case.tokens.pos;
    let refusal = |edit: Edit| edit.validate(facts, length).unwrap_err();
    let z = Hook::Block(0, Site::Z);
    let unit = refusal(Edit::patch(z, Positions::All, of(&[3])));
    assert!(matches!(unit, EditError::Unit { unit: 3, units: 3, heads: true, .. }), "{unit}");
    assert_eq!(
        unit.to_string(),
        "blocks.0.attn.hook_z: there is no head 3, because there are 3 heads; write one of 0 to 2"
    );
    let kv = refusal(Edit::patch(Hook::Block(0, Site::K), Positions::All, of(&[1])));
    assert!(matches!(kv, EditError::Unit { units: 1, .. }), "k has key/value heads: {kv}");
    let layer = refusal(Edit::patch(Hook::Block(9, Site::Z), Positions::All, Units::All));
    assert_eq!(layer.to_string(), "blocks.9.attn.hook_z: the model has 2 layers; write one of 0 to 1");
    let position = refusal(Edit::patch(z, at(&[length]), Units::All));
    assert!(matches!(position, EditError::Position { .. }), "{position}");
    let absent = refusal(Edit::patch(Hook::PosEmbed, Positions::All, Units::All));
    assert!(absent.to_string().contains("its positions are rotations"), "{absent}");
    let cut = Change::Cut { keys: Positions::All };
    let elsewhere = refusal(Edit { hook: z, positions: Positions::All, units: Units::All, change: cut });
    assert!(matches!(elsewhere, EditError::CutElsewhere(_)), "{elsewhere}");

    // A source that the row does not name, or that was not read.
    let edit = Edit::patch(z, Positions::All, Units::All);
    let rows = vec![EditedPrompt { prompt: 0, source: None, edits: Arc::from([edit]) }];
    let wanted = wanted(&rows);
    let base = base(&case.model, &case.tokens, &wanted);
    let sources = sources(&case.model, &case.source_tokens, &wanted);
    let replay = Replay::new(&case.model, &base, &sources, 1 << 30);
    assert!(matches!(replay.logits(&rows).unwrap_err(), EditError::NoSource { source_run: None, .. }));
    let beyond = vec![EditedPrompt { source: Some(99), ..rows[0].clone() }];
    assert!(matches!(replay.logits(&beyond).unwrap_err(), EditError::NoSource { source_run: Some(99), .. }));
}

/// What measures read is what the logits say, whether every logit is computed for it or only those that are read.
#[test]
fn readouts_are_of_the_logits() {
    for case in CASES.iter() {
        let layers = 0..case.model.facts().n_layers;
        let head = |layer: usize| vec![Edit::patch(Hook::Block(layer, Site::Z), at(&[case.last()]), of(&[0]))];
        // The last one changes nothing: the position is the same in both prompts.
        let same = vec![Edit::patch(Hook::Block(0, Site::ResidPre), at(&[1]), Units::All)];
        let rows = case.rows(&layers.map(head).chain([same]).collect::<Vec<_>>());
        let wanted = wanted(&rows);
        let base = base(&case.model, &case.tokens, &wanted);
        let sources = sources(&case.model, &case.source_tokens, &wanted);
        let replay = Replay::new(&case.model, &base, &sources, 1 << 30);
        let logits = to_f32(replay.logits(&rows).unwrap());
        let width = case.model.facts().n_vocab;
        let tokens = |row: usize| vec![(row * 7 % width) as u32, (row * 5 + 3) as u32 % width as u32];
        let read = |distribution: bool| {
            let readout = LogitRead { picks: 2, ranked: 0, distribution, divergence: distribution };
            replay.read::<EditError>(&rows, &tokens, readout, |_| Ok(())).unwrap()
        };
        let (whole, picked) = (read(true), read(false));
        for (row, logits) in logits.chunks_exact(width).enumerate() {
            let clean = &to_f32(base.logits.clone())[rows[row].prompt * width..][..width];
            let total = |logits: &[f32]| logits.iter().map(|&logit| f64::from(logit).exp()).sum::<f64>();
            let p = |logits: &[f32], token: usize| f64::from(logits[token]).exp() / total(logits);
            assert!((f64::from(whole.log_total[row]) - total(logits).ln()).abs() < 1e-5);
            assert_eq!(whole.arg_max[row], ablate::measure::arg_max(logits).unwrap());
            let divergence: f64 =
                (0..width).map(|token| p(clean, token) * (p(clean, token) / p(logits, token)).ln()).sum();
            assert!((f64::from(whole.divergence[row]) - divergence).abs() < 1e-5, "{}", case.name);
            for (pick, token) in tokens(row).into_iter().enumerate() {
                let logit = logits[token as usize];
                assert!((whole.logits(row)[pick] - logit).abs() < 1e-5);
                assert!((picked.logits(row)[pick] - logit).abs() < 1e-5, "{}", case.name);
                assert!((whole.probability(row, pick) - p(logits, token as usize)).abs() < 1e-6);
            }
        }
        assert!(picked.log_total.is_empty() && picked.divergence.is_empty());
    }
}
