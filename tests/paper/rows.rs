//! Committed tables: `results/FOLDER/tables/NAME.csv`.

use std::path::{Path, PathBuf};

/// A folder of results.
pub struct Results(&'static str);

/// The rows of a table.
pub struct Rows {
    name: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Results {
    /// `results/FOLDER`.
    pub fn of(folder: &'static str) -> Self {
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("results").join(self.0)
    }

    /// A file of it, on one line.
    pub fn text(&self, file: &str) -> String {
        let path = self.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// A table of a spec.
    pub fn rows(&self, spec: &str, table: &str) -> Rows {
        let path = self.path().join(spec).join("tables").join(format!("{table}.csv"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut rows = text.lines().map(cells);
        let columns = rows.next().unwrap_or_default();
        Rows { name: format!("{spec}/{table}"), columns, rows: rows.collect() }
    }
}

/// The cells of a line; one with commas in it stands between quotation marks.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}

impl Rows {
    /// The rows that have these values, `operator=+`.
    pub fn of(&self, conditions: &[&str]) -> Rows {
        let meets = |row: &Vec<String>| {
            conditions.iter().all(|condition| {
                let (column, value) = condition.split_once('=').unwrap();
                row[self.index(column)] == value
            })
        };
        let rows = self.rows.iter().filter(|row| meets(row)).cloned().collect();
        Rows { name: format!("{} {conditions:?}", self.name), columns: self.columns.clone(), rows }
    }

    fn index(&self, column: &str) -> usize {
        let found = self.columns.iter().position(|other| other == column);
        found.unwrap_or_else(|| panic!("{}: no column '{column}', there are {:?}", self.name, self.columns))
    }

    /// A column's numbers; a null is left out.
    pub fn numbers(&self, column: &str) -> Vec<f64> {
        let index = self.index(column);
        self.rows.iter().filter_map(|row| row[index].parse().ok()).collect()
    }

    /// The number of the only row.
    pub fn number(&self, column: &str) -> f64 {
        match self.numbers(column).as_slice() {
            [number] => *number,
            numbers => panic!("{}: {} numbers in '{column}', not one", self.name, numbers.len()),
        }
    }

    /// Of each operator, the number of the only row: + − × ÷.
    pub fn by_operator(&self, column: &str) -> [f64; 4] {
        ["+", "-", "*", "/"].map(|operator| self.of(&[&format!("operator={operator}")]).number(column))
    }
}
