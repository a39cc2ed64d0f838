//! What edits write besides numbers and other runs' values: directions and subspaces of a step or a file, and noise.

use super::patching::first_seed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A direction or subspace that a step of kind `direction` found, a vector or subspace of a safetensors file, or noise.
///
/// `{ direction = "STEP" }` adds the step's vector (with `add = true`); `{ subspace = "STEP" }` replaces the component within its subspace by
/// the other run's; `{ project_out = "STEP" }` takes the component away; `{ class = "NAME", of = "STEP" }` makes it that of the class's
/// mean, `{ class_of = "COLUMN", of = "STEP" }` that of the other prompt's class; `{ file = "v.safetensors", tensor = "v" }` is a given vector; `{ noise = 3.0 }` is added to embeddings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct GivenValue {
    /// The step whose vector is added, strength times.
    #[schemars(extend("x-refers-to" = "step"))]
    pub direction: Option<String>,
    /// The step within whose subspace the component is replaced by the other run's (interchange).
    #[schemars(extend("x-refers-to" = "step"))]
    pub subspace: Option<String>,
    /// The step whose subspace is projected out.
    #[schemars(extend("x-refers-to" = "step"))]
    pub project_out: Option<String>,
    /// What the projected component becomes. Left out: `zero`.
    pub to: Option<ProjectedTo>,
    /// The class to whose mean the component is set.
    pub class: Option<String>,
    /// A column of prompts, a slot or an operand: the component is set to that of the class which the other prompt of the pair has there.
    pub class_of: Option<String>,
    /// The step that found the class's mean and the subspace.
    #[schemars(extend("x-refers-to" = "step"))]
    pub of: Option<String>,
    /// A safetensors file, from the folder of the spec.
    pub file: Option<String>,
    /// The tensor in it: `[width]`, or `[k, width]` of a subspace.
    pub tensor: Option<String>,
    /// How the tensor is used. Left out: `vector`.
    #[serde(rename = "as")]
    pub used_as: Option<TensorUse>,
    /// Gaussian noise of so many standard deviations of the embeddings at these positions, over the step's prompts; at `embed` alone.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub noise: Option<f32>,
    /// Seeds of the noise, a run of each prompt for each; what is measured of a prompt is the mean over them. Left out: 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("uniqueItems" = true))]
    pub seeds: Vec<u64>,
}

/// What a projected component becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectedTo {
    /// Nothing: x − P x (Arditi et al. 2024).
    #[default]
    Zero,
    /// That of the point which the step's subspace goes through, as ablation to the mean.
    Mean,
}

/// How a tensor of a file is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TensorUse {
    /// The value itself: added with `add`, otherwise what the activation becomes.
    #[default]
    Vector,
    /// Its rows span a subspace, whose component is replaced by the other run's.
    Subspace,
    /// Its rows span a subspace, which is projected out.
    ProjectOut,
}

/// Where a direction comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenFrom<'g> {
    /// A step of kind `direction`.
    Step(&'g str),
    /// A tensor of a file.
    File {
        /// The file, as the spec writes it.
        file: &'g str,
        /// The tensor.
        tensor: &'g str,
    },
}

/// What is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUse<'g> {
    /// The vector is the edit's value.
    Vector,
    /// The component within the subspace becomes the other run's.
    Interchange,
    /// It is taken away, or becomes the mean's.
    ProjectOut(ProjectedTo),
    /// It becomes that of a class's mean.
    Class(&'g str),
    /// It becomes that of the mean of the class which the other prompt has in this column.
    ClassOf(&'g str),
}

impl GivenValue {
    /// The step that it reads.
    pub(crate) fn step(&self) -> Option<&str> {
        let [direction, subspace, out, of] = [&self.direction, &self.subspace, &self.project_out, &self.of];
        direction.as_ref().or(subspace.as_ref()).or(out.as_ref()).or(of.as_ref()).map(String::as_str)
    }

    /// The direction that it writes, and how; `None` of noise, and of what [`GivenValue::fault`] refuses.
    pub(crate) fn says(&self) -> Option<(GivenFrom<'_>, GivenUse<'_>)> {
        let step = |name| GivenFrom::Step(name);
        if let Some(name) = &self.direction {
            return Some((step(name), GivenUse::Vector));
        }
        if let Some(name) = &self.subspace {
            return Some((step(name), GivenUse::Interchange));
        }
        if let Some(name) = &self.project_out {
            return Some((step(name), GivenUse::ProjectOut(self.to.unwrap_or_default())));
        }
        if let (Some(class), Some(name)) = (&self.class, &self.of) {
            return Some((step(name), GivenUse::Class(class)));
        }
        if let (Some(column), Some(name)) = (&self.class_of, &self.of) {
            return Some((step(name), GivenUse::ClassOf(column)));
        }
        let (Some(file), Some(tensor)) = (&self.file, &self.tensor) else { return None };
        let used = match self.used_as.unwrap_or_default() {
            TensorUse::Vector => GivenUse::Vector,
            TensorUse::Subspace => GivenUse::Interchange,
            TensorUse::ProjectOut => GivenUse::ProjectOut(ProjectedTo::Zero),
        };
        Some((GivenFrom::File { file, tensor }, used))
    }

    /// Whether what it writes differs from prompt to prompt: noise, and the other prompt's class.
    pub(crate) fn is_of_prompt(&self) -> bool {
        self.noise.is_some() || self.class_of.is_some()
    }

    /// Seeds of its noise; one that means nothing where it is none.
    pub(crate) fn noise_seeds(&self) -> Vec<u64> {
        if self.seeds.is_empty() { first_seed() } else { self.seeds.clone() }
    }

    /// What is wrong with its keys together: the key, the problem and what to write.
    pub(crate) fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let kinds = [
            ("direction", self.direction.is_some()),
            ("subspace", self.subspace.is_some()),
            ("project_out", self.project_out.is_some()),
            ("class", self.class.is_some()),
            ("class_of", self.class_of.is_some()),
            ("file", self.file.is_some()),
            ("noise", self.noise.is_some()),
        ];
        let written: Vec<&'static str> = kinds.iter().filter(|(_, there)| *there).map(|(key, _)| *key).collect();
        let &[kind] = written.as_slice() else {
            let problem = match written.as_slice() {
                [] => "the value is empty".to_string(),
                [first, rest @ ..] => format!("the value has both '{first}' and '{}'", rest.join("' and '")),
            };
            let advice = "write one of direction, subspace, project_out, class, class_of, file or noise; write two edits for two values";
            return Some((written.last().copied().unwrap_or(""), problem, advice));
        };
        let beside = [
            ("to", self.to.is_some(), "project_out"),
            ("of", self.of.is_some() && kind != "class_of", "class"),
            ("tensor", self.tensor.is_some(), "file"),
            ("as", self.used_as.is_some(), "file"),
            ("seeds", !self.seeds.is_empty(), "noise"),
        ];
        let alone = beside.iter().find(|(_, there, with)| *there && *with != kind);
        if let Some((key, _, with)) = alone {
            return Some((
                key,
                format!("'{key}' has no effect beside '{kind}': it belongs to '{with}'"),
                "leave it out",
            ));
        }
        match kind {
            "class" | "class_of" if self.of.is_none() => Some((
                kind,
                format!("'{kind}' needs the step that found the classes"),
                "write of = \"STEP\", the name of a step of kind 'direction'",
            )),
            "file" if self.tensor.is_none() => {
                Some(("file", "'file' needs the name of a tensor in it".to_string(), "write tensor = \"NAME\""))
            }
            _ => None,
        }
    }
}
