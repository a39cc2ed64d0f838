//! The runs of an ablation: every circuit on every prompt, and the empty circuit, each set of components once.

use super::circuits::Circuits;
use super::sets::UnitSet;
use crate::Error;
use crate::context::Context;
use crate::intervene::{Activations, Edit, EditedPrompt, HookPositions, LogitRead, LogitReads, Positions};
use crate::manifest::SelfCheck;
use crate::measure::{Property, Reading};
use crate::model::hook::Hook;
use crate::prompt::Prompt;
use crate::spec::step::Ablation;
use crate::step::divided::parts;
use crate::step::{ModelRun, Outcome, model_run, replays};
use crate::system::progress::ProgressTask;
use indexmap::IndexSet;
use std::sync::Arc;

/// The ablations on prompts of one group, or of all, as edits.
pub struct Arm {
    /// Those that differ.
    edits: Vec<Arc<[Edit]>>,
    /// Which of them each key is.
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
        let keys = circuits.circuits.iter().map(|circuit| number(&circuit.ablated)).collect();
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

impl AblationCase<'_> {
    /// r, twice: readouts are of r and r', and nothing here is measured of another answer.
    fn picks(&self) -> [u32; 2] {
        [self.prompt.answer_token(); 2]
    }
}

/// Runs every arm on its prompts: `[1 + key, case, measure]`, first with nothing ablated. Prompts are run in blocks that fit `run.memory_mib`.
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
    let facts = subject.model.facts();
    let length = cases.first().map_or(0, |case| case.prompt.tokens.len());
    let runs = 1 + usize::from(cases.iter().any(|case| case.other.is_some()));
    let rows = arms.iter().map(Arm::runs).max().unwrap_or(1);
    let block = replays::prompts_at_once(context, facts, length, &wanted, (runs, rows));
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
    let divergence = step.measures.iter().any(|measure| measure.has(Property::Divergence));
    let readout = LogitRead { picks: 2, distribution: true, divergence };
    let tokens = |row: usize| cases[case_of[row]].picks().to_vec();
    let ablated = replays::read(&step.name, subject, (&base, &sources), &rows, (&tokens, readout), progress, checks)?;
    let order: Vec<usize> = (0..cases.len()).collect();
    let unedited = LogitRead { divergence: false, ..readout };
    let whole = LogitReads::of(&base.logits, &order, &|case| cases[case].picks().to_vec(), unedited);

    let reading =
        |readouts: &LogitReads, row: usize, case: usize| replays::reading(readouts, row, cases[case].picks()[0]);
    let keys = arms.first().map_or(0, |arm| arm.keys.len());
    let mut data = Vec::with_capacity((1 + keys) * cases.len() * step.measures.len());
    for key in std::iter::once(None).chain((0..keys).map(Some)) {
        for (number, case) in cases.iter().enumerate() {
            let arm = &arms[case.arm];
            let of = |edits: usize| reading(&ablated, row_of[number][edits], number);
            // Nothing is asked of how far a run without an ablation diverges: not at all from itself.
            let whole = Reading { divergence: 0.0, ..reading(&whole, number, number) };
            let empty = arm.empty.map_or(whole, of);
            let after = key.map_or(whole, |key| of(arm.keys[key]));
            data.extend(step.measures.iter().map(|measure| measure.value(&whole, &empty, &after)));
        }
    }
    Ok(data)
}
