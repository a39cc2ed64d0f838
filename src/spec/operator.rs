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

    /// Its symbol, sign, name and formula.
    const fn texts(self) -> [&'static str; 4] {
        match self {
            Self::Addition => ["+", "+", "addition", "a + b"],
            Self::Subtraction => ["-", "−", "subtraction", "a − b"],
            Self::Multiplication => ["*", "×", "multiplication", "a × b"],
            Self::FloorDivision => ["/", "÷", "floor division", "a ÷ b, rounded down"],
        }
    }

    /// How specs, prompts and tables write it.
    pub const fn symbol(self) -> &'static str {
        self.texts()[0]
    }

    /// How figures and reports show it.
    pub const fn sign(self) -> &'static str {
        self.texts()[1]
    }

    /// In words.
    pub const fn name(self) -> &'static str {
        self.texts()[2]
    }

    /// What it computes.
    pub const fn formula(self) -> &'static str {
        self.texts()[3]
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
