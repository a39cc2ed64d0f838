//! Columns that are declared once: what a column is called, what it holds, what it means, and how it is made.

use polars::prelude::*;

/// A column as it is declared.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub dtype: DataType,
    /// What it means; empty where it means what it does elsewhere.
    pub about: &'static str,
    /// Every text that it may have, where the program says which there can be.
    pub words: Vec<&'static str>,
}

impl ColumnInfo {
    /// One column.
    pub fn of(name: &str, dtype: DataType, about: &'static str) -> Vec<Self> {
        vec![Self { name: name.to_string(), dtype, about, words: Vec::new() }]
    }
}

/// What every row of a frame says: one column, or several that belong together.
pub trait ColumnSet {
    /// The columns, in their order; `name` is that of the one column.
    fn declared(name: &str, about: &'static str) -> Vec<ColumnInfo>;
}

/// Columns that are made of one value a row.
pub trait Holds<V>: ColumnSet {
    /// The columns, as they are declared.
    fn columns(name: &str, values: impl Iterator<Item = V>) -> Vec<Column>;

    /// A frame of these columns alone.
    ///
    /// # Errors
    /// None of its own.
    fn frame(values: impl IntoIterator<Item = V>) -> PolarsResult<DataFrame> {
        let columns = Self::columns("", values.into_iter());
        DataFrame::new(columns.first().map_or(0, Column::len), columns)
    }
}

/// Declares rows: `Name(row: &Row) { column: Type = value, "What it means."; … }` is a [`ColumnSet`] that [`Holds`] a `&Row` a row.
/// A type is `String`, `i64`, `f64`, `bool`, an `Option` of them, or other rows, whose columns come there. After the meaning may
/// stand `in TEXTS`: all that there can be.
macro_rules! rows {
    ($(
        $(#[$about:meta])* $visible:vis $name:ident $(<$life:lifetime>)? ($row:tt: $type:ty) {
            $($column:ident: $kind:ty = $value:expr $(, $text:literal)? $(, in $words:expr)?;)*
        }
    )*) => {$(
        $(#[$about])*
        $visible struct $name;

        impl $crate::table::ColumnSet for $name {
            fn declared(_: &str, _: &'static str) -> Vec<$crate::table::ColumnInfo> {
                let mut all = Vec::new();
                $({
                    #[allow(unused_mut, reason = "few columns have words")]
                    let mut one = <$kind as $crate::table::ColumnSet>::declared(stringify!($column), concat!("", $($text)?));
                    $(one.iter_mut().for_each(|column| column.words = $words.to_vec());)?
                    all.extend(one);
                })*
                all
            }
        }

        impl $(<$life>)? $crate::table::Holds<$type> for $name {
            #[allow(unused_variables, reason = "a column is made of a part of its row")]
            fn columns(_: &str, rows: impl Iterator<Item = $type>) -> Vec<polars::prelude::Column> {
                let rows: Vec<$type> = rows.collect();
                let mut all = Vec::new();
                $(all.extend(<$kind as $crate::table::Holds<_>>::columns(
                    stringify!($column),
                    rows.iter().map(|$row| $value),
                ));)*
                all
            }
        }
    )*};
}
pub(crate) use rows;

/// A value as a column of `K` has it.
pub trait CellOf<K> {
    /// It.
    fn cell(self) -> K;
}

impl<K, V: CellOf<K>> CellOf<Option<K>> for Option<V> {
    fn cell(self) -> Option<K> {
        self.map(CellOf::cell)
    }
}

/// What is never too large for its column: counts, indices, seeds, which a spec writes as 64 bits with a sign.
macro_rules! cells {
    ($($value:ty as $kind:ty),*) => {$(
        impl CellOf<$kind> for $value {
            fn cell(self) -> $kind {
                self as $kind
            }
        }
    )*};
}
cells!(u32 as i64, u64 as i64, usize as i64, f32 as f64);

macro_rules! cells_as_they_are {
    ($($kind:ty),*) => {$(
        impl CellOf<$kind> for $kind {
            fn cell(self) -> $kind {
                self
            }
        }
    )*};
}
cells_as_they_are!(i64, f64, bool);

macro_rules! single {
    ($($kind:ty = $dtype:ident),*) => {$(
        impl ColumnSet for $kind {
            fn declared(name: &str, about: &'static str) -> Vec<ColumnInfo> {
                ColumnInfo::of(name, DataType::$dtype, about)
            }
        }
    )*};
}
single!(String = String, i64 = Int64, f64 = Float64, bool = Boolean);
single!(Option<String> = String, Option<i64> = Int64, Option<f64> = Float64, Option<bool> = Boolean);

macro_rules! holds {
    ($($kind:ty),*) => {$(
        impl<V: CellOf<$kind>> Holds<V> for $kind {
            fn columns(name: &str, values: impl Iterator<Item = V>) -> Vec<Column> {
                vec![Column::new(name.into(), values.map(CellOf::cell).collect::<Vec<$kind>>())]
            }
        }
    )*};
}
holds!(i64, f64, bool, Option<i64>, Option<f64>, Option<bool>);

impl<V: AsRef<str>> Holds<V> for String {
    fn columns(name: &str, values: impl Iterator<Item = V>) -> Vec<Column> {
        vec![StringChunked::from_iter_values(name.into(), values).into_column()]
    }
}

impl<V: AsRef<str>> Holds<Option<V>> for Option<String> {
    fn columns(name: &str, values: impl Iterator<Item = Option<V>>) -> Vec<Column> {
        vec![values.collect::<StringChunked>().with_name(name.into()).into_column()]
    }
}

impl<A: ColumnSet, B: ColumnSet> ColumnSet for (A, B) {
    fn declared(name: &str, about: &'static str) -> Vec<ColumnInfo> {
        [A::declared(name, about), B::declared(name, about)].concat()
    }
}

/// A frame of declared columns without rows.
///
/// # Errors
/// None of its own.
pub fn without_rows(columns: &[ColumnInfo]) -> PolarsResult<DataFrame> {
    let empty = |column: &ColumnInfo| Column::new_empty(column.name.as_str().into(), &column.dtype);
    DataFrame::new(0, columns.iter().map(empty).collect())
}
