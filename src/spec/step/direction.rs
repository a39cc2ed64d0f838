//! `kind = "direction"`.

use super::fields::step;
use super::relations::Relations;
use super::shared::{Counterfactual, after_blocks, last_position, sites_schema};
use crate::spec::defaults::defaults;
use crate::spec::{Condition, Layers, Parsed, SitePattern, layers_of};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

step! {
    /// Finds directions and subspaces of activations, for later steps to add, to take away or to exchange.
    ///
    /// One for each site and position, made from the share `train` of the prompts; rows say how well it separates the others, beside random
    /// directions and shuffled labels. `directions/NAME.safetensors` has the vectors; edits of later steps take them by the step's name.
    ///
    /// Formula: by `method`: mean(of) − mean(minus); mean(of) or a mean for each class; the first principal components; the weights of a linear
    /// probe; x ≈ mean + C · [a, cos(2πa/T), sin(2πa/T), …] by least squares; the rotation R that makes x + RᵀR(x' − x) give the other answer.
    ///
    /// Source: difference of means: Marks and Tegmark 2023 (arXiv 2310.06824), Arditi et al. 2024 (arXiv 2406.11717); Fourier: Kantamneni and
    /// Tegmark 2025 (arXiv 2502.00873); DAS: Geiger et al. 2023 (arXiv 2303.02536).
    ///
    /// Limits: what separates prompts need not be what the model uses: add it, or take it away, beside a random direction of its length.
    ///
    /// ```toml
    /// [[step]]
    /// name   = "plus"
    /// kind   = "direction"
    /// method = "difference-of-means"
    /// of     = { where = { operator = "+" } }
    /// ```
    FindDirection {
        /// How it is found.
        method: DirectionMethod,
        /// Where: hooks, each whole, or `[head]` for each head.
        #[serde(default = "after_blocks")]
        #[schemars(schema_with = "sites_schema")]
        sites: Vec<Parsed<SitePattern>>,
        /// Where: each position on its own.
        positions = "last_position",
        /// The prompts that have the property which the direction stands for. Left out: those of the step that are not
        /// in `minus`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<ClassPrompts>,
        /// The prompts that do not have it. Left out: those of the step that are not in `of`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minus: Option<ClassPrompts>,
        /// A column of prompts, `operator`, `a`, `answer` or a slot of words: the prompts of each value are a class. Of methods `mean` and
        /// `probe`, in place of `of` and `minus`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Of method `fourier`: the column of prompts with the number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<String>,
        /// Of method `fourier`: the periods T. The sine of period 2, which is 0 for whole numbers, is left out. None, `[]`: a polynomial alone.
        #[serde(default = "default_periods")]
        #[schemars(schema_with = "periods_schema")]
        periods: Vec<f64>,
        /// Of method `fourier`: the degree of the polynomial in the number that is fitted beside the periods. 1: the number itself, as of a helix;
        /// 0: none, as of circles.
        #[serde(default = "default_degree")]
        #[schemars(range(max = 100))]
        degree: usize,
        /// Of method `fourier`: how many principal components of the numbers' points are fitted; all there are, if those are fewer.
        #[serde(default = "default_reduce")]
        #[schemars(range(min = 1, max = 10000))]
        reduce: usize,
        /// Of methods `pca` and `das`: dimensions of the subspace.
        #[serde(default = "default_dimensions")]
        #[schemars(range(min = 1, max = 10000))]
        dimensions: usize,
        /// Of method `file`: where the vector is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<VectorFile>,
        /// Share of the prompts that it is made from; the others are the test. 1: all, and nothing is tested.
        #[serde(default = "default_train")]
        #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
        train: f64,
        /// Random directions, and shuffles of the labels, to compare with; 0: none.
        #[serde(default = "default_controls")]
        #[schemars(range(min = 0, max = 10000))]
        controls: usize,
        /// Seed of the split, of controls and of training.
        #[serde(default = "default_seed")]
        seed: u64,
        /// Of methods `probe` and `das`: times that each training prompt is seen.
        #[serde(default = "default_epochs")]
        #[schemars(range(min = 1, max = 100000))]
        epochs: usize,
        /// Of methods `probe` and `das`: learning rate of Adam.
        #[serde(default = "default_lr")]
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        lr: f64,
        /// Of methods `probe` and `das`: prompts per optimiser step.
        #[serde(default = "default_batch")]
        #[schemars(range(min = 1))]
        batch: usize,
        counterfactual,
    }
}

/// How a direction is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectionMethod {
    /// The mean activation of `of` minus that of `minus`.
    DifferenceOfMeans,
    /// The mean activation of `of`; or, with `by`, the subspace that the means of the classes span.
    Mean,
    /// The principal components of the step's prompts.
    Pca,
    /// The weights of a linear probe that tells the classes apart.
    Probe,
    /// A helix over a number: cosines and sines of some periods, and the number itself, fitted by least squares.
    Fourier,
    /// Distributed alignment search: a rotation learned so that exchanging the subspace with the counterfactual prompt's gives its answer.
    Das,
    /// A vector or a matrix from a safetensors file.
    File,
}

impl DirectionMethod {
    /// As a spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            DirectionMethod::DifferenceOfMeans => "difference-of-means",
            DirectionMethod::Mean => "mean",
            DirectionMethod::Pca => "pca",
            DirectionMethod::Probe => "probe",
            DirectionMethod::Fourier => "fourier",
            DirectionMethod::Das => "das",
            DirectionMethod::File => "file",
        }
    }
}

/// Some prompts: a set, or those of it that meet conditions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassPrompts {
    /// Prompt set: a name of `[prompt_sets.NAME]`. Left out: the step's own. If it has several templates, they must be
    /// those of the step.
    #[schemars(extend("x-refers-to" = "prompts"))]
    pub prompts: Option<String>,
    /// Which of them: each column's value, list of values, or comparison, as in a table: `operator`, `a`, `b`, `answer`, `seed`, `text`, or a
    /// slot of words.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub filter: IndexMap<String, Condition>,
}

/// A tensor in a safetensors file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    /// Its path, relative to the file that names it.
    #[schemars(length(min = 1))]
    pub path: String,
    /// SHA-256 of its bytes, in hex, as `sha256sum` prints it: the results are of this file and no other.
    #[schemars(length(min = 64, max = 64))]
    pub sha256: String,
    /// The tensor, `[width]` or `[k, width]`, for every place. Left out: the file is one that a step of this kind wrote, and has one for each place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tensor: Option<String>,
}

fn periods_schema(_: &mut SchemaGenerator) -> Schema {
    let period = json_schema!({ "type": "number", "exclusiveMinimum": 1.0 });
    json_schema!({ "type": "array", "items": period, "uniqueItems": true })
}

impl FindDirection {
    /// The keys that are of some methods alone: whether each is set to something else than its default, and whether the method has it.
    pub(crate) fn keys_of_methods(&self) -> Vec<(&'static str, bool, bool)> {
        use DirectionMethod::{Das, DifferenceOfMeans, File, Fourier, Mean, Pca, Probe};
        let is = |methods: &[DirectionMethod]| methods.contains(&self.method);
        let trained = is(&[Probe, Das]);
        vec![
            ("of", self.of.is_some(), is(&[DifferenceOfMeans, Mean, Probe, File])),
            ("minus", self.minus.is_some(), is(&[DifferenceOfMeans, Probe, File])),
            ("by", self.by.is_some(), is(&[Mean, Probe])),
            ("number", self.number.is_some(), is(&[Fourier])),
            ("periods", self.periods != default_periods(), is(&[Fourier])),
            ("degree", self.degree != default_degree(), is(&[Fourier])),
            ("reduce", self.reduce != default_reduce(), is(&[Fourier])),
            ("dimensions", self.dimensions != default_dimensions(), is(&[Pca, Das])),
            ("file", self.file.is_some(), is(&[File])),
            ("epochs", self.epochs != default_epochs(), trained),
            ("lr", self.lr != default_lr(), trained),
            ("batch", self.batch != default_batch(), trained),
        ]
    }
}

defaults! {
    default_periods: Vec<f64> = vec![2.0, 5.0, 10.0, 100.0];
    default_degree: usize = 1;
    default_reduce: usize = 100;
    default_dimensions: usize = 1;
    default_train: f64 = 0.8;
    default_controls: usize = 20;
    default_seed: u64 = 42;
    default_epochs: usize = 20;
    default_lr: f64 = 1e-3;
    default_batch: usize = 32;
}

impl Relations for FindDirection {
    fn counterfactual(&self) -> Option<&Counterfactual> {
        (self.method == DirectionMethod::Das).then_some(&self.counterfactual)
    }

    fn layers(&self) -> Vec<&Layers> {
        layers_of(&self.sites)
    }
}
