//! Which values are better not shown: those whose keys sound like secrets, or are named by the project, and those that
//! have the look of one.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    ops::Range,
};

use aho_corasick::{AhoCorasick, Input, MatchKind};
use regorus::Value;

use crate::model::{Json, Path, Segment};

/// What is shown in place of a value.
pub const WITHHELD: &str = "(withheld)";

/// Whether the values at and below a key are not to be shown: it sounds like that of a secret, or is one of `redact`,
/// the names that the project lists.
#[must_use]
pub fn is_secret(key: &str, redact: &[String]) -> bool {
    redact.iter().any(|name| name.eq_ignore_ascii_case(key)) || is_secret_name(key)
}

/// Whether a value at this path is not to be shown.
#[must_use]
pub fn withheld(path: &Path, redact: &[String]) -> bool {
    path.segments().iter().any(|segment| matches!(segment, Segment::Key(key) if is_secret(key, redact)))
}

/// The value at a path as it may be shown: [`WITHHELD`] in its place, or in place of what it holds under secret keys.
#[must_use]
pub fn redacted(value: Json, path: &Path, redact: &[String]) -> Json {
    if withheld(path, redact) { WITHHELD.into() } else { without_secrets(value, redact) }
}

/// Whether an object names a secret by one of its texts, as `{name: DB_PASSWORD, value: …}` does.
pub(crate) fn names_secret<'t>(text: impl Fn(&str) -> Option<&'t str>, redact: &[String]) -> bool {
    ["name", "key"].into_iter().filter_map(text).any(|name| is_secret(name, redact))
}

/// Whether the values at and below a key of an object are not to be shown.
pub(crate) fn is_secret_field(key: &str, names_secret: bool, redact: &[String]) -> bool {
    is_secret(key, redact) || names_secret && key == "value"
}

/// The value with [`WITHHELD`] in place of what it holds under secret keys.
#[must_use]
pub fn without_secrets(value: Json, redact: &[String]) -> Json {
    match value {
        Json::Object(fields) => {
            let names_secret = names_secret(|key| fields.get(key)?.as_str(), redact);
            let shown = |(key, value): (String, Json)| {
                let is_secret = is_secret_field(&key, names_secret, redact);
                let value = if is_secret { WITHHELD.into() } else { without_secrets(value, redact) };
                (key, value)
            };
            fields.into_iter().map(shown).collect()
        }
        Json::Array(items) => items.into_iter().map(|item| without_secrets(item, redact)).collect(),
        Json::String(text) if is_secret_text(&text) => WITHHELD.into(),
        other => other,
    }
}

/// Whether a text has the look of a secret, whatever its key: a header that authorizes, a URL with a password, a private
/// key, a signed token.
pub(crate) fn is_secret_text(text: &str) -> bool {
    let begins = |start: &str| text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    let is_token = |rest: &str| {
        rest.len() >= 8
            && rest.contains(|c: char| c.is_ascii_digit() || c == '=')
            && !rest.contains(|c: char| c.is_whitespace())
    };
    let authorizes = ["bearer ", "basic "].iter().any(|scheme| begins(scheme) && is_token(text[scheme.len()..].trim()));
    let has_password = || {
        let (_, rest) = text.split_once("://")?;
        let (user, _) = rest.split(['/', '?', '#']).next()?.rsplit_once('@')?;
        let (_, password) = user.split_once(':')?;
        Some(!password.is_empty())
    };
    authorizes
        || begins("authorization:")
        || begins("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2 && !text.contains(' ')
        || text.contains("PRIVATE KEY-----")
        || has_password() == Some(true)
}

/// The texts that are known to be secret, to take them out of whatever is said: what is put together of them, a message
/// or an error of the engine, has no key by which it could be known.
pub(crate) enum Secrets {
    /// There are none.
    None,
    /// These.
    Some(AhoCorasick),
    /// More than can be looked for, so that nothing can be said.
    TooMany,
}

/// Shorter texts are as likely to be a part of anything else.
const SHORTEST: usize = 4;
/// From this length on a text is a secret also within a longer word.
const LONG: usize = 8;
/// What stands under many a key that sounds like that of a secret, and is none.
const PLAIN: [&str; 9] = ["true", "false", "none", "null", "default", "enabled", "disabled", "required", "optional"];

impl Secrets {
    /// The secrets of these documents. A text that stands openly in them too, as a name of a Kubernetes secret does, is
    /// known anyway.
    pub(crate) fn of(documents: &[&Value], redact: &[String]) -> Self {
        let mut keys = HashMap::new();
        let mut found = BTreeSet::new();
        for document in documents {
            texts(document, false, redact, &mut keys, &mut |text, is_secret| {
                let is_number = text.len() < LONG && text.bytes().all(|byte| byte.is_ascii_digit());
                if is_secret && text.len() >= SHORTEST && !is_number && !PLAIN.contains(&&*text) {
                    found.insert(text);
                }
            });
        }
        if !found.is_empty() {
            let mut open = BTreeSet::new();
            for document in documents {
                texts(document, false, redact, &mut keys, &mut |text, is_secret| {
                    open.extend(Some(text).filter(|text| !is_secret && found.contains(text)));
                });
            }
            found.retain(|text| !open.contains(text));
        }
        let mut all: BTreeSet<Cow<'_, str>> = BTreeSet::new();
        for text in found {
            // The same as JSON writes it, and what follows `Bearer`.
            let json = Json::from(&*text).to_string();
            all.insert(json[1..json.len() - 1].to_owned().into());
            all.extend(text.split_whitespace().filter(|part| part.len() >= LONG).map(|part| part.to_owned().into()));
            all.insert(text);
        }
        if all.is_empty() {
            return Self::None;
        }
        let mut search = AhoCorasick::builder();
        search.match_kind(MatchKind::LeftmostLongest).ascii_case_insensitive(true);
        search.build(all.iter().map(AsRef::as_ref)).map_or(Self::TooMany, Self::Some)
    }

    /// The text with [`WITHHELD`] in place of every secret.
    pub(crate) fn without<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(places) = self.places(text) else { return WITHHELD.into() };
        if places.is_empty() {
            return text.into();
        }
        let mut shown = String::new();
        let mut done = 0;
        for place in places {
            shown.push_str(&text[done..place.start]);
            shown.push_str(WITHHELD);
            done = place.end;
        }
        shown.push_str(&text[done..]);
        shown.into()
    }

    /// Where secrets stand in a text, in bytes; `None` where that cannot be told.
    pub(crate) fn places(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let texts = match self {
            Self::None => return Some(Vec::new()),
            Self::Some(texts) => texts,
            Self::TooMany => return None,
        };
        let mut places = Vec::new();
        let mut from = 0;
        while let Some(found) = texts.find(Input::new(text).span(from..text.len())) {
            let joins = |c: char| c.is_alphanumeric();
            let is_word = !text[..found.start()].ends_with(joins) && !text[found.end()..].starts_with(joins);
            if found.len() >= LONG || is_word {
                places.push(found.range());
                from = found.end();
            } else {
                from = found.start() + text[found.start()..].chars().next().map_or(1, char::len_utf8);
            }
        }
        Some(places)
    }

    /// Takes the secrets out of a text.
    pub(crate) fn hide(&self, text: &mut String) {
        if let Cow::Owned(shown) = self.without(text) {
            *text = shown;
        }
    }

    /// Takes the secrets out of all texts and keys of a value.
    pub(crate) fn hide_in(&self, value: &mut Json) {
        match value {
            Json::String(text) => self.hide(text),
            Json::Array(items) => items.iter_mut().for_each(|item| self.hide_in(item)),
            Json::Object(fields) => {
                fields.values_mut().for_each(|item| self.hide_in(item));
                if fields.keys().any(|key| matches!(self.without(key), Cow::Owned(_))) {
                    let fields_before = std::mem::take(fields);
                    fields.extend(fields_before.into_iter().map(|(key, item)| (self.without(&key).into_owned(), item)));
                }
            }
            _ => {}
        }
    }
}

/// Every text and key of a document, with whether it is secret; of the numbers only those that are.
fn texts<'v>(
    value: &'v Value,
    is_secret_here: bool,
    redact: &[String],
    keys: &mut HashMap<&'v str, bool>,
    on: &mut dyn FnMut(Cow<'v, str>, bool),
) {
    match value {
        Value::String(text) => on(text.as_ref().into(), is_secret_here || is_secret_text(text)),
        Value::Number(_) if is_secret_here => on(value.to_string().into(), true),
        Value::Array(items) => items.iter().for_each(|item| texts(item, is_secret_here, redact, keys, on)),
        Value::Object(fields) => {
            // Every object of the facts comes by here: nothing is made only to look it up.
            let names_secret = fields.iter().any(|(key, name)| {
                let is_name = key.as_string().is_ok_and(|key| matches!(key.as_ref(), "name" | "key"));
                let name = name.as_string().ok().filter(|_| is_name);
                name.is_some_and(|name| *keys.entry(name).or_insert_with(|| is_secret(name, redact)))
            });
            for (key, item) in fields.iter() {
                let mut is_secret = is_secret_here;
                if let Ok(key) = key.as_string() {
                    is_secret |= *keys.entry(key).or_insert_with(|| crate::secret::is_secret(key, redact));
                    is_secret |= names_secret && key.as_ref() == "value";
                    on(key.as_ref().into(), false);
                }
                texts(item, is_secret, redact, keys, on);
            }
        }
        _ => {}
    }
}

/// Whether what stands at a path of a document is not to be shown: one of its keys, or of what is beside them, names it
/// a secret.
pub(crate) fn is_secret_place(document: &Value, steps: &[Segment], redact: &[String]) -> bool {
    let mut value = Some(document);
    steps.iter().any(|step| {
        let key = match step {
            Segment::Key(key) => Value::from(key.as_str()),
            Segment::Index(at) => Value::from(*at as u64),
            Segment::Any => Value::Undefined,
        };
        let Some(fields) = value.and_then(|value| value.as_object().ok()) else {
            value = value.and_then(|value| match (value, step) {
                (Value::Array(items), Segment::Index(at)) => items.get(*at),
                _ => None,
            });
            return matches!(step, Segment::Key(key) if is_secret(key, redact));
        };
        value = fields.get(&key);
        let text = |key: &str| fields.get(&Value::from(key))?.as_string().ok().map(AsRef::as_ref);
        matches!(step, Segment::Key(key) if is_secret_field(key, names_secret(text, redact), redact))
    })
}

/// Words of keys whose values are nobody's business.
const SECRETS: [&str; 16] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "secrets",
    "token",
    "tokens",
    "credential",
    "credentials",
    "apikey",
    "authorization",
    "bearer",
    "cookie",
    "dsn",
    "passwords",
];

/// Keys of several words that are secret only together.
const SECRET_PAIRS: [[&str; 2]; 6] = [
    ["api", "key"],
    ["access", "key"],
    ["private", "key"],
    ["signing", "key"],
    ["encryption", "key"],
    ["connection", "string"],
];

/// Whether a key sounds like that of a secret, so that values at and below it are better not shown.
#[must_use]
pub fn is_secret_name(key: &str) -> bool {
    let words = words(key);
    words.iter().any(|word| SECRETS.contains(&word.as_str()))
        || words.windows(2).any(|pair| SECRET_PAIRS.iter().any(|secret| pair[0] == secret[0] && pair[1] == secret[1]))
}

/// The words of a key, in lower case: `dbPassword`, `DB_PASSWORD` and `db-password` have the same.
fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut start = 0;
    let mut before = None;
    let mut push = |word: &str| {
        if !word.is_empty() {
            words.push(word.to_lowercase());
        }
    };
    for (at, c) in key.char_indices() {
        let follows_lower = before.is_some_and(|before: char| before.is_lowercase() || before.is_ascii_digit());
        if !c.is_alphanumeric() {
            push(&key[start..at]);
            start = at + c.len_utf8();
        } else if c.is_uppercase() && follows_lower {
            push(&key[start..at]);
            start = at;
        }
        before = Some(c);
    }
    push(&key[start..]);
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_below_a_secret_key_are_withheld() {
        let redact = ["iban".to_owned()];
        let is_withheld = |path: &str| withheld(&path.parse().unwrap(), &redact);
        for path in ["input.db.password", "input.vault.secrets[3].a", "input.bank.IBAN", "data.design[\"api-key\"].x"] {
            assert!(is_withheld(path), "{path}");
        }
        for path in ["input.db.user", "input.bank.ibans", "input.tokenizer.keys[0]", "input.edges[_].client"] {
            assert!(!is_withheld(path), "{path}");
        }
        assert!(!withheld(&"input.bank.iban".parse().unwrap(), &[]));
    }

    #[test]
    fn values_lose_their_secrets_at_any_depth() {
        let redact = ["Iban".to_owned()];
        let at = |path: &str, value: Json| redacted(value, &path.parse().unwrap(), &redact);
        let value = json!({
            "user": "shop", "dbPassword": "x", "iban": [1], "secrets": {"a": 1}, "none": null,
            "env": [{"name": "API_TOKEN", "value": "x"}, {"key": "PORT", "value": "80"}, {"name": "IBAN", "value": {}}],
        });
        assert_eq!(
            at("input.shop", value),
            json!({
                "user": "shop", "dbPassword": WITHHELD, "iban": WITHHELD, "secrets": WITHHELD, "none": null,
                "env": [
                    {"name": "API_TOKEN", "value": WITHHELD},
                    {"key": "PORT", "value": "80"},
                    {"name": "IBAN", "value": WITHHELD},
                ],
            })
        );
        assert_eq!(at("input.shop.token", json!({"user": "shop"})), json!(WITHHELD));
        assert_eq!(at("input.shop.name", json!("password")), json!("password"), "a name is no value");
    }

    #[test]
    fn texts_look_like_secrets() {
        for text in [
            "Bearer abc123def456",
            "basic dXNlcjpwYXNz=",
            "Authorization: x",
            "eyJhbGciOi.eyJzdWIi.c2ln",
            "-----BEGIN RSA PRIVATE KEY-----\nMII",
            "postgres://shop:hunter2@db/shop",
        ] {
            assert!(is_secret_text(text), "{text}");
        }
        for text in ["Bearer authentication", "basic", "https://db:5432/a@b:c", "https://me@db/shop", "a.b.c", ""] {
            assert!(!is_secret_text(text), "{text}");
        }
    }

    #[test]
    fn what_is_said_loses_the_secrets_that_are_known() {
        let document = json!({
            "password": "hunter2-hunter2", "pin": {"secret": "abcd"}, "token": ["web-tls", "12345", "none"],
            "headers": {"Authorization": "Bearer 0123456789"}, "secret": "a\"\nb", "name": "web-tls",
            "env": [{"name": "API_TOKEN", "value": "Zebra"}], "max_tokens": [4096, 62_831_853],
        });
        let document = Value::from_json_str(&document.to_string()).unwrap();
        let secrets = Secrets::of(&[&document], &[]);
        for (said, shown) in [
            ("it is Xhunter2-hunter2x, HUNTER2-HUNTER2", "it is X(withheld)x, (withheld)"),
            ("abcd is not abcde", "(withheld) is not abcde"),
            ("web-tls 12345 none", "web-tls 12345 none"),
            ("token=0123456789;", "token=(withheld);"),
            (r#"{"secret": "a\"\nb"}"#, r#"{"secret": "(withheld)"}"#),
            ("zebra zebras", "(withheld) zebras"),
            ("4096 of 62831853", "4096 of (withheld)"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(secrets.without(said), shown);
        }
        let mut value = json!({"a": ["abcd"], "abcd": 1});
        secrets.hide_in(&mut value);
        assert_eq!(value, json!({"a": [WITHHELD], "(withheld)": 1}));
        assert_eq!(Secrets::of(&[], &[]).without("abcd"), "abcd");
    }

    #[test]
    fn pairs_are_secret_at_their_place() {
        let document = json!({"env": [{"name": "API_TOKEN", "value": {"of": "x"}}, {"name": "PORT", "value": "80"}]});
        let document = Value::from_json_str(&document.to_string()).unwrap();
        let is_secret_at = |path: &str| {
            let path: Path = format!("input.{path}").parse().unwrap();
            is_secret_place(&document, &path.segments()[1..], &["iban".to_owned()])
        };
        for (path, is_secret) in [
            ("env[0].value", true),
            ("env[0].value.of", true),
            ("env[0].name", false),
            ("env[1].value", false),
            ("nothing.there", false),
            ("nothing.token", true),
            ("IBAN", true),
        ] {
            assert_eq!(is_secret_at(path), is_secret, "{path}");
        }
    }

    #[test]
    fn keys_sound_like_secrets_as_whole_words() {
        for key in ["password", "DB_PASSWORD", "dbPassword", "api-key", "x.secrets", "accessKeyId", "connectionString"]
        {
            assert!(is_secret_name(key), "{key}");
        }
        for key in ["tokenizer", "monkey", "keyboard", "key", "api", "keyApi", ""] {
            assert!(!is_secret_name(key), "{key}");
        }
    }
}
