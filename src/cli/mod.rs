//! The command line: one file per subcommand, no logic.

pub mod config;
pub mod schema;
