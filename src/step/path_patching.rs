//! Step `path-patching`: what one component tells another through the residual stream, everything else as in the clean run.

use super::convention::{self, WithConventions};
use super::foreseen_pairs::{self, TakenPairs};
use super::inference::Inference;
use super::model_run::{self, CellRun, ModelRun};
use super::pairing::{Other, PromptPairs};
use super::patching::{self, Runs};
use super::places::{self, Component, PositionGroup};
use super::replays::{self, Stopped};
use super::scope::numbers;
use super::summary::MeasuredValues;
use super::{Outcome, RowsInfo, Scope};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::intervene::{Edit, EditedPrompt, HookPositions, LogitReads, Paths, Receiver, Sender, Units};
use crate::manifest::SelfCheck;
use crate::measure::Property;
use crate::model::facts::Facts;
use crate::model::hook::Hook;
use crate::prompt::Prompt;
use crate::spec::step::{Direction, PathPatching};
use crate::spec::{ComponentKind, HeadInput, Loaded, ReceiverPattern, SpecErrors};
use crate::step::dependent_key::DependentKey;
use crate::step::divided::parts;
use crate::step::kind::Kind;
use crate::system::progress::ProgressTask;
use crate::table::{Frames, Holds, rows};
use indexmap::{IndexMap, IndexSet};
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
            let first = outcome.checks.len();
            subject.each_cell(self, context, outcome, |run| patch(self, run))?;
            outcome.join_checks(first);
            Ok(())
        })
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let rows = patching::rows::<WithConventions<PathColumns>>(&self.measures, self.per_prompt);
        let inference = Inference::from((self.bootstrap, self.test, self.correction));
        inference.declare(convention::named(rows, self.norm, None), false)
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        vec![DependentKey::correction(self.correction, self.test)]
    }

    fn check(&self, loaded: &Loaded, _frames: &Frames) -> Result<(), SpecErrors> {
        check(self, loaded)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let ends = Ends::of(self, Scope::planned(facts), context)?;
        foreseen_pairs::foresee(&self.counterfactual, TakenPairs::Always(reads(self)), self, survey, context)?;
        let mut whole = Workload::default();
        for cell in &survey.cells {
            let length = cell.positions.length;
            let at = places::positions(&self.name, &self.positions, &cell.positions, &cell.template, context)?;
            whole = whole.and(Workload::forwards(2 * cell.prompts, length, facts).passing(1));
            for block in ends.blocks(&at, length, self, facts, context)? {
                let rows = (block.paths() * cell.prompts) as u64;
                let work = match block.receiver {
                    None => Workload { rows, naive: rows, ..Workload::default() }.unembedding(rows as usize, facts),
                    Some(receiver) => {
                        let edits = [Edit::patch(receiver.hook(), block.at.positions.clone(), Units::All)];
                        let one =
                            Workload::replay([&edits[..]].into_iter(), cell.prompts, length, facts, survey.memory);
                        // Paths run on the first device.
                        one.times(block.paths()).unshared()
                    }
                };
                whole = whole.and(work.measured(self.measures.len(), self.bootstrap));
            }
        }
        Ok(Some(whole))
    }
}

/// What is wrong with it that its schema cannot say: neurons as senders.
fn check(step: &PathPatching, loaded: &Loaded) -> Result<(), SpecErrors> {
    patching::check_next_token(
        &step.name,
        &step.measures,
        "path patching measures the next token only, and not a whole answer",
        loaded,
    )?;
    for (index, text) in step.senders.iter().enumerate() {
        if matches!(text.says().kind, ComponentKind::Neurons(_)) {
            let advice = Some("write 'L3MLP' for the whole MLP".to_string());
            let problem = format!("'{text}' cannot be a sender: senders are heads and whole MLPs");
            return Err(loaded.refuse(&["step", &step.name, "senders", &index.to_string()], problem, advice));
        }
    }
    Ok(())
}

/// What is read of the other prompts.
fn reads(step: &PathPatching) -> Other {
    Other::of(true, step.measures.iter().any(|measure| measure.has(Property::OtherAnswer)))
}

/// Every path at every position, on the pairs of one cell.
fn patch(step: &PathPatching, CellRun { cell, subject, context, outcome }: CellRun) -> Result<(), Error> {
    let name = step.name.as_str();
    let facts = subject.model.facts();
    let ends = Ends::of(step, Scope::of(subject, &cell.template), context)?;
    let at = places::positions(name, &step.positions, &cell.positions, &cell.template, context)?;
    let blocks = ends.blocks(&at, cell.positions.length, step, facts, context)?;
    let pairs = PromptPairs::draw(reads(step), (cell, subject), &step.counterfactual, step, context)?;
    pairs.record(name, cell, subject, outcome)?;

    let positions = places::together(&at);
    let sent: HookPositions = ends.senders.iter().map(|sender| (sender.hook(), positions.clone())).collect();
    let mut kept = sent.clone();
    kept.extend(ends.receivers.keys().flatten().map(|receiver| (receiver.hook(), positions.clone())));
    let runs = Runs::keeping(&step.measures, Direction::Noising, cell, &pairs, (&kept, &sent), (subject, context))?;
    let of: Vec<(usize, usize)> = pairs.clean.iter().copied().zip(pairs.other.iter().copied()).collect();
    let total: usize = blocks.iter().map(|block| block.paths() * of.len()).sum();
    let task = context.progress.begin(&subject.task_label(name, &cell.template), total as u64, "rows");
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
                norm: step.norm.unwrap_or_default(),
                memory: replays::memory(context) / 2,
            };
            let readouts = block.read(name, &paths, &runs, (context, &task), subject, checks)?;
            effects.extend(runs.effects(&step.measures, &readouts, &[]));
        }
        Ok(effects)
    };
    let skipped = |part: Range<usize>| task.advance(rows(part) as u64);
    divided.each(outcome, skipped, work, |_, effects: Vec<f64>| data.extend(effects))?;

    let measures: Vec<&'static str> = step.measures.iter().map(|measure| measure.name()).collect();
    let prompts: Vec<&Prompt> = pairs.clean.iter().map(|&index| cell.prompts[index]).collect();
    let paths: Vec<Path> = blocks.iter().flat_map(PathGroup::each).collect();
    let keys = convention::beside(PathColumns::frame(paths.iter().map(|path| (path, facts)))?, step.norm, None)?;
    let baseline = runs.unpatched(&step.measures);
    let values =
        MeasuredValues { keys: &keys, measures: &measures, prompts: &prompts, data: &data, baseline: Some(&baseline) };
    let inference = (step.bootstrap, step.test, step.correction);
    outcome.add_values(name, subject.labels(), &cell.template, &values, inference, step.per_prompt)?;
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
    ) -> Result<Vec<PathGroup<'b>>, Error> {
        let blocks: Vec<PathGroup> = at
            .iter()
            .flat_map(|at| self.receivers.iter().map(move |(&receiver, heads)| (at, receiver, heads)))
            .filter_map(|(at, receiver, heads)| PathGroup::new(&self.senders, receiver, heads, at, length, facts))
            .collect();
        if blocks.is_empty() {
            let problem = "no path leads from a sender to a receiver: no sender comes before a receiver at a position that the receiver reads";
            let advice = "write receivers in later layers than the senders, or 'logits' with position 'last'";
            let path = ["step", step.name.as_str(), "receivers"];
            return Err(context.loaded.refuse(&path, problem, Some(advice.to_string())).into());
        }
        Ok(blocks)
    }
}

/// Paths whose receivers read the same stream at the same positions.
struct PathGroup<'b> {
    senders: Vec<Sender>,
    receiver: Option<Receiver>,
    heads: &'b IndexSet<Option<usize>>,
    at: &'b PositionGroup,
}

impl<'b> PathGroup<'b> {
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
        (context, task): (&Context, &ProgressTask),
        subject: &ModelRun,
        checks: &mut Vec<SelfCheck>,
    ) -> Result<LogitReads, Error> {
        let Some(receiver) = self.receiver else {
            let tokens = |pair: usize| runs.answers.picks(pair);
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
    let sender = |place: Component| Some(Sender { layer: place.layer()?, head: place.unit });
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
        let (text, receiver) = (text.text(), text.says());
        match receiver {
            ReceiverPattern::Logits => drop(receivers.entry(None).or_default().insert(None)),
            ReceiverPattern::Mlp(layers) => {
                for layer in target.layers(layers, text, context).map_err(refuse)? {
                    receivers.entry(Some(Receiver::Mlp { layer })).or_default().insert(None);
                }
            }
            ReceiverPattern::Head { layers, heads, input } => {
                let heads = numbers(heads, facts.n_heads, "head", text).map_err(refuse)?;
                for layer in target.layers(layers, text, context).map_err(refuse)? {
                    let entry = receivers.entry(Some(Receiver::Heads { layer, input: *input })).or_default();
                    // Heads that share keys and values are one receiver of them.
                    let shared = if *input == HeadInput::Q { 1 } else { facts.n_heads / facts.n_kv_heads };
                    entry.extend(heads.iter().map(|head| Some(head / shared)));
                }
            }
        }
    }
    Ok(receivers)
}

/// A unit of a hook, as specs write it.
fn component(hook: Hook, unit: Option<usize>, facts: &Facts) -> String {
    Component { hook, unit }.component(facts)
}

/// Of heads, which of their inputs.
fn input(receiver: Option<Receiver>) -> Option<&'static str> {
    match receiver? {
        Receiver::Heads { input: HeadInput::Q, .. } => Some("q"),
        Receiver::Heads { input: HeadInput::K, .. } => Some("k"),
        Receiver::Heads { input: HeadInput::V, .. } => Some("v"),
        Receiver::Mlp { .. } => None,
    }
}

fn receiver_name(receiver: Option<Receiver>, head: Option<usize>, facts: &Facts) -> String {
    let Some(to) = receiver else { return "logits".to_string() };
    let name = component(to.hook(), head, facts);
    input(receiver).map_or(name.clone(), |input| format!("{name}.{input}"))
}

rows! {
    /// What names a path at positions.
    PathColumns<'r>(((sender, receiver, head, at), facts): (&'r Path<'r>, &'r Facts)) {
        sender: String = component(sender.hook(), sender.head, facts), "What writes: a head or an MLP.";
        sender_layer: i64 = sender.layer, "Its layer.";
        sender_head: Option<i64> = sender.head, "Its head; null for an MLP.";
        receiver: String = receiver_name(*receiver, *head, facts), "What reads.";
        receiver_layer: Option<i64> = receiver.map(Receiver::layer), "Its layer; null for the logits.";
        receiver_head: Option<i64> = *head, "Its head, of keys and values the key/value head; null for others.";
        receiver_input: Option<String> = input(*receiver), "`q`, `k` or `v`; null for others.";
        position: String = &at.label;
        position_index: Option<i64> = at.index;
    }
}
