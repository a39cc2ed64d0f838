//! Bad input: what the spec says, and what a model's tokenizer makes of it.

use super::{Fake, build, characters, spec};
use ablate::model::tokenizer::arithmetic;
use ablate::prompt::{self, PromptError, ResolvedPrompts};

/// The faults of a spec, as `key: message`.
fn faults(toml: &str) -> Vec<String> {
    let problems = ResolvedPrompts::new(&spec(toml)).expect_err("faults");
    problems.iter().map(|problem| format!("{}: {problem}", problem.path.join("."))).collect()
}

#[test]
fn every_fault_of_a_spec_is_told_at_once() {
    let found = faults(
        r#"
        template = { one = "{a}{c}=", two = "{op}=" }
        completion = "{answer}\n"
        operators = ["+", "×", "+"]
        operands = { a = [1, 2, 1], b = [] }
        answers = "9..3"
        shots = [{ a = 1, op = "/", b = 0 }, { a = 1, op = "plus", b = 0 }]
        sample = 0
        seeds = [7, 7]
        "#,
    );
    let expected = [
        "operators: no operator '×'; write \"*\"",
        "operators: operators has + twice; write it once",
        "operands.a: operands.a has 1 twice; write it once",
        "operands.b: operands.b is empty; write at least one",
        "answers: answers: range '9..3' is empty, because its end is excluded; write an end above its start",
        "completion: completion '{answer}\n' does not end in {answer}; write \"{answer}\" or \" {answer}\" (text between worked \
         examples goes into 'shot_separator')",
        "shots: shot 1 / 0 has no answer: division by zero; write another example",
        "shots: no operator 'plus'; write \"+\", \"-\", \"*\", \"/\"",
        "template.one: '{a}{c}=', character 4: no slot {c}; write {a}, {op}, {b}, or '{{' for a brace",
        "template.two: template '{op}=' has no slot {a}; add it, as in \"{a}{op}{b}=\"",
        "template.two: template '{op}=' has no slot {b}; add it, as in \"{a}{op}{b}=\"",
        "sample: sample = 0 draws no prompt; write 1 or more, or leave 'sample' out to take all prompts",
        "seeds: seeds has 7 twice; write it once",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_fault_of_the_only_template_or_the_completion_is_placed_there() {
    let operands = "operands = { a = [1], b = [1] }\n";
    assert_eq!(
        faults(&format!("{operands}template = \"{{a}}+{{b\"")),
        ["template: '{a}+{b', character 5: '{' is not closed; write '{{' for a brace"]
    );
    assert_eq!(
        faults(&format!("{operands}completion = \"{{a}}\"")),
        ["completion: '{a}', character 1: no slot {a}; write {answer}, or '{{' for a brace"]
    );
}

#[test]
fn enormous_ranges_are_refused_before_they_are_made() {
    let whole = "operands = { a = \"-9223372036854775808..9223372036854775807\", b = \"0..2\" }";
    assert_eq!(faults(whole).len(), 1);
    assert!(
        faults(whole)[0]
            .starts_with("operands: 18446744073709551615 prompts are more than 20000000, the most that are made")
    );
    assert!(faults("operands = { a = \"0..10000\", b = \"0..10000\" }")[0].contains("400000000 prompts"));
}

#[test]
fn an_operator_without_a_legal_prompt_says_why_and_shows_tokens() {
    let message = |toml: &str| build(toml, &characters(&[])).expect_err("no legal prompt").to_string();
    assert_eq!(
        message("operators = [\"+\"]\noperands = { a = \"10..13\", b = \"0..4\" }"),
        "no prompt for '+' in template 'default' is legal: all 12 are dropped, because operand a is more than one token \
         (12); for example, in \"10+0=\", \"10\" is 2 tokens: \"1\" \"0\"; write operands below 10, or words = \"multi-token\", which allows \
         operands of several tokens, or take a model whose tokenizer has larger integers as one token"
    );
    assert_eq!(
        message("operators = [\"/\", \"*\"]\noperands = { a = [4, 5], b = [6, 7] }"),
        "no prompt for '*' in template 'default' is legal: all 4 are dropped, because answer is more than one token (4); \
         for example, after \"4*6=\", \"24\" is 2 tokens: \"2\" \"4\"; write smaller operands, or answer = \"multi-token\""
    );
    assert_eq!(
        message("operators = [\"-\"]\noperands = { a = [1], b = [2, 3] }"),
        "no prompt for '-' in template 'default' is legal: all 2 are dropped, because answer is negative (2); for example, \
         1 - 2 = -1; write operands with a ≥ b, or a range of answers such as answers = \"-300..300\""
    );
}

#[test]
fn text_outside_the_vocabulary_is_named() {
    let message = build("operators = [\"+\"]\noperands = { a = \"10..12\", b = [1] }", &arithmetic(10))
        .expect_err("none")
        .to_string();
    assert!(
        message.contains(
            "all 2 are dropped, because prompt is not in the vocabulary (2); for example, '10' in the text '10+1='"
        ),
        "{message}"
    );
    assert!(message.contains("write operands below 10, or take a model"), "{message}");
}

#[test]
fn a_space_that_merges_with_the_answer_is_explained() {
    let spaced = characters(&[(" ", "5"), (" ", "6")]);
    let toml = "template = \"{a}{op}{b}= \"\noperators = [\"+\"]\noperands = { a = [2], b = [3, 4] }";
    let message = build(toml, &spaced).expect_err("merged").to_string();
    assert!(
        message.contains("\"2+3= \" is 5 tokens: \"2\" \"+\" \"3\" \"=\" \" \" but \"2+3= 5\" is 5 tokens"),
        "{message}"
    );
    assert!(message.contains("completion = \" {answer}\""), "{message}");
}

#[test]
fn keep_without_a_model_is_refused() {
    let toml = "keep = \"correct\"\noperands = { a = \"0..4\", b = \"1..4\" }";
    assert!(matches!(build(toml, &arithmetic(10)), Err(PromptError::NoModel)));
}

#[test]
fn a_model_that_is_never_right_is_told() {
    let tokenizer = arithmetic(10);
    let never = Fake::new(15, |_| 14);
    let spec = spec("keep = \"correct\"\noperators = [\"+\"]\noperands = { a = \"0..3\", b = \"0..3\" }");
    let error = prompt::build(&spec, &tokenizer, None, Some(never.respondent(4))).expect_err("none correct");
    assert_eq!(
        error.to_string(),
        "the model answers none of the 9 legal prompts correctly; write keep = \"all\", or a template or shots that suit the model"
    );
}

#[test]
fn prompts_that_a_model_cannot_run_are_refused() {
    let tokenizer = arithmetic(10);
    let spec = spec("operators = [\"+\"]\noperands = { a = \"0..3\", b = \"0..3\" }");
    let mut short = Fake::new(15, |_| 0);
    short.limit = Some(3);
    let error = prompt::build(&spec, &tokenizer, None, Some(short.respondent(4))).expect_err("too long").to_string();
    assert!(
        error.contains(
            "\"0+0=\" has 4 tokens, and the model has only 3 positions; write shorter prompts, or fewer shots"
        ),
        "{error}"
    );
    let small = Fake::new(12, |_| 0);
    let error =
        prompt::build(&spec, &tokenizer, None, Some(small.respondent(4))).expect_err("other vocabulary").to_string();
    assert!(error.contains("token 14 of prompt \"0+0=\" is outside the model's vocabulary of 12"), "{error}");
}

#[test]
fn a_beginning_token_that_does_not_exist_is_refused() {
    let spec = spec("operands = { a = \"1..3\", b = \"1..2\" }");
    let error = prompt::build(&spec, &arithmetic(10), Some(true), None).expect_err("no such token");
    assert!(matches!(error, PromptError::NoBos), "{error}");
}

#[test]
fn a_template_that_the_tokenizer_would_shorten_is_refused() {
    let template = "operands = { a = [1, 2], b = [3] }\noperators = [\"+\"]\ntemplate = \"{a}{op}{b} is \"\n";
    let error = build(template, &characters(&[])).expect_err("refused").to_string();
    assert!(error.contains("all 2 are dropped, because prompt is not in the vocabulary (2); for example"), "{error}");
    assert!(error.contains("the tokenizer would leave \"i\" and \"s\" out of the text '1+3 is '"), "{error}");
    assert!(error.ends_with("write a template without \"i\", which the model's vocabulary cannot spell"), "{error}");
}
