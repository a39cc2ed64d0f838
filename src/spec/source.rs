//! The text of a spec file and the way from a byte of it to a line and column.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest spec read, in bytes; a paper's worth of experiments is some kilobytes.
pub const LARGEST: u64 = 1 << 20;

/// The longest part of a line that an error shows, in bytes.
const SHOWN: usize = 160;

/// A spec file in memory.
#[derive(Debug)]
pub struct Source {
    name: String,
    directory: PathBuf,
    text: String,
    line_starts: Vec<usize>,
    sha256: String,
    of_rows: bool,
}

impl Source {
    /// A text that is in no file; relative paths in it are taken from the current folder.
    pub(crate) fn from_text(name: &str, text: String) -> Arc<Self> {
        let sha256 = checksum(text.as_bytes());
        Self::new(name.to_string(), PathBuf::new(), text, sha256)
    }

    /// A file of rows, whose text nobody is shown.
    pub(super) fn of_rows(name: &str, sha256: String) -> Arc<Self> {
        let (name, directory, text, line_starts) = (name.to_string(), PathBuf::new(), String::new(), vec![0]);
        Arc::new(Self { name, directory, text, line_starts, sha256, of_rows: true })
    }

    /// Whether it has rows of prompts and nothing else of the spec.
    pub(crate) fn is_of_rows(&self) -> bool {
        self.of_rows
    }

    pub(super) fn new(name: String, directory: PathBuf, text: String, sha256: String) -> Arc<Self> {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Arc::new(Self { name, directory, text, line_starts, sha256, of_rows: false })
    }

    /// The path as it is shown.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder that relative paths in the file start from.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The whole text, without a byte-order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the file's bytes, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The same text, with relative paths in it taken from another folder.
    pub(super) fn in_folder(&self, directory: PathBuf) -> Arc<Self> {
        let Self { name, text, line_starts, sha256, of_rows, .. } = self;
        let (name, text, line_starts, sha256) = (name.clone(), text.clone(), line_starts.clone(), sha256.clone());
        Arc::new(Self { name, directory, text, line_starts, sha256, of_rows: *of_rows })
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_of(offset);
        let start = self.line_starts.get(line).copied().unwrap_or(0);
        let column = self.text.get(start..offset.min(self.text.len())).map_or(0, |before| before.chars().count());
        (line + 1, column + 1)
    }

    /// The part of a span that lies on its first line, at most as long as an error shows.
    pub(super) fn clip(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.floor(span.start.min(self.text.len()));
        let line = self.line(self.line_of(start));
        let end = span.end.max(start).min(line.end).min(start + SHOWN / 2);
        start..self.floor(end).max(start)
    }

    /// Whether the line of this byte is short enough to be shown whole.
    pub(super) fn shows_whole_line(&self, offset: usize) -> bool {
        self.line(self.line_of(offset)).len() <= SHOWN
    }

    fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The bytes of a line, without its end.
    fn line(&self, index: usize) -> Range<usize> {
        let start = self.line_starts.get(index).copied().unwrap_or(self.text.len());
        let next = self.line_starts.get(index + 1).copied().unwrap_or(self.text.len() + 1);
        let end = (next - 1).max(start);
        let end = if end > start && self.text.as_bytes().get(end - 1) == Some(&b'\r') { end - 1 } else { end };
        start..end
    }

    fn floor(&self, mut offset: usize) -> usize {
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// Lines about a span, found through the line index and cropped: miette's own reading of a text starts at its first byte
/// for every span, and shows a line of a megabyte whole.
impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        if end > self.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let (first, last) = (self.line_of(start), self.line_of(end));
        let (top, bottom) = (first.saturating_sub(before), (last + after).min(self.line_starts.len() - 1));
        let mut shown = self.line(top).start..self.line(bottom).end;
        if before == 0 {
            shown.start = start;
        }
        let long = (top..=bottom).any(|line| self.line(line).len() > SHOWN);
        let mut line = if before == 0 { first } else { top };
        if long && first == last {
            let whole = self.line(first);
            shown = self.floor(start.saturating_sub(SHOWN / 2).max(whole.start))
                ..self.floor((start + SHOWN / 2).min(whole.end)).max(end);
            if before == 0 {
                shown.start = start;
            }
            line = first;
        }
        let data = self.text.as_bytes().get(shown.clone()).ok_or(MietteError::OutOfBounds)?;
        let column = self.position(shown.start).1 - 1;
        let lines = data.iter().filter(|byte| **byte == b'\n').count();
        let span = SourceSpan::from((shown.start, shown.len()));
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), data, span, line, column, lines)))
    }
}

/// SHA-256 of a file, in hex.
pub(super) fn checksum(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
