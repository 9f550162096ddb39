//! What policies of others see as `input`: the elements of a source, one after the other, or the source as a whole.

use std::collections::{BTreeMap, HashMap};

use regorus::Value;

use super::trace::address;
use crate::{
    model::{Json, Path, Segment},
    policy::InputBinding,
};

/// The values that stand for `input`, with the path that leads to each of them.
pub(crate) struct Inputs {
    binding: InputBinding,
    list: Vec<Input>,
    /// Which of them a value is, by where it stands in memory; by itself where it is too small to stand anywhere.
    by_address: HashMap<usize, usize>,
    by_value: BTreeMap<Value, usize>,
}

/// One value that stands for `input`.
pub(crate) struct Input {
    value: Value,
    path: Path,
    /// What it is called where a violation does not say what it is about; `None` for a source as a whole.
    pub(super) identity: Option<Json>,
}

impl Inputs {
    /// The inputs that a binding finds in the facts: none where the source is not there, or has no elements.
    pub(super) fn of(binding: &InputBinding, facts: &Value) -> Self {
        let source = facts.as_object().ok().and_then(|sources| sources.get(&Value::from(binding.source.as_str())));
        let base = InputBinding { each: false, ..binding.clone() }.path();
        let element = |value: &Value, step: Segment| {
            let identity = identity(value).unwrap_or_else(|| match &step {
                Segment::Key(key) => key.as_str().into(),
                Segment::Index(at) => (*at).into(),
                Segment::Any => Json::Null,
            });
            Input { value: value.clone(), path: base.join(step), identity: Some(identity) }
        };
        let list: Vec<Input> = match source {
            Some(whole) if !binding.each => vec![Input { value: whole.clone(), path: base, identity: None }],
            Some(Value::Array(items)) => {
                items.iter().enumerate().map(|(at, item)| element(item, Segment::Index(at))).collect()
            }
            Some(Value::Object(fields)) => fields
                .iter_sorted()
                .filter_map(|(key, item)| Some(element(item, Segment::Key(key.as_string().ok()?.to_string()))))
                .collect(),
            None | Some(_) => Vec::new(),
        };
        let (mut by_address, mut by_value) = (HashMap::new(), BTreeMap::new());
        for (at, input) in list.iter().enumerate() {
            match address(&input.value) {
                Some(address) => by_address.entry(address).or_insert(at),
                None => by_value.entry(input.value.clone()).or_insert(at),
            };
        }
        Self { binding: binding.clone(), list, by_address, by_value }
    }

    /// The path that they have in common.
    pub(super) fn base(&self) -> Path {
        self.binding.path()
    }

    /// Whether each element is one of them.
    pub(super) fn is_each(&self) -> bool {
        self.binding.each
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Input> {
        self.list.get(at)
    }

    /// Which of them this value is.
    pub(super) fn which(&self, value: &Value) -> Option<usize> {
        match address(value) {
            Some(address) => self.by_address.get(&address).copied(),
            None => self.by_value.get(value).copied(),
        }
    }

    /// Where this value stands in the facts.
    pub(super) fn path_of(&self, value: &Value) -> Option<&Path> {
        self.which(value).map(|at| &self.list[at].path)
    }

    /// The query for the values of rules with each of them as `input`: a list of keys with what `asked` gives there.
    pub(super) fn query(&self, asked: impl Fn(&str) -> String) -> String {
        let source = serde_json::Value::from(self.binding.source.as_str());
        let rules = asked(" with input as element");
        if self.binding.each {
            format!("[[key, {rules}] | some key, element in input[{source}]]")
        } else {
            format!("[[null, {rules}] | element := input[{source}]]")
        }
    }

    /// Brings the answers into the order of the inputs; one that has none has a row of nothing.
    pub(super) fn rows<T: Clone>(&self, answers: Vec<(Value, Vec<Option<T>>)>, width: usize) -> Vec<Vec<Option<T>>> {
        let mut answers: BTreeMap<Value, Vec<Option<T>>> = answers.into_iter().collect();
        let key = |input: &Input| match input.path.segments().last() {
            Some(Segment::Index(at)) => Value::from(*at as u64),
            Some(Segment::Key(key)) if self.binding.each => Value::from(key.as_str()),
            _ => Value::Null,
        };
        self.list.iter().map(|input| answers.remove(&key(input)).unwrap_or_else(|| vec![None; width])).collect()
    }
}

impl Input {
    /// What stands for `input`.
    pub(super) fn value(&self) -> &Value {
        &self.value
    }
}

/// What people call an element: a Kubernetes object by its kind and name, a resource of Terraform by its address. What
/// an admission review asks about is called by its own name.
fn identity(element: &Value) -> Option<Json> {
    let field = |value: &Value, key: &str| value.as_object().ok()?.get(&Value::from(key)).cloned();
    let text = |value: &Value, key: &str| match field(value, key)? {
        Value::String(text) if !text.is_empty() => Some(text.to_string()),
        _ => None,
    };
    let named = |value: &Value| -> Option<Json> {
        let kind = text(value, "kind");
        let metadata = field(value, "metadata");
        let name =
            metadata.as_ref().and_then(|metadata| text(metadata, "name").or_else(|| text(metadata, "generateName")));
        if let (Some(kind), Some(name)) = (kind, name) {
            let namespace = metadata.as_ref().and_then(|metadata| text(metadata, "namespace"));
            return Some(match namespace {
                Some(namespace) => format!("{kind}/{namespace}/{name}").into(),
                None => format!("{kind}/{name}").into(),
            });
        }
        text(value, "address").map(Json::from)
    };
    let reviewed = || {
        let review = ["review", "request"].into_iter().find_map(|key| field(element, key))?;
        named(&field(&review, "object")?)
    };
    named(element).or_else(reviewed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_are_called_by_what_they_are() {
        let facts = Value::from_json_str(
            r#"{"manifests": [
                {"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}},
                {"kind": "ClusterRole", "metadata": {"name": "reader", "namespace": ""}},
                {"address": "aws_s3_bucket.logs", "type": "aws_s3_bucket"},
                {"review": {"object": {"kind": "Pod", "metadata": {"generateName": "job-"}}}},
                {"kind": "List", "items": []},
                "text"
            ], "hosts": {"a": {"port": 1}}}"#,
        )
        .unwrap();
        let called = |source: &str, each: bool| -> Vec<Option<Json>> {
            let inputs = Inputs::of(&InputBinding { source: source.to_owned(), each }, &facts);
            inputs.list.iter().map(|input| input.identity.clone()).collect()
        };
        let names = ["Deployment/shop/web", "ClusterRole/reader", "aws_s3_bucket.logs", "Pod/job-"];
        let expected: Vec<_> = names.map(Json::from).into_iter().chain([json!(4), json!(5)]).map(Some).collect();
        assert_eq!(called("manifests", true), expected);
        assert_eq!(called("hosts", true), [Some(json!("a"))]);
        assert_eq!(called("hosts", false), [None]);
        assert_eq!(called("nothing", true), []);
    }
}
