//! The rule for the layers that write the answer.

use ablate::probe::answer_writing;
use proptest::prelude::*;

#[test]
fn the_first_layer_from_which_on_the_accuracy_stays() {
    let found = |accuracies: &[f64], share: f64| {
        let layers: Vec<(usize, f64)> = accuracies.iter().copied().enumerate().collect();
        let writing = answer_writing(&layers, share).unwrap();
        (writing.first.map(|(layer, _)| layer), writing.best.0)
    };
    assert_eq!(found(&[0.0, 0.1, 0.5, 0.9, 1.0], 0.5), (Some(2), 4));
    // A layer that reaches it does not count where a later one does not.
    assert_eq!(found(&[0.0, 0.8, 0.3, 0.9, 1.0], 0.5), (Some(3), 4));
    // The best may be in the middle.
    assert_eq!(found(&[0.0, 1.0, 0.8, 0.6], 0.5), (Some(1), 1));
    assert_eq!(found(&[0.0, 1.0, 0.8, 0.4], 0.5), (None, 1));
    assert_eq!(found(&[0.9, 1.0, 0.95], 1.0), (None, 1));
    assert_eq!(found(&[0.9, 1.0, 1.0], 1.0), (Some(1), 1));
    assert_eq!(found(&[0.0, 0.0], 0.5), (None, 0));
    assert_eq!(found(&[0.5, f64::NAN, 0.5, 0.5], 0.5), (Some(2), 0));
    assert_eq!(answer_writing(&[], 0.5), None);
    assert_eq!(answer_writing(&[(0, f64::NAN)], 0.5), None);
    // Layers as they are numbered, not counted.
    let some = answer_writing(&[(4, 0.1), (9, 0.8)], 0.5).unwrap();
    assert_eq!((some.first, some.best), (Some((9, 0.8)), (9, 0.8)));
}

proptest! {
    #[test]
    fn no_earlier_layer_would_do(accuracies in prop::collection::vec(0.0f64..1.0, 1..12), share in 0.05f64..1.0) {
        let layers: Vec<(usize, f64)> = accuracies.iter().copied().enumerate().collect();
        let writing = answer_writing(&layers, share).unwrap();
        let best = accuracies.iter().copied().fold(0.0, f64::max);
        let stays = |from: usize| best > 0.0 && accuracies[from..].iter().all(|accuracy| *accuracy >= share * best);
        let first = (0..accuracies.len()).find(|&layer| stays(layer));
        prop_assert_eq!(writing.first.map(|(layer, _)| layer), first);
        prop_assert_eq!(writing.best.1, best);
    }
}
