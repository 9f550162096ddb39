use proptest::prelude::*;
use regorus::Value;

use super::*;
use crate::{
    facts::document::{self, Document},
    source::SourceFile,
};

const FORMATS: [Format; 5] = [Format::Json, Format::Yaml, Format::Toml, Format::Ndjson, Format::Csv];

/// What no document has.
const MARK: &str = "\"\\u2603 was here\"";

fn read(text: &str, format: Format, many: bool) -> Result<Document, String> {
    document::read(text.as_bytes(), format, many).map_err(|error| error.message)
}

/// Every path of a value, the empty one among them, with what stands there.
fn paths_of(value: &Value) -> Vec<(Vec<Segment>, Value)> {
    let mut all = vec![(Vec::new(), value.clone())];
    let mut at = 0;
    while let Some((path, value)) = all.get(at).cloned() {
        let mut add = |step, value: &Value| all.push(([path.as_slice(), &[step]].concat(), value.clone()));
        match &value {
            Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| add(Segment::Index(at), item)),
            Value::Object(entries) => entries.iter_sorted().for_each(|(key, value)| {
                add(Segment::Key(key.as_string().unwrap().as_ref().to_owned()), value);
            }),
            _ => {}
        }
        at += 1;
    }
    all
}

/// The value without white space at the end of text: what a block scalar has there is no part of its place.
fn chomped(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.trim_end_matches([' ', '\t', '\n'])),
        Value::Array(items) => Value::from(items.iter().map(chomped).collect::<Vec<_>>()),
        Value::Object(entries) => Value::from(
            entries.iter_sorted().map(|(key, value)| (key.clone(), chomped(value))).collect::<BTreeMap<_, _>>(),
        ),
        other => other.clone(),
    }
}

fn value_at<'v>(value: &'v Value, path: &[Segment]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| match (step, value) {
        (Segment::Key(key), Value::Object(entries)) => entries.get(&Value::from(key.as_str())),
        (Segment::Index(index), Value::Array(items)) => items.get(*index),
        _ => None,
    })
}

fn find(text: &str, format: Format, many: bool, paths: &[(Vec<Segment>, Value)]) -> Vec<Option<Found>> {
    let paths: Vec<_> = paths.iter().map(|(path, _)| path.as_slice()).collect();
    locate(text.as_bytes(), format, many, &paths)
}

/// A text read where it stands, so that its further lines keep their indentation.
fn read_within(text: &str, range: &Range<usize>, format: Format) -> Result<Value, String> {
    let format = if format == Format::Ndjson { Format::Json } else { format };
    let line = text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
    let indent = " ".repeat(text[line..range.start].chars().filter(|c| *c != '\u{feff}').count());
    let slice = &text[range.clone()];
    match read(&format!("{indent}{slice}\n"), format, false) {
        Ok(document) => Ok(document.value),
        // A list in brackets may hold a mapping without any: `["a":1]`.
        Err(error) => match read(&format!("[{slice}]"), format, false).map(|document| document.value) {
            Ok(Value::Array(items)) if items.len() == 1 => Ok(items[0].clone()),
            _ => Err(error),
        },
    }
}

/// Finds every path of a document, and says how many places proved right by both tests: what stands there reads as
/// the value, and another value in its place is what a reader then sees at the path.
fn check(text: &str, format: Format, many: bool) -> Result<[usize; 3], TestCaseError> {
    let whole = read(text, format, many).map_err(|error| TestCaseError::fail(format!("{error} in {text:?}")))?.value;
    let paths = paths_of(&whole);
    let found = find(text, format, many, &paths);
    let (mut same, mut replaced) = (0, 0);
    for ((path, value), found) in paths.iter().zip(&found) {
        let Some(Found { value: range, key }) = found else {
            return Err(TestCaseError::fail(format!("{path:?} is not found in {text:?}")));
        };
        let slice = text.get(range.clone());
        let Some(slice) = slice else { return Err(TestCaseError::fail(format!("{range:?} is cut in {text:?}"))) };
        prop_assert_eq!(slice.trim_end_matches([' ', '\t', '\r', '\n']), slice, "{:?} in {:?}", path, text);
        // One path alone is found where it is found among all.
        let alone = locate(text.as_bytes(), format, many, &[path]);
        prop_assert_eq!(alone, vec![Some(Found { value: range.clone(), key: key.clone() })], "{:?} {:?}", path, text);
        prop_assert_eq!(key.is_some(), matches!(path.last(), Some(Segment::Key(_))), "{:?} in {:?}", path, text);
        if many && path.is_empty() {
            continue;
        }
        let is_tagged = format == Format::Yaml && text.contains('!');
        let is_json = matches!(format, Format::Json | Format::Ndjson);
        let is_alone = is_json || !slice.contains(['&', '*']) && !is_tagged;
        if is_alone && !slice.is_empty() {
            let read = read_within(text, range, format);
            prop_assert_eq!(read.as_ref().map(chomped), Ok(chomped(value)), "{:?}: {:?} of {:?}", path, slice, text);
            same += 1;
        }
        if let Some((key, Segment::Key(name))) = key.clone().zip(path.last()) {
            let written = &text[key.clone()];
            let written = if is_json { format!("{{{written}: 1}}") } else { format!("{written}: 1\n") };
            let format = if is_json { Format::Json } else { format };
            if is_json || !text[key].contains(['*', '|', '>', '\n', '!']) {
                let read = read(&written, format, false)
                    .map(|document| value_at(&document.value, &[Segment::Key(name.clone())]).is_some());
                prop_assert_eq!(read, Ok(true), "{:?}: {} of {:?}", path, written, text);
            }
        }
        if slice.is_empty() && (text.contains('?') || !text[..range.start].ends_with([':', '-'])) {
            // There is no room for another value.
            continue;
        }
        let with_mark = format!("{} {MARK} {}", &text[..range.start], &text[range.end..]);
        match read(&with_mark, format, many) {
            Ok(document) => {
                let seen = value_at(&document.value, path);
                prop_assert_eq!(
                    seen,
                    Some(&Value::from("\u{2603} was here")),
                    "{:?}: {:?} of {:?}",
                    path,
                    with_mark,
                    text
                );
                replaced += 1;
            }
            // What is repeated, merged or tagged cannot be anything.
            Err(error) => prop_assert!(
                format == Format::Yaml && text.contains(['&', '!']),
                "{}: {:?} of {:?}",
                error,
                with_mark,
                text
            ),
        }
    }
    Ok([paths.len(), same, replaced])
}

/// Finds every path of a document, and says how many lead to what another value can stand in the place of, which a
/// reader then sees there.
fn check_leaves(text: &str, format: Format, many: bool) -> Result<[usize; 2], TestCaseError> {
    let whole = read(text, format, many).map_err(|error| TestCaseError::fail(format!("{error} in {text:?}")))?.value;
    let paths = paths_of(&whole);
    let mut leaves = 0;
    for ((path, value), found) in paths.iter().zip(find(text, format, many, &paths)) {
        let Some(Found { value: range, key }) = found else {
            return Err(TestCaseError::fail(format!("{path:?} is not found in {text:?}")));
        };
        let Some(slice) = text.get(range.clone()) else {
            return Err(TestCaseError::fail(format!("{range:?} is cut in {text:?}")));
        };
        let alone = locate(text.as_bytes(), format, many, &[path]);
        prop_assert_eq!(alone, vec![Some(Found { value: range.clone(), key: key.clone() })], "{:?} {:?}", path, text);
        prop_assert_eq!(key.is_some(), matches!(path.last(), Some(Segment::Key(_))), "{:?} in {:?}", path, text);
        let is_alone = match (format, value) {
            (Format::Csv, _) => path.len() == 2,
            // Tables stand in several places, unless they are written as values.
            (_, Value::Object(_) | Value::Array(_)) => {
                slice.starts_with(['{', '[']) && text[..range.start].trim_end().ends_with(['=', ',', '['])
                    || slice.starts_with(['{', '[']) && range.len() == 2
            }
            _ => true,
        };
        if !is_alone {
            continue;
        }
        let mark = if format == Format::Csv { "\"\u{2603} was here\"" } else { MARK };
        if format == Format::Toml && *value != Value::Null {
            let written = read(&format!("k = {slice}"), format, false);
            let written = written.map(|document| document.value["k"].clone());
            prop_assert_eq!(written.as_ref(), Ok(value), "{:?}: {:?} of {:?}", path, slice, text);
        }
        let with_mark = format!("{}{mark}{}", &text[..range.start], &text[range.end..]);
        let document = read(&with_mark, format, many)
            .map_err(|error| TestCaseError::fail(format!("{error}: {path:?}: {with_mark:?} of {text:?}")))?;
        let seen = value_at(&document.value, path);
        prop_assert_eq!(seen, Some(&Value::from("\u{2603} was here")), "{:?}: {:?} of {:?}", path, with_mark, text);
        leaves += 1;
    }
    Ok([paths.len(), leaves])
}

fn leaves(text: &str, format: Format) -> [usize; 2] {
    check_leaves(text, format, false).unwrap_or_else(|error| panic!("{error}"))
}

fn checked(text: &str, format: Format, many: bool) -> [usize; 3] {
    check(text, format, many).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_place_of_awkward_json_is_right() {
    for text in [
        "{}",
        " [ ] \n",
        "null",
        "-1.5e+3",
        "\"a\\\"b\\\\\"",
        r#"{"a":{"a":{"a":1}},"b":[[],[[]],{}],"":{"":""},"~":{"/":{"a/b":1,"m~n":2}}}"#,
        r#"{"a\"b":1,"\u00e9":{"\ud83d\ude00":[1,2]},"tab\t":"x\\","\\":"\\\"","[":"]","{":"}"}"#,
        "{\r\n\t\"é\" :\t[ 1 ,\r\n2 , \"日本 ] } \" ] ,\n\"ß\": { \"same\":1 , \"also\" : 1}\r\n}\r\n",
        "\u{feff}{\"a\":[true,false,null,0,-0,1e5,0.5E-3]}",
        "[{\"a\":1},{\"a\":1},{\"a\":1},[],[],\"\",\"\"]",
    ] {
        let [all, same, replaced] = checked(text, Format::Json, false);
        assert_eq!((same, replaced), (all, all), "{text}");
    }
    for text in ["{\"a\":1}\n{\"a\":2}\n", "[]", "{\"a\":1}[2]\"x\"true false{}", "1 2\n\"3\"\r\nnull", "\u{feff}{} {}"]
    {
        let [all, same, _] = checked(text, Format::Json, true);
        assert_eq!(same + 1, all, "{text}");
    }
}

#[test]
fn every_place_of_awkward_yaml_is_right() {
    for (text, many, expected) in [
        ("a: 1\n", false, [2, 2, 2]),
        ("x", false, [1, 1, 1]),
        ("\u{feff}a: é\r\nb:\r\n  - ß  \r\n  - 日本\t# c\r\n", false, [5, 5, 5]),
        ("a:\n  b:\n    c: [1, {d: 2,  e: [ ]}, x y]  # z\n  f: {}\n\n# end\ng: {h: 1}   \n", false, [12, 12, 12]),
        ("- - 1\n  - 2\n- k: v\n  l:\n  - 3\n-   - - x\n", false, [11, 11, 11]),
        ("a: |\n  x\n  y\n\n\n# c\nb: >-\n  p\n  q\n \nc: |+\n  k\n\nd: x\n", false, [5, 5, 5]),
        ("a:   # c |\n  |2-  # > d\n    x\n\n\nb: >\n\n\n  | y\nc: |\n\nd: |-\n  # e\n  f\n", false, [5, 5, 5]),
        ("a: one\n  two \n\n  three  # c\nb: 'q\n  r'  \nc: \"x\\\n  y\"\n", false, [4, 4, 4]),
        ("\"a\\tb\": 1\n'it''s': 2\n\"\": {\"\": 3}\n~: 4\n/: 5\n\"a/b\": 6\n1: 7\n0x1: 8\n", false, [10, 10, 10]),
        ("? k\n: v\n? z\n: # c\n  y\n? |\n  lit\n: - 1\n", false, [5, 5, 5]),
        ("[x: 1, y, {a, b: , c: }, z: ]\n", false, [10, 6, 9]),
        ("a:\nb:   # c\n\nc:\n  d:\ne:\n-\n- \n- x\n", false, [9, 4, 9]),
        ("a:\n-   # c\n- x\nb:\n# d\n-  # e\n# f\n-\n", false, [7, 4, 7]),
        ("a:\tx\t\nb:\t[1,\t2\t]\t\n", false, [5, 5, 5]),
        ("{\"a\":[1,{\"b\":\"c\"}],\"d\":null}", false, [6, 6, 6]),
        ("--- a\n", false, [1, 1, 1]),
        ("--- |\n a\n b\n...\n", false, [1, 1, 1]),
        ("%YAML 1.2\n---\na: 1\n", false, [2, 2, 2]),
        ("a: !!int '1'\nb: ! x\nc: !!null\nd: !!str\ne: !!seq\n  - 1\nf: !!str |\n  y\n", false, [8, 0, 4]),
        ("a: 1\n---\n- b\n---\n# nothing\n---\n--- x\n...\n---\n|\n  c\n", true, [7, 6, 6]),
        ("a: 1\n", true, [3, 2, 2]),
        ("- 1\n", true, [3, 2, 2]),
    ] {
        assert_eq!(checked(text, Format::Yaml, many), expected, "{text}");
    }
}

#[test]
fn every_place_of_awkward_lines_is_right() {
    for (text, expected) in [
        ("", 0),
        ("{}", 1),
        ("\u{feff}{\"a\":1}\n{\"a\":2}\n", 4),
        ("\r\n \t\n[1, {\"a\\n\":\"}\\n\"}] \r\n\n\"x\"\nnull\n{\"é\" : [ ]}\t\n", 8),
    ] {
        let [all, same, replaced] = checked(text, Format::Ndjson, true);
        assert_eq!((all, same, replaced), (expected + 1, expected, expected), "{text}");
    }
    let text = "\n{\"a\": 1}\r\n\r\n{\"b\": \"ß\", \"a\": 2} \n ";
    let found: Vec<_> = ["[0]", "[1].a", "[1]", "[2]"]
        .iter()
        .map(|path| format!("{path}: {}", place(text, Format::Ndjson, path)))
        .collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    [0]: f:2:1 "{\"a\": 1}" behind nothing
    [1].a: f:4:17 "2" behind f:4:12 "\"a\""
    [1]: f:4:1 "{\"b\": \"ß\", \"a\": 2}" behind nothing
    [2]: nowhere
    "#);
}

#[test]
fn every_place_of_awkward_rows_is_right() {
    for (text, expected) in [
        ("", [1, 0]),
        ("a,b", [1, 0]),
        ("a,b\n1,2", [4, 2]),
        ("\u{feff}\r\n\"a\",\"é \"\"x\"\"\"\r\n\r\n,\"1\n,2\"\r\n\"\",\r\n", [7, 4]),
        (",b\n,\n\"\",x\n", [7, 4]),
    ] {
        assert_eq!(leaves(text, Format::Csv), expected, "{text}");
    }
    let text = "\nname,\"per \"\"s\"\"\"\r\n\nweb,\"7\"\r\n\"größe,\n x\",\n";
    let rate = "[\"per \\\"s\\\"\"]";
    let found: Vec<_> =
        ["[0]", "[0].name", &format!("[0]{rate}"), "[1].name", &format!("[1]{rate}"), "[1]", "[2]", "[0].x"]
            .iter()
            .map(|path| format!("{path}: {}", place(text, Format::Csv, path)))
            .collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    [0]: f:4:1 "web,\"7\"" behind nothing
    [0].name: f:4:1 "web" behind f:2:1 "name"
    [0]["per \"s\""]: f:4:5 "\"7\"" behind f:2:6 "\"per \"\"s\"\"\""
    [1].name: f:5:1 "\"größe,\n x\"" behind f:2:1 "name"
    [1]["per \"s\""]: f:6:5 "" behind f:2:6 "\"per \"\"s\"\"\""
    [1]: f:5:1 "\"größe,\n x\"," behind nothing
    [2]: nowhere
    [0].x: nowhere
    "#);
}

#[test]
fn every_place_of_awkward_toml_is_right() {
    for (text, expected) in [
        ("a = 1\n", [2, 1]),
        ("\u{feff}a = 1 # x\r\n\r\n\"é ß\".b . c = [ 1,\n 'x', # y\n {d.e = 2, f = {}}\n]\r\n", [11, 6]),
        ("[a.b]\nc = 1\n[a]\nd = '''\nx\n'''\n[ e ]\n[a.b.f]\ng = []\n", [8, 3]),
        ("[[a]]\nb = 1979-05-27\n[[a]]\n[a.c]\nd = 0x1f\n[[a.e]]\nf = 1_0\n[[a.e]]\n", [11, 3]),
        ("x = nan\ny = [1, inf, 2]\n", [5, 4]),
        ("a = [{}, {b = [[], [1]]}]", [8, 7]),
    ] {
        assert_eq!(leaves(text, Format::Toml), expected, "{text}");
    }
    let text = "# x\n[services.\"größe\"]\ncalls = [\"a\",\n  'b']\nslo.p99 = 4_0\n\n[[edges]]\nfrom = {a.b = nan}\n[[edges]]\n";
    let found: Vec<_> = [
        ".services",
        ".services[\"größe\"]",
        ".services[\"größe\"].calls",
        ".services[\"größe\"].calls[1]",
        ".services[\"größe\"].slo",
        ".services[\"größe\"].slo.p99",
        ".edges",
        ".edges[0]",
        ".edges[0].from",
        ".edges[0].from.a.b",
        ".edges[1]",
        ".edges[2]",
        ".edges.from",
    ]
    .iter()
    .map(|path| format!("{path}: {}", place(text, Format::Toml, path)))
    .collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    .services: f:2:2 "services" behind f:2:2 "services"
    .services["größe"]: f:2:1 "[services.\"größe\"]" behind f:2:11 "\"größe\""
    .services["größe"].calls: f:3:9 "[\"a\",\n  'b']" behind f:3:1 "calls"
    .services["größe"].calls[1]: f:4:3 "'b'" behind nothing
    .services["größe"].slo: f:5:1 "slo" behind f:5:1 "slo"
    .services["größe"].slo.p99: f:5:11 "4_0" behind f:5:5 "p99"
    .edges: f:7:1 "[[edges]]" behind f:7:3 "edges"
    .edges[0]: f:7:1 "[[edges]]" behind nothing
    .edges[0].from: f:8:8 "{a.b = nan}" behind f:8:1 "from"
    .edges[0].from.a.b: f:8:15 "nan" behind f:8:11 "b"
    .edges[1]: f:9:1 "[[edges]]" behind nothing
    .edges[2]: nowhere
    .edges.from: nowhere
    "#);
    let many = locate(b"\na = 1\n", Format::Toml, true, &[&[], &[Segment::Index(0)], &[Segment::Index(1)]]);
    let whole = Some(Found { value: 1..6, key: None });
    assert_eq!(many, [whole.clone(), whole, None]);
}

#[test]
fn what_is_repeated_or_merged_is_found_where_it_is_written() {
    for (text, all, replaced) in [
        ("a: &k 1  # z\nb: *k\nc: [*k, *k]\n", 6, 6),
        ("base: &b\n  x: 1\n  y: {z: 2}\nagain: *b\nlast: {in: *b}\n", 14, 14),
        ("a: &k name\n*k : [1, 2]\nb: &n 0x1f\n*n : c\n", 7, 7),
        ("a: &k\nb: *k\n", 3, 1),
        ("base: &b {x: 1, y: 2, z: {p: 1}}\nmore:\n  y: 3\n  <<: *b\n  q: 1\nagain: *b\n", 17, 15),
        ("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], z: 3}\nd: {<<: {v: 1}, w: 2}\n", 13, 11),
        ("a: &a {x: {p: 1}}\nb: {<<: *a, x: {q: 1}}\nc: {x: 1, <<: *a}\n", 9, 8),
        ("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: &c\n  <<: *b\n  z: 3\nd: [*c, *a]\n", 17, 14),
        ("a: &a {x: &a 1}\nb: *a\n", 4, 4),
        ("a:\n- &x |\n  t\n- &y\n  - *x\n- *y\n", 7, 7),
        ("'<<': 1\na: {\"<<\": {b: 1}}\n", 5, 5),
        ("a: {x: &h {deep: [1, 2]}, y: 1}\nb: [*h]\n", 12, 11),
    ] {
        let [paths, _, marked] = checked(text, Format::Yaml, false);
        assert_eq!((paths, marked), (all, replaced), "{text}");
    }
    // Aliases do not reach into other documents, but the same name does again.
    assert_eq!(checked("a: &x 1\nb: *x\n---\nc: &x 2\nd: *x\n", Format::Yaml, true), [7, 4, 6]);
}

fn place(text: &str, format: Format, path: &str) -> String {
    let path = format!("data{path}").parse::<crate::model::Path>().unwrap();
    let Some(found) = locate(text.as_bytes(), format, false, &[&path.segments()[1..]]).remove(0) else {
        return "nowhere".to_owned();
    };
    let file = SourceFile::new("f", text);
    let show = |range: &Range<usize>| format!("{} {:?}", file.at(range.clone()).location(), &text[range.clone()]);
    format!("{} behind {}", show(&found.value), found.key.map_or_else(|| "nothing".to_owned(), |key| show(&key)))
}

#[test]
fn places_are_those_that_people_would_name() {
    let text = "base: &b\n  x: 1\nmore:\n  <<: *b\n  y: |\n    t\n\n  z:\nagain: *b\nnan: .nan\n";
    let found: Vec<_> = [".base", ".more.x", ".more.y", ".more.z", ".more", ".again", ".again.x", ".nan", ".more.w"]
        .iter()
        .map(|path| format!("{path}: {}", place(text, Format::Yaml, path)))
        .collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    .base: f:2:3 "x: 1" behind f:1:1 "base"
    .more.x: f:2:6 "1" behind f:2:3 "x"
    .more.y: f:5:6 "|\n    t" behind f:5:3 "y"
    .more.z: f:8:5 "" behind f:8:3 "z"
    .more: f:4:3 "<<: *b\n  y: |\n    t\n\n  z:" behind f:3:1 "more"
    .again: f:2:3 "x: 1" behind f:9:1 "again"
    .again.x: f:2:6 "1" behind f:2:3 "x"
    .nan: f:10:6 ".nan" behind f:10:1 "nan"
    .more.w: nowhere
    "#);
    let text = "a:\n-   # c\n- &x\n";
    assert_eq!(place(text, Format::Yaml, ".a[0]"), "f:2:2 \"\" behind nothing", "before its comment");
    let text = "{\"a\\u0062\": [1,\n {\"ß\": \"日\"}]}";
    assert_eq!(place(text, Format::Json, ".ab[1][\"ß\"]"), r#"f:2:8 "\"日\"" behind f:2:3 "\"ß\"""#);
}

#[test]
fn what_is_not_there_has_no_place() {
    for format in [Format::Json, Format::Yaml] {
        let text = r#"{"a": [1, {"b": 2}], "c": {"0": 3}}"#;
        for nowhere in [".a[2]", ".a.b", ".a[0].b", ".b", ".c[0]", ".a[_]", ".a[1][_]", ".a[\"1\"]"] {
            assert_eq!(place(text, format, nowhere), "nowhere", "{nowhere}");
        }
        let deep = vec![Segment::Index(0); 100_000];
        let nested = "[".repeat(100_000);
        assert_eq!(locate(nested.as_bytes(), format, false, &[&deep, &deep[..120]]), [None, None]);
        assert_eq!(locate(text.as_bytes(), format, false, &[]), []);
        assert_eq!(locate(b"", format, true, &[&[]]), [None]);
    }
    // Two places are no place; and neither is one that an alias can never end to lead to.
    assert_eq!(place("a: &x [*x]\n", Format::Yaml, ".a[0]"), "nowhere");
    // Bytes that are no text are nobody's value, in JSON those beside them are.
    let text = b"{\"a\": \"\xff\", \"b\": 1}";
    let path = [Segment::Key("b".to_owned())];
    assert_eq!(locate(text, Format::Yaml, false, &[&path]), [None]);
    assert_eq!(locate(text, Format::Json, false, &[&path])[0].as_ref().map(|found| found.value.clone()), Some(16..17));
}

#[test]
fn one_path_may_be_asked_for_several_times() {
    let a = [Segment::Key("a".to_owned())];
    let b = [Segment::Key("b".to_owned())];
    for format in [Format::Json, Format::Yaml] {
        let found = locate(b"{\"a\": 1, \"b\": 2}", format, false, &[&a, &b, &a, &[]]);
        let found: Vec<_> = found.into_iter().map(|found| found.unwrap().value).collect();
        assert_eq!(found, [6..7, 14..15, 6..7, 0..16]);
    }
}

#[test]
fn aliases_upon_aliases_are_not_walked() {
    let mut text = String::from("a0: &a0 {k: 1}\n");
    for n in 1..60 {
        let before = n - 1;
        text.extend([format!("a{n}: &a{n} {{<<: [*a{before}, *a{before}], l{n}: [*a{before}, *a{before}]}}\n")]);
    }
    text.push_str("last: *a59\n");
    let path = [Segment::Key("last".to_owned()), Segment::Key("k".to_owned())];
    let found = locate(text.as_bytes(), Format::Yaml, false, &[&path]).remove(0).unwrap();
    assert_eq!(found, Found { value: 12..13, key: Some(9..10) });
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        (-1e9..1e9).prop_map(|float: f64| float.into()),
        text().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map(text(), inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{0,2}",
        "[ -~é日😀\t\n\r\u{a0}\u{2028}]{0,5}",
        "[\\[\\]{}\",:#&*!|>'%@`~/\\\\<. -]{0,4}",
        ".{0,4}"
    ]
}

/// A writer that lets a sequence of choices decide how each value is written, and notes where it wrote it.
struct Writer<'c> {
    choices: std::iter::Cycle<std::slice::Iter<'c, u8>>,
    out: String,
    /// The way to what is being written.
    path: Vec<Segment>,
    /// What was written where its path says: nothing that an alias repeats or a merge key adds.
    written: Vec<(Vec<Segment>, Found)>,
    /// Anchors and whether they stand for a mapping.
    anchors: Vec<bool>,
    line_end: &'static str,
    /// What white space may be, between tokens of JSON.
    spaces: &'static [&'static str],
}

impl<'c> Writer<'c> {
    fn new(choices: &'c [u8]) -> Self {
        let line_end = if choices.first().is_some_and(|choice| choice % 2 == 0) { "\n" } else { "\r\n" };
        Self {
            choices: choices.iter().cycle(),
            out: String::new(),
            path: Vec::new(),
            written: Vec::new(),
            anchors: Vec::new(),
            line_end,
            spaces: &[" ", "", "\n", "\t", "\r\n  ", ""],
        }
    }

    fn choose(&mut self, of: u8) -> u8 {
        self.choices.next().map_or(0, |choice| choice % of)
    }

    fn one_of<'o>(&mut self, options: &[&'o str]) -> &'o str {
        let at = self.choices.next().map_or(0, |choice| usize::from(*choice) % options.len());
        options[at]
    }

    fn space(&mut self) {
        let space = self.one_of(self.spaces);
        self.out.push_str(space);
    }

    /// Notes what was written since `start`.
    fn note(&mut self, start: usize, key: Option<Range<usize>>) {
        self.written.push((self.path.clone(), Found { value: start..self.out.len(), key }));
    }

    /// Compares what is found with what was written.
    fn is_found(&self, format: Format, many: bool) -> Result<(), TestCaseError> {
        let paths: Vec<_> = self.written.iter().map(|(path, _)| path.as_slice()).collect();
        let found = locate(self.out.as_bytes(), format, many, &paths);
        for ((path, written), found) in self.written.iter().zip(found) {
            prop_assert_eq!(found.as_ref(), Some(written), "{:?} in {:?}", path, self.out);
        }
        Ok(())
    }

    /// What `write` writes one step further.
    fn below<T>(&mut self, step: Segment, write: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let written = write(self);
        self.path.pop();
        written
    }

    fn json(&mut self, value: &serde_json::Value, key: Option<Range<usize>>) {
        self.space();
        let start = self.out.len();
        match value {
            serde_json::Value::Array(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.out.push_str(if at > 0 { "," } else { "" });
                    self.below(Segment::Index(at), |writer| writer.json(item, None));
                }
                self.space();
                self.out.push(']');
            }
            serde_json::Value::Object(entries) => {
                self.out.push('{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.out.push_str(if at > 0 { "," } else { "" });
                    self.space();
                    let key_start = self.out.len();
                    self.json_text(key);
                    let place = key_start..self.out.len();
                    self.space();
                    self.out.push(':');
                    self.below(Segment::Key(key.clone()), |writer| writer.json(value, Some(place)));
                }
                self.space();
                self.out.push('}');
            }
            serde_json::Value::String(text) => self.json_text(text),
            other => self.out.push_str(&other.to_string()),
        }
        self.note(start, key);
        self.space();
    }

    /// Text with more escapes than it needs.
    fn json_text(&mut self, text: &str) {
        let mut units = [0; 2];
        self.out.push('"');
        for c in text.chars() {
            if c.is_control() || c > '\u{fff0}' || self.choose(4) == 0 {
                let escapes = c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
                self.out.extend(escapes);
            } else {
                let quoted = serde_json::Value::from(c.to_string()).to_string();
                self.out.push_str(&quoted[1..quoted.len() - 1]);
            }
        }
        self.out.push('"');
    }

    /// A key of TOML.
    fn toml_key(&mut self, key: &str) -> String {
        if !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric()) && self.choose(3) > 0 {
            return key.to_owned();
        }
        self.toml_text(key)
    }

    /// Text in quotes, with more escapes than it needs.
    fn toml_text(&mut self, text: &str) -> String {
        if !text.contains(|c: char| c == '\'' || c.is_control()) && self.choose(2) == 0 {
            return format!("'{text}'");
        }
        let mut out = String::from("\"");
        for c in text.chars() {
            if c.is_control() || matches!(c, '"' | '\\') || self.choose(4) == 0 {
                out.extend([format!("\\U{:08X}", u32::from(c))]);
            } else {
                out.push(c);
            }
        }
        out + "\""
    }

    /// The entries of a table below its header: first those that are values, then the tables.
    fn toml_table(&mut self, entries: &serde_json::Map<String, serde_json::Value>, header: &str) {
        let mut later = Vec::new();
        for (key, value) in entries {
            let is_table = value.is_object();
            let are_tables = value
                .as_array()
                .is_some_and(|items| !items.is_empty() && items.iter().all(serde_json::Value::is_object));
            if (is_table || are_tables) && self.choose(2) == 0 {
                later.push((key, value));
            } else {
                self.below(Segment::Key(key.clone()), |writer| writer.toml_entry("", key, value));
            }
        }
        for (key, value) in later {
            self.path.push(Segment::Key(key.clone()));
            let name = self.toml_key(key);
            let mut first = None;
            let items = value.as_array();
            let (open, close) = if items.is_some() { ("[[ ", " ]]") } else { ("[ ", " ]") };
            for (at, item) in items.map_or_else(|| std::slice::from_ref(value), Vec::as_slice).iter().enumerate() {
                let start = self.out.len();
                self.out.extend([open, header, &name, close]);
                let end = self.out.len() - close.len();
                let place = end - name.len()..end;
                first.get_or_insert_with(|| (start..self.out.len(), Some(place.clone())));
                if items.is_some() {
                    self.path.push(Segment::Index(at));
                    self.note(start, None);
                }
                self.line(0);
                self.toml_table(item.as_object().unwrap(), &format!("{header}{name} . "));
                if items.is_some() {
                    self.path.pop();
                }
            }
            let (value, key) = first.unwrap();
            self.written.push((self.path.clone(), Found { value, key }));
            self.path.pop();
        }
    }

    /// `key = value`, or where the value is a table, each of its entries behind this key.
    fn toml_entry(&mut self, before: &str, key: &str, value: &serde_json::Value) {
        let start = self.out.len() + before.len();
        let name = self.toml_key(key);
        let place = start..start + name.len();
        if let Some(entries) = value.as_object()
            && !entries.is_empty()
            && self.choose(2) == 0
        {
            self.written.push((self.path.clone(), Found { value: place.clone(), key: Some(place) }));
            let before = format!("{before}{name}.");
            for (key, value) in entries {
                self.below(Segment::Key(key.clone()), |writer| writer.toml_entry(&before, key, value));
            }
            return;
        }
        self.out.extend([before, &name, " = "]);
        self.toml(value, Some(place));
        self.line(0);
    }

    fn toml(&mut self, value: &serde_json::Value, key: Option<Range<usize>>) {
        let start = self.out.len();
        match value {
            serde_json::Value::Array(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.out.push_str(if at > 0 { "," } else { "" });
                    self.line(1);
                    self.below(Segment::Index(at), |writer| writer.toml(item, None));
                }
                self.out.push(']');
            }
            serde_json::Value::Object(entries) => {
                self.out.push('{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.out.push_str(if at > 0 { " , " } else { "" });
                    let name = self.toml_key(key);
                    let place = self.out.len()..self.out.len() + name.len();
                    self.out.extend([&name, "= "]);
                    self.below(Segment::Key(key.clone()), |writer| writer.toml(value, Some(place)));
                }
                self.out.push('}');
            }
            serde_json::Value::String(text) => {
                let is_plain = text.chars().all(|c| matches!(c, ' '..='~' | 'é') && c != '\'');
                let text = match self.choose(3) {
                    0 if is_plain => format!("'''\n{text}\n'''"),
                    _ => self.toml_text(text),
                };
                self.out.push_str(&text);
            }
            serde_json::Value::Null => self.out.push_str("1979-05-27 07:32:00Z"),
            other => self.out.push_str(&other.to_string()),
        }
        self.note(start, key);
    }

    fn line(&mut self, indent: usize) {
        match self.choose(9) {
            0 => self.out.push_str("  "),
            1 => self.out.push_str("  # é: |"),
            2 => self.out.extend(["\t", self.line_end, self.line_end]),
            3 => self.out.extend([self.line_end, " # >"]),
            _ => {}
        }
        self.out.push_str(self.line_end);
        self.out.push_str(&" ".repeat(indent));
    }

    /// Writes a value behind an indicator, which further lines are to be indented deeper than; the end of its text.
    fn yaml(&mut self, value: &serde_json::Value, indent: usize, in_flow: bool, key: Option<Range<usize>>) -> usize {
        if !self.anchors.is_empty() && self.choose(6) == 0 {
            let at = usize::from(self.choose(u8::MAX)) % self.anchors.len();
            self.out.extend([format!(" *a{at:03}")]);
            let end = self.out.len();
            self.out.push(' ');
            return end;
        }
        let anchor = self.choose(4) == 0;
        let before = self.out.len();
        if anchor {
            self.out.push_str(" &a???");
        }
        // Where a value that is not written would stand.
        let mut place = self.out.len()..self.out.len();
        self.out.push_str(if anchor { " " } else { "" });
        let space = self.one_of(&[" ", "  ", " \t"]);
        let in_flow = in_flow || self.choose(3) == 0;
        match value {
            serde_json::Value::Array(items) if !in_flow && !items.is_empty() => {
                // Dashes may stand right below the key.
                let dashes = if key.is_some() { indent + usize::from(self.choose(2)) } else { indent + 1 };
                for (at, item) in items.iter().enumerate() {
                    self.line(dashes);
                    place.start = if at == 0 { self.out.len() } else { place.start };
                    self.out.push('-');
                    place.end = self.below(Segment::Index(at), |writer| writer.yaml(item, dashes, false, None));
                }
            }
            serde_json::Value::Object(entries) if !in_flow && !entries.is_empty() => {
                let deeper = indent + 1 + usize::from(self.choose(2));
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.line(deeper);
                    place.start = if at == 0 { self.out.len() } else { place.start };
                    if at == 0 && self.choose(3) == 0 && self.merge() {
                        self.line(deeper);
                    }
                    place.end = self.yaml_entry(key, value, deeper, false);
                }
            }
            serde_json::Value::Array(items) => {
                self.out.push_str(space);
                place.start = self.out.len();
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.below(Segment::Index(at), |writer| writer.yaml(item, indent, true, None));
                    let comma = self.one_of(&[",", " , "]);
                    self.out.push_str(comma);
                }
                self.out.push(']');
                place.end = self.out.len();
            }
            serde_json::Value::Object(entries) => {
                self.out.push_str(space);
                place.start = self.out.len();
                self.out.push('{');
                for (key, value) in entries {
                    self.yaml_entry(key, value, indent, true);
                    let comma = self.one_of(&[",", " , "]);
                    self.out.push_str(comma);
                    if self.choose(5) == 0 && self.merge() {
                        self.out.push_str(" , ");
                    }
                }
                self.out.push('}');
                place.end = self.out.len();
            }
            serde_json::Value::String(text) => {
                self.out.push_str(space);
                place = self.yaml_text(text, indent, in_flow);
            }
            serde_json::Value::Null if !in_flow && self.choose(2) == 0 => {}
            other => {
                self.out.push_str(space);
                place.start = self.out.len();
                self.out.push_str(&other.to_string());
                place.end = self.out.len();
            }
        }
        if anchor {
            // Numbered when complete, so that no alias stands within what it repeats.
            let name = format!(" &a{:03}", self.anchors.len());
            self.out.replace_range(before..before + " &a???".len(), &name);
            self.anchors.push(value.is_object());
        }
        let end = place.end;
        self.written.push((self.path.clone(), Found { value: place, key }));
        end
    }

    fn yaml_text(&mut self, text: &str, indent: usize, in_flow: bool) -> Range<usize> {
        let start = self.out.len();
        let is_block = !in_flow && !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() || c == 'é');
        match self.choose(4) {
            0 | 1 if is_block => {
                let header = self.one_of(&["|", ">", "|-", ">+", "| # x |"]);
                let lines = self.line_end.repeat(1 + usize::from(self.choose(2)));
                let indent = " ".repeat(indent + 2);
                self.out.extend([header, self.line_end, &indent, text, self.line_end, &indent, "more"]);
                let end = self.out.len();
                self.out.push_str(&lines);
                return start..end;
            }
            0 | 2 => self.yaml_plain(text),
            _ => self.json_text(text),
        }
        start..self.out.len()
    }

    fn yaml_entry(&mut self, key: &str, value: &serde_json::Value, indent: usize, in_flow: bool) -> usize {
        let start = self.out.len();
        self.yaml_key(key);
        let place = start..self.out.len();
        self.out.push(':');
        self.below(Segment::Key(key.to_owned()), |writer| writer.yaml(value, indent, in_flow, Some(place)))
    }

    fn merge(&mut self) -> bool {
        let mappings: Vec<_> = (0..self.anchors.len()).filter(|at| self.anchors[*at]).collect();
        let (Some(first), Some(last)) = (mappings.first(), mappings.last()) else { return false };
        let merged = [format!("<<: *a{first:03}"), format!("<<: [*a{last:03} , *a{first:03} ]")];
        let at = usize::from(self.choose(2));
        self.out.push_str(&merged[at]);
        true
    }

    fn yaml_key(&mut self, key: &str) {
        if self.choose(2) == 0 { self.yaml_plain(key) } else { self.json_text(key) }
    }

    fn yaml_plain(&mut self, text: &str) {
        match text.chars().all(|c| c.is_ascii_alphanumeric() || c == 'é') {
            true if !text.is_empty() => self.out.push_str(text),
            _ if text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) => {
                self.out.extend(["'", &text.replace('\'', "''"), "'"]);
            }
            _ => self.json_text(text),
        }
    }
}

#[test]
fn a_line_that_ends_in_a_form_feed_is_stepped_over() {
    assert_eq!(locate(b"L\x0c", Format::Ndjson, true, &[&[]]).len(), 1);
    assert_eq!(locate(b"1\n\x0c\n2", Format::Ndjson, true, &[&[Segment::Index(2)]]).len(), 1);
}

proptest! {
    #[test]
    fn every_place_of_any_json_is_right(
        documents in prop::collection::vec(any_json(), 1..4),
        many in any::<bool>(),
        mark in any::<bool>(),
        choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let mut writer = Writer::new(&choices);
        writer.out.push_str(if mark { "\u{feff}" } else { "" });
        for (at, document) in documents[..if many { documents.len() } else { 1 }].iter().enumerate() {
            writer.path = many.then_some(Segment::Index(at)).into_iter().collect();
            writer.json(document, None);
            writer.out.push('\n');
        }
        writer.is_found(Format::Json, many)?;
        let [all, same, _] = check(&writer.out, Format::Json, many)?;
        prop_assert_eq!(same + usize::from(many), all);
    }

    #[test]
    fn every_place_of_any_yaml_is_right(
        documents in prop::collection::vec(any_json(), 1..4),
        many in any::<bool>(),
        mark in any::<bool>(),
        choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let mut writer = Writer::new(&choices);
        writer.out.push_str(if mark { "\u{feff}" } else { "" });
        // Documents of nothing do not count.
        let mut count = 0;
        for document in &documents[..if many { documents.len() } else { 1 }] {
            writer.path = many.then_some(Segment::Index(count)).into_iter().collect();
            writer.out.push_str("---");
            writer.anchors.clear();
            let start = writer.out.len();
            let end = writer.yaml(document, 0, false, None);
            if end > start {
                count += 1;
            } else {
                writer.written.pop();
            }
            let end = writer.line_end;
            writer.out.push_str(end);
        }
        match read(&writer.out, Format::Yaml, many) {
            Ok(_) => {
                writer.is_found(Format::Yaml, many)?;
                check(&writer.out, Format::Yaml, many)?;
            }
            // A document of nothing, by luck.
            Err(error) if error == "the file holds no document" => return Err(TestCaseError::reject(error)),
            Err(error) => return Err(TestCaseError::fail(format!("{error} in {:?}", writer.out))),
        }
    }

    #[test]
    fn every_place_of_any_lines_is_right(
        documents in prop::collection::vec(any_json(), 0..4),
        mark in any::<bool>(),
        choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let mut writer = Writer::new(&choices);
        writer.spaces = &[" ", "", "\t", ""];
        writer.out.push_str(if mark { "\u{feff}" } else { "" });
        for (at, document) in documents.iter().enumerate() {
            writer.path = vec![Segment::Index(at)];
            writer.json(document, None);
            let blank = writer.one_of(&["", "\n", " \r\n\t"]);
            let end = writer.line_end;
            writer.out.extend([end, blank]);
        }
        writer.is_found(Format::Ndjson, false)?;
        let [all, same, replaced] = check(&writer.out, Format::Ndjson, true)?;
        prop_assert_eq!((same + 1, replaced + 1), (all, all));
    }

    #[test]
    fn every_place_of_any_rows_is_right(
        rows in (1..5_usize).prop_flat_map(|columns| {
            prop::collection::vec(prop::collection::vec((text(), any::<bool>()), columns), 1..6)
        }),
        mark in any::<bool>(),
        choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let mut writer = Writer::new(&choices);
        writer.out.push_str(if mark { "\u{feff}" } else { "" });
        let mut header: Vec<(String, Range<usize>)> = Vec::new();
        for (nth, row) in rows.iter().enumerate() {
            let row_start = writer.out.len();
            for (column, (cell, quoted)) in row.iter().enumerate() {
                writer.out.push_str(if column > 0 { "," } else { "" });
                let start = writer.out.len();
                // Each column has a name of its own.
                let cell = if nth == 0 { format!("{cell}{column}") } else { cell.clone() };
                if *quoted || cell.contains(['"', ',', '\n', '\r', ';', '\t', '\u{feff}']) || row.len() == 1 {
                    writer.out.extend(["\"", &cell.replace('"', "\"\""), "\""]);
                } else {
                    writer.out.push_str(&cell);
                }
                if nth == 0 {
                    header.push((cell, start..writer.out.len()));
                } else {
                    writer.path = vec![Segment::Index(nth - 1), Segment::Key(header[column].0.clone())];
                    writer.note(start, Some(header[column].1.clone()));
                }
            }
            if nth > 0 {
                writer.path = vec![Segment::Index(nth - 1)];
                writer.note(row_start, None);
            }
            let blank = writer.one_of(&["", "\n", "\r\n"]);
            let end = writer.line_end;
            writer.out.extend([end, blank]);
        }
        writer.is_found(Format::Csv, false)?;
        let cells = (rows.len() - 1) * rows[0].len();
        prop_assert_eq!(check_leaves(&writer.out, Format::Csv, false)?, [rows.len() + cells, cells]);
    }

    #[test]
    fn every_place_of_any_toml_is_right(
        entries in prop::collection::btree_map(text(), any_json(), 1..5),
        mark in any::<bool>(),
        many in any::<bool>(),
        choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let mut writer = Writer::new(&choices);
        writer.out.push_str(if mark { "\u{feff}" } else { "" });
        writer.path = many.then_some(Segment::Index(0)).into_iter().collect();
        writer.toml_table(&entries.into_iter().collect(), "");
        writer.is_found(Format::Toml, many)?;
        let [all, _] = check_leaves(&writer.out, Format::Toml, many)?;
        prop_assert_eq!(all, writer.written.len() + 1 + usize::from(many));
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            "[\\[\\]{}\",:0-9.&*a-c<!|>'#?é \\\\\n\t-]{0,40}".prop_map(String::into_bytes),
            "([\\[{=.\n]|\\[\\[|\\]\\]|a|\"b\"|1|,|\r\n){0,30}".prop_map(String::into_bytes),
            "([\\[{]|\"a\":|\"\\\\u0061\":|[\\]},\"]|a: |- |\n|  |&b |[*]b|<<: |[|>]|true|0|1e){0,20}".prop_map(String::into_bytes),
        ],
        many in any::<bool>(),
        paths in prop::collection::vec(
            prop::collection::vec(
                prop_oneof!["[ab]?".prop_map(Segment::Key), (0..3_usize).prop_map(Segment::Index), Just(Segment::Any)],
                0..4,
            ),
            0..6,
        ),
    ) {
        let paths: Vec<_> = paths.iter().map(Vec::as_slice).collect();
        for format in FORMATS {
            let found = locate(&bytes, format, many, &paths);
            prop_assert_eq!(found.len(), paths.len());
            let ranges: Vec<_> = found.into_iter().flatten().flat_map(|found| [Some(found.value), found.key]).flatten().collect();
            for range in &ranges {
                prop_assert!(range.start <= range.end && range.end <= bytes.len());
            }
            let _ = locations("f", &bytes, &ranges);
        }
        // What a reader takes has all its places. A value that repeats a key is no place for another value.
        for format in FORMATS {
            let Ok(text) = std::str::from_utf8(&bytes) else { continue };
            let Ok(document) = read(text, format, many) else { continue };
            if matches!(format, Format::Toml | Format::Csv) {
                prop_assert!(!find(text, format, many, &paths_of(&document.value)).contains(&None), "{:?}", text);
            } else if format == Format::Ndjson {
                check(text, format, true)?;
            } else if text.contains('&') {
                prop_assert!(!find(text, format, many, &paths_of(&document.value)).contains(&None), "{:?}", text);
            } else if document.nonfinite.is_empty() {
                check(text, format, many)?;
            }
        }
    }

    #[test]
    fn locations_are_those_of_the_whole_file(
        text in "[aé日😀\n\r\t]{0,60}|\n{0,5}|é{300}\n?é{300}",
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..12),
    ) {
        let file = SourceFile::new("f.json", &*text);
        let ends: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len(), text.len() + 9]).collect();
        let ranges: Vec<_> = cuts.iter().map(|(start, end)| *start.get(&ends)..*end.get(&ends)).collect();
        let expected: Vec<_> = ranges.iter().map(|range| file.location(range.clone().into())).collect();
        prop_assert_eq!(locations("f.json", text.as_bytes(), &ranges), expected);
    }
}
