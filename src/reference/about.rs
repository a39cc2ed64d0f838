//! The parts of a doc comment.

/// A doc comment: its first paragraph, the labelled ones (`Formula: …`, `Source: …`, `Limits: …`), the example in a block of TOML,
/// and the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocComment {
    /// The first paragraph.
    pub summary: String,
    /// Further paragraphs.
    pub text: Vec<String>,
    /// How it is computed.
    pub formula: Option<String>,
    /// Where it is from: a paper, or other literature.
    pub source: Option<String>,
    /// What it does not say.
    pub limits: Option<String>,
    /// How a spec writes it.
    pub example: Option<String>,
}

const FENCE: &str = "```";

impl DocComment {
    /// Takes a doc comment apart.
    pub fn read(comment: &str) -> Self {
        let mut about = Self::default();
        let mut lines = comment.lines();
        let mut paragraph = String::new();
        while let Some(line) = lines.next() {
            if line.starts_with(FENCE) {
                let block: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with(FENCE)).collect();
                about.example = Some(block.join("\n") + "\n");
            } else if line.trim().is_empty() {
                about.take(std::mem::take(&mut paragraph));
            } else {
                if !paragraph.is_empty() {
                    paragraph.push(' ');
                }
                paragraph.push_str(line.trim());
            }
        }
        about.take(paragraph);
        about
    }

    fn take(&mut self, paragraph: String) {
        let labelled =
            [("Formula: ", &mut self.formula), ("Source: ", &mut self.source), ("Limits: ", &mut self.limits)];
        for (label, part) in labelled {
            if let Some(text) = paragraph.strip_prefix(label) {
                *part = Some(text.to_string());
                return;
            }
        }
        match self.summary.is_empty() {
            true => self.summary = paragraph,
            false if !paragraph.is_empty() => self.text.push(paragraph),
            false => {}
        }
    }

    /// The first sentence, for a line of a list.
    pub fn line(&self) -> &str {
        self.summary.split_inclusive(". ").next().unwrap_or_default().trim_end().trim_end_matches('.')
    }
}
