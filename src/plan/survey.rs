use super::Workload;
use crate::Error;
use crate::model::Sketch;
use crate::prompt::{self, Positions, Prompt, PromptError, PromptSet};
use crate::run::ModelName;
use crate::spec::{Keep, Operands, Prompts, Range, SlotWords, Step, ends};
use crate::step::{self, Context};
use std::collections::HashSet;
use std::rc::Rc;

/// How many of a step's prompts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of them.
    Whole,
    /// A few: enough for their positions.
    Probe,
}

/// Values of each operand or slot that a probe keeps from either end of its range.
const PROBED: usize = 4;

/// A step's prompts in one model's tokens, made without the model's weights.
pub struct Survey {
    /// Which model.
    pub name: ModelName,
    /// The model.
    pub sketch: Rc<Sketch>,
    /// The prompts by template.
    pub cells: Vec<SurveyedCell>,
    /// Memory that replays may take, in bytes.
    pub memory: usize,
    /// Prompts that are run together.
    pub batch: usize,
}

/// The prompts of one template.
pub struct SurveyedCell {
    /// Name of the template.
    pub template: String,
    /// How many, at most: how many the model answers correctly is not known before it is run.
    pub prompts: usize,
    /// Prompts that the model is asked to find them.
    pub asked: usize,
    /// Different first tokens of their answers.
    pub answers: usize,
    /// The first of them: all have its number of tokens and its places of slots.
    pub first: Prompt,
    /// Names of the positions.
    pub positions: Positions,
}

impl SurveyedCell {
    /// The positions of its prompts, and its template's name.
    pub fn at(&self) -> (&Positions, &str) {
        (&self.positions, &self.template)
    }
}

impl Survey {
    /// Looks at the prompts of a step.
    ///
    /// # Errors
    /// Models and prompts that can not be had.
    pub fn make(step: &Step, name: &ModelName, context: &Context, extent: Extent) -> Result<Self, Error> {
        let sketch = context.models.sketch(name)?;
        let set = step.common().prompts();
        let spec = context.prompts(set, step.name())?;
        let refuse = |error| context.refuse_prompts(set, name, error);
        let spec = &step::surveyed(step, spec);
        let built = unjudged(spec, &sketch, extent).map_err(refuse)?;
        built.fits(sketch.card.facts.n_vocab, sketch.card.facts.position_limit()).map_err(refuse)?;
        let batch = context.batch_of(&sketch.card.facts);
        let mut cells = Vec::new();
        for (index, template) in built.templates.iter().enumerate() {
            let of_template = || built.prompts.iter().filter(|prompt| prompt.template == index);
            let prompts = of_template().count();
            if let Some(first) = of_template().next() {
                let answers: HashSet<Option<&u32>> = of_template().map(|prompt| prompt.answer_tokens.first()).collect();
                cells.push(SurveyedCell {
                    template: template.name.clone(),
                    prompts,
                    asked: if spec.keep == Keep::All { 0 } else { asked(of_template(), spec, batch) },
                    answers: answers.len(),
                    first: first.clone(),
                    positions: built.positions(&template.name).map_err(refuse)?,
                });
            }
        }
        Ok(Self { name: name.clone(), sketch, cells, memory: context.loaded.spec.run.memory_mib << 20, batch })
    }
}

/// The prompts of a spec whatever the model answers, in its tokens.
///
/// # Errors
/// Prompts that can not be had.
pub fn unjudged(spec: &Prompts, sketch: &Sketch, extent: Extent) -> Result<PromptSet, PromptError> {
    let build = |spec: &Prompts| prompt::build(spec, &sketch.tokenizer, sketch.bos, None);
    let spec = Prompts { keep: Keep::All, ..spec.clone() };
    match extent {
        Extent::Whole => build(&spec),
        // Of a few operands there may be no legal prompt.
        Extent::Probe => build(&probe(&spec)).or_else(|_| build(&spec)),
    }
}

/// What reading one prompt takes beside its forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Rows of logits.
    pub logits: usize,
    /// Bytes that are kept of it.
    pub bytes: usize,
    /// Bytes that are read of it and gone with its batch.
    pub passing: usize,
}

impl Survey {
    /// What a step computes that runs each prompt once and reads what `of` says of the prompts of a template.
    ///
    /// # Errors
    /// What `of` returns.
    pub fn reading(&self, mut of: impl FnMut(&SurveyedCell) -> Result<Read, Error>) -> Result<Workload, Error> {
        let facts = &self.sketch.card.facts;
        let mut whole = Workload::default();
        for cell in &self.cells {
            let Read { logits, bytes, passing } = of(cell)?;
            let runs = Workload::forwards(cell.prompts + cell.asked, cell.positions.length, facts);
            let batch = self.batch.min(cell.prompts).min((self.memory / passing.max(1)).max(1));
            let memory = cell.prompts * bytes + batch * (step::row_bytes(facts) + passing);
            whole = whole.and(runs.unembedding(cell.prompts * logits, facts).keeping(memory as u64));
        }
        Ok(whole)
    }
}

/// How many prompts the model is asked at most to find some of them: a batch at once for each draw, and no more than there can be.
fn asked<'p>(drawn: impl Iterator<Item = &'p Prompt> + Clone, spec: &Prompts, batch: usize) -> usize {
    let prompts = drawn.clone().count();
    let draws: HashSet<_> = drawn.map(|prompt| (prompt.operator.symbol, prompt.seed)).collect();
    let there = |operands: &Operands| operands.a.values().len() * operands.b.values().len() * spec.operators.len();
    let there = spec.operands.as_ref().map_or(prompts, there);
    (draws.len() * batch).min(there).max(prompts)
}

/// The same prompts of a few operands or words.
fn probe(spec: &Prompts) -> Prompts {
    let of_ends = |range: &Range| Range::List(ends(&range.values(), PROBED));
    let mut probe = spec.clone();
    if let Some(operands) = &mut probe.operands {
        operands.a = of_ends(&operands.a);
        operands.b = of_ends(&operands.b);
    }
    for words in probe.slots.values_mut() {
        if let SlotWords::List(list) = words {
            *list = ends(list, PROBED);
        }
    }
    probe.rows = probe.rows.ends(PROBED);
    probe
}
