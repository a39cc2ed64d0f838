//! The tokens whose logits measures read: of the right answers, and of the wrong ones that they compare with.

/// Tokens of a run's answers: those that the right ones begin with, and those that the wrong ones do. Each token is there once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerTokens {
    right: Vec<u32>,
    wrong: Vec<u32>,
}

impl From<[u32; 2]> for AnswerTokens {
    /// Of one right answer, and one wrong.
    fn from([right, wrong]: [u32; 2]) -> Self {
        Self { right: vec![right], wrong: vec![wrong] }
    }
}

impl AnswerTokens {
    /// Of some answers, several of which may begin with one token.
    pub fn new(right: impl IntoIterator<Item = u32>, wrong: impl IntoIterator<Item = u32>) -> Self {
        Self { right: each_once(right), wrong: each_once(wrong) }
    }

    /// Those of the right answers, that of the first of them first.
    pub fn right(&self) -> &[u32] {
        &self.right
    }

    /// Those of the wrong answers.
    pub fn wrong(&self) -> &[u32] {
        &self.wrong
    }

    /// With right and wrong changed about, as of the other run of a pair.
    pub fn reversed(self) -> Self {
        Self { right: self.wrong, wrong: self.right }
    }

    /// Whether there is more than one of either.
    pub fn several(&self) -> bool {
        self.right.len() > 1 || self.wrong.len() > 1
    }
}

fn each_once(tokens: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let mut once = Vec::new();
    for token in tokens {
        if !once.contains(&token) {
            once.push(token);
        }
    }
    once
}
