//! Aligned columns.

/// Rows under headings, two spaces between columns, no space at line ends. Without rows there are no headings either.
pub(super) fn table<const COLUMNS: usize>(headings: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut widths = headings.map(width);
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let headings = headings.map(str::to_owned);
    let mut text = String::new();
    for row in std::iter::once(&headings).chain(rows) {
        let mut line = String::new();
        for (cell, widest) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', widest.saturating_sub(width(cell)) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Characters that take room; colours take none.
fn width(cell: &str) -> usize {
    let mut escaped = false;
    cell.chars()
        .filter(|c| match (escaped, c) {
            (false, '\x1b') => {
                escaped = true;
                false
            }
            (false, _) => true,
            (true, 'm') => {
                escaped = false;
                false
            }
            (true, _) => false,
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_colours_do_not_count() {
        let rows = [
            ["sales".to_owned(), "\x1b[32mok\x1b[0m".to_owned(), "1".to_owned()],
            ["مبيعات".to_owned(), "failing".to_owned(), String::new()],
        ];
        assert_eq!(
            table(["ACCOUNT", "STATE", "N"], &rows),
            "ACCOUNT  STATE    N\nsales    \x1b[32mok\x1b[0m       1\nمبيعات   failing\n"
        );
        assert_eq!(table(["A"], &[]), "");
    }
}
