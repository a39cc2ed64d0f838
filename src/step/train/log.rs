//! Losses and accuracies of a training, as they come.

use super::data::TrainingSplit;
use super::error::TrainError;
use super::evaluate;
use super::evaluate::Evaluation;
use crate::model::transformer::Transformer;
use crate::system::progress::ProgressTask;
use crate::table::{Holds, rows};
use polars::prelude::{DataFrame, PolarsResult};
use serde::{Deserialize, Serialize};

/// Losses and accuracies as they come.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Log {
    pub losses: Vec<f64>,
    pub evaluations: Vec<Evaluation>,
}

impl Log {
    pub fn loss(&mut self, loss: f64, step: usize) -> Result<(), TrainError> {
        self.losses.push(loss);
        if loss.is_finite() { Ok(()) } else { Err(TrainError::Diverged { step: step - 1 }) }
    }

    pub fn evaluate(
        &mut self,
        model: &Transformer,
        split: &TrainingSplit,
        step: usize,
        task: &ProgressTask,
    ) -> Result<(), TrainError> {
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
            .map(|row| format!("{} {:.3}", row.group, row.accuracy))
            .collect();
        task.message(&format!("loss {training_loss:.3}, held-out accuracy {}", held_out.join("  ")));
        self.evaluations.extend(rows);
        Ok(())
    }

    pub fn rows(&self) -> PolarsResult<DataFrame> {
        LogColumns::frame(&self.evaluations)
    }
}

rows! {
    /// Losses and accuracies of a training.
    pub LogColumns<'r>(row: &'r Evaluation) {
        step: i64 = row.step, "The optimiser step.";
        operator: String = &row.group;
        split: String = &row.split, "`train` or `held-out`.", in [evaluate::HELD_OUT, evaluate::TRAIN];
        count: i64 = row.count;
        accuracy: f64 = row.accuracy;
        loss: f64 = row.loss;
        training_loss: f64 = row.training_loss, "Loss of the last training batch.";
    }
}
