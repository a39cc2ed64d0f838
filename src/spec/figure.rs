//! `[[figure]]`: one drawing, written as SVG, PNG and PDF.

use super::Condition;
use super::FigureWidth;
use super::defaults::defaults;
use super::figure_width::PIXELS_PER_MM;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A figure made from the rows of a step or a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Name of the figure; its files are `figures/NAME.svg` and so on.
    #[schemars(extend("format" = "name"), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// How it is drawn.
    pub kind: FigureKind,
    /// The step or table whose rows it draws.
    #[schemars(extend("x-refers-to" = "rows"))]
    pub from: String,
    /// Rows to draw: each column's value, list of values, or comparison. Rows that fall on one cell, bar or point are averaged.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub filter: IndexMap<String, Condition>,
    /// Column on the horizontal axis.
    pub x: String,
    /// Column on the vertical axis; for `heatmap` and `heatmap-grid` the rows, for others the height.
    pub y: String,
    /// Column that gives a heat map's colour; `log1p(mean)` and `log10(mean)` transform it.
    #[schemars(extend("format" = "value"))]
    pub value: Option<String>,
    /// Column whose values are the lines, the bars side by side, or the colours of points. `operator` takes the operators' own colours.
    pub series: Option<String>,
    /// Column whose values are the styles of `lines`: the first solid, the second dashed, the third dotted. With `series`, one
    /// line per colour and style.
    pub dash: Option<String>,
    /// Column whose values are the panels of a `heatmap-grid`, `lines`, `bars` or `scatter`.
    pub facet: Option<String>,
    /// Columns with the lower and the upper end of the band or error bar.
    pub band: Option<[String; 2]>,
    /// The line of equal x and y in a `scatter`, whose axes then have the same ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub diagonal: bool,
    /// Title above the drawing.
    pub title: Option<String>,
    /// Title of the horizontal axis, with its unit. Left out: the column's name.
    pub x_title: Option<String>,
    /// Title of the vertical axis, with its unit. Left out: the column's name.
    pub y_title: Option<String>,
    /// Title of the colour scale, with its unit. Left out: the column's name.
    pub value_title: Option<String>,
    /// Horizontal axis: linear or logarithmic.
    #[serde(default)]
    pub x_scale: Scale,
    /// Vertical axis: linear or logarithmic.
    #[serde(default)]
    pub y_scale: Scale,
    /// Ends of the vertical axis. Left out: from the data.
    #[schemars(extend("x-increasing" = true))]
    pub y_range: Option<[f64; 2]>,
    /// Ends of the colour scale. Left out: from the data.
    #[schemars(extend("x-increasing" = true))]
    pub value_range: Option<[f64; 2]>,
    /// Colours that diverge about zero. Left out: diverging when both signs matter, the lesser by a tenth of the other at least.
    pub diverging: Option<bool>,
    /// Write each cell's value into it. Left out: when there are at most 120 cells.
    pub annotate: Option<bool>,
    /// Width in pixels of the SVG, of which the PNG has twice as many; or in print, the PNG with 300 dots per inch: `"column"` (84 mm),
    /// `"page"` (174 mm), `"120 mm"`.
    #[serde(default = "default_width")]
    pub width: FigureWidth,
    /// Height in pixels of the SVG; the PNG has twice as many. In print it is what it would be beside a width of 640: 320 makes a figure half
    /// as high as wide.
    #[serde(default = "default_height")]
    #[schemars(range(min = 90, max = 4000))]
    pub height: u32,
}

defaults! {
    default_width: FigureWidth = FigureWidth::Pixels(WIDTH);
    default_height: u32 = 420;
}

/// The width that is not written, and beside which heights are written.
const WIDTH: u32 = 640;

/// Defines [`FigureKind`] and what is asked of a kind's keys. What a kind does is said in its entry: a comment here would take the place
/// of that in the schema.
macro_rules! figure_kind {
    ($($(#[$about:meta])* $kind:ident = $name:literal, needs $needs:expr, own $own:expr;)*) => {
        /// The kinds of figure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum FigureKind {
            $($(#[$about])* #[serde(rename = $name)] $kind,)*
        }

        impl FigureKind {
            /// Every kind.
            pub const ALL: &[FigureKind] = &[$(FigureKind::$kind,)*];

            /// Its name and its keys.
            pub fn facts(self) -> FigureFacts {
                match self {
                    $(FigureKind::$kind => FigureFacts { name: $name, needs: &$needs, own: &$own },)*
                }
            }
        }
    };
}

/// What a spec must know of a kind of figure.
pub struct FigureFacts {
    /// As a spec writes it.
    pub name: &'static str,
    /// Keys that it cannot do without, each with a column that it could name.
    pub needs: &'static [(&'static str, &'static str)],
    /// Keys that mean something to it alone, each with what other kinds have not.
    pub own: &'static [(&'static str, &'static str)],
}

/// Every kind, an entry each: hands the list to the macro that it is given, for this file and for the one that draws.
macro_rules! figure_kinds {
    ($with:ident) => {
        $with! {
            /// One cell per `x` and `y`, coloured by `value`.
            ///
            /// Also: `annotate`, `diverging`, `value_range`. Rows of one cell are averaged; a cell without rows is grey.
            ///
            /// ```toml
            /// [[figure]]
            /// name  = "errors"
            /// kind  = "heatmap"
            /// from  = "accuracy.prompts"
            /// where = { operator = "+" }
            /// x     = "b"
            /// y     = "a"
            /// value = "correct"
            /// ```
            Heatmap = "heatmap", needs [("value", "mean")], own [];
            /// A small heat map per value of `facet`, all on one colour scale.
            ///
            /// Also: `annotate`, `diverging`, `value_range`. All panels share their axes.
            ///
            /// ```toml
            /// [[figure]]
            /// name  = "errors"
            /// kind  = "heatmap-grid"
            /// from  = "accuracy.prompts"
            /// x     = "b"
            /// y     = "a"
            /// value = "correct"
            /// facet = "operator"
            /// ```
            HeatmapGrid = "heatmap-grid", needs [("value", "mean"), ("facet", "operator")], own [];
            /// One line per value of `series`, with a band where `band` is given.
            ///
            /// Also: `dash`, `facet`, `x_scale`, `y_scale`, `y_range`. `y` may be `log1p(column)` or `log10(column)`.
            ///
            /// ```toml
            /// [[figure]]
            /// name   = "by_first_operand"
            /// kind   = "lines"
            /// from   = "accuracy.prompts"
            /// x      = "a"
            /// y      = "correct"
            /// series = "operator"
            /// ```
            Lines = "lines", needs [], own [("dash", "lines to dash")];
            /// One bar per `x` and `series`, with error bars where `band` is given.
            ///
            /// Also: `facet`, `y_scale`, `y_range`. Bars begin at zero.
            ///
            /// ```toml
            /// [[figure]]
            /// name   = "accuracy"
            /// kind   = "bars"
            /// from   = "accuracy"
            /// x      = "operator"
            /// y      = "rate"
            /// series = "operator"
            /// band   = ["ci_low", "ci_high"]
            /// ```
            Bars = "bars", needs [], own [];
            /// One point per row, at two numbers of it.
            ///
            /// Also: `series`, `diagonal`, `facet`, `x_scale`, `y_scale`, `y_range`.
            ///
            /// ```toml
            /// [[figure]]
            /// name   = "answers"
            /// kind   = "scatter"
            /// from   = "accuracy.prompts"
            /// x      = "a"
            /// y      = "answer"
            /// series = "operator"
            /// ```
            Scatter = "scatter", needs [], own [("diagonal", "line of equal x and y")];
        }
    };
}
pub(crate) use figure_kinds;

figure_kinds!(figure_kind);

impl Figure {
    /// Pixels of the drawing: from left to right, and from top to bottom.
    pub fn size(&self) -> (u32, u32) {
        let width = match (self.width, self.width.millimetres()) {
            (FigureWidth::Pixels(width), _) => return (width, self.height),
            (_, width) => width.unwrap_or_default() * PIXELS_PER_MM,
        };
        let height = width * f64::from(self.height) / f64::from(WIDTH);
        (width.round() as u32, (height.round() as u32).max(1))
    }

    /// The column that a key names.
    pub fn column(&self, key: &str) -> Option<&str> {
        match key {
            "x" => Some(&self.x),
            "y" => Some(&self.y),
            "value" => self.value.as_deref(),
            "series" => self.series.as_deref(),
            "dash" => self.dash.as_deref(),
            "facet" => self.facet.as_deref(),
            _ => None,
        }
    }
}

/// An axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Equal steps, equal differences.
    #[default]
    Linear,
    /// Equal steps, equal ratios.
    Log,
}
