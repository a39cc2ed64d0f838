//! The columns of rows: their types, and what they mean wherever they occur.

use polars::prelude::{DataFrame, DataType};

/// Rows that a step keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// As `from` names them, with the step's own name in it.
    pub name: String,
    /// Columns and their types in words.
    pub columns: Vec<(String, &'static str)>,
}

pub(super) fn of(name: &str, frame: &DataFrame) -> Rows {
    let column = |column: &polars::prelude::Column| (column.name().to_string(), in_words(column.dtype()));
    Rows { name: name.to_string(), columns: frame.columns().iter().map(column).collect() }
}

fn in_words(kind: &DataType) -> &'static str {
    match kind {
        DataType::Boolean => "true or false",
        DataType::String => "text",
        kind if kind.is_integer() => "integer",
        kind if kind.is_float() => "number",
        _ => "value",
    }
}

/// What columns mean, in the order in which a reference lists them.
pub const COLUMNS: &[(&str, &str)] = &[
    ("model", "Name of the model in the spec: `model` for `[model]`."),
    ("checkpoint", "Its checkpoint; empty where it has none."),
    ("step", "The number at the end of the checkpoint's name. Of `train`: the optimiser step."),
    ("template", "Name of the template; `default` where it has none."),
    ("operator", "The operator, as a spec writes it; `all` for all together (of probes)."),
    ("site", "The hook, without its layer: `attn.hook_z`."),
    ("layer", "The layer, from 0; null outside the blocks, or for all layers together (of `agreement`)."),
    ("head", "The head, from 0; null where it is none."),
    ("neuron", "The neuron, from 0; null where it is none."),
    ("component", "What was changed or read, as specs write it: `L15H13`, `L3MLP`, `L3N17`."),
    ("position", "The position, as the spec names it."),
    ("position_index", "Its index, from 0; null where it is several."),
    ("measure", "What `mean` or `value` measures."),
    (
        "n",
        "How many prompts the row is of. Of `heuristic-knockout`'s means: heuristics; of `neuron-overlap`: neurons in either set; of `heuristic-overlap`: pairs of the last checkpoint; of `agreement`: units.",
    ),
    ("mean", "Mean over prompts."),
    (
        "baseline",
        "The same measure of the run without the edit, of the same prompts: 0 or 1 by definition where it compares with that run.",
    ),
    ("std", "Standard deviation over prompts."),
    ("ci_low", "Lower end of the 95 % interval: of the mean by bootstrap over prompts, of a share by Wilson."),
    ("ci_high", "Upper end of the 95 % interval."),
    ("seeds", "How many seeds."),
    ("seed_std", "Standard deviation of the seeds' means; null for one seed."),
    (
        "value",
        "The measure on one prompt; the activation (of `capture`); the activation, of heads ‖z‖₂ (of `max-activations`); the attention weight (of `attention-patterns`); what y reaches at the smallest x (of `smallest`).",
    ),
    ("seed", "Seed of the draw that the prompt is of."),
    ("number", "The prompt's place in its draw, from 0."),
    ("id", "The prompt's number in the whole set of its template and operator: the same in every draw."),
    ("a", "First operand."),
    ("b", "Second operand."),
    ("answer", "The right answer."),
    ("text", "The prompt's text."),
    ("token", "The token at the position, as the vocabulary writes it."),
    ("tokens", "Ids of the prompt's tokens."),
    ("answer_tokens", "Ids of the answer's tokens."),
    ("given", "What the model answered."),
    ("given_tokens", "Ids of the tokens of what the model answered."),
    ("first_correct", "Whether the first token of the model's answer is right."),
    ("correct", "Whether the model's answer is right; of counts, how many are."),
    ("decode", "`first-token`, or `whole-answer` decoded greedily."),
    ("rate", "Share of correct answers."),
    ("reason", "Why prompts are not legal."),
    ("count", "How many prompts."),
    ("example", "One of them."),
    ("other_operator", "Operator of the other prompt of the pair."),
    ("other_id", "Its `id`."),
    ("other_text", "Its text."),
    ("other_answer", "Its answer."),
    ("split", "`train` or `held-out`."),
    ("accuracy", "Share of prompts with the right answer."),
    ("loss", "Cross-entropy in nats."),
    ("training_loss", "Loss of the last training batch."),
    ("spearman", "Rank correlation of approximate and exact means; null where one does not vary."),
    ("pearson", "Correlation of approximate and exact means; null where one does not vary."),
    ("k", "Size of the set: of the circuit, of the top units, neurons of a layer."),
    ("overlap", "Share of the exact top k that the approximation's top k has."),
    ("components", "How many components are named; null where operators differ in that."),
    ("rank", "Place by effect, from 1; null for what was named without order. Of `max-activations`: place by value."),
    ("effect", "The effect that it was ranked by; null for what was named without order."),
    ("intervention", "Name of the intervention."),
    ("sender", "What writes: a head or an MLP."),
    ("sender_layer", "Its layer."),
    ("sender_head", "Its head; null for an MLP."),
    ("receiver", "What reads."),
    ("receiver_layer", "Its layer; null for the logits."),
    ("receiver_head", "Its head, of keys and values the key/value head; null for others."),
    ("receiver_input", "`q`, `k` or `v`; null for others."),
    ("query", "Name of the position that attends."),
    ("query_index", "Its index."),
    ("key", "Name of the position that is attended to."),
    ("key_index", "Its index."),
    ("index", "Place of the value in its activation."),
    ("heuristic", "The rule: `op1 in [10, 20)`, `result mod 5 = 3`."),
    ("type", "Its type: `range`, `modulo`, `pattern`, `identical`, `multi-result`; of examples also `none`."),
    ("subject", "What it is about: `op1`, `op2`, `both`, `result`, `operands`."),
    ("associated", "How many prompts the heuristic holds for."),
    (
        "score",
        "Share of the k most activating prompts that the heuristic holds for; of a prompt's neuron, the best such score.",
    ),
    ("tail", "`high` or `low`: which end of the activations matched."),
    (
        "heuristics",
        "How many heuristics the neuron matches; of a prompt's neuron, how many of them hold for it; of examples, all of them.",
    ),
    ("direct", "How many of its heuristics are on results."),
    (
        "control",
        "Of heuristics: how many on results it would match with its value vector shuffled. Of knock-outs: the seed of the control.",
    ),
    (
        "control_operands",
        "How many heuristics on operands it would match with its activations shuffled over the prompts.",
    ),
    ("classified", "Whether it matches any heuristic."),
    ("best", "The heuristic with the best score; of `probe` and `smallest`, the best value."),
    ("best_type", "Its type."),
    ("best_score", "Its score."),
    ("top_integers", "The ten integers with the highest logits in the neuron's value vector."),
    ("activation", "The neuron's activation on the prompt."),
    ("relative", "The same over the neuron's largest absolute one."),
    ("logit", "Logit of the prompt's answer in the neuron's value vector."),
    ("effective", "activation × logit."),
    ("neurons", "How many neurons: that match the heuristic, or that are out (on average over prompts)."),
    ("chance", "Probability that activations in random order match the heuristic."),
    ("other", "The other operator."),
    ("iou", "Intersection over union of two sets of neurons."),
    (
        "shared",
        "How many neurons or pairs are in both; of one neuron, whether it shares a pair with the last checkpoint.",
    ),
    (
        "group",
        "Which prompts or neurons: `related` and `unrelated`, `heuristics` and `random`, `correct` and `incorrect`.",
    ),
    ("clean", "Accuracy on the same prompts with nothing out."),
    ("drop", "clean − accuracy."),
    ("drop_low", "Lower end of its 95 % bootstrap interval over heuristics."),
    ("drop_high", "Upper end of its 95 % bootstrap interval over heuristics."),
    ("place", "The neuron's place in its layer, from 1: it is out where k ≥ place."),
    ("pairs", "How many pairs of a heuristic and a neuron that matches it."),
    ("in_last", "Whether the neuron has a heuristic at the last checkpoint."),
    (
        "share",
        "Of `heuristic-overlap`: shared / n. Of `probe` and `smallest`: the share of the best that is asked for.",
    ),
    ("classes", "Answers that the classifier tells apart; null where there are several classifiers."),
    ("unseen", "Test prompts whose answer no training prompt has."),
    ("train_n", "Training prompts."),
    ("train_accuracy", "Accuracy on them after the last epoch."),
    ("train_loss", "Loss on them after the last epoch."),
    ("first_layer", "The first answer-writing layer; null where none qualifies."),
    ("last_layer", "The layer after the last one."),
    ("layers", "The layers, as specs write them."),
    ("best_layer", "The layer with the best accuracy."),
];
