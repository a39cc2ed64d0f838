//! experiments/modular-addition beside numpy, which reads the same files of the trained model (tests/fixtures/papers/modular_addition.py).

use super::fixture;
use crate::support::{Sandbox, numbers, repository, texts};

fn ran(spec: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    let spec = repository(&format!("experiments/modular-addition/{spec}.toml")).display().to_string();
    let results = format!("output.dir={}", sandbox.at("results/spec").display());
    sandbox.run(&["run", "-q", &spec, "--set", &results]).ok();
    sandbox
}

#[test]
fn power_by_frequency_is_that_of_a_fourier_transform() {
    let rows = ran("fourier").rows("number.spectrum");
    let last = texts(&rows, "checkpoint").into_iter().zip(numbers(&rows, "power")).filter(|(name, _)| name == ".");
    let found: Vec<f64> = last.map(|(_, power)| power).collect();
    let fixture = fixture("modular_addition");
    let expected = fixture["power"].as_array().expect("power");
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected.as_f64().expect("a number")).abs() < 1e-6, "{found} is not {expected}");
    }
}

#[test]
fn without_its_frequencies_the_model_answers_as_rarely_as_numpy_says() {
    let sandbox = ran("without");
    let fixture = fixture("modular_addition");
    let expected = |key: &str| fixture[key].as_f64().expect("a number");
    let fit = sandbox.rows("number");
    let explained = texts(&fit, "measure").iter().position(|measure| measure == "r2").expect("a fit");
    assert!((numbers(&fit, "value")[explained] - expected("explained")).abs() < 1e-5);
    let rows = sandbox.rows("without");
    let measures = texts(&rows, "measure");
    let row = texts(&rows, "intervention")
        .into_iter()
        .zip(&measures)
        .position(|(name, measure)| name == "numbers" && measure == "accuracy");
    let row = row.expect("the numbers without their frequencies");
    // Two logits may be so near to each other that rounding decides; of 3481 prompts hardly ever.
    assert!((numbers(&rows, "mean")[row] - expected("accuracy_without")).abs() < 1.5e-3);
    assert!((numbers(&rows, "baseline")[row] - expected("accuracy")).abs() < 1.5e-3);
}
