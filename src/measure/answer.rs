//! What is read off the answer of one run, whatever was done in the run: measures that several kinds have in common.

/// Defines the type of some measures as `measures!` does: its own, and behind them those of the answer of one of its readings.
macro_rules! measures_of_the_answer {
    ($(#[$about:meta])* $name:ident($($reading:ident),+) of $run:ident; $($own:tt)*) => {
        $crate::measure::table::measures! {
            $(#[$about])*
            $name($($reading),+);

            $($own)*
            /// The answer's logit as a share of the largest.
            ///
            /// Formula: NL = L(r) / max L
            ///
            /// Source: paper §3.
            ///
            /// Limits: it depends on where the logits' zero is: on `model.processing.center_unembed`.
            NormalizedLogit = "normalized-logit", [] => $run.normalized_logit();
            /// The answer's logit.
            ///
            /// Formula: L(r)
            ///
            /// Source: the model's own output.
            ///
            /// Limits: all logits may rise or fall together, which changes no answer.
            Logit = "logit", [] => $run.answer.mean;
            /// The answer's probability.
            ///
            /// Formula: P(r) = exp L(r) / Σ exp L
            ///
            /// Source: the model's own output.
            ///
            /// Limits: near 0 and 1 it hardly moves, whatever the logits do.
            Probability = "probability", [] => $run.p_answer();
            /// The answer's logit minus that of a wrong answer.
            ///
            /// Formula: L(r) − L(r'), of several answers mean L over the right ones − mean L over the wrong ones
            ///
            /// Source: Wang et al. 2023 (arXiv 2211.00593).
            ///
            /// Limits: it does not see a third answer rise above both.
            LogitDifference = "logit-difference", [OtherAnswer] => $run.difference();
            /// How many tokens have a larger logit than the answer: 0 where it is the arg-max.
            ///
            /// Formula: |{ t : L(t) > L(r) }|, of several right answers that of the largest
            ///
            /// Source: the model's own output.
            ///
            /// Limits: the few prompts whose answer is far down decide its mean.
            Rank = "rank", [Rank] => $run.rank;
            /// Whether the arg-max is r, or one of several right answers.
            ///
            /// Formula: 1 if argmax P* = r, else 0
            ///
            /// Source: paper §4.2.
            ///
            /// Limits: it misses every change that leaves the arg-max as it is.
            Accuracy = "accuracy", [] => $run.accuracy();
        }
    };
}

pub(super) use measures_of_the_answer;
