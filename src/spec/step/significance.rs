//! `test` and `correction`: p-values beside the means of a step.

use crate::spec::text_or::schema_of;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A test of each mean of a step: the signs of what the prompts say are flipped at random.
///
/// Under the hypothesis that an edit does nothing to any prompt but by chance, what it does to a prompt is as likely to be of the
/// other sign. Of up to 16 prompts every combination of signs is looked at, and the p-value is exact; of more, so many at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenTest")]
pub struct SignificanceTest {
    /// How many combinations of signs are drawn where there are too many to look at all.
    pub resamples: usize,
    /// Seed of the draws.
    pub seed: u64,
}

/// How a spec writes it.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenTest {
    TestWord(TestWord),
    TestTable(TestTable),
}

/// What it is called.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TestWord {
    SignFlip,
}

/// The test with its numbers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestTable {
    #[serde(default = "sign_flip")]
    kind: TestWord,
    #[serde(default = "default_resamples")]
    resamples: usize,
    #[serde(default)]
    seed: u64,
}

fn sign_flip() -> TestWord {
    TestWord::SignFlip
}

fn default_resamples() -> usize {
    10_000
}

impl Default for SignificanceTest {
    fn default() -> Self {
        Self { resamples: default_resamples(), seed: 0 }
    }
}

impl From<WrittenTest> for SignificanceTest {
    fn from(written: WrittenTest) -> Self {
        match written {
            WrittenTest::TestWord(_) => Self::default(),
            WrittenTest::TestTable(TestTable { resamples, seed, .. }) => Self { resamples, seed },
        }
    }
}

impl Serialize for SignificanceTest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            test if test == Self::default() => TestWord::SignFlip.serialize(serializer),
            Self { resamples, seed } => TestTable { kind: TestWord::SignFlip, resamples, seed }.serialize(serializer),
        }
    }
}

schema_of!(SignificanceTest, |_| {
    "description": "\"sign-flip\": the two-sided p-value of each mean, by flipping the signs of what the prompts say. Or a table with how \
                    many combinations of signs are drawn where there are more than 2^16, and their seed.",
    "anyOf": [
        { "type": "string", "oneOf": [{ "const": "sign-flip" }] },
        {
            "type": "object",
            "properties": {
                "kind": { "type": "string", "oneOf": [{ "const": "sign-flip" }] },
                "resamples": { "type": "integer", "minimum": 99, "maximum": 10000000 },
                "seed": { "type": "integer", "minimum": 0 },
            },
            "additionalProperties": false,
        },
    ],
});

/// How p-values are corrected for being many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Correction {
    /// Holm's method (1979): the chance that any cell without an effect falls below a threshold is at most that
    /// threshold, however the cells depend on each other.
    Holm,
}
