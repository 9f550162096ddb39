//! Paths and patterns that a project file may name: below its folder, the same on every system.

use super::error::PathFault;
use crate::source::{Place, is_unsafe};

/// A path or a pattern of files, and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// Relative to the project's root, with `/`, without `.` and empty steps.
    pub path: String,
    /// Where it is written.
    pub place: Place,
}

/// The path without idle steps, if it stays below the root whatever the system.
///
/// Backslashes are refused rather than translated: they separate on one system, quote on a second and are part of a
/// name on a third.
pub(super) fn checked(path: &str) -> Result<String, PathFault> {
    let mut chars = path.chars();
    let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':');
    let steps: Vec<_> = path.split('/').filter(|step| !matches!(*step, "" | ".")).collect();
    if drive {
        Err(PathFault::Drive)
    } else if path.starts_with(['/', '\\']) {
        Err(PathFault::Absolute)
    } else if path.split(['/', '\\']).any(|step| step == "..") {
        Err(PathFault::Parent)
    } else if path.contains('\\') {
        Err(PathFault::Backslash)
    } else if path.contains(is_unsafe) {
        Err(PathFault::Unsafe)
    } else if steps.is_empty() {
        Err(PathFault::Root)
    } else {
        Ok(steps.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_root_on_every_system() {
        for (path, clean) in [("facts", "facts"), ("./a//b/", "a/b"), ("a/..b/c..", "a/..b/c.."), ("~/a", "~/a")] {
            assert_eq!(checked(path), Ok(clean.to_owned()), "{path}");
        }
        for (path, fault) in [
            ("/etc", PathFault::Absolute),
            ("\\\\host\\share", PathFault::Absolute),
            ("C:/x", PathFault::Drive),
            ("c:x", PathFault::Drive),
            ("a/../../b", PathFault::Parent),
            ("..", PathFault::Parent),
            ("a\\..\\b", PathFault::Parent),
            ("a\\b", PathFault::Backslash),
            ("a\nb", PathFault::Unsafe),
            ("./", PathFault::Root),
            ("", PathFault::Root),
        ] {
            assert_eq!(checked(path), Err(fault), "{path}");
        }
    }
}
