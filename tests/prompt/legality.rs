use super::{build, calculation, characters, only_shape, spec};
use ablate::model::tokenizer::{Tokenizer, arithmetic};
use ablate::prompt::{self, FieldValue, PromptSet, Reason, Slot, SlotSpan};
use proptest::prelude::*;

/// Counts of the dropped prompts of an operator.
fn dropped(set: &PromptSet, operator: &str) -> Vec<(Reason, usize)> {
    set.dropped.iter().filter(|d| d.group.label() == operator).map(|d| (d.reason, d.count)).collect()
}

#[test]
fn the_papers_prompts_on_its_kind_of_tokenizer() {
    let set = build("operands = { a = \"0..30\", b = \"0..30\" }", &arithmetic(100)).expect("legal");
    let count = |symbol: &str| set.prompts.iter().filter(|p| p.group.label() == symbol).count();
    // a ≥ b: 30 · 31 / 2; a · b ≤ 99 counted by hand below; b from 1.
    let products = (0..30).flat_map(|a| (0..30).map(move |b| a * b)).filter(|&r| r < 100).count();
    assert_eq!([count("+"), count("-"), count("*"), count("/")], [900, 465, products, 870]);
    assert_eq!(dropped(&set, "+"), []);
    assert_eq!(dropped(&set, "-"), [(Reason::Negative, 435)]);
    assert_eq!(dropped(&set, "*"), [(Reason::UnknownAnswer, 900 - products)]);
    assert_eq!(dropped(&set, "/"), [(Reason::DivisionByZero, 30)]);

    let prompt = set.prompts.iter().find(|p| p.text == "17/5=").expect("17/5");
    let asked = calculation(prompt);
    assert_eq!((asked.operator.symbol(), asked.a, asked.b, asked.result), ("/", 17, 5, 3));
    assert_eq!((prompt.group.label(), &prompt.answer().value), ("/", &FieldValue::Integer(3)));
    assert_eq!((prompt.tokens.as_slice(), prompt.answer_tokens()), (&[17, 103, 5, 104][..], &[3][..]));
    assert_eq!(prompt.id, 3 * 900 + 17 * 30 + 5);
}

#[test]
fn a_range_of_answers_decides_over_negative_ones() {
    let toml =
        "operators = [\"-\"]\nanswer = \"multi-token\"\nanswers = \"-2..2\"\noperands = { a = \"0..5\", b = \"0..5\" }";
    let set = build(toml, &characters(&[])).expect("legal");
    assert!(set.prompts.iter().all(|p| (-2..2).contains(&calculation(p).result)));
    assert_eq!(set.prompts.len(), 3 + 4 + 5 + 4);
    assert_eq!(dropped(&set, "-"), [(Reason::OutsideAnswers, 25 - 16)]);
}

#[test]
fn positions_have_names() {
    let digits = characters(&[]);
    let toml = "operands = { a = \"1..4\", b = \"1..4\" }\noperators = [\"+\"]";
    let names = |bos| {
        let set = prompt::build(&spec(toml), &digits, bos, None).expect("legal");
        let positions = only_shape(&set, "default");
        (positions.length, positions.names.into_iter().collect::<Vec<_>>())
    };
    let named = |pairs: &[(&str, usize)]| pairs.iter().map(|(name, at)| (name.to_string(), *at)).collect::<Vec<_>>();
    assert_eq!(names(None), (4, named(&[("a", 0), ("op", 1), ("b", 2), ("=", 3), ("last", 3)])));
    assert_eq!(names(Some(true)), (5, named(&[("bos", 0), ("a", 1), ("op", 2), ("b", 3), ("=", 4), ("last", 4)])));
}

#[test]
fn the_tokenizer_says_whether_a_text_begins_with_a_token() {
    let built = |folder: &str, bos| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers").join(folder);
        let tokenizer = Tokenizer::from_dir(&path).expect("tokenizer");
        let spec = spec("operands = { a = \"1..6\", b = \"1..6\" }\nanswer = \"multi-token\"");
        let set = prompt::build(&spec, &tokenizer, bos, None).expect("legal");
        let begins = set.bos.map(|id| tokenizer.token(id).unwrap_or_default());
        (begins, only_shape(&set, "default").names.get("b").copied())
    };
    let begin = |token: &str| Some(token.to_string());
    assert_eq!(built("llama3", None), (begin("<|begin_of_text|>"), Some(3)));
    assert_eq!(built("llama3", Some(false)), (None, Some(2)));
    assert_eq!(built("neox", None), (None, Some(2)));
    assert_eq!(built("neox", Some(true)), (begin("<|endoftext|>"), Some(3)));
}

#[test]
fn positions_after_shots_and_with_spaces_in_tokens() {
    let spaced = characters(&[(" ", "+"), (" ", "=")]);
    let toml = "template = \"{a} {op} {b} = \"\noperators = [\"+\"]\noperands = { a = \"1..4\", b = \"1..4\" }\n\
                shots = [{ a = 1, op = \"+\", b = 1 }, { a = 2, op = \"*\", b = 3 }]";
    let set = build(toml, &spaced).expect("legal");
    assert_eq!(set.prompts[0].text, "1 + 1 = 2\n2 * 3 = 6\n1 + 1 = ");
    // 1, " +", " ", 1, " =", " ", 2, \n (8), 2, " ", *, " ", 3, " =", " ", 6, \n (9).
    let positions = only_shape(&set, "default");
    let at = |name: &str| positions.names.get(name).copied();
    assert_eq!([at("a"), at("op"), at("b"), at("="), at("last")], [Some(17), Some(18), Some(20), Some(21), Some(22)]);
    assert_eq!(at("\n"), None);
}

#[test]
fn a_slot_of_several_tokens_has_no_position() {
    let toml = "operators = [\"+\"]\nanswer = \"multi-token\"\noperands = { a = \"8..12\", b = \"1..3\" }";
    let set = build(toml, &characters(&[])).expect("legal");
    assert_eq!(set.prompts.len(), 8);
    let shapes = set.shapes("default").expect("shapes");
    let of = |number: usize| (shapes[number].positions.length, shapes[number].positions.slots["a"].clone());
    let why = Some("in \"10+1=\", \"10\" is 2 tokens: \"1\" \"0\"".to_string());
    let span = |count| SlotSpan { first: 0, count, own: true, several: why.clone() };
    assert_eq!((of(0), of(1)), ((4, span(1)), (5, span(2))), "8+1= and 10+1=");
    assert!(shapes.iter().all(|shape| !shape.positions.names.contains_key("a")));
    assert_eq!([shapes[0].positions.names["b"], shapes[1].positions.names["b"]], [2, 3]);
    assert_eq!(
        [shapes[0].positions.names["="], shapes[1].positions.names["="]],
        [3, 4],
        "counted from the slot before"
    );
    assert_eq!(
        set.by_length().into_iter().map(|(length, rows)| (length, rows.len())).collect::<Vec<_>>(),
        [(4, 4), (5, 4)]
    );
    assert!(set.shapes("other").is_err());
}

#[test]
fn a_slot_that_shares_its_token_is_not_legal() {
    let tokenizer = characters(&[("3", "=")]);
    let set = build("operators = [\"+\"]\noperands = { a = \"1..4\", b = \"1..4\" }", &tokenizer).expect("legal");
    assert_eq!(dropped(&set, "+"), [(Reason::Shared(Slot::B), 3)]);
    assert_eq!(set.dropped[0].example, "in \"1+3=\", \"3\" is in the token \"3=\"");
    assert!(set.prompts.iter().all(|p| calculation(p).b != 3));
}

#[test]
fn answers_are_tokens_in_context() {
    // "=5" is one token: the prompt's last token would change, in four sums. "12" is one: of the 15 sums from 10 on, three.
    let tokenizer = characters(&[("=", "5"), ("1", "2")]);
    let set = build("operators = [\"+\"]\noperands = { a = \"1..8\", b = \"1..8\" }", &tokenizer).expect("legal");
    assert_eq!(dropped(&set, "+"), [(Reason::Merges, 4), (Reason::AnswerLong, 15 - 3)]);
}

#[test]
fn several_templates_have_their_own_prompts() {
    let toml = "operands = { a = \"1..3\", b = \"1..3\" }\noperators = [\"+\"]\n[template]\nplain = \"{a}{op}{b}=\"\nasked = \"Q: {a}{op}{b}\\nA:\"";
    let set = build(toml, &characters(&[])).expect("legal");
    assert_eq!(set.prompts.iter().map(|p| p.text.as_str()).collect::<Vec<_>>()[3..5], ["2+2=", "Q: 1+1\nA:"]);
    assert_eq!(set.prompts.iter().map(|p| p.id).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    let asked = only_shape(&set, "asked");
    assert_eq!(asked.names.get("a"), Some(&3));
    assert_eq!(asked.names.get("A"), Some(&7));
    assert_eq!(asked.names.get(":"), None, "two tokens have this text");
}

#[test]
fn the_tables_hold_the_rows() {
    let set = build("operands = { a = \"0..5\", b = \"0..5\" }", &arithmetic(10)).expect("legal");
    let frame = set.to_frame().expect("frame");
    assert_eq!(frame.height(), set.prompts.len());
    let names: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "template",
            "operator",
            "seed",
            "number",
            "id",
            "a",
            "b",
            "answer",
            "text",
            "tokens",
            "answer_tokens",
            "correct"
        ]
    );
    assert_eq!(frame.column("tokens").unwrap().str().unwrap().get(7), Some("1 10 2 14"));
    assert_eq!(set.dropped_to_frame().expect("frame").height(), set.dropped.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_legal_prompt_decodes_to_its_text(
        low in 0i64..40, width in 1i64..12, multi in any::<bool>(), bos in any::<bool>(), shot in any::<bool>(),
    ) {
        let tokenizer = characters(&[("1", "2"), ("12", "3"), ("4", "="), (" ", "7"), ("+", "1")]);
        let answer = if multi { "multi-token" } else { "single-token" };
        let shots = if shot { "shots = [{ a = 12, op = \"*\", b = 3 }]" } else { "" };
        let toml = format!(
            "operators = [\"+\", \"-\"]\nanswer = \"{answer}\"\n{shots}\noperands = {{ a = \"{low}..{}\", b = \"0..{width}\" }}",
            low + width
        );
        let Ok(set) = prompt::build(&spec(&toml), &tokenizer, Some(bos), None) else { return Ok(()) };
        for prompt in &set.prompts {
            let tokens = &prompt.tokens[usize::from(bos)..];
            prop_assert_eq!(prompt.tokens.first() == Some(&0), bos);
            prop_assert_eq!(&tokenizer.decode(tokens).unwrap(), &prompt.text);
            let asked = calculation(prompt);
            prop_assert_eq!(tokenizer.decode(prompt.answer_tokens()).unwrap(), asked.result.to_string());
            let whole = tokenizer.encode(&format!("{}{}", prompt.text, asked.result)).unwrap();
            prop_assert_eq!(whole.ids, [tokens, prompt.answer_tokens()].concat());
            let slots = [(Slot::A, asked.a.to_string()), (Slot::Op, asked.operator.symbol().into()), (Slot::B, asked.b.to_string())];
            for (slot, text) in slots {
                let held = prompt.slot(slot).unwrap();
                let decoded = tokenizer.decode(&prompt.tokens[held.first..held.first + held.count]).unwrap();
                prop_assert!(decoded.contains(&text));
                prop_assert_eq!(held.own, decoded.trim() == text);
                prop_assert!(multi || held.own && held.count == 1);
            }
        }
        let total = set.prompts.len() + set.dropped.iter().map(|d| d.count).sum::<usize>();
        prop_assert_eq!(total as i64, 2 * width * width);
    }
}
