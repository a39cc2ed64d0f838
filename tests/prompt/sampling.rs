use super::{Fake, build, calculation, spec};
use ablate::model::tokenizer::arithmetic;
use ablate::prompt::{self, Note, Prompt, PromptGroup, PromptSet};
use proptest::prelude::*;
use std::collections::HashSet;

const OPERANDS: &str = "operands = { a = \"0..30\", b = \"0..30\" }\n";

fn of<'a>(set: &'a PromptSet, operator: &str, seed: u64) -> Vec<&'a Prompt> {
    set.prompts.iter().filter(|p| p.group.label() == operator && p.seed == Some(seed)).collect()
}

fn sum(prompt: &Prompt) -> i64 {
    calculation(prompt).a + calculation(prompt).b
}

fn texts(prompts: &[&Prompt]) -> Vec<String> {
    prompts.iter().map(|p| p.text.clone()).collect()
}

fn answers(prompts: &[&Prompt]) -> HashSet<i64> {
    prompts.iter().map(|p| calculation(p).result).collect()
}

/// A model that answers correctly where `right` says, else one too many.
fn solver(right: impl Fn(u32, u32) -> bool) -> Fake<impl Fn(&[u32]) -> u32> {
    Fake::new(105, move |tokens| {
        let (a, op, b) = (tokens[0], tokens[1], tokens[2]);
        let answer = match op {
            100 => a + b,
            101 => a - b,
            102 => a * b,
            _ => a / b,
        };
        if right(a, b) { answer } else { (answer + 1) % 100 }
    })
}

#[test]
fn a_sample_has_as_many_answers_as_there_can_be() {
    let set = build(&format!("{OPERANDS}sample = 40\nseeds = [42, 412]"), &arithmetic(100)).expect("set");
    assert!(set.spread);
    for seed in [42, 412] {
        // Sums of 0..30: 59 answers. Quotients: 0..=29, 30 answers, so some come twice.
        assert_eq!((of(&set, "+", seed).len(), answers(&of(&set, "+", seed)).len()), (40, 40));
        assert_eq!((of(&set, "/", seed).len(), answers(&of(&set, "/", seed)).len()), (40, 30));
        let distinct: HashSet<u64> = of(&set, "/", seed).iter().map(|p| p.id).collect();
        assert_eq!(distinct.len(), 40, "no prompt twice in one draw");
    }
    assert_ne!(texts(&of(&set, "+", 42)), texts(&of(&set, "+", 412)));
    assert_eq!(of(&set, "+", 42).iter().map(|p| p.number).collect::<Vec<_>>(), (0..40).map(Some).collect::<Vec<_>>());
}

#[test]
fn a_draw_does_not_depend_on_other_operators_or_seeds() {
    let all = build(&format!("{OPERANDS}sample = 25\nseeds = [1, 2]"), &arithmetic(100)).expect("set");
    let alone =
        build(&format!("{OPERANDS}sample = 25\nseeds = [2]\noperators = [\"*\"]"), &arithmetic(100)).expect("set");
    assert_eq!(texts(&of(&all, "*", 2)), texts(&of(&alone, "*", 2)));
}

#[test]
fn draws_are_the_same_on_every_machine() {
    let set = build(&format!("{OPERANDS}sample = 8\noperators = [\"+\", \"/\"]"), &arithmetic(100)).expect("set");
    let drawn = format!("{} {}", texts(&of(&set, "+", 42)).join(" "), texts(&of(&set, "/", 42)).join(" "));
    insta::assert_snapshot!(drawn);
}

#[test]
fn a_skipped_draw_goes_on_where_the_other_ends() {
    let build = |more: &str| build(&format!("{OPERANDS}seeds = [1, 2]\n{more}"), &arithmetic(100)).expect("set");
    let (first, second, both) = (build("sample = 20"), build("sample = 15\nskip = 20"), build("sample = 35"));
    for (operator, seed) in [("+", 1), ("+", 2), ("/", 2)] {
        let joined = [texts(&of(&first, operator, seed)), texts(&of(&second, operator, seed))].concat();
        assert_eq!(joined, texts(&of(&both, operator, seed)));
    }
}

#[test]
fn skipping_more_than_there_is_is_refused() {
    let toml = "operands = { a = \"0..3\", b = \"1..3\" }\noperators = [\"+\"]\nsample = 5\nskip = 6";
    let error = build(toml, &arithmetic(100)).expect_err("6 prompts in all");
    assert_eq!(error.to_string(), "skip = 6 passes over every prompt that can be drawn; write a smaller number");
    let short = build(&toml.replace("skip = 6", "skip = 4"), &arithmetic(100)).expect("set");
    let note = "template 'default', operator '+': 2 prompts, fewer than sample = 5 after the first 4";
    assert_eq!((short.prompts.len(), short.notes[0].to_string()), (2, note.to_string()));
}

#[test]
fn fewer_than_asked_is_noted() {
    let toml = "operands = { a = \"0..3\", b = \"1..3\" }\noperators = [\"+\", \"-\"]\nsample = 5\nseeds = [1, 2]";
    let set = build(toml, &arithmetic(100)).expect("set");
    assert_eq!(of(&set, "+", 1).len(), 5);
    let note = Note::FewerThanAsked {
        template: "default".into(),
        group: PromptGroup::operator("-"),
        asked: 5,
        there: 3,
        skip: 0,
    };
    assert_eq!(set.notes, [note], "once, though both seeds find it");
    assert_eq!(set.notes[0].to_string(), "template 'default', operator '-': 3 prompts, fewer than sample = 5");
}

#[test]
fn an_operator_with_nothing_kept_is_noted() {
    let model = solver(|_, _| true);
    let only_sums = Fake::new(105, |tokens: &[u32]| if tokens[1] == 100 { (model.next)(tokens) } else { 104 });
    let spec = spec(&format!("{OPERANDS}keep = \"correct\"\noperators = [\"+\", \"*\"]\nsample = 5"));
    let set = prompt::build(&spec, &arithmetic(100), None, Some(only_sums.respondent(16))).expect("set");
    assert_eq!(set.prompts.len(), 5);
    let of = PromptGroup::operator("*");
    assert!(
        matches!(&set.notes[..], [Note::NoneKept { group, wanted: "correct", .. }] if *group == of),
        "{:?}",
        set.notes
    );
}

#[test]
fn keep_follows_the_models_own_answers() {
    let model = solver(|a, b| (a + b) % 3 == 0);
    let kept = |keep: &str| {
        let spec = spec(&format!("{OPERANDS}keep = \"{keep}\""));
        prompt::build(&spec, &arithmetic(100), None, Some(model.respondent(64))).expect("set")
    };
    let (correct, incorrect, all) = (kept("correct"), kept("incorrect"), kept("all"));
    assert!(correct.prompts.iter().all(|p| sum(p) % 3 == 0 && p.correct == Some(true)));
    assert!(incorrect.prompts.iter().all(|p| sum(p) % 3 != 0 && p.correct == Some(false)));
    assert_eq!(correct.prompts.len() + incorrect.prompts.len(), all.prompts.len());
    assert!(all.prompts.iter().all(|p| p.correct.is_none()));
}

#[test]
fn a_small_sample_asks_the_model_little() {
    let model = solver(|a, _| a % 2 == 0);
    let spec = spec(&format!("{OPERANDS}keep = \"correct\"\noperators = [\"+\"]\nsample = 10"));
    let set = prompt::build(&spec, &arithmetic(100), None, Some(model.respondent(8))).expect("set");
    assert_eq!(set.prompts.len(), 10);
    assert!(model.rows() < 100, "{} rows of 900", model.rows());
}

/// The rule of the draw, in its plainest form: all prompts judged first.
fn plain_draw(order: &PromptSet, kept: impl Fn(&Prompt) -> bool, sample: usize) -> Vec<String> {
    let mut answers: Vec<i64> = Vec::new();
    for prompt in &order.prompts {
        if !answers.contains(&calculation(prompt).result) {
            answers.push(calculation(prompt).result);
        }
    }
    let mut drawn = Vec::new();
    for round in 0.. {
        let before = drawn.len();
        for &answer in &answers {
            let of_answer = order.prompts.iter().filter(|p| calculation(p).result == answer && kept(p));
            drawn.extend(of_answer.skip(round).take(1).map(|p| p.text.clone()));
        }
        if drawn.len() == before {
            break;
        }
    }
    drawn.truncate(sample);
    drawn
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn asking_only_what_is_needed_draws_the_same(
        seed in any::<u64>(), sample in 1usize..150, batch in 1usize..40, modulus in 1u32..9, spread in any::<bool>(),
    ) {
        let operands = format!("operands = {{ a = \"0..12\", b = \"0..12\" }}\noperators = [\"*\"]\nspread_answers = {spread}\nseeds = [{seed}]\n");
        let tokenizer = arithmetic(100);
        let right = move |a: u32, b: u32| (7 * a + 3 * b).is_multiple_of(modulus);
        let model = solver(right);
        let spec = spec(&format!("{operands}keep = \"correct\"\nsample = {sample}"));
        let set = prompt::build(&spec, &tokenizer, None, Some(model.respondent(batch))).expect("set");
        let drawn: Vec<String> = set.prompts.iter().map(|p| p.text.clone()).collect();

        // The whole legal set in the order of the draw.
        let order = build(&format!("{operands}sample = 144"), &tokenizer).expect("set");
        let kept = |p: &Prompt| right(calculation(p).a as u32, calculation(p).b as u32);
        let expected: Vec<String> = if spread {
            plain_draw(&order, kept, sample)
        } else {
            order.prompts.iter().filter(|p| kept(p)).take(sample).map(|p| p.text.clone()).collect()
        };
        prop_assert_eq!(&drawn, &expected);

        let available: HashSet<i64> = order.prompts.iter().filter(|p| kept(p)).map(|p| calculation(p).result).collect();
        let different: HashSet<i64> = set.prompts.iter().map(|p| calculation(p).result).collect();
        prop_assert!(!spread || different.len() == sample.min(available.len()));
    }
}

#[test]
fn nothing_depends_on_the_number_of_threads() {
    let toml = format!("{OPERANDS}sample = 30\nseeds = [5, 6]");
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| build(&toml, &arithmetic(100)).expect("set").prompts)
    };
    assert_eq!(with(1), with(4));
}
