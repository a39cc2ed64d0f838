//! Values of keys that are left out, a line each: `serde` wants a function for every one.

/// Defines functions that give a value: `name: Type = value;`.
macro_rules! defaults {
    ($($(#[$about:meta])* $vis:vis $name:ident: $type:ty = $value:expr;)*) => {
        $($(#[$about])* $vis fn $name() -> $type {
            $value
        })*
    };
}

pub(super) use defaults;
