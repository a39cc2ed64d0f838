use super::{ablate, stderr};

fn run(args: &[&str]) -> std::process::Output {
    ablate(std::path::Path::new(env!("CARGO_MANIFEST_DIR"))).args(args).output().expect("the binary runs")
}

#[test]
fn probabilities_of_every_token_sum_to_one() {
    let output = run(&["logits", "builtin:arith", "12+34=", "--format", "json", "--all", "--top", "3"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let answers: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
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
    let output = run(&["logits", "builtin:arith", "12+34=", "7*8=", "--format", "csv", "--top", "2"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[0], "prompt,rank,id,token,logit,probability");
    assert!(lines[1].starts_with("12+34=,1,46,46,"), "{text}");
    assert!(lines[3].starts_with("7*8=,1,56,56,"), "{text}");
}

#[test]
fn text_without_tokens_is_refused() {
    for prompt in ["", "100+1=", "what"] {
        let output = run(&["logits", "builtin:arith", prompt]);
        assert_eq!(output.status.code(), Some(2), "{prompt:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("prompt"), "{}", stderr(&output));
    }
}

#[test]
fn facts_of_the_built_in_model() {
    let output = run(&["model", "builtin:arith", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let card: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(card["facts"]["n_layers"], 4);
    assert_eq!(card["largest_single_token_integer"], 99);
    let output = run(&["model", "builtin:nothing"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("builtin:arith"), "{}", stderr(&output));
}
