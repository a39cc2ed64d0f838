//! Random weights in the shapes of a configuration: for tests, benchmarks, and sizing a machine before a download.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use super::family::names::{Expected, Role};
use super::weights::{NumberFormat, TensorInfo, WeightError, WeightSource};

/// Standard deviation of matrices and biases, as GPT-2 and its successors are initialised.
const DEVIATION: f32 = 0.02;

/// Where a tensor's values come from.
enum RandomValues {
    /// A stream, by its start.
    Stream(u64),
    /// One value for all: scales of norms are one.
    Same(f32),
}

/// Tensors whose every element is a function of the seed, the tensor's name and the element's place: what is read first,
/// or at once, does not matter.
pub struct RandomWeights {
    path: PathBuf,
    tensors: IndexMap<String, TensorInfo>,
    /// Where each tensor's values come from.
    values: Vec<RandomValues>,
}

impl RandomWeights {
    /// The tensors that `expected` lists. `path` is the configuration's, for messages.
    pub fn new(path: &Path, expected: Vec<Expected>, seed: u64) -> Self {
        let values = expected.iter().map(|tensor| match tensor.role {
            Role::Scale => RandomValues::Same(1.0),
            Role::ScaleLessOne => RandomValues::Same(0.0),
            Role::Matrix | Role::Bias => RandomValues::Stream(stream(seed, &tensor.name)),
        });
        Self {
            path: path.to_owned(),
            values: values.collect(),
            tensors: expected
                .into_iter()
                .map(|tensor| (tensor.name, TensorInfo { shape: tensor.shape, stored: NumberFormat::F32 }))
                .collect(),
        }
    }
}

impl WeightSource for RandomWeights {
    fn path(&self) -> &Path {
        &self.path
    }

    fn tensors(&self) -> &IndexMap<String, TensorInfo> {
        &self.tensors
    }

    fn read(&self, name: &str, start: usize, out: &mut [f32]) -> Result<(), WeightError> {
        let index = self.tensors.get_index_of(name);
        match index.map(|index| &self.values[index]) {
            Some(RandomValues::Stream(stream)) => {
                let values = out.iter_mut().zip(start as u64..);
                values.for_each(|(value, place)| *value = DEVIATION * normal(mix(stream.wrapping_add(place))));
            }
            Some(RandomValues::Same(value)) => out.fill(*value),
            None => return Err(WeightError::format(&self.path, format!("no tensor '{name}'"))),
        }
        Ok(())
    }
}

/// Where the stream of a tensor starts.
fn stream(seed: u64, name: &str) -> u64 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(name).finalize();
    digest.iter().take(8).fold(0, |stream, &byte| (stream << 8) | u64::from(byte))
}

/// SplitMix64's output for a counter (Steele, Lea, Flood 2014).
fn mix(counter: u64) -> u64 {
    let z = counter.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Mean 0, variance 1, nearly normal: the sum of four uniform 16-bit parts. Cheaper than a normal deviate, and weights do
/// not need tails.
fn normal(bits: u64) -> f32 {
    let sum = (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48);
    // four times the mean of a part; then a part's deviation is 65536/√12, the sum's twice that
    (sum as f32 - 4.0 * 32_767.5) * (12f32.sqrt() / (2.0 * 65_536.0))
}
