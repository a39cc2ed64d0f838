use ablate::prompt::{Calculation, Slot, Template};
use ablate::spec::Operator;
use proptest::prelude::*;

const PROBLEM: Calculation = Calculation { operator: Operator::Addition, a: 12, b: 3, result: 15 };

fn rendered(template: &str) -> (String, Vec<(Slot, std::ops::Range<usize>)>) {
    let mut text = String::from("¶");
    let template = Template::parse(template, &Slot::OF_PROMPTS).unwrap_or_else(|error| panic!("{error}"));
    let spans = template.render(PROBLEM, &mut text);
    (text, spans)
}

fn refused(template: &str) -> String {
    Template::parse(template, &Slot::OF_PROMPTS).expect_err("a fault").to_string()
}

#[test]
fn slots_are_filled_and_found_in_bytes() {
    let (text, spans) = rendered("{a} {op} {b} =");
    assert_eq!(text, "¶12 + 3 =");
    assert_eq!(spans, [(Slot::A, 2..4), (Slot::Op, 5..6), (Slot::B, 7..8)]);
}

#[test]
fn doubled_braces_are_braces() {
    assert_eq!(rendered("{{{a}}} {{x}}{b}").0, "¶{12} {x}3");
}

#[test]
fn faults_name_the_character_and_the_fix() {
    assert_eq!(refused("é{c}"), "'é{c}', character 2: no slot {c}; write {a}, {op}, {b}, or '{{' for a brace");
    assert_eq!(refused("{a"), "'{a', character 1: '{' is not closed; write '{{' for a brace");
    assert_eq!(refused("{a}}"), "'{a}}', character 4: '}' has no '{' before it; write '}}' for a brace");
    assert_eq!(refused("{a}{a}"), "'{a}{a}', character 4: slot {a} occurs twice; write it once");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[{}abop é]{0,12}") {
        let _ = Template::parse(&text, &Slot::OF_PROMPTS);
    }

    #[test]
    fn escaped_text_renders_as_itself(text in "[^¶]{0,20}") {
        let escaped = text.replace('{', "{{").replace('}', "}}");
        prop_assert_eq!(rendered(&escaped).0, format!("¶{text}"));
    }
}
