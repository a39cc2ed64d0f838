//! Step `generate`: texts of the built-in model, as it is and under edits, and their rows.

use super::spec::{Ran, ran, refused};
use crate::support::{Sandbox, numbers, says, texts};

/// A step of these keys.
fn step(keys: &str) -> String {
    format!("[[step]]\nname = \"written\"\nkind = \"generate\"\n{keys}\n")
}

/// The mean of a measure under an intervention, of each operator.
fn means(ran: &Ran, intervention: &str, measure: &str) -> Vec<f64> {
    let columns = ["intervention", "measure"].map(|column| ran.texts("written", column));
    let wanted =
        |row: &usize| columns[0][*row].as_deref() == Some(intervention) && columns[1][*row].as_deref() == Some(measure);
    let means = ran.numbers("written", "mean");
    (0..means.len()).filter(wanted).map(|row| means[row].unwrap()).collect()
}

#[test]
fn texts_and_their_measures() {
    let ran = ran(&step(
        "max_new_tokens = 1\nmeasures = [\"exact-answer\", \"changed\", \"log-probability\", \"clean-log-probability\", \"tokens\"]\n\
         contains = [\"1\"]\nmatches = \"^[0-9]+$\"\nper_prompt = true\ninterventions = [\n\
         { name = \"nothing\", edits = [{ site = \"1.resid_post\", value = 0, strength = 0.0 }] },\n\
         { name = \"new\", edits = [{ site = \"1.resid_post\", value = 0, tokens = \"new\" }] },\n\
         { name = \"empty\", edits = [{ site = \"3.resid_post\", value = 0, tokens = \"prompt\" }] },\n]",
    ));
    // The model answers all of these.
    assert_eq!(means(&ran, "clean", "exact-answer"), [1.0, 1.0]);
    assert_eq!(means(&ran, "nothing", "exact-answer"), [1.0, 1.0]);
    assert_eq!(means(&ran, "nothing", "changed"), [0.0, 0.0]);
    // The first new token is read off the prompt.
    assert_eq!(means(&ran, "new", "changed"), [0.0, 0.0]);
    assert!(means(&ran, "empty", "exact-answer").iter().all(|share| *share < 0.2));
    assert_eq!(means(&ran, "empty", "tokens"), [1.0, 1.0]);
    assert_eq!(means(&ran, "clean", "matches"), [1.0, 1.0]);
    let of_clean = means(&ran, "clean", "log-probability");
    assert_eq!(means(&ran, "clean", "clean-log-probability"), of_clean);
    assert!(of_clean.iter().all(|mean| *mean < 0.0 && *mean > -0.5), "{of_clean:?}");
    assert!(means(&ran, "empty", "clean-log-probability").iter().all(|mean| *mean < -1.0));
    let baselines = ran.numbers("written", "baseline");
    assert!(baselines.iter().all(Option::is_some));

    let (written, answers) = (ran.texts("written.texts", "written"), ran.numbers("written.texts", "answer"));
    let arms = ran.texts("written.texts", "intervention");
    assert_eq!(
        arms.iter().take(4).map(|arm| arm.as_deref().unwrap()).collect::<Vec<_>>(),
        ["clean", "nothing", "new", "empty"]
    );
    let clean = (0..arms.len()).filter(|&row| arms[row].as_deref() == Some("clean"));
    let ones = clean.map(|row| {
        assert_eq!(written[row].as_deref(), Some(answers[row].unwrap().to_string().as_str()), "row {row}");
        f64::from(u8::from(written[row].as_deref().unwrap().contains('1')))
    });
    let ones: Vec<f64> = ones.collect();
    let by_hand = ones.iter().sum::<f64>() / ones.len() as f64;
    let contains = means(&ran, "clean", "contains");
    assert!((contains.iter().sum::<f64>() / 2.0 - by_hand).abs() < 1e-9, "as many prompts of each operator");
    assert!(ran.texts("written.texts", "end").iter().all(|end| end.as_deref() == Some("length")));
    says(ran.report(), ["## Texts of written", "| prompt | clean | nothing | new | empty |"]);
}

/// The other prompt's stream at the last position is its answer.
#[test]
fn values_of_the_other_prompt() {
    let ran = ran(&step(
        "max_new_tokens = 1\ninterventions = [{ name = \"patched\", edits = [{ site = \"3.resid_post\", positions = [\"last\"], \
         tokens = \"prompt\" }] }]",
    ));
    let (written, arms) = (ran.texts("written.texts", "written"), ran.texts("written.texts", "intervention"));
    let patched: Vec<&str> = (0..arms.len())
        .filter(|&row| arms[row].as_deref() == Some("patched"))
        .map(|row| written[row].as_deref().unwrap())
        .collect();
    let others: Vec<String> =
        ran.numbers("written.pairs", "other_answer").iter().map(|answer| answer.unwrap().to_string()).collect();
    assert_eq!(patched, others);
}

#[test]
fn draws_have_numbers_and_seeds() {
    let written = |batch: usize, seed: usize| {
        let text = step(&format!("max_new_tokens = 3\ntemperature = 3.0\ntop_p = 0.99\nsamples = 3\nseed = {seed}"));
        let ran = ran(&format!("[run]\nbatch = {batch}\n{text}"));
        let draws = ran.numbers("written.texts", "draw");
        assert_eq!(draws[..4], [Some(0.0), Some(1.0), Some(2.0), Some(0.0)]);
        ran.texts("written.texts", "written")
    };
    let one = written(64, 1);
    assert_eq!(one, written(2, 1), "whatever is run beside it");
    assert_ne!(one, written(64, 2));
    assert!(one.chunks(3).any(|draws| draws[0] != draws[1]), "draws of a prompt differ");
}

#[test]
fn a_text_ends_where_it_is_asked_to() {
    let ran = ran(&step("max_new_tokens = 4\nstop = [\"3\"]\nmeasures = [\"tokens\"]"));
    let (written, ends) = (ran.texts("written.texts", "written"), ran.texts("written.texts", "end"));
    let stopped = ends.iter().filter(|end| end.as_deref() == Some("stop")).count();
    assert!(stopped > 0 && stopped < ends.len(), "{stopped} of {}", ends.len());
    assert!(written.iter().all(|text| !text.as_deref().unwrap().contains('3')), "the text that ends one is not in it");
}

#[test]
fn what_cannot_be_is_refused() {
    let edited = |edit: &str| step(&format!("interventions = [{{ name = \"one\", edits = [{edit}] }}]"));
    says(refused(&edited("{ site = \"1.resid_post\" }")), ["cannot be written into new tokens", "tokens = \"prompt\""]);
    says(refused(&edited("{ site = \"1.resid_post\", value = \"mean\", tokens = \"new\" }")), ["pooled"]);
    // Means of a pattern are of the keys that the prompt has.
    for (site, tokens) in [("pattern", "new"), ("attn_scores", "all")] {
        let edit = format!("{{ site = \"1.{site}\", value = \"mean\", tokens = \"{tokens}\" }}");
        let pooled = format!("{}\nmean = {{ positions = \"pooled\" }}", edited(&edit));
        says(refused(&pooled), ["a new token also attends to new ones", "tokens = \"prompt\""]);
    }
    says(
        refused(&edited("{ site = \"1.resid_post\", value = 0, tokens = \"new\", positions = [\"last\"] }")),
        ["positions"],
    );
    says(refused(&edited("{ site = \"1.resid_post\", value = 0, tokens = \"none\" }")), ["none"]);
    says(refused(&step("matches = \"(\"")), ["not a regular expression"]);
    says(refused(&step("top_k = 3")), ["top_k", "temperature"]);
    let clean = "interventions = [{ name = \"clean\", edits = [{ site = \"1.resid_post\", value = 0 }] }]";
    says(refused(&step(clean)), ["'clean' is already the name of texts without edits"]);
    let measured = "[[step]]\nname = \"x\"\nkind = \"intervention\"\ninterventions = [{ name = \"one\", edits = [\
                    { site = \"1.resid_post\", value = 0, tokens = \"new\" }] }]";
    says(refused(measured), ["tokens", "generate"]);
}

/// Means that are pooled, at the prompt and at new tokens.
#[test]
fn new_tokens_get_pooled_means() {
    let ran = ran(&step(
        "max_new_tokens = 3\nmeasures = [\"changed\"]\nmean = { positions = \"pooled\" }\ninterventions = [\n\
         { name = \"mean\", edits = [{ site = \"2.mlp_out\", value = \"mean\" }] },\n]",
    ));
    assert!(means(&ran, "mean", "changed").iter().any(|share| *share > 0.0));
}

/// A step of so many tokens on a random model, which has more positions than the built-in one: that reads no token that it has written.
fn longer(name: &str, most: usize) -> String {
    format!(
        r#"
[[step]]
name = "{name}"
kind = "generate"
max_new_tokens = {most}
mean = {{ positions = "pooled" }}
interventions = [
  {{ name = "mean", edits = [{{ site = "1.mlp_out", value = "mean", tokens = "new" }}] }},
  {{ name = "blind", edits = [{{ cut = ["L*H*"], to = ["before"], tokens = "new" }}] }},
  {{ name = "no_a", edits = [{{ cut = ["L*H*"], to = ["a"], tokens = "new" }}] }},
]
"#
    )
}

/// What is edited where new tokens are read changes what comes after them, and not the first of them, which is read off the prompt.
#[test]
fn edits_of_new_tokens_begin_after_the_first() {
    let head = "title = \"new tokens\"\n[model]\nsource = \"random:config.json#1\"\n[prompts]\noperands = { a = \"2..6\", b = \"2..6\" }\n\
                operators = [\"+\"]\nkeep = \"all\"\n";
    let sandbox = Sandbox::with(&format!("{head}{}{}", longer("first", 1), longer("written", 4)));
    sandbox.write(
        "config.json",
        r#"{"model_type": "mistral", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 1, "vocab_size": 1005, "max_position_embeddings": 16}"#,
    );
    sandbox.ran();
    // The texts of an intervention, each with the mean of its tokens' log-probabilities.
    let of = |step: &str, intervention: &str| -> Vec<(String, f64)> {
        let rows = sandbox.rows(&format!("{step}.texts"));
        let arms = texts(&rows, "intervention");
        let written = texts(&rows, "written").into_iter().zip(numbers(&rows, "log_probability"));
        written.zip(arms).filter(|(_, arm)| arm == intervention).map(|(text, _)| text).collect()
    };
    let (first, clean) = (of("first", "clean"), of("written", "clean"));
    assert_eq!((first.len(), clean.len()), (16, 16));
    let differ = |one: &[(String, f64)], other: &[(String, f64)]| {
        one.iter().zip(other).any(|(one, other)| one.0 != other.0 || (one.1 - other.1).abs() > 1e-6)
    };
    let edited: Vec<_> = ["mean", "blind", "no_a"].iter().map(|name| (*name, of("written", name))).collect();
    for (number, (name, texts)) in edited.iter().enumerate() {
        assert!(!differ(&of("first", name), &first), "{name}: the first token");
        assert!(differ(texts, &clean), "{name}: what comes after it");
        assert!(edited[..number].iter().all(|(_, others)| differ(texts, others)), "{name}: as under another edit");
    }
    // That a token reads itself alone is more than rounding: other tokens are written.
    assert!(edited[1].1.iter().zip(&clean).any(|(blind, clean)| blind.0 != clean.0));
}

#[test]
fn a_plan_and_the_store_know_it() {
    let spec = format!(
        "title = \"t\"\n[model]\nsource = \"builtin:arith\"\n[prompts]\noperands = {{ a = \"2..6\", b = \"2..6\" }}\noperators = [\"+\"]\n{}",
        step("max_new_tokens = 2\ninterventions = [{ name = \"one\", edits = [{ site = \"1.mlp_out\", value = 0 }] }]")
    );
    let sandbox = Sandbox::stored(&spec);
    sandbox.run(&["plan", "spec.toml"]).ok();
    sandbox.ran();
    let first = sandbox.rows("written.texts");
    let again = sandbox.run_into("again", &[]).ok();
    assert_eq!(again.recalled(), ["written"]);
    assert_eq!(sandbox.rows("written.texts"), first);
}
