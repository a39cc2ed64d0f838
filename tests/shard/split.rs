//! How cells are shared out, whatever they cost and need.

use ablate::shard::{CellCost, PlanCell, split};
use proptest::prelude::*;
use std::collections::HashSet;

fn cell(seconds: f64, needs: Vec<usize>, opens: Vec<(usize, f64)>) -> PlanCell {
    PlanCell { spec: 0, variant: 0, step: 0, homes: vec![(0, 0)], needs, cost: CellCost { seconds, memory: 0, opens } }
}

prop_compose! {
    /// Cells of which each needs some of those before it.
    fn cells()(of in prop::collection::vec((0.0..100.0_f64, prop::collection::vec(any::<prop::sample::Index>(), 0..3), 0_usize..3), 1..40))
        -> Vec<PlanCell> {
        of.into_iter()
            .enumerate()
            .map(|(number, (seconds, needs, model))| {
                let needs: HashSet<usize> =
                    needs.into_iter().filter(|_| number > 0).map(|need| need.index(number)).collect();
                cell(seconds, needs.into_iter().collect(), vec![(model, 1.0)])
            })
            .collect()
    }
}

proptest! {
    #[test]
    fn every_cell_is_in_one_part_after_what_it_needs_there(cells in cells(), parts in 1_usize..9) {
        let shares = split(&cells, parts);
        prop_assert_eq!(shares.len(), parts);
        let mut seen: Vec<usize> = shares.concat();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..cells.len()).collect::<Vec<_>>());
        for share in &shares {
            for (place, &cell) in share.iter().enumerate() {
                let later = &share[place..];
                prop_assert!(cells[cell].needs.iter().all(|need| !later.contains(need)));
            }
        }
    }

    #[test]
    fn it_is_the_same_for_everyone(cells in cells(), parts in 1_usize..9) {
        prop_assert_eq!(split(&cells, parts), split(&cells.clone(), parts));
    }

    /// Graham's bound for cells that need nothing of each other: no part has more than its share and one cell.
    #[test]
    fn parts_take_about_as_long(costs in prop::collection::vec(0.1..10.0_f64, 1..60), parts in 1_usize..9) {
        let cells: Vec<PlanCell> = costs.iter().map(|&seconds| cell(seconds, vec![], vec![])).collect();
        let longest = costs.iter().copied().fold(0.0, f64::max);
        let share = costs.iter().sum::<f64>() / parts as f64;
        for part in split(&cells, parts) {
            let seconds: f64 = part.iter().map(|&cell| cells[cell].cost.seconds).sum();
            prop_assert!(seconds <= share + longest + 1e-9);
        }
    }
}

/// A model that takes long to open is opened where it is open already.
#[test]
fn what_has_one_model_stays_together() {
    let cells: Vec<PlanCell> = (0..12).map(|number| cell(1.0, vec![], vec![(number % 2, 100.0)])).collect();
    for share in split(&cells, 2) {
        let models: HashSet<usize> = share.iter().map(|&cell| cells[cell].cost.opens[0].0).collect();
        assert_eq!((share.len(), models.len()), (6, 1), "{share:?}");
    }
    // In one part, one model after the other.
    let order: Vec<usize> = split(&cells, 1)[0].iter().map(|&cell| cells[cell].cost.opens[0].0).collect();
    assert_eq!(order, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
}
