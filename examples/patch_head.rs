//! Which heads carry the answer? Each head's output is replaced by that on another prompt, and the answer's logit is compared.
//!
//!     cargo run --release --example patch_head

use ablate::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = Model::load("builtin:arith")?;
    let tokens = |prompt: &str| -> Result<Tokens, Box<dyn std::error::Error>> {
        Ok(Tokens::from_rows(&[model.tokens(prompt)?]).ok_or("a prompt without tokens")?)
    };
    let (clean, other) = (tokens("12+34=")?, tokens("71+15=")?);
    let answer = model.tokenizer().encode("46")?.ids[0] as usize;

    let facts = model.facts();
    let heads: Vec<(usize, usize)> =
        (0..facts.n_layers).flat_map(|layer| (0..facts.n_heads).map(move |head| (layer, head))).collect();
    let patch = |&(layer, head): &(usize, usize)| {
        vec![Edit::patch(Hook::Block(layer, Site::Z), Positions::All, Units::Of(vec![head]))]
    };
    // First without any edit, then each head by itself.
    let interventions: Vec<Vec<Edit>> = std::iter::once(Vec::new()).chain(heads.iter().map(patch)).collect();
    let logits = logits_with(model.transformer(), &clean, &other, &interventions)?;
    let logits: Vec<f32> = logits.into_data().try_to_vec()?;

    let of_answer = |row: usize| logits[row * facts.n_vocab + answer];
    println!("logit of 46 after 12+34=: {:.3}", of_answer(0));
    for (number, (layer, head)) in heads.iter().enumerate() {
        println!("L{layer}H{head} from 71+15=: {:+.3}", of_answer(number + 1) - of_answer(0));
    }
    Ok(())
}
