use std::path::PathBuf;
use std::time::Instant;

use ablate::model::tokenizer::Tokenizer;

/// `TOKENIZER_DIR=folder cargo test --release --test main -- --ignored tokenizer::speed --nocapture`: time for all
/// prompts of two operands below 300 and four operators.
#[test]
#[ignore = "needs a model's tokenizer; prints a measurement"]
fn all_prompts_of_the_paper() {
    let folder = PathBuf::from(std::env::var_os("TOKENIZER_DIR").expect("TOKENIZER_DIR"));
    let tokenizer = Tokenizer::from_dir(&folder).unwrap();
    let texts: Vec<String> = (0..300)
        .flat_map(|a| (0..300).flat_map(move |b| ["+", "-", "*", "/"].map(|op| format!("{a}{op}{b}="))))
        .collect();
    let start = Instant::now();
    let encodings = tokenizer.encode_batch(&texts).unwrap();
    println!("{} prompts of {}: {:.2?}", encodings.len(), tokenizer.description(), start.elapsed());
    assert_eq!(encodings.len(), 360_000);
}
