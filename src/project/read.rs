//! From the tree of a project file to a [`Project`]: every key is read once, every error kept.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    collect,
    error::ProjectError,
    path::Located,
    reader::{Reader, is_name},
    settings::{Alias, DefaultSettings, GateSettings, PolicyEntry, Project, Reference, SourceSettings},
};
use crate::{
    model::Vacuous,
    policy::{InputBinding, LibraryEntry, Overrides},
    source::{At, SourceFile, Span},
    yaml::{self, Fields, Node, Value},
};

/// Reads the file of a project.
pub(super) fn project(root: &Path, file: &SourceFile) -> Result<Project, Vec<At<ProjectError>>> {
    let node = yaml::parse(file).map_err(|error| vec![error.map(ProjectError::Yaml)])?;
    if node.is_null() {
        return Err(vec![At::new(ProjectError::Empty, file.at(node.span))]);
    }
    let mut reader = Reader::new(file);
    let project = reader.project(root, &node);
    match (project, reader.finish()) {
        (Some(project), errors) if errors.is_empty() => Ok(project),
        (_, errors) => Err(errors),
    }
}

/// The parts of the file, top to bottom.
impl<'a> Reader<'a> {
    fn project(&mut self, root: &Path, node: &'a Node) -> Option<Project> {
        let mut fields = self.fields(node, "the project file")?;
        self.version(&mut fields, node);
        let name = self.text(&mut fields, "name").unwrap_or_else(|| folder_name(root));
        let policies = self.policies(&mut fields);
        let library = self.library(&mut fields);
        let project = Project {
            root: root.to_owned(),
            file: self.file.clone(),
            name,
            policies,
            library,
            design: self.patterns(&mut fields, "design"),
            data: self.patterns(&mut fields, "data"),
            // Facts and references stay below the root like everything else: reports quote facts with their lines,
            // so a path that leads elsewhere would let whoever edits this file read what the check can read. Whoever
            // types a command may read it anyway, so the command line may name any folder.
            facts: self
                .path(&mut fields, "facts", Some("--facts"))
                .map_or_else(|| "facts".to_owned(), |facts| facts.path),
            references: self.references(&mut fields),
            waivers: self.path(&mut fields, "waivers", None),
            baseline: self.path(&mut fields, "baseline", Some("--baseline")),
            defaults: self.defaults(&mut fields),
            sources: self.sources(&mut fields),
            gate: self.gate(&mut fields),
            aliases: self.aliases(&mut fields),
            redact: self.texts(&mut fields, "redact").into_iter().map(|(key, _)| key).collect(),
            collect: collect::read(self, &mut fields),
        };
        fields.finish(&mut self.yaml);
        Some(project)
    }

    fn version(&mut self, fields: &mut Fields<'a>, node: &Node) {
        match fields.take("version") {
            Some(version) if version.value == Value::Number(1.into()) => {}
            Some(version) => {
                self.fail(ProjectError::UnknownVersion(self.file.slice(version.span).to_owned()), version.span);
            }
            None => {
                let start = self.file.location(node.span).line;
                self.fail(ProjectError::NoVersion, self.file.line(start));
            }
        }
    }

    /// Reads `policies`. That there is something to check is said here, because only an empty list whose author wrote
    /// nothing else is wrong: entries that cannot be read have errors of their own.
    fn policies(&mut self, fields: &mut Fields<'a>) -> Vec<PolicyEntry> {
        let Some(node) = fields.require("policies", &mut self.yaml) else { return Vec::new() };
        let entries = fields.list("policies", &mut self.yaml);
        let library = fields.take("library").map(|node| &node.value);
        let switched_on = match library {
            Some(Value::List(items)) => {
                items.iter().any(|item| !item.as_text().is_some_and(|text| text.starts_with('!')))
            }
            Some(_) => true,
            None => false,
        };
        if entries.is_empty() && matches!(node.value, Value::List(_)) && !switched_on {
            self.fail(ProjectError::NothingToCheck, node.span);
        }
        entries.iter().filter_map(|entry| self.policy(entry)).collect()
    }

    fn policy(&mut self, node: &'a Node) -> Option<PolicyEntry> {
        if let Some(text) = node.as_text() {
            let Located { path: pattern, place } = self.pattern("policies", text, node.span)?;
            return Some(PolicyEntry { pattern, place, v0: false, input: None });
        }
        let mut fields = self.text_or_fields(node, "policies")?;
        let path = fields.require("path", &mut self.yaml);
        let text = fields.text("path", &mut self.yaml);
        let v0 = self.word(&mut fields, "rego", "version of Rego", &[("v0", true), ("v1", false)]).unwrap_or(false);
        let input = self.input(&mut fields);
        fields.finish(&mut self.yaml);
        let Located { path: pattern, place } = self.pattern("path", &text?, path?.span)?;
        Some(PolicyEntry { pattern, place, v0, input })
    }

    fn input(&mut self, fields: &mut Fields<'a>) -> Option<InputBinding> {
        let node = fields.take("input")?;
        let text = fields.text("input", &mut self.yaml)?;
        let (source, each) = text.strip_suffix("[_]").map_or((text.as_str(), false), |source| (source, true));
        if is_name(source) {
            return Some(InputBinding { source: source.to_owned(), each });
        }
        self.fail(ProjectError::BadInput(text), node.span);
        None
    }

    fn library(&mut self, fields: &mut Fields<'a>) -> Vec<LibraryEntry> {
        fields.list("library", &mut self.yaml).iter().filter_map(|entry| self.library_entry(entry)).collect()
    }

    fn library_entry(&mut self, node: &'a Node) -> Option<LibraryEntry> {
        let place = self.file.at(node.span);
        if let Some(text) = node.as_text() {
            let pattern = text.strip_prefix('!').unwrap_or(text);
            let negated = pattern.len() < text.len();
            let pattern = self.library_pattern("library", pattern, node.span)?;
            return Some(LibraryEntry { pattern, negated, place, overrides: Overrides::default() });
        }
        let mut fields = self.text_or_fields(node, "library")?;
        let id = fields.require("id", &mut self.yaml);
        let text = fields.text("id", &mut self.yaml);
        let overrides = Overrides {
            severity: self.severity(&mut fields, "severity"),
            owner: self.text(&mut fields, "owner"),
            max_age: self.max_age(&mut fields),
            review_by: self.date(&mut fields, "review_by"),
            eroding_under: self.ratio(&mut fields, "eroding_under"),
        };
        fields.finish(&mut self.yaml);
        let (text, span) = (text?, id?.span);
        if text.starts_with('!') {
            self.fail(ProjectError::NegatedSettings(text), span);
            return None;
        }
        let pattern = self.library_pattern("id", &text, span)?;
        Some(LibraryEntry { pattern, negated: false, place: self.file.at(span), overrides })
    }

    fn library_pattern(&mut self, name: &str, pattern: &str, span: Span) -> Option<String> {
        if !self.filled(name, pattern, span) {
            return None;
        }
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/*".contains(&byte);
        let good = pattern.bytes().all(known)
            && !pattern.starts_with(['/', '.'])
            && Path::new(pattern).extension().is_none_or(|extension| extension != "rego");
        if !good {
            self.fail(ProjectError::BadLibraryPattern(pattern.to_owned()), span);
        }
        good.then(|| pattern.to_owned())
    }

    fn references(&mut self, fields: &mut Fields<'a>) -> BTreeMap<String, Reference> {
        let mut references = BTreeMap::new();
        for (name, span, node) in self.entries(fields, "references") {
            let named = self.name("reference", name, span);
            let Some(mut fields) = self.fields(node, format!("the reference `{name}`")) else { continue };
            fields.require("facts", &mut self.yaml);
            let facts = self.path(&mut fields, "facts", Some("--reference"));
            let max_age = self.max_age(&mut fields);
            fields.finish(&mut self.yaml);
            if let (true, Some(Located { path: facts, place })) = (named, facts) {
                references.insert(name.to_owned(), Reference { facts, max_age, place });
            }
        }
        references
    }

    fn defaults(&mut self, fields: &mut Fields<'a>) -> DefaultSettings {
        let mut defaults = DefaultSettings::default();
        let Some(mut fields) = self.optional(fields, "defaults") else { return defaults };
        defaults.max_age = self.max_age(&mut fields);
        defaults.eroding_under = self.ratio(&mut fields, "eroding_under").unwrap_or(defaults.eroding_under);
        defaults.fail_severity = self.severity(&mut fields, "fail_severity").unwrap_or(defaults.fail_severity);
        match fields.take("vacuous") {
            Some(node) if node.as_text() == Some("allowed") => self.fail(ProjectError::VacuousAllowed, node.span),
            _ => {
                let known = [("first", Vacuous::First), ("strict", Vacuous::Strict)];
                let vacuous = self.word(&mut fields, "vacuous", "meaning of an empty list", &known);
                defaults.vacuous = vacuous.unwrap_or(defaults.vacuous);
            }
        }
        fields.finish(&mut self.yaml);
        defaults
    }

    fn sources(&mut self, fields: &mut Fields<'a>) -> BTreeMap<String, SourceSettings> {
        let mut sources = BTreeMap::new();
        for (name, span, node) in self.entries(fields, "sources") {
            self.name("source", name, span);
            let Some(mut fields) = self.fields(node, format!("the source `{name}`")) else { continue };
            let documents = self.word(&mut fields, "documents", "number of documents", &[("many", ())]);
            let settings = SourceSettings {
                documents_many: documents.is_some(),
                max_age: self.max_age(&mut fields),
                place: self.file.at(span),
            };
            fields.finish(&mut self.yaml);
            sources.insert(name.to_owned(), settings);
        }
        sources
    }

    fn gate(&mut self, fields: &mut Fields<'a>) -> GateSettings {
        let mut gate = GateSettings::default();
        let Some(mut fields) = self.optional(fields, "gate") else { return gate };
        for (code, span) in self.texts(&mut fields, "deny_findings") {
            let good = code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            if good {
                gate.deny_findings.push((code, self.file.at(span)));
            } else {
                self.fail(ProjectError::BadFindingCode(code), span);
            }
        }
        gate.max_baseline = self.whole(&mut fields, "max_baseline", 0, "a whole number from 0 on");
        gate.max_waiver = self.age(&mut fields, "max_waiver").unwrap_or(gate.max_waiver);
        fields.finish(&mut self.yaml);
        gate
    }

    fn aliases(&mut self, fields: &mut Fields<'a>) -> Vec<Alias> {
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        let mut aliases: Vec<Alias> = Vec::new();
        for (component, span, node) in self.entries(fields, "aliases") {
            self.filled("aliases", component, span);
            let Value::List(items) = &node.value else {
                self.yaml.push(yaml::wrong_type(self.file, component, "a list of text", node));
                continue;
            };
            let mut patterns = Vec::new();
            for item in items {
                let Some(pattern) = item.as_text() else {
                    self.yaml.push(yaml::wrong_type(self.file, component, "a list of text", item));
                    continue;
                };
                if !self.filled(component, pattern, item.span) {
                    continue;
                }
                if let Some(first) = seen.insert(pattern.to_owned(), item.span) {
                    let first = self.file.at(first);
                    self.fail_beside(ProjectError::AliasTwice(pattern.to_owned()), item.span, "first here", first);
                } else if let Err(error) = glob::Pattern::new(pattern) {
                    let reason = error.msg.to_lowercase();
                    self.fail(ProjectError::BadPattern { pattern: pattern.to_owned(), reason }, item.span);
                }
                patterns.push((pattern.to_owned(), self.file.at(item.span)));
            }
            aliases.push(Alias { component: component.to_owned(), patterns });
        }
        aliases
    }
}

/// What a project is called that does not say: the name of its folder.
fn folder_name(root: &Path) -> String {
    let resolved = root.canonicalize().unwrap_or_else(|_| PathBuf::from(root));
    resolved.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned())
}
