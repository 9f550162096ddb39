//! CSV: its rows, once.

use std::collections::HashMap;

use super::{ROOT, Wanted};
use crate::facts::document::csv::{Rows, content};

/// Goes on until everything is found or the text ends; `None` as well where it is no CSV.
pub(super) fn locate(text: &[u8], wanted: &mut Wanted<'_>) -> Option<()> {
    let mut rows = Rows::new(text);
    let mut header = Vec::new();
    let Some(first) = rows.next(&mut header).ok()? else { return wanted.found(ROOT, 0..0, None) };
    let mut columns = HashMap::new();
    for (column, cell) in header.iter().enumerate() {
        columns.insert(content(std::str::from_utf8(&text[cell.clone()]).ok()?), column);
    }
    let mut cells = Vec::new();
    let mut end = first.end;
    let mut index = 0;
    while let Some(row) = rows.next(&mut cells).ok()? {
        if let Some(node) = wanted.item(ROOT, index) {
            let inner: Vec<_> = wanted.nodes[node].keys.iter().map(|(key, node)| (*key, *node)).collect();
            for (key, node) in inner {
                if let Some(column) = columns.get(key)
                    && let Some(cell) = cells.get(*column)
                {
                    wanted.found(node, cell.clone(), Some(header[*column].clone()))?;
                }
            }
            wanted.found(node, row.clone(), None)?;
        }
        end = row.end;
        index += 1;
    }
    wanted.found(ROOT, first.start..end, None)
}
