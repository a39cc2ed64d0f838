//! Linear probes: training against PyTorch, what must hold of any classifier, the layers derived from them, the step.

mod fit;
mod layers;
mod step;
mod writing;
