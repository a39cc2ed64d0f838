//! A step's prompts in one model's tokens, counted without the model's weights.

use super::Workload;
use crate::Error;
use crate::context::{Context, row_bytes};
use crate::model::{ModelName, Sketch};
use crate::prompt::{Prompt, TemplatePositions};
use crate::spec::{Answer, Keep, Prompts};
use std::rc::Rc;
use std::time::Duration;

/// A step's prompts in one model's tokens, made without the model's weights.
pub struct Survey {
    /// Which model.
    pub name: ModelName,
    /// The model.
    pub sketch: Rc<Sketch>,
    /// The prompts by template and shape, those of a template after each other.
    pub cells: Vec<SurveyedCell>,
    /// Memory that replays may take, in bytes.
    pub memory: usize,
    /// Prompts that are run together.
    pub batch: usize,
    /// How long making the prompts takes.
    pub took: Duration,
}

/// The prompts of one template and, for a step that reads positions, one shape.
pub struct SurveyedCell {
    /// Name of the template.
    pub template: String,
    /// How many, at most: how many the model answers correctly is not known before it is run.
    pub prompts: usize,
    /// The legal prompts of the template, that they are drawn from.
    pub legal: usize,
    /// Forward passes of prompts by which the model is asked to find them.
    pub asked: usize,
    /// Different first tokens of their answers, at most.
    pub answers: usize,
    /// Forward passes that asking for a prompt's answer takes, on average and at most.
    pub passes: f64,
    /// The first of them: all have its number of tokens and its places of slots.
    pub first: Prompt,
    /// Names of the positions.
    pub positions: TemplatePositions,
}

impl SurveyedCell {
    /// The positions of its prompts, and its template's name.
    pub fn at(&self) -> (&TemplatePositions, &str) {
        (&self.positions, &self.template)
    }

    /// How often rows are replayed: once, or, where whole answers are read, once for each of their tokens, on average.
    pub fn replays(&self, whole_answers: bool) -> usize {
        // One pass more than an answer has tokens is asked for.
        if whole_answers { ((self.passes - 1.0).ceil() as usize).max(1) } else { 1 }
    }
}

impl Survey {
    /// Looks at `prompts`, those that a step runs on, of the set named `set`. A step that reads no position may have prompts that differ
    /// in their number of tokens.
    ///
    /// # Errors
    /// Models and prompts that cannot be had.
    pub fn make(
        (set, prompts): (Option<&str>, &Prompts),
        reads_positions: bool,
        name: &ModelName,
        context: &Context,
    ) -> Result<Self, Error> {
        let sketch = context.models.sketch(name)?;
        let refuse = |error| context.refuse_prompts(set, name, error);
        let census = context.models.census(prompts, &sketch).map_err(refuse)?;
        let facts = &sketch.card.facts;
        census.shapes.fits(facts.n_vocab, facts.position_limit()).map_err(refuse)?;
        let batch = context.batch_of(&sketch.card.facts);
        let mut cells = Vec::new();
        for (index, (template, counted)) in census.shapes.templates.iter().zip(&census.templates).enumerate() {
            if census.shapes.prompts.iter().all(|prompt| prompt.template != index) {
                continue;
            }
            let passes = match prompts.answer {
                Answer::SingleToken => 1.0,
                // The answer's tokens, and one more to see that it ends there.
                Answer::MultiToken => 1.0 + counted.answer_tokens as f64 / counted.prompts.max(1) as f64,
            };
            // A batch at once for each draw, and no more than there are.
            let asked = (counted.draws * batch).min(counted.legal).max(counted.prompts.min(counted.legal));
            let asked = if prompts.keep == Keep::All { 0.0 } else { asked as f64 * passes };
            let shapes = census.shapes.shapes(&template.name).map_err(refuse)?;
            let several = reads_positions && shapes.len() > 1;
            for shape in shapes.into_iter().take(if several { usize::MAX } else { 1 }) {
                let of_shape = || shape.prompts.iter().filter_map(|&number| census.of_shape.get(number)).sum::<usize>();
                let prompts = if several { of_shape() } else { counted.prompts };
                let share = if several { prompts as f64 / counted.prompts.max(1) as f64 } else { 1.0 };
                let Some(&first) = shape.prompts.first() else { continue };
                cells.push(SurveyedCell {
                    template: template.name.clone(),
                    prompts,
                    legal: counted.legal,
                    asked: (asked * share).ceil() as usize,
                    answers: counted.answers.min(prompts),
                    passes,
                    first: census.shapes.prompts[first].clone(),
                    positions: match reads_positions {
                        true => shape.positions,
                        false => TemplatePositions {
                            length: counted.tokens.div_ceil(counted.prompts.max(1)),
                            ..TemplatePositions::default()
                        },
                    },
                });
            }
        }
        let memory = context.loaded.spec.run.memory_mib << 20;
        Ok(Self { name: name.clone(), took: census.took, sketch, cells, memory, batch })
    }

    /// The forward passes by which the model is asked to find the prompts.
    pub fn asking(&self) -> Workload {
        let facts = &self.sketch.card.facts;
        let of = |cell: &SurveyedCell| Workload::forwards(cell.asked, cell.positions.length, facts);
        self.cells.iter().map(of).fold(Workload::default(), Workload::and)
    }
}

/// What reading one prompt takes beside its forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadCost {
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
    pub fn reading(&self, mut of: impl FnMut(&SurveyedCell) -> Result<ReadCost, Error>) -> Result<Workload, Error> {
        let facts = &self.sketch.card.facts;
        let mut whole = Workload::default();
        for cell in &self.cells {
            let ReadCost { logits, bytes, passing } = of(cell)?;
            let runs = Workload::forwards(cell.prompts, cell.positions.length, facts);
            let batch = self.batch.min(cell.prompts).min((self.memory / passing.max(1)).max(1));
            let memory = cell.prompts * bytes + batch * (row_bytes(facts) + passing);
            whole = whole.and(runs.unembedding(cell.prompts * logits, facts).keeping(memory as u64));
        }
        Ok(whole)
    }
}
