//! How surprised a model is by one token of a text: its measures, each in one place.

use super::table::measures;

measures! {
    /// How surprised the model is by a token t that comes after others: L its logit, P its probability, under the edits where there are some.
    TokenMeasure(run);

    /// The token's loss.
    ///
    /// Formula: −ln P(t | what stands before it), in nats
    ///
    /// Source: the loss that models are trained with.
    ///
    /// Limits: the few tokens that nothing announces decide its mean.
    Loss = "loss", [Distribution] => run.log_total - run.answer.log_sum;
    /// The token's probability.
    ///
    /// Formula: P(t | what stands before it) = exp L(t) / Σ exp L
    ///
    /// Source: the model's own output.
    ///
    /// Limits: near 0 and 1 it hardly moves, whatever the logits do.
    Probability = "probability", [Distribution] => run.p_answer();
    /// Whether the arg-max is the token.
    ///
    /// Formula: 1 if argmax P = t, else 0
    ///
    /// Source: the model's own output.
    ///
    /// Limits: the model is given the right tokens before this one; greedy decoding may have gone astray earlier.
    Accuracy = "accuracy", [Distribution] => run.accuracy();
    /// How many tokens have a larger logit than the token.
    ///
    /// Formula: |{ u : L(u) > L(t) }|
    ///
    /// Source: the model's own output.
    ///
    /// Limits: the few tokens that are far down decide its mean.
    Rank = "rank", [Distribution, Rank] => run.rank;
}
