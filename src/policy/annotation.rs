//! `# METADATA` blocks: what an author says of a rule or package in comments, as OPA reads it, with every key at its
//! place.
//!
//! Unknown keys of the block itself are ignored, as OPA ignores them (its own set grows: `labels`, `compile`), except
//! those that are a slip from a known one: a `custm:` would silently lose the limits under it.

use jiff::civil::Date;

use super::{Module, PolicyError, tokens::Tokens};
use crate::{
    model::{AgeError, ID_HELP, MaxAge, Path, PathError, Ratio, RatioError, RelatedResource, Severity, Vacuous, is_id},
    source::{At, Place, SourceFile, Span},
    spelling::nearest,
    yaml::{Errors, Fields, Node, Value, YamlError, parse_gathered, wrong_type},
};

/// A METADATA block. To what it belongs is decided where the rules are known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Annotation {
    /// Its bytes in the module's text, from `# METADATA` to its last line.
    pub(crate) span: Span,
    /// Its first line, from 1, in the module's text and the file alike.
    pub(crate) first_line: usize,
    /// Its last line.
    pub(crate) last_line: usize,
    /// What it speaks of, where it says so; `entrypoint: true` says `document`.
    pub(crate) scope: Option<Placed<Scope>>,
    /// In one line.
    pub(crate) title: Option<String>,
    /// In many.
    pub(crate) description: Option<String>,
    /// Decision records and the like.
    pub(crate) related: Vec<RelatedResource>,
    /// `custom.assumption`.
    pub(crate) custom: Custom,
}

/// A value with the place it stands at.
pub(crate) type Placed<T> = (T, Place);

/// What a METADATA block speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scope {
    /// The definition below it.
    Rule,
    /// All rules with the name of the one below it.
    Document,
    /// The package below it.
    Package,
    /// The package below it and all under it.
    Subpackages,
}

impl Scope {
    const NAMES: [(&str, Self); 4] = [
        ("rule", Self::Rule),
        ("document", Self::Document),
        ("package", Self::Package),
        ("subpackages", Self::Subpackages),
    ];
}

/// The keys under `custom.assumption`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Custom {
    /// The key `assumption`; `None` where there is none.
    pub(crate) place: Option<Place>,
    /// The id that people use.
    pub(crate) id: Option<Placed<String>>,
    /// Earlier ids.
    pub(crate) formerly: Vec<Placed<String>>,
    /// What its decay means for the check.
    pub(crate) severity: Option<Placed<Severity>>,
    /// Who answers for it.
    pub(crate) owner: Option<Placed<String>>,
    /// Older facts cannot prove it.
    pub(crate) max_age: Option<Placed<MaxAge>>,
    /// The last day on which it stands without a look at it.
    pub(crate) review_by: Option<Placed<Date>>,
    /// May be absent. An empty list takes back what is inherited.
    pub(crate) optional: Option<Vec<Placed<Path>>>,
    /// Must not be absent. An empty list takes back what is inherited.
    pub(crate) required: Option<Vec<Placed<Path>>>,
    /// A smaller margin erodes it, as a ratio.
    pub(crate) eroding_under: Option<Placed<f64>>,
    /// What an empty population means.
    pub(crate) vacuous: Option<Placed<Vacuous>>,
}

impl Custom {
    /// These keys, and for what they do not say those of a block further out: of a document over its rule, of a
    /// package over its documents. What names one assumption alone (`id`, `formerly`) is not inherited.
    #[must_use]
    pub(crate) fn under(&self, outer: &Self) -> Self {
        fn or<T: Clone>(near: Option<&T>, far: Option<&T>) -> Option<T> {
            near.or(far).cloned()
        }
        Self {
            place: self.place.clone(),
            id: self.id.clone(),
            formerly: self.formerly.clone(),
            severity: or(self.severity.as_ref(), outer.severity.as_ref()),
            owner: or(self.owner.as_ref(), outer.owner.as_ref()),
            max_age: or(self.max_age.as_ref(), outer.max_age.as_ref()),
            review_by: or(self.review_by.as_ref(), outer.review_by.as_ref()),
            optional: or(self.optional.as_ref(), outer.optional.as_ref()),
            required: or(self.required.as_ref(), outer.required.as_ref()),
            eroding_under: or(self.eroding_under.as_ref(), outer.eroding_under.as_ref()),
            vacuous: or(self.vacuous.as_ref(), outer.vacuous.as_ref()),
        }
    }
}

/// The METADATA blocks of a module, in their order. A block that cannot be read is left out, with an error; one with
/// a key that cannot is there without the key.
pub(crate) fn annotations(module: &Module, errors: &mut Vec<At<PolicyError>>) -> Vec<Annotation> {
    let mut annotations = Vec::new();
    for found in scan(&module.text, &Tokens::of(&module.text)) {
        match found {
            Found::Block(block) => annotations.extend(read(module, &block, errors)),
            Found::Indented(span) => errors.push(At::new(PolicyError::MetadataIndented, module.place(span))),
            Found::Misspelt(span) => {
                let comment = module.text.get(span.start..span.end).unwrap_or_default();
                errors.push(At::new(PolicyError::NotMetadata(comment.to_owned()), module.place(span)));
            }
        }
    }
    annotations
}

const KEYS: [&str; 11] = [
    "scope",
    "title",
    "description",
    "related_resources",
    "authors",
    "organizations",
    "schemas",
    "entrypoint",
    "custom",
    "compile",
    "labels",
];

/// The keys of `custom.assumption`.
const OURS: [&str; 10] =
    ["id", "formerly", "severity", "owner", "max_age", "review_by", "optional", "required", "eroding_under", "vacuous"];

/// Those of them that no other tool is known to have.
const OURS_ALONE: [&str; 5] = ["formerly", "max_age", "review_by", "eroding_under", "vacuous"];

/// A comment that is a METADATA block, or was meant to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A block.
    Block(Block),
    /// A block that does not start at the first column.
    Indented(Span),
    /// Not `METADATA`, but followed by its keys.
    Misspelt(Span),
}

/// The lines of a METADATA block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Its bytes in the text.
    pub(super) span: Span,
    first_line: usize,
    /// The lines below `# METADATA`: what stands after `#` and at most one space.
    lines: Vec<Span>,
}

/// Finds METADATA blocks in Rego text. As in OPA, a block is its first comment and all comments at the first column of
/// the lines directly below. What looks like one inside a raw string is none.
pub(super) fn scan(text: &str, tokens: &Tokens) -> Vec<Found> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut open: Option<Block> = None;
    for (index, full) in text.split_inclusive('\n').enumerate() {
        let line = full.strip_suffix('\n').unwrap_or(full);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let at = start;
        start += full.len();
        // Behind what the lexer could read nobody knows what is a comment; the engine reports the error.
        if at > tokens.end && tokens.end < text.len() {
            break;
        }
        let comment = line.strip_prefix('#').filter(|_| !tokens.inside(at));
        if let (Some(block), Some(comment)) = (&mut open, comment) {
            let indent = 1 + usize::from(comment.starts_with(' '));
            block.lines.push(Span { start: at + indent, end: at + line.len() });
            block.span.end = at + line.len();
            continue;
        }
        found.extend(open.take().map(Found::Block));
        let below = || start_of_key(text.get(start..).unwrap_or_default());
        let Some(comment) = comment else {
            let indented = line.trim_start();
            let at = at + line.len() - indented.len();
            if at > 0 && is_hint(indented) && !tokens.inside(at) && !line.starts_with('#') {
                found.push(Found::Indented(Span { start: at, end: at + indented.trim_end().len() }));
            }
            continue;
        };
        let comment = comment.trim();
        let span = Span { start: at, end: at + line.trim_end().len() };
        // OPA takes any comment that starts so. Prose may start so, too, and then has no keys below.
        if comment == "METADATA" || comment.starts_with("METADATA") && below() {
            open = Some(Block { span, first_line: index + 1, lines: Vec::new() });
        } else if comment.trim_end_matches(':').trim_matches('#').trim().eq_ignore_ascii_case("metadata") && below() {
            found.push(Found::Misspelt(span));
        }
    }
    found.extend(open.map(Found::Block));
    found
}

fn is_hint(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|comment| comment.trim() == "METADATA")
}

/// Whether a text starts with a comment line that holds a key of METADATA.
fn start_of_key(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    let key = line.strip_prefix('#').and_then(|comment| comment.split_once(':')).map(|(key, _)| key.trim());
    key.is_some_and(|key| KEYS.contains(&key))
}

fn read(module: &Module, block: &Block, errors: &mut Vec<At<PolicyError>>) -> Option<Annotation> {
    let file = &module.file;
    let mut yaml = String::new();
    // Where each line starts in the YAML.
    let mut starts = Vec::with_capacity(block.lines.len());
    for line in &block.lines {
        starts.push(yaml.len());
        yaml.push_str(module.text.get(line.start.min(line.end)..line.end).unwrap_or_default());
        yaml.push('\n');
    }
    if yaml.trim().is_empty() {
        errors.push(At::new(PolicyError::EmptyMetadata, module.place(block.span)));
        return None;
    }
    let offset = |at: usize| {
        let line = starts.partition_point(|start| *start <= at).saturating_sub(1);
        (block.lines[line].start + (at - starts[line])).min(block.lines[line].end)
    };
    let lead_back = |span: Span| {
        let start = offset(span.start);
        let end = if span.end > span.start { offset(span.end - 1) + 1 } else { start };
        module.place(Span { start, end: end.min(block.span.end).max(start) }).span
    };
    let node = match parse_gathered(file, &yaml, lead_back) {
        Ok(node) => node,
        Err(error) => {
            errors.push(tab(file, &error).unwrap_or_else(|| error.map(PolicyError::Metadata)));
            return None;
        }
    };
    let mut wrong = Errors::new();
    let annotation = of_yaml(module, block, &node, &mut wrong);
    // In the order of the lines, not of our questions.
    wrong.sort_by_key(|error| error.place.as_ref().map(|place| place.span));
    errors.extend(wrong.into_iter().map(|error| error.map(PolicyError::Metadata)));
    annotation
}

/// The tab that indents the line of an error, which the parser mentions at best.
fn tab(file: &SourceFile, error: &At<YamlError>) -> Option<At<PolicyError>> {
    let YamlError::Syntax(_) = error.kind else { return None };
    let place = error.place.as_ref()?;
    let (line, _) = file.line_column(place.span.start);
    let span = file.line(line);
    let text = file.slice(span);
    let comment = text.find('#')?;
    let indent = text[comment + 1..].find(|c: char| !c.is_whitespace())?;
    let at = span.start + comment + 1 + text[comment + 1..][..indent].find('\t')?;
    Some(At::new(PolicyError::MetadataTab, file.at(at..at + 1)))
}

fn of_yaml(module: &Module, block: &Block, node: &Node, errors: &mut Errors) -> Option<Annotation> {
    let file = &module.file;
    let mut fields = Fields::of(file, node, "METADATA", errors)?;
    let scope = fields.take("scope").and_then(|node| one_of(file, node, "scope", &Scope::NAMES, errors));
    let entrypoint = fields.take("entrypoint").map(|node| file.at(node.span));
    let is_entrypoint = fields.boolean("entrypoint", errors) == Some(true);
    let annotation = Annotation {
        span: block.span,
        first_line: block.first_line,
        last_line: block.first_line + block.lines.len(),
        scope: scope.or_else(|| entrypoint.filter(|_| is_entrypoint).map(|place| (Scope::Document, place))),
        title: prose(file, &mut fields, "title", errors),
        description: prose(file, &mut fields, "description", errors),
        related: fields
            .list("related_resources", errors)
            .iter()
            .filter_map(|node| related(file, node, errors))
            .collect(),
        custom: fields.take("custom").map(|node| custom(file, node, errors)).unwrap_or_default(),
    };
    let Value::Map(entries) = &node.value else { return Some(annotation) };
    for (key, _) in entries {
        if key.name == "assumption" {
            let help = "write\n# custom:\n#   assumption:\n#     …".to_owned();
            let message = "`assumption` must stand under `custom`".to_owned();
            errors.push(At::new(YamlError::BadValue { message, help: Some(help) }, file.at(key.span)));
        } else if OURS.contains(&key.name.as_str()) {
            // OPA has no such key, and other tools write below `custom`.
            errors.push(misplaced(&key.name, "at the top level of METADATA, which is OPA's", file.at(key.span)));
        } else if !KEYS.contains(&key.name.as_str()) && nearest(&key.name, KEYS).is_some() {
            let error =
                YamlError::UnknownKey { key: key.name.clone(), what: "METADATA".to_owned(), known: KEYS.to_vec() };
            errors.push(At::new(error, file.at(key.span)));
        }
    }
    Some(annotation)
}

fn custom(file: &SourceFile, node: &Node, errors: &mut Errors) -> Custom {
    let Value::Map(entries) = &node.value else {
        errors.push(wrong_type(file, "custom", "a mapping", node));
        return Custom::default();
    };
    let mut custom = Custom::default();
    let ours = entries.iter().find(|(key, _)| key.name == "assumption").map(|(_, node)| node);
    // A key that the assumption has as well is another tool's.
    let has = |name: &str| match ours.map(|node| &node.value) {
        Some(Value::Map(fields)) => fields.iter().any(|(key, _)| key.name == name),
        _ => false,
    };
    for (key, node) in entries {
        let name = key.name.as_str();
        if OURS_ALONE.contains(&name) || ours.is_some() && OURS.contains(&name) && !has(name) {
            errors.push(misplaced(name, "under `custom`, where other tools' keys are kept", file.at(key.span)));
        } else if key.name == "assumption" {
            custom = assumption(file, file.at(key.span), node, errors);
        } else if nearest(&key.name, ["assumption"]).is_some() {
            let error =
                YamlError::UnknownKey { key: key.name.clone(), what: "custom".to_owned(), known: vec!["assumption"] };
            errors.push(At::new(error, file.at(key.span)));
        }
    }
    custom
}

/// A key of ours that stands further out than `custom.assumption`, where nobody would read it.
fn misplaced(key: &str, stands: &str, place: Place) -> At<YamlError> {
    let message = format!("`{key}` stands {stands}");
    let help = format!("move it under `custom.assumption`:\n# custom:\n#   assumption:\n#     {key}: …");
    At::new(YamlError::BadValue { message, help: Some(help) }, place)
}

fn assumption(file: &SourceFile, place: Place, node: &Node, errors: &mut Errors) -> Custom {
    let mut custom = Custom { place: Some(place), ..Custom::default() };
    if node.is_null() {
        return custom;
    }
    let Some(mut fields) = Fields::of(file, node, "custom.assumption", errors) else { return custom };
    let at = |node: &Node| file.at(node.span);

    custom.id = fields.take("id").and_then(|node| id(file, node, "id", errors));
    custom.formerly = items(file, &mut fields, "formerly", "old-id", errors)
        .unwrap_or_default()
        .iter()
        .filter_map(|node| id(file, node, "formerly", errors))
        .collect();
    custom.severity = fields.take("severity").and_then(|node| one_of(file, node, "severity", &Severity::NAMES, errors));
    let owner = fields.take("owner").map(at);
    custom.owner = fields.text("owner", errors).zip(owner);
    custom.max_age = fields.take("max_age").and_then(|node| {
        parsed(file, node, "max_age", errors, |text| {
            text.parse::<MaxAge>().map_err(|error| (error.to_string(), format!("{}, or `none`", AgeError::HELP)))
        })
    });
    custom.review_by = fields.take("review_by").and_then(|node| {
        parsed(file, node, "review_by", errors, |text| {
            date(text).ok_or_else(|| {
                (format!("`{text}` is not a date"), "write year, month and day: `2027-03-01`".to_owned())
            })
        })
    });
    custom.optional = paths(file, &mut fields, "optional", errors);
    custom.required = paths(file, &mut fields, "required", errors);
    custom.eroding_under = fields.take("eroding_under").and_then(|node| {
        parsed(file, node, "eroding_under", errors, |text| {
            text.parse().map(Ratio::value).map_err(|error: RatioError| (error.to_string(), RatioError::HELP.to_owned()))
        })
    });
    let vacuous = [("first", Vacuous::First), ("strict", Vacuous::Strict), ("allowed", Vacuous::Allowed)];
    custom.vacuous = fields.take("vacuous").and_then(|node| one_of(file, node, "vacuous", &vacuous, errors));
    fields.finish(errors);
    custom
}

/// A scalar as it is written: `1.10` is an id and no number. Nothing but text and numbers has a text.
fn written<'a>(file: &'a SourceFile, node: &'a Node) -> Option<&'a str> {
    match &node.value {
        Value::Text(text) => Some(text),
        Value::Number(_) => Some(file.slice(node.span)),
        _ => None,
    }
}

fn parsed<T>(
    file: &SourceFile,
    node: &Node,
    name: &str,
    errors: &mut Errors,
    read: impl FnOnce(&str) -> Result<T, (String, String)>,
) -> Option<Placed<T>> {
    let Some(text) = written(file, node) else {
        errors.push(wrong_type(file, name, "text", node));
        return None;
    };
    match read(text) {
        Ok(value) => Some((value, file.at(node.span))),
        Err((message, help)) => {
            errors.push(At::new(YamlError::BadValue { message, help: Some(help) }, file.at(node.span)));
            None
        }
    }
}

fn one_of<T: Copy>(
    file: &SourceFile,
    node: &Node,
    name: &str,
    choices: &[(&'static str, T)],
    errors: &mut Errors,
) -> Option<Placed<T>> {
    parsed(file, node, name, errors, |text| {
        let choice = choices.iter().find(|(known, _)| *known == text).map(|(_, value)| *value);
        choice.ok_or_else(|| {
            let near = nearest(&text.to_ascii_lowercase(), choices.iter().map(|(known, _)| *known));
            let help = near.map_or_else(
                || {
                    let known: Vec<_> = choices.iter().map(|(known, _)| format!("`{known}`")).collect();
                    format!("write one of {}", known.join(", "))
                },
                |near| format!("did you mean `{near}`?"),
            );
            (format!("unknown value `{text}` for `{name}`"), help)
        })
    })
}

fn id(file: &SourceFile, node: &Node, name: &str, errors: &mut Errors) -> Option<Placed<String>> {
    parsed(file, node, name, errors, |text| {
        if is_id(text) { Ok(text.to_owned()) } else { Err((format!("`{text}` is not an id"), ID_HELP.to_owned())) }
    })
}

fn paths(file: &SourceFile, fields: &mut Fields, name: &'static str, errors: &mut Errors) -> Option<Vec<Placed<Path>>> {
    let items = items(file, fields, name, "\"input.traces.edges[_].p99_ms\"", errors)?;
    let path = |node| {
        parsed(file, node, name, errors, |text| {
            text.parse().map_err(|error: PathError| (error.to_string(), PathError::HELP.to_owned()))
        })
    };
    Some(items.iter().filter_map(path).collect())
}

/// The elements of a list; a single value is shown as the list it should be.
fn items<'n>(
    file: &SourceFile,
    fields: &mut Fields<'n>,
    name: &'static str,
    example: &str,
    errors: &mut Errors,
) -> Option<&'n [Node]> {
    let node = fields.take(name)?;
    let Value::List(items) = &node.value else {
        let message = format!("`{name}` must be a list, not {}", node.describe());
        let help = format!("write `{name}: [{example}]`");
        errors.push(At::new(YamlError::BadValue { message, help: Some(help) }, file.at(node.span)));
        return None;
    };
    Some(items)
}

fn prose(file: &SourceFile, fields: &mut Fields, name: &'static str, errors: &mut Errors) -> Option<String> {
    let node = fields.take(name)?;
    let text = written(file, node);
    if text.is_none() {
        errors.push(wrong_type(file, name, "text", node));
    }
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn related(file: &SourceFile, node: &Node, errors: &mut Errors) -> Option<RelatedResource> {
    if let Some(reference) = node.as_text() {
        return Some(RelatedResource { reference: reference.trim().to_owned(), description: None });
    }
    let mut fields = Fields::of(file, node, "related_resources", errors)?;
    fields.require("ref", errors)?;
    let reference = prose(file, &mut fields, "ref", errors)?;
    // As in OPA, further keys are nobody's concern.
    Some(RelatedResource { reference, description: prose(file, &mut fields, "description", errors) })
}

/// A date in the one form that the documentation shows; the parser knows others.
fn date(text: &str) -> Option<Date> {
    let shape = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    if shape.eq(*b"0000-00-00") { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::markdown, source::rendered};

    fn module(text: &str) -> Module {
        Module::of_file(SourceFile::new("a.rego", text), false)
    }

    /// The only block of a module without errors.
    fn good(text: &str) -> Annotation {
        let mut errors = Vec::new();
        let mut annotations = annotations(&module(text), &mut errors);
        assert!(errors.is_empty(), "{}", rendered(&errors));
        assert_eq!(annotations.len(), 1, "{text}");
        annotations.remove(0)
    }

    fn errors(text: &str) -> Vec<At<PolicyError>> {
        let mut errors = Vec::new();
        annotations(&module(text), &mut errors);
        errors
    }

    /// A block whose `custom.assumption` has these lines.
    fn block(lines: &str) -> String {
        let lines: Vec<_> = lines.lines().map(|line| format!("#     {line}\n")).collect();
        let lines = lines.concat();
        format!("# METADATA\n# title: x\n# custom:\n#   assumption:\n{lines}package a\n")
    }

    fn at(placed: &Place) -> &str {
        placed.file.slice(placed.span)
    }

    #[test]
    fn every_key_is_read_and_knows_its_place() {
        let text = "package a\n\n# METADATA\n# scope: document\n# title: Checkout calls é only\n# description: |\n#   Two\n\
                    #   lines.\n# related_resources:\n#   - https://example.com/a\n#   - ref: docs/b.md\n\
                    #     description: why\n# authors: [me]\n# schemas:\n#   - input: schema.input\n# labels: {a: b}\n\
                    # custom:\n#   other: {tool: 1}\n#   assumption:\n#     id: checkout/calls-1.0\n\
                    #     formerly: [old, \"very/old\"]\n#     severity: warning\n#     owner: team-checkout # theirs\n\
                    #     max_age: 24h\n#     review_by: 2027-03-01\n\
                    #     optional: [\"input.traces.edges[_].p99_ms\"]\n#     required:\n#       - input.traces.edges\n\
                    #     eroding_under: 12.5%\n#     vacuous: allowed\nviolation contains 1 if true\n";
        let annotation = good(text);
        assert_eq!((annotation.first_line, annotation.last_line), (3, 30));
        assert!(text[annotation.span.start..annotation.span.end].starts_with("# METADATA\n"));
        assert!(text[annotation.span.end..].starts_with("\nviolation"));
        assert_eq!(
            annotation.scope.as_ref().map(|(scope, place)| (*scope, at(place))),
            Some((Scope::Document, "document"))
        );
        assert_eq!(annotation.title.as_deref(), Some("Checkout calls é only"));
        assert_eq!(annotation.description.as_deref(), Some("Two\nlines."));
        let related = |reference: &str, description: Option<&str>| RelatedResource {
            reference: reference.to_owned(),
            description: description.map(str::to_owned),
        };
        assert_eq!(annotation.related, [related("https://example.com/a", None), related("docs/b.md", Some("why"))]);

        let custom = annotation.custom;
        assert_eq!(custom.place.as_ref().map(at), Some("assumption"));
        let (id, place) = custom.id.unwrap();
        assert_eq!((id.as_str(), at(&place), place.location().line), ("checkout/calls-1.0", "checkout/calls-1.0", 20));
        let formerly: Vec<_> = custom.formerly.iter().map(|(id, place)| (id.as_str(), at(place))).collect();
        assert_eq!(formerly, [("old", "old"), ("very/old", "\"very/old\"")]);
        assert_eq!(
            custom.severity.as_ref().map(|(severity, place)| (*severity, at(place))),
            Some((Severity::Warning, "warning"))
        );
        assert_eq!(
            custom.owner.as_ref().map(|(owner, place)| (owner.as_str(), at(place))),
            Some(("team-checkout", "team-checkout"))
        );
        assert_eq!(
            custom.max_age.as_ref().map(|(age, place)| (age.to_string(), at(place))),
            Some(("1 d".to_owned(), "24h"))
        );
        assert_eq!(
            custom.review_by.as_ref().map(|(date, place)| (date.to_string(), at(place))),
            Some(("2027-03-01".to_owned(), "2027-03-01"))
        );
        let paths = |paths: &Option<Vec<Placed<Path>>>| -> Vec<_> {
            paths.iter().flatten().map(|(path, place)| (path.to_string(), at(place).to_owned())).collect()
        };
        assert_eq!(
            paths(&custom.optional),
            [("input.traces.edges[_].p99_ms".to_owned(), "\"input.traces.edges[_].p99_ms\"".to_owned())]
        );
        assert_eq!(paths(&custom.required), [("input.traces.edges".to_owned(), "input.traces.edges".to_owned())]);
        assert_eq!(custom.eroding_under.as_ref().map(|(ratio, place)| (*ratio, at(place))), Some((0.125, "12.5%")));
        assert_eq!(custom.vacuous.map(|(vacuous, _)| vacuous), Some(Vacuous::Allowed));
    }

    #[test]
    fn blocks_are_those_of_opa() {
        let titles = |text: &str| {
            let mut errors = Vec::new();
            let annotations = annotations(&module(text), &mut errors);
            assert!(errors.is_empty(), "{}", rendered(&errors));
            annotations.into_iter().map(|block| (block.first_line, block.title.unwrap_or_default())).collect::<Vec<_>>()
        };
        let of = |blocks: &[(usize, &str)]| {
            blocks.iter().map(|(line, title)| (*line, (*title).to_owned())).collect::<Vec<_>>()
        };
        for (text, blocks) in [
            ("# METADATA\n# title: a\npackage a\n", vec![(1, "a")]),
            // With or without the space, and with both.
            ("#METADATA\n#title: a\npackage a\n", vec![(1, "a")]),
            ("# METADATA\n#description: x\n# title: a\npackage a\n", vec![(1, "a")]),
            ("# METADATA  \r\n# title: a\r\n#\r\n#  # comment\r\npackage a\r\n", vec![(1, "a")]),
            ("# METADATA of this package\n# title: a\npackage a\n", vec![(1, "a")]),
            ("\u{feff}# METADATA\n# title: a", vec![(1, "a")]),
            // An empty line ends a block, and so does a comment further to the right.
            ("# METADATA\n# title: a\n\n# other: [\n# METADATA\n# title: b\nx := 1\n", vec![(1, "a"), (5, "b")]),
            ("# METADATA\n# title: a\n  # other: [\nx := 1\n", vec![(1, "a")]),
            ("# comment\n# METADATA\n# title: a\nx := 1 # METADATA\n", vec![(2, "a")]),
            // Strings are no comments.
            ("x := `\n# METADATA\n# title: a\n`\n", vec![]),
            ("x := `\n  # METADATA\n`\n# METADATA\n# title: b\n", vec![(4, "b")]),
            // Prose is none.
            ("# METADATA is read by OPA, too.\n# It says: much\npackage a\n", vec![]),
            ("# Metadata\n# of pods\npackage a\n", vec![]),
            ("", vec![]),
            // What comes after a syntax error is not known to be a comment.
            ("x := `\n# METADATA\n# title: [\n", vec![]),
        ] {
            assert_eq!(titles(text), of(&blocks), "{text}");
        }
    }

    #[test]
    fn values_are_read_or_an_error() {
        let ok = |lines: &str| errors(&block(lines)).is_empty();
        for lines in [
            "id: a",
            "id: _a.b-c/9/d",
            "id: 1.10",
            "max_age: none",
            "max_age: 2w",
            "eroding_under: 0",
            "eroding_under: 0.5",
            "eroding_under: 100%",
            "severity: note",
            "vacuous: strict",
            "optional: []",
            "owner:",
            "review_by: '2028-02-29'",
        ] {
            assert!(ok(lines), "{lines}");
        }
        assert_eq!(good(&block("id: 1.10")).custom.id.unwrap().0, "1.10");
        for lines in [
            "id: ''",
            "id: a b",
            "id: /a",
            "id: a//b",
            "id: .a",
            "id: é",
            "id: [a]",
            "max_age: 90",
            "max_age: 1.5h",
            "max_age: soon",
            "max_age: true",
            "eroding_under: 10",
            "eroding_under: -0.1",
            "eroding_under: 101%",
            "eroding_under: NaN",
            "eroding_under: a lot",
            "severity: high",
            "severity: 1",
            "vacuous: never",
            "review_by: 2027-3-1",
            "review_by: 20270301",
            "review_by: 2027-02-29",
            "review_by: 2027-03-01T00:00:00Z",
            "optional: input.a",
            "optional: [traces.edges]",
            "optional: [input]",
            "required: [1]",
            "formerly: old",
            "owner: 42",
            "owner: [a]",
            "[a]",
            "text",
        ] {
            assert!(!ok(lines), "{lines}");
        }
    }

    #[test]
    fn errors_stand_at_their_line_and_column() {
        insta::assert_snapshot!(
            "unknown_keys_and_values",
            rendered(&errors(&block(
                "severty: error\nmax_age: 1 day\nid: checkout calls\noptional: [\"input.traces\", \"traces[x]\"]\n\
                 review_by: 2027-3-1\neroding_under: 10\nvacuous: allow\nseverity: high\nformerly: old"
            )))
        );
        let top = "# METADATA\n# scope: packages\n# titel: x\n# severity: error\n# custm: {}\n# assumption:\n#   id: a\n\
                   # related_resources:\n#   - description: no reference\n# custom:\n#   assumptions: {}\npackage a\n";
        insta::assert_snapshot!("keys_of_the_block", rendered(&errors(top)));
        for (name, text) in [
            ("no_yaml", "# METADATA\n# title: x\n# This rule is about calls.\npackage a\n"),
            ("no_mapping", "# METADATA\n# the title\npackage a\n"),
            ("twice", "# METADATA\n# title: x\n# custom:\n#  a: 1\n#  a: 2\npackage a\n"),
            ("tab", "# METADATA\n# custom:\n# \tassumption: {}\npackage a\n"),
            ("empty", "package a\n\n# METADATA\n#\n\nx := 1\n"),
            ("indented", "package a\n\n  # METADATA\n  # title: x\n  x := 1\n"),
            ("misspelt", "# Metadata:\n# title: x\npackage a\n"),
            ("documents", "# METADATA\n# title: x\n# ---\n# title: y\npackage a\n"),
        ] {
            insta::assert_snapshot!(name, rendered(&errors(text)), text);
        }
    }

    #[test]
    fn columns_are_those_of_the_markdown_file() {
        let text = "> - é\n>\n>   ```rego\n>   # METADATA\n>   # custom:\n>   #   assumption: {owner: é, severity: big}\n\
                    >   package a\n>   ```\n";
        let mut errors = Vec::new();
        let modules = markdown::modules(&SourceFile::new("docs/arch.md", text), &mut errors);
        let annotations = annotations(&modules[0], &mut errors);
        let (owner, place) = annotations[0].custom.owner.clone().unwrap();
        assert_eq!((owner.as_str(), at(&place)), ("é", "é"));
        assert_eq!(place.location().to_string(), "docs/arch.md:6:29");
        insta::assert_snapshot!("in_markdown", rendered(&errors));
    }

    #[test]
    fn entry_points_are_documents() {
        let scope = |text: &str| good(text).scope.map(|(scope, _)| scope);
        assert_eq!(scope("# METADATA\n# entrypoint: true\nx := 1\n"), Some(Scope::Document));
        assert_eq!(scope("# METADATA\n# entrypoint: false\nx := 1\n"), None);
        assert_eq!(scope("# METADATA\n# entrypoint: true\n# scope: package\npackage a\n"), Some(Scope::Package));
        assert!(!errors("# METADATA\n# entrypoint: yes please\nx := 1\n").is_empty());
    }

    #[test]
    fn the_nearest_block_wins_key_by_key() {
        let near = good(&block("id: near\nseverity: note\noptional: []")).custom;
        let far = good(&block(
            "id: far\nformerly: [older]\nseverity: warning\nowner: them\nmax_age: 1h\noptional: [input.a.b]\n\
             required: [input.a]\nreview_by: 2027-01-01\neroding_under: 5%\nvacuous: strict",
        ))
        .custom;
        let both = near.under(&far);
        assert_eq!(
            (&both.place, &both.id, &both.severity, &both.optional),
            (&near.place, &near.id, &near.severity, &near.optional)
        );
        assert!(both.formerly.is_empty());
        assert_eq!(
            (&both.owner, &both.max_age, &both.required, &both.review_by, &both.eroding_under, &both.vacuous),
            (&far.owner, &far.max_age, &far.required, &far.review_by, &far.eroding_under, &far.vacuous)
        );
        let inherited = Custom::default().under(&far);
        assert_eq!((&inherited.place, &inherited.id), (&None, &None));
        assert_eq!(inherited.severity, far.severity);
    }
}
