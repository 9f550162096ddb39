//! The JSON Schemas of the files that people write and of the facts that are collected, for editors and for other
//! people's programs.

/// Of `stillholds.yaml`.
pub const PROJECT: &str = include_str!("../schemas/project.schema.json");
/// Of the file of waivers.
pub const WAIVERS: &str = include_str!("../schemas/waivers.schema.json");
/// Of `snapshot.yaml`.
pub const MANIFEST: &str = include_str!("../schemas/manifest.schema.json");

/// Of the report that `check -o json` writes.
pub const REPORT: &str = include_str!("../schemas/report.schema.json");
/// Of the source that `kind: prometheus` collects.
pub const PROMETHEUS: &str = include_str!("../schemas/prometheus.schema.json");
/// Of the source that `kind: kubernetes` collects.
pub const KUBERNETES: &str = include_str!("../schemas/kubernetes.schema.json");

/// All that people and their programs write or read by the name `stillholds schema` knows them by.
pub const ALL: [(&str, &str); 6] = [
    ("report", REPORT),
    ("project", PROJECT),
    ("waivers", WAIVERS),
    ("manifest", MANIFEST),
    ("prometheus", PROMETHEUS),
    ("kubernetes", KUBERNETES),
];

#[cfg(test)]
pub(crate) mod tests {
    use jsonschema::Validator;
    use serde_json::{Value, json};

    use super::*;
    use crate::{source::SourceFile, yaml};

    pub(crate) fn validator(schema: &str) -> Validator {
        jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
    }

    fn document(text: &str) -> Value {
        yaml::parse(&SourceFile::new("a.yaml", text)).unwrap().to_json()
    }

    fn accepts(schema: &str, text: &str) {
        let validator = validator(schema);
        let document = document(text);
        let errors: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{text}\n{errors:#?}");
    }

    /// Every schema that stands in a schema, with the examples it gives of itself.
    fn examples<'a>(schema: &'a Value, found: &mut Vec<(&'a Value, &'a Value)>) {
        match schema {
            Value::Object(keys) => {
                let own = keys.get("examples").and_then(Value::as_array).into_iter().flatten();
                found.extend(own.map(|example| (schema, example)));
                keys.values().for_each(|value| examples(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| examples(item, found)),
            _ => {}
        }
    }

    #[test]
    fn schemas_are_schemas_and_keep_to_their_own_examples() {
        for (name, text) in ALL {
            let schema: Value = serde_json::from_str(text).unwrap();
            assert!(jsonschema::meta::is_valid(&schema), "{name}");
            let mut found = Vec::new();
            examples(&schema, &mut found);
            assert!(["report", "prometheus", "kubernetes"].contains(&name) || found.len() > 5, "{name}");
            for (part, example) in found {
                let mut part = part.clone();
                part["$defs"] = schema["$defs"].clone();
                part["$schema"] = schema["$schema"].clone();
                assert!(jsonschema::is_valid(&part, example), "{name}: {example}");
            }
        }
    }

    const A_WAIVER: &str = "\
version: 1
waivers:
  - assumption: shop.replicas      # id or glob
    subject: web                   # value, or glob over its text; or `fingerprint: HEX`; neither: the whole assumption
    reason: \"migrates in January\"
    owner: team-web
    expires: 2027-01-31            # inclusive, UTC; or an RFC 3339 time; required, at most gate.max_waiver ahead
    link: https://example.com/t/12 # optional
";

    #[test]
    fn waivers_have_a_reason_an_owner_and_an_end() {
        accepts(WAIVERS, A_WAIVER);
        accepts(WAIVERS, "{version: 1, waivers: []}");
        accepts(WAIVERS, &A_WAIVER.replace("subject: web ", "subject: {kind: Pod, name: 7} "));
        accepts(WAIVERS, &A_WAIVER.replace("2027-01-31", "2027-01-31T12:00:00Z"));
        let validator = validator(WAIVERS);
        for (from, to) in [
            ("version: 1", "version: 2"),
            ("version: 1\n", ""),
            ("waivers:", "waiver:"),
            ("assumption: shop.replicas", "assumption: \"\""),
            ("assumption: shop.replicas", "assumption: [a, b]"),
            ("reason: \"migrates in January\"", "reason: \" \""),
            ("    reason: \"migrates in January\"\n", ""),
            ("    owner: team-web\n", ""),
            ("owner: team-web", "owners: [team-web]"),
            ("2027-01-31 ", "2027-13-31 "),
            ("2027-01-31 ", "tomorrow "),
            ("2027-01-31 ", "2027-01-31T12:00 "),
            ("expires: 2027-01-31", "until: 2027-01-31"),
            ("link:", "fingerprint: 3f1c0a9d5e6b7c8d9e0f1a2b3c4d5e6f\n    link:"),
            ("subject: web", "fingerprint: xyz"),
        ] {
            assert!(A_WAIVER.contains(from), "{from}");
            assert!(!validator.is_valid(&document(&A_WAIVER.replace(from, to))), "{from} → {to}");
        }
    }

    const A_MANIFEST: &str = "\
version: 1
environment: production
tool: stillholds 0.1.0
sources:
  traces:
    file: traces.json
    sha256: 9f2c6f1d0b1c4f6aa3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0
    status: ok                    # ok | partial | failed
    error: null
    collector: traces
    observed_from: 2026-11-21T00:00:00Z
    observed_to: 2026-11-21T01:00:00Z
    basis: sample                 # census (a complete list) | sample | cumulative (since a reset) | declared
    sampling: 0.1
    omitted: [\"spans without service.name: 14\"]
    nonfinite: [\"edges[3].p99_ms\"]  # NaN or infinite: left out of the facts
    withheld: []                  # paths left out as secret
    unaliased: []                 # names no alias matched
    parts: {}
";

    #[test]
    fn manifests_say_what_is_known_of_every_source() {
        accepts(MANIFEST, A_MANIFEST);
        accepts(MANIFEST, "version: 1");
        accepts(MANIFEST, "{version: 1, sources: {stock: {status: failed, error: refused}}}");
        accepts(MANIFEST, &A_MANIFEST.replace("parts: {}", "parts: {p99: {status: failed, error: timeout}}"));
        accepts(MANIFEST, &A_MANIFEST.replace("file: traces.json", "file: traces.ndjson.gz"));
        let validator = validator(MANIFEST);
        for (from, to) in [
            ("version: 1", "version: 0"),
            ("  traces:\n", "  Traces:\n"),
            ("file: traces.json", "file: ../traces.json"),
            ("file: traces.json", "file: traces.txt"),
            ("    file: traces.json\n", ""),
            ("sha256: 9f2c", "sha256: 9F2C"),
            ("status: ok ", "status: good "),
            ("    status: ok ", "    # "),
            ("00:00Z\n    observed_to", "00\n    observed_to"),
            ("basis: sample", "basis: guess"),
            ("sampling: 0.1", "sampling: 10"),
            ("withheld: []", "withheld: 3"),
            ("parts: {}", "parts: {p99: {}}"),
            ("collector: traces", "collected_by: traces"),
        ] {
            assert!(A_MANIFEST.contains(from), "{from}");
            assert!(!validator.is_valid(&document(&A_MANIFEST.replace(from, to))), "{from} → {to}");
        }
        let failed = json!({"version": 1, "sources": {"a": {"status": "failed", "file": "a.json"}}});
        assert!(!validator.is_valid(&failed), "a file without its hash");
    }
}
