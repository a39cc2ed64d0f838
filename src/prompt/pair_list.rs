//! Prompts that are given one by one: what a spec's `pairs` say, checked without any model.

use super::error::SpecProblem;
use super::fields::{Fields, SlotColumns};
use super::group::PromptGroup;
use super::limits::MOST_PROMPTS;
use super::template::{Slot, Template};
use super::words::{is_joined, is_whole};
use crate::spec::{PairCell, PairItem, PairPart, PairRow, Pairs, pairs};
use indexmap::IndexSet;
use std::sync::Arc;

/// Prompts with their answers, in the order in which they are given.
#[derive(Debug, Clone, Default)]
pub struct PairList {
    /// The prompts.
    pub rows: Arc<[PairedTexts]>,
    /// The groups, in the order in which they are met.
    pub groups: Vec<PromptGroup>,
    /// What each row has besides, as columns of rows.
    pub columns: Arc<SlotColumns>,
    /// The same of corrupted prompts.
    pub other_columns: Arc<SlotColumns>,
    /// Names of the places that rows say, in the order of [`PairedTexts::spans`].
    pub spans: Vec<String>,
    /// Whether wrong answers are given.
    pub has_wrong: bool,
}

/// A prompt as it is given.
#[derive(Debug, Clone)]
pub struct PairedTexts {
    /// The prompt.
    pub clean: GivenPrompt,
    /// The prompt that counterfactual runs are of, where there is one.
    pub corrupted: Option<GivenPrompt>,
    /// What the model should write after the prompt: at least one.
    pub answers: GivenAnswers,
    /// Wrong answers; none where the file gives none.
    pub wrong: Option<GivenAnswers>,
    /// What the model should write after the corrupted prompt, where that is given.
    pub corrupted_answers: Option<GivenAnswers>,
    /// Its group: index into [`PairList::groups`].
    pub group: usize,
    /// The words of its further columns.
    pub words: Vec<Arc<str>>,
    /// Where its places begin and end: characters of a text, tokens of one that is given as tokens.
    pub spans: Vec<(usize, usize)>,
}

/// A prompt as a text, or as ids of tokens.
#[derive(Debug, Clone)]
pub enum GivenPrompt {
    /// A text, as it is.
    Text(Arc<str>),
    /// Ids of the whole prompt.
    Tokens(Vec<u32>),
}

/// Answers as texts, or as ids of tokens, one token each.
#[derive(Debug, Clone)]
pub enum GivenAnswers {
    /// Texts.
    Texts(Vec<Arc<str>>),
    /// Ids.
    Tokens(Vec<u32>),
}

impl PairList {
    /// Checks the pairs of a spec; `keep` takes what is wrong with them.
    pub(super) fn new(given: &Pairs, keep: &mut impl FnMut(SpecProblem)) -> Self {
        let rows = given.rows();
        let Some(first) = rows.first() else {
            keep(SpecProblem::empty("pairs"));
            return Self::default();
        };
        if rows.len() as u128 > MOST_PROMPTS {
            let text =
                format!("{} pairs are more than {MOST_PROMPTS}, the most that are read; write fewer", rows.len());
            keep(SpecProblem::at(&["pairs"], text));
            return Self::default();
        }
        if let Pairs::List(rows) = given {
            for (number, row) in rows.iter().enumerate() {
                if let Some((key, problem)) = pairs::fault(row, first) {
                    let number = number.to_string();
                    let path: Vec<&str> = match row.contains_key(&key) {
                        true => vec!["pairs", &number, &key],
                        false => vec!["pairs", &number],
                    };
                    keep(SpecProblem::at(&path, format!("pair {} {problem}", number.parse().unwrap_or(0) + 1)));
                }
            }
        }
        let further: Vec<&String> = first.keys().filter(|key| PairPart::of(key).is_none()).collect();
        let is_span = |key: &&&String| first.get(**key).is_some_and(|cell| cell.span().is_some());
        let (placed, worded): (Vec<&String>, Vec<&String>) = further.iter().partition(|key| is_span(key));
        let mut labels: IndexSet<Arc<str>> = IndexSet::new();
        let rows: Arc<[PairedTexts]> = rows
            .iter()
            .map(|row| {
                let group = one(row, PairPart::Group).map(|item| labels.insert_full(item.text()).0).unwrap_or(0);
                PairedTexts::of(row, group, &worded, &placed)
            })
            .collect();
        let groups = match labels.is_empty() {
            true => vec![PromptGroup::PAIRS],
            false => labels.iter().map(|label| PromptGroup::named(label)).collect(),
        };
        let wholes = |column: usize| rows.iter().all(|row| is_whole(&row.words[column]));
        let names: Vec<String> = worded.iter().chain(&placed).map(|name| name.to_string()).collect();
        let whole: Vec<bool> = (0..worded.len()).map(wholes).chain(placed.iter().map(|_| false)).collect();
        let whole_answer = rows.iter().all(|row| row.answers.is_whole());
        let of_wrong = |row: &PairedTexts| row.wrong.as_ref().is_some_and(GivenAnswers::is_whole);
        let has_wrong = rows.iter().all(|row| row.wrong.is_some());
        let whole_contrast = has_wrong && rows.iter().all(of_wrong);
        let columns = SlotColumns { names: names.into(), whole, whole_answer, whole_contrast };
        // A corrupted prompt without answers of its own has the wrong ones of its pair, or else the right ones.
        let of_other = |row: &PairedTexts| {
            row.corrupted_answers.as_ref().or(row.wrong.as_ref()).unwrap_or(&row.answers).is_whole()
        };
        let whole_other = rows.iter().filter(|row| row.corrupted.is_some()).all(of_other);
        let other_columns = SlotColumns { whole_answer: whole_other, whole_contrast: false, ..columns.clone() };
        Self {
            rows,
            groups,
            columns: Arc::new(columns),
            other_columns: Arc::new(other_columns),
            spans: placed.into_iter().cloned().collect(),
            has_wrong,
        }
    }

    /// What a prompt of a group is told by; `None` where the row is of another group.
    pub fn fields(&self, group: usize, row: usize) -> Option<Fields> {
        let own = self.rows.get(row).filter(|own| own.group == group)?;
        Some(Fields::Pair { columns: self.columns.clone(), words: own.words.clone(), row })
    }

    /// Whether any prompt is given with a corrupted one.
    pub fn has_corrupted(&self) -> bool {
        self.rows.iter().any(|row| row.corrupted.is_some())
    }

    /// The rows of a group.
    pub fn of_group(&self, group: usize) -> Vec<usize> {
        (0..self.rows.len()).filter(|&row| self.rows[row].group == group).collect()
    }

    /// Every id of a token that is given.
    pub(super) fn tokens(&self) -> impl Iterator<Item = u32> + '_ {
        self.rows.iter().flat_map(|row| {
            let prompts = std::iter::once(&row.clean).chain(&row.corrupted).map(GivenPrompt::tokens);
            let answers = std::iter::once(&row.answers).chain(&row.wrong).chain(&row.corrupted_answers);
            prompts.chain(answers.map(GivenAnswers::tokens)).flatten().copied()
        })
    }

    /// Whether prompts that are given as tokens all begin with this one; `None` where they are given as texts.
    pub(super) fn begin_with(&self, token: Option<u32>) -> Option<bool> {
        let prompts = || self.rows.iter().flat_map(|row| std::iter::once(&row.clean).chain(&row.corrupted));
        let are_tokens = prompts().any(|prompt| matches!(prompt, GivenPrompt::Tokens(_)));
        are_tokens.then(|| prompts().all(|prompt| prompt.tokens().first().copied() == token))
    }

    /// The places that rows say, with their names.
    pub(super) fn places(&self) -> Vec<(Slot, String)> {
        let slot = |(slot, name): (usize, &String)| (Slot::Word { slot, occurrence: Some(0) }, name.clone());
        self.spans.iter().enumerate().map(slot).collect()
    }

    /// The text of a prompt, and the same with an answer, its first where none is named.
    pub(super) fn shown(&self, row: usize, about: Option<&str>, completion: &Template) -> (String, String) {
        let Some(own) = self.rows.get(row) else { return (String::new(), String::new()) };
        let text = match &own.clean {
            GivenPrompt::Text(text) => text.to_string(),
            GivenPrompt::Tokens(_) => String::new(),
        };
        let first = match &own.answers {
            GivenAnswers::Texts(texts) => texts.first().map_or("", |text| text),
            GivenAnswers::Tokens(_) => "",
        };
        let whole = format!("{text}{}", completed(completion, about.unwrap_or(first)));
        (text, whole)
    }

    /// How many prompts go on without a space in their first answer, as this completion writes it.
    pub fn joined(&self, completion: &Template) -> usize {
        let joined = |row: &&PairedTexts| match (&row.clean, &row.answers) {
            (GivenPrompt::Text(clean), GivenAnswers::Texts(answers)) => {
                answers.first().is_some_and(|answer| is_joined(clean, &completed(completion, answer)))
            }
            _ => false,
        };
        self.rows.iter().filter(joined).count()
    }
}

/// An answer as it follows the prompt.
pub(super) fn completed(completion: &Template, answer: &str) -> String {
    let mut text = String::new();
    completion.render(AnswerText(answer), &mut text);
    text
}

/// What fills a completion: the answer.
struct AnswerText<'a>(&'a str);

impl super::template::Fill for AnswerText<'_> {
    fn fill(&self, slot: Slot, text: &mut String) {
        if slot == Slot::Answer {
            text.push_str(self.0);
        }
    }
}

impl PairedTexts {
    fn of(row: &PairRow, group: usize, worded: &[&String], placed: &[&String]) -> Self {
        let prompt = |text: PairPart, tokens: PairPart| match (one(row, text), row.get(tokens.key())) {
            (Some(item), _) => Some(GivenPrompt::Text(item.text())),
            (None, Some(cell)) => Some(GivenPrompt::Tokens(ids(cell))),
            (None, None) => None,
        };
        let answers = |text: PairPart, tokens: PairPart| match (row.get(text.key()), row.get(tokens.key())) {
            (Some(cell), _) => Some(GivenAnswers::Texts(cell.items().iter().map(PairItem::text).collect())),
            (None, Some(cell)) => Some(GivenAnswers::Tokens(ids(cell))),
            (None, None) => None,
        };
        let word =
            |name: &&String| row.get(*name).and_then(|cell| cell.items().first()).map_or(Arc::from(""), PairItem::text);
        let spans: Vec<(usize, usize)> =
            placed.iter().map(|name| row.get(*name).and_then(PairCell::span).unwrap_or((0, 0))).collect();
        let clean = prompt(PairPart::Clean, PairPart::CleanTokens).unwrap_or(GivenPrompt::Text(Arc::from("")));
        let within = spans.iter().map(|&(start, end)| match &clean {
            GivenPrompt::Text(text) => Arc::from(text.chars().skip(start).take(end - start).collect::<String>().trim()),
            GivenPrompt::Tokens(_) => Arc::from(""),
        });
        let words = worded.iter().map(word).chain(within).collect();
        Self {
            corrupted: prompt(PairPart::Corrupted, PairPart::CorruptedTokens),
            answers: answers(PairPart::Answers, PairPart::AnswerTokens).unwrap_or(GivenAnswers::Texts(Vec::new())),
            wrong: answers(PairPart::Wrong, PairPart::WrongTokens),
            corrupted_answers: answers(PairPart::CorruptedAnswers, PairPart::CorruptedAnswerTokens),
            group,
            words,
            spans,
            clean,
        }
    }
}

impl GivenPrompt {
    /// The ids, none of a text.
    fn tokens(&self) -> &[u32] {
        match self {
            GivenPrompt::Text(_) => &[],
            GivenPrompt::Tokens(ids) => ids,
        }
    }
}

impl GivenAnswers {
    /// The ids, none of texts.
    fn tokens(&self) -> &[u32] {
        match self {
            GivenAnswers::Texts(_) => &[],
            GivenAnswers::Tokens(ids) => ids,
        }
    }

    /// Whether the first is a whole number as numbers are written.
    fn is_whole(&self) -> bool {
        match self {
            GivenAnswers::Texts(texts) => texts.first().is_some_and(|text| is_whole(&Arc::from(text.trim()))),
            GivenAnswers::Tokens(_) => false,
        }
    }
}

fn one(row: &PairRow, part: PairPart) -> Option<&PairItem> {
    row.get(part.key())?.items().first()
}

fn ids(cell: &PairCell) -> Vec<u32> {
    cell.items().iter().filter_map(PairItem::token).collect()
}
