//! How little is enough.

/// Which points are the best and the smallest that is enough, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enough {
    /// The largest y; of several, the one of smallest x.
    pub best: usize,
    /// The smallest x whose y is at least the wanted share of the largest. None where the largest is not above 0: of what is not
    /// above 0 a share means nothing.
    pub smallest: Option<usize>,
}

/// The smallest x whose y is at least `share` of the best y over all x. A point whose x or y is not a finite number is passed
/// over; of equal x the first counts. `None` without points.
///
/// y need not grow with x: a larger x may fall below the share again.
pub fn enough(points: &[(f64, f64)], share: f64) -> Option<Enough> {
    let finite = || (0..points.len()).filter(|&index| points[index].0.is_finite() && points[index].1.is_finite());
    let by_x = |one: &usize, other: &usize| points[*one].0.total_cmp(&points[*other].0);
    let best = finite().min_by(|one, other| points[*other].1.total_cmp(&points[*one].1).then(by_x(one, other)))?;
    let wanted = share * points[best].1;
    let smallest = finite().filter(|&index| points[index].1 >= wanted).min_by(by_x);
    Some(Enough { best, smallest: smallest.filter(|_| points[best].1 > 0.0) })
}
