//! How fast this machine runs the models of a command.

use super::Speed;
use crate::Error;
use crate::context::Models;
use crate::cost::Workload;
use crate::model::facts::Facts;
use crate::model::{ModelName, Residence, device};
use crate::spec::Dtype;
use burn::tensor::DType;

/// How fast this machine runs models, timed once for each shape and precision.
#[derive(Default)]
pub struct Speeds {
    speeds: Vec<((Facts, String, Dtype), Speed)>,
    /// Seconds of reading a layer, of models that hold not all.
    reading: Vec<(ModelName, f64)>,
}

impl Speeds {
    /// How fast it runs a model.
    ///
    /// # Errors
    /// Models and devices that are not there.
    pub fn of(&mut self, name: &ModelName, models: &Models) -> Result<Speed, Error> {
        let sketch = models.sketch(name)?;
        let settings = models.settings(name);
        let wanted = settings.map(|spec| spec.device.first()).unwrap_or_default();
        let devices = settings.map_or(1, |spec| spec.device.different());
        let device = device::open(wanted).map_err(Error::refused(format!("model '{name}'")))?;
        let key = (sketch.card.facts.clone(), wanted.to_string(), models.dtype(name));
        if let Some((_, speed)) = self.speeds.iter().find(|(other, _)| *other == key) {
            return Ok(speed.of_each(devices));
        }
        let speed = Speed::of(&key.0, &device, DType::from(key.2));
        self.speeds.push((key, speed));
        Ok(speed.of_each(devices))
    }

    /// What a step reads of a model whose devices hold not all layers each, and the seconds that it takes, beside the arithmetic.
    ///
    /// # Errors
    /// Models that are not there.
    pub fn reading(
        &mut self,
        work: &Workload,
        name: &ModelName,
        models: &Models,
    ) -> Result<Option<PlannedReading>, Error> {
        let sketch = models.sketch(name)?;
        let Some(residence) = sketch.card.residence.clone() else { return Ok(None) };
        let timed = self.reading.iter().find(|(other, _)| other == name).map(|(_, seconds)| *seconds);
        let of_layer = match timed {
            Some(seconds) => seconds,
            None => models.time_reading(name)?.unwrap_or_default(),
        };
        if timed.is_none() {
            self.reading.push((name.clone(), of_layer));
        }
        let layers = (residence.layers - residence.held) as f64;
        Ok(Some(PlannedReading {
            passes: work.passes,
            bytes: work.passes * residence.read_bytes,
            seconds: work.passes as f64 * layers * of_layer,
            residence,
        }))
    }
}

/// What a step reads of a model that holds not all of its layers.
pub struct PlannedReading {
    /// The model's layers, those that are held, and what the others take.
    pub residence: Residence,
    /// Times that the others are read.
    pub passes: u64,
    /// Bytes of all that.
    pub bytes: u64,
    /// Seconds of it.
    pub seconds: f64,
}
