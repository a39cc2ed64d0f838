//! Values that a `where` asks for and no row can have. A figure or table without rows is a result, a misspelt value is not: where
//! the program knows which texts a column can have, others are refused before any work; any other value that no row has is
//! refused once all results are written.

use crate::spec::expression::Literal;
use crate::spec::{Condition, Loaded, Spec, SpecErrors, advise};
use crate::step;
use crate::table::{self, Frames};

/// A condition of a table, figure or expectation.
struct RowsCondition<'l> {
    list: &'static str,
    name: &'l str,
    from: &'l str,
    column: &'l str,
    condition: &'l Condition,
}

/// Refuses texts that the program never writes. `frames` are those there can be, without rows.
pub(crate) fn misspelt(loaded: &Loaded, frames: &Frames) -> Vec<SpecErrors> {
    let mut errors = Vec::new();
    for filter in filters(&loaded.spec, &["table", "figure", "expect"]) {
        let Some(words) = words(&loaded.spec, frames, filter.from, filter.column) else { continue };
        for text in table::texts(filter.condition).into_iter().filter(|text| !words.contains(&text.as_str())) {
            let advice = advise(&text, &words, '"', "write one of");
            errors.push(filter.refuse(loaded, format!("'{}' is never '{text}'", filter.column), Some(advice)));
        }
    }
    errors
}

/// A value that no row has.
pub(crate) struct MissingValue {
    /// What the report says of it, where no figure does.
    pub note: Option<String>,
    /// What is refused.
    pub error: SpecErrors,
}

/// Values of tables' and figures' conditions that no row of theirs has, though it might have another; not texts that the program
/// knows: these may be missing.
pub(crate) fn missing(loaded: &Loaded, frames: &Frames) -> Vec<MissingValue> {
    let mut all = Vec::new();
    for filter in filters(&loaded.spec, &["table", "figure"]) {
        let Ok(rows) = frames.get(filter.from) else { continue };
        let Ok(Some((wanted, there))) = table::never(rows, filter.column, filter.condition) else { continue };
        let known = words(&loaded.spec, frames, filter.from, filter.column).unwrap_or_default();
        let is_known = |value: &Literal| matches!(value, Literal::Text(text) if known.contains(&text.as_str()));
        if !wanted.iter().all(is_known) {
            let problem = format!("'{}' is never {} here; its values are {there}", filter.column, filter.condition);
            let note = (filter.list == "table").then(|| format!("table {}: {problem}", filter.name));
            all.push(MissingValue { note, error: filter.refuse(loaded, problem, None) });
        }
    }
    all
}

impl RowsCondition<'_> {
    fn refuse(&self, loaded: &Loaded, problem: String, advice: Option<String>) -> SpecErrors {
        loaded.refuse(&[self.list, self.name, "where", self.column], problem, advice)
    }
}

fn filters<'l>(spec: &'l Spec, lists: &'l [&str]) -> impl Iterator<Item = RowsCondition<'l>> {
    let tables = spec.tables.iter().map(|table| ("table", &table.name, &table.from, &table.filter));
    let figures = spec.figures.iter().map(|figure| ("figure", &figure.name, &figure.from, &figure.filter));
    let expected =
        spec.expectations.iter().map(|expected| ("expect", &expected.name, &expected.from, &expected.filter));
    let all = tables.chain(figures).chain(expected).filter(|(list, ..)| lists.contains(list));
    all.flat_map(|(list, name, from, filter)| {
        filter.iter().map(move |(column, condition)| RowsCondition { list, name, from, column, condition })
    })
}

/// Every text that a column can have, by the step that its rows come from in the end: tables pass columns on.
fn words(spec: &Spec, frames: &Frames, from: &str, column: &str) -> Option<Vec<&'static str>> {
    let is_text = |from: &str| {
        let rows = frames.get(from).ok()?;
        rows.column(column).ok().filter(|values| values.dtype().is_string())
    };
    is_text(from)?;
    if let Some(table) = spec.tables.iter().find(|table| table.name == from) {
        let with = table.join.as_ref().map(|join| join.with.as_str());
        let source = std::iter::once(table.from.as_str()).chain(with).find(|source| is_text(source).is_some())?;
        return words(spec, frames, source, column);
    }
    let name = from.split('.').next().unwrap_or(from);
    let step = spec.steps.iter().find(|step| step.name() == name)?;
    if let Some(from) = step::passes_on(step) {
        return words(spec, frames, from, column);
    }
    let prompts = match step.common().prompts() {
        None => spec.prompts.as_ref(),
        Some(set) => spec.prompt_sets.get(set),
    };
    // Prompts that are given one by one have the groups that they say.
    if column == "operator" && prompts.is_some_and(|prompts| prompts.pairs.is_some()) {
        return None;
    }
    step::words(step, column)
}
