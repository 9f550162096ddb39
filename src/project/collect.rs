//! `collect`: what is gathered from where, checked for shape. The collectors themselves belong to another room.

use super::{error::ProjectError, path::Located, reader::Reader};
use crate::{
    model::{Age, Json},
    source::{Place, Span},
    yaml::{self, Fields, Node, Value},
};

/// One source to collect.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectEntry {
    /// The source, the key under `input`.
    pub source: String,
    /// Where its name is written.
    pub place: Place,
    /// How it is gathered.
    pub kind: CollectKind,
    /// How long that may take.
    pub timeout: Option<Age>,
}

/// How a source is gathered.
#[derive(Debug, Clone, PartialEq)]
pub enum CollectKind {
    /// Files of the project.
    File {
        /// Their pattern.
        path: Located,
        /// How old they are.
        age: FileAge,
    },
    /// The body of an answer.
    Http {
        /// The address.
        url: String,
        /// A JSON pointer to what counts of it.
        select: Option<String>,
        /// What is posted, as JSON; without it the address is only read.
        body: Option<Json>,
    },
    /// What a command prints.
    Command {
        /// The program and its arguments.
        run: Vec<String>,
        /// What it prints.
        format: CommandFormat,
        /// The variables of the environment it sees.
        env: Vec<String>,
    },
    /// Queries of a Prometheus.
    Prometheus {
        /// The address.
        url: String,
        /// The queries in the order of the file.
        queries: Vec<Query>,
        /// What else is asked for.
        include: Vec<PrometheusList>,
    },
    /// Objects of the cluster that `kubectl` speaks to.
    Kubernetes {
        /// Their kinds, as lower-case plurals.
        kinds: Vec<String>,
        /// Only these namespaces; all where none is named.
        namespaces: Vec<String>,
    },
    /// Kubernetes objects that were written to files.
    KubernetesFiles {
        /// Their pattern.
        files: Located,
    },
    /// Traces in files.
    TraceFiles {
        /// Their pattern.
        path: Located,
        /// In how many passes they are read, to need less memory.
        shards: u64,
    },
    /// Traces of a server.
    TraceServer {
        /// The address.
        url: String,
        /// What it speaks.
        api: TraceApi,
        /// How far back.
        window: Option<Age>,
        /// How many at most.
        limit: Option<u64>,
    },
}

/// How the age of a file is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FileAge {
    /// By its commit where it is tracked and unchanged, else by its time of change.
    #[default]
    Known,
    /// By its commit.
    Git,
    /// By its time of change.
    Mtime,
    /// By a field of its document.
    Field(String),
}

/// What a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CommandFormat {
    /// One JSON document.
    #[default]
    Json,
    /// One YAML document.
    Yaml,
    /// One TOML document.
    Toml,
    /// A JSON document per line.
    Ndjson,
    /// A table with a head.
    Csv,
}

/// What Prometheus is asked for beside queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrometheusList {
    /// What fires.
    Alerts,
    /// What is recorded and what may fire.
    Rules,
    /// What is scraped.
    Targets,
}

/// A query with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The key below the source.
    pub name: String,
    /// In `PromQL`.
    pub query: String,
    /// Over a time instead of at one.
    pub range: Option<QueryRange>,
    /// What no answer means.
    pub on_empty: OnEmpty,
    /// Where its name is written.
    pub place: Place,
}

/// The time a query looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryRange {
    /// How far back.
    pub range: Age,
    /// From one point to the next; chosen to fit where the file does not say.
    pub step: Option<Age>,
}

/// What it means that a query has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnEmpty {
    /// Nobody knows: the key is left out.
    #[default]
    Unknown,
    /// Zero.
    Zero,
    /// The part failed.
    Error,
}

/// What a server of traces speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceApi {
    /// Grafana Tempo.
    Tempo,
    /// Jaeger.
    Jaeger,
    /// Zipkin.
    Zipkin,
}

const KINDS: [(&str, Kind); 6] = [
    ("file", Kind::File),
    ("http", Kind::Http),
    ("command", Kind::Command),
    ("prometheus", Kind::Prometheus),
    ("kubernetes", Kind::Kubernetes),
    ("traces", Kind::Traces),
];

/// The keys that some kinds have and others have not.
const KEYS: [(&str, &[Kind]); 17] = [
    ("path", &[Kind::File, Kind::Traces]),
    ("age", &[Kind::File]),
    ("url", &[Kind::Http, Kind::Prometheus, Kind::Traces]),
    ("select", &[Kind::Http]),
    ("body", &[Kind::Http]),
    ("run", &[Kind::Command]),
    ("format", &[Kind::Command]),
    ("env", &[Kind::Command]),
    ("queries", &[Kind::Prometheus]),
    ("include", &[Kind::Prometheus]),
    ("kinds", &[Kind::Kubernetes]),
    ("namespaces", &[Kind::Kubernetes]),
    ("files", &[Kind::Kubernetes]),
    ("shards", &[Kind::Traces]),
    ("api", &[Kind::Traces]),
    ("window", &[Kind::Traces]),
    ("limit", &[Kind::Traces]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Http,
    Command,
    Prometheus,
    Kubernetes,
    Traces,
}

impl Kind {
    fn as_str(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

const LISTS: [(&str, PrometheusList); 3] =
    [("alerts", PrometheusList::Alerts), ("rules", PrometheusList::Rules), ("targets", PrometheusList::Targets)];

/// Reads `collect`.
pub(super) fn read<'a>(reader: &mut Reader<'a>, fields: &mut Fields<'a>) -> Vec<CollectEntry> {
    let mut entries: Vec<CollectEntry> = Vec::new();
    for node in fields.list("collect", &mut reader.yaml) {
        let Some(entry) = reader.collect_entry(node) else { continue };
        match entries.iter().find(|known| known.source == entry.source) {
            Some(first) => {
                let error = ProjectError::SourceTwice(entry.source.clone());
                reader.fail_beside(error, entry.place.span, "first here", first.place.clone());
            }
            None => entries.push(entry),
        }
    }
    entries
}

impl<'a> Reader<'a> {
    fn collect_entry(&mut self, node: &'a Node) -> Option<CollectEntry> {
        let mut fields = self.fields(node, "an entry of `collect`")?;
        let source_node = fields.require("source", &mut self.yaml);
        let source = self.text(&mut fields, "source");
        if let (Some(source), Some(node)) = (&source, source_node) {
            self.name("source", source, node.span);
        }
        let timeout = self.age(&mut fields, "timeout");
        fields.require("kind", &mut self.yaml);
        // What the other keys should be is known only from the kind, so without one nothing is said about them.
        let kind = self.word(&mut fields, "kind", "kind of source", &KINDS)?;
        self.foreign_keys(&mut fields, kind);
        let kind = match kind {
            Kind::File => self.files(&mut fields),
            Kind::Http => self.http(&mut fields),
            Kind::Command => self.command(&mut fields),
            Kind::Prometheus => self.prometheus(&mut fields),
            Kind::Kubernetes => self.kubernetes(&mut fields, node),
            Kind::Traces => self.traces(&mut fields, node),
        };
        fields.finish(&mut self.yaml);
        Some(CollectEntry { source: source?, place: self.file.at(source_node?.span), kind: kind?, timeout })
    }

    fn foreign_keys(&mut self, fields: &mut Fields<'a>, kind: Kind) {
        for (key, owners) in KEYS {
            if owners.contains(&kind) || !fields.has(key) {
                continue;
            }
            if let Some((written, _)) = fields.entry(key) {
                let owners = owners.iter().map(|owner| owner.as_str()).collect();
                self.fail(ProjectError::ForeignKey { key, kind: kind.as_str(), owners }, written.span);
            }
        }
    }

    fn required_pattern(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<Located> {
        let node = fields.require(name, &mut self.yaml)?;
        let text = fields.text(name, &mut self.yaml)?;
        self.pattern(name, &text, node.span)
    }

    fn files(&mut self, fields: &mut Fields<'a>) -> Option<CollectKind> {
        let path = self.required_pattern(fields, "path");
        let age = match fields.take("age") {
            Some(node) if node.as_entries().is_some() => {
                let mut by_field = self.fields(node, "`age`")?;
                by_field.require("field", &mut self.yaml);
                let field = self.text(&mut by_field, "field");
                by_field.finish(&mut self.yaml);
                field.map(FileAge::Field)
            }
            _ => {
                let known = [("git", true), ("mtime", false)];
                self.word(fields, "age", "age of a file", &known)
                    .map(|git| if git { FileAge::Git } else { FileAge::Mtime })
            }
        };
        Some(CollectKind::File { path: path?, age: age.unwrap_or_default() })
    }

    fn http(&mut self, fields: &mut Fields<'a>) -> Option<CollectKind> {
        let url = self.url(fields);
        let node = fields.take("select");
        let select = fields.text("select", &mut self.yaml);
        if let (Some(pointer), Some(node)) = (&select, node)
            && !is_pointer(pointer)
        {
            self.fail(ProjectError::BadPointer(pointer.clone()), node.span);
        }
        let body = fields.take("body").filter(|node| !node.is_null());
        if let Some(node) = body
            && !matches!(node.value, Value::Map(_) | Value::List(_))
        {
            self.yaml.push(yaml::wrong_type(self.file, "body", "a mapping or a list", node));
        }
        Some(CollectKind::Http { url: url?, select, body: body.map(Node::to_json) })
    }

    fn command(&mut self, fields: &mut Fields<'a>) -> Option<CollectKind> {
        let run = fields.require("run", &mut self.yaml);
        // An argument may well be empty; the program may not.
        let words = fields.texts("run", &mut self.yaml);
        let program = words.first().is_some_and(|(program, _)| !program.trim().is_empty());
        if let (Some(node), false) = (run, program) {
            self.fail(ProjectError::EmptyText("run".to_owned()), words.first().map_or(node.span, |(_, span)| *span));
        }
        let known = [
            ("json", CommandFormat::Json),
            ("yaml", CommandFormat::Yaml),
            ("toml", CommandFormat::Toml),
            ("ndjson", CommandFormat::Ndjson),
            ("csv", CommandFormat::Csv),
        ];
        let format = self.word(fields, "format", "format of facts", &known).unwrap_or_default();
        let env = self.texts(fields, "env").into_iter().map(|(name, _)| name).collect();
        run?;
        Some(CollectKind::Command { run: words.into_iter().map(|(word, _)| word).collect(), format, env })
    }

    fn prometheus(&mut self, fields: &mut Fields<'a>) -> Option<CollectKind> {
        let url = self.url(fields);
        let mut queries = Vec::new();
        for (name, span, node) in self.entries(fields, "queries") {
            queries.extend(self.query(name, span, node));
        }
        let mut include = Vec::new();
        for (word, span) in fields.texts("include", &mut self.yaml) {
            include.extend(self.known_word(&word, span, "list of Prometheus", &LISTS));
        }
        Some(CollectKind::Prometheus { url: url?, queries, include })
    }

    fn query(&mut self, name: &str, span: Span, node: &'a Node) -> Option<Query> {
        let named = if LISTS.iter().any(|(list, _)| *list == name) {
            self.fail(ProjectError::ReservedQuery(name.to_owned()), span);
            false
        } else {
            self.name("query", name, span)
        };
        let place = self.file.at(span);
        let query = |query: String| Query {
            name: name.to_owned(),
            query,
            range: None,
            on_empty: OnEmpty::Unknown,
            place: place.clone(),
        };
        if let Some(text) = node.as_text() {
            if text.trim().is_empty() {
                self.fail(ProjectError::EmptyText(name.to_owned()), node.span);
            }
            return named.then(|| query(text.to_owned()));
        }
        let mut fields = self.fields(node, format!("the query `{name}`"))?;
        fields.require("query", &mut self.yaml);
        let text = self.text(&mut fields, "query");
        let range = self.age(&mut fields, "range");
        let step_node = fields.take("step");
        let step = self.age(&mut fields, "step");
        if let (Some(node), false) = (step_node, fields.has("range")) {
            self.fail(ProjectError::StepWithoutRange, node.span);
        }
        let known = [("unknown", OnEmpty::Unknown), ("zero", OnEmpty::Zero), ("error", OnEmpty::Error)];
        let on_empty = self.word(&mut fields, "on_empty", "meaning of no answer", &known).unwrap_or_default();
        fields.finish(&mut self.yaml);
        let range = range.map(|range| QueryRange { range, step });
        named.then_some(Query { range, on_empty, ..query(text?) })
    }

    fn kubernetes(&mut self, fields: &mut Fields<'a>, node: &Node) -> Option<CollectKind> {
        self.exclusive(fields, "files", &["kinds", "namespaces"]);
        if fields.has("files") {
            let files = self.required_pattern(fields, "files");
            fields.skip(&["kinds", "namespaces"]);
            return Some(CollectKind::KubernetesFiles { files: files? });
        }
        if !fields.has("kinds") {
            self.neither(fields, node, &["kinds", "files"]);
        }
        fields.skip(&["files"]);
        let mut kinds = Vec::new();
        for (kind, span) in self.texts(fields, "kinds") {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
            // One that began otherwise would be an option of the program that is asked.
            if kind.starts_with(|c: char| c.is_ascii_lowercase()) && kind.bytes().all(is_plain) {
                kinds.push(kind);
            } else {
                self.fail(ProjectError::BadKubernetesKind(kind), span);
            }
        }
        let namespaces = self.texts(fields, "namespaces").into_iter().map(|(name, _)| name).collect();
        Some(CollectKind::Kubernetes { kinds, namespaces })
    }

    fn traces(&mut self, fields: &mut Fields<'a>, node: &Node) -> Option<CollectKind> {
        self.exclusive(fields, "path", &["url", "api", "window", "limit"]);
        if fields.has("path") {
            let path = self.required_pattern(fields, "path");
            let shards = self.whole(fields, "shards", 1, "a whole number from 1 on").unwrap_or(1);
            fields.skip(&["url", "api", "window", "limit"]);
            return Some(CollectKind::TraceFiles { path: path?, shards });
        }
        if !fields.has("url") {
            self.neither(fields, node, &["path", "url"]);
            fields.skip(&["path", "url", "shards", "api", "window", "limit"]);
            return None;
        }
        self.exclusive(fields, "url", &["shards"]);
        fields.skip(&["path", "shards"]);
        let url = self.url(fields);
        let known = [("tempo", TraceApi::Tempo), ("jaeger", TraceApi::Jaeger), ("zipkin", TraceApi::Zipkin)];
        fields.require("api", &mut self.yaml);
        let api = self.word(fields, "api", "server of traces", &known);
        let window = self.age(fields, "window");
        let limit = self.whole(fields, "limit", 1, "a whole number from 1 on");
        Some(CollectKind::TraceServer { url: url?, api: api?, window, limit })
    }

    /// Keys that mean nothing beside `beside`.
    fn exclusive(&mut self, fields: &mut Fields<'a>, beside: &'static str, keys: &[&'static str]) {
        for key in keys {
            if let (true, true, Some((written, _))) = (fields.has(beside), fields.has(key), fields.entry(key)) {
                self.fail(ProjectError::Excluded { key, beside }, written.span);
            }
        }
    }

    fn neither(&mut self, fields: &mut Fields<'a>, node: &Node, keys: &[&'static str]) {
        let span = fields.entry("kind").map_or(node.span, |(_, node)| node.span);
        self.fail(ProjectError::Neither { what: "the source".to_owned(), keys: keys.to_vec() }, span);
    }

    fn url(&mut self, fields: &mut Fields<'a>) -> Option<String> {
        let node = fields.require("url", &mut self.yaml)?;
        let url = fields.text("url", &mut self.yaml)?;
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
        let server = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if server.contains('@') {
            self.fail_nowhere(ProjectError::CredentialsInUrl(self.file.location(node.span).line));
            return None;
        }
        if server.is_empty() || server.starts_with(':') || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.fail(ProjectError::BadUrl(url), node.span);
            return None;
        }
        Some(url)
    }
}

/// RFC 6901: empty, or keys that each begin with `/`, in which `~` stands before `0` or `1` only.
fn is_pointer(pointer: &str) -> bool {
    let escaped = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (pointer.is_empty() || pointer.starts_with('/')) && escaped
}
