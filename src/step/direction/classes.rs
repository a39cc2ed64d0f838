//! The prompts that a direction is made from: of which sets, in which classes, with which numbers; and which of them are the test.

use crate::Error;
use crate::context::Context;
use crate::counted::counted;
use crate::probe::RowSplit;
use crate::prompt::{Prompt, PromptColumns};
use crate::spec::step::{ClassPrompts, DirectionMethod, FindDirection};
use crate::step::prompt_sample::PromptSample;
use crate::step::{ModelRun, TemplateBatch, model_run};
use crate::table::{self, Holds};
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;

/// Name of the class that has what the direction is of.
pub const OF: &str = "of";
/// Name of the class that has it not.
pub const MINUS: &str = "minus";

/// Prompts of one length, of one of the step's sets.
pub struct SourceCell<'p> {
    /// The model with that set.
    pub subject: &'p ModelRun,
    /// The name of the set; `None` for the step's own.
    pub set: Option<&'p str>,
    /// Its prompts that count, each once.
    pub cell: TemplateBatch<'p>,
}

/// The prompts, with what they are of.
pub struct DirectionPrompts<'p> {
    /// The prompts, those of one length together. A sample is a prompt of one of these: numbered from 0, cell by cell.
    pub cells: Vec<SourceCell<'p>>,
    /// What they are of.
    pub samples: DirectionSamples,
}

/// What the samples are of.
pub struct DirectionSamples {
    /// Names of the classes; none where the method has none.
    pub classes: Vec<String>,
    /// The class of each sample; 0 where there are none.
    pub class: Vec<usize>,
    /// The number of each sample, of method `fourier`.
    pub numbers: Vec<f64>,
    /// The samples that a direction is made from, and those that it is tested on.
    pub split: RowSplit,
}

/// The sets that a step takes prompts from beside its own, in a model's tokens.
///
/// # Errors
/// Prompts that cannot be had.
pub fn other_sets(
    step: &FindDirection,
    subject: &ModelRun,
    context: &Context,
) -> Result<IndexMap<String, ModelRun>, Error> {
    let mut sets = IndexMap::new();
    for name in [&step.of, &step.minus].into_iter().flatten().filter_map(|class| class.prompts.as_ref()) {
        if !sets.contains_key(name) {
            let set = model_run::prompts(Some(name), step, context, &subject.name, &subject.model)?;
            sets.insert(
                name.clone(),
                ModelRun {
                    name: subject.name.clone(),
                    model: subject.model.clone(),
                    set,
                    sample: PromptSample::default(),
                },
            );
        }
    }
    Ok(sets)
}

impl<'p> DirectionPrompts<'p> {
    /// The prompts of a template: of the step's own set, and of the others the template of that name or the only one.
    ///
    /// # Errors
    /// Conditions and columns that the prompts have not, classes without prompts, at their place in the spec.
    pub fn of(
        step: &'p FindDirection,
        subject: &'p ModelRun,
        others: &'p IndexMap<String, ModelRun>,
        template: &str,
        context: &Context,
    ) -> Result<Self, Error> {
        let sets: Vec<(Option<&str>, &ModelRun)> = std::iter::once((None, subject))
            .chain(others.iter().map(|(name, run)| (Some(name.as_str()), run)))
            .collect();
        let mut members = Vec::new();
        for &(set, run) in &sets {
            let cells = of_template(run.cells(step, context)?, template);
            if cells.is_empty() {
                let name = set.unwrap_or_default();
                let problem = format!(
                    "prompt set '{name}' has several templates, and none has the name '{template}'; write a template of that name there, or only one"
                );
                return Err(refuse(step, context, &["prompts"], problem));
            }
            for cell in cells {
                let classes = Membership::new(step, set, &cell.prompts, context)?;
                members.push((set, run, cell, classes));
            }
        }
        let mut names: IndexSet<String> = match classes_of(step) {
            Classes::None | Classes::Column => IndexSet::new(),
            Classes::One => IndexSet::from([OF.to_string()]),
            Classes::Two => IndexSet::from([OF.to_string(), MINUS.to_string()]),
        };
        let (mut cells, mut class, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen: IndexSet<(Option<&str>, u64)> = IndexSet::new();
        for (set, subject, mut cell, members) in members {
            let mut kept = Vec::new();
            for (row, &prompt) in cell.prompts.iter().enumerate() {
                let Some(name) = members.class(step, row, prompt, context)? else { continue };
                // A prompt that several draws have in common counts once: it must not be learned and tested.
                if !seen.insert((set, prompt.id)) {
                    continue;
                }
                class.push(name.map_or(0, |name| names.insert_full(name).0));
                numbers.extend(members.number(row));
                kept.push(prompt);
            }
            cell.prompts = kept;
            if !cell.prompts.is_empty() {
                cells.push(SourceCell { subject, set, cell });
            }
        }
        let classes: Vec<String> = names.into_iter().collect();
        let split = RowSplit { train: Vec::new(), test: Vec::new() };
        let mut samples = DirectionSamples { classes, class, numbers, split };
        samples.split = samples.divided(step, &subject.name.to_string(), context)?;
        Ok(Self { cells, samples })
    }
}

impl DirectionSamples {
    /// How many samples there are.
    pub fn count(&self) -> usize {
        self.class.len()
    }

    /// Which samples are the test: of each class the same share; of numbers, those whose number is not seen.
    fn divided(&self, step: &FindDirection, model: &str, context: &Context) -> Result<RowSplit, Error> {
        let parts: Vec<Vec<Vec<usize>>> = match step.method {
            DirectionMethod::Fourier => {
                let mut sorted: IndexMap<u64, Vec<usize>> = IndexMap::new();
                (0..self.count())
                    .for_each(|sample| sorted.entry(self.numbers[sample].to_bits()).or_default().push(sample));
                vec![sorted.into_values().collect()]
            }
            _ => (0..self.classes.len().max(1))
                .map(|class| (0..self.count()).filter(|&s| self.class[s] == class).map(|sample| vec![sample]).collect())
                .collect(),
        };
        let mut whole = RowSplit { train: Vec::new(), test: Vec::new() };
        for (class, things) in parts.iter().enumerate() {
            let name = self.classes.get(class).map_or(String::new(), |name| format!(" of class '{name}'"));
            let split = RowSplit::new(things.len(), step.train, step.seed);
            if split.train.is_empty() {
                let count = things.len();
                let problem = match count {
                    0 => format!(
                        "model '{model}': there is no prompt{name} to make a direction from; write conditions that some prompts meet, or another set"
                    ),
                    _ => format!(
                        "train = {} takes none of {}{name}; write a larger share, or more prompts",
                        step.train,
                        counted(count, "prompt")
                    ),
                };
                let own = self.classes.get(class).map(String::as_str).filter(|name| [OF, MINUS].contains(name));
                let key = own.filter(|_| count == 0).unwrap_or("train");
                return Err(refuse(step, context, &[key], problem));
            }
            whole.train.extend(split.train.iter().flat_map(|&thing| &things[thing]));
            whole.test.extend(split.test.iter().flat_map(|&thing| &things[thing]));
        }
        whole.train.sort_unstable();
        whole.test.sort_unstable();
        Ok(whole)
    }
}

/// The classes of a method.
enum Classes {
    None,
    One,
    Two,
    Column,
}

fn classes_of(step: &FindDirection) -> Classes {
    match step.method {
        DirectionMethod::Mean | DirectionMethod::Probe if step.by.is_some() => Classes::Column,
        DirectionMethod::Mean => Classes::One,
        DirectionMethod::DifferenceOfMeans | DirectionMethod::Probe => Classes::Two,
        DirectionMethod::File if step.of.is_some() || step.minus.is_some() => Classes::Two,
        DirectionMethod::Pca | DirectionMethod::Fourier | DirectionMethod::Das | DirectionMethod::File => Classes::None,
    }
}

/// What the prompts of a cell are of.
struct Membership {
    /// Whether they are of the step's own set.
    own: bool,
    of: Option<Vec<bool>>,
    minus: Option<Vec<bool>>,
    /// Values of the column of classes.
    values: Option<Vec<String>>,
    numbers: Option<Vec<f64>>,
}

impl Membership {
    fn new(step: &FindDirection, set: Option<&str>, prompts: &[&Prompt], context: &Context) -> Result<Self, Error> {
        let columns = PromptColumns::frame(prompts.iter().copied()).map_err(Error::failed(&step.name))?;
        let mask = |class: &Option<ClassPrompts>, key: &str| -> Result<Option<Vec<bool>>, Error> {
            let Some(class) = class else { return Ok(None) };
            if class.prompts.as_deref() != set {
                return Ok(Some(vec![false; prompts.len()]));
            }
            let all = table::mask_of_all(&columns, &class.filter);
            all.map(Some)
                .map_err(|(column, problem)| refuse(step, context, &[key, "where", column], problem.to_string()))
        };
        let column = |key: &str, name: &Option<String>| -> Result<Option<&Series>, Error> {
            let Some(name) = name else { return Ok(None) };
            let found = table::column(&columns, name);
            let found = found.map_err(|problem| refuse(step, context, &[key], problem.to_string()))?;
            Ok(Some(found.as_materialized_series()))
        };
        let values = match column("by", &step.by)? {
            Some(values) => {
                let texts = values.cast(&DataType::String)?;
                Some(texts.str()?.iter().map(|text| text.unwrap_or_default().to_string()).collect())
            }
            None => None,
        };
        let numbers = match column("number", &step.number)? {
            Some(values) if values.dtype().is_primitive_numeric() => {
                let numbers = values.cast(&DataType::Float64)?;
                Some(numbers.f64()?.iter().map(|number| number.unwrap_or(f64::NAN)).collect())
            }
            Some(_) => {
                let name = step.number.as_deref().unwrap_or_default();
                let problem =
                    format!("column '{name}' holds texts, and a helix needs numbers; write a column of numbers");
                return Err(refuse(step, context, &["number"], problem));
            }
            None => None,
        };
        Ok(Self { own: set.is_none(), of: mask(&step.of, OF)?, minus: mask(&step.minus, MINUS)?, values, numbers })
    }

    /// The class of a prompt, where the method has classes; `None` where the prompt does not count.
    fn class(
        &self,
        step: &FindDirection,
        row: usize,
        prompt: &Prompt,
        context: &Context,
    ) -> Result<Option<Option<String>>, Error> {
        let is = |mask: &Option<Vec<bool>>| mask.as_ref().map(|mask| mask[row]);
        let (of, minus) = (is(&self.of), is(&self.minus));
        Ok(match classes_of(step) {
            Classes::None => self.own.then_some(None),
            Classes::Column => self.own.then(|| self.values.as_ref().and_then(|values| values.get(row)).cloned()),
            Classes::One => of.unwrap_or(self.own).then(|| Some(OF.to_string())),
            Classes::Two => {
                let (of, minus) = match (of, minus) {
                    (Some(true), Some(true)) => {
                        let problem = format!(
                            "prompt {:?} is in both 'of' and 'minus'; write conditions that no prompt meets twice",
                            prompt.text
                        );
                        return Err(refuse(step, context, &[MINUS], problem));
                    }
                    (of, minus) => {
                        (of.unwrap_or(self.own && minus != Some(true)), minus.unwrap_or(self.own && of != Some(true)))
                    }
                };
                match (of, minus) {
                    (true, _) => Some(Some(OF.to_string())),
                    (false, true) => Some(Some(MINUS.to_string())),
                    (false, false) => None,
                }
            }
        })
    }

    fn number(&self, row: usize) -> Option<f64> {
        self.numbers.as_ref().and_then(|numbers| numbers.get(row)).copied()
    }
}

/// The cells of that template; of a set with one template, all.
fn of_template<'p>(cells: Vec<TemplateBatch<'p>>, template: &str) -> Vec<TemplateBatch<'p>> {
    let only = cells.iter().map(|cell| &cell.template).collect::<IndexSet<_>>().len() == 1;
    cells.into_iter().filter(|cell| only || cell.template == template).collect()
}

pub(super) fn refuse(step: &FindDirection, context: &Context, keys: &[&str], problem: String) -> Error {
    context.loaded.refuse(&[&["step", step.name.as_str()], keys].concat(), problem, None).into()
}
