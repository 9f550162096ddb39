//! Reading single values of the project file: each method reads one key, keeps what is wrong with it and goes on.

use std::str::FromStr;

use jiff::civil::Date;

use super::{
    error::ProjectError,
    path::{self, Located},
};
use crate::{
    model::{Age, MaxAge, Ratio, Severity},
    source::{At, Place, SourceFile, Span},
    yaml::{self, Errors, Fields, Node, Value},
};

/// The file being read and what is wrong with it so far.
pub(super) struct Reader<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) yaml: Errors,
    errors: Vec<At<ProjectError>>,
}

/// `None` is absent or wrong.
impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a SourceFile) -> Self {
        Self { file, yaml: Vec::new(), errors: Vec::new() }
    }

    /// All errors in the order of the file.
    pub(super) fn finish(self) -> Vec<At<ProjectError>> {
        let yaml = self.yaml.into_iter().map(|error| error.map(ProjectError::Yaml));
        let mut errors: Vec<_> = yaml.chain(self.errors).collect();
        errors.sort_by_key(|error| error.place.as_ref().map(|place| place.span));
        errors
    }

    pub(super) fn fail(&mut self, error: ProjectError, span: Span) {
        self.errors.push(At::new(error, self.file.at(span)));
    }

    pub(super) fn fail_nowhere(&mut self, error: ProjectError) {
        self.errors.push(At::nowhere(error));
    }

    pub(super) fn fail_beside(&mut self, error: ProjectError, span: Span, words: &str, first: Place) {
        self.errors.push(At::new(error, self.file.at(span)).and(words, first));
    }

    pub(super) fn fields(&mut self, node: &'a Node, what: impl Into<String>) -> Option<Fields<'a>> {
        Fields::of(self.file, node, what, &mut self.yaml)
    }

    /// The fields of an entry that could also have been a pattern alone.
    pub(super) fn text_or_fields(&mut self, node: &'a Node, name: &str) -> Option<Fields<'a>> {
        if node.as_entries().is_none() {
            self.yaml.push(yaml::wrong_type(self.file, name, "a list of patterns and mappings", node));
            return None;
        }
        self.fields(node, format!("an entry of `{name}`"))
    }

    /// The fields of a mapping that may be left out.
    pub(super) fn optional(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<Fields<'a>> {
        let node = fields.take(name)?;
        self.fields(node, format!("`{name}`"))
    }

    /// The entries of a mapping whose keys people choose.
    pub(super) fn entries(
        &mut self,
        fields: &mut Fields<'a>,
        name: &'static str,
    ) -> impl Iterator<Item = (&'a str, Span, &'a Node)> + use<'a> {
        let node = fields.take(name);
        if let Some(node) = node {
            self.fields(node, format!("`{name}`"));
        }
        let entries = node.and_then(Node::as_entries).unwrap_or_default();
        entries.iter().map(|(key, node)| (key.name.as_str(), key.span, node))
    }

    /// What is written, for values that look like numbers to YAML and like words to people.
    fn written(&mut self, name: &'static str, node: &'a Node) -> Option<&'a str> {
        match &node.value {
            Value::Text(text) => Some(text),
            Value::Number(_) => Some(self.file.slice(node.span)),
            _ => {
                self.yaml.push(yaml::wrong_type(self.file, name, "text", node));
                None
            }
        }
    }

    fn parsed<T: FromStr>(
        &mut self,
        fields: &mut Fields<'a>,
        name: &'static str,
        error: impl FnOnce(T::Err, &str) -> ProjectError,
    ) -> Option<T> {
        let node = fields.take(name)?;
        let text = self.written(name, node)?;
        text.parse().map_err(|fault| self.fail(error(fault, text), node.span)).ok()
    }

    pub(super) fn age(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<Age> {
        self.parsed(fields, name, |fault, _| ProjectError::BadAge(fault))
    }

    pub(super) fn max_age(&mut self, fields: &mut Fields<'a>) -> Option<MaxAge> {
        self.parsed(fields, "max_age", |fault, _| ProjectError::BadAge(fault))
    }

    pub(super) fn ratio(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<f64> {
        self.parsed(fields, name, |fault, _| ProjectError::BadRatio(fault)).map(Ratio::value)
    }

    pub(super) fn date(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<Date> {
        let node = fields.take(name)?;
        let text = self.written(name, node)?;
        // jiff alone would also take `20270301` and times.
        let date = (text.len() == "2027-03-01".len()).then(|| text.parse().ok()).flatten();
        if date.is_none() {
            self.fail(ProjectError::BadDate(text.to_owned()), node.span);
        }
        date
    }

    /// A word of a closed list; `what` names the list.
    pub(super) fn word<T: Copy>(
        &mut self,
        fields: &mut Fields<'a>,
        name: &'static str,
        what: &'static str,
        known: &[(&'static str, T)],
    ) -> Option<T> {
        let node = fields.take(name)?;
        let word = self.written(name, node)?;
        self.known_word(word, node.span, what, known)
    }

    pub(super) fn known_word<T: Copy>(
        &mut self,
        word: &str,
        span: Span,
        what: &'static str,
        known: &[(&'static str, T)],
    ) -> Option<T> {
        let value = known.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        if value.is_none() {
            let known = known.iter().map(|(name, _)| *name).collect();
            self.fail(ProjectError::UnknownWord { what, word: word.to_owned(), known }, span);
        }
        value
    }

    pub(super) fn severity(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<Severity> {
        self.word(fields, name, "severity", &Severity::NAMES)
    }

    /// A whole number from `least` on; `expected` says so.
    pub(super) fn whole(
        &mut self,
        fields: &mut Fields<'a>,
        name: &'static str,
        least: u64,
        expected: &'static str,
    ) -> Option<u64> {
        let node = fields.take(name)?;
        let number = match &node.value {
            Value::Number(number) => number.as_u64().filter(|number| *number >= least),
            _ => None,
        };
        if number.is_none() {
            self.fail(ProjectError::OutOfRange { name, expected }, node.span);
        }
        number
    }

    /// Text that says something.
    pub(super) fn text(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<String> {
        let node = fields.take(name)?;
        let text = fields.text(name, &mut self.yaml)?;
        self.filled(name, &text, node.span).then_some(text)
    }

    /// Texts that say something.
    pub(super) fn texts(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Vec<(String, Span)> {
        let mut texts = fields.texts(name, &mut self.yaml);
        texts.retain(|(text, span)| self.filled(name, text, *span));
        texts
    }

    pub(super) fn filled(&mut self, name: &str, text: &str, span: Span) -> bool {
        let filled = !text.trim().is_empty();
        if !filled {
            self.fail(ProjectError::EmptyText(name.to_owned()), span);
        }
        filled
    }

    pub(super) fn name(&mut self, what: &'static str, name: &str, span: Span) -> bool {
        let good = is_name(name);
        if !good {
            let suggestion = suggested(name);
            self.fail(ProjectError::BadName { what, name: name.to_owned(), suggestion }, span);
        }
        good
    }

    /// A path below the root. `option` is the option of the command line that may name any path in its stead.
    pub(super) fn path(
        &mut self,
        fields: &mut Fields<'a>,
        name: &'static str,
        option: Option<&'static str>,
    ) -> Option<Located> {
        let node = fields.take(name)?;
        let text = fields.text(name, &mut self.yaml)?;
        self.inside(name, &text, node.span, option)
    }

    fn inside(&mut self, name: &str, text: &str, span: Span, option: Option<&'static str>) -> Option<Located> {
        if !self.filled(name, text, span) {
            return None;
        }
        path::checked(text)
            .map(|path| Located { path, place: self.file.at(span) })
            .map_err(|fault| self.fail(ProjectError::BadPath { path: text.to_owned(), fault, option }, span))
            .ok()
    }

    /// A pattern of files below the root.
    pub(super) fn pattern(&mut self, name: &str, text: &str, span: Span) -> Option<Located> {
        if text.starts_with('!') {
            self.fail(ProjectError::NegatedFiles(text.to_owned()), span);
            return None;
        }
        let located = self.inside(name, text, span, None)?;
        for step in located.path.split('/') {
            if let Err(error) = glob::Pattern::new(step) {
                let reason = error.msg.to_lowercase();
                self.fail(ProjectError::BadPattern { pattern: text.to_owned(), reason }, span);
                return None;
            }
        }
        Some(located)
    }

    pub(super) fn patterns(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Vec<Located> {
        let texts = fields.texts(name, &mut self.yaml);
        texts.iter().filter_map(|(text, span)| self.pattern(name, text, *span)).collect()
    }
}

/// Whether this can be a name in a path of facts: of a source, or of a reference.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The name that was probably meant; none where no letter is left.
fn suggested(name: &str) -> Option<String> {
    let lower: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let words: Vec<_> = lower.split('_').filter(|word| !word.is_empty()).collect();
    let joined = words.join("_");
    let start = joined.find(|c: char| c.is_ascii_lowercase())?;
    Some(joined[start..].to_owned())
}
