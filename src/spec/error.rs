//! What is wrong with a spec: every error at once, each with its place and what to write instead.

use super::loaded::Loaded;
use super::node::Origin;
use super::source::Source;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A column in place of one that is not known: that there is none comes of another error alone.
pub(super) const NO_COLUMN: &str = "__no_column__";

/// The most errors shown; the rest is counted.
const SHOWN: usize = 20;

/// One error of a spec.
#[derive(Debug, Clone)]
pub struct SpecError {
    message: String,
    advice: Option<String>,
    labels: Vec<SourceLabel>,
}

/// A place in a file and what to say about it.
#[derive(Debug, Clone)]
struct SourceLabel {
    source: Arc<Source>,
    span: Range<usize>,
    text: String,
}

impl SpecError {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), advice: None, labels: Vec::new() }
    }

    /// An error about a value from there; one that comes from a flag or variable names that.
    pub(super) fn about(origin: &Origin, message: impl Into<String>) -> Self {
        match origin {
            Origin::File { source, value, .. } => Self::new(message).at(source, value.clone(), ""),
            Origin::Variable(text) | Origin::Flag(text) => Self::new(format!("{text}: {}", message.into())),
            Origin::Default => Self::new(message),
        }
    }

    /// Says what to write instead.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Says what to write instead, if anything is known.
    pub(crate) fn advise_option(mut self, advice: Option<String>) -> Self {
        self.advice = advice.or(self.advice);
        self
    }

    /// Points at a part of a file. The first place is the error's own.
    pub fn at(mut self, source: &Arc<Source>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(SourceLabel { source: source.clone(), span: source.clip(&span), text: text.into() });
        self
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead.
    pub fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }

    /// File, line and column (from 1), unless the wrong value came from a flag or variable.
    pub fn position(&self) -> Option<(&str, usize, usize)> {
        self.labels.first().map(|label| {
            let (line, column) = label.source.position(label.span.start);
            (label.source.name(), line, column)
        })
    }

    /// What is wrong and what to write instead, without its place.
    pub fn in_a_line(&self) -> String {
        let advice = self.advice.as_ref().map(|advice| format!("; {advice}"));
        format!("{}{}", self.message, advice.unwrap_or_default())
    }

    /// Whether a place can be drawn in the same snippet as the first.
    fn drawn(&self, label: &SourceLabel) -> bool {
        self.labels.first().is_some_and(|first| {
            let whole = |label: &SourceLabel| label.source.shows_whole_line(label.span.start);
            std::ptr::eq(first, label) || (Arc::ptr_eq(&first.source, &label.source) && whole(first) && whole(label))
        })
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for label in self.labels.iter().filter(|label| !self.drawn(label)) {
            let (line, column) = label.source.position(label.span.start);
            write!(f, "; {} at {}:{line}:{column}", label.text, label.source.name())?;
        }
        Ok(())
    }
}

impl std::error::Error for SpecError {}

impl Diagnostic for SpecError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.advice.as_ref().map(|advice| Box::new(advice) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.labels.first().map(|label| label.source.as_ref() as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.labels.is_empty() {
            return None;
        }
        let drawn = self.labels.iter().filter(|label| self.drawn(label)).enumerate();
        Some(Box::new(drawn.map(|(index, label)| {
            let text = (!label.text.is_empty()).then(|| label.text.clone());
            let span = (label.span.start, label.span.len());
            if index == 0 {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            }
        })))
    }
}

/// Every error of a spec, in the order of the files.
#[derive(Debug, Clone, Default)]
pub struct SpecErrors {
    errors: Vec<SpecError>,
    /// The spec without what is wrong with it, where anything is left.
    meant: Option<Box<Loaded>>,
}

/// How errors are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorStyle {
    /// ASCII without colour: for pipes, logs and files.
    Plain,
    /// Box-drawing characters and colour: for a terminal.
    Terminal,
}

impl SpecErrors {
    /// These errors, in the order of their places, each once.
    pub(super) fn new(mut errors: Vec<SpecError>) -> Self {
        let place =
            |error: &SpecError| error.labels.first().map(|label| (label.source.name().to_string(), label.span.start));
        errors.sort_by_cached_key(|error| (place(error).is_none(), place(error)));
        let mut seen = std::collections::HashSet::new();
        errors.retain(|error| seen.insert((error.message.clone(), place(error))));
        Self { errors, meant: None }
    }

    /// With the spec without what is wrong with it.
    pub(super) fn meaning(self, meant: Option<Loaded>) -> Self {
        Self { meant: meant.map(Box::new), ..self }
    }

    /// The spec with its slips of the pen as they were probably meant and without what else is wrong with it, to look for further
    /// errors; `None` where nothing is left.
    pub fn meant(&self) -> Option<&Loaded> {
        self.meant.as_deref()
    }

    /// Those that do not come of what stands in for a column that is not known.
    pub(crate) fn of_what_is_known(mut self) -> Self {
        self.errors.retain(|error| !error.message.contains(NO_COLUMN));
        self
    }

    /// All of several.
    pub fn join(all: impl IntoIterator<Item = SpecErrors>) -> Self {
        Self::new(all.into_iter().flat_map(|errors| errors.errors).collect())
    }

    /// The errors.
    pub fn iter(&self) -> impl Iterator<Item = &SpecError> {
        self.errors.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.errors.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// The first twenty errors with the lines they are about, and how many more there are.
    pub fn render(&self, style: ErrorStyle) -> String {
        let theme = match style {
            ErrorStyle::Plain => GraphicalTheme::none(),
            ErrorStyle::Terminal => GraphicalTheme::unicode(),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(110)
            .with_wrap_lines(style == ErrorStyle::Terminal)
            .with_links(false)
            .with_context_lines(1)
            .without_cause_chain();
        let mut out = String::new();
        for error in self.errors.iter().take(SHOWN) {
            let start = out.len();
            if handler.render_report(&mut out, error).is_err() {
                out.truncate(start);
                out.push_str(&format!("{error}\n"));
            }
            out.push('\n');
        }
        match self.errors.len() {
            0 | 1 => {}
            all if all > SHOWN => {
                out.push_str(&format!("{all} errors; the first {SHOWN} are shown, and {} more\n", all - SHOWN))
            }
            all => out.push_str(&format!("{all} errors\n")),
        }
        out
    }
}

impl From<SpecError> for SpecErrors {
    fn from(error: SpecError) -> Self {
        Self { errors: vec![error], meant: None }
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(ErrorStyle::Plain).trim_end())
    }
}

impl std::error::Error for SpecErrors {}

impl Loaded {
    /// An error about the value at a path, for what is found only once a model is there: "layer 33 of 32". Points at the
    /// nearest table that is written where the value itself is not.
    pub fn refuse(&self, path: &[&str], message: impl Into<String>, advice: Option<String>) -> SpecErrors {
        let node = (0..=path.len()).rev().find_map(|length| self.find(path.get(..length)?));
        SpecError::about(node.map_or(&Origin::Default, |node| &node.origin), message).advise_option(advice).into()
    }
}
