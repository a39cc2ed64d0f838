//! Each operation against its definition, written out in f64 a value at a time: random shapes, odd sizes and one of everything among
//! them, in tensors that are dense and in views of others.

use super::{difference, tensor, to_f64, values};
use ablate::kernel::{
    self, ActivationFunction, Adam, LongFrequencies, Moments, NormFunction, NormKind, Pairing, Past, Rotary, Scores,
};
use burn::tensor::{DType, Device, Tensor, TensorData};
use proptest::prelude::*;

/// How a tensor lies in memory.
#[derive(Debug, Clone, Copy)]
enum Layout {
    Dense,
    /// The first and the last dimension of another, swapped.
    Swapped,
    /// The middle of longer rows.
    Part,
}

fn layout() -> impl Strategy<Value = Layout> {
    prop_oneof![Just(Layout::Dense), Just(Layout::Swapped), Just(Layout::Part)]
}

fn scores() -> impl Strategy<Value = Scores> {
    let cap = prop_oneof![Just(None), (0.1f64..3.0).prop_map(Some)];
    let window = prop_oneof![Just(None), (1usize..8).prop_map(Some)];
    (prop_oneof![Just(1.0), 0.2f64..4.0], cap, window).prop_map(|(factor, cap, window)| Scores { factor, cap, window })
}

fn laid<const D: usize>(mut shape: [usize; D], seed: u64, layout: Layout) -> Tensor<D> {
    let (last, width) = (D - 1, shape[D - 1]);
    match layout {
        Layout::Dense => {}
        Layout::Swapped => shape.swap(0, last),
        Layout::Part => shape[last] += 3,
    }
    let whole = tensor(shape, seed, &Device::flex(), DType::F32);
    match layout {
        Layout::Dense => whole,
        Layout::Swapped => whole.swap_dims(0, last),
        Layout::Part => whole.narrow(last, 2, width),
    }
}

fn near(fast: &[f64], naive: &[f64], tolerance: f64) -> Result<(), TestCaseError> {
    let worst = difference(fast, naive);
    prop_assert!(worst < tolerance, "off by {worst}: {fast:?} and {naive:?}");
    Ok(())
}

fn close<const D: usize>(fast: Tensor<D>, naive: &[f64], tolerance: f64) -> Result<(), TestCaseError> {
    near(&to_f64(fast), naive, tolerance)
}

fn log_sum_exp(row: &[f64]) -> f64 {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + row.iter().map(|x| (x - largest).exp()).sum::<f64>().ln()
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let total = log_sum_exp(row);
    row.iter().map(|x| (x - total).exp()).collect()
}

/// (2/√π)·∫ exp(−t²) from 0 to x, by Simpson's rule.
fn erf(x: f64) -> f64 {
    const PARTS: usize = 2000;
    let width = x / PARTS as f64;
    let weight = |part: usize| match part {
        0 | PARTS => 1.0,
        part if part % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let sum: f64 = (0..=PARTS).map(|part| weight(part) * (-(part as f64 * width).powi(2)).exp()).sum();
    2.0 / std::f64::consts::PI.sqrt() * sum * width / 3.0
}

fn activate(x: f64, activation: ActivationFunction) -> f64 {
    match activation {
        ActivationFunction::Silu => x / (1.0 + (-x).exp()),
        ActivationFunction::Gelu => x * 0.5 * (1.0 + erf(x / 2f64.sqrt())),
        ActivationFunction::GeluTanh => {
            x * 0.5 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }
        ActivationFunction::Relu => x.max(0.0),
    }
}

/// Attention of one row's queries `[queries, heads, d_head]` to its keys and values `[keys, kv_heads, d_head]`.
fn attend(
    [queries, heads, d_head]: [usize; 3],
    kv_heads: usize,
    [q, k, v]: [&[f64]; 3],
    Scores { factor, cap, window }: Scores,
) -> Vec<f64> {
    let keys = k.len() / (kv_heads * d_head);
    let mut z = vec![0.0; q.len()];
    for (query, head) in (0..queries).flat_map(|query| (0..heads).map(move |head| (query, head))) {
        let own = (query * heads + head) * d_head;
        let key = |position: usize| (position * kv_heads + head / (heads / kv_heads)) * d_head;
        let place = keys - queries + query;
        let seen = window.map_or(0, |window| (place + 1).saturating_sub(window))..place + 1;
        let score = |position: usize| -> f64 {
            let product = (0..d_head).map(|i| q[own + i] * k[key(position) + i]).sum::<f64>();
            let score = factor * product / (d_head as f64).sqrt();
            cap.map_or(score, |cap| cap * (score / cap).tanh())
        };
        let pattern = softmax(&seen.clone().map(score).collect::<Vec<_>>());
        for (position, weight) in seen.zip(pattern) {
            (0..d_head).for_each(|i| z[own + i] += weight * v[key(position) + i]);
        }
    }
    z
}

/// The rows of a tensor, `[row, …]`, one after another.
fn rows(values: &[f64], count: usize) -> std::slice::ChunksExact<'_, f64> {
    values.chunks_exact(values.len() / count)
}

/// Extents of an attention: rows, queries, further keys, key/value heads, query heads of each, d_head.
fn extents() -> impl Strategy<Value = [usize; 6]> {
    // Widths that are read in sixteens and in sixty-fours are the common ones.
    let d_head = prop_oneof![1usize..20, (1usize..9).prop_map(|sixteens| 16 * sixteens), 60usize..100];
    let further = prop_oneof![0usize..6, 6usize..40];
    ([1usize..5, 1..8], further, [1usize..4, 1..4], d_head).prop_map(
        |([rows, queries], further, [kv_heads, group], d_head)| [rows, queries, further, kv_heads, group, d_head],
    )
}

fn logits() -> impl Strategy<Value = (usize, usize, u64)> {
    (1usize..20, 1usize..150, any::<u64>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn products_are_sums(
        [batch, pos, d_in, d_out] in [1usize..4, 1..40, 1..150, 1..150], x in layout(), w in layout(), seed in any::<u64>(),
    ) {
        let (x, w) = (laid([batch, pos, d_in], seed, x), laid([d_in, d_out], seed ^ 1, w));
        let b = tensor([d_out], seed ^ 2, &Device::flex(), DType::F32);
        let [xs, ws, bs] = [to_f64(x.clone()), to_f64(w.clone()), to_f64(b.clone())];
        let row = |x: &[f64]| -> Vec<f64> {
            (0..d_out).map(|o| x.iter().enumerate().map(|(i, x)| x * ws[i * d_out + o]).sum()).collect()
        };
        let naive: Vec<f64> = xs.chunks_exact(d_in).flat_map(row).collect();
        close(kernel::linear(x.clone(), w.clone(), None), &naive, 1e-4)?;
        let shifted: Vec<f64> = naive.chunks_exact(d_out).flat_map(|row| row.iter().zip(&bs).map(|(x, b)| x + b)).collect();
        close(kernel::linear(x.clone(), w.clone(), Some(b.clone())), &shifted, 1e-4)?;
        close(kernel::few_rows(|| kernel::linear(x.clone(), w.clone(), None)), &naive, 1e-4)?;
        close(kernel::few_rows(|| kernel::linear(x, w, Some(b))), &shifted, 1e-4)?;
    }

    /// Matrices that are cut into pieces.
    #[test]
    fn products_of_few_rows_are_those_of_many(rows in 1usize..10, d_in in 300usize..700, d_out in 900usize..2000, seed in any::<u64>()) {
        let x = laid([1, rows, d_in], seed, Layout::Dense);
        let w = laid([d_in, d_out], seed ^ 1, Layout::Dense);
        let b = tensor([d_out], seed ^ 2, &Device::flex(), DType::F32);
        let plain = to_f64(kernel::linear(x.clone(), w.clone(), Some(b.clone())));
        close(kernel::few_rows(|| kernel::linear(x, w, Some(b))), &plain, 1e-3)?;
    }

    #[test]
    fn norms_are_of_each_position(
        [batch, pos, width] in [1usize..5, 1..9, 1..200], layout in layout(), eps in 1e-5f64..1e-2, seed in any::<u64>(),
    ) {
        let x = laid([batch, pos, width], seed, layout);
        let xs = to_f64(x.clone());
        for kind in [NormKind::Rms, NormKind::Layer] {
            let row = |x: &[f64]| -> Vec<f64> {
                let mean = if kind == NormKind::Layer { x.iter().sum::<f64>() / width as f64 } else { 0.0 };
                let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
                x.iter().map(|x| (x - mean) / (variance + eps).sqrt()).collect()
            };
            let naive: Vec<f64> = xs.chunks_exact(width).flat_map(row).collect();
            // What is left of centring a row of nearly equal values is rounding, divided by √eps.
            close(kernel::normalize(x.clone(), &NormFunction { kind, eps, wide_scale: false }), &naive, 3e-4)?;
        }
        let (scale, shift) = (values(width, seed ^ 1), values(width, seed ^ 2));
        let vector = |values: &[f32]| Tensor::<1>::from_data(TensorData::new(values.to_vec(), [width]), &Device::flex());
        let naive: Vec<f64> =
            xs.iter().enumerate().map(|(i, x)| x * f64::from(scale[i % width]) + f64::from(shift[i % width])).collect();
        close(kernel::scale_and_shift(x, Some(vector(&scale)), Some(vector(&shift))), &naive, 1e-5)?;
    }

    #[test]
    fn activations_are_of_each_value([batch, pos, width] in [1usize..4, 1..7, 1..70], layout in layout(), seed in any::<u64>()) {
        let (x, gate) = (laid([batch, pos, width], seed, layout) * 3.0, laid([batch, pos, width], seed ^ 1, layout));
        let (xs, gates) = (to_f64(x.clone()), to_f64(gate.clone()));
        for activation in [ActivationFunction::Silu, ActivationFunction::Gelu, ActivationFunction::GeluTanh, ActivationFunction::Relu] {
            let naive: Vec<f64> = xs.iter().map(|&x| activate(x, activation)).collect();
            close(kernel::activate(x.clone(), activation), &naive, 3e-6)?;
            let naive: Vec<f64> = naive.iter().zip(&gates).map(|(x, gate)| x * gate).collect();
            close(kernel::gated(x.clone(), gate.clone(), activation), &naive, 1e-5)?;
        }
    }

    #[test]
    fn attention_mixes_the_values_of_what_a_query_sees(
        [batch, queries, more, kv_heads, group, d_head] in extents(), layout in layout(), scores in scores(), seed in any::<u64>(),
    ) {
        let (keys, heads) = (queries + more, kv_heads * group);
        let q = laid([batch, queries, heads, d_head], seed, layout);
        let [k, v] = [1, 2].map(|other| laid([batch, keys, kv_heads, d_head], seed ^ other, layout));
        let [qs, ks, vs] = [&q, &k, &v].map(|tensor| to_f64(tensor.clone()));
        let each = rows(&qs, batch).zip(rows(&ks, batch)).zip(rows(&vs, batch));
        let naive: Vec<f64> =
            each.flat_map(|((q, k), v)| attend([queries, heads, d_head], kv_heads, [q, k, v], scores)).collect();
        close(kernel::attention(q.clone(), k.clone(), v.clone(), scores), &naive, 1e-5)?;
        let pattern = kernel::attention_pattern(kernel::attention_scores(q.clone(), k.clone(), scores));
        for row in to_f64(pattern.clone()).chunks_exact(keys) {
            prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{row:?}");
        }
        close(kernel::attention_mix(pattern, v.clone()), &naive, 1e-5)?;
    }

    #[test]
    fn attention_after_a_past_is_attention_to_all_of_it(
        [batch, queries, more, kv_heads, group, d_head] in extents(), [prompts, len, unread] in [1usize..4, 0..40, 1..3],
        scores in scores(), seed in any::<u64>(),
    ) {
        let (own, heads) = (queries + more, kv_heads * group);
        let of: Vec<usize> = (0..batch).map(|row| (row * 5 + seed as usize % 7) % prompts).collect();
        let dense = |shape, other| laid(shape, seed ^ other, Layout::Dense);
        let q = dense([batch, queries, heads, d_head], 0);
        let [k, v] = [1, 2].map(|other| dense([batch, own, kv_heads, d_head], other));
        let [keys, past_values] = [3, 4].map(|other| dense([prompts, len + unread, kv_heads, d_head], other));
        let whole = |past: &Tensor<4>, own: &Tensor<4>| -> Vec<Vec<f64>> {
            let (past, own) = (to_f64(past.clone()), to_f64(own.clone()));
            let block = (len + unread) * kv_heads * d_head;
            let before = |row: usize| &past[of[row] * block..][..len * kv_heads * d_head];
            rows(&own, batch).enumerate().map(|(row, own)| [before(row), own].concat()).collect()
        };
        let (all_keys, all_values, qs) = (whole(&keys, &k), whole(&past_values, &v), to_f64(q.clone()));
        let row = |(row, q): (usize, &[f64])| {
            attend([queries, heads, d_head], kv_heads, [q, &all_keys[row], &all_values[row]], scores)
        };
        let naive: Vec<f64> = rows(&qs, batch).enumerate().flat_map(row).collect();
        let past = Past { keys, values: past_values, len, of: of.clone().into(), own: None };
        close(kernel::attention_after(q, k, v, &past, scores), &naive, 1e-5)?;
    }

    #[test]
    fn rotations_turn_pairs(
        [batch, pos, heads, pairs, rest] in [1usize..4, 1..9, 1..5, 1..9, 0..6], first in 0usize..20, layout in layout(),
        magnitude in prop_oneof![Just(1f32), 0.5f32..2.0], beyond in prop_oneof![Just(None), (0usize..30).prop_map(Some)],
        seed in any::<u64>(),
    ) {
        let d_head = 2 * pairs + rest;
        let x = laid([batch, pos, heads, d_head], seed, layout);
        let inv_freq: Vec<f32> = (0..pairs).map(|pair| 0.3f32.powi(pair as i32)).collect();
        let slow: Vec<f32> = inv_freq.iter().map(|frequency| frequency / 3.0).collect();
        let long = beyond.map(|beyond| LongFrequencies { beyond, inv_freq: slow.clone() });
        let in_use = if beyond.is_some_and(|beyond| first + pos > beyond) { &slow } else { &inv_freq };
        for pairing in [Pairing::HalfSplit, Pairing::Interleaved] {
            let mut naive = to_f64(x.clone());
            for (at, head) in naive.chunks_exact_mut(d_head).enumerate() {
                let place = first + at / heads % pos;
                for (pair, &frequency) in in_use.iter().enumerate() {
                    let (a, b) = match pairing {
                        Pairing::HalfSplit => (pair, pair + pairs),
                        Pairing::Interleaved => (2 * pair, 2 * pair + 1),
                    };
                    let (sin, cos) = (place as f64 * f64::from(frequency)).sin_cos();
                    let (sin, cos) = (f64::from(magnitude) * sin, f64::from(magnitude) * cos);
                    (head[a], head[b]) = (head[a] * cos - head[b] * sin, head[b] * cos + head[a] * sin);
                }
            }
            let rotary = Rotary { inv_freq: inv_freq.clone(), pairing, magnitude, long: long.clone() };
            close(kernel::rotate(x.clone(), &rotary, first), &naive, 1e-5)?;
        }
    }

    #[test]
    fn cross_entropy_is_that_of_the_right_tokens((batch, n_vocab, seed) in logits(), factor in 0.1f32..2.0) {
        let x = laid([batch, n_vocab], seed, Layout::Dense) * 4.0;
        let xs = to_f64(x.clone());
        let targets: Vec<u32> = (0..batch).map(|row| ((row as u64 * 31 + seed % 1000) % n_vocab as u64) as u32).collect();
        let losses: Vec<f64> =
            rows(&xs, batch).zip(&targets).map(|(row, &target)| log_sum_exp(row) - row[target as usize]).collect();
        let total: f64 = losses.iter().sum();
        close(kernel::cross_entropy(x.clone(), &targets), &[total / batch as f64], 1e-5)?;
        let mut gradient: Vec<f32> = x.into_data().try_to_vec().expect("f32");
        let loss = kernel::cross_entropy_of_rows(&mut gradient, &targets, n_vocab, factor);
        near(&[loss / batch as f64], &[total / batch as f64], 1e-5)?;
        let slope = |(row, &target): (&[f64], &u32)| {
            let chance = softmax(row);
            (0..n_vocab).map(move |i| f64::from(factor) * (chance[i] - f64::from(u8::from(i == target as usize)))).collect::<Vec<_>>()
        };
        let naive: Vec<f64> = rows(&xs, batch).zip(&targets).flat_map(slope).collect();
        near(&gradient.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), &naive, 1e-5)?;
    }

    #[test]
    fn logits_are_summarised((batch, n_vocab, seed) in logits(), layout in layout()) {
        let (x, other) = (laid([batch, n_vocab], seed, layout) * 4.0, laid([batch, n_vocab], seed ^ 1, layout));
        let (xs, others) = (to_f64(x.clone()), to_f64(other.clone()));
        let tokens: Vec<u32> = (0..2 * batch).map(|at| ((at as u64 * 13 + seed % 100) % n_vocab as u64) as u32).collect();
        let of = |at: usize| xs[at / 2 * n_vocab + tokens[at] as usize];
        let picked: Vec<f64> = (0..2 * batch).map(of).collect();
        near(&kernel::pick(x.clone(), &tokens).into_iter().map(f64::from).collect::<Vec<_>>(), &picked, 1e-12)?;
        let firsts: Vec<u32> = tokens.iter().copied().step_by(2).collect();
        let ranks = kernel::rank(x.clone(), &firsts);
        let divergences = kernel::divergence(x.clone(), other);
        for (row, (summary, values)) in kernel::summary(x).iter().zip(rows(&xs, batch)).enumerate() {
            let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert_eq!(f64::from(summary.largest), largest);
            prop_assert_eq!(Some(summary.arg_max as usize), values.iter().position(|value| *value == largest));
            near(&[f64::from(summary.log_total)], &[log_sum_exp(values)], 1e-5)?;
            prop_assert_eq!(ranks[row] as usize, values.iter().filter(|value| **value > of(2 * row)).count());
            let (p, q) = (softmax(values), softmax(&others[row * n_vocab..][..n_vocab]));
            let divergence: f64 = p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum();
            near(&[f64::from(divergences[row])], &[divergence], 1e-5)?;
        }
    }

    /// A value that is no number, wherever it is, makes nothing of its row a number, and leaves the other rows as they are.
    #[test]
    fn one_value_that_is_not_finite_is_found((batch, n_vocab, seed) in logits(), bad in prop_oneof![
        Just(f32::NAN), Just(f32::INFINITY)
    ]) {
        let (mut data, at) = (values(batch * n_vocab, seed), seed as usize % (batch * n_vocab));
        let of = |data: &[f32]| Tensor::<2>::from_data(TensorData::new(data.to_vec(), [batch, n_vocab]), &Device::flex());
        let before = kernel::summary(of(&data));
        prop_assert!(kernel::all_finite(&of(&data)));
        data[at] = bad;
        prop_assert!(!kernel::all_finite(&of(&data)));
        for (row, (summary, before)) in kernel::summary(of(&data)).iter().zip(&before).enumerate() {
            match row == at / n_vocab {
                true => prop_assert!(summary.log_total.is_nan() && summary.largest.is_nan() && summary.arg_max == u32::MAX),
                false => prop_assert_eq!(summary, before),
            }
        }
    }

    #[test]
    fn adam_takes_the_steps_of_its_paper(len in 1usize..70, steps in 1i32..9, lr in 1e-4f64..0.1, seed in any::<u64>()) {
        let adam = Adam { lr, betas: [0.9, 0.99], eps: 1e-6 };
        let (mut parameters, mut moments) = (values(len, seed), Moments::new(len));
        let mut naive: Vec<f64> = parameters.iter().map(|&x| f64::from(x)).collect();
        let (mut first, mut second) = (vec![0.0; len], vec![0.0; len]);
        for step in 1..=steps {
            let gradient = values(len, seed ^ step as u64);
            moments.step(adam, &mut parameters, &gradient);
            for i in 0..len {
                let g = f64::from(gradient[i]);
                first[i] = 0.9 * first[i] + 0.1 * g;
                second[i] = 0.99 * second[i] + 0.01 * g * g;
                let (mean, square): (f64, f64) = (first[i] / (1.0 - 0.9f64.powi(step)), second[i] / (1.0 - 0.99f64.powi(step)));
                naive[i] -= lr * mean / (square.sqrt() + 1e-6);
            }
        }
        near(&parameters.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), &naive, 1e-5)?;
    }
}

/// More values than one thread looks at.
#[test]
fn all_of_a_large_tensor_is_looked_at() {
    let (rows, width) = (3, 70_001);
    for at in [None, Some(0), Some(65_535), Some(65_536), Some(rows * width - 1)] {
        let mut data = vec![1.0f32; rows * width];
        at.into_iter().for_each(|at: usize| data[at] = f32::NEG_INFINITY);
        let tensor = Tensor::<2>::from_data(TensorData::new(data, [rows, width]), &Device::flex());
        assert_eq!(kernel::all_finite(&tensor), at.is_none(), "{at:?}");
        assert_eq!(kernel::alone(|| kernel::all_finite(&tensor)), at.is_none(), "{at:?}, on one thread");
    }
}
