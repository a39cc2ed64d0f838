//! Whether two runs had the same results, to the bit, of the same spec and models: what is of the run alone (when, how long, on which
//! machine, by which build, what the store had) does not count.

use super::{Manifest, StepRecord};
use crate::run::Recalled;
use crate::step::SelfCheck;
use serde_json::{Value, json};

impl Manifest {
    /// Whether the results of another run are those of this one.
    pub fn has_results_of(&self, other: &Self) -> bool {
        // A rerun says of which run it is one.
        other.rerun_of.is_none() && self.lasting() == other.lasting()
    }

    fn lasting(&self) -> Value {
        let Self { title, command, folder, spec, variants, models, prompts, steps, .. } = self;
        let Self { self_checks, expectations, notes, failed, files, left, .. } = self;
        let step = |step: &StepRecord| json!([step.name, step.kind, step.variants, step.failed]);
        let check = |check: &SelfCheck| json!([check.step, check.model, check.rows, check.passed()]);
        json!({
            "spec": [spec.sha256, json!(spec.files), json!(spec.sets), json!(spec.environment), json!(spec.values)],
            "run": [title, command, folder, json!(variants), json!(models), json!(prompts)],
            "steps": steps.iter().map(step).collect::<Vec<_>>(),
            "self_checks": self_checks.iter().map(check).collect::<Vec<_>>(),
            "told": [json!(expectations), json!(notes), json!(failed)],
            "files": [files, left],
        })
    }

    /// The steps whose rows are from the store.
    pub fn recalled(&self) -> Vec<Recalled> {
        let recalled = self.steps.iter().filter_map(|step| {
            let from = step.from_store.as_ref()?;
            Some(Recalled {
                step: step.name.clone(),
                key: step.key.clone(),
                computed: from.computed.clone(),
                processor: from.processor.clone(),
                seconds: from.seconds,
                variants: step.variants.clone(),
            })
        });
        recalled.collect()
    }
}
