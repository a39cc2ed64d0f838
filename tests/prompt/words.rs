//! Prompts from words: combinations, linked rows, places, contrasts, what is dropped, and prompts made by changes.

use super::{only_shape, spec};
use ablate::model::tokenizer::Tokenizer;
use ablate::prompt::{self, FieldValue, Fields, Prompt, PromptSet, ResolvedPrompts, SlotChange, SlotPlace, change};
use std::collections::{BTreeSet, HashMap};

/// A tokenizer of single characters in which " A" to " F" are one token each, as names are in real ones.
pub fn letters() -> Tokenizer {
    Tokenizer::from_json_bytes(letters_json().as_bytes(), "test").unwrap_or_else(|error| panic!("{error}"))
}

/// The same as a file.
pub fn letters_json() -> String {
    let mut tokens: Vec<String> = vec!["<s>".into()];
    tokens.extend(" ,.?ABCDEFXYabcdefgwxyz0123456789".chars().map(String::from));
    let merged = ["A", "B", "C", "D", "E", "F"];
    tokens.extend(merged.iter().map(|letter| format!(" {letter}")));
    tokens.extend(["{", "}"].map(String::from));
    let vocab: serde_json::Map<String, serde_json::Value> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), id.into())).collect();
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [{"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                          "normalized": false, "special": true}],
        "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocab,
                  "merges": merged.iter().map(|letter| vec![" ", *letter]).collect::<Vec<_>>()},
    });
    json.to_string()
}

/// Indirect objects in letters: the first of two names comes again, the answer is the other.
pub const LETTERS: &str = r#"
template = { ABBA = "w {io} a {s},{s} g{thing}?", BABA = "w {s} a {io},{s} g{thing}?" }
completion = " {io}"
contrast = " {s}"
different = ["io", "s"]
slots = { io = ["A", "B", "C", "D"], s = "io", thing = ["x", "y"] }
"#;

fn built(toml: &str) -> PromptSet {
    prompt::build(&spec(toml), &letters(), None, None).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(toml: &str) -> String {
    prompt::build(&spec(toml), &letters(), None, None).expect_err("refused").to_string()
}

fn words(prompt: &Prompt) -> Vec<&str> {
    let Fields::Words { words, .. } = &prompt.fields else { panic!("{} is of no words", prompt.text) };
    words.iter().map(|word| &**word).collect()
}

#[test]
fn every_combination_is_a_prompt_once() {
    let set = built(LETTERS);
    assert_eq!(set.prompts.len(), 2 * 4 * 3 * 2, "templates, names, other names, things");
    assert!(set.dropped.is_empty() && set.notes.is_empty(), "{:?}", set.notes);
    let texts: BTreeSet<&str> = set.prompts.iter().map(|prompt| prompt.text.as_str()).collect();
    let ids: BTreeSet<u64> = set.prompts.iter().map(|prompt| prompt.id).collect();
    assert_eq!((texts.len(), ids.len()), (48, 48));
    // Templates, io, s, thing: the last the fastest; ids count what is left out.
    let first = &set.prompts[0];
    assert_eq!((first.text.as_str(), first.id, words(first)), ("w A a B,B gx?", 2, vec!["A", "B", "x"]));
    let last = set.prompts.last().expect("prompts");
    assert_eq!((last.text.as_str(), last.id, words(last)), ("w C a D,C gy?", 32 + 29, vec!["D", "C", "y"]));
    for prompt in &set.prompts {
        let [io, s, _] = words(prompt)[..] else { panic!("three slots") };
        assert_ne!(io, s);
        let contrast = prompt.contrast().expect("a contrast");
        assert_eq!(
            (prompt.answer().value.borrowed(), contrast.value.borrowed()),
            (FieldValue::Text(io), FieldValue::Text(s))
        );
        let tokenizer = letters();
        assert_eq!(tokenizer.decode(prompt.answer_tokens()).expect("text"), format!(" {io}"));
        assert_eq!(tokenizer.decode(&contrast.tokens).expect("text"), format!(" {s}"));
    }
}

#[test]
fn each_place_of_a_slot_is_a_position() {
    let set = built(LETTERS);
    let of = |template: &str| {
        let positions = only_shape(&set, template);
        assert_eq!(positions.length, 11, "{:?}", positions.names);
        ["io", "s", "s.2", "thing", "?", "last"].map(|name| positions.names[name])
    };
    // "w", " A", " ", "a", " B", ",", "B", " ", "g", "x", "?": the third name has no space before it.
    assert_eq!(of("ABBA"), [1, 4, 6, 9, 10, 10]);
    assert_eq!(of("BABA"), [4, 1, 6, 9, 10, 10]);
}

#[test]
fn words_of_several_tokens_are_left_out_and_named() {
    let set = built(&LETTERS.replace("\"D\"]", "\"D\", \"XY\", \"EE\"]"));
    let used: BTreeSet<&str> = set.prompts.iter().map(|prompt| words(prompt)[0]).collect();
    assert_eq!(used.into_iter().collect::<Vec<_>>(), ["A", "B", "C", "D"]);
    let of = |word: &str| set.dropped.iter().filter(|one| one.why() == word).map(|one| one.count).sum::<usize>();
    // With every other name and thing; BABA begins with {s}, where "EE" is told first.
    assert_eq!(of("word is more than one token: io \"XY\""), (5 + 4) * 2);
    assert!(set.dropped.iter().any(|one| one.example.contains("\"XY\" is 2 tokens: \"X\" \"Y\"")), "{:?}", set.dropped);
    let note = set.notes[0].to_string();
    assert!(note.starts_with("prompts with these words are left out: word is more than one token: io"), "{note}");
    let frame = set.dropped_to_frame().expect("rows");
    assert_eq!(frame.height(), set.dropped.len());
}

#[test]
fn several_tokens_are_allowed_where_no_position_is_needed() {
    let toml = LETTERS.replace("\"D\"]", "\"D\", \"FY\"]") + "answer = \"multi-token\"\n";
    let set = built(&toml);
    assert_eq!(set.prompts.len(), 2 * 5 * 4 * 2);
    let long = set.prompts.iter().find(|prompt| words(prompt)[0] == "FY").expect("FY");
    assert_eq!(long.answer_tokens().len(), 2);
    let shapes = set.shapes("ABBA").expect("shapes");
    // {s} is there twice, {io} once.
    assert_eq!(shapes.iter().map(|shape| shape.positions.length).collect::<Vec<_>>(), [11, 13, 12]);
    let choices = shapes[2].positions.choices();
    let named = ["io.first", "io.last", "io.each", "s.first", "s.2.last", "last"];
    assert!(named.iter().all(|name| choices.contains(*name)), "{choices:?}");
}

#[test]
fn rows_go_together() {
    let toml = r#"
        template = "{d}{country}?"
        completion = " {capital}"
        rows = [{ country = "a", capital = "A", code = 1 }, { country = "b", capital = "B", code = 2 }]
        slots = { d = [0, 1, 2] }
    "#;
    let set = built(toml);
    let texts: Vec<&str> = set.prompts.iter().map(|prompt| prompt.text.as_str()).collect();
    assert_eq!(texts, ["0a?", "1a?", "2a?", "0b?", "1b?", "2b?"]);
    assert_eq!(words(&set.prompts[4]), ["b", "B", "2", "1"]);
    let frame = set.to_frame().expect("rows");
    let columns: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
    assert_eq!(columns[4..11], ["id", "country", "capital", "code", "d", "answer", "text"]);
}

#[test]
fn a_draw_spreads_over_answers() {
    let set = built(&(LETTERS.to_string() + "sample = 4\nseeds = [1, 2]\n"));
    assert_eq!(set.prompts.len(), 2 * 2 * 4);
    for seed in [1, 2] {
        for template in [0, 1] {
            let drawn = set.prompts.iter().filter(|one| one.seed == Some(seed) && one.template == template);
            assert_eq!(drawn.map(|one| words(one)[0].to_string()).collect::<BTreeSet<_>>().len(), 4);
        }
    }
}

#[test]
fn fewer_prompts_than_asked_for_are_told() {
    let set = built(&(LETTERS.to_string() + "sample = 100\n"));
    let notes: Vec<String> = set.notes.iter().map(ToString::to_string).collect();
    let expected = ["ABBA", "BABA"].map(|name| format!("template '{name}': 24 prompts, fewer than sample = 100"));
    assert_eq!(notes, expected);
}

#[test]
fn of_very_many_combinations_a_sample_is_drawn() {
    let list = "abcdefgwxyz".chars().map(|letter| format!("\"{letter}\"")).collect::<Vec<_>>().join(", ");
    let slots: Vec<String> = (0..8).map(|slot| format!("s{slot} = [{list}]")).collect();
    let template: String = (0..8).map(|slot| format!("{{s{slot}}}")).collect();
    let toml = |rest: &str| {
        let slots = slots.join(", ");
        format!("template = \"{template}?\"\ncompletion = \"{{s0}}\"\nslots = {{ {slots} }}\n{rest}\n")
    };
    let (first, next) = (built(&toml("sample = 300")), built(&toml("sample = 300\nskip = 300")));
    assert_eq!((first.prompts.len(), next.prompts.len()), (300, 300));
    assert!(first.prompts.iter().all(|one| next.prompts.iter().all(|other| one.id != other.id)), "one draw goes on");
    // Each of 8 slots has 11 letters: 27 of each expected in each, standard deviation 5.
    for slot in 1..8 {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        first.prompts.iter().for_each(|prompt| *counts.entry(words(prompt)[slot]).or_default() += 1);
        assert!(counts.len() == 11 && counts.values().all(|count| (8..=52).contains(count)), "{counts:?}");
    }
    let problem = |rest: &str| ResolvedPrompts::new(&spec(&toml(rest))).expect_err("too many").remove(0).to_string();
    assert_eq!(problem(""), "the words make more than 20000000 combinations; write shorter lists, or a sample");
    assert!(problem("sample = 9000").starts_with("a sample of words is drawn from 8192 combinations"));
}

#[test]
fn faults_are_told_at_once_with_what_to_write() {
    let problems = |toml: &str| {
        let problems = ResolvedPrompts::new(&spec(toml)).expect_err("faults");
        problems.iter().map(|one| format!("{}: {one}", one.path.join("."))).collect::<Vec<_>>()
    };
    let found = problems(
        r#"
        template = { one = "{nmae} and {other}", two = "{name} and {" }
        completion = " {nam}"
        contrast = " {name}!{"
        different = ["name", "othr"]
        slots = { name = ["A", "B", "A"], other = "nme", 2nd = ["x"], last = ["x"] }
        sample = 0
        "#,
    );
    let expected = [
        "slots.name: slots.name has \"A\" twice; write it once",
        "slots.other: slot 'other' takes the words of 'nme', which has no list; write \"name\"",
        "slots.2nd: a slot cannot be called '2nd': names are letters a to z and A to Z, digits, '_' and '-', and begin with no digit",
        "slots.last: a slot cannot be called 'last': rows have a column, or prompts a position, of that name; write another",
        "different.1: no slot 'othr'; write \"other\"",
        "contrast: ' {name}!{', character 9: '{' is not closed; write '{{' for a brace",
        "completion: ' {nam}', character 2: no slot {nam}; write {name}",
        "template.one: '{nmae} and {other}', character 1: no slot {nmae}; write {name}",
        "template.two: '{name} and {', character 12: '{' is not closed; write '{{' for a brace",
        "sample: sample = 0 draws no prompt; write 1 or more, or leave 'sample' out to take all prompts",
    ];
    assert_eq!(found, expected);
    let base = "template = \"{a} {b}\"\nslots = { a = [\"A\"], b = \"a\" }\n";
    assert_eq!(
        problems(&format!("{base}different = [\"a\", \"b\"]")),
        [
            "different: a and b must differ, and have only 1 different words together; write more words",
            "completion: no completion, which says what the model should write; write completion = \" {a}\"",
        ]
    );
    let base = "slots = { a = [\"A\"], b = [\"B\"], c = [\"C\"] }\ncompletion = \" {a}\"\n";
    assert_eq!(problems(base), ["template: no template; write template = \"…\" with the slots {a} {b} {c}"]);
    assert_eq!(
        problems(&format!("{base}template = \"{{b}}\"\ndifferent = [\"a\"]\ncontrast = \" {{a}}\"")),
        [
            "different: 'different' needs two slots or more, and 'a' is the only one; add the slots that it must differ from",
            "contrast: contrast \" {a}\" is the same as the completion; write a wrong answer",
            "slots.c: slot 'c' is not used in a template, completion or contrast; write {c} where its words belong, or leave the slot out",
        ]
    );
    let rows = "template = \"{a}\"\ncompletion = \"{b}\"\nrows = [{ a = \"A\", b = \"B\" }, { a = \"A\" }, { a = \"A\", b = \"B\", c = \"C\" }]";
    assert_eq!(
        problems(rows),
        [
            "rows.1: row 2 has no 'b', which the first row has; give every row the same columns",
            "rows.2: row 3 has 'c', which the first row has not; give every row the same columns",
        ]
    );
    assert_eq!(problems("template = \"x\"").len(), 1);
}

#[test]
fn what_no_tokenizer_can_do_is_explained() {
    let text = refused("template = \"{a}?\"\ncompletion = \" {b}\"\nslots = { a = [\"XY\", \"AB\"], b = [\"A\"] }");
    assert!(
        text.starts_with(
            "no prompt of the words in template 'default' is legal: all 2 are dropped, because word is more"
        ),
        "{text}"
    );
    assert!(text.contains("token: a \"AB\" (1)") && text.contains("write words of one token"), "{text}");
    let text = refused(
        "template = \"{a}?\"\ncompletion = \" {b}\"\ncontrast = \" {c}\"\nslots = { a = [\"x\"], b = [\"A\"], c = [\"A\"] }",
    );
    assert!(text.contains("contrast and answer begin with the same token: \"A\""), "{text}");
    let text = refused("template = \"{a}? \"\ncompletion = \"{b}\"\nslots = { a = [\"x\"], b = [\"A\"] }");
    assert!(text.contains("prompt and answer share a token") && text.contains("completion = \" {b}\""), "{text}");
}

fn resolved(toml: &str) -> ResolvedPrompts {
    ResolvedPrompts::new(&spec(toml)).expect("a right spec")
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// What is made of every prompt, each of which has a counterfactual.
fn changed(
    resolved: &ResolvedPrompts,
    tokenizer: &Tokenizer,
    bos: Option<bool>,
    change: &SlotChange,
    clean: &[&Prompt],
    seed: u64,
) -> Vec<Prompt> {
    let made = prompt::changed(resolved, tokenizer, bos, change, clean, seed).expect("a beginning token");
    made.into_iter().map(|made| made.expect("a pair")).collect()
}

/// Names that need not differ, swapped where they are the same, give the prompt itself: no counterfactual.
#[test]
fn a_swap_that_changes_nothing_is_no_counterfactual() {
    let toml = "template = \"{io}{s}?\"\ncompletion = \"{io}\"\ncontrast = \"{c}\"\n\
                slots = { io = [\"A\", \"B\"], s = [\"A\", \"B\"], c = [\"C\"] }";
    let (resolved, set) = (resolved(toml), built(toml));
    let swap = change(&resolved, &texts(&["io", "s"]), &[]).expect("right").expect("a change");
    let clean: Vec<&Prompt> = set.prompts.iter().collect();
    let made = prompt::changed(&resolved, &letters(), None, &swap, &clean, 3).expect("a beginning token");
    assert_eq!(clean.len(), 4);
    for (clean, made) in clean.iter().zip(made) {
        let words = words(clean);
        assert_eq!(made.is_err(), words[0] == words[1], "{:?}", clean.text);
    }
}

#[test]
fn a_swap_is_its_own_inverse_and_keeps_the_rest() {
    let (resolved, set) = (resolved(LETTERS), built(LETTERS));
    let swap = change(&resolved, &texts(&["io", "s"]), &[]).expect("right").expect("a change");
    assert_eq!(swap, SlotChange::Swap(0, 1));
    let clean: Vec<&Prompt> = set.prompts.iter().collect();
    let once = changed(&resolved, &letters(), None, &swap, &clean, 3);
    for (clean, made) in set.prompts.iter().zip(&once) {
        let (own, other) = (words(clean), words(made));
        assert_eq!((own[0], own[1], own[2]), (other[1], other[0], other[2]));
        assert_eq!((clean.template, &clean.slots, clean.id), (made.template, &made.slots, made.id));
        let contrast = clean.contrast().map(|contrast| contrast.tokens[0]);
        assert_eq!(contrast, Some(made.answer_token()), "the wrong answer is the other's right one");
        assert!(set.prompts.iter().any(|one| one.text == made.text && one.answers == made.answers));
    }
    let twice = changed(&resolved, &letters(), None, &swap, &once.iter().collect::<Vec<_>>(), 3);
    assert!(set.prompts.iter().zip(&twice).all(|(clean, made)| clean.text == made.text));
}

#[test]
fn redrawn_names_are_new_and_uniform() {
    let toml = LETTERS.replace("\"D\"]", "\"D\", \"E\", \"F\"]");
    let (resolved, set) = (resolved(&toml), built(&toml));
    let redraw = change(&resolved, &[], &texts(&["io", "s"])).expect("right").expect("a change");
    let clean = &set.prompts[0];
    let mut counts: HashMap<String, usize> = HashMap::new();
    for seed in 0..1200 {
        let made = changed(&resolved, &letters(), None, &redraw, &[clean], seed).remove(0);
        let (old, new) = (words(clean), words(&made));
        assert!(!old[..2].contains(&new[0]) && !old[..2].contains(&new[1]) && new[0] != new[1]);
        assert_eq!(old[2], new[2]);
        *counts.entry(made.text).or_default() += 1;
    }
    // Four names left: 12 pairs of 100 each, standard deviation 9.6.
    assert_eq!(counts.len(), 12);
    assert!(counts.values().all(|count| (55..=150).contains(count)), "{counts:?}");
    let all: Vec<&Prompt> = set.prompts.iter().collect();
    let alone = changed(&resolved, &letters(), None, &redraw, &all[7..8], 5);
    assert_eq!(changed(&resolved, &letters(), None, &redraw, &all, 5)[7], alone[0], "of its own");
}

#[test]
fn one_place_is_changed_alone() {
    let (resolved, set) = (resolved(LETTERS), built(LETTERS));
    let redraw = change(&resolved, &[], &texts(&["s.2"])).expect("right").expect("a change");
    assert_eq!(redraw, SlotChange::Redraw(vec![SlotPlace { slot: 1, occurrence: Some(1) }]));
    let clean: Vec<&Prompt> = set.prompts.iter().collect();
    let place = only_shape(&set, "ABBA").names["s.2"];
    for (clean, made) in clean.iter().zip(changed(&resolved, &letters(), None, &redraw, &clean, 0)) {
        let differs: Vec<usize> = (0..clean.tokens.len()).filter(|&at| clean.tokens[at] != made.tokens[at]).collect();
        assert_eq!(differs, [place], "{} and {}", clean.text, made.text);
        assert_eq!((&clean.answers, &clean.wrong), (&made.answers, &made.wrong), "the answer is as it was");
    }
}

#[test]
fn rows_are_redrawn_together() {
    let toml = "template = \"{country}?\"\ncompletion = \" {capital}\"\nrows = [{ country = \"a\", capital = \"A\" }, { country = \"b\", \
                capital = \"B\" }, { country = \"c\", capital = \"C\" }]";
    let (resolved, set) = (resolved(toml), built(toml));
    let redraw = change(&resolved, &[], &texts(&["country"])).expect("right").expect("a change");
    let clean: Vec<&Prompt> = set.prompts.iter().collect();
    for (clean, made) in clean.iter().zip(changed(&resolved, &letters(), None, &redraw, &clean, 1)) {
        assert_ne!(words(clean)[0], words(&made)[0]);
        assert_eq!(words(&made)[0].to_uppercase(), words(&made)[1]);
    }
}

/// Of some prompts, by their texts: the text and the answers of what a swap makes of each, or nothing.
fn swapped(toml: &str, slots: [&str; 2]) -> HashMap<String, Option<(String, String)>> {
    let (resolved, set) = (resolved(toml), built(toml));
    let swap = change(&resolved, &texts(&slots), &[]).expect("right").expect("a change");
    let clean: Vec<&Prompt> = set.prompts.iter().collect();
    let made = prompt::changed(&resolved, &letters(), None, &swap, &clean, 3).expect("a beginning token");
    let answers = |prompt: &Prompt| prompt.answers.iter().map(|answer| answer.value.to_string()).collect::<String>();
    let made = made.into_iter().map(|made| made.ok().map(|made| (made.text.clone(), answers(&made))));
    clean.iter().map(|clean| clean.text.clone()).zip(made).collect()
}

#[test]
fn a_swap_with_a_column_of_rows_takes_the_answer_of_the_new_word() {
    let rows = |completion: &str| {
        format!(
            "template = \"w {{country}} {{other}}?\"\ncompletion = \"{completion}\"\ndifferent = [\"country\", \"other\"]\n\
             slots = {{ other = [\"a\", \"b\", \"d\"] }}\nrows = [{{ country = \"a\", capital = \"A\", foil = \"B\" }}, \
             {{ country = \"b\", capital = \"B\", foil = \"A\" }}]\n"
        )
    };
    let pair = |text: &str, answer: &str| Some((text.to_string(), answer.to_string()));
    let plain = swapped(&rows(" {capital}"), ["country", "other"]);
    assert_eq!(plain["w a b?"], pair("w b a?", "B"));
    assert_eq!(plain["w b a?"], pair("w a b?", "A"));
    // No country is called so.
    assert_eq!(plain["w a d?"], None);
    // With a wrong answer, that is the other prompt's; the wrong answer of a known row comes along with the right one.
    let contrasted = swapped(&format!("{}contrast = \" {{foil}}\"\n", rows(" {capital}")), ["country", "other"]);
    assert_eq!(contrasted["w a d?"], pair("w d a?", "B"));
    assert_eq!(contrasted["w a b?"], pair("w b a?", "B"));
    // What is computed of the column follows too.
    let of_rows =
        rows(" {next}").replace("rows =", "computed.next = { of = \"capital\", plus = 1, cycle = true }\nrows =");
    assert_eq!(swapped(&of_rows, ["country", "other"])["w a b?"], pair("w b a?", "A"));
}

#[test]
fn a_swap_of_two_columns_takes_the_row_that_has_them_the_other_way_round() {
    let toml = "template = \"w {one} {other}?\"\ncompletion = \" {said}\"\nrows = [{ one = \"a\", other = \"b\", said = \"A\" }, \
                { one = \"b\", other = \"a\", said = \"B\" }, { one = \"c\", other = \"d\", said = \"C\" }, \
                { one = \"e\", other = \"f\", said = \"E\" }, { one = \"f\", other = \"e\", said = \"F\" }, \
                { one = \"f\", other = \"e\", said = \"D\" }]\n";
    let made = swapped(toml, ["one", "other"]);
    assert_eq!(made["w a b?"], Some(("w b a?".into(), "B".into())));
    assert_eq!((&made["w c d?"], &made["w e f?"]), (&None, &None), "no row, and two that differ");
    // Where no row can tell of any prompt, that is said before any is made.
    let never = toml.replace("one = \"b\"", "one = \"g\"").replace("other = \"e\"", "other = \"g\"");
    let fault = change(&resolved(&never), &texts(&["one", "other"]), &[]).expect_err("refused");
    assert_eq!(
        fault.problem,
        "the answers read said of 'rows', and no row has the words of 'one' and 'other' swapped, so that no answer of a swapped prompt is \
         known"
    );
    assert!(
        fault.advice.contains("write contrast = ") && fault.advice.contains("corrupted_answers"),
        "{}",
        fault.advice
    );
    // Columns that no answer reads stay, as always.
    let places = "template = \"w {one} {other} g{thing}?\"\ncompletion = \" {one}\"\nrows = [{ one = \"A\", other = \"B\", thing = \"x\" }, \
                  { one = \"C\", other = \"D\", thing = \"y\" }]\n";
    assert_eq!(swapped(places, ["one", "other"])["w A B gx?"], Some(("w B A gx?".into(), "B".into())));
}

#[test]
fn changes_that_can_not_be_are_refused() {
    let refused = |toml: &str, swap: &[&str], redraw: &[&str]| {
        let fault = change(&resolved(toml), &texts(swap), &texts(redraw)).expect_err("refused");
        format!("{} {:?}: {}; {}", fault.key, fault.index, fault.problem, fault.advice)
    };
    assert_eq!(refused(LETTERS, &["io", "ss"], &[]), "swap Some(1): no slot 'ss'; write \"s\"");
    assert_eq!(
        refused(LETTERS, &["io"], &[]),
        "swap None: 'swap' needs two slots, not 1; write swap = [\"io\", \"s\"]"
    );
    assert!(refused(LETTERS, &["io", "s.2"], &[]).contains("'swap' exchanges whole slots"));
    assert!(refused(LETTERS, &["io", "io"], &[]).contains("'io' is written twice"));
    assert!(refused(LETTERS, &["io", "s"], &["s"]).contains("'swap' and 'redraw' exclude each other"));
    assert_eq!(
        refused(LETTERS, &[], &["s.3"]),
        "redraw Some(0): 's.3': template 'ABBA' has 's' 2 times; write \"s\" for all, or \"s.1\" to \"s.2\""
    );
    let plain = LETTERS.replace("contrast = \" {s}\"\n", "");
    assert!(refused(&plain, &[], &["s"]).contains("write contrast = \"…\" in the prompts"));
    let numbers = "operands = { a = \"0..3\", b = \"0..3\" }";
    assert!(refused(numbers, &[], &["a"]).contains("'redraw' changes words, and these prompts are made of operands"));
}
