use super::{build, characters};
use ablate::model::tokenizer::arithmetic;
use ablate::prompt::{self, From, Prompt, PromptError};
use proptest::prelude::*;
use std::collections::HashMap;

fn sampled(seed: u64) -> Vec<Prompt> {
    let toml = format!("operands = {{ a = \"0..30\", b = \"0..30\" }}\nsample = 20\nseeds = [{seed}]");
    build(&toml, &arithmetic(100)).expect("set").prompts
}

/// A counterfactual of every prompt, or why the first that has none has none.
fn pairs(clean: &[Prompt], pool: &[Prompt], from: From, seed: u64) -> Result<Vec<usize>, PromptError> {
    prompt::pairs(clean, pool, from, seed).into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_counterfactual_has_another_answer_at_the_same_places(seed in any::<u64>(), same in any::<bool>()) {
        let prompts = sampled(seed);
        let from = if same { From::SameGroup } else { From::AnyGroup };
        let drawn = pairs(&prompts, &prompts, from, seed).expect("pairs");
        prop_assert_eq!(drawn.len(), prompts.len());
        for (clean, &index) in prompts.iter().zip(&drawn) {
            let other = &prompts[index];
            prop_assert_ne!(&clean.answer().value, &other.answer().value);
            prop_assert_ne!(clean.answer_token(), other.answer_token());
            prop_assert_eq!((clean.template, clean.tokens.len()), (other.template, other.tokens.len()));
            prop_assert_eq!(&clean.slots, &other.slots);
            prop_assert!(!same || clean.group == other.group);
        }
        prop_assert_eq!(&drawn, &pairs(&prompts, &prompts, from, seed).expect("pairs"));
    }
}

#[test]
fn every_fitting_prompt_is_as_likely() {
    let prompts = sampled(1);
    let clean = &prompts[..1];
    let fitting = prompts.iter().filter(|p| p.answer().value != clean[0].answer().value).count();
    let mut counts: HashMap<usize, usize> = HashMap::new();
    let draws = 100 * fitting;
    for seed in 0..draws as u64 {
        *counts.entry(pairs(clean, &prompts, From::AnyGroup, seed).expect("pair")[0]).or_default() += 1;
    }
    // 100 expected of each, standard deviation 10.
    assert_eq!(counts.len(), fitting);
    assert!(counts.values().all(|count| (55..=145).contains(count)), "{counts:?}");
}

#[test]
fn a_pair_does_not_depend_on_the_other_clean_prompts() {
    let prompts = sampled(3);
    let all = pairs(&prompts, &prompts, From::AnyGroup, 9).expect("pairs");
    let some = pairs(&prompts[5..9], &prompts, From::AnyGroup, 9).expect("pairs");
    assert_eq!(some, all[5..9]);
}

#[test]
fn all_operators_are_drawn_from() {
    let prompts = sampled(4);
    let drawn = pairs(&prompts, &prompts, From::AnyGroup, 2).expect("pairs");
    let symbols: std::collections::BTreeSet<&str> = drawn.iter().map(|&index| prompts[index].group.label()).collect();
    assert_eq!(symbols.into_iter().collect::<Vec<_>>(), ["*", "+", "-", "/"]);
}

#[test]
fn one_answer_alone_has_no_counterfactual() {
    let set = build("operators = [\"*\"]\noperands = { a = [0], b = \"0..5\" }", &arithmetic(10)).expect("set");
    let error = pairs(&set.prompts, &set.prompts, From::SameGroup, 1).expect_err("one answer").to_string();
    assert_eq!(
        error,
        "no counterfactual for \"0*0=\": 5 prompts of operator '*' have its template and positions, and each of them is the prompt \
         itself or has an answer that begins with the same token; write more operands, more operators, or a larger sample"
    );
}

#[test]
fn answers_that_begin_alike_are_no_pair() {
    // 10..13: every answer begins with the token "1".
    let toml = "operators = [\"+\"]\nanswer = \"multi-token\"\noperands = { a = [10], b = \"0..4\" }";
    let set = build(toml, &characters(&[])).expect("set");
    assert!(pairs(&set.prompts, &set.prompts, From::AnyGroup, 1).is_err());
}

/// The same question twice in a file of rows, with two right answers, is one prompt: nothing is patched between the two.
#[test]
fn the_prompt_itself_with_another_answer_is_no_counterfactual() {
    let prompts = sampled(5);
    let mut twin = prompts[0].clone();
    let other = prompts.iter().find(|other| !other.same_answer(&twin)).expect("another answer");
    twin.answers = other.answers.clone();
    let pool = [prompts[0].clone(), twin];
    assert!(pairs(&prompts[..1], &pool, From::AnyGroup, 1).is_err());
}
