//! Whether two runs had the same results, to the bit, of the same spec and models: what is of the run alone (when, how long, on which
//! machine, by which build, what the store had) does not count.

use super::{Manifest, Recalled, SelfCheck, StepRecord};
use serde_json::{Value, json};

impl Manifest {
    /// Whether this record can stand for another run, of the same results, that was made later.
    pub(crate) fn has_results_of(&self, other: &Self) -> bool {
        // A rerun says of which run it is one, and a spec that was committed since names its commit from now on.
        let says_more = other.rerun_of.is_some() || (other.of_a_commit() && !self.of_a_commit());
        !says_more && self.lasting() == other.lasting()
    }

    /// Whether the spec is to be had from a commit as it was run.
    fn of_a_commit(&self) -> bool {
        self.spec.git.as_ref().is_some_and(|git| !git.dirty)
    }

    fn lasting(&self) -> Value {
        let Self { title, command, folder, spec, variants, models, prompts, steps, .. } = self;
        let Self { self_checks, expectations, notes, failed, files, left, .. } = self;
        let step = |step: &StepRecord| json!([step.name, step.kind, step.variants, step.failed]);
        // How much a version computes a second time is no result.
        let failed_checks = self_checks.iter().filter(|check| !check.passed());
        let check = |check: &SelfCheck| json!([check.step, check.model, check.of]);
        json!({
            "spec": [spec.sha256, json!(spec.files), json!(spec.sets), json!(spec.environment), json!(spec.values)],
            "run": [title, command, folder, json!(variants), json!(models), json!(prompts)],
            "steps": steps.iter().map(step).collect::<Vec<_>>(),
            "self_checks": failed_checks.map(check).collect::<Vec<_>>(),
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
                job: from.job.clone(),
                variants: step.variants.clone(),
            })
        });
        recalled.collect()
    }
}
