//! A fixture's recorded values, and a model run with every activation recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::support::device;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::hook::{Hook, HookValue, Hooks};
use ablate::model::processing::Processed;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::model::weights::{Safetensors, WeightSource};
use ablate::spec::Processing;
use burn::tensor::{DType, Device};

/// Values by name, with their shapes.
pub type Values = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Where a fixture is: of `make_models.py`, or of `make_families.py`.
pub fn folder(model: &str) -> PathBuf {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let made = match model {
        _ if super::families::FAMILIES.contains(&model) => "families",
        _ if super::families::EXPERTS.contains(&model) => "experts",
        _ => "models",
    };
    fixtures.join(made).join(model)
}

/// What the reference program computed: `logits` and hooks, and after processing the same under `processed/`.
pub struct Reference {
    pub tokens: Tokens,
    pub plain: Values,
    pub processed: Values,
}

impl Reference {
    pub fn read(model: &str) -> Self {
        let path = folder(model).join("reference.safetensors");
        let source = Safetensors::open(&path).unwrap();
        let (mut plain, mut processed) = (Values::new(), Values::new());
        for (name, info) in source.tensors().iter().filter(|(name, _)| *name != "tokens") {
            let mut data = vec![0.0; info.shape.iter().product()];
            source.read(name, 0, &mut data).unwrap();
            match name.strip_prefix("processed/") {
                Some(name) => processed.insert(name.to_owned(), (info.shape.clone(), data)),
                None => plain.insert(name.clone(), (info.shape.clone(), data)),
            };
        }
        let derived = if super::families::all().any(|name| name == model) {
            super::norms::under_other_names(&plain)
        } else {
            super::norms::derived(model, &plain)
        };
        plain.extend(derived);
        Self { tokens: tokens(&path), plain, processed }
    }
}

/// The one tensor of integers, through the format's own library.
fn tokens(path: &std::path::Path) -> Tokens {
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let view = file.tensor("tokens").unwrap();
    let ids = view.data().as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as u32).collect();
    Tokens { ids, batch: view.shape()[0], pos: view.shape()[1] }
}

/// Runs a fixture and records the logits and every activation.
pub fn run(model: &str, tokens: &Tokens, processing: Processing, dtype: DType) -> Values {
    run_on(device::device(), model, tokens, processing, dtype)
}

/// The same on a device.
pub fn run_on(device: Device, model: &str, tokens: &Tokens, processing: Processing, dtype: DType) -> Values {
    let host = Processed::new(Checkpoint::open(&folder(model)).unwrap(), processing);
    let transformer = Transformer::load(&host, &device, dtype).unwrap();
    let mut recorder = Recorder(Values::new());
    let logits = transformer.forward(tokens, &mut recorder);
    let mut values = recorder.0;
    values.insert("logits".into(), (logits.dims().to_vec(), floats(logits.into_data())));
    values
}

struct Recorder(Values);

impl Hooks for Recorder {
    fn wants(&self, _: Hook) -> bool {
        true
    }

    fn visit(&mut self, hook: Hook, value: HookValue) -> HookValue {
        let recorded = match &value {
            HookValue::Stream(value) => (value.dims().to_vec(), floats(value.clone().into_data())),
            HookValue::Heads(value) => (value.dims().to_vec(), floats(value.clone().into_data())),
        };
        assert!(self.0.insert(hook.to_string(), recorded).is_none(), "{hook} visited twice");
        value
    }
}

fn floats(data: burn::tensor::TensorData) -> Vec<f32> {
    data.convert::<f32>().try_to_vec().unwrap()
}

/// Every value of `wanted` is in `found`, in the same shape and within `tolerance`, which is absolute up to unit scale and
/// relative to the value beyond; masked attention scores, which differ between programs, are left out.
pub fn compare(model: &str, wanted: &Values, found: &Values, tolerance: f32) {
    let mut wrong = Vec::new();
    let tolerance = device::tolerance(tolerance);
    for (name, (shape, values)) in wanted {
        let Some((found_shape, found)) = found.get(name) else {
            wrong.push(format!("{name} is not computed"));
            continue;
        };
        if found_shape != shape {
            wrong.push(format!("{name} is {found_shape:?}, should be {shape:?}"));
            continue;
        }
        let masked = |index: usize| {
            let length = *shape.last().unwrap();
            name.ends_with("attn_scores") && index % length > index / length % length
        };
        let error = |(index, (found, wanted)): (usize, (&f32, &f32))| {
            if masked(index) || found == wanted { 0.0 } else { (found - wanted).abs() / wanted.abs().max(1.0) }
        };
        let errors = found.iter().zip(values).enumerate().map(error);
        let largest = errors.fold(0.0, |a: f32, b| if b.is_nan() { f32::INFINITY } else { a.max(b) });
        if largest > tolerance {
            wrong.push(format!("{name} is off by {largest:.1e}"));
        }
    }
    assert!(wrong.is_empty(), "{model}:\n  {}", wrong.join("\n  "));
}
