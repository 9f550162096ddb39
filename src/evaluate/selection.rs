//! Selections by a constant: `some r in xs; r.type == "x"` takes the elements from an index instead of asking every one.
//!
//! Most rules over plans and manifests begin so. A hundred of them over one list would walk it a hundred times; the index
//! is made by the first and shared by all. It gives what the condition lets through, in the order of the list, and the
//! condition stays where it is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use regorus::Value;

/// Lists that are shorter are walked faster than they are looked up.
const WORTH_IT: usize = 64;
/// So many lists are kept. Those that rules make anew at each evaluation must not fill the memory.
const MOST: usize = 512;

/// The indexes of all lists, by what each is asked for.
#[derive(Debug, Default)]
pub(super) struct Selections {
    known: Mutex<HashMap<Asked, Arc<Index>>>,
}

/// The address of a list and the keys below its elements.
type Asked = (usize, Arc<str>);

/// The elements of one list by a text in them.
#[derive(Debug)]
struct Index {
    /// Keeps the list where it is, so that its address stays its own.
    _list: Value,
    by_text: HashMap<Arc<str>, Value>,
}

impl Selections {
    /// The elements of a list that have this text below these keys (joined by [`SEPARATOR`]); the whole list
    /// where an index is not worth it.
    pub(super) fn select(&self, list: Value, keys: &Value, text: &Value) -> Value {
        let (Ok(items), Ok(keys), Ok(text)) = (list.as_array(), keys.as_string(), text.as_string()) else {
            return list;
        };
        if items.len() < WORTH_IT {
            return list;
        }
        let asked = (std::ptr::from_ref(items).addr(), Arc::clone(keys));
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&asked).cloned();
        let index = if let Some(index) = known {
            index
        } else {
            let index = Arc::new(Index::of(&list, items.iter(), keys));
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MOST {
                return list;
            }
            Arc::clone(known.entry(asked).or_insert(index))
        };
        index.by_text.get(text.as_ref()).cloned().unwrap_or_else(Value::new_array)
    }
}

impl Index {
    fn of<'a>(list: &Value, items: impl Iterator<Item = &'a Value>, keys: &str) -> Self {
        let keys: Vec<Value> = keys.split(SEPARATOR).map(Value::from).collect();
        let mut by_text: HashMap<Arc<str>, Vec<Value>> = HashMap::new();
        for item in items {
            let found = keys.iter().try_fold(item, |value, key| value.as_object().ok()?.get(key));
            if let Some(Value::String(text)) = found {
                by_text.entry(Arc::from(text.as_ref())).or_default().push(item.clone());
            }
        }
        let by_text = by_text.into_iter().map(|(text, items)| (text, Value::from(items))).collect();
        Self { _list: list.clone(), by_text }
    }
}

/// Between keys; no key that is written as a name holds it.
pub(super) const SEPARATOR: char = '/';

#[cfg(test)]
mod tests {
    use super::*;

    fn list(count: usize) -> Value {
        let item = |at: usize| {
            let kind = ["a", "b", "c"][at % 3];
            serde_json::json!({"at": at, "kind": kind, "meta": {"kind": if at.is_multiple_of(2) { "even" } else { "odd" }}})
        };
        Value::from(serde_json::Value::Array((0..count).map(item).collect()))
    }

    #[test]
    fn what_is_selected_is_what_the_condition_lets_through() {
        let selections = Selections::default();
        for count in [0, 3, 200] {
            let list = list(count);
            for (keys, text) in [("kind", "a"), ("kind", "z"), ("meta/kind", "odd"), ("meta/nothing", "odd")] {
                let found = selections.select(list.clone(), &keys.into(), &text.into());
                let holds = |item: &&Value| keys.split('/').fold(*item, |value, key| &value[key]) == &Value::from(text);
                let expected: Vec<&Value> = list.as_array().unwrap().iter().filter(holds).collect();
                let found: Vec<&Value> = found.as_array().unwrap().iter().filter(holds).collect();
                assert_eq!(found, expected, "{count} {keys} {text}");
            }
        }
        let list = list(200);
        let found = selections.select(list.clone(), &"kind".into(), &"a".into());
        assert_eq!(found.as_array().unwrap().len(), 67);
        // The elements are those of the list, not copies, so that they are found in their file again.
        let address = |value: &Value| std::ptr::from_ref(value.as_object().unwrap()).addr();
        assert_eq!(address(&found.as_array().unwrap()[1]), address(&list.as_array().unwrap()[3]));
    }
}
