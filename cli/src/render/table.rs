//! Tables of wrapped cells.
//!
//! ```text
//!  kernel      ┆ verdict
//! ═════════════╪════════
//!  2.6.16      ┆ holds
//! ╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌
//! ```

use comfy_table::{Cell, ColumnConstraint, ContentArrangement, LineStyle, Row, Table, Width, presets};

/// What separates rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Between {
    /// A rule: cells may have several lines.
    Rule,
    /// Nothing.
    Nothing,
}

/// Columns of a page.
const WIDTH: u16 = 100;
/// The first column is wrapped where it is wider.
const FIRST: u16 = 26;
/// On both sides of a cell.
const PADDING: u16 = 2;

/// The lines of a table, the header first.
pub(crate) fn lines(header: &[String], rows: &[Vec<String>], between: Between) -> Vec<String> {
    let cells = |texts: &[String]| Row::from(texts.iter().map(Cell::new).collect::<Vec<_>>());
    let mut table = Table::new();
    table.load_style(match between {
        Between::Rule => presets::UTF8_NO_BORDERS,
        Between::Nothing => presets::UTF8_NO_BORDERS.row_separator(LineStyle::none()),
    });
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(cells(header));
    for row in rows {
        table.add_row(cells(row));
    }
    if let Some(first) = table.column_mut(0) {
        let widest = rows.iter().filter_map(|row| row.first()).map(|text| text.chars().count()).max();
        first.set_constraint(if widest.is_some_and(|widest| widest > usize::from(FIRST)) {
            ColumnConstraint::Absolute(Width::Fixed(FIRST + PADDING))
        } else {
            ColumnConstraint::ContentWidth
        });
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The lines of a table of short cells, the header first: nothing is wrapped, and one blank separates columns.
pub(crate) fn grid(header: &[String], rows: &[Vec<String>]) -> Vec<String> {
    let cells = |texts: &[String]| Row::from(texts.iter().map(Cell::new).collect::<Vec<_>>());
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.add_row(cells(header));
    for row in rows {
        table.add_row(cells(row));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}
