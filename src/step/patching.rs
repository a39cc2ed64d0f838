//! Step `activation-patching`: each place of one run replaced by its value in another, exactly (paper §2.1, eq. 1).

use super::answer_reads::AnswerReads;
use super::corruption::{self, NoisedPrompts, NoisedRuns};
use super::foreseen_pairs::{self, TakenPairs};
use super::inference::Inference;
use super::model_run::{self, CellRun, ModelRun, TemplateBatch};
use super::noise::EmbeddingNoise;
use super::pairing::{self, Other, PromptPairs};
use super::places::{self, Component, PlaceColumns, PositionGroup};
use super::sequence::{self, SequenceCase};
use super::summary::MeasuredValues;
use super::{Outcome, RowsInfo, Scope, replays};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::intervene::{AnswerTokens, Edit, EditedPrompt, HookPositions, Layout, LogitRead, LogitReads};
use crate::manifest::SelfCheck;
use crate::measure::{EffectMeasure, Property, Reading};
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use crate::prompt::Prompt;
use crate::spec::step::{ActivationPatching, Direction};
use crate::spec::{HookPattern, Layers, Loaded, Numbers, Parsed, SitePattern, SpecErrors, UnitPattern};
use crate::step::dependent_key::DependentKey;
use crate::step::divided::parts;
use crate::step::kind::Kind;
use crate::step::patched_places::{PatchedPlaces, each_once};
use crate::table::{ColumnSet, Frames};
use std::borrow::Cow;
use std::sync::Arc;

/// Every neuron of some layers.
pub(super) fn neuron_sites(layers: &Parsed<Layers>) -> Vec<Parsed<SitePattern>> {
    let hooks = HookPattern::Layers(layers.says().clone(), Site::MlpPost);
    let says = SitePattern { hooks, units: UnitPattern::Each(Numbers::All) };
    vec![Parsed::unwritten(format!("blocks.{layers}.mlp.hook_post[neuron]"), says)]
}

impl Kind for ActivationPatching {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each(self, context, |subject, outcome| {
            let noise = self.corrupt.as_ref().map(|corrupt| corruption::noise(self, corrupt, subject, context));
            let noise = noise.transpose()?;
            subject.each_cell(self, context, outcome, |run| patch(self, noise, run))
        })
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let inference = Inference::from((self.bootstrap, self.test, self.correction));
        inference.declare(rows::<PlaceColumns>(&self.measures, self.per_prompt), false)
    }

    fn check(&self, loaded: &Loaded, _frames: &Frames) -> Result<(), SpecErrors> {
        match self.corrupt {
            None => Ok(()),
            Some(_) => {
                let problem = "with 'corrupt', only the next token is measured, and not a whole answer";
                check_next_token(&self.name, &self.measures, problem, loaded)
            }
        }
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let (name, facts) = (&self.name, &survey.sketch.card.facts);
        let compares = self.measures.iter().any(|measure| measure.has(Property::OtherAnswer));
        let taken = match &self.corrupt {
            None => TakenPairs::Always(Other::of(true, compares)),
            Some(_) => TakenPairs::IfRead(Other::of(false, compares)),
        };
        foreseen_pairs::foresee(&self.counterfactual, taken, self, survey, context)?;
        let mut whole = Workload::default();
        for cell in &survey.cells {
            let length = cell.positions.length;
            let written = (self.sites.as_slice(), self.positions.as_slice());
            let (sites, at) = places::resolve(name, written, Scope::planned(facts), cell.at(), context)?;
            if let Some(corrupt) = &self.corrupt {
                let (of, template) = cell.at();
                places::positions_at(
                    &["step", name, "corrupt", "positions"],
                    &corrupt.positions,
                    of,
                    template,
                    context,
                )?;
            }
            let windows = self.windows(&sites, facts, length);
            let edits: Vec<Vec<Edit>> =
                windows.iter().flat_map(|hooks| at.iter().map(move |at| patches(hooks, at))).collect();
            let edits = edits.iter().map(|edits| edits.as_slice());
            let seeds = self.corrupt.as_ref().map_or(1, |corrupt| corrupt.seeds.len());
            let replay = Workload::replay(edits, seeds * cell.prompts, length, facts, survey.memory);
            let runs = Workload::forwards((1 + seeds) * cell.prompts, length, facts).passing(1);
            let replays = cell.replays(self.measures.iter().any(|measure| measure.has(Property::Sequence)));
            let replay = replay.times(replays).measured(self.measures.len(), self.bootstrap);
            whole = whole.and(replay.and(runs.times(replays)));
        }
        Ok(Some(whole))
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        let reads = self.corrupt.is_none() || self.measures.iter().any(|measure| measure.has(Property::OtherAnswer));
        let advice = "leave it out: with 'corrupt', the corrupted run is the prompt itself with noise";
        vec![
            DependentKey::counterfactual(&self.counterfactual, reads, advice),
            DependentKey::correction(self.correction, self.test),
        ]
    }

    fn patched_places(&self) -> Option<PatchedPlaces<'_>> {
        Some(PatchedPlaces {
            sites: Cow::from(&self.sites),
            layers: None,
            positions: &self.positions,
            measures: each_once(&self.measures),
            // What several layers do together, or in a noised run, no gradient of one place approximates.
            exact: (self.window.is_none() && self.corrupt.is_none()).then_some(Cow::Borrowed(self)),
        })
    }
}

impl ActivationPatching {
    /// The places that are patched together for each of some: the same unit of the same site in the layers of its window.
    fn windows(&self, places: &[Component], facts: &Facts, length: usize) -> Vec<Vec<Component>> {
        let of = |&place: &Component| match (self.window, place.hook) {
            (Some(window), Hook::Block(layer, site)) => {
                let layers = layer.saturating_sub(window / 2)..facts.n_layers.min(layer + window.div_ceil(2));
                let hooks = layers.map(|layer| Hook::Block(layer, site));
                // Where layers differ, some have no such place.
                let there = |hook: &Hook| {
                    let units = Layout::of(*hook, facts, length).map(Layout::units);
                    units.is_some_and(|units| place.unit.is_none_or(|unit| unit < units))
                };
                hooks.filter(there).map(|hook| Component { hook, ..place }).collect()
            }
            _ => vec![place],
        };
        places.iter().map(of).collect()
    }
}

/// Places patched together.
fn patches(places: &[Component], at: &PositionGroup) -> Vec<Edit> {
    places.iter().map(|place| Edit::patch(place.hook, at.positions.clone(), place.units())).collect()
}

/// The rows of a step that measures interventions on pairs, whose keys have these columns.
pub(super) fn rows<K: ColumnSet>(measures: &[EffectMeasure], per_prompt: bool) -> Vec<RowsInfo> {
    let there = measures.iter().map(|measure| measure.name()).collect();
    let mut all = MeasuredValues::declared::<K>((there, EffectMeasure::NAMES), true, per_prompt);
    all.push(pairing::rows());
    all
}

/// Refuses measures of whole answers where runs end at the prompt's last token.
pub(super) fn check_next_token(
    step: &str,
    measures: &[EffectMeasure],
    problem: &str,
    loaded: &Loaded,
) -> Result<(), SpecErrors> {
    let Some(index) = measures.iter().position(|measure| measure.has(Property::Sequence)) else { return Ok(()) };
    let advice = Some("write measures of the answer's first token, such as 'probability'".to_string());
    Err(loaded.refuse(&["step", step, "measures", &index.to_string()], problem, advice))
}

/// Every place at every position, on the pairs of one cell; `noise` is that of the prompts' other runs, where these are corrupted.
fn patch(
    step: &ActivationPatching,
    noise: Option<EmbeddingNoise>,
    CellRun { cell, subject, context, outcome }: CellRun,
) -> Result<(), Error> {
    let name = &step.name;
    let facts = subject.model.facts();
    let target = Scope::of(subject, &cell.template);
    let (sites, at) = places::resolve(name, (&step.sites, &step.positions), target, cell.at(), context)?;
    let noised = NoisedPrompts::of(step, noise, cell, context)?;
    let reads = Other::of(noised.is_none(), step.measures.iter().any(|measure| measure.has(Property::OtherAnswer)));
    let pairs = match noised {
        None => PromptPairs::draw(reads, (cell, subject), &step.counterfactual, step, context)?,
        Some(_) => PromptPairs::draw_if_read(reads, (cell, subject), &step.counterfactual, step, context)?,
    };
    pairs.record(name, cell, subject, outcome)?;

    let seeds = noised.as_ref().map_or(1, NoisedPrompts::seeds);
    let windows = step.windows(&sites, facts, cell.positions.length);
    let interventions: Vec<(Component, &PositionGroup)> =
        sites.iter().flat_map(|&place| at.iter().map(move |at| (place, at))).collect();
    let total = interventions.len() * seeds * pairs.clean.len();
    let task = context.progress.begin(&subject.task_label(name, &cell.template), total as u64, "rows");
    let edits: Vec<Arc<[Edit]>> =
        windows.iter().flat_map(|places| at.iter().map(move |at| Arc::from(patches(places, at)))).collect();
    let edited: HookPositions = windows.iter().flatten().map(|place| (place.hook, places::together(&at))).collect();

    let measures: Vec<&'static str> = step.measures.iter().map(|measure| measure.name()).collect();
    let prompts: Vec<&Prompt> = pairs.clean.iter().map(|&index| cell.prompts[index]).collect();
    let runs = runs_at_once(&step.measures);
    let block = replays::prompts_at_once(context, &subject.model, cell.positions.length, &edited, (runs, edits.len()));
    let block = (block / seeds).max(1);
    let divided = subject.divided(name, &cell.template, parts(prompts.len(), block), context);
    let data = divided.values(measures.len(), (&task, edits.len() * seeds), outcome, |range, checks| {
        let (cell, pairs) = pairs.part(range, cell);
        if let Some(noised) = &noised {
            let NoisedRuns { base: (base, edited_runs), sources: (sources, logits, source_runs), answers } =
                noised.runs(&cell, &pairs, &edited, subject, context)?;
            let runs = Runs::between(&step.measures, answers, (base, &edited_runs), (sources, &logits, &source_runs));
            let rows = noised.rows(&edits, cell.prompts.len());
            let values = runs.unpatched_and_effects(&step.measures, name, &rows, (context, &task), subject, checks)?;
            return Ok(noised.means(&values, cell.prompts.len()));
        }
        let runs = Runs::of(&step.measures, step.direction, &cell, &pairs, &edited, subject, context)?;
        let rows: Vec<EditedPrompt> =
            edits.iter().flat_map(|edits| pairs.rows(step.direction, |_| edits.clone())).collect();
        runs.unpatched_and_effects(&step.measures, name, &rows, (context, &task), subject, checks)
    })?;
    let keys = places::keys(&interventions, facts)?;
    let (baseline, data) = data.split_at(prompts.len() * measures.len());
    let values = MeasuredValues { keys: &keys, measures: &measures, prompts: &prompts, data, baseline: Some(baseline) };
    let inference = (step.bootstrap, step.test, step.correction);
    outcome.add_values(name, subject.labels(), &cell.template, &values, inference, step.per_prompt)?;
    Ok(())
}

/// How many runs of each pair's prompts are there at once: twice as many where whole answers are read behind them.
pub(super) fn runs_at_once(measures: &[EffectMeasure]) -> usize {
    if measures.iter().any(|measure| measure.has(Property::Sequence)) { 4 } else { 2 }
}

impl PromptPairs {
    /// One row per pair: of the run that is edited, reading the other. `edits` are those of a clean prompt.
    pub(super) fn rows(
        &self,
        direction: Direction,
        edits: impl Fn(usize) -> Arc<[Edit]>,
    ) -> impl Iterator<Item = EditedPrompt> {
        self.clean.iter().zip(&self.other).map(move |(&clean, &other)| {
            let (prompt, source) = match direction {
                Direction::Noising => (clean, other),
                Direction::Denoising => (other, clean),
            };
            EditedPrompt { prompt, source: Some(source), edits: edits(clean) }
        })
    }
}

/// The two runs of each pair, and what measures need of them.
pub(super) struct Runs {
    pub base: crate::intervene::CleanRun,
    pub sources: crate::intervene::Activations,
    /// r and r' of each pair: of the run that is edited, and of the other.
    pub answers: AnswerReads,
    /// What the measures need of a run's logits.
    pub wanted: LogitRead,
    before: Vec<Reading>,
    source: Vec<Reading>,
    whole: Option<WholeAnswers>,
}

/// What whole answers are read with, pair by pair.
struct WholeAnswers {
    edited: Vec<Vec<u32>>,
    source: Vec<Vec<u32>>,
    answers: Vec<Vec<u32>>,
    hooks: HookPositions,
}

impl Runs {
    /// Runs both prompts of each pair; `edited` is what interventions write and read.
    pub fn of(
        measures: &[EffectMeasure],
        direction: Direction,
        cell: &TemplateBatch,
        pairs: &PromptPairs,
        edited: &HookPositions,
        subject: &ModelRun,
        context: &Context,
    ) -> Result<Self, Error> {
        Self::keeping(measures, direction, cell, pairs, (edited, edited), (subject, context))
    }

    /// The same where what is kept of the run that is edited and what is kept of the other differ.
    pub fn keeping(
        measures: &[EffectMeasure],
        direction: Direction,
        cell: &TemplateBatch,
        pairs: &PromptPairs,
        (edited_hooks, read): (&HookPositions, &HookPositions),
        (subject, context): (&ModelRun, &Context),
    ) -> Result<Self, Error> {
        let clean = model_run::tokens(&cell.prompts)?;
        let other = pairs.tokens()?;
        let (edited_tokens, source_tokens) = match direction {
            Direction::Noising => (clean, other),
            Direction::Denoising => (other, clean),
        };
        let base = replays::base(subject, edited_tokens, edited_hooks, context)?;
        let (sources, source_logits) = replays::capture(subject, &source_tokens, read, context)?;
        let answers = (0..pairs.clean.len()).map(|pair| match direction {
            Direction::Noising => pairs.answers(pair, cell),
            Direction::Denoising => pairs.answers(pair, cell).reversed(),
        });
        let (edited_runs, source_runs) = match direction {
            Direction::Noising => (&pairs.clean, &pairs.other),
            Direction::Denoising => (&pairs.other, &pairs.clean),
        };
        let runs = (base, edited_runs.as_slice());
        let between = Self::between(measures, answers.collect(), runs, (sources, &source_logits, source_runs));
        let whole = measures.iter().any(|measure| measure.has(Property::Sequence)).then(|| {
            let tokens_of = |prompt: &Prompt| prompt.tokens.clone();
            let clean = pairs.clean.iter().map(|&index| tokens_of(cell.prompts[index])).collect();
            let other = pairs.other.iter().map(|&index| tokens_of(&pairs.others[index])).collect();
            let (edited, source) = match direction {
                Direction::Noising => (clean, other),
                Direction::Denoising => (other, clean),
            };
            let answer = |pair: usize| pairs.whole_answer(pair, cell, direction).to_vec();
            let hooks = edited_hooks.clone();
            WholeAnswers { edited, source, answers: (0..pairs.clean.len()).map(answer).collect(), hooks }
        });
        Ok(Self { whole, ..between })
    }

    /// Of runs that are there: those that are edited, and which of them each pair has; what is read of the others, their logits, and
    /// which of them each pair has. `answers`: r and r' of each pair.
    pub fn between(
        measures: &[EffectMeasure],
        answers: Vec<AnswerTokens>,
        (base, edited_runs): (crate::intervene::CleanRun, &[usize]),
        (sources, source_logits, source_runs): (crate::intervene::Activations, &burn::tensor::Tensor<2>, &[usize]),
    ) -> Self {
        let answers = AnswerReads::new(answers);
        let any = |property| measures.iter().any(|measure| measure.has(property));
        let wanted = answers.wanted(any(Property::Distribution), any(Property::Divergence), any(Property::Rank));
        let unedited = LogitRead { divergence: false, ..wanted };
        let readings = |logits: &burn::tensor::Tensor<2>, runs: &[usize]| -> Vec<Reading> {
            let readouts = LogitReads::of(logits, runs, &|pair| answers.picks(pair), unedited);
            let first = |pair: usize| answers.first_log_probability(&readouts, pair);
            let read = |pair: usize| Reading { sequence: first(pair), ..answers.reading(&readouts, pair, pair) };
            (0..runs.len()).map(read).collect()
        };
        let before = readings(&base.logits, edited_runs);
        let source = readings(source_logits, source_runs);
        Self { base, sources, answers, wanted, before, source, whole: None }
    }

    /// Replays rows, as many for each pair, the pairs the inner index.
    pub fn read(
        &self,
        name: &str,
        rows: &[EditedPrompt],
        progress: (&Context, &crate::system::progress::ProgressTask),
        subject: &ModelRun,
        checks: &mut Vec<SelfCheck>,
    ) -> Result<LogitReads, Error> {
        self.read_from(&self.sources, name, rows, progress, subject, checks)
    }

    /// The same where the rows read other activations than the other runs'.
    pub fn read_from(
        &self,
        sources: &crate::intervene::Activations,
        name: &str,
        rows: &[EditedPrompt],
        progress: (&Context, &crate::system::progress::ProgressTask),
        subject: &ModelRun,
        checks: &mut Vec<SelfCheck>,
    ) -> Result<LogitReads, Error> {
        let tokens = |row: usize| self.answers.picks(row % self.answers.len());
        replays::read(name, subject, (&self.base, sources), rows, (&tokens, self.wanted), progress, checks)
    }

    /// `[pair, measure]`: what the measures are of the runs that are edited, without an edit.
    pub fn unpatched(&self, measures: &[EffectMeasure]) -> Vec<f64> {
        let of = |pair: usize| {
            // Nothing is asked of the distribution of a run without edits: it does not diverge from itself.
            let before = Reading { divergence: 0.0, ..self.before[pair] };
            measures.iter().map(move |measure| measure.value(&before, &before, &self.source[pair]))
        };
        (0..self.answers.len()).flat_map(of).collect()
    }

    /// `[1 + intervention, pair, measure]`: the measures without an edit, then with each intervention, whose rows are replayed.
    ///
    /// # Errors
    /// Edits that the model cannot have, and Ctrl-C.
    pub fn unpatched_and_effects(
        mut self,
        measures: &[EffectMeasure],
        name: &str,
        rows: &[EditedPrompt],
        progress: (&Context, &crate::system::progress::ProgressTask),
        subject: &ModelRun,
        checks: &mut Vec<SelfCheck>,
    ) -> Result<Vec<f64>, Error> {
        let readouts = self.read(name, rows, progress, subject, checks)?;
        let sequences = self.sequences(name, rows, &readouts, (subject, progress.0), checks)?;
        Ok([self.unpatched(measures), self.effects(measures, &readouts, &sequences)].concat())
    }

    /// How likely whole answers are in each row, where a measure asks; the runs without an edit know theirs then.
    fn sequences(
        &mut self,
        name: &str,
        rows: &[EditedPrompt],
        readouts: &LogitReads,
        (subject, context): (&ModelRun, &Context),
        checks: &mut Vec<SelfCheck>,
    ) -> Result<Vec<f64>, Error> {
        let Some(whole) = &self.whole else { return Ok(Vec::new()) };
        let pairs = self.answers.len();
        let case = |pair: usize| SequenceCase {
            prompt: &whole.edited[pair],
            source: Some(&whole.source[pair]),
            answer: &whole.answers[pair],
        };
        let cases: Vec<SequenceCase> = (0..pairs).map(case).collect();
        let rows: Vec<(usize, Arc<[Edit]>)> =
            rows.iter().enumerate().map(|(row, edited)| (row % pairs, edited.edits.clone())).collect();
        let before = self.before.iter().map(|reading| reading.sequence).collect();
        let after = (0..rows.len()).map(|row| self.answers.first_log_probability(readouts, row)).collect();
        let (before, after) = sequence::log_probabilities(
            name,
            &cases,
            &rows,
            (before, after),
            (subject, &whole.hooks),
            context,
            checks,
        )?;
        self.before.iter_mut().zip(before).for_each(|(reading, sequence)| reading.sequence = sequence);
        Ok(after)
    }

    /// `[intervention, pair, measure]`; `sequences` are those of whole answers, none where no measure asks.
    pub fn effects(&self, measures: &[EffectMeasure], readouts: &LogitReads, sequences: &[f64]) -> Vec<f64> {
        let pairs = self.answers.len();
        let rows = readouts.picked.len() / readouts.picks.max(1);
        let of = |row: usize| {
            let pair = row % pairs;
            let sequence = sequences.get(row).copied().unwrap_or(f64::NAN);
            let after = Reading { sequence, ..self.answers.reading(readouts, row, pair) };
            measures.iter().map(move |measure| measure.value(&self.before[pair], &after, &self.source[pair]))
        };
        (0..rows).flat_map(of).collect()
    }
}
