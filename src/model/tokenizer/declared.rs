//! The parts of a `tokenizer.json` that are read here: the tokenizers crate does not check or tell them.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(super) struct Declared {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    post_processor: Option<Value>,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
}

impl Declared {
    /// The first added token that `tokenizer` does not give the declared id: token, declared id, given id.
    pub fn misplaced(&self, tokenizer: &tokenizers::Tokenizer) -> Option<(&str, u32, Option<u32>)> {
        let tokens = self.added_tokens.iter().filter(|token| !token.content.is_empty());
        let mut ids = tokens.map(|token| (&*token.content, token.id, tokenizer.token_to_id(&token.content)));
        ids.find(|(_, id, given)| *given != Some(*id))
    }

    /// The token that the post-processor puts before a text.
    pub fn token_put_first(&self) -> Option<u32> {
        token_put_first(self.post_processor.as_ref()?)
    }
}

fn token_put_first(processor: &Value) -> Option<u32> {
    let id = match processor.get("type")?.as_str()? {
        "TemplateProcessing" => {
            let name = processor.get("single")?.get(0)?.get("SpecialToken")?.get("id")?.as_str()?;
            processor.get("special_tokens")?.get(name)?.get("ids")?.get(0)?
        }
        "BertProcessing" | "RobertaProcessing" => processor.get("cls")?.get(1)?,
        "Sequence" => return processor.get("processors")?.as_array()?.iter().find_map(token_put_first),
        _ => return None,
    };
    u32::try_from(id.as_u64()?).ok()
}
