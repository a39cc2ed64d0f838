//! What is otherwise now than in a manifest.

use super::{Machine, Manifest, SpecRecord};
use std::path::Path;

/// How many letters of a checksum tell it from others.
const SHORT: usize = 12;

/// What computes now and did not then: program, dependencies, models, machine; a line each.
pub fn changes(then: &Manifest, now: &Manifest) -> Vec<String> {
    let mut changes = Vec::new();
    if then.ablate != now.ablate {
        changes.push(match (&*then.ablate.version, &*now.ablate.version) {
            (old, new) if old == new => "another build of ablate".to_string(),
            (old, new) => format!("another build of ablate, {old} → {new}"),
        });
    }
    for dependency in &now.dependencies {
        let before = then.dependencies.iter().find(|before| before.name == dependency.name);
        if let Some(before) = before.filter(|before| before.version != dependency.version) {
            changes.push(format!("{} {} → {}", dependency.name, before.version, dependency.version));
        }
    }
    changes.extend(other_models(then, now));
    changes.extend(machine(&then.machine, &now.machine));
    changes
}

/// Models that are not those of then, a line each.
pub fn other_models(then: &Manifest, now: &Manifest) -> Vec<String> {
    let short = |text: &str| text.chars().take(SHORT).collect::<String>();
    let other = then.models.iter().filter_map(|before| {
        let same = |model: &&super::ModelRecord| {
            (&model.name, &model.variants, &model.checkpoint) == (&before.name, &before.variants, &before.checkpoint)
        };
        let model = now.models.iter().find(same).filter(|model| model.fingerprint != before.fingerprint)?;
        let checkpoint = model.checkpoint.as_ref().map(|checkpoint| format!(" at {checkpoint}")).unwrap_or_default();
        Some(format!(
            "model '{}{checkpoint}' ({}) has other weights, tokenizer or configuration: fingerprint {} → {}",
            model.name,
            model.source,
            short(&before.fingerprint),
            short(&model.fingerprint)
        ))
    });
    other.collect()
}

fn machine(then: &Machine, now: &Machine) -> Vec<String> {
    let parts = [
        ("system", then.system.clone(), now.system.clone()),
        ("processor", then.processor.clone(), now.processor.clone()),
        ("instruction sets", then.instructions.clone(), now.instructions.clone()),
        ("threads", then.threads.to_string(), now.threads.to_string()),
        ("GPUs", then.gpus.join(", "), now.gpus.join(", ")),
    ];
    let changed = parts.into_iter().filter(|(_, old, new)| old != new);
    changed.map(|(part, old, new)| format!("{part} {old} → {new}")).collect()
}

impl SpecRecord {
    /// Files of the spec that are not as they were, a line each; paths start from `root`.
    pub(crate) fn changed_files(&self, root: &Path) -> Vec<String> {
        let changed = self.files.iter().filter_map(|file| {
            let what = match std::fs::read(root.join(&file.path)) {
                Ok(bytes) if crate::system::digests::of_bytes(&bytes) == file.sha256 => return None,
                Ok(_) => "has changed",
                Err(_) => "is not there",
            };
            Some(format!("{} {what}; the spec is run as it was then", file.path))
        });
        changed.collect()
    }

    /// Where the value at a key comes from; of a table, where the first of its values does.
    pub fn origin(&self, key: &str) -> &str {
        let within = |value: &&super::ValueOrigin| {
            value.key.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.values.iter().find(within).map_or("default", |value| value.origin.as_str())
    }

    /// The folder that a relative path at a key starts from: that of the file that wrote it, or the one that the command was
    /// given in.
    pub fn folder(&self, key: &str) -> &Path {
        let origin = self.origin(key);
        let wrote = |path: &str| origin.strip_prefix(path).is_some_and(|place| place.starts_with(':'));
        let file = self.files.iter().find(|file| wrote(&file.path));
        file.and_then(|file| Path::new(&file.path).parent()).unwrap_or(Path::new(""))
    }
}
