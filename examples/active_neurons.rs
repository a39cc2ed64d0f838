//! Which neurons of a layer are most active at the last position of a few prompts?
//!
//!     cargo run --release --example active_neurons [MODEL]

use ablate::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = std::env::args().nth(1).unwrap_or_else(|| "builtin:arith".to_string());
    let model = Model::load(&source)?;
    let prompts = ["12+34=", "71+15=", "60-21="];
    let rows: Vec<Vec<u32>> = prompts.iter().map(|prompt| model.tokens(prompt)).collect::<Result<_, _>>()?;
    let tokens = Tokens::from_rows(&rows).ok_or("prompts of different lengths")?;

    let hook = Hook::Block(model.facts().n_layers - 1, Site::MlpPost);
    let activations = activations_at(model.transformer(), &tokens, &[hook])?;
    for (row, prompt) in prompts.iter().enumerate() {
        let values = activations[&hook].position(row, tokens.pos - 1).ok_or("no such position")?;
        let mut neurons: Vec<usize> = (0..values.len()).collect();
        neurons.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        let largest: Vec<String> = neurons.iter().take(5).map(|&n| format!("{n} ({:.2})", values[n])).collect();
        println!("{prompt} {hook}: {}", largest.join(", "));
    }
    Ok(())
}
