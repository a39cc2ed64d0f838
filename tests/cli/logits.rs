use crate::support::{Ran, Sandbox, says};

fn run(args: &[&str]) -> Ran {
    Sandbox::empty().run(args)
}

#[test]
fn probabilities_of_every_token_sum_to_one() {
    let answers = run(&["logits", "builtin:arith", "12+34=", "--format", "json", "--all", "--top", "3"]).ok().json();
    let answer = &answers[0];
    assert_eq!(answer["tokens"], serde_json::json!([12, 100, 34, 104]));
    let logits: Vec<f64> = answer["logits"].as_array().expect("logits").iter().filter_map(|x| x.as_f64()).collect();
    assert_eq!(logits.len(), 105);
    let total: f64 = logits.iter().map(|x| x.exp()).sum();
    let first = &answer["top"][0];
    assert_eq!(first["token"], "46");
    let expected = logits[46].exp() / total;
    assert!((first["probability"].as_f64().expect("a number") - expected).abs() < 1e-6);
}

#[test]
fn csv_has_a_row_per_token() {
    let text = run(&["logits", "builtin:arith", "12+34=", "7*8=", "--format", "csv", "--top", "2"]).out;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[0], "prompt,rank,id,token,logit,probability");
    assert!(lines[1].starts_with("12+34=,1,46,46,"), "{text}");
    assert!(lines[3].starts_with("7*8=,1,56,56,"), "{text}");
}

#[test]
fn text_without_tokens_is_refused() {
    for prompt in ["", "100+1=", "what"] {
        says(run(&["logits", "builtin:arith", prompt]).refused(), ["prompt"]);
    }
}

#[test]
fn a_prompt_that_the_tokenizer_would_shorten_is_refused() {
    let sandbox = super::words::sandbox("");
    sandbox.run(&["logits", "model", "w a"]).ok();
    says(
        sandbox.run(&["logits", "model", "w~a"]).refused(),
        [
            "prompt 'w~a': the tokenizer would leave \"~\" out of the text 'w~a', because the vocabulary does not have it",
            "write another prompt, or take a model whose vocabulary has it",
        ],
    );
}

#[test]
fn facts_of_the_built_in_model() {
    let card = run(&["model", "builtin:arith", "--json"]).ok().json();
    assert_eq!(card["facts"]["n_layers"], 4);
    assert_eq!(card["largest_single_token_integer"], 99);
    says(run(&["model", "builtin:nothing"]).refused(), ["builtin:arith"]);
}
