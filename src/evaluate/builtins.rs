//! OPA's built-in functions that the engine lacks: those that are pure, and for which a well-kept crate does the work.
//!
//! A built-in that fails is an error in the strict engine and undefined in the other one, as with the engine's own.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ipnet::IpNet;
use md5::Md5;
use regorus::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::violations::describe;

/// The digest of a message with a key, in hexadecimal digits.
macro_rules! keyed {
    ($digest:ty, $args:ident) => {{
        let mut keyed = Hmac::<$digest>::new_from_slice(text(&$args[1])?.as_bytes())?;
        keyed.update(text(&$args[0])?.as_bytes());
        Ok(hex(&keyed.finalize().into_bytes()))
    }};
}

/// A built-in function: its name, and what it makes of its arguments.
pub(super) type Builtin = (&'static str, fn(&[Value]) -> Result<Value>);

/// The functions, each of which `policy::ADDED` gives the number of its arguments.
pub(super) const BUILTINS: [Builtin; 23] = [
    ("all", |args| Ok(elements(&args[0])?.into_iter().all(|value| *value == Value::from(true)).into())),
    ("any", |args| Ok(elements(&args[0])?.into_iter().any(|value| *value == Value::from(true)).into())),
    ("array.flatten", |args| array_flatten(&args[0])),
    ("cast_array", |args| Ok(elements(&args[0])?.into_iter().cloned().collect::<Vec<_>>().into())),
    ("cast_boolean", |args| cast(&args[0], matches!(args[0], Value::Bool(_)), "a boolean")),
    ("cast_null", |args| cast(&args[0], args[0] == Value::Null, "null")),
    ("cast_object", |args| cast(&args[0], matches!(args[0], Value::Object(_)), "an object")),
    ("cast_set", |args| Ok(elements(&args[0])?.into_iter().cloned().collect::<BTreeSet<_>>().into())),
    ("cast_string", |args| cast(&args[0], matches!(args[0], Value::String(_)), "text")),
    ("crypto.hmac.equal", |args| Ok(is_same_digest(text(&args[0])?, text(&args[1])?).into())),
    ("crypto.hmac.md5", |args| keyed!(Md5, args)),
    ("crypto.hmac.sha1", |args| keyed!(Sha1, args)),
    ("crypto.hmac.sha256", |args| keyed!(Sha256, args)),
    ("crypto.hmac.sha512", |args| keyed!(Sha512, args)),
    ("crypto.md5", |args| Ok(hex(&Md5::digest(text(&args[0])?)))),
    ("crypto.sha1", |args| Ok(hex(&Sha1::digest(text(&args[0])?)))),
    ("crypto.sha256", |args| Ok(hex(&Sha256::digest(text(&args[0])?)))),
    ("net.cidr_contains_matches", |args| cidr_contains_matches(&args[0], &args[1])),
    ("net.cidr_intersects", |args| {
        let (one, other) = (network(&args[0])?, network(&args[1])?);
        Ok((one.contains(&other.network()) || other.contains(&one.network())).into())
    }),
    ("net.cidr_merge", |args| cidr_merge(&args[0])),
    ("net.cidr_overlap", |args| Ok(network(&args[0])?.contains(&network(&args[1])?).into())),
    ("re_match", |args| {
        let pattern = regex::RegexBuilder::new(text(&args[0])?).size_limit(100 * 1024).build()?;
        Ok(pattern.is_match(text(&args[1])?).into())
    }),
    ("set_diff", |args| match (&args[0], &args[1]) {
        (Value::Set(one), Value::Set(other)) => {
            Ok(one.iter().filter(|item| other.get(item).is_none()).cloned().collect::<BTreeSet<_>>().into())
        }
        _ => bail!("two sets are needed"),
    }),
];

fn text(value: &Value) -> Result<&str> {
    match value {
        Value::String(text) => Ok(text),
        other => bail!("text is needed, not {}", describe(other)),
    }
}

/// The elements of a list or a set.
fn elements(value: &Value) -> Result<Vec<&Value>> {
    match value {
        Value::Array(items) => Ok(items.iter().collect()),
        Value::Set(items) => Ok(items.iter_sorted().collect()),
        other => bail!("a list or a set is needed, not {}", describe(other)),
    }
}

fn cast(value: &Value, is_of_type: bool, wanted: &str) -> Result<Value> {
    if is_of_type { Ok(value.clone()) } else { bail!("{wanted} is needed, not {}", describe(value)) }
}

fn array_flatten(list: &Value) -> Result<Value> {
    let mut flat = Vec::new();
    for item in list.as_array()? {
        match item {
            Value::Array(inner) => flat.extend(inner.iter().cloned()),
            other => flat.push(other.clone()),
        }
    }
    Ok(flat.into())
}

fn hex(bytes: &[u8]) -> Value {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits =
        bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)]));
    digits.collect::<String>().into()
}

/// Whether two digests are the same; it takes as long whatever they are.
fn is_same_digest(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// A network, or a single address.
fn network(value: &Value) -> Result<IpNet> {
    let text = text(value)?;
    match (text.parse::<IpNet>(), text.parse::<std::net::IpAddr>()) {
        (Ok(network), _) => Ok(network.trunc()),
        (_, Ok(address)) => Ok(address.into()),
        _ => bail!("`{text}` is neither a network nor an address"),
    }
}

fn cidr_merge(networks: &Value) -> Result<Value> {
    let networks = elements(networks)?.into_iter().map(network).collect::<Result<Vec<_>>>()?;
    let merged = IpNet::aggregate(&networks);
    Ok(merged.iter().map(|network| Value::from(network.to_string())).collect::<BTreeSet<_>>().into())
}

/// Networks, each with what it is known by in its collection: a place, a key, itself.
fn networks(value: &Value) -> Result<Vec<(Value, IpNet)>> {
    let one = |key: Value, item: &Value| {
        // What belongs to a network may stand behind it in a list.
        let item = item.as_array().ok().and_then(|items| items.first()).unwrap_or(item);
        Ok((key, network(item)?))
    };
    match value {
        Value::String(_) => Ok(vec![one(value.clone(), value)?]),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| one(Value::from(at as u64), item)).collect(),
        Value::Set(items) => items.iter_sorted().map(|item| one(item.clone(), item)).collect(),
        Value::Object(fields) => fields.iter_sorted().map(|(key, item)| one(key.clone(), item)).collect(),
        other => bail!("networks are needed, not {}", describe(other)),
    }
}

fn cidr_contains_matches(of: &Value, addresses: &Value) -> Result<Value> {
    let (all, addresses) = (networks(of)?, networks(addresses)?);
    let mut found = BTreeSet::new();
    for (key, network) in &all {
        let inside = addresses.iter().filter(|(_, address)| network.contains(address));
        found.extend(inside.map(|(of, _)| Value::from(vec![key.clone(), of.clone()])));
    }
    Ok(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ADDED;

    fn value(json: &str) -> Value {
        Value::from_json_str(json).unwrap()
    }

    /// The answer as JSON, in which a set is a list; or why there is none.
    fn call(name: &str, args: &[&str]) -> String {
        let args: Vec<Value> = args.iter().map(|arg| value(arg)).collect();
        let (_, function) = BUILTINS.iter().find(|(known, _)| *known == name).unwrap();
        match function(&args) {
            Ok(value) => value.to_json_str().unwrap().split_whitespace().collect(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn every_function_has_its_number_of_arguments() {
        let names: Vec<&str> = BUILTINS.iter().map(|(name, _)| *name).collect();
        let known: Vec<&str> = ADDED.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, known);
        assert!(names.is_sorted());
    }

    #[test]
    fn they_give_what_opa_gives() {
        for (name, args, expected) in [
            ("all", &["[true, true]"][..], "true"),
            ("all", &["[]"], "true"),
            ("all", &["[true, 1]"], "false"),
            ("any", &["[false, true]"], "true"),
            ("any", &["[]"], "false"),
            ("any", &["3"], "error: a list or a set is needed, not a number"),
            ("array.flatten", &["[1, [2, [3]], []]"], "[1,2,[3]]"),
            ("cast_array", &["[1]"], "[1]"),
            ("cast_boolean", &["1"], "error: a boolean is needed, not a number"),
            ("cast_null", &["null"], "null"),
            ("cast_object", &["{}"], "{}"),
            ("cast_set", &["[2, 1, 2]"], "[1,2]"),
            ("cast_string", &["\"a\""], "\"a\""),
            ("crypto.hmac.equal", &["\"ab\"", "\"ab\""], "true"),
            ("crypto.hmac.equal", &["\"ab\"", "\"ac\""], "false"),
            // RFC 2202 and RFC 4231: `what do ya want for nothing?` with the key `Jefe`.
            ("crypto.hmac.md5", &[WANT, JEFE], "\"750c783e6ab0b503eaa86e310a5db738\""),
            ("crypto.hmac.sha1", &[WANT, JEFE], "\"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79\""),
            (
                "crypto.hmac.sha256",
                &[WANT, JEFE],
                "\"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\"",
            ),
            (
                "crypto.hmac.sha512",
                &[WANT, JEFE],
                "\"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737\"",
            ),
            ("crypto.md5", &["\"abc\""], "\"900150983cd24fb0d6963f7d28e17f72\""),
            ("crypto.sha1", &["\"abc\""], "\"a9993e364706816aba3e25717850c26c9cd0d89d\""),
            ("crypto.sha256", &["\"abc\""], "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""),
            ("net.cidr_contains_matches", &["\"10.0.0.0/8\"", "[\"10.1.2.3\", \"11.0.0.1\"]"], "[[\"10.0.0.0/8\",0]]"),
            (
                "net.cidr_contains_matches",
                &["[[\"10.0.0.0/8\", \"x\"], \"2001:db8::/32\"]", "{\"a\": \"10.1.0.0/16\", \"b\": \"2001:db8::1\"}"],
                "[[0,\"a\"],[1,\"b\"]]",
            ),
            ("net.cidr_intersects", &["\"192.168.0.0/16\"", "\"192.168.1.0/24\""], "true"),
            ("net.cidr_intersects", &["\"192.168.0.0/24\"", "\"192.168.1.0/24\""], "false"),
            ("net.cidr_merge", &["[\"192.0.128.0/24\", \"192.0.129.0/24\", \"192.0.128.7\"]"], "[\"192.0.128.0/23\"]"),
            ("net.cidr_merge", &["[\"nowhere\"]"], "error: `nowhere` is neither a network nor an address"),
            ("net.cidr_overlap", &["\"10.0.0.0/8\"", "\"10.1.2.3\""], "true"),
            ("re_match", &["\"^a+$\"", "\"aaa\""], "true"),
            ("set_diff", &["[1]", "[2]"], "error: two sets are needed"),
        ] {
            assert_eq!(call(name, args), expected, "{name}({})", args.join(", "));
        }
        let set = |items: [u64; 2]| Value::from(items.map(Value::from).into_iter().collect::<BTreeSet<_>>());
        let (_, set_diff) = BUILTINS.iter().find(|(name, _)| *name == "set_diff").unwrap();
        assert_eq!(set_diff(&[set([1, 2]), set([2, 3])]).unwrap(), Value::from(BTreeSet::from([Value::from(1_u64)])));
    }

    const WANT: &str = "\"what do ya want for nothing?\"";
    const JEFE: &str = "\"Jefe\"";
}
