//! `control`: what stands beside the units that a step names.

use crate::spec::text_or::schema_of;
use serde::{Deserialize, Serialize};

/// What a step compares the units that it names with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenControl")]
pub enum Control {
    /// Nothing.
    None,
    /// As many other units of the same kind in each layer, drawn at random.
    RandomMatched {
        /// How many sets are drawn for each that is named.
        draws: usize,
        /// Seed of the draws.
        seed: u64,
    },
}

/// How a spec writes it.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenControl {
    ControlWord(ControlWord),
    ControlTable(ControlTable),
}

/// What it may be in one word.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ControlWord {
    RandomMatched,
    None,
}

/// Random matched sets, with how many and their seed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ControlTable {
    #[serde(default = "random_matched")]
    kind: ControlWord,
    #[serde(default = "default_draws")]
    draws: usize,
    #[serde(default)]
    seed: u64,
}

fn random_matched() -> ControlWord {
    ControlWord::RandomMatched
}

fn default_draws() -> usize {
    10
}

impl Default for Control {
    fn default() -> Self {
        Self::RandomMatched { draws: default_draws(), seed: 0 }
    }
}

impl Control {
    /// How many sets are drawn for each that is named.
    pub fn draws(self) -> usize {
        match self {
            Self::None => 0,
            Self::RandomMatched { draws, .. } => draws,
        }
    }
}

impl From<WrittenControl> for Control {
    fn from(written: WrittenControl) -> Self {
        match written {
            WrittenControl::ControlWord(ControlWord::None)
            | WrittenControl::ControlTable(ControlTable { kind: ControlWord::None, .. }) => Self::None,
            WrittenControl::ControlWord(ControlWord::RandomMatched) => Self::default(),
            WrittenControl::ControlTable(ControlTable { draws, seed, .. }) => Self::RandomMatched { draws, seed },
        }
    }
}

impl Serialize for Control {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::None => ControlWord::None.serialize(serializer),
            control if control == Self::default() => ControlWord::RandomMatched.serialize(serializer),
            Self::RandomMatched { draws, seed } => {
                ControlTable { kind: ControlWord::RandomMatched, draws, seed }.serialize(serializer)
            }
        }
    }
}

schema_of!(Control, |_| {
    "description": "\"random-matched\": as many other units of the same kind in each layer, drawn at random. \"none\": nothing. Or a table \
                    with the number of draws and their seed.",
    "anyOf": [
        { "type": "string", "oneOf": [{ "const": "random-matched" }, { "const": "none" }] },
        {
            "type": "object",
            "properties": {
                "kind": { "type": "string", "oneOf": [{ "const": "random-matched" }] },
                "draws": { "type": "integer", "minimum": 1, "maximum": 1000 },
                "seed": { "type": "integer", "minimum": 0 },
            },
            "additionalProperties": false,
        },
    ],
});
