//! Tidy polars frames: what a `[[table]]` says, and CSV, Parquet and Markdown of it.
