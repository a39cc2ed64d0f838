//! What prompts are made of: groups, named fields, answers, contrasts, of arithmetic and of words alike.

use super::words::letters;
use super::{build, spec};
use ablate::model::tokenizer::arithmetic;
use ablate::prompt::{FieldValue, PromptGroup, PromptSource, ResolvedPrompts};

const OPERANDS: &str = "operators = [\"-\", \"+\"]\noperands = { a = [7], b = [2, 3] }\n";
const WORDS: &str = "template = \"{io} a {s}\"\ncompletion = \" {io}\"\ncontrast = \" {s}\"\n\
                     slots = { io = [\"A\", \"B\"], s = [\"C\"] }\nanswer = \"multi-token\"\n";

fn labels(groups: &[PromptGroup]) -> Vec<&str> {
    groups.iter().map(PromptGroup::label).collect()
}

#[test]
fn arithmetic_is_a_source_of_prompts_with_a_group_for_each_operator() {
    let resolved = ResolvedPrompts::new(&spec(OPERANDS)).expect("a right spec");
    assert!(matches!(&resolved.source, PromptSource::Arithmetic(grid) if grid.a == [7] && grid.b == [2, 3]));
    assert_eq!((resolved.source.count(), labels(&resolved.groups)), (2, vec!["-", "+"]), "as the spec has them");
    let set = build(OPERANDS, &arithmetic(100)).expect("legal prompts");
    assert_eq!(set.groups, resolved.groups);
    let prompt = &set.prompts[1];
    let field = |name: &str| prompt.fields.get(name);
    assert_eq!((prompt.text.as_str(), &prompt.group), ("7-3=", &set.groups[0]));
    assert_eq!([field("a"), field("b")], [7, 3].map(|number| Some(FieldValue::Integer(number))));
    assert_eq!((field("op"), field("answer"), field("io")), (Some(FieldValue::Text("-")), None, None));
    let asked = prompt.calculation().expect("a calculation");
    assert_eq!((asked.operator.symbol(), asked.a, asked.b, asked.result), ("-", 7, 3, 4));
    assert_eq!((&prompt.answer().value, prompt.answer_tokens()), (&FieldValue::Integer(4), &[4][..]));
    assert_eq!((prompt.answers.iter().count(), prompt.wrong.len()), (1, 0));
}

#[test]
fn words_are_a_source_of_prompts_with_one_group() {
    let resolved = ResolvedPrompts::new(&spec(WORDS)).expect("a right spec");
    assert!(matches!(&resolved.source, PromptSource::Words(words) if *words.names == ["io", "s"]));
    let set = build(WORDS, &letters()).expect("legal prompts");
    assert_eq!((labels(&set.groups), &set.groups), (vec!["words"], &resolved.groups));
    let prompt = &set.prompts[1];
    let field = |name: &str| prompt.fields.get(name);
    assert_eq!((field("io"), field("s")), (Some(FieldValue::Text("B")), Some(FieldValue::Text("C"))));
    assert_eq!((field("a"), field("op"), prompt.calculation()), (None, None, None), "nothing is calculated of words");
    assert_eq!(prompt.answer().value.borrowed(), FieldValue::Text("B"));
    assert_eq!(prompt.contrast().map(|contrast| contrast.value.borrowed()), Some(FieldValue::Text("C")));
    let tokens = [letters().id(" C").expect("a token")];
    assert_eq!(prompt.contrast().map(|contrast| &contrast.tokens[..]), Some(&tokens[..]));
}

/// A number is never the text that it is written as: prompts of words whose answers are numbers have texts.
#[test]
fn a_number_is_not_the_text_that_writes_it() {
    let numbers = build(OPERANDS, &arithmetic(100)).expect("legal prompts").prompts;
    let words = "template = \"{x}+{y}=\"\ncompletion = \"{x}\"\nslots = { x = [\"4\"], y = [\"1\"] }\n";
    let words = build(words, &arithmetic(100)).expect("legal prompts").prompts;
    let (one, other) = (&numbers[1], &words[0]);
    assert_eq!((one.answer().value.to_string(), other.answer().value.to_string()), ("4".into(), "4".into()));
    assert!(!one.same_answer(other) && one.same_answer(one) && other.same_answer(other));
}

#[test]
fn every_label_of_a_group_is_known_before_there_are_prompts() {
    let known: Vec<&str> = PromptGroup::labels().collect();
    assert_eq!(known, ["+", "-", "*", "/", "words", "tokens", "pairs"]);
    assert_eq!(PromptGroup::operator("-").to_string(), "operator '-'", "as sentences name it");
}
