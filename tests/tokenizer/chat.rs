//! Chat templates against `apply_chat_template` of transformers (tests/fixtures/tokenizers/chat.py): texts, tokens, and what is around
//! a message.

use super::fixtures;
use ablate::model::chat_template::{ChatDate, ChatError, ChatTemplate};
use ablate::model::tokenizer::Tokenizer;
use ablate::prompt::{self, Prompt, PromptSet};
use ablate::spec::{ChatSettings, ChatValue, Prompts};
use serde::Deserialize;
use serde_json::Value;
use std::fs;

#[derive(Deserialize)]
struct Fixture {
    day: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    folder: String,
    config: Value,
    /// The template, where it is in a file of its own.
    source: Option<String>,
    results: Vec<Chatted>,
}

#[derive(Deserialize)]
struct Chatted {
    settings: ChatSettings,
    text: String,
    rendered: Option<String>,
    #[serde(default)]
    ids: Vec<u32>,
    error: Option<String>,
}

impl Fixture {
    fn read() -> Self {
        serde_json::from_slice(&fs::read(fixtures().join("chat.json")).unwrap()).unwrap()
    }
}

impl Case {
    /// As `cases` of the script does.
    fn tokenizer(&self) -> Tokenizer {
        let folder = tempfile::tempdir().unwrap();
        for file in fs::read_dir(fixtures().join(&self.folder)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        fs::write(folder.path().join("tokenizer_config.json"), self.config.to_string()).unwrap();
        if let Some(source) = &self.source {
            fs::write(folder.path().join("chat_template.jinja"), source).unwrap();
        }
        Tokenizer::from_dir(folder.path()).unwrap()
    }
}

#[test]
fn the_same_texts_and_tokens_as_apply_chat_template() {
    let fixture = Fixture::read();
    assert!(fixture.cases.len() > 10);
    let mut compared = 0;
    for case in &fixture.cases {
        let tokenizer = case.tokenizer();
        let template = tokenizer.chat_template().unwrap_or_else(|| panic!("{} has a template", case.name));
        for chatted in &case.results {
            let settings = ChatSettings { date: Some(fixture.day.clone()), ..chatted.settings.clone() };
            let about = format!("{} on {}, {:?}, {settings:?}", case.name, case.folder, chatted.text);
            match (template.render(&chatted.text, &settings), &chatted.rendered) {
                (Ok(rendered), Some(expected)) => {
                    assert_eq!(rendered, *expected, "{about}");
                    assert_eq!(tokenizer.encode(&rendered).unwrap().ids, chatted.ids, "{about}");
                    compared += 1;
                }
                (Err(ChatError::Refused { message, .. }), None) => {
                    assert_eq!(Some(&message), chatted.error.as_ref(), "{about}");
                }
                (other, _) => panic!("{about}: {other:?}"),
            }
        }
    }
    assert!(compared > 200, "{compared}");
}

/// What is around a message is the same for every message, so that a prompt set need not render each.
#[test]
fn a_message_is_framed_as_it_is_rendered() {
    let fixture = Fixture::read();
    for case in fixture.cases.iter().filter(|case| !["python", "letters"].contains(&case.name.as_str())) {
        let tokenizer = case.tokenizer();
        let template = tokenizer.chat_template().unwrap();
        for chatted in case.results.iter().filter(|chatted| chatted.rendered.is_some()) {
            let settings = ChatSettings { date: Some(fixture.day.clone()), ..chatted.settings.clone() };
            let frame = template.frame(&settings).unwrap_or_else(|error| panic!("{}: {error}", case.name));
            let message = if frame.trims { chatted.text.trim() } else { &chatted.text };
            let framed = format!("{}{message}{}", frame.before, frame.after);
            assert_eq!(Some(framed), chatted.rendered, "{}", case.name);
            assert_eq!(frame.trims, ["gemma2", "gemma3", "llama3"].contains(&case.name.as_str()), "{}", case.name);
        }
    }
}

fn spec(toml: &str) -> Prompts {
    toml::from_str(toml).unwrap_or_else(|error| panic!("{error}"))
}

fn built(tokenizer: &Tokenizer, toml: &str, bos: Option<bool>) -> PromptSet {
    prompt::build(&spec(toml), tokenizer, bos, None).unwrap_or_else(|error| panic!("{error}"))
}

/// The text of a place of a prompt's tokens.
fn at(tokenizer: &Tokenizer, prompt: &Prompt, position: usize) -> String {
    tokenizer.token(prompt.tokens[position]).unwrap_or_default()
}

const SUMS: &str = "operators = [\"+\"]\noperands = { a = [2, 7], b = [5] }\nanswer = \"multi-token\"\n";

/// Prompts have the tokens of transformers, no second beginning-of-text token, and their slots where they are.
#[test]
fn prompts_in_chats_have_the_tokens_of_transformers_and_their_slots() {
    let fixture = Fixture::read();
    let mut with_bos = 0;
    for case in fixture.cases.iter().filter(|case| !["python", "letters"].contains(&case.name.as_str())) {
        let tokenizer = case.tokenizer();
        let chat = format!("chat = {{ date = \"{}\" }}\n", fixture.day);
        // "12 + 345 =", with nothing else in the chat.
        let expected = case
            .results
            .iter()
            .find(|chatted| chatted.settings == ChatSettings::default() && chatted.text == "12 + 345 =");
        let toml =
            format!("template = \"{{a}} + {{b}} =\"\n{}{chat}", SUMS.replace("[2, 7]", "[12]").replace("[5]", "[345]"));
        let set = built(&tokenizer, &toml, None);
        let prompt = &set.prompts[0];
        assert_eq!(prompt.tokens, expected.unwrap().ids, "{}", case.name);
        let has_bos =
            prompt.tokens.first().copied() == tokenizer.bos() && prompt.text.starts_with(&at(&tokenizer, prompt, 0));
        assert_eq!(set.bos.is_some(), has_bos, "{}", case.name);
        with_bos += usize::from(has_bos);
        assert!(set.notes.is_empty(), "{}: {:?}", case.name, set.notes);
        for (place, text) in [(0, "12"), (2, "345")] {
            let slot = prompt.slots[place].unwrap();
            let tokens = &prompt.tokens[slot.first..slot.first + slot.count];
            assert_eq!(tokenizer.decode(tokens).unwrap().trim(), text, "{}", case.name);
        }
        // The beginning of text may be left out, and put where the template has none.
        let other = built(&tokenizer, &toml, Some(!has_bos));
        match has_bos {
            true => {
                assert!(other.prompts[0].tokens.len() < prompt.tokens.len() && other.bos.is_none(), "{}", case.name)
            }
            false => assert_eq!(&other.prompts[0].tokens[1..], &prompt.tokens[..], "{}", case.name),
        }
    }
    assert!(with_bos >= 4, "{with_bos}");
}

#[test]
fn what_cannot_be_a_chat_is_refused_with_the_fix() {
    let refused = |tokenizer: &Tokenizer, toml: &str| {
        prompt::build(&spec(&format!("{SUMS}{toml}\n")), tokenizer, None, None).expect_err("refused").to_string()
    };
    let bare = Tokenizer::from_dir(&fixtures().join("llama3")).unwrap();
    assert!(
        refused(&bare, "chat = true").contains("this model has no chat template"),
        "{}",
        refused(&bare, "chat = true")
    );
    let with =
        |source: &str| bare.clone().with_chat_template(Some(ChatTemplate::new(source.into(), Default::default())));
    let raises = with(
        "{% if messages[0].role == 'system' %}{{ raise_exception('No system') }}{% endif %}{{ messages[0].content }}",
    );
    let text = refused(&raises, "chat = { system = \"x\" }");
    assert!(text.contains("refuses the chat: No system; leave out chat.system"), "{text}");
    let day = with("{{ strftime_now('%d') }}{{ messages[0].content }}");
    assert!(refused(&day, "chat = true").contains("write a fixed day"));
    assert!(refused(&day, "chat = { date = \"2024-02-30\" }").contains("'2024-02-30' is not a day"));
    assert!(refused(&with("{{ messages[0].content }}{{ messages[0].content }}"), "chat = true").contains("2 times"));
    assert!(refused(&with("nothing"), "chat = true").contains("0 times"));
    assert!(refused(&with("{{ messages[0].content | replace(' ', '_') }}"), "chat = true").contains("changes spaces"));
    let broken = refused(&with("{% if %}"), "chat = true");
    assert!(broken.contains("cannot be evaluated") && broken.contains("chat template:1"), "{broken}");
    let endless = with("{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}");
    assert!(refused(&endless, "chat = true").contains("cannot be evaluated"));
}

#[test]
fn a_reply_is_begun_and_variables_are_given() {
    let case = Fixture::read().cases.into_iter().find(|case| case.name == "qwen3").unwrap();
    let tokenizer = case.tokenizer();
    let toml = format!(
        "{SUMS}template = \"{{a}}+{{b}}\"\nchat = {{ prefill = \"It is \", variables = {{ enable_thinking = false }} }}\n"
    );
    let set = built(&tokenizer, &toml, None);
    let expected = "<|im_start|>user\n2+5<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\nIt is ";
    assert_eq!(set.prompts[0].text, expected);
    let flags = spec(&format!("{SUMS}chat = false\n"));
    assert!(flags.chat.0.is_none());
    let chat = ChatSettings { variables: [("n".to_string(), ChatValue::Number(3))].into(), ..ChatSettings::default() };
    let count = ChatTemplate::new("{{ n + 1 }}{{ messages[0].content }}".into(), Default::default());
    assert_eq!(count.render("x", &chat).unwrap(), "4x");
}

/// Days by formats, against Python's `datetime.strftime`.
#[test]
fn days_are_written_as_python_does() {
    let day = |text: &str, format: &str| ChatDate::parse(text).unwrap().format(format).unwrap();
    assert_eq!(
        day("2024-07-06", "%d %b %Y|%A %a %j|%-d|%e|%y %B %m|%%"),
        "06 Jul 2024|Saturday Sat 188|6| 6|24 July 07|%"
    );
    assert_eq!(day("2000-03-01", "%j %A"), "061 Wednesday");
    assert_eq!(day("1900-03-01", "%j %A %I %p %H:%M:%S"), "060 Thursday 12 AM 00:00:00");
    assert!(ChatDate::parse("2023-02-29").is_none() && ChatDate::parse("2024-2-9").is_none());
    assert!(ChatDate::parse("2024-02-29").unwrap().format("%Q").is_err());
}

/// Worked examples are in the message, and pairs of a file are messages both; whether the template takes spaces off or not, each prompt is
/// what the template makes of its text.
#[test]
fn worked_examples_and_pairs_are_within_the_message() {
    let fixture = Fixture::read();
    let settings = ChatSettings { date: Some(fixture.day.clone()), ..ChatSettings::default() };
    let mut trimmed = 0;
    for case in fixture.cases.iter().filter(|case| !["python", "letters"].contains(&case.name.as_str())) {
        let tokenizer = case.tokenizer();
        let rendered = |message: &str| tokenizer.chat_template().unwrap().render(message, &settings).unwrap();
        let shots = "template = \"  {a}+{b}= \"\nshots = [{ a = 1, op = \"+\", b = 1 }]\n";
        let chat = format!("chat = {{ date = \"{}\" }}\n", fixture.day);
        let set = built(&tokenizer, &format!("{SUMS}{shots}{chat}"), None);
        assert_eq!((set.prompts.len(), &set.dropped[..]), (2, &[][..]), "{}", case.name);
        assert_eq!(set.prompts[0].text, rendered("  1+1= 2\n  2+5= "), "{}", case.name);
        let slot = set.prompts[1].slots[0].unwrap();
        let first = tokenizer.decode(&set.prompts[1].tokens[slot.first..slot.first + slot.count]).unwrap();
        assert_eq!(first.trim(), "7", "{}", case.name);
        trimmed += usize::from(!set.prompts[0].text.contains("2+5= "));
        let pairs = "pairs = [{ clean = \" Say 12 \", corrupted = \" Say 34 \", answers = \"5\", at = [5, 7] }]\n\
                     answer = \"multi-token\"\n";
        let set = built(&tokenizer, &format!("{pairs}{chat}"), None);
        let prompt = &set.prompts[0];
        let other = prompt.paired.as_ref().unwrap();
        assert_eq!((&prompt.text, &other.text), (&rendered(" Say 12 "), &rendered(" Say 34 ")), "{}", case.name);
        let slot = prompt.slots[0].unwrap();
        let place = tokenizer.decode(&prompt.tokens[slot.first..slot.first + slot.count]).unwrap();
        assert_eq!(place.trim(), "12", "{}", case.name);
    }
    assert_eq!(trimmed, 3);
}
