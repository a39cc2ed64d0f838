//! Prompts of numbers without tokenising each: those whose numbers are as long as another's have their words at the same places.
//!
//! A tokenizer splits a text into words and tokenises each word without looking at the others. Where its rules do not tell one digit
//! from another, where the words are depends on how long the numbers are and not on which they are. So the first prompt
//! of each such layout is looked at; in the others the numbers' own words are different, and of each number those are tokenised once.
//! A prompt whose words have digits of two numbers in them, and whatever else is not as plain, is tokenised by itself.

mod numbers;

use super::answers::{Accepted, AcceptedAnswers};
use super::calculation::Calculation;
use super::dropped::Reason;
use super::fields::{FieldValue, Fields};
use super::set::{Prompt, SlotTokens};
use super::template::Slot;
use crate::model::tokenizer::{Encoding, Pretoken, Tokenizer};
use crate::prompt::stock::{Stock, render, slot_tokens};
use crate::spec::Answer;
use numbers::{NumberPiece, NumberReading, NumberTokens, Surroundings};
use std::collections::HashMap;
use std::ops::Range;

/// What a prompt is, as far as its layout tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LayoutVerdict {
    /// A legal one.
    Laid(Laid),
    /// One that is not.
    Fault(Reason),
    /// It is to be tokenised by itself.
    Alone,
}

/// The layout of a legal prompt, by number, and the tokens of its a, b and answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Laid {
    layout: u32,
    pieces: [u32; 3],
}

/// What the prompts have in common that differ in the tokens of numbers alone: layout, and forms of a's and b's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LayoutForm(u32, u32, u32);

/// Where the words of prompts are whose numbers have the same lengths.
struct PromptLayout {
    /// The prompt.
    parts: Vec<LayoutPart>,
    /// Its slots, in the order of the template.
    slots: Vec<Slot>,
    /// Tokens between the prompt and the answer's own words.
    lead: Vec<u32>,
    /// Whether the first of those ends before the answer begins.
    apart: bool,
    /// Where a, b and the answer are, for [`NumberTokens::read`].
    among: [usize; 3],
    /// The largest token outside numbers.
    largest: u32,
}

/// A stretch of a prompt.
enum LayoutPart {
    /// Tokens that are the same in all, and which of them are the operator.
    Fixed(Vec<u32>, Option<SlotTokens>),
    A,
    B,
}

/// Lengths of a, b and the answer, minus signs included and told.
type Lengths = [u8; 3];

/// The layouts of a set's prompts.
pub(super) struct Layouts<'t> {
    tokenizer: &'t Tokenizer,
    numbers: NumberTokens<'t>,
    layouts: Vec<PromptLayout>,
    /// Those of one template and group, and the one that was looked for last.
    of_group: HashMap<Lengths, Option<u32>>,
    last: Option<(Lengths, Option<u32>)>,
    is_usable: bool,
}

impl<'t> Layouts<'t> {
    pub fn new(tokenizer: &'t Tokenizer) -> Self {
        let numbers = NumberTokens::new(tokenizer);
        Self { tokenizer, numbers, layouts: Vec::new(), of_group: HashMap::new(), last: None, is_usable: false }
    }

    /// Begins with the prompts of another template or group.
    pub fn begin(&mut self, stock: &Stock) {
        self.of_group.clear();
        self.last = None;
        let (text, completion) = (&stock.template.template, &stock.resolved.completion);
        let texts: Vec<&str> = [stock.template.prefix.as_str(), stock.group.label(), "-"]
            .into_iter()
            .chain(text.texts())
            .chain(completion.texts())
            .collect();
        self.is_usable = stock.resolved.words().is_none()
            && stock.template.suffix.is_empty()
            && self.tokenizer.splits_digits_alike(&texts.concat());
    }

    /// Whether a prompt is legal, without its tokens.
    pub fn judge(&mut self, stock: &Stock, calculation: &Calculation) -> LayoutVerdict {
        if !self.is_usable {
            return LayoutVerdict::Alone;
        }
        let lengths = [calculation.a, calculation.b, calculation.result].map(length);
        let found = match self.last {
            Some((last, found)) if last == lengths => found,
            _ => match self.of_group.get(&lengths) {
                Some(found) => *found,
                None => {
                    let found = self.lay_checked(stock, calculation);
                    self.of_group.insert(lengths, found);
                    found
                }
            },
        };
        self.last = Some((lengths, found));
        found.map_or(LayoutVerdict::Alone, |layout| self.judge_in(layout, stock, calculation))
    }

    fn judge_in(&mut self, number: u32, stock: &Stock, calculation: &Calculation) -> LayoutVerdict {
        let PromptLayout { slots, lead, apart, among, .. } = &self.layouts[number as usize];
        let single = stock.resolved.answer == Answer::SingleToken;
        let (a, b) = match (self.numbers.read(among[0], calculation.a), self.numbers.read(among[1], calculation.b)) {
            (NumberReading::Piece(a), NumberReading::Piece(b)) => (a, b),
            (NumberReading::None, _) | (_, NumberReading::None) => return LayoutVerdict::Fault(Reason::UnknownText),
            _ => return LayoutVerdict::Alone,
        };
        if stock.resolved.single_words {
            for &slot in slots {
                let (count, own) = match slot {
                    Slot::A => self.of_number(a),
                    Slot::B => self.of_number(b),
                    _ => self.layouts[number as usize].operator().map_or((0, false), |op| (op.count, op.own)),
                };
                if count != 1 {
                    return LayoutVerdict::Fault(Reason::Long(slot));
                }
                if !own {
                    return LayoutVerdict::Fault(Reason::Shared(slot));
                }
            }
        }
        let answer = match self.numbers.read(among[2], calculation.result) {
            NumberReading::Piece(answer) => answer,
            NumberReading::None => return LayoutVerdict::Fault(Reason::UnknownAnswer),
            NumberReading::Unsure => return LayoutVerdict::Alone,
        };
        let piece = self.numbers.piece(answer);
        let tokens = lead.len() + piece.ids.len();
        if tokens == 0 {
            return LayoutVerdict::Fault(Reason::Merges);
        }
        let begins_apart = if lead.is_empty() { piece.apart } else { *apart };
        if begins_apart {
            return LayoutVerdict::Fault(Reason::CompletionApart);
        }
        if single && tokens != 1 {
            return LayoutVerdict::Fault(Reason::AnswerLong);
        }
        LayoutVerdict::Laid(Laid { layout: number, pieces: [a, b, answer] })
    }

    fn of_number(&self, piece: u32) -> (usize, bool) {
        let piece = self.numbers.piece(piece);
        (piece.count, piece.own)
    }

    /// A legal prompt with its tokens.
    pub fn prompt(&self, stock: &Stock, id: u64, calculation: &Calculation, laid: Laid) -> Prompt {
        let layout = &self.layouts[laid.layout as usize];
        let [a, b, answer] = laid.pieces.map(|piece| self.numbers.piece(piece));
        let mut tokens = Vec::with_capacity(self.length(stock, laid));
        tokens.extend(stock.bos);
        let mut places = [None; 3];
        for part in &layout.parts {
            let before = tokens.len();
            let of_number = |piece: &NumberPiece| {
                // Where no token is a slot's, none is its first.
                let first = if piece.count > 0 { before + piece.first } else { usize::from(stock.bos.is_some()) };
                Some(SlotTokens { first, count: piece.count, own: piece.own })
            };
            match part {
                LayoutPart::Fixed(ids, op) => {
                    tokens.extend(ids);
                    places[1] = places[1].or(op.map(|op| SlotTokens { first: before + op.first, ..op }));
                }
                LayoutPart::A => {
                    places[0] = of_number(a);
                    tokens.extend(&a.ids);
                }
                LayoutPart::B => {
                    places[2] = of_number(b);
                    tokens.extend(&b.ids);
                }
            }
        }
        let place =
            |slot: &Slot| Slot::OF_PROMPTS.iter().position(|other| other == slot).and_then(|place| places[place]);
        let mut text = String::with_capacity(stock.template.prefix.len() + 2 * tokens.len());
        text.push_str(&stock.template.prefix);
        stock.template.template.write(calculation, &mut text);
        Prompt {
            id,
            template: stock.template_index,
            group: stock.group.clone(),
            fields: Fields::Calculation(*calculation),
            answers: AcceptedAnswers::from(Accepted {
                value: FieldValue::Integer(calculation.result),
                tokens: layout.lead.iter().chain(&answer.ids).copied().collect(),
            }),
            wrong: Vec::new(),
            paired: None,
            text,
            tokens,
            slots: stock.template.places.iter().map(|(slot, _)| place(slot)).collect(),
            seed: None,
            number: None,
            correct: None,
        }
    }

    /// How many tokens a prompt has, the one that is put first included.
    pub fn length(&self, stock: &Stock, laid: Laid) -> usize {
        let [a, b, _] = laid.pieces.map(|piece| self.numbers.piece(piece).ids.len());
        let of = |part: &LayoutPart| match part {
            LayoutPart::Fixed(ids, _) => ids.len(),
            LayoutPart::A => a,
            LayoutPart::B => b,
        };
        usize::from(stock.bos.is_some()) + self.layouts[laid.layout as usize].parts.iter().map(of).sum::<usize>()
    }

    /// Whether one of these places is in the tokens of a or b.
    pub fn has_number_at(&self, stock: &Stock, laid: Laid, places: &[usize]) -> bool {
        let [a, b, _] = laid.pieces.map(|piece| self.numbers.piece(piece).ids.len());
        let mut before = usize::from(stock.bos.is_some());
        self.layouts[laid.layout as usize].parts.iter().any(|part| {
            let (count, is_number) = match part {
                LayoutPart::Fixed(ids, _) => (ids.len(), false),
                LayoutPart::A => (a, true),
                LayoutPart::B => (b, true),
            };
            let own = before..before + count;
            before = own.end;
            is_number && places.iter().any(|place| own.contains(place))
        })
    }

    /// The tokens of its answer.
    pub fn answer(&self, laid: Laid) -> impl Iterator<Item = u32> {
        let answer = self.numbers.piece(laid.pieces[2]);
        self.layouts[laid.layout as usize].lead.iter().chain(&answer.ids).copied()
    }

    /// The first token of its own text.
    pub fn first<'s>(&'s self, laid: Laid) -> Option<u32> {
        let [a, b, _] = laid.pieces.map(|piece| &self.numbers.piece(piece).ids);
        let of = |part: &'s LayoutPart| match part {
            LayoutPart::Fixed(ids, _) => ids.first(),
            LayoutPart::A => a.first(),
            LayoutPart::B => b.first(),
        };
        self.layouts[laid.layout as usize].parts.iter().find_map(of).copied()
    }

    /// The largest token in it or its answer.
    pub fn largest(&self, stock: &Stock, laid: Laid) -> u32 {
        let pieces = laid.pieces.map(|piece| self.numbers.piece(piece).largest);
        let fixed = [self.layouts[laid.layout as usize].largest, stock.bos.unwrap_or(0)];
        pieces.into_iter().chain(fixed).max().unwrap_or(0)
    }

    /// What it has in common with others.
    pub fn form(&self, laid: Laid) -> LayoutForm {
        let [a, b, _] = laid.pieces.map(|piece| self.numbers.piece(piece).form);
        LayoutForm(laid.layout, a, b)
    }

    /// A layout, once it has been seen to give a prompt the tokens that the tokenizer does.
    fn lay_checked(&mut self, stock: &Stock, calculation: &Calculation) -> Option<u32> {
        let layout = self.lay(stock, calculation)?;
        let number = self.layouts.len() as u32;
        self.layouts.push(layout);
        let alone = stock.tokenise(0, &Fields::Calculation(*calculation));
        let is_same = match self.judge_in(number, stock, calculation) {
            LayoutVerdict::Laid(laid) => alone == Ok(self.prompt(stock, 0, calculation, laid)),
            LayoutVerdict::Fault(reason) => alone == Err(reason.into()),
            LayoutVerdict::Alone => false,
        };
        is_same.then_some(number)
    }

    fn lay(&mut self, stock: &Stock, calculation: &Calculation) -> Option<PromptLayout> {
        let (text, spans) = render(stock.template, calculation);
        let mut whole = text.clone();
        let (_, answer) = stock.resolved.completion.render(calculation, &mut whole).pop()?;
        let of = |wanted: Slot| spans.iter().find(|(slot, _)| *slot == wanted).map(|(_, span)| span.clone());
        let (a, b, op) = (of(Slot::A)?, of(Slot::B)?, of(Slot::Op));
        let words = self.tokenizer.words(&text)?;
        let all = self.tokenizer.words(&whole)?;
        let (same, after) = all.split_at_checked(words.len())?;
        if same != words || after.first()?.bytes.start < text.len() {
            return None;
        }
        let (before, of_answer) = after.split_at(after.iter().position(|word| word.touches(&answer))?);
        if !of_answer.iter().all(|word| word.touches(&answer)) {
            return None;
        }
        let lead = self.fixed(before)?;
        let mut parts = Vec::new();
        let mut rest = &words[..];
        while let Some(word) = rest.first() {
            let touches =
                |word: &Pretoken| [Some(&a), Some(&b), op.as_ref()].map(|span| span.is_some_and(|at| word.touches(at)));
            let kind = |word: &Pretoken| match touches(word) {
                [true, false, false] => Some(Slot::A),
                [false, true, false] => Some(Slot::B),
                [false, false, _] => Some(Slot::Op),
                _ => None,
            };
            let own = kind(word)?;
            let count = rest.iter().take_while(|word| kind(word) == Some(own)).count();
            let (some, more) = rest.split_at(count);
            rest = more;
            parts.push(match own {
                Slot::A => LayoutPart::A,
                Slot::B => LayoutPart::B,
                _ => {
                    let fixed = self.fixed(some)?;
                    let op = op.as_ref().map(|span| slot_tokens(&fixed, &text, span)).filter(|op| op.count > 0);
                    LayoutPart::Fixed(fixed.ids, op)
                }
            });
        }
        let is_once = |wanted: fn(&LayoutPart) -> bool| parts.iter().filter(|part| wanted(part)).count() == 1;
        let has_op = is_once(|part| matches!(part, LayoutPart::Fixed(_, Some(_))));
        if !is_once(|part| matches!(part, LayoutPart::A))
            || !is_once(|part| matches!(part, LayoutPart::B))
            || has_op != op.is_some()
        {
            return None;
        }
        let mut among = |words: &[Pretoken], text: &str, span: &Range<usize>| -> Option<usize> {
            let own: Vec<Pretoken> = words.iter().filter(|word| word.touches(span)).cloned().collect();
            Some(self.numbers.among(Surroundings::of(&own, text, span)?))
        };
        let among = [among(&words, &text, &a)?, among(&words, &text, &b)?, among(of_answer, &whole, &answer)?];
        let fixed = parts.iter().filter_map(|part| if let LayoutPart::Fixed(ids, _) = part { Some(ids) } else { None });
        let largest = fixed.flatten().chain(&lead.ids).max().copied().unwrap_or(0);
        let apart = lead.offsets.first().is_some_and(|&(_, end)| end <= answer.start);
        let slots = spans.iter().map(|(slot, _)| *slot).collect();
        Some(PromptLayout { parts, slots, lead: lead.ids, apart, among, largest })
    }

    /// The tokens of words that are the same in all; `None` where they have none or stand for unknown text.
    fn fixed(&self, words: &[Pretoken]) -> Option<Encoding> {
        let mut encoding = Encoding::default();
        for word in words {
            if let Some(id) = word.named {
                encoding.ids.push(id);
                encoding.offsets.push((word.bytes.start, word.bytes.end));
                continue;
            }
            for (id, (from, to)) in self.tokenizer.of_word(&word.text)? {
                let place =
                    (from < to && to <= word.aligned.len()).then(|| (word.aligned[from].0, word.aligned[to - 1].1));
                encoding.ids.push(id);
                encoding.offsets.push(place.filter(|_| !self.tokenizer.is_unknown(id))?);
            }
        }
        Some(encoding)
    }
}

impl PromptLayout {
    fn operator(&self) -> Option<SlotTokens> {
        self.parts.iter().find_map(|part| if let LayoutPart::Fixed(_, op) = part { *op } else { None })
    }
}

/// How long a number is in decimal, and whether it is negative.
fn length(number: i64) -> u8 {
    let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) as u8 + 1;
    2 * digits + u8::from(number < 0)
}
