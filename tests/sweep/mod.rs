//! Many specs and many variants in one command, as a user runs them.

mod failing;
mod filter;
mod jobs;
mod pooled;
mod variants;
