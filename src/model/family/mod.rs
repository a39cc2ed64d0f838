//! Families: one file each, from a config and weight names to facts and host weights.
