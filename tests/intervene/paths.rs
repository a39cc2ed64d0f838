//! Path patching, as TransformerLens hooks compute it (`tests/fixtures/paths.py`), and what must hold of it.

use super::reference::{Case, MODELS, at, base, of, sources};
use ablate::intervene::{
    Activations, CleanRun, Edit, EditedPrompt, HookPositions, LogitRead, Paths, Positions, Receiver, Replay, Sender,
    Units,
};
use ablate::kernel::to_f32;
use ablate::model::facts::Residual;
use ablate::spec::{HeadInput, NormScale};

/// A clean run and source runs that hold what every path needs.
pub struct Runs<'c> {
    case: &'c Case,
    base: CleanRun,
    sources: Activations,
    pairs: Vec<(usize, usize)>,
    norm: NormScale,
}

fn senders(case: &Case, layer: usize) -> Vec<Sender> {
    (0..case.model.facts().n_heads).map(|head| Sender { layer, head: Some(head) }).collect()
}

fn mlp(layer: usize) -> Sender {
    Sender { layer, head: None }
}

const INPUTS: [HeadInput; 3] = [HeadInput::Q, HeadInput::K, HeadInput::V];

impl<'c> Runs<'c> {
    fn new(case: &'c Case) -> Self {
        Self::with(case, NormScale::Frozen)
    }

    /// By a convention for norms after attention.
    pub fn with(case: &'c Case, norm: NormScale) -> Self {
        let mut wanted = HookPositions::new();
        for layer in 0..case.model.facts().n_layers {
            let sent = senders(case, layer).into_iter().chain([mlp(layer)]).map(Sender::hook);
            let received = INPUTS.map(|input| Receiver::Heads { layer, input }.hook());
            wanted.extend(sent.chain(received).map(|hook| (hook, Positions::All)));
        }
        let base = base(&case.model, &case.tokens, &wanted);
        let sources = sources(&case.model, &case.source_tokens, &wanted);
        let pairs = (0..case.tokens.batch).map(|prompt| (prompt, prompt)).collect();
        Self { case, base, sources, pairs, norm }
    }

    fn paths<'r>(&'r self, positions: &'r Positions, sources: &'r Activations) -> Paths<'r> {
        let (transformer, base, pairs) = (&self.case.model, &self.base, &self.pairs);
        Paths { transformer, base, sources, pairs, positions, norm: self.norm, memory: 1 << 30 }
    }

    /// Logits of each path, `[sender, head, pair, vocab]`.
    fn received(&self, senders: &[Sender], receiver: Receiver, heads: &[Option<usize>]) -> Vec<f32> {
        let paths = self.paths(&Positions::All, &self.sources);
        let table = paths.received(receiver, senders);
        let mut rows = Vec::new();
        for sender in 0..senders.len() {
            for head in heads {
                let units = head.map_or(Units::All, |head| of(&[head]));
                let edits = std::sync::Arc::from([Edit::patch(receiver.hook(), Positions::All, units)]);
                rows.extend(self.pairs.iter().enumerate().map(|(pair, &(prompt, _))| EditedPrompt {
                    prompt,
                    source: Some(sender * self.pairs.len() + pair),
                    edits: std::sync::Arc::clone(&edits),
                }));
            }
        }
        let replay = Replay::new(&self.case.model, &self.base, &table, 1 << 30);
        assert!(replay.check(&rows, 8).unwrap().largest_difference < 1e-4);
        to_f32(replay.logits(&rows).unwrap())
    }

    /// Fails unless the paths of heads, and of MLPs where `mlps`, are those of the fixture under `prefix`.
    pub fn expect(&self, prefix: &str, mlps: bool) {
        let (case, facts) = (self.case, self.case.model.facts());
        let all = |count: usize| (0..count).map(Some).collect::<Vec<_>>();
        for (name, input) in ["q", "k", "v"].into_iter().zip(INPUTS) {
            let heads = if input == HeadInput::Q { facts.n_heads } else { facts.n_kv_heads };
            let receiver = Receiver::Heads { layer: 1, input };
            let found = self.received(&senders(case, 0), receiver, &all(heads));
            case.expect(&format!("{prefix}head_to_{name}"), &found);
        }
        let to_mlp = self.received(&senders(case, 0), Receiver::Mlp { layer: 1 }, &[None]);
        // Not made of experts.
        if facts.experts.is_none() {
            case.expect(&format!("{prefix}head_to_mlp"), &to_mlp);
        }
        let layers = 0..facts.n_layers;
        let heads: Vec<Sender> = layers.clone().flat_map(|layer| senders(case, layer)).collect();
        let logits = |senders: &[Sender]| self.logits(senders, &Positions::All, &self.sources, 1 << 30);
        case.expect(&format!("{prefix}head_to_logits"), &logits(&heads));
        if mlps {
            let queries = Receiver::Heads { layer: 1, input: HeadInput::Q };
            case.expect(&format!("{prefix}mlp_to_q"), &self.received(&[mlp(0)], queries, &all(facts.n_heads)));
            let mlps: Vec<Sender> = layers.map(mlp).collect();
            case.expect(&format!("{prefix}mlp_to_logits"), &logits(&mlps));
        }
    }

    /// Logits as each sender's change reaches them, `[sender, pair, vocab]`.
    fn logits(&self, senders: &[Sender], positions: &Positions, sources: &Activations, memory: usize) -> Vec<f32> {
        let vocab = self.case.model.facts().n_vocab;
        let tokens = |_: usize| (0..vocab as u32).collect();
        let wanted = LogitRead { picks: vocab, ..LogitRead::default() };
        let paths = Paths { memory, ..self.paths(positions, sources) };
        paths.logits::<()>(senders, &tokens, wanted, |_| Ok(())).unwrap().picked
    }
}

#[test]
fn paths_are_those_of_the_reference() {
    for case in MODELS.iter().map(|name| Case::open(name)) {
        Runs::new(&case).expect("path/", true);
    }
}

/// What a receiver reads at a position depends on what the sender wrote there alone.
#[test]
fn positions_are_their_own() {
    for case in MODELS.iter().map(|name| Case::open(name)) {
        let runs = Runs::new(&case);
        let senders: Vec<Sender> = senders(&case, 0).into_iter().chain([mlp(0)]).collect();
        let receivers = INPUTS.map(|input| Receiver::Heads { layer: 1, input }).into_iter();
        for receiver in receivers.chain([Receiver::Mlp { layer: 1 }]) {
            let all = &runs.paths(&Positions::All, &runs.sources).received(receiver, &senders)[&receiver.hook()];
            for some in [vec![case.last()], vec![1, 3], vec![0]] {
                let positions = at(&some);
                // A few bytes: one pair at a time.
                let paths = Paths { memory: 1, ..runs.paths(&positions, &runs.sources) };
                let part = &paths.received(receiver, &senders)[&receiver.hook()];
                assert_eq!((part.rows, &part.positions), (all.rows, &some));
                for row in 0..all.rows {
                    for &position in &some {
                        let values =
                            all.position(row, position).unwrap().iter().zip(part.position(row, position).unwrap());
                        assert!(values.into_iter().all(|(a, b)| (a - b).abs() < 1e-4), "{}: {receiver:?}", case.name);
                    }
                }
            }
        }
        let everywhere = runs.logits(&senders, &Positions::All, &runs.sources, 1 << 30);
        let last = runs.logits(&senders, &at(&[case.last()]), &runs.sources, 1);
        assert!(everywhere.iter().zip(&last).all(|(a, b)| (a - b).abs() < 1e-4), "{}", case.name);
    }
}

/// A sender that writes what it wrote tells nobody anything.
#[test]
fn an_unchanged_sender_changes_nothing() {
    for case in MODELS.iter().map(|name| Case::open(name)) {
        let runs = Runs::new(&case);
        let own = runs.base.activations.clone();
        let senders: Vec<Sender> = senders(&case, 0).into_iter().chain([mlp(0)]).collect();
        let clean = to_f32(runs.base.logits.clone());
        for logits in runs.logits(&senders, &Positions::All, &own, 1 << 30).chunks_exact(clean.len()) {
            assert!(logits.iter().zip(&clean).all(|(a, b)| (a - b).abs() < 2e-5), "{}", case.name);
        }
        for input in INPUTS {
            let receiver = Receiver::Heads { layer: 1, input };
            let table = runs.paths(&Positions::All, &own).received(receiver, &senders);
            let (found, old) = (&table[&receiver.hook()].data, &own[&receiver.hook()].data);
            for found in found.chunks_exact(old.len()) {
                assert!(found.iter().zip(old).all(|(a, b)| (a - b).abs() < 2e-5), "{}", case.name);
            }
        }
    }
}

#[test]
fn senders_come_before_receivers() {
    for case in MODELS.iter().map(|name| Case::open(name)) {
        let facts = case.model.facts();
        let head = |layer: usize| Sender { layer, head: Some(0) };
        let queries = Receiver::Heads { layer: 1, input: HeadInput::Q };
        let receiver = Receiver::Mlp { layer: 1 };
        assert!(head(0).reaches(queries, facts) && mlp(0).reaches(queries, facts));
        assert!(!head(1).reaches(queries, facts) && !mlp(1).reaches(receiver, facts));
        assert!(head(0).reaches(receiver, facts) && mlp(0).reaches(receiver, facts));
        assert_eq!(head(1).reaches(receiver, facts), facts.residual == Residual::Sequential, "{}", case.name);
    }
}
