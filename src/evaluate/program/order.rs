//! The order in which the engine takes the statements of a body: tests and assignments as soon as their variables are
//! bound, then what binds further variables, by name.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What one statement defines, each with the variables it needs for it; the empty name where it only tests.
pub(super) type Definitions = Vec<(String, BTreeSet<String>)>;

/// The engine's own schedule, step by step, so that a statement is reached after the same ones as there.
pub(super) fn order(statements: &[Definitions]) -> Vec<usize> {
    let mut defining: BTreeMap<&str, Vec<usize>> = BTreeMap::from([("", Vec::new())]);
    for (at, definitions) in statements.iter().enumerate() {
        for (name, _) in definitions {
            defining.entry(name).or_default().push(at);
        }
    }
    let mut schedule = Schedule {
        statements,
        order: Vec::with_capacity(statements.len()),
        done: vec![false; statements.len()],
        defined: BTreeSet::new(),
    };
    schedule.take(&defining[""]);
    let mut waiting: Vec<&str> = defining.keys().copied().collect();
    loop {
        let mut progress = false;
        for name in std::mem::take(&mut waiting) {
            let (took, is_waiting) = schedule.take(&defining[name]);
            if took {
                progress = true;
                schedule.take(&defining[""]);
            }
            if is_waiting {
                waiting.push(name);
            }
        }
        if !progress {
            break;
        }
    }
    if schedule.order.len() == statements.len() { schedule.order } else { (0..statements.len()).collect() }
}

struct Schedule<'a> {
    statements: &'a [Definitions],
    order: Vec<usize>,
    done: Vec<bool>,
    defined: BTreeSet<&'a str>,
}

impl<'a> Schedule<'a> {
    /// Takes those that can be taken; says whether one was, and whether one has to wait.
    fn take(&mut self, statements: &[usize]) -> (bool, bool) {
        let (mut took, mut waits) = (false, false);
        for at in statements.iter().copied() {
            if self.done[at] {
                continue;
            }
            if self.is_ready(at) {
                self.done[at] = true;
                self.order.push(at);
                let all: &'a Definitions = &self.statements[at];
                self.defined.extend(all.iter().map(|(name, _)| name.as_str()));
                took = true;
            } else {
                waits = true;
            }
        }
        (took, waits)
    }

    fn is_ready(&self, at: usize) -> bool {
        let mut inside: BTreeSet<&str> = BTreeSet::new();
        let mut queue: VecDeque<_> = self.statements[at].iter().collect();
        loop {
            let before = queue.len();
            for _ in 0..before {
                let Some(definition) = queue.pop_front() else { break };
                let (name, needs) = definition;
                if needs.iter().all(|need| self.defined.contains(need.as_str()) || inside.contains(need.as_str())) {
                    inside.insert(name);
                } else {
                    queue.push_back(definition);
                }
            }
            if queue.is_empty() {
                return true;
            }
            if queue.len() == before {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_come_as_soon_as_their_variables_are_bound() {
        let definition =
            |name: &str, needs: &[&str]| (name.to_owned(), needs.iter().map(|n| (*n).to_owned()).collect());
        // some z in zs; some a in as; z.ok; n := z.n; a.n == n
        let statements = vec![
            vec![definition("z", &[])],
            vec![definition("a", &[])],
            vec![definition("", &["z"])],
            vec![definition("n", &["z"]), definition("", &["n"])],
            vec![definition("", &["a", "n"])],
        ];
        assert_eq!(order(&statements), [1, 0, 2, 3, 4]);
        // A circle stays as it is written.
        let circle = vec![vec![definition("a", &["b"])], vec![definition("b", &["a"])]];
        assert_eq!(order(&circle), [0, 1]);
    }
}
