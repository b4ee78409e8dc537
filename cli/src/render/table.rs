//! Tables of wrapped cells.
//!
//! ```text
//!  kernel      ┆ verdict
//! ═════════════╪════════
//!  2.6.16      ┆ holds
//! ╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌
//! ```

use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Row, Table, presets};

/// Columns of a page.
const WIDTH: u16 = 100;

/// The lines of a table, the header first; the first column is not wrapped.
pub(crate) fn lines(header: &[String], rows: &[Vec<String>]) -> Vec<String> {
    let cells = |texts: &[String]| Row::from(texts.iter().map(Cell::new).collect::<Vec<_>>());
    let mut table = Table::new();
    table.load_style(presets::UTF8_NO_BORDERS);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(cells(header));
    for row in rows {
        table.add_row(cells(row));
    }
    if let Some(first) = table.column_mut(0) {
        first.set_constraint(ColumnConstraint::ContentWidth);
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}
