//! `ablate schema`: the JSON schema of a spec.

/// The schema as text, ending in a newline: what `schema/ablate.schema.json` holds.
pub fn schema() -> String {
    format!("{:#}\n", crate::spec::schema())
}
