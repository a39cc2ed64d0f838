//! The keys that every step which runs models on prompts has.

/// What is asked of any step.
pub trait Common {
    /// The step's own name, unique in the spec.
    fn name(&self) -> &str;
    /// Models it runs, by name; empty for every model of the spec. `None`: the step runs no model.
    fn models(&self) -> Option<&[String]>;
    /// Its prompt set; `None` for `[prompts]`.
    fn prompts(&self) -> Option<&str>;
    /// Names of the steps whose results it needs.
    fn needs(&self) -> &[String];
}

/// Defines a step's type with the keys `name`, `models`, `prompts` and `needs` before its own.
macro_rules! step {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Name of the step.
            #[schemars(extend("format" = "name"), regex(pattern = "^[A-Za-z0-9_-]+$"))]
            pub name: String,
            /// Models to run: names of `[models.NAME]`, or `model` for `[model]`. Left out: every model of the spec.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            #[schemars(extend("x-refers-to" = "model"))]
            pub models: Vec<String>,
            /// Prompt set: a name of `[prompt_sets.NAME]`. Left out: `[prompts]`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(extend("x-refers-to" = "prompts"))]
            pub prompts: Option<String>,
            /// Steps to run before this one.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            #[schemars(extend("x-refers-to" = "step"))]
            pub needs: Vec<String>,
            $($(#[$field_about])* pub $field: $type,)*
        }

        impl $crate::spec::step::Common for $name {
            fn name(&self) -> &str {
                &self.name
            }
            fn models(&self) -> Option<&[String]> {
                Some(&self.models)
            }
            fn prompts(&self) -> Option<&str> {
                self.prompts.as_deref()
            }
            fn needs(&self) -> &[String] {
                &self.needs
            }
        }
    };
}
pub(super) use step;

/// Defines the type of a step that runs no model and reads the rows of others, with the keys `name` and `needs` before its own.
macro_rules! rows_step {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Name of the step.
            #[schemars(extend("format" = "name"), regex(pattern = "^[A-Za-z0-9_-]+$"))]
            pub name: String,
            /// Steps to run before this one.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            #[schemars(extend("x-refers-to" = "step"))]
            pub needs: Vec<String>,
            $($(#[$field_about])* pub $field: $type,)*
        }

        impl $crate::spec::step::Common for $name {
            fn name(&self) -> &str {
                &self.name
            }
            fn models(&self) -> Option<&[String]> {
                None
            }
            fn prompts(&self) -> Option<&str> {
                None
            }
            fn needs(&self) -> &[String] {
                &self.needs
            }
        }
    };
}
pub(super) use rows_step;
