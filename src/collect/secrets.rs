//! What is never written: values under keys that sound like secrets, and the credentials of this run wherever some
//! server repeats them.

use serde_json::Map;

use crate::{
    model::{Json, Path, Segment},
    secret::{WITHHELD, is_secret_field, is_secret_text, names_secret},
};

/// A path below the source, as the manifest writes it.
pub(super) fn below(way: &[Segment]) -> String {
    Path::new(way.to_vec()).to_string()
}

/// Takes out what stands under secret keys or has the look of a secret, and gives its paths. Null and booleans are no
/// secrets, and `has_password` is a fact.
pub(super) fn withhold(document: &mut Json, redact: &[String]) -> Vec<String> {
    withhold_by(document, &|key, _, names_secret| is_secret_field(key, names_secret, redact), redact)
}

/// Whether a value is secret: its key, itself, and whether a text beside it names a secret.
pub(super) type IsSecret<'a> = dyn Fn(&str, &Json, bool) -> bool + 'a;

/// The same where `is_secret` says which they are.
pub(super) fn withhold_by(document: &mut Json, is_secret: &IsSecret<'_>, redact: &[String]) -> Vec<String> {
    let mut walk = Walk { is_secret, redact, way: Vec::new(), withheld: Vec::new() };
    walk.walk(document);
    walk.withheld
}

struct Walk<'a> {
    is_secret: &'a IsSecret<'a>,
    redact: &'a [String],
    way: Vec<Segment>,
    withheld: Vec<String>,
}

impl Walk<'_> {
    fn walk(&mut self, value: &mut Json) {
        match value {
            Json::Object(fields) => self.fields(fields),
            Json::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.way.push(Segment::Index(at));
                    self.walk(item);
                    self.way.pop();
                }
            }
            // What has the look of a secret; it has a place of its own, which stays, as in a list.
            Json::String(text) if is_secret_text(text) => {
                WITHHELD.clone_into(text);
                self.withheld.push(below(&self.way));
            }
            _ => {}
        }
    }

    fn fields(&mut self, fields: &mut Map<String, Json>) {
        let names_secret = names_secret(|key| fields.get(key)?.as_str(), self.redact);
        let mut taken = Vec::new();
        for (key, value) in fields.iter_mut() {
            self.way.push(Segment::Key(key.clone()));
            if !(self.is_secret)(key, value, names_secret) {
                self.walk(value);
            } else if !matches!(value, Json::Null | Json::Bool(_)) {
                self.withheld.push(below(&self.way));
                taken.push(key.clone());
            }
            self.way.pop();
        }
        for key in taken {
            fields.remove(&key);
        }
    }
}

/// Texts that must appear nowhere.
#[derive(Clone, Default)]
pub(super) struct Scrub(Vec<String>);

/// Shorter ones stand in innocent words.
const SHORTEST: usize = 6;

impl Scrub {
    pub(super) fn new(mut secrets: Vec<String>) -> Self {
        secrets.retain(|secret| secret.len() >= SHORTEST);
        // What holds another is replaced as a whole.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(secrets)
    }

    /// The text without them.
    pub(super) fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, WITHHELD))
    }

    /// Takes them out of a document, and gives the paths.
    pub(super) fn document(&self, document: &mut Json) -> Vec<String> {
        let mut withheld = Vec::new();
        if !self.0.is_empty() {
            self.walk(document, &mut Vec::new(), &mut withheld);
        }
        withheld
    }

    fn is_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| text.contains(secret))
    }

    fn walk(&self, value: &mut Json, way: &mut Vec<Segment>, withheld: &mut Vec<String>) {
        match value {
            Json::String(text) if self.is_in(text) => {
                *text = self.text(text);
                withheld.push(below(way));
            }
            Json::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    way.push(Segment::Index(at));
                    self.walk(item, way, withheld);
                    way.pop();
                }
            }
            Json::Object(fields) => {
                let keys: Vec<_> = fields.keys().filter(|key| self.is_in(key)).cloned().collect();
                for key in keys {
                    if let Some(value) = fields.remove(&key) {
                        fields.insert(self.text(&key), value);
                    }
                }
                for (key, value) in fields.iter_mut() {
                    way.push(Segment::Key(key.clone()));
                    self.walk(value, way, withheld);
                    way.pop();
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_left_out_and_listed() {
        let mut document = json!({
            "user": "shop", "dbPassword": "x", "has_password": true, "password": null, "iban": [1], "api-key": {"a": 1},
            "env": [{"name": "PORT", "value": "80"}, {"name": "API_TOKEN", "value": "x"}],
            "urls": ["https://a.test/", "postgres://u:p@a.test/shop"],
        });
        let withheld = withhold(&mut document, &["IBAN".to_owned()]);
        assert_eq!(withheld, ["[\"api-key\"]", "dbPassword", "env[1].value", "iban", "urls[1]"]);
        assert_eq!(
            document,
            json!({
                "user": "shop", "has_password": true, "password": null,
                "env": [{"name": "PORT", "value": "80"}, {"name": "API_TOKEN"}],
                "urls": ["https://a.test/", WITHHELD],
            })
        );
    }

    #[test]
    fn credentials_are_taken_out_wherever_they_stand() {
        let scrub = Scrub::new(vec!["abc123".to_owned(), "xabc123x".to_owned(), "short".to_owned()]);
        assert_eq!(scrub.text("Bearer abc123, xabc123x, short"), "Bearer (withheld), (withheld), short");
        let mut document = json!({"seen": ["a", "Bearer abc123"], "k-abc123": {"n": "xabc123x"}, "n": 1});
        let withheld = scrub.document(&mut document);
        assert_eq!(withheld, ["[\"k-(withheld)\"].n", "seen[1]"]);
        assert!(!document.to_string().contains("abc123"), "{document}");
        assert_eq!(Scrub::default().document(&mut document), [""; 0]);
    }
}
