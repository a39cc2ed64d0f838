//! Step `path-patching`: what one component tells another through the residual stream, everything else as in the clean run.

use super::labels::Labels;
use super::model_run::{self, ModelRun, TemplateBatch};
use super::pairing::{self, Pairs, pair_rows};
use super::patching::Runs;
use super::places::{self, Place, PositionGroup};
use super::replays::{self, Stopped};
use super::scope::numbers;
use super::summary::Values;
use super::{Outcome, Scope};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::intervene::{Edit, EditedPrompt, HookPositions, LogitReads, Paths, Receiver, Sender, Units};
use crate::manifest::SelfCheck;
use crate::measure::EffectMeasure;
use crate::model::facts::Facts;
use crate::model::hook::Hook;
use crate::prompt::Prompt;
use crate::spec::step::{Direction, PathPatching};
use crate::spec::{ComponentKind, ComponentPattern, HeadInput, Loaded, ReceiverPattern, SpecErrors};
use crate::step::divided::parts;
use crate::step::kind::Kind;
use crate::system::progress::Task;
use crate::table::Frames;
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Receivers that are computed together: the inputs of a layer's heads with those heads, an MLP, or, without a receiver in a
/// block, the logits.
type Receivers = IndexMap<Option<Receiver>, IndexSet<Option<usize>>>;

/// One path: a sender, a receiver and its head, and where.
type Path<'a> = (Sender, Option<Receiver>, Option<usize>, &'a PositionGroup);

impl Kind for PathPatching {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each(self, context, |subject, outcome| {
            let cells = subject
                .cells()
                .map_err(|error| context.refuse_prompts(self.prompts.as_deref(), &subject.name, error))?;
            let first = outcome.checks.len();
            cells.iter().try_for_each(|cell| patch(self, cell, subject, context, outcome))?;
            outcome.join_checks(first);
            Ok(())
        })
    }

    fn empty_frames(&self, _frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
        let name = &self.name;
        let mut frames = Outcome::empty_values(name, &keys(&[], None)?, true, self.per_prompt)?;
        let mut pairs = Outcome::default();
        pairs.add_rows(&format!("{name}.pairs"), Labels { model: "", checkpoint: "" }, pair_rows("", &[], &[]))?;
        frames.extend(pairs.frames);
        Ok(frames)
    }

    fn check(&self, loaded: &Loaded, _frames: &Frames) -> Result<(), SpecErrors> {
        check(self, loaded)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let ends = Ends::of(self, Scope::planned(facts), context)?;
        pairing::foresee(&self.counterfactual, self, survey, context)?;
        let mut whole = Workload::default();
        for cell in &survey.cells {
            let length = cell.positions.length;
            let at = places::positions(&self.name, &self.positions, &cell.positions, &cell.template, context)?;
            whole = whole.and(Workload::forwards(2 * cell.prompts, length, facts));
            for block in ends.blocks(&at, length, self, facts, context)? {
                let rows = (block.paths() * cell.prompts) as u64;
                let work = match block.receiver {
                    None => Workload { rows, naive: rows, ..Workload::default() }.unembedding(rows as usize, facts),
                    Some(receiver) => {
                        let edits = [Edit::patch(receiver.hook(), block.at.positions.clone(), Units::All)];
                        let one =
                            Workload::replay([&edits[..]].into_iter(), cell.prompts, length, facts, survey.memory);
                        one.times(block.paths())
                    }
                };
                whole = whole.and(work.measured(self.measures.len(), self.bootstrap));
            }
        }
        Ok(Some(whole))
    }

    fn words(&self, column: &str) -> Option<Vec<&'static str>> {
        (column == "measure").then(|| EffectMeasure::NAMES.to_vec())
    }

    fn measured(&self) -> Vec<&'static str> {
        self.measures.iter().map(|measure| measure.name()).collect()
    }
}

/// What is wrong with it that its schema cannot say: neurons as senders.
fn check(step: &PathPatching, loaded: &Loaded) -> Result<(), SpecErrors> {
    for (index, text) in step.senders.iter().enumerate() {
        if let Ok(ComponentPattern { kind: ComponentKind::Neurons(_), .. }) = ComponentPattern::parse(text) {
            let advice = Some("write 'L3MLP' for the whole MLP".to_string());
            let problem = format!("'{text}': senders are heads and MLPs");
            return Err(loaded.refuse(&["step", &step.name, "senders", &index.to_string()], problem, advice));
        }
    }
    Ok(())
}

/// Every path at every position, on the pairs of one cell.
fn patch(
    step: &PathPatching,
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let name = step.name.as_str();
    let facts = subject.model.facts();
    let ends = Ends::of(step, Scope::of(subject, &cell.template), context)?;
    let at = places::positions(name, &step.positions, &cell.positions, &cell.template, context)?;
    let blocks = ends.blocks(&at, cell.positions.length, step, facts, context)?;
    let pairs = Pairs::draw(cell, subject, &step.counterfactual, step, context)?;
    pairs.record(name, cell, subject, outcome)?;

    let positions = places::together(&at);
    let sent: HookPositions = ends.senders.iter().map(|sender| (sender.hook(), positions.clone())).collect();
    let mut kept = sent.clone();
    kept.extend(ends.receivers.keys().flatten().map(|receiver| (receiver.hook(), positions.clone())));
    let runs = Runs::keeping(&step.measures, Direction::Noising, cell, &pairs, (&kept, &sent), (subject, context))?;
    let of: Vec<(usize, usize)> = pairs.clean.iter().copied().zip(pairs.other.iter().copied()).collect();
    let total: usize = blocks.iter().map(|block| block.paths() * of.len()).sum();
    let task = context.progress.begin(&format!("{name}: {}", subject.name), total as u64, "rows");
    let mut data = Vec::with_capacity(total * step.measures.len());
    let divided = subject.divided(name, &cell.template, parts(blocks.len(), 1), context);
    let rows = |part: Range<usize>| blocks[part].iter().map(|block| block.paths() * of.len()).sum::<usize>();
    let work = |part: Range<usize>, checks: &mut Vec<SelfCheck>| {
        let mut effects = Vec::with_capacity(rows(part.clone()) * step.measures.len());
        for block in &blocks[part] {
            let paths = Paths {
                transformer: subject.model.transformer(),
                base: &runs.base,
                sources: &runs.sources,
                pairs: &of,
                positions: &block.at.positions,
                memory: replays::memory(context) / 2,
            };
            let readouts = block.read(name, &paths, &runs, (context, &task), subject, checks)?;
            effects.extend(runs.effects(&step.measures, &readouts));
        }
        Ok(effects)
    };
    let skipped = |part: Range<usize>| task.advance(rows(part) as u64);
    divided.each(outcome, skipped, work, |_, effects: Vec<f64>| data.extend(effects))?;

    let measures: Vec<&'static str> = step.measures.iter().map(|measure| measure.name()).collect();
    let prompts: Vec<&Prompt> = pairs.clean.iter().map(|&index| cell.prompts[index]).collect();
    let paths: Vec<Path> = blocks.iter().flat_map(Block::each).collect();
    let keys = keys(&paths, Some(facts))?;
    let baseline = runs.unpatched(&step.measures);
    let values = Values { keys: &keys, measures: &measures, prompts: &prompts, data: &data, baseline: Some(&baseline) };
    outcome.add_values(name, subject.labels(), &cell.template, &values, step.bootstrap, step.per_prompt)?;
    Ok(())
}

/// The ends of a step's paths in one model.
struct Ends {
    senders: IndexSet<Sender>,
    receivers: Receivers,
}

impl Ends {
    /// Resolves them.
    ///
    /// # Errors
    /// Layers and heads that the model does not have; neurons as senders.
    fn of(step: &PathPatching, target: Scope, context: &Context) -> Result<Self, Error> {
        Ok(Self { senders: senders(step, target, context)?, receivers: receivers(step, target, context)? })
    }

    /// The paths between them in prompts of `length` tokens.
    ///
    /// # Errors
    /// When there is none.
    fn blocks<'b>(
        &'b self,
        at: &'b [PositionGroup],
        length: usize,
        step: &PathPatching,
        facts: &Facts,
        context: &Context,
    ) -> Result<Vec<Block<'b>>, Error> {
        let blocks: Vec<Block> = at
            .iter()
            .flat_map(|at| self.receivers.iter().map(move |(&receiver, heads)| (at, receiver, heads)))
            .filter_map(|(at, receiver, heads)| Block::new(&self.senders, receiver, heads, at, length, facts))
            .collect();
        if blocks.is_empty() {
            let problem = "no sender writes what a receiver reads: none comes before one, at a position that it reads";
            let advice = "write receivers of later layers than the senders, or 'logits' with position 'last'";
            let path = ["step", step.name.as_str(), "receivers"];
            return Err(context.loaded.refuse(&path, problem, Some(advice.to_string())).into());
        }
        Ok(blocks)
    }
}

/// Paths whose receivers read the same stream at the same positions.
struct Block<'b> {
    senders: Vec<Sender>,
    receiver: Option<Receiver>,
    heads: &'b IndexSet<Option<usize>>,
    at: &'b PositionGroup,
}

impl<'b> Block<'b> {
    /// Those senders that write what the receiver reads; `None` where there is none.
    fn new(
        senders: &IndexSet<Sender>,
        receiver: Option<Receiver>,
        heads: &'b IndexSet<Option<usize>>,
        at: &'b PositionGroup,
        length: usize,
        facts: &Facts,
    ) -> Option<Self> {
        let reaches = |sender: &Sender| match receiver {
            Some(receiver) => sender.reaches(receiver, facts),
            // The logits of the last position read the last position.
            None => at.positions.iter(length).any(|position| position + 1 == length),
        };
        let senders: Vec<Sender> = senders.iter().copied().filter(reaches).collect();
        (!senders.is_empty()).then_some(Self { senders, receiver, heads, at })
    }

    fn paths(&self) -> usize {
        self.senders.len() * self.heads.len()
    }

    fn each(&self) -> impl Iterator<Item = Path<'b>> + '_ {
        let Self { receiver, at, .. } = *self;
        self.senders.iter().flat_map(move |&sender| self.heads.iter().map(move |&head| (sender, receiver, head, at)))
    }

    /// What measures need of each path's run, `[sender, head, pair]`.
    fn read(
        &self,
        name: &str,
        paths: &Paths,
        runs: &Runs,
        (context, task): (&Context, &Task),
        subject: &ModelRun,
        checks: &mut Vec<SelfCheck>,
    ) -> Result<LogitReads, Error> {
        let Some(receiver) = self.receiver else {
            let tokens = |pair: usize| runs.answers[pair].to_vec();
            let pause = |done: usize| replays::pause(task, done);
            return paths
                .logits::<Stopped>(&self.senders, &tokens, runs.wanted, pause)
                .map_err(|stopped| stopped.error(name));
        };
        let edits: Vec<Arc<[Edit]>> = self
            .heads
            .iter()
            .map(|head| {
                let units = head.map_or(Units::All, |head| Units::Of(vec![head]));
                Arc::from([Edit::patch(receiver.hook(), paths.positions.clone(), units)])
            })
            .collect();
        let mut all = LogitReads::default();
        // Senders at a time, so that what the receiver makes of them fits in memory.
        for senders in self.senders.chunks(paths.senders_at_once(receiver)) {
            let received = paths.received(receiver, senders);
            let rows: Vec<EditedPrompt> = (0..senders.len())
                .flat_map(|sender| edits.iter().map(move |edits| (sender, edits)))
                .flat_map(|(sender, edits)| {
                    paths.pairs.iter().enumerate().map(move |(pair, &(prompt, _))| EditedPrompt {
                        prompt,
                        source: Some(sender * paths.pairs.len() + pair),
                        edits: edits.clone(),
                    })
                })
                .collect();
            all.extend(runs.read_from(&received, name, &rows, (context, task), subject, checks)?);
        }
        Ok(all)
    }
}

/// Resolves the senders for a model.
fn senders(step: &PathPatching, target: Scope, context: &Context) -> Result<IndexSet<Sender>, Error> {
    check(step, context.loaded)?;
    let places = places::components(&step.name, "senders", &step.senders, target, context)?;
    let sender = |place: Place| Some(Sender { layer: place.layer()?, head: place.unit });
    Ok(places.into_iter().filter_map(sender).collect())
}

/// Resolves the receivers for a model.
fn receivers(step: &PathPatching, target: Scope, context: &Context) -> Result<Receivers, Error> {
    let facts = target.facts;
    let mut receivers = Receivers::new();
    for (index, text) in step.receivers.iter().enumerate() {
        let refuse = |problem: String| {
            Error::from(context.loaded.refuse(&["step", &step.name, "receivers", &index.to_string()], problem, None))
        };
        match ReceiverPattern::parse(text).map_err(refuse)? {
            ReceiverPattern::Logits => drop(receivers.entry(None).or_default().insert(None)),
            ReceiverPattern::Mlp(layers) => {
                for layer in target.layers(&layers, text, context).map_err(refuse)? {
                    receivers.entry(Some(Receiver::Mlp { layer })).or_default().insert(None);
                }
            }
            ReceiverPattern::Head { layers, heads, input } => {
                let heads = numbers(&heads, facts.n_heads, "head", text).map_err(refuse)?;
                for layer in target.layers(&layers, text, context).map_err(refuse)? {
                    let entry = receivers.entry(Some(Receiver::Heads { layer, input })).or_default();
                    // Heads that share keys and values are one receiver of them.
                    let shared = if input == HeadInput::Q { 1 } else { facts.n_heads / facts.n_kv_heads };
                    entry.extend(heads.iter().map(|head| Some(head / shared)));
                }
            }
        }
    }
    Ok(receivers)
}

/// The key columns of paths: `sender`, `sender_layer`, `sender_head`, `receiver`, `receiver_layer`, `receiver_head`,
/// `receiver_input` (q, k or v), `position`, `position_index`.
fn keys(paths: &[Path], facts: Option<&Facts>) -> PolarsResult<DataFrame> {
    let number = |number: Option<usize>| number.map(|number| number as u32);
    let label =
        |hook: Hook, unit: Option<usize>| facts.map(|facts| Place { hook, unit }.component(facts)).unwrap_or_default();
    let input = |receiver: &Option<Receiver>| match receiver {
        Some(Receiver::Heads { input: HeadInput::Q, .. }) => Some("q"),
        Some(Receiver::Heads { input: HeadInput::K, .. }) => Some("k"),
        Some(Receiver::Heads { input: HeadInput::V, .. }) => Some("v"),
        Some(Receiver::Mlp { .. }) | None => None,
    };
    let name = |receiver: &Option<Receiver>, head: Option<usize>| match (receiver, input(receiver)) {
        (None, _) => "logits".to_string(),
        (Some(receiver), None) => label(receiver.hook(), head),
        (Some(receiver), Some(input)) => format!("{}.{input}", label(receiver.hook(), head)),
    };
    let layer = |receiver: &Option<Receiver>| match receiver {
        Some(Receiver::Heads { layer, .. } | Receiver::Mlp { layer }) => Some(*layer),
        None => None,
    };
    df!(
        "sender" => paths.iter().map(|(sender, ..)| label(sender.hook(), sender.head)).collect::<Vec<_>>(),
        "sender_layer" => paths.iter().map(|(sender, ..)| sender.layer as u32).collect::<Vec<_>>(),
        "sender_head" => paths.iter().map(|(sender, ..)| number(sender.head)).collect::<Vec<_>>(),
        "receiver" => paths.iter().map(|(_, receiver, head, _)| name(receiver, *head)).collect::<Vec<_>>(),
        "receiver_layer" => paths.iter().map(|(_, receiver, ..)| number(layer(receiver))).collect::<Vec<_>>(),
        "receiver_head" => paths.iter().map(|(_, _, head, _)| number(*head)).collect::<Vec<_>>(),
        "receiver_input" => paths.iter().map(|(_, receiver, ..)| input(receiver)).collect::<Vec<_>>(),
        "position" => paths.iter().map(|(.., at)| at.label.clone()).collect::<Vec<_>>(),
        "position_index" => paths.iter().map(|(.., at)| number(at.index)).collect::<Vec<_>>(),
    )
}
