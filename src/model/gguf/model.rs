//! The model in a GGUF file.

use super::architecture::Architecture;
use super::describe::Described;
use super::file::Gguf;
use super::names;
use super::rotation::{FREQUENCY_FACTORS, LONG_FACTORS, LongFactors, SHORT_FACTORS};
use super::weights::GgufWeights;
use crate::model::checkpoint::Checkpoint;
use crate::model::config::ConfigError;
use crate::model::facts::{Facts, PositionEncoding, Window};
use crate::model::family::{self, Description};
use crate::model::weights::WeightError;

impl Gguf {
    /// The model in the file: its facts, and its weights in the layout that ablate uses. No weight is read.
    ///
    /// # Errors
    /// An architecture or a setting that is not supported; tensors that are missing, unexpected or of wrong shapes.
    pub fn model(self) -> Result<Checkpoint, WeightError> {
        let failed = |reason: String| WeightError::config(self.path(), reason);
        let architecture = Architecture::of(self.metadata()).map_err(failed)?;
        let factors = self.long_factors(architecture)?;
        let Described { config, window, mut notes } = architecture.describe(&self, factors).map_err(failed)?;
        let described = family::from_config(&config).map_err(|ConfigError(reason)| failed(reason))?;
        let mut facts = described.facts;
        self.scale_frequencies(&mut facts)?;
        if let Some(tokens) = window {
            facts.window = Some(Window { tokens, layers: (0..facts.n_layers).collect() });
        }
        let names = names::names(&facts, architecture.fused_gate, |name| self.get(name).is_some());
        for expected in names.expected(facts.n_vocab, facts.n_ctx, facts.d_model) {
            if self.get(&expected.name).is_some() {
                self.readable(&expected.name)?;
            }
        }
        notes.extend(described.notes);
        let source = GgufWeights::new(self, &facts, architecture.interleaved);
        Checkpoint::new(Description { facts, names, notes }, Box::new(source))
    }

    /// Divides the rotary frequencies by the factors in `rope_freqs.weight`: how the format stores Llama 3.1's scaling.
    fn scale_frequencies(&self, facts: &mut Facts) -> Result<(), WeightError> {
        let (Some(tensor), PositionEncoding::Rotary(rotary)) = (self.get(FREQUENCY_FACTORS), &mut facts.positions)
        else {
            return Ok(());
        };
        if rotary.windowed.is_some() {
            let problem = format!("'{FREQUENCY_FACTORS}' of layers that are rotated differently is not supported");
            return Err(WeightError::format(self.path(), problem));
        }
        let frequencies = &mut rotary.table.inv_freq;
        if tensor.shape != [frequencies.len()] {
            let (found, expected) = (&tensor.shape, frequencies.len());
            let problems = vec![format!("wrong shape: '{FREQUENCY_FACTORS}' is {found:?}, should be [{expected}]")];
            return Err(WeightError::Mismatch { path: self.path().to_owned(), problems });
        }
        let factors = self.factors(FREQUENCY_FACTORS)?;
        frequencies.iter_mut().zip(factors).for_each(|(frequency, factor)| *frequency /= factor);
        Ok(())
    }

    /// Divisors of the frequencies of short and of long prompts.
    fn long_factors(&self, architecture: &Architecture) -> Result<Option<LongFactors>, WeightError> {
        match (architecture.has_long_factors(), self.get(SHORT_FACTORS), self.get(LONG_FACTORS)) {
            (_, None, None) => Ok(None),
            (true, Some(_), Some(_)) => {
                Ok(Some(LongFactors { short: self.factors(SHORT_FACTORS)?, long: self.factors(LONG_FACTORS)? }))
            }
            (true, ..) => {
                let problem = format!("'{SHORT_FACTORS}' and '{LONG_FACTORS}' must both be there, or neither");
                Err(WeightError::format(self.path(), problem))
            }
            (false, ..) => {
                let name = architecture.name;
                let problem = format!("'{SHORT_FACTORS}' and '{LONG_FACTORS}' are not supported in {name}");
                Err(WeightError::format(self.path(), problem))
            }
        }
    }

    /// A tensor of divisors of frequencies.
    fn factors(&self, name: &str) -> Result<Vec<f32>, WeightError> {
        let factors = self.tensor(name)?;
        match factors.iter().find(|factor| !(factor.is_finite() && **factor > 0.0)) {
            Some(factor) => {
                Err(WeightError::format(self.path(), format!("'{name}' holds {factor}, which is not a factor")))
            }
            None => Ok(factors),
        }
    }
}
