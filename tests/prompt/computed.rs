//! Words that are computed of others: cycles, lists with ends, and prompts that are changed.

use super::spec;
use ablate::model::tokenizer::{Tokenizer, arithmetic};
use ablate::prompt::{self, FieldValue, PromptSet, Reason, ResolvedPrompts, SlotChange, change, changed};
use ablate::spec::{number_of, word_list, word_lists};

fn built(toml: &str, tokenizer: &Tokenizer) -> PromptSet {
    prompt::build(&spec(toml), tokenizer, None, None).unwrap_or_else(|error| panic!("{error}"))
}

fn problems(toml: &str) -> String {
    let wrong = ResolvedPrompts::new(&spec(toml)).expect_err("refused");
    wrong.iter().map(|problem| format!("{}: {problem}\n", problem.path.join("."))).collect()
}

/// A circle of five in the built-in tokenizer, where every number is a token.
const CIRCLE: &str = "template = \"{x}+{n}=\"\ncompletion = \"{then}\"\nanswer = \"multi-token\"\n\
                      slots = { x = [10, 20, 30, 40, 50], n = [0, 1, 4, 7, -1] }\ncomputed.then = { of = \"x\", plus = \"n\" }\n";

#[test]
fn a_word_is_so_many_steps_on_in_its_cycle() {
    let set = built(CIRCLE, &arithmetic(100));
    assert_eq!((set.prompts.len(), set.dropped.len()), (25, 0));
    let words = [10, 20, 30, 40, 50];
    for prompt in &set.prompts {
        let number = |name: &str| match prompt.fields.get(name) {
            Some(FieldValue::Text(text)) => text.parse::<i64>().expect("a number"),
            other => panic!("{other:?}"),
        };
        let place = (number("x") / 10 - 1 + number("n")).rem_euclid(5);
        assert_eq!(number("then"), words[place as usize]);
        assert_eq!(prompt.answer().value.to_string(), words[place as usize].to_string());
    }
}

/// Without a cycle, prompts beyond the ends are left out and counted, with one of them as the example.
#[test]
fn beyond_the_ends_of_a_list_prompts_are_dropped_and_counted() {
    let toml = CIRCLE.replace("plus = \"n\" }", "plus = \"n\", cycle = false }");
    let set = built(&toml, &arithmetic(100));
    // Of n = 0 all, of 1 four, of 4 one, of 7 none, of -1 four.
    assert_eq!(set.prompts.len(), 5 + 4 + 1 + 4);
    let dropped: Vec<_> = set.dropped.iter().map(|one| (one.reason, one.count)).collect();
    assert_eq!(dropped, [(Reason::BeyondList, 25 - 14)]);
    assert!(set.prompts.iter().all(|prompt| !prompt.answer().value.to_string().is_empty()));
}

#[test]
fn a_list_of_its_own_is_counted_in_and_words_write_numbers() {
    let toml = "template = \"{x} {n}\"\ncompletion = \" {then}\"\ncontrast = \" {prior}\"\nanswer = \"multi-token\"\n\
                slots = { x = [\"B\", \"C\"], n = [\"one\", \"two\"] }\n\
                [computed]\nthen = { of = \"x\", plus = \"n\", list = [\"A\", \"B\", \"C\", \"D\"] }\n\
                prior = { of = \"x\", plus = -1, list = \"letters\" }\n";
    let resolved = ResolvedPrompts::new(&spec(toml)).expect("right");
    let names = resolved.words().expect("words").names.to_vec();
    assert_eq!(names, ["x", "n", "then", "prior"]);
    let found: Vec<[String; 4]> = (0..resolved.source.count())
        .map(|index| {
            let fields = resolved.words().expect("words").combination(index).expect("in the list");
            [0, 1, 2, 3].map(|slot| fields.get(&names[slot]).expect("a word").to_string())
        })
        .collect();
    let expected = [["B", "one", "C", "A"], ["B", "two", "D", "A"], ["C", "one", "D", "B"], ["C", "two", "A", "B"]];
    assert_eq!(found, expected.map(|words| words.map(String::from)));
}

/// A word that is computed of a computed one, and redrawn words that take their computed ones with them.
#[test]
fn changed_words_take_what_is_computed_of_them_along() {
    let toml = format!("{CIRCLE}computed.later = {{ of = \"then\", plus = 1 }}\n").replace("\"{then}\"", "\"{later}\"");
    let (spec, tokenizer) = (spec(&toml), arithmetic(100));
    let set = built(&toml, &tokenizer);
    let resolved = ResolvedPrompts::new(&spec).expect("right");
    let redraw = change(&resolved, &[], &["x".into()]).expect("right").expect("a change");
    assert!(matches!(redraw, SlotChange::Redraw(_)));
    let clean: Vec<&prompt::Prompt> = set.prompts.iter().collect();
    for (clean, other) in clean.iter().zip(changed(&resolved, &tokenizer, None, &redraw, &clean, 3).expect("prompts")) {
        let other = other.expect("another");
        let number = |prompt: &prompt::Prompt, name: &str| match prompt.fields.get(name) {
            Some(FieldValue::Text(text)) => text.parse::<i64>().expect("a number"),
            other => panic!("{other:?}"),
        };
        assert_ne!(number(clean, "x"), number(&other, "x"));
        assert_eq!(number(clean, "n"), number(&other, "n"));
        let place = (number(&other, "x") / 10 - 1 + number(&other, "n") + 1).rem_euclid(5);
        assert_eq!(other.answer().value.to_string(), (10 * (place + 1)).to_string());
    }
    let fault = change(&resolved, &[], &["then".into()]).expect_err("refused");
    assert!(fault.problem.contains("computed from other slots"), "{fault:?}");
}

#[test]
fn lists_are_built_in() {
    let length = |name: &str| word_list(name).map_or(0, |words| words.len());
    assert_eq!(["days", "hours", "letters", "months", "numbers", "ordinals"].map(length), [7, 12, 26, 12, 21, 12]);
    assert_eq!(word_lists().count(), 6);
    assert_eq!(
        ["7", "-3", "seven", "Twenty", "twenty-one"].map(number_of),
        [Some(7), Some(-3), Some(7), Some(20), None]
    );
    let toml = "template = \"{month} {n}\"\ncompletion = \" {then}\"\nanswer = \"multi-token\"\n\
                slots = { month = \"months\", n = [2] }\ncomputed.then = { of = \"month\", plus = \"n\" }\n";
    let resolved = ResolvedPrompts::new(&spec(toml)).expect("right");
    let december = resolved.words().expect("words").combination(11).expect("a prompt");
    assert_eq!(december.get("then"), Some(FieldValue::Text("February")));
}

#[test]
fn wrong_computations_are_refused_at_their_keys() {
    let with = |computed: &str| {
        problems(&format!(
            "template = \"{{x}} {{n}}\"\ncompletion = \" {{then}}\"\nslots = {{ x = [\"A\", \"B\"], n = [1] }}\ncomputed.then = {computed}\n"
        ))
    };
    let cases = [
        ("{ of = \"y\", plus = 1 }", "computed.then.of: no slot 'y' before 'then'"),
        ("{ of = \"x\", plus = \"x\" }", "computed.then.plus: slot 'x' has \"A\", which is not a number"),
        ("{ of = \"x\", plus = \"m\" }", "computed.then.plus: no slot 'm'"),
        (
            "{ of = \"x\", plus = 1, list = [\"A\", \"C\"] }",
            "computed.then.list: slot 'x' has \"B\", which is not in the list",
        ),
        ("{ of = \"x\", plus = 1, list = [\"A\", \"B\", \"A\"] }", "\"A\" is twice"),
        ("{ of = \"x\", plus = 1, list = \"lettres\" }", "write \"letters\""),
    ];
    for (computed, text) in cases {
        assert!(with(computed).contains(text), "{computed}: {}", with(computed));
    }
    let twice = problems(&CIRCLE.replace("computed.then", "computed.x"));
    assert!(twice.contains("'x' is already a slot with words of its own"), "{twice}");
    let unused = problems(&format!("{CIRCLE}computed.other = {{ of = \"x\", plus = 2 }}\n"));
    assert!(unused.contains("computed.other: slot 'other' is not used in a template"), "{unused}");
}
