//! Tables: what each key does to the rows, and the files they become.

mod build;
mod derive;
mod join;
mod measures;
mod palette;
mod undefined;
mod write;
