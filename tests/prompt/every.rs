//! Prompts whatever their answer.

use super::{build, characters, spec};
use ablate::model::tokenizer::{Tokenizer, arithmetic};
use ablate::prompt::{PlainPrompt, PromptError, ResolvedPrompts, Wanted, every};
use std::collections::BTreeSet;

const SPEC: &str = "operands = { a = \"0..12\", b = \"0..5\" }\n";

fn asked(
    toml: &str,
    tokenizer: &Tokenizer,
    legal: bool,
    sample: usize,
    seed: u64,
) -> Result<Vec<Vec<PlainPrompt>>, PromptError> {
    let set = build(toml, tokenizer).expect("legal prompts");
    let resolved = ResolvedPrompts::new(&spec(toml)).expect("a right spec");
    let wanted = Wanted { template: "default", like: Some(&set.prompts[0]), legal, sample, seed, balanced: true };
    every(&resolved, tokenizer, None, &wanted)
}

fn operands(asked: &PlainPrompt) -> (i64, i64) {
    let calculation = asked.fields.calculation().expect("operands");
    (calculation.a, calculation.b)
}

fn texts(drawn: &[PlainPrompt]) -> Vec<&str> {
    drawn.iter().map(|asked| asked.text.as_str()).collect()
}

#[test]
fn prompts_without_a_legal_answer_count() {
    let drawn = asked(SPEC, &arithmetic(100), false, 1000, 0).expect("prompts");
    assert_eq!(drawn.iter().map(Vec::len).collect::<Vec<_>>(), [60; 4]);
    let every: BTreeSet<&str> = drawn.iter().flat_map(|drawn| texts(drawn)).collect();
    assert!(every.len() == 240 && ["3-4=", "7/0=", "11*4="].iter().all(|text| every.contains(text)), "{every:?}");
    let one = drawn[3].iter().find(|asked| asked.text == "7/0=").expect("the prompt");
    assert_eq!((operands(one), one.group.label(), one.tokens.as_slice()), ((7, 0), "/", [7, 103, 0, 104].as_slice()));
}

#[test]
fn legal_prompts_are_as_many_of_each_operator_as_of_the_fewest() {
    let drawn = asked(SPEC, &arithmetic(100), true, 1000, 0).expect("prompts");
    // Of each b below 5, a - b is negative for b values of a, and nothing is divided by 0.
    assert_eq!(drawn.iter().map(Vec::len).collect::<Vec<_>>(), [48; 4]);
    assert!(drawn[1].iter().map(operands).all(|(a, b)| a >= b) && drawn[3].iter().map(operands).all(|(_, b)| b > 0));
}

#[test]
fn operators_that_need_not_count_alike_have_all_there_are() {
    let set = build(SPEC, &arithmetic(100)).expect("legal prompts");
    let resolved = ResolvedPrompts::new(&spec(SPEC)).expect("a right spec");
    let wanted = |balanced: bool| {
        let wanted =
            Wanted { template: "default", like: Some(&set.prompts[0]), legal: true, sample: 55, seed: 3, balanced };
        every(&resolved, &arithmetic(100), None, &wanted).expect("prompts")
    };
    let (own, alike) = (wanted(false), wanted(true));
    assert_eq!(own.iter().map(Vec::len).collect::<Vec<_>>(), [55, 50, 55, 48]);
    for (own, alike) in own.iter().zip(&alike) {
        assert_eq!(own[..48], alike[..], "what all have is the first part of a draw");
    }
}

#[test]
fn a_draw_has_no_prompt_twice_and_is_the_same_again() {
    let draw = |sample: usize, seed: u64| asked(SPEC, &arithmetic(100), false, sample, seed).expect("prompts");
    let drawn = draw(40, 7);
    for of_operator in &drawn {
        assert_eq!(texts(of_operator).into_iter().collect::<BTreeSet<_>>().len(), 40);
    }
    assert_eq!(drawn, draw(40, 7));
    assert_ne!(drawn, draw(40, 8));
    assert_eq!(texts(&drawn[0])[..10], texts(&draw(10, 7)[0]), "a smaller draw is the first part of a larger one");
}

/// Each pair is as likely as another: of 400 draws of 15 out of 60, each is in 100, give or take.
#[test]
fn draws_are_uniform() {
    let mut counts = vec![0usize; 60];
    for seed in 0..400 {
        for asked in
            &asked("operators = [\"+\"]\noperands = { a = \"0..12\", b = \"0..5\" }", &arithmetic(100), false, 15, seed)
                .expect("prompts")[0]
        {
            let (a, b) = operands(asked);
            counts[(a * 5 + b) as usize] += 1;
        }
    }
    // Standard deviation 8.7.
    assert!(counts.iter().all(|&count| (60..140).contains(&count)), "{counts:?}");
}

#[test]
fn prompts_of_another_shape_are_left_out() {
    // 12 is one token, 10 and 11 are two.
    let tokenizer = characters(&[("1", "2")]);
    let toml = "operators = [\"+\"]\noperands = { a = \"8..13\", b = \"1..3\" }\nanswer = \"multi-token\"";
    let drawn = asked(toml, &tokenizer, false, 100, 0).expect("prompts");
    assert_eq!(drawn[0].iter().map(|asked| operands(asked).0).collect::<BTreeSet<_>>(), [8, 9, 12].into());

    let set = build(toml, &tokenizer).expect("set");
    let resolved = ResolvedPrompts::new(&spec(&toml.replace("8..13", "10..12"))).expect("a right spec");
    let wanted =
        Wanted { template: "default", like: Some(&set.prompts[0]), legal: false, sample: 5, seed: 0, balanced: true };
    let error = every(&resolved, &tokenizer, None, &wanted).expect_err("no operand of one token");
    assert!(error.to_string().contains("no prompt for '+'") && error.to_string().contains("8+1="), "{error}");
    // Where nothing need be alike, nothing is said of it.
    let single = toml.replace("8..13", "10..12").replace("multi-token", "single-token");
    let of_single = ResolvedPrompts::new(&spec(&single)).expect("a right spec");
    let none = every(&of_single, &tokenizer, None, &Wanted { like: None, ..wanted });
    let text = "no prompt for '+' in template 'default' can be written in this model's tokens; write operands or words that are one token each";
    assert_eq!(none.expect_err("no operand of one token").to_string(), text);
    let wanted = Wanted { template: "other", ..wanted };
    assert!(matches!(every(&resolved, &tokenizer, None, &wanted), Err(PromptError::NoTemplate(_))));
}
