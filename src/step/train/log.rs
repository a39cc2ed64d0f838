//! Losses and accuracies of a training, as they come.

use super::data::Split;
use super::error::TrainError;
use super::evaluate;
use super::evaluate::Evaluation;
use crate::model::transformer::Transformer;
use crate::system::progress::Task;
use polars::prelude::{DataFrame, PolarsError, df};

/// Losses and accuracies as they come.
#[derive(Default)]
pub(super) struct Log {
    pub losses: Vec<f64>,
    pub evaluations: Vec<Evaluation>,
}

impl Log {
    pub fn loss(&mut self, loss: f64, step: usize) -> Result<(), TrainError> {
        self.losses.push(loss);
        if loss.is_finite() { Ok(()) } else { Err(TrainError::Diverged { step: step - 1 }) }
    }

    pub fn evaluate(&mut self, model: &Transformer, split: &Split, step: usize, task: &Task) -> Result<(), TrainError> {
        let training_loss = self.losses.iter().sum::<f64>() / self.losses.len().max(1) as f64;
        self.losses.clear();
        let rows = evaluate::evaluate(model, split, step, training_loss);
        // The last step may be the one that breaks the weights, and no loss comes after it.
        if rows.iter().any(|row| row.count > 0 && !row.loss.is_finite()) {
            return Err(TrainError::Diverged { step });
        }
        let held_out: Vec<String> = rows
            .iter()
            .filter(|row| row.split == evaluate::HELD_OUT)
            .map(|row| format!("{} {:.3}", row.operator, row.accuracy))
            .collect();
        task.message(&format!("loss {training_loss:.3}, held-out accuracy {}", held_out.join("  ")));
        self.evaluations.extend(rows);
        Ok(())
    }

    pub fn rows(&self) -> Result<DataFrame, PolarsError> {
        log_frame(&self.evaluations)
    }
}

/// The rows of [`Trained`].
pub fn log_frame(rows: &[Evaluation]) -> Result<DataFrame, PolarsError> {
    df!(
        "step" => rows.iter().map(|row| row.step as u32).collect::<Vec<_>>(),
        "operator" => rows.iter().map(|row| row.operator).collect::<Vec<_>>(),
        "split" => rows.iter().map(|row| row.split).collect::<Vec<_>>(),
        "count" => rows.iter().map(|row| row.count as u32).collect::<Vec<_>>(),
        "accuracy" => rows.iter().map(|row| row.accuracy).collect::<Vec<_>>(),
        "loss" => rows.iter().map(|row| row.loss).collect::<Vec<_>>(),
        "training_loss" => rows.iter().map(|row| row.training_loss).collect::<Vec<_>>(),
    )
}
