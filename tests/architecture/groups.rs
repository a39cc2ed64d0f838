//! Steps, tables and figures tell prompts apart by group: which groups are operators is their source's to know.

use super::sources::{Module, Sources};

#[test]
fn who_only_groups_prompts_knows_no_operator() {
    let operator: Module = ["spec", "operator"].map(String::from).to_vec();
    let sources = Sources::read();
    let takes = sources.takes();
    let knows = |room: &str| -> Vec<String> {
        let of_room = takes.iter().filter(|(module, _)| module.first().is_some_and(|own| own == room));
        of_room.filter(|(_, takes)| takes.contains(&operator)).map(|(module, _)| module.join("/")).collect()
    };
    for room in ["step", "measure", "intervene", "figure", "report", "compare"] {
        assert!(knows(room).is_empty(), "{:?}", knows(room));
    }
    assert_eq!(knows("table"), ["table/palette"], "what is shown in a way of its own");
    assert!(knows("prompt").contains(&"prompt/source".to_string()), "{:?}", knows("prompt"));
}
