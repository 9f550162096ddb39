//! TOML: the tree that its parser makes, which has the place of everything in it.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{ROOT, Wanted};
use crate::facts::document::toml::with_room;

/// Goes on until everything is found; `None` as well where it is no TOML.
pub(super) fn locate(text: &[u8], many: bool, wanted: &mut Wanted<'_>) -> Option<()> {
    let text = std::str::from_utf8(text).ok()?;
    with_room(|| locate_here(text, many, wanted)).ok()?
}

fn locate_here(text: &str, many: bool, wanted: &mut Wanted<'_>) -> Option<()> {
    let root = DeTable::parse(text).ok()?.into_inner();
    let end = text.trim_end_matches([' ', '\t', '\r', '\n']).len();
    let whole = end - text[..end].trim_start_matches([' ', '\t', '\r', '\n']).len()..end;
    if !many {
        table(&root, ROOT, wanted)?;
    } else if let Some(document) = wanted.item(ROOT, 0) {
        table(&root, document, wanted)?;
        wanted.found(document, whole.clone(), None)?;
    }
    wanted.found(ROOT, whole, None)
}

/// What is wanted below a table. Recurses as deep as the wanted paths lead.
fn table(entries: &DeTable<'_>, node: usize, wanted: &mut Wanted<'_>) -> Option<()> {
    let inner: Vec<_> = wanted.nodes[node].keys.iter().map(|(key, node)| (*key, *node)).collect();
    for (key, node) in inner {
        if let Some((key, inner)) = entries.get_key_value(key) {
            value(inner, node, Some(key.span()), wanted)?;
        }
    }
    Some(())
}

fn value(inner: &Spanned<DeValue<'_>>, node: usize, key: Option<Range<usize>>, wanted: &mut Wanted<'_>) -> Option<()> {
    match inner.get_ref() {
        DeValue::Table(entries) => table(entries, node, wanted)?,
        DeValue::Array(items) => {
            let below: Vec<_> = wanted.nodes[node].items.iter().map(|(index, node)| (*index, *node)).collect();
            for (index, node) in below {
                if let Some(item) = items.get(index) {
                    value(item, node, None, wanted)?;
                }
            }
        }
        _ => {}
    }
    wanted.found(node, inner.span(), key)
}
