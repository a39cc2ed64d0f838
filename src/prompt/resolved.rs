//! `[prompts]`, checked and parsed: everything that shows without a model.

use super::answer_rule::AnswerRule;
use super::begins::Begins;
use super::calculation::Calculation;
use super::dropped::Reason;
use super::error::SpecProblem;
use super::fields::SlotColumns;
use super::group::PromptGroup;
use super::limits::MOST_PROMPTS;
use super::pair_list::PairList;
use super::source::{OperandGrid, PromptSource};
use super::template::{Slot, Template, TemplateFault};
use super::tokens::TokenSource;
use super::words::Lexicon;
use crate::model::chat_template::ChatDate;
use crate::spec::{Answer, ChatSettings, DEFAULT_COMPLETION, Keep, Operator, Pairs, Prompts, Range, Shot, Templates};
use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Arc;

/// A checked prompt set, before any model.
#[derive(Debug, Clone)]
pub struct ResolvedPrompts {
    /// Templates by name, in the spec's order.
    pub templates: Vec<NamedTemplate>,
    /// What follows the prompt; ends in the answer.
    pub completion: Template,
    /// What fills the slots.
    pub source: PromptSource,
    /// The groups of the source, in its order.
    pub groups: Vec<PromptGroup>,
    /// Whether answers must be one token.
    pub answer: Answer,
    /// Whether each slot of a prompt must be one token of its own.
    pub single_words: bool,
    /// Which prompts stay by the model's own answer.
    pub keep: Keep,
    /// How many are drawn per group and template.
    pub sample: Option<usize>,
    /// How many of each draw are passed over first.
    pub skip: usize,
    /// Whether the draw goes over as many answers as possible.
    pub spread_answers: bool,
    /// Seeds of the draw.
    pub seeds: Vec<u64>,
    /// Who says whether prompts begin with the beginning-of-text token.
    pub begins: Begins,
    /// What is in the chat that each prompt is a message of, where it is one.
    pub chat: Option<ChatSettings>,
    /// Where messages begin of a chat whose template takes the spaces off their ends.
    pub trimmed_from: Option<usize>,
}

/// A template, with the shots before it.
#[derive(Debug, Clone)]
pub struct NamedTemplate {
    /// Its name in the spec; `default` where there is one without a name.
    pub name: String,
    /// The template.
    pub template: Template,
    /// The shots in this template, each followed by the separator; empty without shots.
    pub prefix: String,
    /// What stands after the template; empty but in chats.
    pub suffix: String,
    /// The slots whose tokens prompts keep, with the names of their positions: a, op and b, or each place of a word.
    pub places: Vec<(Slot, String)>,
}

impl NamedTemplate {
    /// Of prompts that are as they are given: positions alone.
    fn without_text(places: Vec<(Slot, String)>) -> Self {
        let name = "default".to_string();
        Self { name, template: Template::default(), prefix: String::new(), suffix: String::new(), places }
    }

    fn arithmetic(name: &str, template: Template, prefix: String) -> Self {
        let places = Slot::OF_PROMPTS.map(|slot| (slot, slot.name().to_string())).to_vec();
        Self { name: name.to_string(), template, prefix, suffix: String::new(), places }
    }

    /// Of a slot that is there several times, the first place has its name, and the others that and their number: `s`, `s.2`.
    fn of_words(name: &str, template: Template, names: &[String]) -> Self {
        let place = |slot: Slot| match slot {
            Slot::Word { slot: index, occurrence: Some(place @ 1..) } => {
                (slot, format!("{}.{}", names[index], place + 1))
            }
            Slot::Word { slot: index, .. } => (slot, names[index].clone()),
            _ => (slot, slot.name().to_string()),
        };
        let places = template.slots().map(place).collect();
        Self { name: name.to_string(), template, prefix: String::new(), suffix: String::new(), places }
    }
}

impl ResolvedPrompts {
    /// Checks a spec's prompts.
    ///
    /// # Errors
    /// Everything that is wrong with them, not just the first.
    pub fn new(spec: &Prompts) -> Result<ResolvedPrompts, Vec<SpecProblem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: SpecProblem| problems.push(problem);
        let filled = match (&spec.pairs, spec.is_tokens(), spec.has_no_operands()) {
            (Some(pairs), ..) => of_pairs(spec, pairs, &mut keep),
            (None, true, _) => of_tokens(spec, &mut keep),
            (None, false, true) => of_words(spec, &mut keep),
            (None, false, false) => of_operands(spec, &mut keep),
        };
        if spec.sample == Some(0) {
            let text = "sample = 0 draws no prompt; write 1 or more, or leave 'sample' out to take all prompts";
            keep(SpecProblem::at(&["sample"], text));
        }
        if spec.skip > 0 && spec.sample.is_none() {
            let text = "'skip' leaves out the first prompts of a draw, and nothing is drawn without 'sample'; write sample = 100, or \
                        leave 'skip' out";
            keep(SpecProblem::at(&["skip"], text));
        }
        let date = spec.chat.0.as_ref().and_then(|chat| chat.date.as_deref());
        if let Some(date) = date.filter(|date| ChatDate::parse(date).is_none()) {
            let text = format!("'{date}' is not a day; write it as \"2024-07-26\"");
            keep(SpecProblem::at(&["chat", "date"], text));
        }
        if spec.seeds.is_empty() {
            keep(SpecProblem::empty("seeds"));
        }
        find_repeat(&spec.seeds, "seeds").map(&mut keep);
        match filled {
            Some(resolved) if problems.is_empty() => Ok(resolved),
            _ => Err(problems),
        }
    }

    /// The words that fill the slots; `None` where something else does.
    pub fn words(&self) -> Option<&Lexicon> {
        match &self.source {
            PromptSource::Words(words) => Some(words),
            PromptSource::Arithmetic(_) | PromptSource::Tokens(_) | PromptSource::Pairs(_) => None,
        }
    }

    /// The prompts that are given one by one; `None` where something else makes them.
    pub fn pairs(&self) -> Option<&PairList> {
        match &self.source {
            PromptSource::Pairs(pairs) => Some(pairs),
            PromptSource::Arithmetic(_) | PromptSource::Words(_) | PromptSource::Tokens(_) => None,
        }
    }

    /// Whether prompts have wrong answers of their own.
    pub fn has_contrast(&self) -> bool {
        let of_words = self.words().is_some_and(|words| words.has_wrong());
        of_words || self.pairs().is_some_and(|pairs| pairs.has_wrong)
    }

    /// What the slots of its prompts are as columns of rows; `None` of arithmetic, whose columns are those of operands.
    pub fn slot_columns(&self) -> Option<Arc<SlotColumns>> {
        match &self.source {
            PromptSource::Words(words) => Some(words.columns.clone()),
            PromptSource::Tokens(_) => Some(Arc::default()),
            PromptSource::Pairs(pairs) => Some(pairs.columns.clone()),
            PromptSource::Arithmetic(_) => None,
        }
    }

    /// The same with the words of slots swapped, by their names.
    pub fn swapped(self, slots: &[String]) -> Self {
        match self.source {
            PromptSource::Words(words) => Self { source: PromptSource::Words(words.swapped(slots)), ..self },
            PromptSource::Arithmetic(_) | PromptSource::Tokens(_) | PromptSource::Pairs(_) => self,
        }
    }

    /// The prompts of a source: what is the same for each.
    fn of(spec: &Prompts, source: PromptSource, templates: Vec<NamedTemplate>, completion: Template) -> Self {
        Self {
            templates,
            completion,
            groups: source.groups(),
            source,
            answer: spec.answer,
            single_words: spec.single_words(),
            keep: spec.keep,
            sample: spec.sample,
            skip: spec.skip,
            spread_answers: spec.spread_answers,
            seeds: spec.seeds.clone(),
            begins: Begins::default(),
            chat: spec.chat.0.clone(),
            trimmed_from: None,
        }
    }
}

/// Prompts of operators and operands; `None` where something is wrong that `keep` has taken.
fn of_operands(spec: &Prompts, keep: &mut impl FnMut(SpecProblem)) -> Option<ResolvedPrompts> {
    let operands = spec.operands.as_ref()?;
    let operators: Vec<Operator> =
        spec.operators.iter().filter_map(|symbol| operator(symbol, "operators").map_err(&mut *keep).ok()).collect();
    if spec.operators.is_empty() {
        keep(SpecProblem::empty("operators"));
    }
    find_repeat(&operators.iter().map(|o| o.symbol()).collect::<Vec<_>>(), "operators").map(&mut *keep);

    let a = operand_values(&operands.a, "operands.a").map_err(&mut *keep).unwrap_or_default();
    let b = operand_values(&operands.b, "operands.b").map_err(&mut *keep).unwrap_or_default();
    let count = (a.len() as u128) * (b.len() as u128) * ((operators.len() * spec.template.0.len()) as u128);
    if count > MOST_PROMPTS {
        keep(too_many(count));
    }
    let answers = match spec.answers.as_deref().map(Range::parse) {
        None => None,
        Some(Ok(Range::HalfOpen(low, high))) => Some((low, high)),
        Some(Ok(Range::List(_))) => None,
        Some(Err(problem)) => {
            keep(SpecProblem::at(&["answers"], format!("answers: {problem}")));
            None
        }
    };

    let completion = Template::parse(&spec.completion, &Slot::OF_COMPLETIONS);
    if let Ok(completion) = &completion
        && !completion.ends_in(Slot::Answer)
    {
        let text = format!(
            "completion '{}' does not end in {{answer}}; write \"{{answer}}\" or \" {{answer}}\" (text between worked examples goes \
             into 'shot_separator')",
            spec.completion
        );
        keep(SpecProblem::at(&["completion"], text));
    }
    let completion = completion.map_err(|fault| keep(SpecProblem::at(&["completion"], fault))).ok();
    let shots: Vec<Calculation> =
        spec.shots.iter().filter_map(|shot| solve_shot(shot, spec.modulus).map_err(&mut *keep).ok()).collect();

    let parsed = parse_templates(spec, |text| Template::parse(text, &Slot::OF_PROMPTS), keep);
    let mut templates = Vec::new();
    for (name, path, text, template) in parsed {
        for slot in Slot::OF_PROMPTS {
            let needed = slot != Slot::Op || spec.operators.len() > 1;
            if needed && !template.has(slot) {
                let slot = slot.name();
                let text = format!("template '{text}' has no slot {{{slot}}}; add it, as in \"{{a}}{{op}}{{b}}=\"");
                keep(SpecProblem::at(&path, text));
            }
        }
        let prefix = completion.as_ref().map(|c| render_shots(&template, c, &shots, &spec.shot_separator));
        templates.push(NamedTemplate::arithmetic(name, template, prefix.unwrap_or_default()));
    }
    let source = PromptSource::Arithmetic(OperandGrid { operators, a, b, answers, modulus: spec.modulus });
    Some(ResolvedPrompts::of(spec, source, templates, completion?))
}

/// Prompts that are given one by one; `None` where something is wrong that `keep` has taken.
fn of_pairs(spec: &Prompts, given: &Pairs, keep: &mut impl FnMut(SpecProblem)) -> Option<ResolvedPrompts> {
    let pairs = PairList::new(given, keep);
    let completion = Template::parse(&spec.completion, &Slot::OF_COMPLETIONS);
    let completion = completion.map_err(|fault| keep(SpecProblem::at(&["completion"], fault))).ok()?;
    let template = NamedTemplate::without_text(pairs.places());
    Some(ResolvedPrompts::of(spec, PromptSource::Pairs(pairs), vec![template], completion))
}

/// Prompts of tokens; `None` where something is wrong that `keep` has taken.
fn of_tokens(spec: &Prompts, keep: &mut impl FnMut(SpecProblem)) -> Option<ResolvedPrompts> {
    let source = TokenSource::new(spec, keep)?;
    let template = NamedTemplate::without_text(source.places());
    Some(ResolvedPrompts::of(spec, PromptSource::Tokens(source), vec![template], Template::default()))
}

/// Prompts of words; `None` where something is wrong that `keep` has taken.
fn of_words(spec: &Prompts, keep: &mut impl FnMut(SpecProblem)) -> Option<ResolvedPrompts> {
    if spec.slots.is_empty() && spec.rows.is_empty() {
        let text = "neither operands nor slots; write operands = { a = \"0..100\", b = \"0..100\" } for arithmetic, or words: slots = \
                    { name = [\"Mary\", \"John\"] }";
        keep(SpecProblem::at(&[], text));
        return None;
    }
    let words = Lexicon::new(spec, keep);
    let slots = words.names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" ");
    if !spec.shots.is_empty() {
        let text = "'shots' are worked examples with operands, and these prompts are made of words; write examples into the template as text";
        keep(SpecProblem::at(&["shots"], text));
    }
    let completion = match spec.completion == DEFAULT_COMPLETION && words.slot("answer").is_none() {
        true => {
            let first = slots.split(' ').next().unwrap_or("{name}");
            let text =
                format!("no completion, which says what the model should write; write completion = \" {first}\"");
            keep(SpecProblem::at(&["completion"], text));
            None
        }
        false => Template::parse_after_words(&spec.completion, &words.names)
            .map_err(|fault| keep(SpecProblem::at(&["completion"], fault)))
            .ok(),
    };
    if completion.as_ref().is_some_and(|completion| completion.slots().next().is_none()) {
        let text = &spec.completion;
        let text = format!(
            "completion '{text}' has no slot, so that every prompt has the same answer; write one of the slots into it: {slots}"
        );
        keep(SpecProblem::at(&["completion"], text));
    }
    if spec.template == Templates::default() {
        let text = format!("no template; write template = \"…\" with the slots {slots}");
        keep(SpecProblem::at(&["template"], text));
        return None;
    }
    let parsed = parse_templates(spec, |text| Template::parse_words(text, &words.names), keep);
    if parsed.len() == spec.template.0.len() {
        let templates = parsed.iter().map(|(.., template)| template).chain(&completion).chain(&words.contrast);
        let sets = [&words.right, &words.wrong].into_iter().flatten().flat_map(AnswerRule::slots);
        let mut used: BTreeSet<usize> =
            templates.flat_map(Template::slots).filter_map(Slot::word).chain(sets).collect();
        words.add_read(&mut used);
        for slot in (0..words.names.len()).filter(|slot| !used.contains(slot)) {
            let slot = &words.names[slot];
            let keys = [("slots", spec.slots.contains_key(slot)), ("computed", spec.computed.contains_key(slot))];
            // Tables often have more columns than one set of prompts needs.
            if let Some((key, _)) = keys.into_iter().find(|(_, has)| *has) {
                let text = format!(
                    "slot '{slot}' is not used in a template, completion or contrast; write {{{slot}}} where its words belong, or \
                     leave the slot out"
                );
                keep(SpecProblem::at(&[key, slot], text));
            }
        }
    }
    check_answer_slots(&words, completion.as_ref(), &parsed, keep);
    let named = |(name, _, _, template): (&str, _, _, Template)| NamedTemplate::of_words(name, template, &words.names);
    let templates = parsed.into_iter().map(named).collect();
    let completion = completion?;
    let source = PromptSource::Words(words.answered(&completion));
    Some(ResolvedPrompts::of(spec, source, templates, completion))
}

/// Finds rules of answers whose slot the completion has not, and an answers' slot that templates have as well.
fn check_answer_slots(
    words: &Lexicon,
    completion: Option<&Template>,
    templates: &[(&str, Vec<&str>, &str, Template)],
    keep: &mut impl FnMut(SpecProblem),
) {
    let Some(completion) = completion else { return };
    let has = |template: &Template, slot: usize| template.slots().filter_map(Slot::word).any(|other| other == slot);
    for (key, rule) in [("right", &words.right), ("wrong", &words.wrong)] {
        let Some(AnswerRule::Words { slot, .. }) = rule else { continue };
        let name = &words.names[*slot];
        if !has(completion, *slot) {
            let text = format!(
                "slot '{name}' gives the answers and is not in the completion; write {{{name}}} into the completion"
            );
            keep(SpecProblem::at(&[key, "slot"], text));
        }
        if key == "right" && words.answer_slot() != Some(*slot) {
            let text = format!(
                "slot '{name}' is a column of 'rows', which has one word in each row; write a list of words into 'slots'"
            );
            keep(SpecProblem::at(&[key, "slot"], text));
        }
        if key == "right"
            && let Some((template, ..)) = templates.iter().find(|(.., template)| has(template, *slot))
        {
            let text = format!(
                "slot '{name}' gives the right answers, and template '{template}' shows it to the model; write another slot there"
            );
            keep(SpecProblem::at(&[key, "slot"], text));
        }
    }
}

/// Each template that can be read: its name, the keys that lead to it, its text, and what was read.
fn parse_templates<'s>(
    spec: &'s Prompts,
    parse: impl Fn(&str) -> Result<Template, TemplateFault>,
    keep: &mut impl FnMut(SpecProblem),
) -> Vec<(&'s str, Vec<&'s str>, &'s str, Template)> {
    if spec.template.0.is_empty() {
        keep(SpecProblem::at(&["template"], "no template; write template = \"{a}{op}{b}=\""));
    }
    let unnamed = spec.template.is_single();
    let mut parsed = Vec::new();
    for (name, text) in &spec.template.0 {
        let path: Vec<&str> = ["template"].into_iter().chain((!unnamed).then_some(name.as_str())).collect();
        match parse(text) {
            Err(fault) => keep(SpecProblem::at(&path, fault)),
            Ok(template) => parsed.push((name.as_str(), path, text.as_str(), template)),
        }
    }
    parsed
}

fn too_many(count: u128) -> SpecProblem {
    let text = format!("{count} prompts are more than {MOST_PROMPTS}, the most that are made; write narrower operands");
    SpecProblem::at(&["operands"], text)
}

fn operand_values(range: &Range, key: &'static str) -> Result<Vec<i64>, SpecProblem> {
    if range.len() > MOST_PROMPTS {
        return Err(too_many(range.len()));
    }
    let values = range.values();
    if values.is_empty() {
        return Err(SpecProblem::empty(key));
    }
    find_repeat(&values, key).map_or(Ok(values), Err)
}

fn find_repeat<T: Eq + Hash + Display>(values: &[T], key: &'static str) -> Option<SpecProblem> {
    let mut seen = HashSet::new();
    let repeated = values.iter().find(|value| !seen.insert(*value))?;
    Some(SpecProblem::twice(key, repeated))
}

/// The operator with this symbol; where there is none, the problem names those there are, or the symbol meant.
fn operator(symbol: &str, key: &str) -> Result<Operator, SpecProblem> {
    let symbol = symbol.trim();
    Operator::find(symbol).map_err(|meant| {
        let quoted = |operator: Operator| format!("\"{}\"", operator.symbol());
        let write = meant.map_or_else(|| Operator::ALL.map(quoted).join(", "), quoted);
        SpecProblem::at(&[key], format!("no operator '{symbol}'; write {write}"))
    })
}

fn solve_shot(Shot { a, op, b }: &Shot, modulus: Option<i64>) -> Result<Calculation, SpecProblem> {
    Calculation::of(operator(op, "shots")?, *a, *b, modulus).map_err(|why| {
        let why = if why == Reason::DivisionByZero { "division by zero" } else { "it does not fit 64 bits" };
        SpecProblem::at(&["shots"], format!("shot {a} {op} {b} has no answer: {why}; write another example"))
    })
}

fn render_shots(template: &Template, completion: &Template, shots: &[Calculation], separator: &str) -> String {
    let mut text = String::new();
    for shot in shots {
        template.render(*shot, &mut text);
        completion.render(*shot, &mut text);
        text.push_str(separator);
    }
    text
}
