//! What is read of a file of rows: columns of words, and why a column is none.

use crate::spec::words::Cells;
use std::sync::Arc;

/// Columns, each with as many cells as there are rows.
#[derive(Debug, Clone, Default)]
pub(super) struct WordColumns {
    columns: Vec<ColumnReading>,
}

#[derive(Debug, Clone)]
struct ColumnReading {
    name: String,
    words: Vec<Arc<str>>,
    /// The first cell that is no word.
    problem: Option<String>,
}

/// A column of words, or why it is none.
#[derive(Debug, Clone)]
pub(super) struct WordColumn {
    pub name: String,
    pub words: Result<Cells, String>,
}

/// Why a file cannot be read, with its line where there is one.
#[derive(Debug, Clone)]
pub(super) struct Unread(pub String);

impl<T: Into<String>> From<T> for Unread {
    fn from(message: T) -> Self {
        Self(message.into())
    }
}

impl WordColumns {
    /// Of columns of these names.
    ///
    /// # Errors
    /// Two of one name.
    pub fn new<S: AsRef<str>>(names: &[S]) -> Result<Self, Unread> {
        let mut read = Self::default();
        for name in names {
            read.add(name.as_ref(), 0, None)?;
        }
        Ok(read)
    }

    /// Adds a column that the rows so far do not have.
    ///
    /// # Errors
    /// One of that name is there.
    pub fn add(&mut self, name: &str, rows: usize, problem: Option<String>) -> Result<usize, Unread> {
        if let Some(first) = self.find(name) {
            let (first, second) = (first + 1, self.columns.len() + 1);
            return Err(format!(
                "columns {first} and {second} are both called '{name}'; give one of them another name"
            )
            .into());
        }
        self.columns.push(ColumnReading { name: name.to_string(), words: vec![Arc::from(""); rows], problem });
        Ok(self.columns.len() - 1)
    }

    /// The place of a column.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// A column's name.
    pub fn name(&self, column: usize) -> &str {
        self.columns.get(column).map_or("", |column| &column.name)
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Adds a cell below a column.
    pub fn word(&mut self, column: usize, word: Arc<str>) {
        if let Some(column) = self.columns.get_mut(column) {
            column.words.push(word);
        }
    }

    /// Adds a cell that is no word: a column that has one is none of words.
    pub fn no_word(&mut self, column: usize, problem: String) {
        if let Some(column) = self.columns.get_mut(column) {
            column.words.push(Arc::from(""));
            column.problem.get_or_insert(problem);
        }
    }

    /// The columns.
    pub fn columns(self) -> Vec<WordColumn> {
        let column =
            |ColumnReading { name, words, problem }| WordColumn { name, words: problem.map_or(Ok(words.into()), Err) };
        self.columns.into_iter().map(column).collect()
    }
}
