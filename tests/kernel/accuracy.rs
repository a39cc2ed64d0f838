use ablate::kernel;
use burn::tensor::{DType, Device, Tensor, TensorData};

/// Units in the last place of the f32 nearest to `exact` by which `value` is off.
fn ulps(value: f32, exact: f64) -> f64 {
    let nearest = exact as f32;
    let spacing = f64::from(f32::from_bits(nearest.abs().to_bits() + 1)) - f64::from(nearest.abs());
    (f64::from(value) - exact).abs() / spacing
}

/// Every `stride`-th f32 of both signs up to `limit`.
fn floats(limit: f32, stride: usize) -> Vec<f32> {
    (0..limit.to_bits()).step_by(stride).map(f32::from_bits).flat_map(|x| [x, -x]).collect()
}

#[test]
fn exp_is_within_two_units_in_the_last_place() {
    let x = floats(103.9, 499);
    let mut y = x.clone();
    kernel::exp(&mut y);
    let worst =
        x.iter().zip(&y).filter(|(x, _)| **x < 88.72).map(|(x, y)| ulps(*y, f64::from(*x).exp())).fold(0.0, f64::max);
    assert!(worst < 2.0, "{worst} ulp");
}

#[test]
fn exp_at_the_edges() {
    let mut y = [f32::NEG_INFINITY, -1000.0, -0.0, 0.0, 88.8, 1000.0, f32::INFINITY, f32::NAN];
    kernel::exp(&mut y);
    assert_eq!(y[..4], [0.0, 0.0, 1.0, 1.0]);
    assert_eq!(y[4..7], [f32::INFINITY; 3]);
    assert!(y[7].is_nan());
}

#[test]
fn erf_is_within_two_units_in_the_last_place() {
    let x = floats(6.0, 499);
    let mut y = x.clone();
    kernel::erf(&mut y);
    let exact = Tensor::<1>::from_data(TensorData::new(x.clone(), [x.len()]), (&Device::flex(), DType::F64)).erf();
    let exact: Vec<f64> = exact.into_data().try_to_vec().expect("f64");
    let worst = y.iter().zip(&exact).map(|(y, exact)| ulps(*y, *exact)).fold(0.0, f64::max);
    assert!(worst < 2.0, "{worst} ulp");
}

#[test]
fn erf_at_the_edges() {
    let mut y = [f32::NEG_INFINITY, -20.0, 0.0, 20.0, f32::INFINITY, f32::NAN];
    kernel::erf(&mut y);
    assert_eq!(y[..5], [-1.0, -1.0, 0.0, 1.0, 1.0]);
    assert!(y[5].is_nan());
}

#[test]
fn tanh_is_within_three_units_in_the_last_place() {
    let x = [floats(12.0, 499), floats(0.7, 499), floats(1e-3, 99)].concat();
    let mut y = x.clone();
    kernel::tanh(&mut y);
    let worst = x.iter().zip(&y).map(|(x, y)| ulps(*y, f64::from(*x).tanh())).fold(0.0, f64::max);
    assert!(worst < 3.0, "{worst} ulp");
}

#[test]
fn tanh_at_the_edges() {
    let mut y = [f32::NEG_INFINITY, -50.0, 0.0, 50.0, f32::INFINITY, f32::NAN];
    kernel::tanh(&mut y);
    assert_eq!(y[..5], [-1.0, -1.0, 0.0, 1.0, 1.0]);
    assert!(y[5].is_nan());
}

#[test]
fn ranks_count_the_larger_logits() {
    let logits = vec![0.5f32, 2.0, 2.0, -1.0, 3.0, 0.0, -0.0, f32::NEG_INFINITY, 1.0, 1.0];
    for dtype in [DType::F32, DType::BF16, DType::F64] {
        let rows = || Tensor::<2>::from_data(TensorData::new(logits.clone(), [2, 5]), (&Device::flex(), dtype));
        assert_eq!(kernel::rank(rows(), &[4, 3]), [0, 0], "{dtype:?}");
        assert_eq!(kernel::rank(rows(), &[2, 0]), [1, 2], "{dtype:?}");
        assert_eq!(kernel::rank(rows(), &[3, 2]), [4, 4], "{dtype:?}");
    }
}
