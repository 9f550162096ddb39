//! Credentials: one for each origin, from a file that the environment names and the project cannot.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use url::Url;

use super::CollectError;
use crate::{
    facts::said,
    source::SourceFile,
    yaml::{self, Key, Node, Value},
};

/// What is sent along with every request to one origin, and to no other.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer …`
    Bearer(String),
    /// `Authorization: Basic …`
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A header of its own.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// Nothing that is secret.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl Credential {
    /// What it is called in the file.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bearer(_) => "bearer",
            Self::Basic { .. } => "basic",
            Self::Header { .. } => "header",
        }
    }

    /// The header that carries it.
    pub(super) fn header(&self) -> (&str, String) {
        match self {
            Self::Bearer(token) => ("authorization", format!("Bearer {token}")),
            Self::Basic { user, password } => ("authorization", format!("Basic {}", encoded(user, password))),
            Self::Header { name, value } => (name, value.clone()),
        }
    }

    /// Every text that gives it away.
    fn secrets(&self) -> Vec<String> {
        match self {
            Self::Bearer(token) => vec![token.clone()],
            Self::Basic { user, password } => vec![encoded(user, password), password.clone()],
            Self::Header { value, .. } => vec![value.clone()],
        }
    }
}

fn encoded(user: &str, password: &str) -> String {
    BASE64_STANDARD.encode(format!("{user}:{password}"))
}

/// Credentials by origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    origins: BTreeMap<String, Credential>,
}

impl Credentials {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// It cannot be read, others could read it, or it cannot be understood; nothing that stands in it is repeated.
    pub fn read(path: &Path) -> Result<Self, CollectError> {
        let shown = path.display().to_string();
        let unreadable =
            |reason: String| CollectError::Unreadable { what: "the file of credentials", path: shown.clone(), reason };
        let metadata = fs::metadata(path).map_err(|error| unreadable(said(&error)))?;
        if !metadata.is_file() {
            return Err(unreadable("it is no ordinary file".to_owned()));
        }
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
            return Err(CollectError::OpenCredentials(shown));
        }
        let text = fs::read_to_string(path).map_err(|error| unreadable(said(&error)))?;
        Self::parse(&shown, &text)
    }

    fn parse(shown: &str, text: &str) -> Result<Self, CollectError> {
        let file = SourceFile::new("credentials", text);
        let wrong = |node: Option<&Node>, message: &str| CollectError::Credentials {
            path: node.map_or_else(|| shown.to_owned(), |node| format!("{shown}:{}", file.location(node.span).line)),
            message: message.to_owned(),
        };
        // What the parser says would quote the file.
        let root = yaml::parse(&file).map_err(|error| {
            let line = error.place.as_ref().map_or(1, |place| place.location().line);
            CollectError::Credentials { path: format!("{shown}:{line}"), message: "this is not valid YAML".to_owned() }
        })?;
        let entries = root.as_entries().ok_or_else(|| wrong(Some(&root), "this is no mapping"))?;
        let [version, origins] = fields(entries, ["version", "origins"]).map_err(|node| wrong(node, UNKNOWN))?;
        if version.is_none_or(|version| version.value != Value::Number(1.into())) {
            return Err(wrong(version, "it must say `version: 1`"));
        }
        let mut read = BTreeMap::new();
        let origins = origins.ok_or_else(|| wrong(Some(&root), "it has no `origins`"))?;
        for (key, node) in origins.as_entries().ok_or_else(|| wrong(Some(origins), "`origins` must be a mapping"))? {
            let origin = origin(&key.name).ok_or_else(|| {
                wrong(Some(node), "an origin is a scheme, a host and a port, such as `https://prometheus.example:9090`")
            })?;
            let credential = credential(node).map_err(|message| wrong(Some(node), message))?;
            if read.insert(origin, credential).is_some() {
                return Err(wrong(Some(node), "this origin stands twice"));
            }
        }
        Ok(Self { origins: read })
    }

    /// The credential for an address.
    #[must_use]
    pub fn of(&self, url: &Url) -> Option<&Credential> {
        self.origins.get(&url.origin().ascii_serialization())
    }

    /// Every text that gives one of them away.
    pub(super) fn secrets(&self) -> Vec<String> {
        self.origins.values().flat_map(Credential::secrets).collect()
    }
}

const UNKNOWN: &str = "this key is not known";

/// The values of known keys; what stands under another key is the error.
fn fields<'n, const N: usize>(
    entries: &'n [(Key, Node)],
    names: [&str; N],
) -> Result<[Option<&'n Node>; N], Option<&'n Node>> {
    match entries.iter().find(|(key, _)| !names.contains(&key.name.as_str())) {
        Some((_, node)) => Err(Some(node)),
        None => Ok(names.map(|name| entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node))),
    }
}

/// The origin that a text is, if it is nothing more.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    (is_bare && url.password().is_none()).then(|| url.origin().ascii_serialization())
}

fn credential(node: &Node) -> Result<Credential, &'static str> {
    const ONE: &str = "an origin has one of `bearer`, `basic` and `header`";
    let [bearer, basic, header] =
        fields(node.as_entries().ok_or(ONE)?, ["bearer", "basic", "header"]).map_err(|_| UNKNOWN)?;
    match (bearer, basic, header) {
        (Some(token), None, None) => Ok(Credential::Bearer(text(token)?)),
        (None, Some(basic), None) => {
            let [user, password] =
                fields(basic.as_entries().ok_or("`basic` is `{user: …, password: …}`")?, ["user", "password"])
                    .map_err(|_| UNKNOWN)?;
            let user = text(user.ok_or("`basic` has no `user`")?)?;
            if user.contains(':') {
                return Err("a `user` has no colon");
            }
            Ok(Credential::Basic { user, password: text(password.ok_or("`basic` has no `password`")?)? })
        }
        (None, None, Some(header)) => {
            let [name, value] =
                fields(header.as_entries().ok_or("`header` is `{name: …, value: …}`")?, ["name", "value"])
                    .map_err(|_| UNKNOWN)?;
            let name = text(name.ok_or("`header` has no `name`")?)?;
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
                return Err("the `name` of a header is letters, digits and `-`");
            }
            Ok(Credential::Header { name, value: text(value.ok_or("`header` has no `value`")?)? })
        }
        _ => Err(ONE),
    }
}

/// What can stand in a header.
fn text(node: &Node) -> Result<String, &'static str> {
    let text = node.as_text().filter(|text| !text.is_empty()).ok_or("this must be text: put it in quotes")?;
    let is_plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if is_plain { Ok(text.to_owned()) } else { Err("this has characters that no header can carry") }
}

/// The file that is named, if one is.
pub(super) fn read(path: Option<&PathBuf>) -> Result<Credentials, CollectError> {
    path.map_or_else(|| Ok(Credentials::default()), |path| Credentials::read(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_belongs_to_one_origin() {
        let credentials = Credentials::parse(
            "c.yaml",
            "version: 1
origins:
  \"https://Prometheus.example:443\": {bearer: t0ken-a}
  \"http://stock.example:8080/\": {basic: {user: u, password: p4ssword}}
  \"https://x.example\": {header: {name: X-Token, value: v4lue}}
",
        )
        .unwrap();
        let of = |url: &str| credentials.of(&Url::parse(url).unwrap()).map(Credential::header);
        assert_eq!(of("https://prometheus.example/api"), Some(("authorization", "Bearer t0ken-a".to_owned())));
        let basic = Some(("authorization", "Basic dTpwNHNzd29yZA==".to_owned()));
        assert_eq!(of("http://stock.example:8080/levels?x=1"), basic);
        assert_eq!(of("https://x.example:443/"), Some(("X-Token", "v4lue".to_owned())));
        for other in [
            "http://prometheus.example/",
            "https://prometheus.example:8443/",
            "https://prometheus.example.evil.test/",
            "http://stock.example/",
            "https://stock.example:8080/",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(format!("{:?}", credentials.of(&Url::parse("https://x.example").unwrap())), "Some(header)");
        assert_eq!(credentials.secrets().len(), 4);
    }

    #[test]
    fn nothing_of_the_file_is_repeated() {
        let cases = [
            "s3cret",
            "a: [s3cret",
            "version: 2\norigins: {}\n",
            "version: 1\n",
            "version: 1\ns3cret: 1\norigins: {}\n",
            "version: 1\norigins: {s3cret: {bearer: s3cret}}\n",
            "version: 1\norigins: {\"https://a.test/s3cret\": {bearer: s3cret}}\n",
            "version: 1\norigins: {\"https://u:s3cret@a.test\": {bearer: s3cret}}\n",
            "version: 1\norigins: {\"https://a.test\": s3cret}\n",
            "version: 1\norigins:\n  \"https://a.test\": {bearer: s3cret, basic: {}}\n",
            "version: 1\norigins:\n  \"https://a.test\": {s3cret: s3cret}\n",
            "version: 1\norigins:\n  \"https://a.test\": {bearer: 7}\n",
            "version: 1\norigins:\n  \"https://a.test\": {bearer: \"s3cret\\n\"}\n",
            "version: 1\norigins:\n  \"https://a.test\": {basic: {user: \"a:b\", password: s3cret}}\n",
            "version: 1\norigins:\n  \"https://a.test\": {header: {name: \"a b\", value: s3cret}}\n",
            "version: 1\norigins:\n  \"https://a.test\": {bearer: a}\n  \"https://A.test:443\": {bearer: a}\n",
        ];
        let said: Vec<_> =
            cases.iter().map(|text| Credentials::parse("c.yaml", text).unwrap_err().to_string()).collect();
        let said = said.join("\n");
        assert!(!said.contains("s3cret"), "{said}");
        insta::assert_snapshot!(said);
    }

    #[cfg(unix)]
    #[test]
    fn what_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "version: 1\norigins: {}\n").unwrap();
        for (mode, is_read) in [(0o600, true), (0o400, true), (0o604, false), (0o640, false), (0o644, false)] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Credentials::read(file.path()).is_ok(), is_read, "{mode:o}");
        }
        assert!(Credentials::read(Path::new("/nowhere/at/all")).is_err());
    }
}
