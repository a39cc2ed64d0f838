//! A model's weights, from its files to its devices.

use super::checkpoint::Checkpoint;
use super::device;
use super::error::ModelError;
use super::host::HostModel;
use super::processing::Processed;
use super::residence::{Residence, TooLittleMemory, WeightBudget};
use super::transformer::{Holding, LentLayers, Transformer};
use super::weights::{WeightError, WeightReads};
use crate::spec;
use burn::tensor::{DType, Device};
use std::path::Path;

/// The model on the first of its devices, and on the others, which share its rows. `again` finds its files once more: tensors go from
/// files to a device one by one, so that main memory never holds the model.
///
/// # Errors
/// Weights that cannot be read, and less memory than what has to be held.
pub(super) fn load(
    host: Checkpoint,
    spec: &spec::Model,
    (first, others): &(Device, Vec<Device>),
    again: &dyn Fn() -> Result<Checkpoint, ModelError>,
) -> Result<(Transformer, Vec<Transformer>), ModelError> {
    let as_stored = is_as_stored(spec);
    let host = host.as_stored(as_stored);
    let again = || Ok::<_, ModelError>(again()?.as_stored(as_stored));
    let reads = WeightReads::default();
    let holding = |layers| Holding { dtype: DType::from(spec.dtype), as_stored, layers };
    let lasting = |host: Checkpoint| Box::new(Processed::new(host.outlasting(&reads), spec.processed()));
    let layers = host.facts().n_layers;
    let loaded = match residence(&host, spec)? {
        None => {
            let on =
                |host, device| Transformer::load_as(&Processed::new(host, spec.processed()), device, holding(layers));
            let model = on(host, first)?;
            let copies = others.iter().map(|other| match other == first {
                true => Ok(model.clone()),
                false => Ok(on(again()?, other)?),
            });
            let copies = copies.collect::<Result<_, ModelError>>()?;
            (model, copies)
        }
        Some(Residence { held, .. }) if others.is_empty() => {
            (Transformer::load_streamed(lasting(host), reads.clone(), first, holding(held))?, Vec::new())
        }
        Some(Residence { shares, .. }) => {
            let devices = || std::iter::once(first).chain(others);
            let shares: Vec<(Device, usize)> = devices().cloned().zip(shares).collect();
            let lent = LentLayers::hold(&*lasting(again()?), &shares, holding(0))?;
            let on = |holder, host, device| {
                Transformer::load_lending(lasting(host), reads.clone(), device, holding(0), (lent.clone(), holder))
            };
            let model = on(0, host, first)?;
            let copies = others.iter().zip(1..).map(|(device, holder)| Ok(on(holder, again()?, device)?));
            let copies = copies.collect::<Result<_, ModelError>>()?;
            (model, copies)
        }
    };
    match reads.failure() {
        Some(failure) => Err(WeightError::format(Path::new(&spec.source), failure).into()),
        None => Ok(loaded),
    }
}

/// Which weights are in memory; `None` where all are, on each device.
///
/// # Errors
/// A budget that is less than what has to be held.
pub(super) fn residence(host: &Checkpoint, spec: &spec::Model) -> Result<Option<Residence>, TooLittleMemory> {
    let devices = spec.device.all().count();
    let budget = match spec.memory_mib {
        Some(mib) => WeightBudget::Written(mib),
        // The same device twice has no more memory than once.
        None if spec.device.different() == devices && devices > 1 => match device::least_memory(spec) {
            Some(bytes) => WeightBudget::Device(bytes),
            None => return Ok(None),
        },
        None => return Ok(None),
    };
    Residence::of(&Processed::new(host, spec.processed()), (bytes_each(spec), is_as_stored(spec)), budget, devices)
}

/// Bytes of a weight in memory, of one that is held in the type that the model computes in.
pub(super) fn bytes_each(spec: &spec::Model) -> usize {
    if spec.dtype == spec::Dtype::F32 { 4 } else { 2 }
}

/// Whether weights stay as they are stored: those that are narrower than what the model computes in.
pub(super) fn is_as_stored(spec: &spec::Model) -> bool {
    spec.storage == spec::Storage::AsStored && spec.dtype == spec::Dtype::F32
}
