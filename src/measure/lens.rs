//! What the logit lens measures of a stream that is read as if it were the model's last, each measure in one place.

use super::table::measures;

measures! {
    /// What a stream within the model says of the answer r: L its logit, P its probability, NL = logit(r) / largest logit. Of several right
    /// answers P is the sum, L the mean.
    LensMeasure(read);

    /// Whether the arg-max is r, or one of several right answers.
    ///
    /// Formula: 1 if argmax P* = r, else 0
    ///
    /// Source: paper §4.2.
    ///
    /// Limits: it misses every change that leaves the arg-max as it is.
    Accuracy = "accuracy", [] => read.accuracy();
    /// The answer's probability.
    ///
    /// Formula: P(r) = exp L(r) / Σ exp L
    ///
    /// Source: the model's own output.
    ///
    /// Limits: near 0 and 1 it hardly moves, whatever the logits do.
    Probability = "probability", [] => read.p_answer();
    /// The answer's logit.
    ///
    /// Formula: L(r)
    ///
    /// Source: the model's own output.
    ///
    /// Limits: all logits may rise or fall together, which changes no answer.
    Logit = "logit", [] => read.answer.mean;
    /// The answer's logit as a share of the largest.
    ///
    /// Formula: NL = L(r) / max L
    ///
    /// Source: paper §3.
    ///
    /// Limits: it depends on where the logits' zero is: on `model.processing.center_unembed`.
    NormalizedLogit = "normalized-logit", [] => read.normalized_logit();
    /// How many tokens have a larger logit than the answer: 0 where it is the arg-max.
    ///
    /// Formula: |{ t : L(t) > L(r) }|, of several right answers that of the largest
    ///
    /// Source: the model's own output.
    ///
    /// Limits: the few prompts whose answer is far down decide its mean.
    Rank = "rank", [Rank] => read.rank;
    /// The answer's logit minus that of a wrong answer.
    ///
    /// Formula: L(r) − L(r'), of several answers mean L over the right ones − mean L over the wrong ones
    ///
    /// Source: Wang et al. 2023 (arXiv 2211.00593).
    ///
    /// Limits: it does not see a third answer rise above both.
    LogitDifference = "logit-difference", [OtherAnswer] => read.difference();
}
