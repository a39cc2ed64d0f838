//! Defines the measures of a kind of intervention: each is an entry with its name, what it means, what it reads and its value.

/// What a measure has that another has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    /// It reads r', the other prompt's answers where the prompt has no wrong ones of its own.
    OtherAnswer,
    /// It compares with the run of the other prompt.
    OtherRun,
    /// It needs every logit, not only those of r and r'.
    Distribution,
    /// It needs the divergence from the unedited run.
    Divergence,
    /// It needs how many tokens have a larger logit than the answer.
    Rank,
    /// It needs every token of the answer, one after the other.
    Sequence,
    /// It compares with the run in which everything is ablated.
    EmptyRun,
    /// It falls where an edit takes the answer away: the most important places are those where it is smallest.
    Falls,
}

/// Defines the type of some measures, from the name of the type, those of the [`Reading`](super::Reading)s that make a value, and an
/// entry for each measure. Its doc comment is what users read of it.
macro_rules! measures {
    (
        $(#[$about:meta])* $name:ident($($reading:ident),+);
        $($(#[$doc:meta])* $measure:ident = $text:literal, [$($property:ident),*] => $value:expr;)*
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $text)] $measure,)*
        }

        impl $name {
            /// All of them, as specs and rows write them.
            pub const NAMES: &[&str] = &[$($text),*];

            /// As a spec writes it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$measure => $text,)*
                }
            }

            /// Whether it has that property.
            pub fn has(self, property: $crate::measure::Property) -> bool {
                use $crate::measure::Property;
                let all: &[Property] = match self {
                    $(Self::$measure => &[$(Property::$property),*],)*
                };
                all.contains(&property)
            }

            /// Its value.
            pub fn value(self, $($reading: &$crate::measure::Reading),+) -> f64 {
                match self {
                    $(Self::$measure => $value,)*
                }
            }
        }
    };
}
pub(super) use measures;
