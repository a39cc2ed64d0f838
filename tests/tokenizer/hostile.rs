use ablate::model::tokenizer::Tokenizer;
use proptest::prelude::*;

use super::fixtures;

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Tokenizer::from_json_bytes(&bytes, "test").is_err());
    }

    /// One byte of a valid file changed: an error or a tokenizer, never a panic.
    #[test]
    fn one_byte_changed(at in any::<prop::sample::Index>(), byte in any::<u8>(), text in "[ -~]{0,12}") {
        let mut bytes = std::fs::read(fixtures().join("llama3/tokenizer.json")).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(tokenizer) = Tokenizer::from_json_bytes(&bytes, "test")
            && let Ok(encoding) = tokenizer.encode(&text)
        {
            prop_assert!(tokenizer.decode(&encoding.ids).is_ok());
        }
    }

    /// Of a byte-level tokenizer, any text is its tokens' text.
    #[test]
    fn any_text_survives(text in any::<String>()) {
        let tokenizer = Tokenizer::from_dir(&fixtures().join("llama3")).unwrap();
        let encoding = tokenizer.encode(&text).unwrap();
        prop_assert_eq!(tokenizer.decode(&encoding.ids).unwrap(), text.clone());
        prop_assert!(encoding.offsets.iter().all(|&(start, end)| text.get(start..end).is_some()));
    }
}
