//! Prompts in tokens: blocks of random ones several times over, and ids as they are.

use super::words::letters;
use super::{build, only_shape, spec};
use ablate::model::tokenizer::{Tokenizer, arithmetic};
use ablate::prompt::{self, From, Prompt, PromptSet, ResolvedPrompts, pairs};
use std::collections::HashSet;

fn built(toml: &str, tokenizer: &Tokenizer) -> PromptSet {
    build(toml, tokenizer).unwrap_or_else(|error| panic!("{error}"))
}

/// A prompt's tokens and its answer.
fn whole(prompt: &Prompt) -> Vec<u32> {
    prompt.tokens.iter().copied().chain([prompt.answer_token()]).collect()
}

#[test]
fn a_block_of_different_tokens_comes_again_and_the_answer_is_what_follows() {
    for (length, repeats) in [(2, 2), (5, 2), (7, 3)] {
        let toml = format!("random_tokens = {{ length = {length}, repeats = {repeats}, count = 40 }}\n");
        let set = built(&toml, &arithmetic(100));
        assert_eq!((set.prompts.len(), set.bos), (40, None));
        let positions = only_shape(&set, "default");
        let place = |name: &str| positions.names[name];
        for prompt in &set.prompts {
            let tokens = whole(prompt);
            assert_eq!(tokens.len(), length * repeats);
            let block = &tokens[..length];
            assert!(tokens.chunks(length).all(|again| again == block), "{tokens:?}");
            assert_eq!(block.iter().collect::<HashSet<_>>().len(), length, "{tokens:?}");
            // Where an induction head looks: the token after the last one's earlier place is the answer.
            let asked = &prompt.tokens;
            assert_eq!((asked[place("first-repeat")], place("first-repeat")), (asked[0], length));
            assert_eq!(asked[place("earlier-last")], asked[place("last")]);
            assert_eq!(place("earlier-answer"), place("earlier-last") + 1);
            assert_eq!(asked[place("earlier-answer")], prompt.answer_token());
        }
        let different: HashSet<Vec<u32>> = set.prompts.iter().map(whole).collect();
        assert!(different.len() > 38, "{}", different.len());
    }
}

/// The draw depends on the number alone: other counts, samples and repeats leave the blocks as they are.
#[test]
fn the_same_blocks_on_every_machine_whatever_else_is_asked() {
    let tokenizer = arithmetic(100);
    let one = built("random_tokens = { length = 4, count = 3 }\n", &tokenizer);
    let blocks = |set: &PromptSet| set.prompts.iter().map(|prompt| whole(prompt)[..4].to_vec()).collect::<Vec<_>>();
    let more = built("random_tokens = { length = 4, repeats = 3, count = 6 }\n", &tokenizer);
    assert_eq!(blocks(&more)[..3], blocks(&one)[..]);
    let longer = built("random_tokens = { length = 6, count = 3 }\n", &tokenizer);
    assert_eq!(blocks(&longer), blocks(&one), "a longer block begins with a shorter one");
    let drawn =
        |seeds: &str| built(&format!("random_tokens = {{ length = 4 }}\nsample = 20\nseeds = {seeds}\n"), &tokenizer);
    let (both, first) = (drawn("[1, 2]"), drawn("[1]"));
    assert_eq!((both.prompts.len(), first.prompts.len()), (40, 20));
    assert_eq!(blocks(&both)[..20], blocks(&first)[..]);
    assert_ne!(blocks(&both)[20..], blocks(&first)[..], "another seed draws others");
}

#[test]
fn the_vocabulary_says_which_tokens_are_drawn() {
    let tokenizer = letters();
    let used = |vocabulary: &str, length: usize| -> HashSet<String> {
        let toml = format!("random_tokens = {{ length = {length}, count = 50, vocabulary = {vocabulary} }}\n");
        let set = built(&toml, &tokenizer);
        set.prompts.iter().flat_map(whole).map(|id| tokenizer.token(id).expect("a token")).collect()
    };
    let names: HashSet<String> = ["A", "B", "C", "D", "E", "F"].map(|name| format!(" {name}")).into();
    assert_eq!(used("\"words\"", 5), names);
    assert!(!used("\"all\"", 20).contains("<s>"), "a special token is never drawn");
    let ids = used("\"3..7\"", 3);
    assert_eq!(ids, (3..7).map(|id| tokenizer.token(id).expect("a token")).collect());
    assert_eq!(
        used("[0, 1, 2]", 2),
        [0, 1, 2].map(|id| tokenizer.token(id).expect("a token")).into(),
        "a list is taken as it is"
    );
}

#[test]
fn a_beginning_of_text_token_moves_the_positions() {
    let toml = "random_tokens = { length = 5, count = 4 }\n";
    let set = prompt::build(&spec(toml), &letters(), Some(true), None).expect("prompts");
    let positions = only_shape(&set, "default");
    assert_eq!((positions.names["bos"], positions.names["first-repeat"], positions.length), (0, 6, 10));
    let without = built(toml, &letters());
    for (with, without) in set.prompts.iter().zip(&without.prompts) {
        assert_eq!((with.tokens[0], &with.tokens[1..]), (0, &without.tokens[..]));
    }
}

#[test]
fn another_draw_is_the_counterfactual() {
    let set = built("random_tokens = { length = 5, count = 30 }\n", &arithmetic(100));
    for (clean, pair) in set.prompts.iter().zip(pairs(&set.prompts, &set.prompts, From::AnyGroup, 1)) {
        let other = &set.prompts[pair.expect("a pair")];
        assert!(other.tokens != clean.tokens && other.answer_token() != clean.answer_token());
    }
}

#[test]
fn ids_are_prompts_as_they_are_with_the_answer_last() {
    let set = built("tokens = [[1, 2, 3, 1, 2, 3], [0, 4, 5]]\n", &letters());
    let found: Vec<(&[u32], u32)> = set.prompts.iter().map(|p| (&p.tokens[..], p.answer_token())).collect();
    assert_eq!(found, [(&[1, 2, 3, 1, 2][..], 3), (&[0, 4][..], 5)]);
    assert_eq!((set.bos, set.prompts[1].text.as_str()), (None, "<s>?"));
    // Where each begins with the token, it is that of the position `bos`, and none is put before it.
    for bos in [None, Some(true), Some(false)] {
        let set = prompt::build(&spec("tokens = [[0, 4, 5], [0, 5, 4]]\n"), &letters(), bos, None).expect("prompts");
        assert_eq!((set.bos, &set.prompts[0].tokens[..]), (Some(0), &[0, 4][..]), "{bos:?}");
    }
    let put = prompt::build(&spec("tokens = [[4, 5]]\n"), &letters(), Some(true), None).expect("prompts");
    assert_eq!(put.prompts[0].tokens, [0, 4]);
}

#[test]
fn wrong_tokens_are_refused_with_the_fix() {
    let refused = |toml: &str| build(toml, &letters()).expect_err("refused").to_string();
    let cases = [
        ("random_tokens = { length = 5 }\n", "write sample = 100, or random_tokens.count = 100"),
        ("random_tokens = { length = 1, count = 1 }\n", "a block of length = 1 cannot be recognised"),
        ("random_tokens = { length = 3, repeats = 1, count = 1 }\n", "with repeats = 1 no block comes a second time"),
        (
            "random_tokens = { length = 9, count = 1, vocabulary = \"words\" }\n",
            "the chosen vocabulary has only 6 in this model",
        ),
        ("random_tokens = { length = 3, count = 1, vocabulary = [1, 2] }\n", "2 ids are fewer"),
        ("random_tokens = { length = 2, count = 1, vocabulary = [1, 9999] }\n", "no token has the id 9999"),
        ("random_tokens = { length = 2, count = 1 }\ncompletion = \"x\"\n", "'completion' does not apply"),
        ("tokens = [[1, 2]]\nmodulus = 7\n", "'modulus' does not apply"),
        ("tokens = [[1, 2]]\ncomputed.x = { of = \"y\", plus = 1 }\n", "'computed' does not apply"),
        ("random_tokens = { length = 2 }\nsample = 9000\n", "write random_tokens.count = 9000"),
        ("tokens = [[1]]\n", "of which the last is the answer"),
        ("tokens = [[1, 9999]]\n", "no token has the id 9999"),
        ("tokens = []\n", "tokens is empty"),
    ];
    for (toml, text) in cases {
        assert!(refused(toml).contains(text), "{toml}: {}", refused(toml));
    }
    let resolved = ResolvedPrompts::new(&spec("tokens = [[1, 2]]\n")).expect("right");
    assert!(resolved.words().is_none() && resolved.slot_columns().is_some_and(|columns| columns.names.is_empty()));
}
