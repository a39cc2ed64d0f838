//! Step `smallest`: the smallest k that reaches a share of the best, in the rows of another step.

use super::inference::ControlColumns;
use super::{Outcome, RowsInfo};
use crate::Error;
use crate::context::Context;
use crate::counted::{agreeing, counted};
use crate::measure::enough;
use crate::spec::step::Smallest;
use crate::spec::{Loaded, SpecErrors};
use crate::step::kind::Kind;
use crate::table::{ColumnInfo, ColumnSet, Frames, Holds, TableProblem, column, holds, meeting, read, rows};
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;

/// Columns that tell groups apart where the spec names none.
const GROUPS: [&str; 5] = ["model", "checkpoint", "step", "template", "operator"];

rows! {
    /// Columns that are added.
    ReachedColumns((value, best, share): (Option<f64>, Option<f64>, f64)) {
        value: Option<f64> = *value, "What y reaches at the smallest x.";
        best: Option<f64> = *best, "The best value.";
        share: f64 = *share, "The share of the best that is asked for.";
    }
}

impl Kind for Smallest {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        check(self, context.loaded, context.frames)?;
        let refuse = |(key, problem): KeyFault| context.loaded.refuse(&["step", &self.name, key], problem, None);
        let all = context.frames.get(&self.from).map_err(|problem| refuse(("from", problem)))?;
        let mut rows = all.clone();
        for (name, condition) in &self.filter {
            rows = meeting(&rows, name, condition).map_err(|problem| refuse(("where", problem.to_string())))?;
        }
        if rows.height() == 0 && all.height() > 0 {
            return Err(refuse(("where", format!("no row of '{}' meets all of these conditions", self.from))).into());
        }
        let rows = of_one_measure(self, rows)?.map_err(refuse)?;
        let (frame, hopeless) = reduce(self, &rows)?.map_err(refuse)?;
        let mut outcome = Outcome { frames: vec![(self.name.clone(), frame)], ..Outcome::default() };
        for name in [&self.x, &self.y] {
            let undefined = read::numbers(&rows, name)?.into_iter().flatten().filter(|value| value.is_nan()).count();
            if undefined > 0 {
                outcome.notes.push(format!(
                    "'{name}' is NaN in {} of '{}', which {} left out",
                    counted(undefined, "row"),
                    self.from,
                    agreeing(undefined, "is", "are")
                ));
            }
        }
        if hopeless > 0 {
            outcome.notes.push(format!(
                "{} {} no smallest {}, because {} best {} is not above 0 or not a number",
                counted(hopeless, "group"),
                agreeing(hopeless, "has", "have"),
                self.x,
                agreeing(hopeless, "its", "their"),
                self.y
            ));
        }
        Ok(outcome)
    }

    fn rows(&self, frames: &Frames) -> Vec<RowsInfo> {
        let Ok(rows) = frames.get(&self.from) else { return Vec::new() };
        // Where a column is missing, or would be there twice, the check says so.
        let missing = [&self.x, &self.y].into_iter().chain(&self.group_by).any(|name| rows.column(name).is_err());
        if missing || repeated_column(self, rows).is_some() {
            return Vec::new();
        }
        let kept = groups(self, rows).into_iter().chain([self.x.as_str()]).filter_map(|name| rows.column(name).ok());
        let kept = kept.flat_map(|column| ColumnInfo::of(column.name(), column.dtype().clone(), ""));
        let mut all = RowsInfo::alone::<ReachedColumns>("");
        all.columns.splice(0..0, kept);
        if controls(self, rows) {
            all.columns.extend(ControlColumns::declared("", ""));
        }
        vec![all]
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        check(self, loaded, frames)
    }

    fn passes_on(&self) -> Option<&str> {
        Some(&self.from)
    }
}

/// A key of the step and what is wrong with it.
type KeyFault = (&'static str, String);

/// Checks what the step reads of the rows of another; `frames` are those of all steps, empty.
///
/// # Errors
/// Columns that are not there, or do not hold what is needed, at their place in the spec.
fn check(step: &Smallest, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
    let refuse = |key: &[&str], problem: String| loaded.refuse(&[&["step", &step.name], key].concat(), problem, None);
    let rows = frames.get(&step.from).map_err(|problem| refuse(&["from"], problem))?;
    for (name, condition) in &step.filter {
        meeting(&rows.clear(), name, condition).map_err(|problem| refuse(&["where", name], problem.to_string()))?;
    }
    for (key, name) in [("x", &step.x), ("y", &step.y)] {
        let numbers = |found: &Column| match found.dtype().is_primitive_numeric() {
            true => Ok(()),
            false => Err(TableProblem::WrongType {
                column: name.clone(),
                found: holds(found.dtype()),
                wanted: "write a column of numbers".into(),
            }),
        };
        column(rows, name)
            .and_then(numbers)
            .map_err(|problem| refuse(&[key], format!("{key} of rows '{}': {problem}", step.from)))?;
    }
    for (index, name) in step.group_by.iter().enumerate() {
        let path = ["group_by", &index.to_string()];
        column(rows, name).map_err(|problem| refuse(&path, problem.to_string()))?;
        if *name == step.x || *name == step.y {
            return Err(refuse(&path, format!("'{name}' is x or y and cannot tell groups apart; leave it out")));
        }
    }
    if step.x == step.y {
        return Err(refuse(&["x"], format!("x and y are both '{}'; write two different columns", step.x)));
    }
    if let Some(twice) = repeated_column(step, rows) {
        let key = if twice == step.x { "x" } else { "group_by" };
        return Err(refuse(
            &[key],
            format!("the rows would have two columns '{twice}'; leave it out, or write another column"),
        ));
    }
    if let (Some(measure), Err(_)) = (&step.measure, rows.column("measure")) {
        let problem = format!("rows of '{}' have no column 'measure'; leave out measure = \"{measure}\"", step.from);
        return Err(refuse(&["measure"], problem));
    }
    Ok(())
}

/// The columns that tell groups apart: those of the spec, or the usual ones; and `measure`, where the rows have it.
fn groups<'s>(step: &'s Smallest, rows: &DataFrame) -> Vec<&'s str> {
    let has = |name: &str| rows.column(name).is_ok();
    let mut names: Vec<&str> = match step.group_by.is_empty() {
        true => GROUPS.into_iter().filter(|name| has(name) && *name != step.x && *name != step.y).collect(),
        false => step.group_by.iter().map(String::as_str).collect(),
    };
    if has("measure") && !names.contains(&"measure") {
        names.push("measure");
    }
    names
}

/// Whether the rows have controls of what is reached, which then stand beside it.
fn controls(step: &Smallest, rows: &DataFrame) -> bool {
    let told = groups(step, rows);
    let added = |name: &str| rows.column(name).is_ok() && !told.contains(&name) && step.x != name;
    step.y == "mean" && ControlColumns::declared("", "").iter().all(|column| added(&column.name))
}

/// A column that the rows of the step would have twice.
fn repeated_column<'s>(step: &'s Smallest, rows: &DataFrame) -> Option<&'s str> {
    let mut seen = IndexSet::new();
    let made = ["value", "best", "share"];
    groups(step, rows).into_iter().chain([step.x.as_str()]).chain(made).find(|name| !seen.insert(*name))
}

/// The rows of the measure that is named, or of the one there is.
fn of_one_measure(step: &Smallest, rows: DataFrame) -> PolarsResult<Result<DataFrame, KeyFault>> {
    let Ok(measures) = rows.column("measure") else { return Ok(Ok(rows)) };
    let measures = measures.str()?;
    let there: IndexSet<&str> = measures.iter().flatten().collect();
    let names = there.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    match &step.measure {
        Some(wanted) if !there.contains(wanted.as_str()) => {
            let problem = format!("'{}' has no rows of measure '{wanted}'; write one of {names}", step.from);
            Ok(Err(("measure", problem)))
        }
        Some(wanted) => Ok(Ok(rows.filter(&measures.equal(wanted.as_str()))?)),
        None if there.len() > 1 => {
            let first = there.first().copied().unwrap_or_default();
            let problem = format!("'{}' has rows of several measures, {names}; write measure = \"{first}\"", step.from);
            Ok(Err(("measure", problem)))
        }
        None => Ok(Ok(rows)),
    }
}

/// One row per group: its columns, x, `value`, `best`, `share`; and in how many groups nothing is enough.
fn reduce(step: &Smallest, rows: &DataFrame) -> PolarsResult<Result<(DataFrame, usize), KeyFault>> {
    let names = groups(step, rows);
    let numbers = |name| Ok(read::numbers(rows, name)?.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect());
    let (x, y): (PolarsResult<Vec<f64>>, PolarsResult<Vec<f64>>) = (numbers(&step.x), numbers(&step.y));
    let (x, y) = (x?, y?);
    let (mut first, mut found, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for (key, members) in members(rows, &names)? {
        let points: Vec<(f64, f64)> = members.iter().map(|&row| (x[row], y[row])).collect();
        if let Some(twice) = repeated(&points) {
            let group =
                names.iter().zip(&key).map(|(name, value)| format!("{name} = {}", value.as_deref().unwrap_or("null")));
            let group = group.collect::<Vec<_>>().join(", ");
            let problem = format!(
                "'{}' has several rows with {} = {twice} where {group}; write conditions under 'where', or add the columns that tell them \
                 apart to group_by",
                step.from, step.x
            );
            return Ok(Err(("from", problem)));
        }
        let enough = enough(&points, step.share);
        let smallest = enough.and_then(|enough| enough.smallest).map(|index| members[index]);
        first.extend(members.first().map(|&row| row as u32));
        found.push(smallest.map(|row| row as u32));
        made.push((smallest.map(|row| y[row]), enough.map(|enough| points[enough.best].1), step.share));
    }
    let hopeless = found.iter().filter(|row| row.is_none()).count();
    let keys = rows.select(names)?.take(&UInt32Chunked::from_vec("".into(), first))?;
    let found = UInt32Chunked::from_iter(found);
    let smallest = rows.column(&step.x)?.take(&found)?;
    let mut reached = keys.hstack(&[smallest])?.hstack(&ReachedColumns::columns("", made.into_iter()))?;
    if controls(step, rows) {
        let at_smallest = |column: ColumnInfo| rows.column(&column.name)?.take(&found);
        let columns: PolarsResult<Vec<Column>> =
            ControlColumns::declared("", "").into_iter().map(at_smallest).collect();
        reached = reached.hstack(&columns?)?;
    }
    Ok(Ok((reached, hopeless)))
}

/// The rows of each combination of values, in the order in which they are first seen.
fn members(rows: &DataFrame, names: &[&str]) -> PolarsResult<IndexMap<Vec<Option<String>>, Vec<usize>>> {
    let columns = names.iter().map(|name| rows.column(name)?.cast(&DataType::String));
    let columns: Vec<Column> = columns.collect::<PolarsResult<_>>()?;
    let texts: Vec<&StringChunked> = columns.iter().map(Column::str).collect::<PolarsResult<_>>()?;
    let mut groups: IndexMap<Vec<Option<String>>, Vec<usize>> = IndexMap::new();
    for row in 0..rows.height() {
        let key = texts.iter().map(|column| column.get(row).map(str::to_string)).collect();
        groups.entry(key).or_default().push(row);
    }
    Ok(groups)
}

/// An x that several points have.
fn repeated(points: &[(f64, f64)]) -> Option<f64> {
    let mut all: Vec<f64> = points.iter().map(|(x, _)| *x).filter(|x| x.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    all.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}
