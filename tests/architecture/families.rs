//! Nothing but the families themselves asks which family a model is of: facts, and the table of GGUF's architectures, say all.

use super::sources::collect;
use ablate::model::{family, gguf};
use std::path::Path;

/// Whether the code of a line compares something with one of these names, or matches on it.
fn compares(line: &str, names: &[&str]) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    names.iter().map(|name| format!("\"{name}\"")).any(|name| {
        code.match_indices(&name).any(|(at, _)| {
            let (before, after) = (&code[..at], &code[at + name.len()..]);
            let compared = ["==", "!="].iter().any(|sign| code.contains(sign)) || before.contains("matches!");
            let matched =
                after.contains("=>") || before.trim_end().ends_with('|') || after.trim_start().starts_with('|');
            compared || matched || after.contains(".contains(")
        })
    })
}

#[test]
fn no_file_asks_for_a_family_by_name() {
    let names: Vec<&str> = family::supported().chain(gguf::architectures()).collect();
    for asks in [
        r#"if facts.family == "phi3" {"#,
        r#"let base = if "olmo3" != family { 1.0 } else { 2.0 };"#,
        r#"if matches!(family, "gemma3_text" | "olmo3") {"#,
        r#"    "gpt_neox" => "rotary_pct","#,
        r#"    ("phi3", Some(_), None) => true,"#,
        r#"    | "gptneox""#,
        r#"if ["qwen3", "gemma2"].contains(&family) {"#,
    ] {
        assert!(compares(asks, &names), "{asks}");
    }
    for other in [r#"Architecture { name: "qwen2", family: "qwen2", ..USUAL },"#, r#"kind == "mamba" // as "llama""#] {
        assert!(!compares(other, &names), "{other}");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.retain(|file| !file.starts_with(root.join("model/family")));
    let asks = |text: &str| text.lines().any(|line| compares(line, &names));
    let asking = files.iter().filter(|file| asks(&std::fs::read_to_string(file).unwrap()));
    let asking: Vec<String> = asking.map(|file| file.strip_prefix(&root).unwrap().display().to_string()).collect();
    // The card of a model that ablate made itself.
    assert_eq!(asking, ["cli/new.rs"]);
}
