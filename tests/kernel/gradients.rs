use super::{difference, tensor, to_f64};
use ablate::kernel::{self, ActivationFunction, LongFrequencies, NormFunction, NormKind, Pairing, Rotary, Scores};
use burn::tensor::{DType, Device, Tensor};

const ACTIVATIONS: [ActivationFunction; 4] =
    [ActivationFunction::Silu, ActivationFunction::Gelu, ActivationFunction::GeluTanh, ActivationFunction::Relu];

/// Value and the gradients of three inputs (of ranks `A`, `B`, `C`) of Σ output·weights, with `weights` fixed at random.
fn run<const A: usize, const B: usize, const C: usize, const O: usize>(
    shapes: ([usize; A], [usize; B], [usize; C]),
    function: &dyn Fn(Tensor<A>, Tensor<B>, Tensor<C>) -> Tensor<O>,
    device: &Device,
    dtype: DType,
) -> [Vec<f64>; 5] {
    let plain =
        (tensor(shapes.0, 1, device, dtype), tensor(shapes.1, 2, device, dtype), tensor(shapes.2, 3, device, dtype));
    let without_gradient = to_f64(function(plain.0, plain.1, plain.2));
    let device = device.clone().autodiff();
    let a = tensor(shapes.0, 1, &device, dtype).require_grad();
    let b = tensor(shapes.1, 2, &device, dtype).require_grad();
    let c = tensor(shapes.2, 3, &device, dtype).require_grad();
    let output = function(a.clone(), b.clone(), c.clone());
    let weights = tensor(output.dims(), 4, &device, dtype);
    let gradients = (output.clone() * weights).sum().backward();
    let value = to_f64(output);
    let zero = |len: usize| vec![0.0; len];
    [
        without_gradient,
        value,
        a.grad(&gradients).map_or(zero(shapes.0.iter().product()), to_f64),
        b.grad(&gradients).map_or(zero(shapes.1.iter().product()), to_f64),
        c.grad(&gradients).map_or(zero(shapes.2.iter().product()), to_f64),
    ]
}

#[track_caller]
fn same<const A: usize, const B: usize, const C: usize, const O: usize>(
    name: &str,
    shapes: ([usize; A], [usize; B], [usize; C]),
    tolerance: f64,
    function: impl Fn(Tensor<A>, Tensor<B>, Tensor<C>) -> Tensor<O>,
) {
    let device = Device::flex();
    let fast = run(shapes, &function, &device, DType::F32);
    let reference = run(shapes, &function, &device, DType::F64);
    assert!(reference[2..].iter().flatten().any(|x| *x != 0.0), "{name}: the reference has a gradient");
    for ((fast, reference), what) in
        fast.iter().zip(&reference).zip(["value", "recorded value", "d first", "d second", "d third"])
    {
        let worst = difference(fast, reference);
        assert!(worst < tolerance, "{name} {shapes:?}: {what} is off by {worst}");
    }
}

#[test]
fn activations() {
    for activation in ACTIVATIONS {
        for shape in [[1, 1, 1], [2, 3, 37], [3, 70, 401]] {
            same(&format!("{activation:?}"), (shape, [1], [1]), 3e-6, |x, _, _| kernel::activate(x * 3.0, activation));
            same(&format!("gated {activation:?}"), (shape, shape, [1]), 1e-5, |x, y, _| {
                kernel::gated(x * 3.0, y, activation)
            });
        }
    }
}

#[test]
fn norms() {
    for kind in [NormKind::Rms, NormKind::Layer] {
        let norm = NormFunction { kind, eps: 1e-5, wide_scale: false };
        for shape in [[1, 1, 2], [2, 3, 37], [40, 20, 64]] {
            same(&format!("{kind:?}"), (shape, [1], [1]), 2e-5, |x, _, _| kernel::normalize(x, &norm));
            same("norm parts", (shape, [1], [1]), 2e-5, |x, _, _| {
                let (centred, divisor) = kernel::norm_parts(x, &norm);
                centred / divisor
            });
        }
    }
}

#[test]
fn scale_and_shift() {
    for [batch, pos, width] in [[1, 1, 1], [2, 3, 37], [40, 20, 64]] {
        let shapes = ([batch, pos, width], [width], [width]);
        same("both", shapes, 1e-4, |x, scale, shift| kernel::scale_and_shift(x, Some(scale), Some(shift)));
        same("scale", shapes, 1e-4, |x, scale, _| kernel::scale_and_shift(x, Some(scale), None));
    }
}

#[test]
fn linear() {
    for [batch, pos, d_in, d_out] in [[1, 1, 1, 1], [2, 3, 5, 7], [3, 1, 64, 33], [64, 5, 96, 130]] {
        let shapes = ([batch, pos, d_in], [d_in, d_out], [d_out]);
        same("linear", shapes, 2e-4, |x, w, _| kernel::linear(x, w, None));
        same("with bias", shapes, 2e-4, |x, w, b| kernel::linear(x, w, Some(b)));
        // A view that is not contiguous: the last position only.
        same("last position", shapes, 2e-4, |x, w, _| kernel::linear(x.narrow(1, pos - 1, 1), w, None));
    }
}

#[test]
fn attention() {
    for [batch, queries, keys, heads, kv_heads, d_head] in [
        [1, 1, 1, 1, 1, 1],
        [2, 4, 4, 3, 3, 5],
        [3, 1, 5, 4, 2, 16],
        [2, 3, 7, 6, 2, 20],
        [70, 4, 4, 4, 4, 16],
        [2, 65, 65, 2, 1, 32],
    ] {
        let shapes =
            ([batch, queries, heads, d_head], [batch, keys, kv_heads, d_head], [batch, keys, kv_heads, d_head]);
        let others =
            [Scores { factor: 1.7, cap: Some(0.4), window: Some(3) }, Scores { window: Some(2), ..Scores::STANDARD }];
        for scores in [Scores::STANDARD, others[0], others[1]] {
            same("attention", shapes, 1e-5, |q, k, v| kernel::attention(q, k, v, scores));
        }
    }
}

#[test]
fn attention_in_parts_is_attention() {
    let device = Device::flex();
    let q = tensor([3, 4, 6, 16], 1, &device, DType::F32);
    let (k, v) = (tensor([3, 9, 2, 16], 2, &device, DType::F32), tensor([3, 9, 2, 16], 3, &device, DType::F32));
    for scores in [Scores::STANDARD, Scores { factor: 3.0, cap: Some(0.7), window: Some(4) }] {
        let (q, k, v) = (q.clone(), k.clone(), v.clone());
        let whole = kernel::attention(q.clone(), k.clone(), v.clone(), scores);
        let parts = kernel::attention_mix(kernel::attention_pattern(kernel::attention_scores(q, k, scores)), v);
        assert!(difference(&to_f64(whole), &to_f64(parts)) < 2e-6);
    }
}

#[test]
fn rotation() {
    for pairing in [Pairing::HalfSplit, Pairing::Interleaved] {
        for (pairs, shape) in [(1, [1, 1, 1, 2]), (4, [2, 5, 3, 8]), (3, [2, 5, 3, 11]), (16, [30, 9, 4, 64])] {
            let rotary = Rotary::new((0..pairs).map(|i| 0.1f32.powi(i)).collect(), pairing);
            same("rotation", (shape, [1], [1]), 2e-6, |x, _, _| kernel::rotate(x, &rotary, 3));
            let long = LongFrequencies { beyond: 7, inv_freq: rotary.inv_freq.iter().map(|f| f / 3.0).collect() };
            let rotary = Rotary { magnitude: 1.25, long: Some(long), ..rotary };
            same("larger rotation", (shape, [1], [1]), 2e-6, |x, _, _| kernel::rotate(x, &rotary, 3));
        }
    }
}

#[test]
fn cross_entropy() {
    for [batch, n_vocab] in [[1, 1], [1, 2], [5, 105], [256, 33]] {
        let targets: Vec<u32> = (0..batch as u32).map(|i| (i * 7) % n_vocab as u32).collect();
        // One vocabulary entry has no gradient to compare; its loss is 0.
        if n_vocab == 1 {
            let loss = kernel::cross_entropy(tensor([1, 1], 1, &Device::flex(), DType::F32), &targets);
            assert_eq!(to_f64(loss), [0.0]);
            continue;
        }
        same("cross-entropy", ([batch, n_vocab], [1], [1]), 2e-6, |x, _, _| kernel::cross_entropy(x * 4.0, &targets));
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let device = Device::flex().autodiff();
            let x = tensor([64, 4, 64], 1, &device, DType::F32).require_grad();
            let w = tensor([64, 256], 2, &device, DType::F32).require_grad();
            let norm = NormFunction { kind: NormKind::Rms, eps: 1e-5, wide_scale: false };
            let y = kernel::linear(kernel::normalize(x.clone(), &norm), w.clone(), None);
            let y = kernel::gated(y.clone(), y, ActivationFunction::Silu);
            let q = y.reshape([64, 4, 4, 64]);
            let z = kernel::attention(q.clone(), q.clone(), q, Scores::STANDARD);
            let gradients = z.sum().backward();
            [x.grad(&gradients).map(to_f64), w.grad(&gradients).map(to_f64)]
        })
    };
    assert_eq!(run(1), run(2));
    assert_eq!(run(1), run(5));
}
