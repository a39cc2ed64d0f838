//! A model as measures see it: tokens in, logits of the next token out.

use thiserror::Error;

/// Any error of a model.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a model gave no answer.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// Logits that are not numbers.
    #[error(
        "the model's logits are not numbers after tokens {tokens:?}: its weights overflow in this dtype or are damaged; \
         write dtype = \"f32\" or check the file"
    )]
    NotANumber {
        /// The tokens of the first such row.
        tokens: Vec<u32>,
    },
    /// An implementation that breaks its contract.
    #[error("the model gave {got} values where {expected} were due")]
    Shape {
        /// Values due.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// The forward pass failed, or was interrupted.
    #[error(transparent)]
    Model(#[from] BoxError),
}

/// A model that says what comes next.
pub trait NextToken {
    /// Number of logits per row.
    fn n_vocab(&self) -> usize;

    /// Largest number of tokens of a row; `None` where positions have no limit.
    fn position_limit(&self) -> Option<usize>;

    /// Logits of the token after each row, `[rows, n_vocab]` row-major. The rows are of one length, at least one token.
    fn last_logits(&self, rows: &[&[u32]]) -> Result<Vec<f32>, BoxError>;

    /// The token with the largest logit after each row, the lowest id among equals (as `torch.argmax`).
    /// An implementation may compute it where the logits are, instead of copying them.
    ///
    /// # Errors
    /// As [`Self::last_logits`], and when a logit is not a number.
    fn arg_max(&self, rows: &[&[u32]]) -> Result<Vec<u32>, DecodeError> {
        let n_vocab = self.n_vocab().max(1);
        let logits = self.last_logits(rows)?;
        if logits.len() != rows.len() * n_vocab {
            return Err(DecodeError::Shape { expected: rows.len() * n_vocab, got: logits.len() });
        }
        let best = |(row, values): (&&[u32], &[f32])| {
            arg_max(values).ok_or_else(|| DecodeError::NotANumber { tokens: row.to_vec() })
        };
        rows.iter().zip(logits.chunks_exact(n_vocab)).map(best).collect()
    }
}

/// Index of the largest value, the lowest among equals; `None` when there is none, or one is not a number.
pub fn arg_max(values: &[f32]) -> Option<u32> {
    let mut best: Option<(usize, f32)> = None;
    for (index, &value) in values.iter().enumerate() {
        if value.is_nan() {
            return None;
        }
        if best.is_none_or(|(_, largest)| value > largest) {
            best = Some((index, value));
        }
    }
    best.and_then(|(index, _)| u32::try_from(index).ok())
}
