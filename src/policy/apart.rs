//! Policies of others, of which many files share one package: their assumptions are kept apart, their helpers are not.
//!
//! Sixty files in `package main` each have their `deny`. To the engine these are one rule; so every rule that belongs to
//! an assumption, and every use of it in its own file, gets a mark of that file behind its name. No mark is ever shown.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Rule};

use super::{
    InputBinding, Others, PolicyError,
    groups::is_rule_word,
    rules::{arity, head_path, head_ref},
    syntax::{self, Parsed, text_of},
    walk::{Node, bind, visit_rule},
};
use crate::source::At;

/// What stands between a name and the number of its file.
const MARK: &str = "_zzz__file";

/// What keeps the assumptions of a file apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Apart {
    /// What its rules read as `input`.
    pub(crate) input: InputBinding,
    /// What names the file in ids: only of what an id may be made of.
    pub(crate) name: String,
    /// What stands behind the names of its assumptions' rules.
    mark: String,
}

impl Apart {
    /// Whether this mark is that of the file.
    pub(super) fn is_mark(&self, mark: &str) -> bool {
        self.mark == mark
    }

    pub(super) fn new(others: &Others, nth: usize) -> Self {
        let path = others.name.rsplit_once('.').map_or(others.name.as_str(), |(path, _)| path);
        let clean = |name: &str| -> String {
            let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            let name: String = name.chars().map(|c| if is_fit(c) { c } else { '_' }).collect();
            if name.starts_with(['.', '-']) { format!("_{name}") } else { name }
        };
        let name = path.split('/').map(clean).collect::<Vec<_>>().join("/");
        Self { input: others.input.clone(), name, mark: format!("{MARK}{nth}") }
    }
}

/// A name, and the mark behind it, if there is one.
pub(super) fn split_mark(name: &str) -> (&str, &str) {
    name.find(MARK).map_or((name, ""), |at| name.split_at(at))
}

/// A text without marks.
pub(crate) fn without_mark(text: &str) -> String {
    let mut parts = text.split(MARK);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// Puts the marks into a policy of others; leaves any other one as it is.
pub(super) fn set_apart(parsed: Parsed) -> Result<Parsed, Box<At<PolicyError>>> {
    let Some(apart) = &parsed.module.apart else { return Ok(parsed) };
    let places: Vec<usize> = places(&parsed).into_iter().collect();
    if places.is_empty() {
        return Ok(parsed);
    }
    syntax::parse(parsed.module.marked(&places, &apart.mark))
}

/// The ends of all names to be marked.
fn places(parsed: &Parsed) -> BTreeSet<usize> {
    let mut places = BTreeSet::new();
    let mut own: BTreeSet<String> = BTreeSet::new();
    let is_own = |rule: &&Rule| arity(rule).is_none() && head_path(rule).last().is_some_and(|name| is_rule_word(name));
    for rule in parsed.ast.policy.iter().map(AsRef::as_ref).filter(is_own) {
        if let Some(end) = end_of_last_key(parsed, head_ref(rule)) {
            places.insert(end);
            let path = head_path(rule);
            own.extend(path.first().filter(|_| path.len() == 1).cloned());
        }
    }
    let whole: Vec<String> = std::iter::once("data".to_owned()).chain(parsed.package()).collect();
    for rule in &parsed.ast.policy {
        let mut bound = BTreeSet::new();
        visit_rule(rule, &mut |node| bind(&node, &mut bound));
        visit_rule(rule, &mut |node| {
            let Node::Reference(reference, expr) = node else { return };
            let Some(name) = reference.variable() else { return };
            if own.contains(name) && !bound.contains(name) {
                places.insert(parsed.span(reference.root.span()).end);
            } else if name == "data" {
                let keys: Vec<&str> = std::iter::once(name).chain(reference.keys().take(whole.len())).collect();
                if let Some((last, package)) = keys.split_last()
                    && own.contains(*last)
                    && *package == whole
                {
                    places.extend(end_of_step(parsed, expr, reference.steps.len() - whole.len()));
                }
            }
        });
    }
    places
}

/// Where the last key of a head's name ends, its argument left out.
fn end_of_last_key(parsed: &Parsed, head: &Expr) -> Option<usize> {
    match head {
        Expr::Var { span, .. } => Some(parsed.span(span).end),
        Expr::RefDot { field, .. } => Some(parsed.span(&field.0).end),
        Expr::RefBrack { refr, index, .. } if text_of(index).is_none() => end_of_last_key(parsed, refr),
        _ => None,
    }
}

/// Where the step ends behind which so many follow.
fn end_of_step(parsed: &Parsed, expr: &Expr, behind: usize) -> Option<usize> {
    match expr {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } if behind > 0 => end_of_step(parsed, refr, behind - 1),
        Expr::RefDot { field, .. } => Some(parsed.span(&field.0).end),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::Module, source::SourceFile};

    /// The text with marks, and every use of a name in its file.
    fn marked(text: &str) -> (String, Vec<String>) {
        let mut module = Module::of_file(SourceFile::new("a/p.rego", text), true);
        let input = InputBinding { source: "manifests".to_owned(), each: true };
        module.apart = Some(Apart::new(&Others { input, name: "p.rego".to_owned() }, 7));
        let parsed =
            set_apart(syntax::parse(module).map_err(|error| error.to_string()).unwrap()).map_err(drop).unwrap();
        let heads = parsed.ast.policy.iter().map(|rule| {
            let place = parsed.place(head_ref(rule).span());
            place.file.slice(place.span).to_owned()
        });
        (parsed.module.text.clone(), heads.collect())
    }

    #[test]
    fn rules_of_assumptions_are_marked_with_their_uses() {
        let (text, heads) = marked(
            "package main\n\ndeny[msg] { msg := \"a\" }\nname = input.name\ndeny_x[msg] { count(deny) > 0; msg := name }\n\
             warn[v] { v := data.main.deny[_] }\nall { count(data.main.warn) == 0; deny == set() }\nf(deny) { deny }\n",
        );
        assert_eq!(
            text,
            "package main\n\ndeny_zzz__file7[msg] { msg := \"a\" }\nname = input.name\n\
             deny_x_zzz__file7[msg] { count(deny_zzz__file7) > 0; msg := name }\n\
             warn_zzz__file7[v] { v := data.main.deny_zzz__file7[_] }\n\
             all { count(data.main.warn_zzz__file7) == 0; deny_zzz__file7 == set() }\nf(deny) { deny }\n"
        );
        assert_eq!(heads, ["deny", "name", "deny_x", "warn", "all", "f"]);
        assert_eq!(without_mark(&text).matches("deny").count(), text.matches("deny").count());
        assert!(!without_mark(&text).contains(MARK));
    }
}
