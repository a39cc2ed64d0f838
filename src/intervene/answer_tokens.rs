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

    /// The most right tokens that any of some has, and the most wrong ones.
    pub(crate) fn most(all: &[Self]) -> [usize; 2] {
        let most = |tokens: fn(&Self) -> &[u32]| all.iter().map(|one| tokens(one).len()).max().unwrap_or(0);
        [most(Self::right), most(Self::wrong)]
    }

    /// The right tokens and then the wrong ones, as many as there is `room` for of each: where there are fewer, the first of them again.
    pub(crate) fn filled(&self, room: [usize; 2]) -> Vec<u32> {
        let filled = |tokens: &[u32], room: usize| {
            let first = tokens.first().copied().unwrap_or_default();
            let mut all = tokens.to_vec();
            all.resize(room, first);
            all
        };
        [filled(&self.right, room[0]), filled(&self.wrong, room[1])].concat()
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
