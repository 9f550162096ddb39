//! Which values are better not shown: those whose keys sound like secrets, or are named by the project.

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
        other => other,
    }
}

/// Words of keys whose values are nobody's business.
const SECRETS: [&str; 15] = [
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
