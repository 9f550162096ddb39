//! What policies can ask about the facts themselves.

use std::collections::BTreeMap;

use jiff::Timestamp;
use regorus::Value;

use crate::model::{Part, Snapshot, Source};

/// The value of `data.snapshot`: `{environment, sources: {<source>: entry}}`.
///
/// An entry is what the manifest says of a source and `age_seconds` at `now`, as it is after the files were read: a
/// source whose file cannot be used is `failed`. Lists and `parts` are always there, and so is `error`, which is null
/// where there is none. Everything else that nobody stated is left out, ages among it: in Rego `null < 400` is true
/// and `null != "sample"` as well, so that a null would let an assumption hold for want of evidence, while an absent
/// key makes it unknown. `environment` is left out likewise.
#[must_use]
pub fn provenance(snapshot: &Snapshot, now: Timestamp) -> Value {
    let sources = snapshot.sources.iter().map(|source| (source.name.as_str(), entry(source, now)));
    object([("environment", snapshot.environment.as_deref().map(Value::from)), ("sources", Some(map(sources)))])
}

/// The entries of [`provenance`] without the names of sources and parts, as lists: who looks for secrets by their keys
/// would take what went wrong with the Secrets of a cluster for one.
#[must_use]
pub(crate) fn unnamed(snapshot: &Snapshot, now: Timestamp) -> Value {
    let entries = snapshot.sources.iter().map(|source| {
        let mut entry = entry(source, now);
        if let Ok(fields) = entry.as_object_mut() {
            let parts: Vec<_> = source.parts.values().map(|one| part(one, now)).collect();
            fields.insert("parts".into(), parts.into());
        }
        entry
    });
    Value::from(entries.collect::<Vec<_>>())
}

fn entry(source: &Source, now: Timestamp) -> Value {
    let parts = source.parts.iter().map(|(name, one)| (name.as_str(), part(one, now)));
    object([
        ("file", source.file.as_deref().map(|file| Value::from(file.rsplit('/').next().unwrap_or(file)))),
        ("status", Some(Value::from(source.status.as_str()))),
        ("error", Some(source.error.as_deref().map_or(Value::Null, Value::from))),
        ("collector", source.collector.as_deref().map(Value::from)),
        ("observed_from", source.observed_from.map(time)),
        ("observed_to", source.observed_to.map(time)),
        ("age_seconds", source.age_seconds(now).map(Value::from)),
        ("basis", source.basis.map(|basis| Value::from(basis.as_str()))),
        ("sampling", source.sampling.map(Value::from)),
        ("omitted", Some(list(&source.omitted))),
        ("nonfinite", Some(list(&source.nonfinite))),
        ("withheld", Some(list(&source.withheld))),
        ("unaliased", Some(list(&source.unaliased))),
        ("parts", Some(map(parts))),
    ])
}

fn part(part: &Part, now: Timestamp) -> Value {
    object([
        ("status", Some(Value::from(part.status.as_str()))),
        ("error", Some(part.error.as_deref().map_or(Value::Null, Value::from))),
        ("observed_from", part.observed_from.map(time)),
        ("observed_to", part.observed_to.map(time)),
        ("age_seconds", part.observed_to.map(|observed| Value::from(now.as_second() - observed.as_second()))),
    ])
}

fn time(time: Timestamp) -> Value {
    Value::from(time.to_string())
}

fn list(texts: &[String]) -> Value {
    Value::from(texts.iter().map(|text| Value::from(text.as_str())).collect::<Vec<_>>())
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::from(entries.into_iter().map(|(key, value)| (Value::from(key), value)).collect::<BTreeMap<_, _>>())
}

fn object<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    map(entries.into_iter().filter_map(|(key, value)| Some((key, value?))))
}

#[cfg(test)]
mod tests {
    use crate::model::{Basis, Status};

    use super::*;

    fn source(name: &str) -> Source {
        Source { file: Some(format!("facts/{name}.json")), in_manifest: true, ..Source::named(name) }
    }

    #[test]
    fn what_nobody_stated_is_absent() {
        let now: Timestamp = "2026-11-21T02:00:00Z".parse().unwrap();
        let to: Timestamp = "2026-11-21T01:00:00Z".parse().unwrap();
        let part =
            Part { status: Status::Failed, error: Some("no".to_owned()), observed_from: None, observed_to: Some(to) };
        let stated = Source {
            observed_to: Some(to),
            basis: Some(Basis::Sample),
            sampling: Some(0.1),
            parts: BTreeMap::from([("a".to_owned(), part)]),
            ..source("traces")
        };
        let snapshot = Snapshot {
            path: "facts".to_owned(),
            environment: None,
            has_manifest: true,
            sources: vec![source("bare"), stated],
        };
        insta::assert_snapshot!(provenance(&snapshot, now).to_json_str().unwrap(), @r#"
        {
          "sources": {
            "bare": {
              "error": null,
              "file": "bare.json",
              "nonfinite": [],
              "omitted": [],
              "parts": {},
              "status": "ok",
              "unaliased": [],
              "withheld": []
            },
            "traces": {
              "age_seconds": 3600,
              "basis": "sample",
              "error": null,
              "file": "traces.json",
              "nonfinite": [],
              "observed_to": "2026-11-21T01:00:00Z",
              "omitted": [],
              "parts": {
                "a": {
                  "age_seconds": 3600,
                  "error": "no",
                  "observed_to": "2026-11-21T01:00:00Z",
                  "status": "failed"
                }
              },
              "sampling": 0.1,
              "status": "ok",
              "unaliased": [],
              "withheld": []
            }
          }
        }
        "#);
        let named = Snapshot { environment: Some("production".to_owned()), ..snapshot };
        assert_eq!(provenance(&named, now)["environment"], Value::from("production"));
    }
}
