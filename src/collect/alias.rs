//! Aliases: the one component that a name in some source stands for.

use glob::Pattern;

use crate::project::Alias;

/// The names that components have in the sources.
#[derive(Debug, Clone, Default)]
pub struct Aliases(Vec<(String, Vec<Pattern>)>);

/// A name that means two components, which nobody can tell apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is an alias of both `{first}` and `{second}`: make the patterns under `aliases` narrower")]
pub struct TwoComponents {
    /// The name.
    pub name: String,
    /// One of its components.
    pub first: String,
    /// Another.
    pub second: String,
}

impl Aliases {
    /// Those of a project.
    #[must_use]
    pub fn new(aliases: &[Alias]) -> Self {
        // What is no pattern was refused when the project file was read.
        let patterns = |alias: &Alias| alias.patterns.iter().filter_map(|(text, _)| Pattern::new(text).ok()).collect();
        Self(aliases.iter().map(|alias| (alias.component.clone(), patterns(alias))).collect())
    }

    /// Whether there is none: names are then those of the source, and none of them lacks an alias.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The component that `name` stands for: the one so called, or the one with a pattern that matches all of it.
    ///
    /// # Errors
    /// It stands for two.
    pub fn component(&self, name: &str) -> Result<Option<&str>, TwoComponents> {
        let is_match = |(component, patterns): &&(String, Vec<Pattern>)| {
            component == name || patterns.iter().any(|pattern| pattern.matches(name))
        };
        let mut components = self.0.iter().filter(is_match).map(|(component, _)| component.as_str());
        match (components.next(), components.next()) {
            (Some(first), Some(second)) => {
                Err(TwoComponents { name: name.to_owned(), first: first.to_owned(), second: second.to_owned() })
            }
            (component, _) => Ok(component),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn aliases(entries: &[(&str, &[&str])]) -> Aliases {
        let place = SourceFile::new("stillholds.yaml", "").at(0..0);
        let alias = |(component, patterns): &(&str, &[&str])| Alias {
            component: (*component).to_owned(),
            patterns: patterns.iter().map(|pattern| ((*pattern).to_owned(), place.clone())).collect(),
        };
        Aliases::new(&entries.iter().map(alias).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_stands_for_the_component_whose_pattern_matches_all_of_it() {
        let aliases = aliases(&[
            ("checkout", &["checkoutservice", "checkout-*", "outbound|9080||checkout.*"]),
            ("payments", &["pay[0-9]", "check*-pay"]),
            ("bare", &[]),
        ]);
        for (name, component) in [
            ("checkout", Some("checkout")),
            ("checkoutservice", Some("checkout")),
            ("checkout-7f85d-x/y", Some("checkout")),
            ("outbound|9080||checkout.shop.svc.cluster.local", Some("checkout")),
            ("pay7", Some("payments")),
            ("bare", Some("bare")),
            ("my-checkout-1", None),
            ("Checkout", None),
            ("", None),
        ] {
            assert_eq!(aliases.component(name), Ok(component), "{name}");
        }
        let error = aliases.component("checkout-pay").unwrap_err();
        assert_eq!((error.first.as_str(), error.second.as_str()), ("checkout", "payments"));
        assert!(Aliases::default().is_empty());
    }
}
