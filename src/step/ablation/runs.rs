//! The runs of an ablation: every circuit on every prompt, and the empty circuit, each set of components once.

use super::circuits::Circuits;
use super::sets::UnitSet;
use crate::Error;
use crate::context::Context;
use crate::intervene::{
    Activations, AnswerTokens, Edit, EditedPrompt, HookPositions, LogitRead, LogitReads, Positions,
};
use crate::manifest::SelfCheck;
use crate::measure::{Property, Reading};
use crate::model::hook::Hook;
use crate::prompt::{Accepted, Prompt};
use crate::spec::step::Ablation;
use crate::step::answer_reads::AnswerReads;
use crate::step::divided::parts;
use crate::step::sequence::{self, SequenceCase};
use crate::step::{ModelRun, Outcome, model_run, replays};
use crate::system::progress::ProgressTask;
use indexmap::IndexSet;
use std::sync::Arc;

/// The ablations on prompts of one group, or of all, as edits.
pub struct Arm {
    /// Those that differ.
    edits: Vec<Arc<[Edit]>>,
    /// Which of them each key is, and after all keys each random set drawn for one.
    keys: Vec<usize>,
    /// Which of them is the empty circuit; `None` where nothing is measured against it.
    empty: Option<usize>,
}

impl Arm {
    /// The edits of circuits at some positions; `edit` makes that of a hook. `against_empty`: whether the empty circuit is run.
    ///
    /// # Errors
    /// What `edit` returns.
    pub fn new<E>(
        circuits: &Circuits,
        against_empty: bool,
        edit: impl Fn(Hook, crate::intervene::Units) -> Result<Edit, E>,
    ) -> Result<Self, E> {
        let mut sets: Vec<&UnitSet> = Vec::new();
        let mut number = |set| match sets.iter().position(|other| *other == set) {
            Some(number) => number,
            None => {
                sets.push(set);
                sets.len() - 1
            }
        };
        let own = circuits.circuits.iter().map(|circuit| &circuit.ablated);
        let drawn = circuits.circuits.iter().flat_map(|circuit| &circuit.controls);
        let keys = own.chain(drawn).map(&mut number).collect();
        let empty = against_empty.then(|| number(&circuits.empty));
        let edits =
            |set: &&UnitSet| set.units().map(|(hook, units)| edit(hook, units)).collect::<Result<Vec<Edit>, E>>();
        let edits = sets.iter().map(|set| edits(set).map(Arc::from)).collect::<Result<_, E>>()?;
        Ok(Self { edits, keys, empty })
    }

    /// How many ablations are run on each prompt.
    pub fn runs(&self) -> usize {
        self.edits.len()
    }

    fn hooks(&self) -> impl Iterator<Item = Hook> {
        self.edits.iter().flat_map(|edits| edits.iter().map(|edit| edit.hook))
    }
}

/// A prompt that is ablated.
pub struct AblationCase<'p> {
    /// The prompt.
    pub prompt: &'p Prompt,
    /// The prompt that values come from, where they come from another.
    pub other: Option<&'p Prompt>,
    /// Index of its arm.
    pub arm: usize,
}

impl<'p> AblationCase<'p> {
    /// The answer that is looked for as a whole.
    fn sequence(&self) -> SequenceCase<'p> {
        let source = self.other.map(|other| other.tokens.as_slice());
        SequenceCase { prompt: &self.prompt.tokens, source, answer: self.prompt.answer_tokens() }
    }

    /// r and r': the right answers, and the wrong ones, where the spec says any, or those of the other prompt, where there is one.
    fn answers(&self) -> AnswerTokens {
        let first = |answer: &Accepted| answer.tokens.first().copied();
        let right = self.prompt.answers.iter().filter_map(first);
        let other = self.other.filter(|_| self.prompt.wrong.is_empty());
        let wrong = self.prompt.wrong.iter().chain(other.into_iter().flat_map(|other| other.answers.iter()));
        AnswerTokens::new(right, wrong.filter_map(first))
    }
}

/// Runs every arm on its prompts: `[1 + key, case, measure]`, first with nothing ablated; keys are the circuits, and then what is drawn for each. Prompts are run in blocks that fit `run.memory_mib`.
///
/// # Errors
/// Edits that the model cannot have, and Ctrl-C.
pub fn measure(
    step: &Ablation,
    arms: &[Arm],
    cases: &[AblationCase],
    (template, positions): (&str, &Positions),
    subject: &ModelRun,
    (context, task): (&Context, &ProgressTask),
    outcome: &mut Outcome,
) -> Result<Vec<f64>, Error> {
    let wanted: HookPositions = arms.iter().flat_map(Arm::hooks).map(|hook| (hook, positions.clone())).collect();
    let length = cases.first().map_or(0, |case| case.prompt.tokens.len());
    let runs = 1 + usize::from(cases.iter().any(|case| case.other.is_some()));
    // Whole answers are read behind the prompts while what is kept of these is there.
    let whole = step.measures.iter().any(|measure| measure.has(Property::Sequence));
    let runs = if whole { 2 * runs } else { runs };
    let rows = arms.iter().map(Arm::runs).max().unwrap_or(1);
    let block = replays::prompts_at_once(context, &subject.model, length, &wanted, (runs, rows));
    let divided = subject.divided(&step.name, template, parts(cases.len(), block), context);
    divided.values(step.measures.len(), (task, rows), outcome, |range, checks| {
        run(step, arms, &cases[range], &wanted, subject, (context, task), checks)
    })
}

/// One block: `[1 + key, case, measure]`.
fn run(
    step: &Ablation,
    arms: &[Arm],
    cases: &[AblationCase],
    wanted: &HookPositions,
    subject: &ModelRun,
    progress: (&Context, &ProgressTask),
    checks: &mut Vec<SelfCheck>,
) -> Result<Vec<f64>, Error> {
    let context = progress.0;
    let prompts: Vec<&Prompt> = cases.iter().map(|case| case.prompt).collect();
    let base = replays::base(subject, model_run::tokens(&prompts)?, wanted, context)?;
    let others: IndexSet<&[u32]> =
        cases.iter().filter_map(|case| case.other).map(|other| other.tokens.as_slice()).collect();
    let sources = match others.is_empty() {
        true => Activations::new(),
        false => {
            let rows: Vec<&[u32]> = others.iter().copied().collect();
            let tokens = crate::model::transformer::Tokens::from_rows(&rows)
                .ok_or_else(|| Error::failed(&step.name)("no counterfactual prompts of one length"))?;
            replays::capture(subject, &tokens, wanted, context)?.0
        }
    };

    // Intervention by intervention, so that rows with the same edits follow each other.
    let mut rows: Vec<EditedPrompt> = Vec::new();
    let mut case_of: Vec<usize> = Vec::new();
    let mut row_of: Vec<Vec<usize>> = cases.iter().map(|case| vec![0; arms[case.arm].edits.len()]).collect();
    for (number, arm) in arms.iter().enumerate() {
        for (index, edits) in arm.edits.iter().enumerate() {
            for (prompt, case) in cases.iter().enumerate().filter(|(_, case)| case.arm == number) {
                let source = case.other.and_then(|other| others.get_index_of(other.tokens.as_slice()));
                row_of[prompt][index] = rows.len();
                case_of.push(prompt);
                rows.push(EditedPrompt { prompt, source, edits: edits.clone() });
            }
        }
    }
    let any = |property| step.measures.iter().any(|measure| measure.has(property));
    let answers = AnswerReads::new(cases.iter().map(AblationCase::answers).collect());
    let readout = answers.wanted(true, any(Property::Divergence), any(Property::Rank));
    let tokens = |row: usize| answers.picks(case_of[row]);
    let ablated = replays::read(&step.name, subject, (&base, &sources), &rows, (&tokens, readout), progress, checks)?;
    let order: Vec<usize> = (0..cases.len()).collect();
    let unedited = LogitRead { divergence: false, ..readout };
    let whole = LogitReads::of(&base.logits, &order, &|case| answers.picks(case), unedited);
    let first = |reads: &LogitReads, row: usize| answers.first_log_probability(reads, row);
    let (mut whole_answers, mut ablated_answers): (Vec<f64>, Vec<f64>) = (
        order.iter().map(|&case| first(&whole, case)).collect(),
        (0..rows.len()).map(|row| first(&ablated, row)).collect(),
    );
    if any(Property::Sequence) {
        let sequences: Vec<SequenceCase> = cases.iter().map(AblationCase::sequence).collect();
        let rows: Vec<(usize, Arc<[Edit]>)> = rows.iter().map(|row| (row.prompt, row.edits.clone())).collect();
        let first = (whole_answers, ablated_answers);
        (whole_answers, ablated_answers) =
            sequence::log_probabilities(&step.name, &sequences, &rows, first, (subject, wanted), context, checks)?;
    }

    let reading = |readouts: &LogitReads, sequences: &[f64], row: usize, case: usize| Reading {
        sequence: sequences.get(row).copied().unwrap_or(f64::NAN),
        ..answers.reading(readouts, row, case)
    };
    let keys = arms.first().map_or(0, |arm| arm.keys.len());
    let mut data = Vec::with_capacity((1 + keys) * cases.len() * step.measures.len());
    for key in std::iter::once(None).chain((0..keys).map(Some)) {
        for (number, case) in cases.iter().enumerate() {
            let arm = &arms[case.arm];
            let of = |edits: usize| reading(&ablated, &ablated_answers, row_of[number][edits], number);
            // Nothing is asked of how far a run without an ablation diverges: not at all from itself.
            let whole = Reading { divergence: 0.0, ..reading(&whole, &whole_answers, number, number) };
            let empty = arm.empty.map_or(whole, of);
            let after = key.map_or(whole, |key| of(arm.keys[key]));
            data.extend(step.measures.iter().map(|measure| measure.value(&whole, &empty, &after)));
        }
    }
    Ok(data)
}
