//! Prompts that are made of the tokens of their numbers are those that the tokenizer makes one by one, and counting them gives what
//! making them does.

use super::{calculation, spec};
use ablate::model::tokenizer::{Tokenizer, arithmetic};
use ablate::prompt::{self, Bounds, Prompt, PromptSet, Reason, Tallied};
use ablate::spec::Prompts;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// Rules that split texts: those that tell no digit from another, and some that do.
fn splitters() -> Vec<Value> {
    let pattern = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let digits = |each: bool| json!({"type": "Digits", "individual_digits": each});
    vec![
        Value::Null,
        digits(true),
        digits(false),
        pattern(LLAMA3),
        pattern(GPT2),
        pattern("[0-9]+|[^0-9]"),
        pattern("[0-9][0-9]"),
        pattern("1|22"),
        pattern("[3-7]+"),
        pattern(r"\x31"),
        bytes.clone(),
        json!({"type": "Sequence", "pretokenizers": [digits(true), bytes]}),
        json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}),
    ]
}

fn normalizers() -> Vec<Value> {
    let replace = |from: &str, to: &str| json!({"type": "Replace", "pattern": {"String": from}, "content": to});
    vec![
        Value::Null,
        json!({"type": "NFC"}),
        json!({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace(" ", "▁")]}),
        replace("4", "1"),
    ]
}

/// A tokenizer of characters with some merges. A `plain` one has a token besides that no text has and that is all digits: it
/// must be taken for one that tells digits apart.
fn tokenizer((splitter, normalizer): (Value, Value), (missing, unknown): (&str, bool), plain: bool) -> Tokenizer {
    let merged =
        [("1", "2"), ("12", "3"), ("4", "="), (" ", "7"), ("Ġ", "7"), ("+", "1"), ("0", "0"), ("=", "5"), ("5", "5")];
    let mut tokens: Vec<String> = vec!["<s>".into(), "<8>".into()];
    tokens.extend("0123456789+-*/= \nQA:x▁ĠĊ".chars().filter(|letter| !missing.contains(*letter)).map(String::from));
    let known = |token: &str| tokens.iter().any(|other| other == token);
    let merged: Vec<(&str, &str)> = merged
        .into_iter()
        .filter(|(left, right)| (known(left) || *left == "12") && known(right) && known("1") && known("2"))
        .collect();
    tokens.extend(merged.iter().map(|(left, right)| format!("{left}{right}")));
    let vocab: serde_json::Map<String, Value> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), id.into())).collect();
    let named = |id: usize, content: &str| json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true});
    let mut added = vec![named(0, "<s>"), named(1, "<8>")];
    if plain {
        added.push(named(tokens.len(), "99999999999999999999"));
    }
    let json = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": normalizer, "pre_tokenizer": splitter, "post_processor": null, "decoder": {"type": "Fuse"},
        "model": {"type": "BPE", "dropout": null, "unk_token": unknown.then_some("<s>"), "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocab,
                  "merges": merged.iter().map(|(l, r)| vec![*l, *r]).collect::<Vec<_>>()},
    });
    Tokenizer::from_json_bytes(json.to_string().as_bytes(), "test").unwrap_or_else(|error| panic!("{error}"))
}

const TEMPLATES: [&str; 7] = [
    "{a}{op}{b}=",
    "{a} {op} {b} = ",
    "Q: {a}{op}{b}\nA:",
    "{b}x{a}{op}1",
    "{a}{op}{b}",
    "12 {a} {op}{b}=<8>",
    "x{op}={b}+{a}=",
];
const COMPLETIONS: [&str; 4] = ["{answer}", " {answer}", "x{answer}", "5 {answer}"];
const OPERANDS: [&str; 6] = ["0..13", "95..108", "[0, 7, 99, 1234, 12345]", "-12..3", "990..1003", "0..4"];

fn specs() -> impl Strategy<Value = Prompts> {
    let texts = (0..TEMPLATES.len(), 0..TEMPLATES.len(), 0..COMPLETIONS.len());
    let numbers = (0..OPERANDS.len(), 0..OPERANDS.len(), any::<bool>(), any::<bool>(), any::<bool>());
    (texts, numbers).prop_map(|((one, other, completion), (a, b, multi, negative, shot))| {
        let range = |which: usize| match OPERANDS[which].starts_with('[') {
            true => OPERANDS[which].to_string(),
            false => format!("{:?}", OPERANDS[which]),
        };
        let answers = if negative { "answers = \"-2000..200000\"\n" } else { "" };
        let shots = if shot { "shots = [{ a = 12, op = \"*\", b = 3 }]\n" } else { "" };
        spec(&format!(
            "operators = [\"+\", \"-\", \"*\", \"/\"]\nanswer = \"{}\"\ncompletion = {:?}\n{answers}{shots}\
             operands = {{ a = {}, b = {} }}\n[template]\none = {:?}\nother = {:?}\n",
            if multi { "multi-token" } else { "single-token" },
            COMPLETIONS[completion],
            range(a),
            range(b),
            TEMPLATES[one],
            TEMPLATES[other],
        ))
    })
}

/// The counts of a set's prompts by template and operator.
fn counts(set: &PromptSet) -> Vec<Tallied> {
    let mut groups: Vec<(&str, Tallied)> = Vec::new();
    let mut first_tokens: Vec<BTreeSet<u32>> = Vec::new();
    for prompt in &set.prompts {
        let symbol = prompt.group.label();
        if groups.last().is_none_or(|(last, group)| (*last, group.template) != (symbol, prompt.template)) {
            groups.push((symbol, Tallied { template: prompt.template, ..Tallied::default() }));
            first_tokens.push(BTreeSet::new());
        }
        let (Some((_, group)), Some(first)) = (groups.last_mut(), first_tokens.last_mut()) else { continue };
        group.count += 1;
        group.tokens += prompt.tokens.len();
        group.answer_tokens += prompt.answer_tokens().len();
        first.insert(prompt.answer_token());
    }
    let with = |((_, group), first): ((&str, Tallied), BTreeSet<u32>)| Tallied {
        first_tokens: first.into_iter().collect(),
        ..group
    };
    groups.into_iter().zip(first_tokens).map(with).collect()
}

/// The first prompt of each kind, and the first that a model cannot run.
fn kinds<'s>(set: &'s PromptSet, bounds: &Bounds, multi: bool) -> Vec<&'s Prompt> {
    let mut seen = HashSet::new();
    let mut unfit = false;
    let is_kept = |prompt: &&Prompt| {
        let fixed =
            set.templates[prompt.template].fixed(&prompt.slots).map(|at| prompt.tokens.get(at?)).collect::<Vec<_>>();
        let kind = (prompt.template, prompt.tokens.len(), &prompt.slots, fixed);
        let length = prompt.tokens.len() + if multi { prompt.answer_tokens().len() } else { 0 };
        let outside = prompt.tokens.iter().chain(prompt.answer_tokens()).any(|&id| id as usize >= bounds.n_vocab);
        let is_unfit = outside || bounds.position_limit.is_some_and(|limit| length > limit);
        let (is_new, is_first_unfit) = (seen.insert(format!("{kind:?}")), is_unfit && !unfit);
        unfit |= is_unfit;
        is_new || is_first_unfit
    };
    set.prompts.iter().filter(is_kept).collect()
}

/// What a set has dropped. Examples of unknown text name the tokenizer's size.
fn dropped(set: &PromptSet) -> Vec<(&str, &str, Reason, usize, &str)> {
    let unknown = |reason| matches!(reason, Reason::UnknownText | Reason::UnknownAnswer);
    let example = |reason, example| if unknown(reason) { "" } else { example };
    let each = set.dropped.iter().map(|one| {
        (one.template.as_str(), one.group.label(), one.reason, one.count, example(one.reason, one.example.as_str()))
    });
    each.collect()
}

fn agree(
    prompts: &Prompts,
    one: &Tokenizer,
    plain: &Tokenizer,
    bos: bool,
    bounds: Bounds,
) -> Result<(), TestCaseError> {
    let built = prompt::build(prompts, one, Some(bos), None);
    let tally = prompt::tally(prompts, one, Some(bos), bounds);
    let wanted = match (built, prompt::build(prompts, plain, Some(bos), None)) {
        (Ok(built), Ok(wanted)) => {
            prop_assert_eq!(&built.prompts, &wanted.prompts);
            prop_assert_eq!(dropped(&built), dropped(&wanted));
            prop_assert_eq!(&built.templates, &wanted.templates);
            prop_assert_eq!(&built.notes, &wanted.notes);
            wanted
        }
        (Err(_), Err(_)) => {
            prop_assert!(tally.is_err());
            return Ok(());
        }
        (built, wanted) => {
            let (built, wanted) = (built.map(drop), wanted.map(drop));
            return Err(TestCaseError::fail(format!("{built:?} but {wanted:?}")));
        }
    };
    let tally = tally.map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&tally.groups, &counts(&wanted));
    let multi = prompts.answer == ablate::spec::Answer::MultiToken;
    prop_assert_eq!(tally.set.prompts.iter().collect::<Vec<_>>(), kinds(&wanted, &bounds, multi));
    prop_assert_eq!(&tally.set.templates, &wanted.templates);
    prop_assert_eq!(&tally.set.notes, &wanted.notes);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn prompts_are_what_each_text_is_in_tokens(
        prompts in specs(), splitter in 0..splitters().len(), normalizer in 0..normalizers().len(), missing in "[=7x0]{0,1}",
        unknown in any::<bool>(), bos in any::<bool>(), n_vocab in 10usize..60, limit in proptest::option::of(3usize..20),
    ) {
        let rules = || (splitters().swap_remove(splitter), normalizers().swap_remove(normalizer));
        let one = tokenizer(rules(), (&missing, unknown), false);
        let plain = tokenizer(rules(), (&missing, unknown), true);
        agree(&prompts, &one, &plain, bos, Bounds { n_vocab, position_limit: limit })?;
    }
}

/// Each text and its answer as the tokenizer has them, with nothing remembered.
#[test]
fn the_built_in_models_prompts_are_its_tokens() {
    let tokenizer = arithmetic(520);
    let prompts = spec("operands = { a = \"0..150\", b = \"0..150\" }");
    let set = prompt::build(&prompts, &tokenizer, None, None).expect("legal prompts");
    let mut count = 0;
    for (symbol, a, b) in ["+", "-", "*", "/"]
        .iter()
        .flat_map(|symbol| (0..150).flat_map(move |a| (0..150).map(move |b| (*symbol, a, b))))
    {
        let answer: i64 = match symbol {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            _ if b == 0 => continue,
            _ => a / b,
        };
        if !(0..520).contains(&answer) {
            continue;
        }
        let prompt = &set.prompts[count];
        count += 1;
        let asked = calculation(prompt);
        assert_eq!((prompt.group.label(), asked.operator.symbol()), (symbol, symbol));
        assert_eq!((asked.a, asked.b, asked.result), (a, b, answer));
        assert_eq!(prompt.text, format!("{a}{symbol}{b}="));
        assert_eq!(prompt.tokens, tokenizer.encode(&prompt.text).expect("tokens").ids);
        assert_eq!(prompt.answer_tokens(), [answer as u32]);
    }
    assert_eq!(set.prompts.len(), count);
    let bounds = Bounds { n_vocab: 525, position_limit: Some(4) };
    let tally = prompt::tally(&prompts, &tokenizer, None, bounds).expect("legal prompts");
    assert_eq!(tally.groups, counts(&set));
    assert_eq!(tally.set.prompts, [set.prompts[0].clone()]);
}

/// Real tokenizers: GPT-2's, Llama 3's and GPT-NeoX's rules, with numbers of up to four digits.
#[test]
fn real_tokenizers_have_the_same_prompts_each_alone() {
    // Llama 3's rule keeps a space apart from the number after it.
    let spaced = [("{a}{op}{b}=", "{answer}"), ("{a} {op} {b} =", " {answer}"), ("Q: {a}{op}{b}\\nA:", " {answer}")];
    let apart = [("{a}{op}{b}=", "{answer}"), ("{a} {op} {b} = ", "{answer}"), ("Q: {a}{op}{b}\\nA: ", "{answer}")];
    for (folder, texts) in [("gpt2", spaced), ("llama3", apart), ("neox", spaced)] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers").join(folder);
        let tokenizer = Tokenizer::from_dir(&path).expect("a tokenizer");
        for (template, completion) in texts {
            let toml = format!(
                "template = \"{template}\"\ncompletion = \"{completion}\"\nanswer = \"multi-token\"\n\
                 operands = {{ a = \"95..112\", b = \"0..37\" }}"
            );
            let set = prompt::build(&spec(&toml), &tokenizer, Some(false), None).expect("legal prompts");
            for prompt in &set.prompts {
                assert_eq!(
                    prompt.tokens,
                    tokenizer.encode(&prompt.text).expect("tokens").ids,
                    "{folder} {}",
                    prompt.text
                );
                let whole =
                    format!("{}{}", prompt.text, completion.replace("{answer}", &prompt.answer().value.to_string()));
                let whole = tokenizer.encode(&whole).expect("tokens").ids;
                assert_eq!(whole, [&prompt.tokens[..], prompt.answer_tokens()].concat(), "{folder} {}", prompt.text);
            }
            let bounds = Bounds { n_vocab: tokenizer.n_tokens(), position_limit: None };
            let tally = prompt::tally(&spec(&toml), &tokenizer, Some(false), bounds).expect("legal prompts");
            assert_eq!(tally.groups, counts(&set), "{folder} {template}");
        }
    }
}

/// Numbers are tokenised once, not once in each prompt: else counting would take as long as tokenising each text twice does.
#[test]
fn counting_takes_a_fraction_of_tokenising() {
    let tokenizer = arithmetic(1000);
    let prompts = spec("operands = { a = \"0..300\", b = \"0..300\" }");
    let texts: Vec<String> = (0..300).flat_map(|a| (0..300).map(move |b| format!("{a}+{b}="))).collect();
    let bounds = Bounds { n_vocab: 1005, position_limit: None };
    // The best of three, as other tests run at the same time, and on one thread, as only one of the two uses several.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let best = |work: &(dyn Fn() + Sync)| {
        let took = |_| {
            let started = std::time::Instant::now();
            pool.install(work);
            started.elapsed()
        };
        (0..3).map(took).min().unwrap_or_default()
    };
    let tokenised = best(&|| drop(tokenizer.encode_batch(&texts).expect("tokens")));
    let counted = best(&|| drop(prompt::tally(&prompts, &tokenizer, None, bounds).expect("legal prompts")));
    // Of four operators: at the same speed it would be eight times as long.
    assert!(counted < 2 * tokenised, "{counted:?} to count 360,000 prompts, {tokenised:?} to tokenise 90,000 texts");
}
