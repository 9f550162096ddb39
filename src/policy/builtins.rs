//! Which built-in functions there are, and which OPA has beside them.

use regorus::unstable::BUILTINS;

/// Calls that reach out of the evaluation.
pub(super) const OUTSIDE: [&str; 3] = ["http.send", "opa.runtime", "net.lookup_ip_addr"];

/// Calls whose answer differs from run to run.
pub(super) const RANDOM: [&str; 2] = ["rand.intn", "uuid.rfc4122"];

/// The functions that the tool adds to those of the engine, with the number of their arguments.
pub(crate) const ADDED: [(&str, usize); 23] = [
    ("all", 1),
    ("any", 1),
    ("array.flatten", 1),
    ("cast_array", 1),
    ("cast_boolean", 1),
    ("cast_null", 1),
    ("cast_object", 1),
    ("cast_set", 1),
    ("cast_string", 1),
    ("crypto.hmac.equal", 2),
    ("crypto.hmac.md5", 2),
    ("crypto.hmac.sha1", 2),
    ("crypto.hmac.sha256", 2),
    ("crypto.hmac.sha512", 2),
    ("crypto.md5", 1),
    ("crypto.sha1", 1),
    ("crypto.sha256", 1),
    ("net.cidr_contains_matches", 2),
    ("net.cidr_intersects", 2),
    ("net.cidr_merge", 1),
    ("net.cidr_overlap", 2),
    ("re_match", 2),
    ("set_diff", 2),
];

/// A built-in of OPA that there is not, or the prefix of a group of them.
pub(super) struct OpaOnly {
    pub(super) name: &'static str,
    /// The version of OPA that brought it; `None` where it has always been there.
    pub(super) since: Option<&'static str>,
    /// What says the same.
    pub(super) instead: Option<&'static str>,
}

const fn opa_only(name: &'static str, since: Option<&'static str>, instead: Option<&'static str>) -> OpaOnly {
    OpaOnly { name, since, instead }
}

const OPA_ONLY: [OpaOnly; 11] = [
    opa_only("crypto.", None, None),
    opa_only("graphql.", Some("0.41"), None),
    opa_only("io.jwt.", None, None),
    opa_only("json.match_schema", Some("0.50"), None),
    opa_only("json.verify_schema", Some("0.50"), None),
    opa_only("providers.aws.", Some("0.47"), None),
    opa_only("regex.globs_match", None, None),
    opa_only("rego.metadata.", Some("0.40"), None),
    opa_only("rego.parse_module", None, None),
    opa_only("strings.render_template", Some("0.59"), Some("sprintf")),
    opa_only("uuid.parse", Some("0.66"), None),
];

/// The built-in of OPA that a name means.
pub(super) fn of_opa(name: &str) -> Option<&'static OpaOnly> {
    OPA_ONLY.iter().find(|known| name == known.name || known.name.ends_with('.') && name.starts_with(known.name))
}

/// With how many arguments a built-in is called.
pub(crate) fn arity_of_builtin(name: &str) -> Option<usize> {
    let added = || ADDED.iter().find(|(known, _)| *known == name).map(|(_, arity)| *arity);
    BUILTINS.get(name).map(|(_, arity)| usize::from(*arity)).or_else(added)
}

/// The names of all built-ins.
pub(super) fn names<'a>() -> impl Iterator<Item = &'a str> {
    BUILTINS.keys().copied().chain(ADDED.iter().map(|(name, _)| *name))
}
