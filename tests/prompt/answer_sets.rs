//! Several right answers and several wrong ones: written out, and words of a slot that compare with others of the prompt.

use super::spec;
use super::words::letters;
use ablate::prompt::{self, Accepted, Prompt, PromptSet, Reason, ResolvedPrompts};
use ablate::spec::Word;
use indexmap::IndexMap;

/// Which digits come after a digit, and which do not.
const ABOVE: &str = r#"
template = "w {c}{y} a {c}"
completion = "{end}"
right = { slot = "end", above = "y" }
wrong = { slot = "end", upto = "y" }
slots = { c = [1, 2], y = [3, 7, 9], end = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }
"#;

fn built(toml: &str) -> PromptSet {
    prompt::build(&spec(toml), &letters(), None, None).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(toml: &str) -> String {
    prompt::build(&spec(toml), &letters(), None, None).expect_err("refused").to_string()
}

fn values<'p>(answers: impl Iterator<Item = &'p Accepted>) -> String {
    answers.map(|answer| answer.value.to_string()).collect::<Vec<_>>().join(" ")
}

fn right(prompt: &Prompt) -> String {
    values(prompt.answers.iter())
}

fn wrong(prompt: &Prompt) -> String {
    values(prompt.wrong.iter())
}

#[test]
fn words_of_a_slot_are_answers_by_how_they_compare() {
    let set = built(ABOVE);
    // The answers' slot is combined with nothing; of 9 no digit is above.
    assert_eq!(
        set.prompts.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(),
        ["w 13 a 1", "w 17 a 1", "w 23 a 2", "w 27 a 2"]
    );
    assert_eq!((right(&set.prompts[0]).as_str(), wrong(&set.prompts[0]).as_str()), ("4 5 6 7 8 9", "0 1 2 3"));
    assert_eq!((right(&set.prompts[1]).as_str(), wrong(&set.prompts[1]).as_str()), ("8 9", "0 1 2 3 4 5 6 7"));
    let dropped: Vec<(Reason, usize)> = set.dropped.iter().map(|one| (one.reason, one.count)).collect();
    assert_eq!(dropped, [(Reason::NoRight, 2)]);
    let tokenizer = letters();
    for answer in set.prompts.iter().flat_map(|one| one.answers.iter().chain(&one.wrong)) {
        assert_eq!(tokenizer.decode(&answer.tokens).expect("text"), answer.value.to_string());
    }
    // What is right is not wrong, whatever the list says.
    let all = built(&ABOVE.replace("upto = \"y\"", "from = 0"));
    assert_eq!(all.prompts.iter().map(wrong).collect::<Vec<_>>(), set.prompts.iter().map(wrong).collect::<Vec<_>>());
    let between = built(&ABOVE.replace("above = \"y\"", "above = \"y\", below = 9"));
    assert_eq!(right(&between.prompts[0]), "4 5 6 7 8");
}

/// Computed of the answers' slot is computed of the right answer: whatever stands first in its list, and in prompts that are changed.
#[test]
fn a_word_may_be_computed_of_the_right_answer() {
    let toml = ABOVE.replace("wrong = { slot = \"end\", upto = \"y\" }\n", "contrast = \"{prior}\"\n");
    let toml = format!("{toml}computed.prior = {{ of = \"end\", plus = -1, cycle = false }}\n");
    let said = |set: &PromptSet| -> Vec<[String; 3]> {
        set.prompts.iter().map(|one| [one.text.clone(), right(one), wrong(one)]).collect()
    };
    let dropped = |set: &PromptSet| set.dropped.iter().map(|one| (one.reason, one.count)).collect::<Vec<_>>();
    let set = built(&toml);
    assert_eq!(
        said(&set),
        [
            ["w 13 a 1", "4 5 6 7 8 9", "3"],
            ["w 17 a 1", "8 9", "7"],
            ["w 23 a 2", "4 5 6 7 8 9", "3"],
            ["w 27 a 2", "8 9", "7"]
        ]
    );
    assert_eq!(dropped(&set), [(Reason::NoRight, 2)], "of 0, the first of the list, there is no prior");
    let far = built(&toml.replace("plus = -1", "plus = -5"));
    assert_eq!(said(&far), [["w 17 a 1", "8 9", "3"], ["w 27 a 2", "8 9", "3"]]);
    assert_eq!(dropped(&far), [(Reason::NoRight, 2), (Reason::BeyondList, 2)]);
    let apart = built(&format!("{}different = [\"prior\", \"c\"]\n", toml.replace("plus = -1", "plus = -2")));
    let texts: Vec<&str> = apart.prompts.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(texts, ["w 13 a 1", "w 17 a 1", "w 27 a 2"], "prior is 2 of 3, and 6 of 7");

    let resolved = ResolvedPrompts::new(&spec(&toml)).expect("right");
    let write = IndexMap::from([("y".to_string(), Word("7".into()))]);
    let change = prompt::written(&resolved, &write).expect("right").expect("a change");
    let made = prompt::changed(&resolved, &letters(), None, &change, &[&set.prompts[0]], 0).expect("prompts");
    let made = made.into_iter().next().expect("one").expect("a pair");
    assert_eq!([made.text.as_str(), &right(&made), &wrong(&made)], ["w 17 a 1", "8 9", "7"]);
    // Neither can be changed by itself, however that is asked for.
    for (slot, what) in
        [("end", "the right answer, which follows from other slots"), ("prior", "computed from other slots")]
    {
        let problem = format!("'{slot}' cannot be changed by itself: it is {what}");
        let said = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let write = IndexMap::from([(slot.to_string(), Word("7".into()))]);
        let faults = [
            prompt::change(&resolved, &said(&["y", slot]), &[]),
            prompt::change(&resolved, &[], &said(&[slot])),
            prompt::written(&resolved, &write),
        ];
        for fault in faults {
            assert_eq!(fault.expect_err("refused").problem, problem);
        }
    }
}

#[test]
fn answers_are_written_out() {
    let set = built(
        "template = \"w {io} a {s}?\"\ncompletion = \" {io}\"\nright = [\"{io}\"]\nwrong = [\" {s}\", \"{s}\"]\n\
         different = [\"io\", \"s\"]\nslots = { io = [\"A\", \"B\"], s = [\"A\", \"B\"] }",
    );
    assert_eq!(set.prompts.len(), 2);
    let first = &set.prompts[0];
    // " A" and "A" are one text in two ways of writing it: each has tokens of its own.
    assert_eq!((right(first).as_str(), wrong(first).as_str()), ("A A", "B B"));
    let set = built(
        "template = \"w {x}?\"\ncompletion = \" {x}\"\nright = [\" {y}\"]\nwrong = [\" {z}\", \" C\"]\n\
         rows = [{ x = \"A\", y = \"B\", z = \"D\" }]",
    );
    assert_eq!((right(&set.prompts[0]).as_str(), wrong(&set.prompts[0]).as_str()), ("A B", "D C"));
    // Every other word of the slot is wrong.
    let set = built(
        "template = \"w {x}?\"\ncompletion = \" {y}\"\nwrong = { slot = \"y\" }\n\
         rows = [{ x = \"a\", y = \"A\" }, { x = \"b\", y = \"B\" }, { x = \"c\", y = \"C\" }]",
    );
    assert_eq!(set.prompts.iter().map(wrong).collect::<Vec<_>>(), ["B C", "A C", "A B"]);
}

#[test]
fn what_cannot_be_told_apart_is_dropped_and_counted() {
    let text = refused(
        "template = \"w {x}?\"\ncompletion = \" {x}\"\nright = [\" {y}\"]\nwrong = [\" {z}\"]\n\
         rows = [{ x = \"A\", y = \"B\", z = \"B\" }]",
    );
    assert!(text.contains("contrast and answer begin with the same token: \"B\""), "{text}");
    let text = refused(&ABOVE.replace("upto = \"y\"", "above = 20"));
    assert!(text.contains("no word is a wrong answer"), "{text}");
    let text = refused(&ABOVE.replace("y = [3, 7, 9]", "y = [9]"));
    assert!(text.contains("all 2 are dropped, because no word is a right answer (2)"), "{text}");
}

#[test]
fn rules_that_mean_nothing_are_refused_where_they_stand() {
    let says = |toml: &str, part: &str| {
        let text = refused(toml);
        assert!(text.contains(part), "{text}\n does not say {part}");
    };
    says(&ABOVE.replace("slot = \"end\", above", "slot = \"ens\", above"), "no slot 'ens'; write \"end\"");
    says(&ABOVE.replace("above = \"y\"", "above = \"z\""), "'z' is neither a slot nor a whole number");
    says(
        &ABOVE.replace("c = [1, 2]", "c = [1, \"A\"]").replace("above = \"y\"", "above = \"c\""),
        "only whole numbers can be compared",
    );
    says(&ABOVE.replace("a {c}\"", "a {end}\""), "slot 'end' gives the right answers, and template 'default'");
    says(
        &ABOVE.replace("completion = \"{end}\"", "completion = \"{y}\""),
        "slot 'end' gives the answers and is not in the completion",
    );
    says(&format!("{ABOVE}contrast = \"{{y}}\"\n"), "'contrast' and 'wrong' exclude each other");
}
