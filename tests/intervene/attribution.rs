//! Attribution patching, as autograd on TransformerLens computes it, and what must hold of it.

use super::reference::{Case, MODELS};
use ablate::intervene::{AnswerTokens, AttributedUnit, EditError, Layout, Positions, Together, TokenPairs, attribute};
use ablate::model::checkpoint::Checkpoint;
use ablate::model::hook::{Hook, Site};
use ablate::model::processing::Processed;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::spec::Processing;
use burn::tensor::{DType, Device};

use crate::parity::reference::folder;

/// Points of the fixture's integrated gradients.
const POINTS: usize = 4;

/// Largest difference of a score, relative to the largest score where that is above one.
const TOLERANCE: f64 = 1e-4;

/// r and r' of each prompt.
fn answers(case: &Case) -> Vec<[u32; 2]> {
    case.integers("targets").as_chunks::<2>().0.iter().map(|pair| pair.map(|id| id as u32)).collect()
}

/// `[part, prompt]`
pub fn scores(
    case: &Case,
    model: &Transformer,
    source: &Tokens,
    parts: &[AttributedUnit],
    points: usize,
    batch: usize,
) -> Vec<f64> {
    let answers: Vec<AnswerTokens> = answers(case).into_iter().map(AnswerTokens::from).collect();
    let pairs = TokenPairs { clean: &case.tokens, source, answers: &answers, together: Together::Mean };
    attribute::<EditError>(model, pairs, parts, points, batch, |_| Ok(())).unwrap()
}

/// Every unit, or the whole, of a site in each layer and at each position, in the fixture's order.
pub fn parts(case: &Case, site: Site, whole: bool) -> Vec<AttributedUnit> {
    let facts = case.model.facts();
    let mut parts = Vec::new();
    for layer in 0..facts.n_layers {
        let hook = Hook::Block(layer, site);
        let units = Layout::of(hook, facts, case.tokens.pos).unwrap().units();
        for position in 0..case.tokens.pos {
            let units = if whole { vec![None] } else { (0..units).map(Some).collect() };
            parts.extend(units.into_iter().map(|unit| AttributedUnit {
                hook,
                unit,
                positions: Positions::At(vec![position]),
            }));
        }
    }
    parts
}

pub fn expect(case: &Case, key: &str, found: &[f64]) {
    let (shape, wanted) = case.floats(key);
    assert_eq!(found.len(), wanted.len(), "{}: {key} is {shape:?}", case.name);
    let scale = wanted.iter().fold(1.0f64, |scale, &value| scale.max(f64::from(value).abs()));
    let differences = found.iter().zip(wanted).map(|(found, &wanted)| (found - f64::from(wanted)).abs());
    let largest = differences.fold(0.0f64, |a, b| if b.is_nan() || b > a { b } else { a });
    assert!(largest <= TOLERANCE * scale, "{}: {key} is off by {largest:.1e}, scale {scale}", case.name);
}

#[test]
fn gradients_of_the_clean_run() {
    for case in MODELS.iter().map(|name| Case::open(name)) {
        let sites = [
            ("z", Site::Z, false),
            ("mlp_post", Site::MlpPost, false),
            ("mlp_out", Site::MlpOut, true),
            ("attn_out", Site::AttnOut, true),
            ("resid_pre", Site::ResidPre, true),
        ];
        for (key, site, whole) in sites {
            let parts = parts(&case, site, whole);
            let found = scores(&case, &case.model, &case.source_tokens, &parts, 0, 2);
            expect(&case, &format!("attribution/{key}"), &found);
        }
    }
}

#[test]
fn gradients_along_the_line() {
    for case in MODELS.iter().map(|name| Case::open(name)) {
        for (key, site) in [("z", Site::Z), ("mlp_post", Site::MlpPost)] {
            let found = scores(&case, &case.model, &case.source_tokens, &parts(&case, site, false), POINTS, 2);
            expect(&case, &format!("integrated/{key}"), &found);
        }
    }
}

/// A patch with the run's own values, and every site alone, together and in batches.
#[test]
fn sites_do_not_disturb_each_other() {
    for case in MODELS.iter().map(|name| Case::open(name)) {
        let facts = case.model.facts();
        let hooks =
            ablate::model::hook::SITES.iter().flat_map(|(site, ..)| (0..2).map(|layer| Hook::Block(layer, *site)));
        let all = [
            Hook::Embed,
            Hook::PosEmbed,
            Hook::LnFinalScale,
            Hook::LnFinalStandardized,
            Hook::LnFinalNormalized,
            Hook::LnFinalOut,
        ];
        let hooks: Vec<Hook> = hooks
            .chain(all)
            .filter(|&hook| Layout::of(hook, facts, case.tokens.pos).is_some())
            .filter(|hook| !matches!(hook, Hook::Block(_, Site::AttnScores | Site::Pattern)))
            .collect();
        let together: Vec<AttributedUnit> =
            hooks.iter().map(|&hook| AttributedUnit { hook, unit: None, positions: Positions::All }).collect();
        for points in [0, 2] {
            let own = scores(&case, &case.model, &case.tokens, &together, points, 9);
            assert!(own.iter().all(|score| *score == 0.0), "{}", case.name);
            let found = scores(&case, &case.model, &case.source_tokens, &together, points, 9);
            assert!(found.iter().all(|score| score.is_finite()), "{}", case.name);
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-4 * a.abs().max(1.0);
            let one_by_one = scores(&case, &case.model, &case.source_tokens, &together, points, 1);
            assert!(found.iter().zip(&one_by_one).all(|(a, b)| near(*a, *b)), "{}: in batches", case.name);
            let alone: Vec<f64> = together
                .iter()
                .flat_map(|part| scores(&case, &case.model, &case.source_tokens, std::slice::from_ref(part), points, 9))
                .collect();
            for ((part, found), alone) in
                together.iter().zip(found.chunks(case.tokens.batch)).zip(alone.chunks(case.tokens.batch))
            {
                assert!(found.iter().zip(alone).all(|(a, b)| near(*a, *b)), "{}: {} alone", case.name, part.hook);
            }
        }
    }
}

/// What integrated gradients are for: along the line they add up to the whole change of the metric.
#[test]
fn integrated_gradients_add_up() {
    for name in ["gpt2-untied", "llama-gqa", "neox-parallel"] {
        let case = Case::open(name);
        let embed = [AttributedUnit { hook: Hook::Block(0, Site::ResidPre), unit: None, positions: Positions::All }];
        let found = scores(&case, &case.model, &case.source_tokens, &embed, 200, 9);
        let difference = |tokens: &Tokens| -> Vec<f64> {
            let logits = ablate::kernel::to_f32(case.model.last_logits(tokens));
            let width = logits.len() / tokens.batch;
            let rows = logits.chunks_exact(width).zip(answers(&case));
            rows.map(|(row, [r, other])| f64::from(row[r as usize]) - f64::from(row[other as usize])).collect()
        };
        let (clean, source) = (difference(&case.tokens), difference(&case.source_tokens));
        for (found, (clean, source)) in found.iter().zip(clean.iter().zip(&source)) {
            assert!(
                (found - (source - clean)).abs() < 2e-2 * (source - clean).abs().max(1.0),
                "{name}: {found} of {}",
                source - clean
            );
        }
    }
}

/// In half precision the gradients are coarser, but of the same units.
#[test]
fn half_precision_is_close() {
    for name in ["gpt2-untied", "llama-gqa", "gptj"] {
        let case = Case::open(name);
        let parts = parts(&case, Site::Z, false);
        let exact = scores(&case, &case.model, &case.source_tokens, &parts, 0, 9);
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
        for (dtype, tolerance) in [(DType::BF16, 0.1), (DType::F16, 0.02)] {
            let host = Processed::new(Checkpoint::open(&folder(name)).unwrap(), Processing::default());
            let model = Transformer::load(&host, &Device::flex(), dtype).unwrap();
            let found = scores(&case, &model, &case.source_tokens, &parts, 0, 9);
            let error = norm(&mut exact.iter().zip(&found).map(|(a, b)| a - b)) / norm(&mut exact.iter().copied());
            assert!(error < tolerance, "{name}: {dtype:?} is off by {error:.1e}");
        }
    }
}

#[test]
fn attention_has_no_attribution() {
    let case = Case::open(MODELS[0]);
    let answers: Vec<AnswerTokens> = answers(&case).into_iter().map(AnswerTokens::from).collect();
    let pairs =
        TokenPairs { clean: &case.tokens, source: &case.source_tokens, answers: &answers, together: Together::Mean };
    let refusal = |hook: Hook, unit: Option<usize>| {
        let parts = [AttributedUnit { hook, unit, positions: Positions::All }];
        attribute::<EditError>(&case.model, pairs, &parts, 0, 2, |_| Ok(())).unwrap_err()
    };
    assert!(matches!(refusal(Hook::Block(0, Site::Pattern), None), EditError::NoAttribution(_)));
    assert!(matches!(refusal(Hook::Block(0, Site::Z), Some(99)), EditError::Unit { .. }));
}

/// Of the stream after the last block, the last position alone is read.
#[test]
fn positions_that_reach_nothing_have_no_attribution() {
    for case in MODELS.iter().map(|name| Case::open(name)) {
        let hook = Hook::Block(case.model.facts().n_layers - 1, Site::ResidPost);
        let part = |positions: Vec<usize>| AttributedUnit { hook, unit: None, positions: Positions::At(positions) };
        let parts = [part((0..case.last()).collect()), part(vec![case.last()])];
        let found = scores(&case, &case.model, &case.source_tokens, &parts, 0, 9);
        let (before, last) = found.split_at(case.tokens.batch);
        assert!(before.iter().all(|score| *score == 0.0) && last.iter().all(|score| *score != 0.0), "{}", case.name);
    }
}
