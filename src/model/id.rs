//! Ids of assumptions, and the patterns that select them.

/// Whether a text is an id: parts of letters, digits, `_`, `.` and `-`, with `/` between them; the first character of
/// a part is a letter, a digit or `_`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.split('/').all(|part| {
        let mut bytes = part.bytes();
        bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
    })
}

/// What an id looks like.
pub const ID_HELP: &str = "write letters, digits, `_`, `.` and `-`, in parts joined by `/`, such as \
                           `checkout-dependencies` or `latency/p99`; a part starts with a letter, a digit or `_`";

/// Whether `pattern`, in which `*` stands for any run of characters (`.` and `/` too), matches the whole of `text`.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    // Taking the earliest match of each part leaves the most room for those behind it.
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for id in ["a", "shop.replicas", "dependencies/only-declared-calls", "_x/1.2-b"] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", "a b", "a//b", "/a", "a/", "-a", "ä", "a/.b"] {
            assert!(!is_id(id), "{id}");
        }
    }

    #[test]
    fn patterns() {
        let cases = [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "a/b.c", true),
            ("*c", "a/b.c", true),
            ("a*c", "ac", true),
            ("a*bc*c", "abc", false),
            ("a*b*c", "a-b-b-c", true),
            ("ab*ba", "aba", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
