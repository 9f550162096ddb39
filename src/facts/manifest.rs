//! `snapshot.yaml`: where the facts of a snapshot come from.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::folder::{is_file_of, is_source_name, source_name};
use crate::{
    model::{self, Basis, Part, Status},
    source::{At, Place, SourceFile},
    yaml::{self, Errors, Fields, Node, Value, YamlError},
};

/// What a manifest says.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    /// Where the facts were collected.
    pub(super) environment: Option<String>,
    /// Its sources, in its own order.
    pub(super) entries: Vec<Entry>,
}

/// What it says of a source.
#[derive(Debug)]
pub(super) struct Entry {
    /// The provenance; `file` is the name alone.
    pub(super) source: model::Source,
    /// Of the file's bytes, in lower case.
    pub(super) sha256: Option<String>,
    /// Where `unaliased` stands.
    pub(super) unaliased: Option<Place>,
}

const FILE_HELP: &str = "write `file:` with the name of the fact file beside the manifest, such as `traces.json`";
const SHA256_HELP: &str = "write `sha256:` with the 64 hexadecimal digits that `sha256sum FILE` prints (`shasum -a 256 FILE` \
                           on a Mac): they show whether the file is still the one that was collected";
const STATUS_HELP: &str = "write `status: ok`, or `partial` or `failed` where not everything was collected";

/// Reads a manifest, with all of its errors.
pub(super) fn read(file: &SourceFile) -> Result<Manifest, Errors> {
    let root = yaml::parse(file).map_err(|error| vec![error])?;
    let mut errors = Vec::new();
    let manifest = manifest(file, &root, &mut errors);
    match manifest {
        Some(manifest) if errors.is_empty() => Ok(manifest),
        _ => {
            errors.sort_by_key(|error| error.place.as_ref().map(|place| place.span));
            Err(errors)
        }
    }
}

fn manifest(file: &SourceFile, root: &Node, errors: &mut Errors) -> Option<Manifest> {
    let mut fields = fields(file, root, "the manifest".to_owned(), errors)?;
    if let Some(version) = fields.require("version", errors)
        && version.value != Value::Number(1.into())
    {
        let help = "this stillholds reads `version: 1`".to_owned();
        errors.push(fields.bad(version, "the manifest is of another version", Some(help)));
    }
    let environment = fields.text("environment", errors);
    fields.text("tool", errors);
    let mut entries = Vec::new();
    match fields.take("sources") {
        None => {}
        Some(Node { value: Value::Map(sources), .. }) => {
            for (key, node) in sources {
                if !is_source_name(&key.name) {
                    let message = format!("`{}` is no name of a source", key.name);
                    let help = Some(format!("rename it to `{}`", source_name(&key.name)));
                    errors.push(At::new(YamlError::BadValue { message, help }, file.at(key.span)));
                }
                entries.extend(entry(file, &key.name, node, errors));
            }
        }
        Some(node) => errors.push(yaml::wrong_type(file, "sources", "a mapping", node)),
    }
    fields.finish(errors);
    Some(Manifest { environment, entries })
}

fn entry(file: &SourceFile, name: &str, node: &Node, errors: &mut Errors) -> Option<Entry> {
    let mut fields = fields(file, node, format!("the source `{name}`"), errors)?;
    let status = status(&mut fields, errors);
    // A collection that failed may have written nothing; one that did not must say what.
    let is_written = status.is_some_and(|status| status != Status::Failed);
    let fact_file = required(&mut fields, "file", FILE_HELP, is_written, errors).and_then(|node| {
        let text = text(file, "file", node, errors)?;
        if is_file_of(name, &text) {
            return Some(text);
        }
        let help = format!("write the name alone, as it stands beside the manifest: `{name}.json`");
        errors.push(fields.bad(node, format!("`{text}` is no file of the source `{name}`"), Some(help)));
        None
    });
    let sha256 = required(&mut fields, "sha256", SHA256_HELP, is_written, errors).and_then(|node| {
        let text = text(file, "sha256", node, errors)?;
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(text.to_ascii_lowercase());
        }
        errors.push(fields.bad(node, "this is no SHA-256 digest", Some(SHA256_HELP.to_owned())));
        None
    });
    let error = fields.text("error", errors);
    let collector = fields.text("collector", errors);
    let (observed_from, observed_to) = window(&mut fields, errors);
    let basis = fields.parse::<Basis>("basis", "write `census`, `sample`, `cumulative` or `declared`", errors);
    let sampling = fields.take("sampling").and_then(|node| {
        let share = match &node.value {
            Value::Number(number) => number.as_f64().filter(|share| *share > 0.0 && *share <= 1.0),
            _ => None,
        };
        if share.is_none() {
            let help = "write a number above 0 and up to 1, such as `0.1` for every tenth".to_owned();
            errors.push(fields.bad(node, "`sampling` is no share", Some(help)));
        }
        share
    });
    let omitted = fields.texts("omitted", errors).into_iter().map(|(text, _)| text).collect();
    let nonfinite = paths(file, &mut fields, "nonfinite", name, errors);
    let withheld = paths(file, &mut fields, "withheld", name, errors);
    let place = fields.take("unaliased").map(|node| file.at(node.span));
    let unaliased = fields.texts("unaliased", errors).into_iter().map(|(text, _)| text).collect();
    let parts = parts(file, &mut fields, name, errors);
    fields.finish(errors);
    let source = model::Source {
        name: name.to_owned(),
        file: fact_file,
        in_manifest: true,
        status: status?,
        error,
        collector,
        observed_from,
        observed_to,
        basis,
        sampling,
        omitted,
        nonfinite,
        withheld,
        unaliased,
        parts,
        bytes: 0,
    };
    Some(Entry { source, sha256, unaliased: place })
}

fn parts(file: &SourceFile, fields: &mut Fields<'_>, source: &str, errors: &mut Errors) -> BTreeMap<String, Part> {
    let Some(node) = fields.take("parts") else { return BTreeMap::new() };
    let Value::Map(entries) = &node.value else {
        errors.push(yaml::wrong_type(file, "parts", "a mapping", node));
        return BTreeMap::new();
    };
    let mut parts = BTreeMap::new();
    for (key, node) in entries {
        let what = format!("the part `{}` of the source `{source}`", key.name);
        let Some(mut fields) = self::fields(file, node, what, errors) else { continue };
        let status = status(&mut fields, errors);
        let error = fields.text("error", errors);
        let (observed_from, observed_to) = window(&mut fields, errors);
        fields.finish(errors);
        if let Some(status) = status {
            parts.insert(key.name.clone(), Part { status, error, observed_from, observed_to });
        }
    }
    parts
}

/// The fields of a mapping; with an error that says so, none of what is no mapping.
fn fields<'a>(file: &'a SourceFile, node: &'a Node, what: String, errors: &mut Errors) -> Option<Fields<'a>> {
    if matches!(node.value, Value::Map(_)) {
        return Fields::of(file, node, what, errors);
    }
    let message = match node.value {
        Value::Null => format!("{what} is empty"),
        _ => format!("{what} must be a mapping, not {}", node.describe()),
    };
    errors.push(At::new(YamlError::BadValue { message, help: None }, file.at(node.span)));
    None
}

fn status(fields: &mut Fields<'_>, errors: &mut Errors) -> Option<Status> {
    let node = fields.require_or("status", Some(STATUS_HELP), errors)?;
    let status = node.as_text().and_then(|text| text.parse().ok());
    if status.is_none() {
        errors.push(fields.bad(node, format!("{} is no status", said(node)), Some(STATUS_HELP.to_owned())));
    }
    status
}

/// From when to when was looked.
fn window(fields: &mut Fields<'_>, errors: &mut Errors) -> (Option<Timestamp>, Option<Timestamp>) {
    let from = time("observed_from", fields, errors);
    let to = time("observed_to", fields, errors);
    if let (Some((_, from)), Some((node, to))) = (from, to)
        && from > to
    {
        errors.push(fields.bad(node, "`observed_to` lies before `observed_from`", None));
    }
    (from.map(|(_, time)| time), to.map(|(_, time)| time))
}

fn time<'a>(name: &'static str, fields: &mut Fields<'a>, errors: &mut Errors) -> Option<(&'a Node, Timestamp)> {
    let node = fields.take(name)?;
    let time = node.as_text().and_then(|text| text.parse().ok());
    if time.is_none() {
        let help = format!("write the day, the time and its zone, as RFC 3339 does: `{name}: 2026-11-21T01:00:00Z`");
        errors.push(fields.bad(node, format!("{} is no time", said(node)), Some(help)));
    }
    time.map(|time| (node, time))
}

/// What stands where something else should, for messages.
fn said(node: &Node) -> String {
    node.as_text().map_or_else(|| node.describe().to_owned(), |text| format!("`{text}`"))
}

/// Paths below the source. One that cannot be read would silently excuse nothing.
fn paths(
    file: &SourceFile,
    fields: &mut Fields<'_>,
    name: &'static str,
    source: &str,
    errors: &mut Errors,
) -> Vec<String> {
    let mut paths = Vec::new();
    for (text, span) in fields.texts(name, errors) {
        let dot = if text.starts_with('[') { "" } else { "." };
        if format!("input.{source}{dot}{text}").parse::<model::Path>().is_ok() {
            paths.push(text);
        } else {
            let message = format!("`{text}` is no path below the source `{source}`");
            let help = Some("write it as `edges[3].p99_ms`".to_owned());
            errors.push(At::new(YamlError::BadValue { message, help }, file.at(span)));
        }
    }
    paths
}

fn required<'a>(
    fields: &mut Fields<'a>,
    key: &'static str,
    help: &'static str,
    is_written: bool,
    errors: &mut Errors,
) -> Option<&'a Node> {
    if is_written { fields.require_or(key, Some(help), errors) } else { fields.take(key) }
}

fn text(file: &SourceFile, name: &str, node: &Node, errors: &mut Errors) -> Option<String> {
    let text = node.as_text().map(str::to_owned);
    if text.is_none() {
        errors.push(yaml::wrong_type(file, name, "text", node));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Advice as _;

    const DIGEST: &str = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef";

    fn errors(text: &str) -> String {
        let file = SourceFile::new("facts/snapshot.yaml", text);
        read(&file)
            .unwrap_err()
            .into_iter()
            .map(|error| {
                let place = error.place.clone().map_or_else(String::new, |place| place.location().to_string());
                let help = error.kind.help().map_or_else(String::new, |help| format!("\n  help: {help}"));
                format!("{place}: {error}{help}")
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn all_that_it_says_is_read() {
        let text = format!(
            "\u{feff}version: 1
environment: production
tool: stillholds 0.1.0
sources:
  traces:
    file: traces.json
    sha256: {DIGEST}
    status: partial
    error: half of it
    collector: traces
    observed_from: 2026-11-21T00:00:00Z
    observed_to: \"2026-11-21T02:00:00+01:00\"
    basis: sample
    sampling: 0.1
    omitted: [\"spans without service.name: 14\"]
    nonfinite: [\"edges[3].p99_ms\", \"[0].x\"]
    withheld: [a]
    unaliased: [x]
    parts: {{edges: {{status: failed, error: no, observed_to: 2026-11-21T00:00:00Z}}}}
  prometheus: {{status: failed, error: refused}}
"
        );
        let file = SourceFile::new("facts/snapshot.yaml", text);
        let manifest = read(&file).unwrap();
        insta::assert_debug_snapshot!(manifest);
    }

    #[test]
    fn the_least_is_a_version() {
        assert!(read(&SourceFile::new("m", "version: 1\n")).unwrap().entries.is_empty());
        assert!(read(&SourceFile::new("m", "version: 1\nsources: {a: {status: failed}}\n")).is_ok());
    }

    #[test]
    fn all_errors_are_told_at_once() {
        insta::assert_snapshot!(errors(
            "version: 2
enviroment: production
sources:
  traces: {status: ok}
  Prom-1: {status: fine, file: 7, sha256: x}
  git: {status: failed, file: ../../etc/passwd, sampling: 2, basis: guess, observed_to: yesterday, omitted: no}
  terraform: {file: terraform.json}
  compose: [1]
  postgres:
    status: failed
    observed_from: 2026-11-21T01:00:00Z
    observed_to: 2026-11-21T00:00:00Z
    nonfinite: [\"a b\"]
    parts: {x: {state: ok}, y: 1}
    sha265: x
"
        ));
        insta::assert_snapshot!(errors("sources: 1\n"), @r"
        facts/snapshot.yaml:1:1: the manifest has no `version`
          help: add `version:`
        facts/snapshot.yaml:1:10: `sources` must be a mapping, not a number
        ");
        insta::assert_snapshot!(errors("- 1\n"), @"facts/snapshot.yaml:1:1: the manifest must be a mapping, not a list");
        insta::assert_snapshot!(errors("a: [\n"), @"facts/snapshot.yaml:1:4: not valid YAML: unclosed bracket '['");
    }
}
