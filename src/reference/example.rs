//! Examples of steps and figures: whole specs, for the columns of a step's rows and for tests.

use super::topic::{Topic, TopicKind};
use crate::spec::{self, Loaded, SpecErrors};
use crate::step;
use crate::table::{ColumnInfo, Frames, without_rows};
use toml::{Table, Value};

/// What stands before an example to make a spec of it.
const BEFORE: &str = r#"
title = "Example"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..20", b = "1..20" }
keep     = "correct"
sample   = 8
"#;

/// What a figure's example draws.
const DRAWN: &str = r#"
[[step]]
name       = "accuracy"
kind       = "accuracy"
per_prompt = true
"#;

/// Rows that a step keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRows {
    /// As `from` names them, with the step's own name in it.
    pub name: String,
    /// What stands after the step's name.
    pub part: &'static str,
    /// Their columns.
    pub columns: Vec<ColumnInfo>,
}

/// The whole spec of a topic's example.
pub fn example(topic: &Topic) -> Option<String> {
    let example = topic.about.example.as_ref()?;
    let drawn = if topic.group == TopicKind::Figure { DRAWN } else { "" };
    Some(format!("{BEFORE}{drawn}\n{example}"))
}

/// The rows of a kind of step with every row that it can keep, as its example makes them.
pub fn rows(topic: &Topic) -> Vec<StepRows> {
    example(topic).and_then(|example| frames(topic, &example)).unwrap_or_default()
}

fn frames(topic: &Topic, example: &str) -> Option<Vec<StepRows>> {
    let loaded = with_all_rows(topic, example).ok()?;
    let mut known = Frames::default();
    let mut rows = Vec::new();
    for step in &loaded.spec.steps {
        for kept in step::rows(step, &known) {
            let name = kept.name(step.name());
            known.insert(name.clone(), without_rows(&kept.columns).ok()?);
            if step.kind() == topic.name {
                rows.push(StepRows { name, part: kept.part, columns: kept.columns });
            }
        }
    }
    Some(rows)
}

/// The example with `per_prompt` where the kind has it.
fn with_all_rows(topic: &Topic, example: &str) -> Result<Loaded, SpecErrors> {
    let has = topic.keys.iter().any(|key| key.name == "per_prompt");
    let Some(mut table) = example.parse::<Table>().ok().filter(|_| has) else { return spec::parse("example", example) };
    for step in table.get_mut("step").and_then(Value::as_array_mut).into_iter().flatten() {
        if step.get("kind").and_then(Value::as_str) == Some(&topic.name)
            && let Some(step) = step.as_table_mut()
        {
            step.insert("per_prompt".into(), Value::Boolean(true));
        }
    }
    spec::parse("example", &table.to_string())
}
