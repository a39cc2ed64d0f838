use ablate::model::tokenizer::{Tokenizer, TokenizerError, arithmetic};

#[test]
fn integers_are_their_own_ids_and_symbols_follow() {
    let tokenizer = arithmetic(100);
    assert_eq!(tokenizer.n_tokens(), 105);
    assert_eq!(tokenizer.encode("7+35=").unwrap().ids, [7, 100, 35, 104]);
    assert_eq!(tokenizer.encode("99-0*8/4=").unwrap().ids, [99, 101, 0, 102, 8, 103, 4, 104]);
    assert_eq!(tokenizer.encode("99-10=").unwrap().offsets, [(0, 2), (2, 3), (3, 5), (5, 6)]);
    assert_eq!(tokenizer.encode("").unwrap().ids, [0u32; 0]);
    assert_eq!(tokenizer.decode(&[99, 101, 10, 104]).unwrap(), "99-10=");
    assert_eq!(tokenizer.largest_single_token_integer(), Some(99));
    assert_eq!((tokenizer.bos(), tokenizer.adds_bos()), (None, false));
    assert_eq!(tokenizer.description(), "words, 105 tokens");
}

#[test]
fn what_is_not_in_the_vocabulary_is_refused_by_name() {
    let tokenizer = arithmetic(100);
    for (text, unknown) in [("100", "100"), ("3+100=", "100"), ("3 + 4", " "), ("007", "007"), ("3^4", "^"), ("é", "é")]
    {
        match tokenizer.encode(text) {
            Err(TokenizerError::UnknownText { piece, text: named, .. }) => {
                assert_eq!((&*piece, &*named), (unknown, text))
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let error = tokenizer.encode_batch(&["1+1=", "1+100="]).unwrap_err();
    assert_eq!(error.to_string(), "'100' in the text '1+100=' is not in the vocabulary (words, 105 tokens)");
    assert!(matches!(tokenizer.decode(&[105]), Err(TokenizerError::UnknownId { id: 105, .. })));
}

#[test]
fn survives_its_json() {
    let tokenizer = arithmetic(30);
    let read = Tokenizer::from_json_bytes(tokenizer.to_json().unwrap().as_bytes(), "test").unwrap();
    assert_eq!(read.encode("29/3=").unwrap(), tokenizer.encode("29/3=").unwrap());
    assert!(read.encode("30").is_err());
    assert_eq!((read.n_tokens(), read.bos()), (35, None));
}

#[test]
fn no_numbers_at_all() {
    let tokenizer = arithmetic(0);
    assert_eq!((tokenizer.n_tokens(), tokenizer.largest_single_token_integer()), (5, None));
}
