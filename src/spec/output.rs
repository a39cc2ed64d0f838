//! `[output]` and `[run]`: where results go, and the resources to make them with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where results go and in which formats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Folder of the results, relative to the current folder. Left out: `results/NAME`, with NAME the spec's path below its last
    /// folder `experiments` (`experiments/paper/fig02.toml`: `results/paper/fig02`), else its file name.
    pub dir: Option<String>,
    /// Formats of figures.
    #[schemars(length(min = 1))]
    pub images: Vec<ImageFormat>,
}

impl Default for Output {
    fn default() -> Self {
        Self { dir: None, images: vec![ImageFormat::Svg, ImageFormat::Png] }
    }
}

/// A format of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// Vectors, text as outlines in the embedded font.
    Svg,
    /// Pixels, two per pixel of `width` and `height`; 300 per inch of a width in print.
    Png,
    /// Vectors, and texts in the embedded font, which the file has with it: for LaTeX.
    Pdf,
}

impl ImageFormat {
    /// What names of its files end with.
    pub fn extension(self) -> &'static str {
        match self {
            ImageFormat::Svg => "svg",
            ImageFormat::Png => "png",
            ImageFormat::Pdf => "pdf",
        }
    }
}

/// Resources. Nothing here changes a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// Threads of the CPU backend. Left out: one per core.
    #[schemars(range(min = 1, max = 1024))]
    pub threads: Option<usize>,
    /// Rows (prompts) run through the model at once. Left out: chosen from `memory_mib`.
    #[schemars(range(min = 1))]
    pub batch: Option<usize>,
    /// Folder where steps' results are cached, relative to the file that names it; or `off`. Left out: the user's cache
    /// (docs/store.md).
    #[schemars(length(min = 1))]
    pub store: Option<String>,
    /// Memory for activations, in MiB. On a GPU whose library says how much it has (CUDA does), rows of interventions take up to half of what the
    /// model leaves of it, unless this is written.
    #[schemars(range(min = 1))]
    pub memory_mib: usize,
}

impl Default for Run {
    fn default() -> Self {
        Self { threads: None, batch: None, store: None, memory_mib: 1024 }
    }
}
