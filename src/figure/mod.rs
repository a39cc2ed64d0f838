//! Figures: one file per kind; SVG and PNG of one drawing.
