use super::spec;
use ablate::model::tokenizer::Tokenizer;
use ablate::prompt;
use std::path::PathBuf;
use std::time::Instant;

/// `TOKENIZER_DIR=folder cargo test --release --test main -- --ignored prompt::real --nocapture`: the paper's prompts (§2.1)
/// in a model's own tokens.
#[test]
#[ignore = "needs a model's tokenizer; prints a measurement"]
fn the_papers_prompts() {
    let folder = PathBuf::from(std::env::var_os("TOKENIZER_DIR").expect("TOKENIZER_DIR"));
    let tokenizer = Tokenizer::from_dir(&folder).unwrap();
    let extra = std::env::var("PROMPTS").unwrap_or_default();
    let spec = spec(&format!("operands = {{ a = \"0..300\", b = \"0..300\" }}\n{extra}"));
    let start = Instant::now();
    let set = prompt::build(&spec, &tokenizer, None, None).unwrap_or_else(|error| panic!("{error}"));
    println!("{}: {} prompts in {:.2?}", tokenizer.description(), set.prompts.len(), start.elapsed());
    println!("{}\n{}", set.to_frame().unwrap().head(Some(3)), set.dropped_to_frame().unwrap());
    println!("{:?}", set.shapes("default"));
}
