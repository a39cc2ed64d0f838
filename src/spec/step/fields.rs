//! The keys that steps have before those of their kind.

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

/// Defines the type of a step: `Kind { … }` runs models on prompts and has the keys `name`, `models`, `prompts` and `needs` before
/// its own; `Kind on prompts { … }` runs no model and has no `models`; `Kind on rows { … }` reads the rows of others alone. Keys that
/// many kinds have are said by their names: `counterfactual`, `measures(TYPE, DEFAULT)`, `per_prompt`, `bootstrap`, `test`; positions by what
/// they mean and their default.
macro_rules! step {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        step! {
            @keys {
                [$(#[$about])*] $name
                [
                    /// Models to run: names of `[models.NAME]`, or `model` for `[model]`. Left out: every model of the spec.
                    #[serde(default, skip_serializing_if = "Vec::is_empty")]
                    #[schemars(extend("x-refers-to" = "model"))]
                    models: Vec<String>,
                    /// Prompt set: a name of `[prompt_sets.NAME]`. Left out: `[prompts]`.
                    #[schemars(extend("x-refers-to" = "prompts"))]
                    prompts: Option<String>,
                ]
                |step| (Some(&step.models), step.prompts.as_deref())
            }
            [] $($own)*
        }
    };
    ($(#[$about:meta])* $name:ident on prompts { $($own:tt)* }) => {
        step! {
            @keys {
                [$(#[$about])*] $name
                [
                    /// Prompt set: a name of `[prompt_sets.NAME]`. Left out: `[prompts]`.
                    #[schemars(extend("x-refers-to" = "prompts"))]
                    prompts: Option<String>,
                ]
                |step| (None, step.prompts.as_deref())
            }
            [] $($own)*
        }
    };
    ($(#[$about:meta])* $name:ident on rows { $($own:tt)* }) => {
        step! { @keys { [$(#[$about])*] $name [] |_| (None, None) } [] $($own)* }
    };
    (@keys $of:tt [$($keys:tt)*] counterfactual, $($more:tt)*) => {
        step! { @keys $of [$($keys)*
            /// The other prompt of each pair.
            #[serde(default)]
            counterfactual: $crate::spec::step::Counterfactual,
        ] $($more)* }
    };
    (@keys $of:tt [$($keys:tt)*] measures($measure:ident, $default:tt), $($more:tt)*) => {
        step! { @keys $of [$($keys)*
            /// What is measured.
            #[serde(default = $default)]
            #[schemars(length(min = 1), extend("uniqueItems" = true))]
            measures: Vec<$crate::measure::$measure>,
        ] $($more)* }
    };
    (@keys $of:tt [$($keys:tt)*] per_prompt, $($more:tt)*) => {
        step! { @keys $of [$($keys)*
            /// Also keep a row per prompt: table `NAME.prompts`.
            #[serde(default)]
            per_prompt: bool,
        ] $($more)* }
    };
    (@keys $of:tt [$($keys:tt)*] bootstrap, $($more:tt)*) => {
        step! { @keys $of [$($keys)*
            /// Resamples of the prompts for the 95 % interval of each mean.
            #[serde(default = "crate::spec::step::shared::default_bootstrap")]
            #[schemars(range(min = 0, max = 100000))]
            bootstrap: usize,
        ] $($more)* }
    };
    (@keys $of:tt [$($keys:tt)*] test, $($more:tt)*) => {
        step! { @keys $of [$($keys)*
            /// A p-value beside each mean: is the effect more than chance over the prompts, compared with the run without an
            /// edit?
            #[serde(default, skip_serializing_if = "Option::is_none")]
            test: Option<$crate::spec::step::SignificanceTest>,
            /// How p-values are corrected for the number of cells of one model, template, group and measure. The column
            /// `p_holm` has the result.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            correction: Option<$crate::spec::step::Correction>,
        ] $($more)* }
    };
    (@keys $of:tt [$($keys:tt)*] $(#[$about:meta])* control, $($more:tt)*) => {
        step! { @keys $of [$($keys)*
            $(#[$about])*
            #[serde(default)]
            control: $crate::spec::step::Control,
        ] $($more)* }
    };
    (@keys $of:tt [$($keys:tt)*] $(#[$about:meta])* positions = $default:tt, $($more:tt)*) => {
        step! { @keys $of [$($keys)*
            $(#[$about])*
            #[serde(default = $default)]
            #[schemars(length(min = 1), extend("uniqueItems" = true))]
            positions: Vec<$crate::spec::PositionName>,
        ] $($more)* }
    };
    (@keys $of:tt [$($keys:tt)*] $(#[$about:meta])* $key:ident: $type:ty, $($more:tt)*) => {
        step! { @keys $of [$($keys)* $(#[$about])* $key: $type,] $($more)* }
    };
    (@keys { $($of:tt)* } [$($keys:tt)*]) => {
        step! { @define [$($keys)*] $($of)* }
    };
    (
        @define [$($(#[$field_about:meta])* $field:ident: $type:ty,)*]
        [$(#[$about:meta])*] $name:ident
        [$($(#[$first_about:meta])* $first:ident: $first_type:ty,)*]
        $runs:expr
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Name of the step.
            #[schemars(extend("format" = "name"), regex(pattern = "^[A-Za-z0-9_-]+$"))]
            pub name: String,
            $($(#[$first_about])* pub $first: $first_type,)*
            /// Steps to run before this one.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            #[schemars(extend("x-refers-to" = "step"))]
            pub needs: Vec<String>,
            $($(#[$field_about])* pub $field: $type,)*
        }

        impl $name {
            /// The models and the prompt set that it runs on.
            fn runs(&self) -> (Option<&[String]>, Option<&str>) {
                let runs: fn(&Self) -> (Option<&[String]>, Option<&str>) = $runs;
                runs(self)
            }
        }

        impl $crate::spec::step::Common for $name {
            fn name(&self) -> &str {
                &self.name
            }
            fn models(&self) -> Option<&[String]> {
                self.runs().0
            }
            fn prompts(&self) -> Option<&str> {
                self.runs().1
            }
            fn needs(&self) -> &[String] {
                &self.needs
            }
        }
    };
}
pub(super) use step;
