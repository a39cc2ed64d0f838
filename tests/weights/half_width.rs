//! Matrices that are held in half width: each value is what burn rounds it to, however the matrix was read.

use super::fixture;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::facts::Facts;
use ablate::model::host::{EachLinear, HostBlock, HostEmbedding, HostHead, HostLinear, HostModel};
use ablate::model::transformer::{Holding, Transformer};
use ablate::model::weights::WeightError;
use burn::tensor::{DType, Device, TensorData};
use half::f16;

/// A model whose matrices have every kind of value: ties, what is too small or too large for half width, and what is no number.
struct Uneven(Checkpoint);

const VALUES: [f32; 16] = [
    1.0,
    -0.0,
    1.0 + 1.0 / 256.0,
    1.0 + 3.0 / 256.0,
    0.99999,
    1e-8,
    -6e-8,
    1e-40,
    65_504.0,
    65_519.9,
    65_520.0,
    -1e6,
    3.4e38,
    f32::NAN,
    f32::NEG_INFINITY,
    0.333_333,
];

fn uneven(linear: &mut HostLinear) {
    let values = linear.weight.data.iter_mut().zip(VALUES.iter().cycle());
    values.enumerate().for_each(|(place, (value, odd))| *value = if place % 3 == 0 { *value } else { *odd });
}

impl HostModel for Uneven {
    fn facts(&self) -> &Facts {
        self.0.facts()
    }

    fn embedding(&self) -> Result<HostEmbedding, WeightError> {
        self.0.embedding()
    }

    fn block_with(&self, layer: usize, each: &mut EachLinear) -> Result<HostBlock, WeightError> {
        self.0.block_with(layer, &mut |place, norms, mut linear| {
            uneven(&mut linear);
            each(place, norms, linear)
        })
    }

    fn head(&self) -> Result<HostHead, WeightError> {
        let mut head = self.0.head()?;
        uneven(&mut head.unembed);
        Ok(head)
    }
}

/// Of what is no number, only that it is none.
fn bits(data: TensorData) -> Vec<u32> {
    data.convert::<f32>().iter::<f32>().map(|value| if value.is_nan() { u32::MAX } else { value.to_bits() }).collect()
}

#[test]
fn matrices_in_half_width_are_those_in_f32_rounded() {
    let host = Uneven(Checkpoint::open(&fixture("llama-gqa")).unwrap());
    let layers = host.facts().n_layers;
    let loaded = |dtype, as_stored| {
        let holding = Holding { dtype, as_stored, layers };
        Transformer::load_as(&host, &Device::flex(), holding).unwrap()
    };
    let matrices = |model: &Transformer| -> Vec<TensorData> {
        let blocks = model.blocks.iter().flat_map(|block| {
            let mlp = block.mlp.dense().expect("no experts");
            let attention = &block.attention;
            [&attention.q, &attention.k, &attention.v, &attention.o, &mlp.up, &mlp.down]
        });
        blocks.chain([&model.unembed]).map(|linear| linear.weight.val().into_data()).collect()
    };
    let whole = matrices(&loaded(DType::F32, false));
    for dtype in [DType::BF16, DType::F16] {
        let halves = matrices(&loaded(dtype, false));
        for (half, whole) in halves.into_iter().zip(whole.clone()) {
            assert_eq!((half.dtype(), half.shape()), (dtype, whole.shape()));
            assert_eq!(bits(half), bits(whole.convert_dtype(dtype)));
        }
    }
    for (kept, whole) in matrices(&loaded(DType::F32, true)).into_iter().zip(whole) {
        assert_eq!((kept.dtype(), bits(kept)), (DType::F32, bits(whole)), "no half width has all of them");
    }
}

/// Room of a matrix that is in half width now is that of the next one, which does not keep more of it than it needs.
#[test]
fn a_matrix_that_stays_in_f32_keeps_no_room_of_a_larger_one() {
    let host = Checkpoint::open(&fixture("llama-gqa")).unwrap();
    let mut count = 0;
    let block = host.block_with(0, &mut |_, _, mut linear| {
        count += 1;
        // The queries' alone, which are the largest of attention.
        linear.half = (count == 1).then(|| TensorData::zeros::<f16, _>(linear.weight.shape.clone()));
        linear
    });
    let block = block.unwrap();
    assert!(block.q.weight.data.is_empty() && block.k.weight.shape[1] < block.q.weight.shape[1]);
    for linear in [&block.k, &block.v, &block.o] {
        assert_eq!(linear.weight.data.capacity(), linear.weight.data.len());
    }
}
