//! Layers that devices lend each other. Each device holds some of them, and gets the others, one at a time, when they are computed:
//! a sweep needs a layer once for all rows, so that weights go from device to device seldom and all devices compute at once.

use super::{Block, Holding, LayerAttention, Upload};
use crate::model::host::HostModel;
use crate::model::weights::WeightError;
use burn::module::Module;
use burn::tensor::Device;
use std::fmt;
use std::sync::Arc;

/// The layers that devices hold for each other.
#[derive(Clone, Default)]
pub struct LentLayers(Arc<[Lent]>);

/// A layer, and which of the devices holds it.
struct Lent {
    block: Arc<Block>,
    holder: usize,
}

impl LentLayers {
    /// The first layers of `host`: as many as `shares` says on each device, the first ones on the first.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn hold(host: &dyn HostModel, shares: &[(Device, usize)], holding: Holding) -> Result<Self, WeightError> {
        let facts = host.facts().clone();
        let holders = shares
            .iter()
            .enumerate()
            .flat_map(|(holder, (device, share))| std::iter::repeat_n((holder, device), *share));
        let lent = holders.take(facts.n_layers).enumerate().map(|(layer, (holder, device))| {
            let upload = Upload { device, dtype: holding.dtype, as_stored: holding.as_stored };
            let block = Block::upload(upload.block(host, layer)?, &facts, LayerAttention::of(&facts, layer), &upload);
            Ok(Lent { block: Arc::new(block), holder })
        });
        Ok(Self(lent.collect::<Result<_, WeightError>>()?))
    }

    /// A layer that a device holds itself.
    pub(super) fn own(&self, layer: usize, holder: usize) -> Option<&Arc<Block>> {
        self.0.get(layer).filter(|lent| lent.holder == holder).map(|lent| &lent.block)
    }

    /// Whether some device holds a layer.
    pub(super) fn has(&self, layer: usize) -> bool {
        layer < self.0.len()
    }

    /// A layer that some device holds, moved to `device`.
    pub(super) fn moved(&self, layer: usize, device: &Device) -> Option<Block> {
        Some((*self.0.get(layer)?.block).clone().to_device(device))
    }
}

impl fmt::Debug for LentLayers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holders: Vec<usize> = self.0.iter().map(|lent| lent.holder).collect();
        write!(f, "layers held by devices {holders:?}")
    }
}
