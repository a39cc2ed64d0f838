//! Runs a spec and reads its rows.
//!
//!     cargo run --release --example run_spec [SPEC]

use ablate::prelude::*;

fn main() -> Result<(), Error> {
    let spec = std::env::args().nth(1).unwrap_or_else(|| "experiments/quickstart.toml".to_string());
    let folder = std::env::temp_dir().join("ablate-run-spec");
    let experiment = Experiment::with(spec, &[format!("output.dir={}", folder.display())])?;
    for step in experiment.steps() {
        println!("step '{step}'");
    }
    let finished = experiment.run()?;
    for step in experiment.steps() {
        println!("{}", finished.rows(step)?);
    }
    println!("results in {}", finished.folder().display());
    Ok(())
}
