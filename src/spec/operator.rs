//! Arithmetic operators, as specs write them.

/// An arithmetic operator, as specs, prompts and tables write it and as figures and reports show it. This is the one list:
/// what each computes is [`crate::prompt::Calculation`]'s, which the compiler asks about a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// a + b
    Addition,
    /// a − b
    Subtraction,
    /// a × b
    Multiplication,
    /// a ÷ b, rounded down.
    FloorDivision,
}

impl Operator {
    /// Every operator, in the order in which tables and figures show them.
    pub const ALL: [Self; 4] = [Self::Addition, Self::Subtraction, Self::Multiplication, Self::FloorDivision];

    /// How specs, prompts and tables write it.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Addition => "+",
            Self::Subtraction => "-",
            Self::Multiplication => "*",
            Self::FloorDivision => "/",
        }
    }

    /// How figures and reports show it.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Addition => "+",
            Self::Subtraction => "−",
            Self::Multiplication => "×",
            Self::FloorDivision => "÷",
        }
    }

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Multiplication => "multiplication",
            Self::FloorDivision => "floor division",
        }
    }

    /// What it computes.
    pub const fn formula(self) -> &'static str {
        match self {
            Self::Addition => "a + b",
            Self::Subtraction => "a − b",
            Self::Multiplication => "a × b",
            Self::FloorDivision => "a ÷ b, rounded down",
        }
    }

    /// The operator with this symbol; where there is none, the one that was probably meant: by its sign, its name, or another
    /// common way to write it.
    pub fn find(text: &str) -> Result<Self, Option<Self>> {
        let of = |fits: &dyn Fn(Self) -> bool| Self::ALL.into_iter().find(|operator| fits(*operator));
        if let Some(operator) = of(&|operator| operator.symbol() == text) {
            return Ok(operator);
        }
        Err(match text {
            "" => None,
            "–" => Some(Self::Subtraction),
            "x" | "·" => Some(Self::Multiplication),
            ":" | "//" => Some(Self::FloorDivision),
            _ => of(&|operator| operator.sign() == text || operator.name() == text || operator.name().ends_with(text)),
        })
    }
}
