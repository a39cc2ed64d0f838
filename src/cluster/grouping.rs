//! Cells as tasks of arrays: levels that come one after the other, in each tasks that take long enough to be worth a job.

use crate::shard::{CellCost, PlanCell, split};
use std::collections::{BTreeMap, HashSet};

/// The tasks of each level. Cells of `wanted` alone are in them; a task takes at least `least` seconds, unless its level has no more than
/// that. Cells that hang together and take less than that all together stay in one task, so that a short step after a long one is no
/// level of its own.
pub fn levels(cells: &[PlanCell], wanted: &[usize], least: f64) -> Vec<Vec<Vec<usize>>> {
    let wanted: HashSet<usize> = wanted.iter().copied().collect();
    let mut units: BTreeMap<usize, Vec<Vec<usize>>> = BTreeMap::new();
    for component in components(cells, &wanted) {
        let seconds: f64 = component.iter().map(|&cell| cells[cell].cost.seconds).sum();
        if seconds < least {
            units.entry(0).or_default().push(component);
            continue;
        }
        let mut level: BTreeMap<usize, usize> = BTreeMap::new();
        for cell in component {
            let below = cells[cell].needs.iter().filter_map(|need| level.get(need)).max();
            let own = below.map_or(0, |below| below + 1);
            level.insert(cell, own);
            units.entry(own).or_default().push(vec![cell]);
        }
    }
    units.into_values().map(|units| tasks(cells, units, least)).collect()
}

/// The wanted cells that hang together by what they need, each in order.
fn components(cells: &[PlanCell], wanted: &HashSet<usize>) -> Vec<Vec<usize>> {
    let mut of: Vec<usize> = (0..cells.len()).collect();
    fn root(of: &mut [usize], mut cell: usize) -> usize {
        while of[cell] != cell {
            of[cell] = of[of[cell]];
            cell = of[cell];
        }
        cell
    }
    for (number, cell) in cells.iter().enumerate().filter(|(number, _)| wanted.contains(number)) {
        for &need in cell.needs.iter().filter(|need| wanted.contains(need)) {
            let (a, b) = (root(&mut of, number), root(&mut of, need));
            of[a.max(b)] = a.min(b);
        }
    }
    let mut components: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut numbers: Vec<usize> = wanted.iter().copied().collect();
    numbers.sort_unstable();
    for number in numbers {
        let root = root(&mut of, number);
        components.entry(root).or_default().push(number);
    }
    components.into_values().collect()
}

/// Units of cells put together to tasks that take about as long as each other.
fn tasks(cells: &[PlanCell], units: Vec<Vec<usize>>, least: f64) -> Vec<Vec<usize>> {
    let as_cell = |unit: &Vec<usize>| {
        let costs = || unit.iter().map(|&cell| &cells[cell].cost);
        let opens: BTreeMap<usize, f64> = costs().flat_map(|cost| cost.opens.iter().copied()).collect();
        let seconds: f64 = costs().map(|cost| cost.seconds).sum();
        let memory = costs().map(|cost| cost.memory).max().unwrap_or(0);
        let cost = CellCost { seconds, memory, opens: opens.into_iter().collect() };
        PlanCell { needs: Vec::new(), homes: Vec::new(), cost, ..cells[unit[0]].clone() }
    };
    let whole: Vec<PlanCell> = units.iter().map(as_cell).collect();
    let seconds: f64 = whole.iter().map(|unit| unit.cost.seconds).sum();
    let count = if least > 0.0 { (seconds / least) as usize } else { units.len() };
    let shares = split(&whole, count.clamp(1, units.len()));
    let task = |share: Vec<usize>| share.into_iter().flat_map(|unit| units[unit].clone()).collect::<Vec<_>>();
    shares.into_iter().map(task).filter(|task| !task.is_empty()).collect()
}
