//! Shares cells out so that parts which run side by side are done soon: list scheduling, the longest way to the end first.

use super::PlanCell;
use std::collections::HashSet;

/// The cells of each of `parts` parts, in an order in which each comes after what it needs of its own part. Every process that is
/// asked comes to the same.
///
/// Cells are taken by how long the way from their beginning to the end of all is, and each goes to the part that would have it done
/// first: what it needs must be done by then, and its models be opened there. Topcuoglu et al. 2002 call it HEFT.
pub fn split(cells: &[PlanCell], parts: usize) -> Vec<Vec<usize>> {
    let ways = ways(cells);
    let mut order: Vec<usize> = (0..cells.len()).collect();
    // Of equal ways the lower number, which comes before what needs it.
    order.sort_by(|&a, &b| ways[b].total_cmp(&ways[a]).then(a.cmp(&b)));
    let mut free = vec![0.0_f64; parts];
    let mut open: Vec<HashSet<usize>> = vec![HashSet::new(); parts];
    let mut done = vec![0.0_f64; cells.len()];
    let mut shares: Vec<Vec<usize>> = vec![Vec::new(); parts];
    for cell in order {
        let cost = &cells[cell].cost;
        let ready = cells[cell].needs.iter().map(|&need| done[need]).fold(0.0, f64::max);
        let end = |part: usize| {
            let opening: f64 =
                cost.opens.iter().filter(|(model, _)| !open[part].contains(model)).map(|(_, seconds)| seconds).sum();
            free[part].max(ready) + opening + cost.seconds
        };
        let Some(part) = (0..parts).min_by(|&a, &b| end(a).total_cmp(&end(b)).then(a.cmp(&b))) else { continue };
        done[cell] = end(part);
        free[part] = done[cell];
        open[part].extend(cost.opens.iter().map(|(model, _)| *model));
        shares[part].push(cell);
    }
    shares.into_iter().map(|share| by_model(cells, share)).collect()
}

/// Seconds from the beginning of each cell to the end of the longest way that leads on from it.
fn ways(cells: &[PlanCell]) -> Vec<f64> {
    let mut after = vec![0.0_f64; cells.len()];
    let mut ways = vec![0.0; cells.len()];
    for (number, cell) in cells.iter().enumerate().rev() {
        ways[number] = after[number] + cell.cost.seconds;
        for &need in &cell.needs {
            after[need] = after[need].max(ways[number]);
        }
    }
    ways
}

/// The cells of a part, those of a model after each other as far as what they need lets them: only one model is open at a time.
fn by_model(cells: &[PlanCell], mut waiting: Vec<usize>) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(waiting.len());
    let mut left: HashSet<usize> = waiting.iter().copied().collect();
    let mut open: Option<usize> = None;
    while !waiting.is_empty() {
        let is_ready = |cell: &usize| cells[*cell].needs.iter().all(|need| !left.contains(need));
        let models = |cell: &usize| cells[*cell].cost.opens.first().map(|(model, _)| *model);
        let same = waiting.iter().position(|cell| is_ready(cell) && (models(cell) == open || models(cell).is_none()));
        // A cell whose needs are all done is always there: numbers of needs are lower.
        let next = same.or_else(|| waiting.iter().position(is_ready)).unwrap_or(0);
        let cell = waiting.remove(next);
        left.remove(&cell);
        open = models(&cell).or(open);
        order.push(cell);
    }
    order
}
