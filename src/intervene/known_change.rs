//! Edits whose outcome does not depend on what stands there, written without reading it: a read would wait until the device is done with all
//! that it was asked for before.

use super::edit::{Change, Edit};
use crate::kernel;
use burn::tensor::{DType, Tensor};

/// Which of two kinds edits are that need not know what they change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KnownChange {
    /// Each puts a value in the place of another.
    Replaced,
    /// Each adds a value.
    Added,
}

impl KnownChange {
    /// That of some edits; `None` where one has to know what it changes, or they are of both kinds.
    pub fn of<'e>(edits: impl Iterator<Item = &'e Edit>) -> Option<Self> {
        let mut kinds = edits.map(|edit| match &edit.change {
            // Part of the way from what stands there to the value: needs both.
            Change::Replace { strength, .. } if *strength == 1.0 => Some(Self::Replaced),
            Change::Add { .. } => Some(Self::Added),
            _ => None,
        });
        let first = kinds.next()??;
        kinds.all(|kind| kind == Some(first)).then_some(first)
    }

    /// `part` after the edits, which `write` makes in an array of its shape.
    pub fn write<const D: usize>(self, part: Tensor<D>, write: impl Fn(&mut [f32])) -> Tensor<D> {
        let (device, dtype, shape) = (part.device(), part.dtype(), part.dims());
        let count = shape.iter().product();
        let over = |value: f32| {
            let mut data = vec![value; count];
            write(&mut data);
            data
        };
        let values = over(0.0);
        let tensor = |data: Vec<f32>, dtype| kernel::from_f32::<D>(data, shape, (&device, dtype));
        match self {
            Self::Added => {
                // In f32, as in main memory: a half-width type would round the value before it is added.
                (part.cast(DType::F32) + tensor(values, DType::F32)).cast(dtype)
            }
            Self::Replaced => {
                // What comes out alike whatever stood there is what was replaced.
                let replaced: Vec<bool> =
                    values.iter().zip(over(1.0)).map(|(zero, one)| zero.to_bits() == one.to_bits()).collect();
                if replaced.iter().all(|&replaced| replaced) {
                    return tensor(values, dtype);
                }
                part.mask_where(kernel::mask(replaced, shape, &device), tensor(values, dtype))
            }
        }
    }
}
