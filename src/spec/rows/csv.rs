//! Rows of a CSV file, with a line of names: RFC 4180, in lines that end in CR LF or LF.

use super::read::{Unread, WordColumns};

/// What separates cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    Comma,
    Tab,
}

impl Separator {
    fn letter(self) -> char {
        match self {
            Separator::Comma => ',',
            Separator::Tab => '\t',
        }
    }
}

/// Reads the whole file. Lines without anything in them are passed over.
pub(super) fn read(text: &str, separator: Separator) -> Result<WordColumns, Unread> {
    let mut read = WordColumns::default();
    each(text, separator, |names, line, cells| {
        if read.width() == 0 {
            read = WordColumns::new(names)?;
        }
        for (column, cell) in cells.into_iter().enumerate() {
            match cell.trim().is_empty() {
                true => {
                    read.no_word(column, format!("line {line} has no '{}'; write a word in every cell", names[column]))
                }
                false => read.word(column, cell.into()),
            }
        }
        Ok(())
    })?;
    Ok(read)
}

/// Gives the names and each row's cells, as many, with the number of its line.
pub(super) fn each(
    text: &str,
    separator: Separator,
    mut take: impl FnMut(&[String], usize, Vec<String>) -> Result<(), Unread>,
) -> Result<(), Unread> {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let Some(first) = first else { return Err("it is empty; write a line of names, and a line for each row".into()) };
    if text.contains('\r') && !text.contains('\n') {
        return Err("its lines end in CR alone; save it with line feeds".into());
    }
    other_separator(first, separator)?;
    // Where people write ", " they do so in all lines: the space is neither of a name nor of the cells below it.
    let spaced: Vec<bool> = first.split(separator.letter()).map(|name| name.starts_with(' ')).collect();
    let mut records = Records { text, at: 0, line: 1, separator: separator.letter(), spaced: &spaced };
    let Some((_, names)) = records.record()? else { return Err("it is empty; write a line of names".into()) };
    let names: Vec<String> = names.iter().map(|name| name.trim().to_string()).collect();
    WordColumns::new(&names)?;
    let mut is_empty = true;
    while let Some((line, cells)) = records.record()? {
        if cells.len() != names.len() {
            return Err(ragged(line, cells.len(), &names));
        }
        take(&names, line, cells)?;
        is_empty = false;
    }
    match is_empty {
        true => Err("it has no rows; write a line of names, and a line for each row".into()),
        false => Ok(()),
    }
}

/// Names that another letter separates.
fn other_separator(first: &str, separator: Separator) -> Result<(), Unread> {
    let others = [(',', "commas"), (';', "semicolons"), ('\t', "tabs"), ('|', "bars")];
    let found = others.into_iter().find(|(letter, _)| first.contains(*letter));
    match found {
        Some((letter, what)) if !first.contains(separator.letter()) => {
            let right = match (separator, letter) {
                (Separator::Comma, '\t') => "call the file NAME.tsv, or separate cells by commas",
                (Separator::Comma, _) => "separate cells by commas, and write one with a comma in it in quotes",
                (Separator::Tab, _) => "call the file NAME.csv, or separate cells by tabs",
            };
            Err(format!("line 1: its names are separated by {what} ('{}'); {right}", first.trim()).into())
        }
        _ => Ok(()),
    }
}

fn ragged(line: usize, cells: usize, names: &[String]) -> Unread {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let advice = if cells > names.len() { "; a cell with a comma in it stands in quotes" } else { "" };
    let (cells, columns) = (count(cells, "cell"), count(names.len(), "column"));
    format!("line {line} has {cells}, and the file has {columns} ({}){advice}", names.join(", ")).into()
}

struct Records<'t> {
    text: &'t str,
    /// The byte that is read next, and its line.
    at: usize,
    line: usize,
    separator: char,
    /// Columns whose cells begin with a space that is not of them.
    spaced: &'t [bool],
}

impl<'t> Records<'t> {
    /// The cells of the next line that has some, and its number; a cell in quotes may have several lines.
    fn record(&mut self) -> Result<Option<(usize, Vec<String>)>, Unread> {
        loop {
            if self.at >= self.text.len() {
                return Ok(None);
            }
            let (start, line) = (self.at, self.line);
            let mut cells = Vec::with_capacity(self.spaced.len());
            loop {
                let (cell, more) = self.cell(cells.len())?;
                cells.push(cell);
                if !more {
                    break;
                }
            }
            let blank = self.text.get(start..self.at).is_some_and(|line| line.trim().is_empty());
            if !blank || cells.len() > 1 {
                return Ok(Some((line, cells)));
            }
        }
    }

    /// A cell, and whether another follows in its line.
    fn cell(&mut self, column: usize) -> Result<(String, bool), Unread> {
        let spaced = self.spaced.get(column).copied().unwrap_or(false);
        if spaced {
            self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
        }
        let quoted = self.rest().starts_with('"');
        let mut cell = String::new();
        if quoted {
            self.quoted(&mut cell, column)?;
            if spaced {
                self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
            }
        }
        let rest = self.rest();
        let end = rest.find([self.separator, '\n']).unwrap_or(rest.len());
        let (written, after) = rest.split_at(end);
        let whole = !after.starts_with(self.separator);
        let written = if whole { written.strip_suffix('\r').unwrap_or(written) } else { written };
        if quoted && !written.is_empty() {
            let problem = "text after the closing quote; write a quote inside of quotes twice";
            return Err(format!("line {}, column {}: {problem}", self.line, column + 1).into());
        }
        cell.push_str(written);
        self.at += end + usize::from(!after.is_empty());
        self.line += usize::from(whole && !after.is_empty());
        Ok((cell, !whole))
    }

    /// What stands in quotes.
    fn quoted(&mut self, cell: &mut String, column: usize) -> Result<(), Unread> {
        let first = self.line;
        self.at += 1;
        loop {
            let rest = self.rest();
            let Some(end) = rest.find('"') else {
                return Err(format!(
                    "line {first}, column {}: its quote is not closed; write \" at its end",
                    column + 1
                )
                .into());
            };
            let (written, after) = rest.split_at(end);
            self.line += written.matches('\n').count();
            cell.push_str(written);
            let doubled = after.starts_with("\"\"");
            self.at += end + 1 + usize::from(doubled);
            if !doubled {
                return Ok(());
            }
            cell.push('"');
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }
}
