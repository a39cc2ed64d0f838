//! Training of a classifier: cross-entropy, Adam, the gradient in closed form.

use super::classifier::Classifier;
use super::features::Features;
use crate::kernel::{Adam, MatrixView, Moments, column_sums, cross_entropy_of_rows, product_into};

/// How a classifier is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitSettings {
    /// The optimiser.
    pub adam: Adam,
    /// Rows per optimiser step; the last of an epoch may have fewer.
    pub batch: usize,
}

/// Trains on rows in the order that `epochs` gives, one list per epoch; `labels[row]` is a row's class. Returns the mean loss
/// over each epoch's rows, in nats.
///
/// With z = x·W + b and p = softmax(z), the mean loss over the n rows of a batch has the gradients
/// ∂z = (p − one-hot) / n, ∂W = xᵀ·∂z and ∂b = Σ ∂z. Nothing here depends on the number of threads.
///
/// # Errors
/// What `pause`, called before each step, returns.
pub fn fit<E>(
    classifier: &mut Classifier,
    features: &Features,
    labels: &[u32],
    epochs: impl Iterator<Item = Vec<usize>>,
    settings: FitSettings,
    mut pause: impl FnMut() -> Result<(), E>,
) -> Result<Vec<f64>, E> {
    let (inputs, classes) = (features.width(), classifier.classes());
    let mut moments = (Moments::new(inputs * classes), Moments::new(classes));
    let mut gradient = vec![0.0; inputs * classes];
    let (mut x, mut logits, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    let mut losses = Vec::new();
    for order in epochs {
        let mut total = 0.0;
        for rows in order.chunks(settings.batch.max(1)) {
            pause()?;
            features.gather(rows, &mut x);
            targets.clear();
            targets.extend(rows.iter().map(|&row| labels[row]));
            classifier.logits(&x, rows.len(), &mut logits);
            total += cross_entropy_of_rows(&mut logits, &targets, classes, 1.0 / rows.len() as f32);
            let (x, d) = (MatrixView::dense(&x, rows.len(), inputs), MatrixView::dense(&logits, rows.len(), classes));
            product_into(x.transposed(), d, &mut gradient, false);
            moments.0.step(settings.adam, &mut classifier.weight, &gradient);
            moments.1.step(settings.adam, &mut classifier.bias, &column_sums(&logits, classes));
        }
        losses.push(total / order.len().max(1) as f64);
    }
    Ok(losses)
}
