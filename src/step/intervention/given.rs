//! What edits write of directions, subspaces and vectors, each with its placebos, and noise.

use super::variations::Variation;
use crate::Error;
use crate::context::Context;
use crate::counted::counted;
use crate::direction::{Directions, Subspace};
use crate::intervene::{Activation, Basis, Change, Edit, Layout, Positions, Units, Value};
use crate::model::hook::Hook;
use crate::prompt::Prompt;
use crate::spec::Loaded;
use crate::spec::SpecErrors;
use crate::spec::step::{EditSpec, GivenFrom, GivenUse, GivenValue, Intervention, Placebos, ProjectedTo};
use crate::step::noise::{EmbeddingNoise, gaussian};
use crate::step::places::{self, PositionGroup};
use crate::step::{ModelRun, directions};
use indexmap::IndexMap;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tensor::read_tensor;

/// The kind of step whose directions are written.
const DIRECTION: &str = "direction";

/// What the edits of a step write beside numbers and runs, for one model's prompts of one template.
pub struct GivenValues {
    /// By the step that found them.
    found: HashMap<String, Directions>,
    /// By the number of the intervention and of the edit, with the file that each is of.
    tensors: HashMap<(usize, usize), (PathBuf, Directions)>,
    noise: HashMap<(usize, usize), EmbeddingNoise>,
    placebos: Placebos,
    /// Changes that are the same in several variations are one, so that rows which share them are computed together.
    made: RefCell<HashMap<String, Arc<Basis>>>,
    values: RefCell<HashMap<String, Arc<Activation>>>,
}

/// Where an edit writes: a hook, units of it, positions by name.
pub struct GivenPlace<'p> {
    /// Keys of the edit in the spec.
    pub path: &'p [&'p str],
    /// Number of the edit in its intervention.
    pub number: usize,
    pub edit: &'p EditSpec,
    pub hook: Hook,
    pub units: &'p Units,
    pub layout: Layout,
    pub positions: &'p [PositionGroup],
}

/// Where an edit stands in the spec.
fn path<'p>(step: &'p Intervention, intervention: usize, edit: &'p str) -> [&'p str; 6] {
    ["step", &step.name, "interventions", &step.interventions[intervention].name, "edits", edit]
}

/// Refuses tables that say nothing, or two things, and files that have no such tensor.
///
/// # Errors
/// Those, at their place in the spec.
pub fn check(step: &Intervention, loaded: &Loaded) -> Result<(), SpecErrors> {
    for (intervention, named) in step.interventions.iter().enumerate() {
        let mut seeds: Option<Vec<u64>> = None;
        for (number, edit) in named.edits.iter().enumerate() {
            let Some(given) = edit.value.given() else { continue };
            let number = number.to_string();
            let edit_path = path(step, intervention, &number);
            let refuse = |keys: &[&str], problem: String, advice: &str| {
                Err(loaded.refuse(&[&edit_path, keys].concat(), problem, Some(advice.to_string())))
            };
            if let Some((key, problem, advice)) = given.fault() {
                let keys = if key.is_empty() { vec!["value"] } else { vec!["value", key] };
                return refuse(&keys, problem, advice);
            }
            if let Some((GivenFrom::Step(from), _)) = given.says()
                && let Some(other) = loaded.spec.steps.iter().find(|other| other.name() == from)
                && other.kind() != DIRECTION
            {
                let problem = format!("step '{from}' of kind '{}' finds no direction", other.kind());
                return refuse(&["value"], problem, "write the name of a step of kind 'direction'");
            }
            match (given.says(), edit.add) {
                (Some((GivenFrom::Step(_), GivenUse::Vector)), false) => {
                    let problem = "a direction can only be added to an activation".to_string();
                    return refuse(
                        &["value", "direction"],
                        problem,
                        "write add = true beside it, or write 'subspace' or 'project_out' in place of 'direction'",
                    );
                }
                (Some((_, used)), true) if used != GivenUse::Vector => {
                    let problem = "'add' does not apply here: the component within a subspace is replaced".to_string();
                    return refuse(&["add"], problem, "leave 'add' out, or write direction = \"STEP\"");
                }
                _ => {}
            }
            if let Some((GivenFrom::File { file, tensor }, _)) = given.says() {
                let key = [&edit_path[..], &["value", "file"]].concat();
                if let Err(problem) = read_tensor((&loaded.directory(&key), file), tensor) {
                    return refuse(
                        &["value", "file"],
                        problem,
                        "write a safetensors file and the name of a tensor in it",
                    );
                }
            }
            if given.noise.is_some() {
                let own = given.noise_seeds();
                if seeds.as_ref().is_some_and(|others| *others != own) {
                    let problem = format!("two edits of '{}' have different seeds of noise", named.name);
                    return refuse(&["value"], problem, "write the same seeds in both, because each run uses one seed");
                }
                seeds = Some(own);
            }
        }
    }
    Ok(())
}

impl GivenValues {
    /// Reads the directions and files that a step's edits write, and measures the embeddings that noise is of.
    ///
    /// # Errors
    /// Steps that found nothing in this model, files that cannot be read, and Ctrl-C.
    pub fn take(step: &Intervention, template: &str, subject: &ModelRun, context: &Context) -> Result<Self, Error> {
        let mut taken = Self {
            found: HashMap::new(),
            tensors: HashMap::new(),
            noise: HashMap::new(),
            placebos: step.control.clone().unwrap_or_default(),
            made: RefCell::default(),
            values: RefCell::default(),
        };
        for (intervention, named) in step.interventions.iter().enumerate() {
            for (number, edit) in named.edits.iter().enumerate() {
                let Some(given) = edit.value.given() else { continue };
                let text = number.to_string();
                let edit_path = path(step, intervention, &text);
                let at = (intervention, number);
                if let Some(noise) = given.noise {
                    let path = [&edit_path[..], &["positions"]].concat();
                    taken
                        .noise
                        .insert(at, EmbeddingNoise::of(noise, (&path, &edit.positions), step, subject, context)?);
                    continue;
                }
                match given.says() {
                    Some((GivenFrom::Step(from), _)) if !taken.found.contains_key(from) => {
                        taken.found.insert(from.to_string(), directions::found(from, subject, template, context)?);
                    }
                    Some((GivenFrom::File { file, tensor }, _)) => {
                        let key = [&edit_path[..], &["value", "file"]].concat();
                        let folder = context.loaded.directory(&key);
                        let read = read_tensor((&folder, file), tensor);
                        let read = read.map_err(|problem| context.loaded.refuse(&key, problem, None))?;
                        taken.tensors.insert(at, (folder.join(file), read));
                    }
                    _ => {}
                }
            }
        }
        Ok(taken)
    }

    /// The edits at a place of the spec's edit `number` of a variation; noise is that of `prompt`, and the class that of `other`.
    ///
    /// # Errors
    /// Directions of another place or width, classes that are not there, at their place in the spec.
    pub fn edits(
        &self,
        variation: &Variation,
        place: &GivenPlace,
        given: &GivenValue,
        (prompt, other): (Option<&Prompt>, Option<&Prompt>),
        context: &Context,
    ) -> Result<Vec<Edit>, Error> {
        let at = (variation.of, place.number);
        if let Some(noise) = self.noise.get(&at) {
            let seeds = given.noise_seeds();
            let seed = seeds.get(variation.seed).copied().unwrap_or_default();
            let strength = place.edit.strength * variation.strength.unwrap_or(1.0);
            let scaled = |edit: Edit| match edit.change {
                Change::Add { value, .. } => Edit { change: Change::Add { value, strength }, ..edit },
                _ => edit,
            };
            let positions = places::together(place.positions);
            return Ok(prompt.map(|prompt| scaled(noise.edit(seed, prompt, &positions))).into_iter().collect());
        }
        let Some((from, used)) = given.says() else { return Ok(Vec::new()) };
        let found = match from {
            GivenFrom::Step(name) => self.found.get(name).map(|found| (Path::new(""), found)),
            GivenFrom::File { .. } => self.tensors.get(&at).map(|(file, found)| (file.as_path(), found)),
        };
        let Some((file, directions)) = found else { return Ok(Vec::new()) };
        let named = match used {
            GivenUse::ClassOf(column) => {
                Some(class_of(other, column).map_err(|problem| refuse(place, problem, context))?)
            }
            _ => None,
        };
        let used = named.as_deref().map_or(used, GivenUse::Class);
        let units: Vec<Option<usize>> = match place.units {
            Units::All => vec![None],
            Units::Of(units) => units.iter().copied().map(Some).collect(),
        };
        let mut edits = Vec::new();
        for unit in units {
            // Positions whose subspace is one are edited together.
            let mut by_subspace: IndexMap<usize, Vec<PositionGroup>> = IndexMap::new();
            for group in place.positions {
                let subspace = subspace(directions, place.hook, unit, &group.label);
                let subspace = subspace.map_err(|problem| refuse(place, problem, context))?;
                by_subspace.entry(subspace).or_default().push(group.clone());
            }
            for (index, groups) in by_subspace {
                let change = self
                    .change(variation, place, (used, unit), (file, directions, index))
                    .map_err(|problem| refuse(place, problem, context))?;
                let units = unit.map_or(Units::All, |unit| Units::Of(vec![unit]));
                edits.push(Edit { hook: place.hook, positions: places::together(&groups), units, change });
            }
        }
        Ok(edits)
    }

    /// What happens to the values at a place.
    fn change(
        &self,
        variation: &Variation,
        place: &GivenPlace,
        (used, unit): (GivenUse, Option<usize>),
        (file, directions, index): (&Path, &Directions, usize),
    ) -> Result<Change, String> {
        let subspace = &directions.subspaces[index];
        let strength = place.edit.strength * variation.strength.unwrap_or(1.0);
        let own = format!("{}\n{}\n{:?}\n{}", directions.step, subspace.hook, subspace.unit, subspace.position);
        // Two edits may name two files alike, each from the folder of the spec that it is written in.
        let known_as = format!("{file:?}\n{own}");
        let written = |name: &str, vector: &[f32]| -> Result<Value, String> {
            let key = format!("{known_as}\n{name}\n{:?}\n{}\n{unit:?}", variation.placebo, place.hook);
            if let Some(known) = self.values.borrow().get(&key) {
                return Ok(Value::Fixed(known.clone()));
            }
            let made = Arc::new(spread(vector, place.layout, unit)?);
            self.values.borrow_mut().insert(key, made.clone());
            Ok(Value::Fixed(made))
        };
        let value = match used {
            GivenUse::Vector => {
                let vector = match variation.placebo {
                    None => subspace.vector.clone(),
                    Some(draw) => self.placebo_vector(&own, draw, &subspace.vector),
                };
                let value = written("vector", &vector)?;
                return Ok(match place.edit.add {
                    true => Change::Add { value, strength },
                    false => Change::Replace { value, strength },
                });
            }
            GivenUse::Interchange => Value::Source,
            GivenUse::ProjectOut(ProjectedTo::Zero) => Value::Constant(0.0),
            GivenUse::ProjectOut(ProjectedTo::Mean) => written("mean", &subspace.mean)?,
            GivenUse::Class(class) | GivenUse::ClassOf(class) => match subspace.means.get(class) {
                Some(mean) => written(&format!("class {class}"), mean)?,
                None => {
                    let classes: Vec<&str> = subspace.means.keys().map(String::as_str).take(20).collect();
                    let more = match subspace.means.len().saturating_sub(classes.len()) {
                        0 => String::new(),
                        more => format!(" and {more} more"),
                    };
                    return Err(format!(
                        "step '{}' has no class '{class}'; its classes are '{}'{more}",
                        directions.step,
                        classes.join("', '")
                    ));
                }
            },
        };
        Ok(Change::Within { basis: self.basis((&known_as, &own), variation.placebo, subspace)?, value, strength })
    }

    /// A subspace's basis, or a random one of as many dimensions that is drawn by `own`.
    fn basis(
        &self,
        (known_as, own): (&str, &str),
        placebo: Option<usize>,
        subspace: &Subspace,
    ) -> Result<Arc<Basis>, String> {
        let key = format!("{known_as}\n{placebo:?}");
        if let Some(known) = self.made.borrow().get(&key) {
            return Ok(known.clone());
        }
        let width = subspace.width();
        let made = match placebo {
            None => Basis::new(width, subspace.basis.clone()),
            Some(draw) => {
                let vectors = gaussian(&mut self.random(own, draw), subspace.dimensions() * width);
                Basis::spanning(width, &vectors)
            }
        };
        let made = Arc::new(made.map_err(|fault| fault.to_string())?);
        self.made.borrow_mut().insert(key, made.clone());
        Ok(made)
    }

    /// A vector of random direction, as long as another.
    fn placebo_vector(&self, own: &str, draw: usize, like: &[f32]) -> Vec<f32> {
        let length = |vector: &[f32]| vector.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let drawn = gaussian(&mut self.random(own, draw), like.len());
        let factor = length(like) / length(&drawn).max(f64::MIN_POSITIVE);
        drawn.into_iter().map(|value| (factor * f64::from(value)) as f32).collect()
    }

    /// What a placebo is drawn with: the same wherever its direction is written.
    fn random(&self, own: &str, draw: usize) -> ChaCha8Rng {
        let digest = Sha256::new()
            .chain_update(self.placebos.seed.to_le_bytes())
            .chain_update((draw as u64).to_le_bytes())
            .chain_update(own);
        ChaCha8Rng::from_seed(digest.finalize().into())
    }
}

/// The class that the other prompt of a pair has in a column.
fn class_of(other: Option<&Prompt>, column: &str) -> Result<String, String> {
    let other = other.ok_or("class_of reads the other prompt of a pair, and there is none")?;
    match other.fields.get(column) {
        Some(value) => Ok(value.to_string().trim().to_string()),
        None => Err(format!("prompts have no column '{column}'; write a slot of their template, or an operand, 'a'")),
    }
}

/// Stands for the edits of a given value where none is known yet: they change no less.
pub fn placeholder(place: &GivenPlace) -> Edit {
    let change = Change::Replace { value: Value::Constant(0.0), strength: 0.5 };
    let positions: Positions = places::together(place.positions);
    Edit { hook: place.hook, positions, units: place.units.clone(), change }
}

/// Which subspace an edit of a place writes: that of its hook, unit and position; that of its hook and unit, where there is one alone;
/// the only one of all, which then is written anywhere.
fn subspace(directions: &Directions, hook: Hook, unit: Option<usize>, position: &str) -> Result<usize, String> {
    let all = || directions.subspaces.iter().enumerate();
    let here: Vec<(usize, &Subspace)> = all().filter(|(_, one)| one.hook == hook && one.unit == unit).collect();
    if let Some((index, _)) = here.iter().find(|(_, one)| one.position == position) {
        return Ok(*index);
    }
    if let ([(index, _)], _) | ([], [(index, _)]) = (here.as_slice(), all().collect::<Vec<_>>().as_slice()) {
        return Ok(*index);
    }
    let name = |one: &Subspace| {
        let unit = one.unit.map_or(String::new(), |unit| format!("[{unit}]"));
        format!("{}{unit} at '{}'", one.hook, one.position)
    };
    let some: Vec<String> = if here.is_empty() {
        all().map(|(_, one)| name(one)).collect()
    } else {
        here.iter().map(|(_, one)| name(one)).collect()
    };
    let more = some.len().saturating_sub(8);
    let mut listed = some.into_iter().take(8).collect::<Vec<_>>().join(", ");
    if more > 0 {
        listed += &format!(" and {more} more");
    }
    Err(format!("step '{}' found nothing for {hook} at '{position}'; it has {listed}", directions.step))
}

/// A vector as an activation that every position has: of a unit alone, of all, or of each unit the same.
fn spread(vector: &[f32], layout: Layout, unit: Option<usize>) -> Result<Activation, String> {
    let (each, all) = (layout.unit_width(), layout.position_width());
    let mut data = vec![0.0; all];
    match unit {
        Some(unit) if vector.len() == each => data[unit * each..][..each].copy_from_slice(vector),
        None if vector.len() == all => data.copy_from_slice(vector),
        None if vector.len() == each && each > 1 => {
            data.chunks_exact_mut(each).for_each(|part| part.copy_from_slice(vector))
        }
        _ => {
            let wanted = if unit.is_some() { each } else { all };
            return Err(format!(
                "the vector has {}, and the edited activation has {wanted}; write a site of that width, or another vector",
                counted(vector.len(), "value")
            ));
        }
    }
    Ok(Activation { layout, rows: 1, positions: Vec::new(), data })
}

fn refuse(place: &GivenPlace, problem: String, context: &Context) -> Error {
    context.loaded.refuse(&[place.path, &["value"]].concat(), problem, None).into()
}
