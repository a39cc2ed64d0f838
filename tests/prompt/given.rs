//! Prompts that are given one by one: as a template set has them, answer sets, ids of tokens, places, groups, and what is dropped.

use super::spec;
use super::words::letters;
use ablate::prompt::{self, Fields, Prompt, PromptError, PromptSet, ResolvedPrompts};
use proptest::prelude::*;
use std::fmt::Write;

fn build(toml: &str) -> Result<PromptSet, PromptError> {
    prompt::build(&spec(toml), &letters(), None, None)
}

fn built(toml: &str) -> PromptSet {
    build(toml).unwrap_or_else(|error| panic!("{error}"))
}

fn word(prompt: &Prompt, slot: &str) -> String {
    prompt.fields.get(slot).map(|word| word.to_string()).unwrap_or_default()
}

/// The prompts of a set as `pairs` writes them, with the words of its slots.
fn as_pairs(set: &PromptSet, slots: &[&str], rest: &str) -> String {
    let mut toml = format!("{rest}\n");
    for prompt in &set.prompts {
        let wrong = prompt.contrast().map(|wrong| format!("wrong = {:?}", format!(" {}", wrong.value)));
        let _ = writeln!(
            toml,
            "[[pairs]]\nclean = {:?}\nanswers = {:?}",
            prompt.text,
            format!(" {}", prompt.answer().value)
        );
        let _ = writeln!(toml, "{}\ngroup = {:?}", wrong.unwrap_or_default(), prompt.group.label());
        for slot in slots {
            let _ = writeln!(toml, "{slot} = {:?}", word(prompt, slot));
        }
    }
    toml
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Prompts that are written one by one are those of the template that made them: texts, tokens, answers, columns, and draws of them.
    #[test]
    fn pairs_of_a_template_set_are_its_prompts(
        names in prop::sample::subsequence(vec!["A", "B", "C", "D", "E", "F"], 2..5),
        things in prop::sample::subsequence(vec!["x", "y", "z", "7"], 1..4),
        draw in prop::option::of((1usize..6, 0usize..3, 0u64..1000)),
        has_contrast in any::<bool>(),
        spread in any::<bool>(),
    ) {
        let contrast = if has_contrast { "contrast = \" {s}\"\n" } else { "" };
        let draws = draw.map_or(String::new(), |(sample, skip, seed)| {
            format!("sample = {sample}\nskip = {}\nseeds = [{seed}, {}]\nspread_answers = {spread}\n", skip.min(1), seed + 1)
        });
        let words = format!(
            "template = \"w {{io}} a {{s}},{{s}} g{{thing}}?\"\ncompletion = \" {{io}}\"\n{contrast}different = [\"io\", \"s\"]\n\
             slots = {{ io = {names:?}, s = \"io\", thing = {things:?} }}\n"
        );
        let whole = built(&words);
        // Combinations with one name twice are none of the file's: prompts have other numbers there.
        let slots = ["io", "s", "thing"];
        let written = as_pairs(&whole, &slots, &draws);
        match (build(&format!("{draws}{words}")), build(&written)) {
            (Ok(of_template), Ok(given)) => {
                let numbered = |set: &PromptSet| {
                    let mut frame = set.to_frame().expect("rows");
                    frame.drop_in_place("id").expect("a column");
                    frame
                };
                prop_assert!(numbered(&of_template).equals_missing(&numbered(&given)), "{:?}\n{:?}", numbered(&of_template), numbered(&given));
                prop_assert_eq!(of_template.notes.len(), given.notes.len());
            }
            (of_template, given) => prop_assert_eq!(of_template.is_err(), given.is_err()),
        }
    }
}

#[test]
fn several_answers_are_each_once_and_wrong_ones_begin_otherwise() {
    let set = built(
        "[[pairs]]\nclean = \"w a\"\nanswers = [\" A\", \" B\", \" A\"]\nwrong = [\" C\", \" D\"]\n\
         [[pairs]]\nclean = \"w b\"\nanswers = \" A\"\nwrong = [\" B\", \" A\"]\n",
    );
    assert_eq!(set.prompts.len(), 1);
    let prompt = &set.prompts[0];
    let answers: Vec<String> = prompt.answers.iter().map(|answer| answer.value.to_string()).collect();
    assert_eq!(answers, ["A", "B"]);
    assert_eq!(prompt.wrong.iter().map(|wrong| wrong.value.to_string()).collect::<Vec<_>>(), ["C", "D"]);
    assert_eq!((set.dropped.len(), set.dropped[0].count), (1, 1));
    assert_eq!(set.dropped[0].why(), "contrast and answer begin with the same token: \"A\"");
}

#[test]
fn a_corrupted_prompt_has_answers_of_its_own_or_the_wrong_ones() {
    let set = built(
        "[[pairs]]\nclean = \"w a\"\ncorrupted = \"w b\"\nanswers = \" A\"\ncorrupted_answers = \" B\"\nwrong = \" C\"\n\
         [[pairs]]\nclean = \"x a\"\ncorrupted = \"x b\"\nanswers = \" A\"\nwrong = \" C\"\n\
         [[pairs]]\nclean = \"y a\"\nanswers = \" A\"\nwrong = \" C\"\n",
    );
    let others: Vec<Option<(String, String)>> = set
        .prompts
        .iter()
        .map(|prompt| prompt.paired.as_ref().map(|other| (other.text.clone(), other.answer().value.to_string())))
        .collect();
    let pair = |text: &str, answer: &str| Some((text.to_string(), answer.to_string()));
    assert_eq!(others, [pair("w b", "B"), pair("x b", "C"), None]);
}

#[test]
fn braces_are_text_and_sentences_have_any_length() {
    // No slot is called so, and none is looked for.
    assert_eq!(built("[[pairs]]\nclean = \"{a}\"\nanswers = \" A\"\n").prompts[0].text, "{a}");
    let set =
        built("[[pairs]]\nclean = \"a\"\nanswers = \" A\"\n[[pairs]]\nclean = \"a bad cab,\"\nanswers = \" B\"\n");
    assert_eq!(set.prompts.iter().map(|prompt| prompt.tokens.len()).collect::<Vec<_>>(), [1, 10]);
    assert_eq!(set.shapes("default").expect("shapes").len(), 2);
}

#[test]
fn prompts_that_the_tokenizer_would_shorten_are_left_out_and_say_so() {
    // The vocabulary has no Q and no !, and the tokenizer would skip them.
    let lossy = "[[pairs]]\nclean = \"w Q!a\"\nanswers = \" A\"\n";
    let lost = "the tokenizer would leave \"Q\" and \"!\" out of the text 'w Q!a', because the vocabulary does not have them (BPE, 42 tokens)";
    let error = build(lossy).expect_err("refused").to_string();
    assert!(error.contains(lost) && error.ends_with("write other prompts"), "{error}");
    let set = built(&format!("{lossy}[[pairs]]\nclean = \"w a\"\nanswers = \" A\"\n"));
    assert_eq!(set.prompts.iter().map(|prompt| prompt.text.as_str()).collect::<Vec<_>>(), ["w a"]);
    assert_eq!((set.dropped[0].count, set.dropped[0].why().as_str()), (1, "prompt is not in the vocabulary"));
    assert_eq!(set.dropped[0].example, lost);
    let answer = build("[[pairs]]\nclean = \"w a\"\nanswers = \" Q\"\n").expect_err("refused").to_string();
    assert!(answer.contains("answer is not in the vocabulary"), "{answer}");
}

#[test]
fn a_completion_puts_the_space_before_answers_that_have_none() {
    let pair = "[[pairs]]\nclean = \"w a\"\nanswers = [\"A\", \"B\"]\nwrong = \"C\"\n";
    let set = built(&format!("completion = \" {{answer}}\"\n{pair}"));
    let tokenizer = letters();
    let first = |text: &str| tokenizer.id(text).expect("a token");
    assert_eq!(set.prompts[0].answer_token(), first(" A"));
    assert_eq!(set.prompts[0].wrong[0].tokens, [first(" C")]);
    assert!(set.notes.is_empty(), "{:?}", set.notes);
    let set = built(pair);
    assert_eq!(set.prompts[0].answer_token(), first("A"));
    let notes: Vec<String> = set.notes.iter().map(ToString::to_string).collect();
    assert!(notes.iter().any(|note| note.contains("write completion = \" {answer}\"")), "{notes:?}");
}

#[test]
fn ids_of_tokens_stand_for_prompts_and_answers() {
    let tokenizer = letters();
    let id = |text: &str| tokenizer.id(text).expect("a token");
    let (w, space, a, name, other) = (id("w"), id(" "), id("a"), id(" A"), id(" B"));
    let set = built(&format!(
        "[[pairs]]\nclean_tokens = [{w}, {space}, {a}]\ncorrupted_tokens = [{a}, {space}, {w}]\nanswer_tokens = [{name}, {other}]\n\
         wrong_tokens = {w}\nsubject = [2, 3]\n"
    ));
    let prompt = &set.prompts[0];
    assert_eq!((prompt.text.as_str(), &prompt.tokens[..]), ("w a", &[w, space, a][..]));
    assert_eq!(prompt.answers.iter().map(|answer| answer.tokens[0]).collect::<Vec<_>>(), [name, other]);
    assert_eq!(prompt.answer().value.to_string(), "A");
    assert_eq!(prompt.slots[0].map(|slot| (slot.first, slot.count)), Some((2, 1)));
    assert_eq!(prompt.paired.as_ref().map(|other| other.text.as_str()), Some("a w"));
    let unknown = build("[[pairs]]\nclean = \"w\"\nanswer_tokens = 99999\n").expect_err("refused").to_string();
    assert!(unknown.contains("99999"), "{unknown}");
}

#[test]
fn two_numbers_are_a_place_in_the_prompt() {
    let set = built(
        "[[pairs]]\nclean = \"w bad A a\"\ncorrupted = \"w cab B a\"\nanswers = \" A\"\nsubject = [2, 7]\n\
         [[pairs]]\nclean = \"bad a\"\nanswers = \" A\"\nsubject = [0, 3]\n",
    );
    let slots: Vec<Option<(usize, usize)>> =
        set.prompts.iter().map(|prompt| prompt.slots[0].map(|slot| (slot.first, slot.count))).collect();
    // `bad A` is b, a, d and the name with its space.
    assert_eq!(slots, [Some((2, 4)), Some((0, 3))]);
    assert_eq!(set.prompts.iter().map(|prompt| word(prompt, "subject")).collect::<Vec<_>>(), ["bad A", "bad"]);
    assert_eq!(set.prompts[0].paired.as_ref().expect("a pair").slots, set.prompts[0].slots);
    let shapes = set.shapes("default").expect("shapes");
    assert!(shapes[0].positions.choices().contains("subject.last"), "{:?}", shapes[0].positions);
}

#[test]
fn groups_are_drawn_apart_and_in_the_order_in_which_they_are_met() {
    let pairs: String = ["x", "y", "x", "z", "y", "x"]
        .iter()
        .zip(["A", "B", "C", "D", "E", "F"])
        .map(|(group, name)| {
            format!("[[pairs]]\nclean = \"w {group}{group}\"\nanswers = \" {name}\"\ngroup = \"{group}\"\n")
        })
        .collect();
    let set = built(&pairs);
    let told: Vec<(String, u64)> =
        set.prompts.iter().map(|prompt| (prompt.group.label().to_string(), prompt.id)).collect();
    let expected = [("x", 0), ("x", 2), ("x", 5), ("y", 1), ("y", 4), ("z", 3)];
    assert_eq!(told, expected.map(|(label, id)| (label.to_string(), id)));
    let drawn = built(&format!("sample = 1\nseeds = [1, 2]\n{pairs}"));
    assert_eq!(drawn.prompts.len(), 2 * 3);
}

#[test]
fn a_group_without_a_legal_prompt_is_left_out_and_counted() {
    let set = built(
        "[[pairs]]\nclean = \"w\"\nanswers = \" A\"\ngroup = \"x\"\n[[pairs]]\nclean = \"w\"\nanswers = \" abc\"\ngroup = \"y\"\n",
    );
    assert_eq!((set.prompts.len(), set.dropped.len()), (1, 1));
    assert_eq!(set.dropped[0].why(), "answer is more than one token: \" abc\"");
    assert!(set.dropped[0].example.contains("after \"w\", \" abc\" is 4 tokens"), "{}", set.dropped[0].example);
    let error = build("[[pairs]]\nclean = \"w\"\nanswers = \" abc\"\n").expect_err("refused").to_string();
    assert!(error.contains("answer = \"multi-token\""), "{error}");
    assert_eq!(built("answer = \"multi-token\"\n[[pairs]]\nclean = \"w\"\nanswers = \" abc\"\n").prompts.len(), 1);
}

#[test]
fn further_keys_are_columns_and_numbers_where_all_are() {
    let set = built(
        "[[pairs]]\nclean = \"w\"\nanswers = \"7\"\nyear = 12\n[[pairs]]\nclean = \"x\"\nanswers = \"8\"\nyear = \"13\"\n",
    );
    let frame = set.to_frame().expect("rows");
    assert!(frame.column("year").expect("a column").dtype().is_integer());
    assert!(frame.column("answer").expect("a column").dtype().is_integer());
    assert!(matches!(set.prompts[0].fields, Fields::Pair { row: 0, .. }));
}

#[test]
fn what_is_wrong_with_a_pair_is_said_with_its_key() {
    for (pairs, problem) in [
        ("answers = \"A\"", "pair 1 has no 'clean'"),
        ("clean = \"a\"", "pair 1 has no 'answers'"),
        ("clean = \"a\"\nanswers = []", "has no value in the list 'answers'"),
        ("clean = \"a\"\nanswers = \"\"", "has an empty text in 'answers'"),
        ("clean = \"a\"\nanswers = [\"A\", 7]", "mixes texts and numbers in 'answers'"),
        ("clean = [1, 2]\nanswers = \"A\"", "ids of tokens stand under 'clean_tokens'"),
        ("clean = \"a\"\nclean_tokens = [1]\nanswers = \"A\"", "has 'clean' and 'clean_tokens'"),
        ("clean_tokens = [1]\nanswers = \"A\"", "write 'answer_tokens'"),
        ("clean = \"a\"\nanswer_tokens = -1", "which is not a token id"),
        ("clean = \"a\"\nanswers = \"A\"\ncorrupted_answers = \"B\"", "no 'corrupted', the prompt that they answer"),
        ("clean = \"a\"\nanswers = \"A\"\ntext = \"B\"", "a column cannot be called 'text'"),
        ("clean = \"a\"\nanswers = \"A\"\nplace = [4, 2]", "has a list in 'place' that is not a place"),
        (
            "clean = \"a bad\"\nanswers = \"A\"\nplace = [2, 6]",
            "has the place [2, 6] in 'place', which is beyond its prompt of 5 characters",
        ),
        (
            "clean = \"a\"\nanswers = \"A\"\n[[pairs]]\nclean = \"b\"\nanswers = \"B\"\nwrong = \"C\"",
            "has 'wrong', which the first prompt has not",
        ),
        (
            "clean = \"a\"\nanswers = \"A\"\nwrong = \"C\"\n[[pairs]]\nclean = \"b\"\nanswers = \"B\"",
            "pair 2 has no 'wrong'",
        ),
    ] {
        let problems = ResolvedPrompts::new(&spec(&format!("[[pairs]]\n{pairs}\n"))).expect_err(pairs);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|text| text.contains(problem)), "{pairs}: {told:?}");
        assert!(problems.iter().all(|problem| problem.path[0] == "pairs"), "{pairs}: {problems:?}");
    }
}
