//! Steps and tables in an order in which each comes after what it reads.

use crate::spec::{Step, Table};

/// The steps, needs first, otherwise in the spec's order.
pub fn steps(steps: &[Step]) -> Vec<&Step> {
    sort(steps, |step, done| step.needs().iter().all(|need| done.iter().any(|step| step.name() == *need)))
}

/// The tables, those that others read first, otherwise in the spec's order.
pub fn tables(tables: &[Table]) -> Vec<&Table> {
    let is_table = |name: &str| tables.iter().any(|table| table.name == name);
    sort(tables, |table, done| {
        let reads = [Some(&table.from), table.join.as_ref().map(|join| &join.with)];
        reads.into_iter().flatten().all(|from| !is_table(from) || done.iter().any(|other| other.name == *from))
    })
}

/// Unknown names and cycles were refused with the spec; what is in a cycle would be left out here.
fn sort<T>(items: &[T], ready: impl Fn(&T, &[&T]) -> bool) -> Vec<&T> {
    let mut done: Vec<&T> = Vec::with_capacity(items.len());
    let mut waiting: Vec<&T> = items.iter().collect();
    while let Some(index) = waiting.iter().position(|item| ready(item, &done)) {
        done.push(waiting.remove(index));
    }
    done
}
