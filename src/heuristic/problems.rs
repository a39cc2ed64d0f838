//! The prompts of one operator as numbers, and their values as columns.

/// A prompt: its operands and its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArithmeticProblem {
    /// First operand.
    pub a: i64,
    /// Second operand.
    pub b: i64,
    /// What the operator makes of them.
    pub result: i64,
}

/// One value of every prompt.
#[derive(Debug, Clone)]
pub struct ProblemColumn {
    /// The values there are, ascending.
    pub values: Vec<i64>,
    /// How many prompts have each.
    pub counts: Vec<usize>,
    /// Of each prompt, the index of its value.
    pub index: Vec<u32>,
}

/// Prompts by column.
#[derive(Debug, Clone)]
pub struct ProblemColumns {
    /// First operands.
    pub a: ProblemColumn,
    /// Second operands.
    pub b: ProblemColumn,
    /// Results.
    pub result: ProblemColumn,
}

impl ProblemColumn {
    fn new(of: impl Iterator<Item = i64> + Clone) -> Self {
        let mut values: Vec<i64> = of.clone().collect();
        values.sort_unstable();
        values.dedup();
        let index: Vec<u32> = of.map(|value| values.partition_point(|&other| other < value) as u32).collect();
        let mut counts = vec![0; values.len()];
        index.iter().for_each(|&index| counts[index as usize] += 1);
        Self { values, counts, index }
    }

    /// The smallest and the largest value.
    pub fn extent(&self) -> Option<(i64, i64)> {
        Some((*self.values.first()?, *self.values.last()?))
    }

    /// Indices of the values that a test lets through.
    pub fn chosen(&self, test: impl Fn(i64) -> bool) -> Vec<u32> {
        let indices = 0..self.values.len() as u32;
        indices.zip(&self.values).filter_map(|(index, &value)| test(value).then_some(index)).collect()
    }
}

impl ProblemColumns {
    /// The columns of prompts.
    pub fn new(problems: &[ArithmeticProblem]) -> Self {
        Self {
            a: ProblemColumn::new(problems.iter().map(|problem| problem.a)),
            b: ProblemColumn::new(problems.iter().map(|problem| problem.b)),
            result: ProblemColumn::new(problems.iter().map(|problem| problem.result)),
        }
    }

    /// How many prompts.
    pub fn len(&self) -> usize {
        self.a.index.len()
    }
}
