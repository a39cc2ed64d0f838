//! What plans need of a prompt set: how many prompts there are whatever the model answers, and one of each shape. A run makes all of
//! them; a plan goes over the legal prompts once for all the sets that draw from them.

use crate::model::Sketch;
use crate::prompt::{
    self, Bounds, Prompt, PromptError, PromptSet, ResolvedPrompts, SlotTokens, Tallied, Tally, Wanted,
};
use crate::spec::{Keep, Prompts};
use indexmap::IndexMap;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The prompts of a set, counted.
#[derive(Debug)]
pub struct Census {
    /// The set with one prompt of each shape, the first; of a template without prompts none.
    pub shapes: PromptSet,
    /// How many prompts of all draws have the shape of each prompt of `shapes`, about; each is counted with the first of its shape.
    pub of_shape: Vec<usize>,
    /// Whether `shapes` has those of all legal prompts, and not those of a draw of them alone.
    pub has_all_shapes: bool,
    /// What there is of each of its templates.
    pub templates: Vec<TemplateCount>,
    /// How long making the prompts takes, about.
    pub took: Duration,
}

/// The prompts of a template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TemplateCount {
    /// Prompts of all draws.
    pub prompts: usize,
    /// Prompts that they are drawn from: the legal ones.
    pub legal: usize,
    /// Draws that have any: of each seed and group.
    pub draws: usize,
    /// Different first tokens of their answers, at most.
    pub answers: usize,
    /// Tokens of all of them.
    pub tokens: usize,
    /// Tokens of all answers.
    pub answer_tokens: usize,
}

/// The legal prompts of a set, counted, whatever is drawn of them.
#[derive(Debug)]
struct Legal {
    shapes: PromptSet,
    groups: Vec<Tallied>,
    took: Duration,
}

/// Of a model in whose tokens prompts are, and what a spec says of them.
type SketchCache<K, V> = RefCell<Vec<((Rc<Sketch>, K), Rc<V>)>>;

/// Censuses that were made, for the specs of one command.
#[derive(Debug, Default)]
pub struct Censuses {
    legal: SketchCache<Prompts, Legal>,
    drawn: SketchCache<Prompts, Census>,
    /// How many prompts there are for means.
    every: SketchCache<EveryKey, usize>,
    /// Models that were seen, each with the first that has the same prompts: checkpoints have one tokenizer.
    alike: RefCell<Vec<(Rc<Sketch>, Rc<Sketch>)>>,
}

/// A set, whatever is drawn of it, and what of it is wanted: the template, the tokens and places of the slots that all have, whether
/// legal prompts alone count, how many, the seed, and whether each group has as many.
type EveryKey = (Prompts, String, Option<(usize, Vec<Option<SlotTokens>>)>, (bool, usize, u64, bool));

impl Censuses {
    /// The census of a set, made unless there is one.
    ///
    /// # Errors
    /// Prompts that cannot be had.
    pub fn of(&self, spec: &Prompts, sketch: &Rc<Sketch>) -> Result<Rc<Census>, PromptError> {
        let spec = Prompts { keep: Keep::All, ..spec.clone() };
        let sketch = &self.first_alike(sketch);
        get_or(&self.drawn, sketch, spec, |spec| self.whole(spec, sketch))
    }

    /// How many prompts means are taken over.
    ///
    /// # Errors
    /// Prompts that cannot be had.
    pub fn every(&self, spec: &Prompts, sketch: &Rc<Sketch>, wanted: &Wanted) -> Result<usize, PromptError> {
        let Wanted { template, like, legal, sample, seed, balanced } = *wanted;
        let sketch = &self.first_alike(sketch);
        let shape = like.map(|like| (like.tokens.len(), like.slots.clone()));
        let key = (undrawn(spec), template.to_string(), shape, (legal, sample, seed, balanced));
        let count = get_or(&self.every, sketch, key, |_| {
            let resolved = ResolvedPrompts::new(spec).map_err(PromptError::Spec)?;
            let drawn = prompt::every(&resolved, &sketch.tokenizer, sketch.bos, wanted)?;
            Ok(drawn.iter().map(Vec::len).sum())
        })?;
        Ok(*count)
    }

    /// The first model that was seen with the prompts of this one.
    fn first_alike(&self, sketch: &Rc<Sketch>) -> Rc<Sketch> {
        let mut alike = self.alike.borrow_mut();
        if let Some((_, first)) = alike.iter().find(|(own, _)| Rc::ptr_eq(own, sketch)) {
            return first.clone();
        }
        let mut firsts = alike.iter().map(|(_, first)| first);
        let first = firsts.find(|first| has_same_prompts(first, sketch)).unwrap_or(sketch).clone();
        alike.push((sketch.clone(), first.clone()));
        first
    }

    fn whole(&self, spec: &Prompts, sketch: &Rc<Sketch>) -> Result<Census, PromptError> {
        let legal = get_or(&self.legal, sketch, undrawn(spec), |all| Legal::of(all, sketch))?;
        if let Some(census) = legal.draw(spec) {
            return Ok(census);
        }
        let mut census = drawn(spec, sketch)?;
        census.templates.iter_mut().enumerate().for_each(|(index, counted)| counted.legal = legal.of_template(index));
        Ok(census)
    }
}

/// Whether two models have the same prompts in the same tokens.
fn has_same_prompts(one: &Sketch, other: &Sketch) -> bool {
    let begins = |sketch: &Sketch| {
        let tokenizer = &sketch.tokenizer;
        (sketch.bos, tokenizer.bos(), tokenizer.adds_bos(), tokenizer.chat_template().cloned())
    };
    let text = |sketch: &Sketch| sketch.tokenizer.to_json().ok();
    let alike = one.card.facts == other.card.facts && begins(one) == begins(other);
    alike && text(one).is_some_and(|text_of_one| text(other) == Some(text_of_one))
}

fn get_or<K: PartialEq, V>(
    place: &SketchCache<K, V>,
    sketch: &Rc<Sketch>,
    key: K,
    make: impl FnOnce(&K) -> Result<V, PromptError>,
) -> Result<Rc<V>, PromptError> {
    let same = |((of, other), _): &&((Rc<Sketch>, K), Rc<V>)| Rc::ptr_eq(of, sketch) && *other == key;
    if let Some((_, found)) = place.borrow().iter().find(same) {
        return Ok(found.clone());
    }
    let made = Rc::new(make(&key)?);
    place.borrow_mut().push(((sketch.clone(), key), made.clone()));
    Ok(made)
}

/// The set that others are draws from: what tells draws apart is left out.
fn undrawn(spec: &Prompts) -> Prompts {
    // Of very many words some are looked at where a sample of them is wanted, however large it is.
    let sample = spec.sample.filter(|_| spec.has_no_operands()).map(|_| 1);
    Prompts { keep: Keep::All, sample, skip: 0, seeds: vec![0], spread_answers: true, ..spec.clone() }
}

/// The first prompt that a model cannot run.
fn unfit(set: &PromptSet, sketch: &Sketch) -> Option<Prompt> {
    let facts = &sketch.card.facts;
    let fits = |set: &PromptSet| set.fits(facts.n_vocab, facts.position_limit()).is_ok();
    if fits(set) {
        return None;
    }
    // Rare, and then of few prompts: what is asked of a set is asked of each.
    let mut one = PromptSet { prompts: Vec::new(), ..set.clone() };
    let mut is_unfit = |prompt: &&Prompt| {
        one.prompts = vec![(*prompt).clone()];
        !fits(&one)
    };
    set.prompts.iter().find(&mut is_unfit).cloned()
}

/// The prompts of a spec, made and counted.
fn drawn(spec: &Prompts, sketch: &Sketch) -> Result<Census, PromptError> {
    let started = Instant::now();
    let set = prompt::build(spec, &sketch.tokenizer, sketch.bos, None)?;
    let took = started.elapsed();
    let templates = (0..set.templates.len()).map(|template| {
        let of = || set.prompts.iter().filter(move |prompt| prompt.template == template);
        let draws: HashSet<_> = of().map(|prompt| (&prompt.group, prompt.seed)).collect();
        let distinct: HashSet<u64> = of().map(|prompt| prompt.id).collect();
        TemplateCount {
            prompts: of().count(),
            legal: distinct.len(),
            draws: draws.len(),
            answers: of().map(|prompt| prompt.answer_token()).collect::<HashSet<_>>().len(),
            tokens: of().map(|prompt| prompt.tokens.len()).sum(),
            answer_tokens: of().map(|prompt| prompt.answer_tokens().len()).sum(),
        }
    });
    let templates = templates.collect();
    let mut counts: HashMap<CountedForm, usize> = HashMap::new();
    set.prompts.iter().for_each(|prompt| *counts.entry(form(prompt)).or_default() += 1);
    let shapes = shapes(set, sketch);
    let of_shape = shapes.prompts.iter().map(|prompt| counts.remove(&form(prompt)).unwrap_or_default()).collect();
    Ok(Census { templates, shapes, has_all_shapes: false, of_shape, took })
}

/// Template, number of tokens, and where the slots are.
type CountedForm = (usize, usize, Vec<Option<SlotTokens>>);

fn form(prompt: &Prompt) -> CountedForm {
    (prompt.template, prompt.tokens.len(), prompt.slots.clone())
}

impl Legal {
    fn of(spec: &Prompts, sketch: &Sketch) -> Result<Self, PromptError> {
        let facts = &sketch.card.facts;
        let bounds = Bounds { n_vocab: facts.n_vocab, position_limit: facts.position_limit() };
        let Tally { set, groups, took } = prompt::tally(spec, &sketch.tokenizer, sketch.bos, bounds)?;
        Ok(Self { groups, shapes: shapes(set, sketch), took })
    }

    fn of_template(&self, template: usize) -> usize {
        self.groups.iter().filter(|group| group.template == template).map(|group| group.count).sum()
    }

    /// What a spec draws of them; `None` where that depends on which prompts are drawn: where they differ in shape, and where
    /// nothing is left.
    fn draw(&self, spec: &Prompts) -> Option<Census> {
        let each = |group: &Tallied| match spec.sample {
            Some(sample) => group.count.min(sample.saturating_add(spec.skip)).saturating_sub(spec.skip),
            None => group.count,
        };
        let seeds = if spec.sample.is_some() { spec.seeds.len() } else { 1 };
        let mut templates = vec![TemplateCount::default(); self.shapes.templates.len()];
        let mut first_tokens: Vec<HashSet<u32>> = vec![HashSet::new(); templates.len()];
        for group in &self.groups {
            let (counted, drawn) = (&mut templates[group.template], each(group));
            counted.legal += group.count;
            if drawn > 0 {
                counted.prompts += seeds * drawn;
                counted.draws += seeds;
                counted.tokens += (seeds * drawn * group.tokens).div_ceil(group.count);
                counted.answer_tokens += (seeds * drawn * group.answer_tokens).div_ceil(group.count);
                first_tokens[group.template].extend(&group.first_tokens);
            }
        }
        for (counted, tokens) in templates.iter_mut().zip(first_tokens) {
            counted.answers = tokens.len().min(counted.prompts);
        }
        let of_shape = |template| self.shapes.prompts.iter().filter(|prompt| prompt.template == template).count();
        let is_one_shape = (0..templates.len()).all(|template| of_shape(template) <= 1);
        let is_none_left = templates.iter().all(|counted| counted.prompts == 0);
        if is_none_left || (spec.sample.is_some() && !is_one_shape) {
            return None;
        }
        let mut shapes = self.shapes.clone();
        shapes.prompts.retain(|prompt| templates[prompt.template].prompts > 0);
        // How many have which of several shapes is not known: as many each.
        let share = |prompt: &Prompt| {
            let counted = templates.get(prompt.template)?.prompts;
            Some(counted.div_ceil(of_shape(prompt.template).max(1)))
        };
        let of_shape = shapes.prompts.iter().map(|prompt| share(prompt).unwrap_or_default()).collect();
        Some(Census { shapes, has_all_shapes: true, templates, of_shape, took: self.took })
    }
}

/// The set with the first prompt of each shape alone, the first in which a fixed token is another, and the first that the model cannot
/// run.
fn shapes(mut set: PromptSet, sketch: &Sketch) -> PromptSet {
    let unfit = unfit(&set, sketch);
    let mut first: IndexMap<usize, Vec<Prompt>> = IndexMap::new();
    for prompt in std::mem::take(&mut set.prompts) {
        let seen = first.entry(prompt.template).or_default();
        let same_fixed = |other: &Prompt| {
            let at = set.templates[prompt.template].fixed(&prompt.slots);
            at.flatten().all(|at| prompt.tokens.get(at) == other.tokens.get(at))
        };
        if !seen.iter().any(|other| prompt.slots == other.slots && prompt::alike(&prompt, other) && same_fixed(other)) {
            seen.push(prompt);
        }
    }
    set.prompts = first.into_values().flatten().collect();
    set.prompts.extend(unfit);
    set.dropped.clear();
    set
}
