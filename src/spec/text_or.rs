//! Types that a spec writes as a text or as something else: how they are read, and their schemas.

use serde::Deserialize;

/// A text, or something else that stands for the same.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum TextOr<T> {
    Text(String),
    Other(T),
}

/// Gives a type a schema that is written out.
macro_rules! schema_of {
    ($type:ident, |$generator:pat_param| $schema:tt) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema($generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}

pub(super) use schema_of;
