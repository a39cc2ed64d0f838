//! Cells as tasks of levels.

use ablate::cluster::levels;
use ablate::shard::{CellCost, PlanCell};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

fn cell(seconds: f64, needs: Vec<usize>) -> PlanCell {
    let cost = CellCost { seconds, ..CellCost::default() };
    PlanCell { spec: 0, variant: 0, step: 0, homes: vec![(0, 0)], needs, cost }
}

prop_compose! {
    fn cells()(of in prop::collection::vec((1.0..400.0_f64, prop::collection::vec(any::<prop::sample::Index>(), 0..2)), 1..40))
        -> Vec<PlanCell> {
        of.into_iter()
            .enumerate()
            .map(|(number, (seconds, needs))| {
                let needs: HashSet<usize> = needs.iter().filter(|_| number > 0).map(|need| need.index(number)).collect();
                cell(seconds, needs.into_iter().collect())
            })
            .collect()
    }
}

proptest! {
    /// Each wanted cell is in one task, and what it needs is of a level before, or before it in its own task.
    #[test]
    fn what_is_needed_comes_before(cells in cells(), wanted in prop::collection::vec(any::<bool>(), 40), least in 0.0..1000.0_f64) {
        let wanted: Vec<usize> = (0..cells.len()).filter(|&cell| wanted[cell]).collect();
        let mut at: HashMap<usize, (usize, usize, usize)> = HashMap::new();
        for (level, tasks) in levels(&cells, &wanted, least).iter().enumerate() {
            for (task, of_task) in tasks.iter().enumerate() {
                prop_assert!(!of_task.is_empty());
                for (place, &cell) in of_task.iter().enumerate() {
                    prop_assert!(at.insert(cell, (level, task, place)).is_none());
                }
            }
        }
        let mut found: Vec<usize> = at.keys().copied().collect();
        found.sort_unstable();
        prop_assert_eq!(&found, &wanted);
        for &cell in &wanted {
            for need in cells[cell].needs.iter().filter(|need| at.contains_key(need)) {
                let ((level, task, place), (of_need, task_of_need, place_of_need)) = (at[&cell], at[need]);
                prop_assert!(of_need < level || (of_need, task_of_need) == (level, task) && place_of_need < place);
            }
        }
    }
}

#[test]
fn small_cells_are_put_together() {
    let cells: Vec<PlanCell> = (0..100).map(|_| cell(30.0, vec![])).collect();
    let wanted: Vec<usize> = (0..100).collect();
    let found = levels(&cells, &wanted, 600.0);
    assert_eq!(found.len(), 1);
    let seconds: Vec<f64> = found[0].iter().map(|task| task.len() as f64 * 30.0).collect();
    assert!(found[0].len() == 5 && seconds.iter().all(|seconds| *seconds == 600.0), "{seconds:?}");
}

/// A short step after a short one is no level of its own; one after a long one is.
#[test]
fn short_chains_stay_in_one_task() {
    let chains: Vec<PlanCell> =
        (0..20).map(|number| cell(10.0, if number % 2 == 1 { vec![number - 1] } else { vec![] })).collect();
    let wanted: Vec<usize> = (0..20).collect();
    assert_eq!(levels(&chains, &wanted, 600.0).len(), 1);
    let long = [cell(5000.0, vec![]), cell(5.0, vec![0])];
    assert_eq!(levels(&long, &[0, 1], 600.0), [[[0]], [[1]]]);
    // What the store has is no reason to wait.
    assert_eq!(levels(&long, &[1], 600.0), [[[1]]]);
}
