//! Measures of one edited run, from a few numbers of its logits.

use crate::spec::step::{AblationMeasure, EffectMeasure};

/// What is known of the next token after one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// logit(r), of the answer of the run that is edited.
    pub answer: f64,
    /// logit(r'), of the other run's answer.
    pub other: f64,
    /// ln Σ exp(logit).
    pub log_total: f64,
    /// The largest logit.
    pub largest: f64,
    /// Whether the arg-max is r.
    pub correct: bool,
    /// KL(unedited ‖ this), in nats.
    pub divergence: f64,
}

impl Reading {
    /// P(r).
    pub fn p_answer(&self) -> f64 {
        (self.answer - self.log_total).exp()
    }

    /// P(r').
    pub fn p_other(&self) -> f64 {
        (self.other - self.log_total).exp()
    }

    /// logit(r) − logit(r').
    pub fn difference(&self) -> f64 {
        self.answer - self.other
    }

    /// 1 where the arg-max is r, 0 where it is not; not a number where a logit is not finite: then there is no arg-max.
    fn accuracy(&self) -> f64 {
        if self.largest.is_finite() { f64::from(u8::from(self.correct)) } else { f64::NAN }
    }

    /// NL: logit(r) / largest logit (paper §3).
    pub fn normalized_logit(&self) -> f64 {
        self.answer / self.largest
    }
}

/// What the edit of a run did: `before` without it, `after` with it, `source` the run that its values come from (its
/// `answer` still r, its `other` still r').
pub fn effect(measure: EffectMeasure, before: &Reading, after: &Reading, source: &Reading) -> f64 {
    let indirect = |r: (f64, f64), other: (f64, f64)| 0.5 * ((other.1 - other.0) / other.0 + (r.0 - r.1) / r.1);
    let indirect_effect = || indirect((before.p_answer(), after.p_answer()), (before.p_other(), after.p_other()));
    match measure {
        EffectMeasure::IndirectEffect => indirect_effect(),
        EffectMeasure::LogIndirectEffect => indirect_effect().ln_1p(),
        EffectMeasure::IndirectEffectLogits => indirect((before.answer, after.answer), (before.other, after.other)),
        EffectMeasure::LogitDifference => after.difference(),
        EffectMeasure::NormalizedLogitDifference => {
            (after.difference() - before.difference()) / (source.difference() - before.difference())
        }
        EffectMeasure::Kl => after.divergence,
        EffectMeasure::Accuracy => after.accuracy(),
    }
}

/// What is left of the answer after an ablation; `whole` is the run without one, `empty` with everything ablated.
pub fn left(measure: AblationMeasure, whole: &Reading, empty: &Reading, after: &Reading) -> f64 {
    match measure {
        AblationMeasure::Faithfulness => {
            (after.normalized_logit() - empty.normalized_logit())
                / (whole.normalized_logit() - empty.normalized_logit())
        }
        AblationMeasure::NormalizedLogit => after.normalized_logit(),
        AblationMeasure::Logit => after.answer,
        AblationMeasure::Probability => after.p_answer(),
        AblationMeasure::CrossEntropy => after.log_total - after.answer,
        AblationMeasure::Kl => after.divergence,
        AblationMeasure::Accuracy => after.accuracy(),
    }
}

impl EffectMeasure {
    /// As a spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            EffectMeasure::IndirectEffect => "indirect-effect",
            EffectMeasure::LogIndirectEffect => "log-indirect-effect",
            EffectMeasure::IndirectEffectLogits => "indirect-effect-logits",
            EffectMeasure::LogitDifference => "logit-difference",
            EffectMeasure::NormalizedLogitDifference => "normalized-logit-difference",
            EffectMeasure::Kl => "kl",
            EffectMeasure::Accuracy => "accuracy",
        }
    }

    /// Whether it compares with the run of the other prompt.
    pub fn needs_other_run(self) -> bool {
        matches!(self, EffectMeasure::NormalizedLogitDifference)
    }

    /// Whether it reads r', the other prompt's answer where the prompt has no contrast.
    pub fn needs_other_answer(self) -> bool {
        !matches!(self, EffectMeasure::Kl | EffectMeasure::Accuracy)
    }

    /// Whether it needs every logit, not only those of r and r'.
    pub fn needs_distribution(self) -> bool {
        matches!(self, EffectMeasure::IndirectEffect | EffectMeasure::LogIndirectEffect | EffectMeasure::Accuracy)
    }
}

impl AblationMeasure {
    /// As a spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            AblationMeasure::Faithfulness => "faithfulness",
            AblationMeasure::NormalizedLogit => "normalized-logit",
            AblationMeasure::Logit => "logit",
            AblationMeasure::Probability => "probability",
            AblationMeasure::CrossEntropy => "cross-entropy",
            AblationMeasure::Kl => "kl",
            AblationMeasure::Accuracy => "accuracy",
        }
    }
}
