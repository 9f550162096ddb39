//! The rules as a table of statements with what each reads, and rewritten so that they tell how they came out.
//!
//! Before every statement stands a call that hands over the variables bound so far, at the end of every body one that
//! hands over what it made; places in lists get names. Nothing else changes, so the rules give what they gave; where
//! they do not, nothing is explained. Statements stand in the order in which the engine takes them: tests as soon as
//! their variables are bound, then what binds further ones, by name.

mod build;
mod order;

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

pub(super) use self::build::{Plain, bound, has_wildcard, iterates, plain};
use crate::{
    model::Path,
    policy::{DataPath, Module, Rules},
    source::Place,
};

/// Hands over that a statement was reached: body, statement, `input` and the variables.
pub(super) const AT: &str = "__at";
/// Hands over what a body made: body, `input` and the variables, the value; it gives the value back.
pub(super) const MADE: &str = "__made";
/// The elements of a list that have a text below some keys: list, keys, text.
pub(super) const SELECT: &str = "__select";
/// Makes an empty list of what is no collection, as OPA iterates over it: the engine stops with an error there.
pub(super) const EACH: &str = "__each";
/// Hands over the value of an operand: body, number, the value; it gives the value back.
pub(super) const SEEN: &str = "__seen";

/// All rules, rewritten, and what there is to know of their statements.
#[derive(Clone)]
pub(crate) struct Program {
    /// The modules for the engine.
    pub(super) modules: Vec<Module>,
    /// Every body of every rule, comprehension and `every`.
    pub(super) bodies: Vec<Body>,
    /// The bodies of each rule.
    pub(super) rules: BTreeMap<DataPath, Vec<usize>>,
    /// What the parameters of functions are called with, as far as that is one thing or a few.
    pub(super) arguments: BTreeMap<DataPath, Vec<Vec<Origin>>>,
    /// Rules that have a value where no body has one.
    pub(super) defaults: BTreeSet<DataPath>,
    /// The path of facts that `input` stands for.
    pub(super) input: Path,
}

impl Program {
    /// The program of all rules.
    pub(super) fn of(rules: &Rules) -> Self {
        build::program(rules)
    }

    /// The same rules with another `input`. The modules for the engine are those of the whole.
    pub(super) fn with_input(&self, input: Path) -> Self {
        Self { modules: Vec::new(), input, ..self.clone() }
    }

    /// The bodies of a rule; none where it is no rule.
    pub(super) fn bodies_of(&self, rule: &DataPath) -> &[usize] {
        self.rules.get(rule).map_or(&[], Vec::as_slice)
    }

    /// The bodies of a rule and of those whose paths go on from it.
    pub(super) fn bodies_below(&self, rule: &DataPath) -> impl Iterator<Item = usize> {
        let below = self.rules.iter().filter(move |(path, _)| path.starts_with(rule));
        below.flat_map(|(_, bodies)| bodies.iter().copied())
    }

    /// The paths that a value may come from, with `[_]` where any element is meant; none where it is not known.
    pub(super) fn paths(&self, body: usize, origin: &Origin) -> Vec<Path> {
        self.paths_within(body, origin, 0)
    }

    fn paths_within(&self, body: usize, origin: &Origin, depth: usize) -> Vec<Path> {
        use crate::model::Segment;
        // Functions that call each other in a long chain are not followed to the end.
        if depth > 24 {
            return Vec::new();
        }
        let bases: Vec<Path> = match &origin.root {
            Root::Input => vec![self.input.clone()],
            Root::Data => vec![Path::new(vec![Segment::Key("data".to_owned())])],
            Root::Slot(slot) => match &self.bodies[body].slots[*slot].origin {
                Some(Known::At(origin)) => self.paths_within(body, origin, depth + 1),
                Some(Known::Argument(nth)) => {
                    let Some(calls) = self.arguments.get(&self.bodies[body].rule) else { return Vec::new() };
                    let mut paths = Vec::new();
                    for origins in calls {
                        let Some(Origin { root: Root::Elsewhere(other, root), hops }) = origins.get(*nth) else {
                            return Vec::new();
                        };
                        let origin = Origin { root: (**root).clone(), hops: hops.clone() };
                        let found = self.paths_within(*other, &origin, depth + 1);
                        if found.is_empty() {
                            return Vec::new();
                        }
                        paths.extend(found);
                    }
                    paths.sort();
                    paths.dedup();
                    paths
                }
                None => Vec::new(),
            },
            Root::Rule(rule) => {
                let mut paths = Vec::new();
                for other in self.bodies_of(rule) {
                    let body = &self.bodies[*other];
                    let Some(origin) = &body.head.origin else { return Vec::new() };
                    let found = self.paths_within(*other, origin, depth + 1);
                    if found.is_empty() {
                        return Vec::new();
                    }
                    paths.extend(found.into_iter().map(|path| {
                        if body.kind == Kind::Elements {
                            Path::new([path.segments(), &[Segment::Any]].concat())
                        } else {
                            path
                        }
                    }));
                }
                // A look-up in an object of entries is the entry.
                let keyed = self.bodies_of(rule).iter().map(|body| self.bodies[*body].keyed).max().unwrap_or(0);
                if keyed > 0 {
                    let Some(rest) = origin.hops.get(keyed..) else { return Vec::new() };
                    let rest: Vec<_> = rest.iter().map(Hop::segment).collect();
                    return paths.iter().map(|path| Path::new([path.segments(), &rest].concat())).collect();
                }
                // An element of a set of elements is the element.
                let is_set = self.bodies_of(rule).iter().any(|body| self.bodies[*body].kind == Kind::Elements);
                if is_set {
                    let mut out = Vec::new();
                    for path in paths {
                        let inner = &path.segments()[..path.segments().len() - 1];
                        if origin.hops.is_empty() {
                            return Vec::new();
                        }
                        out.push(Path::new(
                            inner.iter().cloned().chain(origin.hops[1..].iter().map(Hop::segment)).collect(),
                        ));
                    }
                    return out;
                }
                paths
            }
            Root::Elsewhere(other, root) => {
                let origin = Origin { root: (**root).clone(), hops: origin.hops.clone() };
                return self.paths_within(*other, &origin, depth + 1);
            }
            Root::Made(_) | Root::Unknown => Vec::new(),
        };
        bases
            .into_iter()
            .map(|base| {
                Path::new(base.segments().iter().cloned().chain(origin.hops.iter().map(Hop::segment)).collect())
            })
            .collect()
    }
}

/// What a body belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A rule with one value, or none.
    Value,
    /// A set: each binding makes an element.
    Elements,
    /// A function.
    Function,
    /// A comprehension.
    Comprehension,
    /// An `every`.
    Every,
}

impl Body {
    /// The last of its conditions, in the engine's order.
    pub(super) fn last_condition(&self) -> Option<usize> {
        self.statements.iter().rposition(|statement| statement.form.is_condition())
    }

    /// Whether what it makes is one of many, which are whatever there is.
    pub(super) fn gathers(&self) -> bool {
        matches!(self.kind, Kind::Comprehension | Kind::Elements) || self.keyed > 0
    }

    /// Its statements, and what it makes as one more.
    pub(super) fn all(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter().chain([&self.head.statement])
    }
}

/// The statements that make a value together.
#[derive(Clone)]
pub(super) struct Body {
    /// The rule it stands in.
    pub(super) rule: DataPath,
    /// What it belongs to.
    pub(super) kind: Kind,
    /// Where it is nested: the body and the statement; the number of statements for the head.
    pub(super) parent: Option<(usize, usize)>,
    /// The variables, in the order in which they are bound; those from outside first.
    pub(super) slots: Vec<Slot>,
    /// How many slots come from outside: parameters, or the variables around.
    pub(super) outer: usize,
    /// The statements, in the engine's order.
    pub(super) statements: Vec<Statement>,
    /// What it makes.
    pub(super) head: Head,
    /// The rule's definition or the nested body.
    pub(super) place: Place,
    /// Whether it is an `else` without condition or otherwise decides nothing.
    pub(super) is_fallback: bool,
    /// How many operands hand over their values.
    pub(super) seen: usize,
    /// By how many keys its values are looked up, where the rule is an object of them.
    pub(super) keyed: usize,
    /// The key of its value, where the rule is an object of entries and the key is read.
    pub(super) key: Option<Origin>,
    /// Where these keys come from, as far as that is known.
    pub(super) keys: Vec<Option<Origin>>,
}

/// What a body makes, as a statement of its own.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) statement: Statement,
    /// Where the value comes from, if it is one that is read.
    pub(super) origin: Option<Origin>,
}

/// A variable.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) name: String,
    /// Where its value comes from.
    pub(super) origin: Option<Known>,
    /// The string that it stands for, where that is written there.
    pub(super) text: Option<Text>,
    /// Whether the author gave the name.
    pub(super) hidden: bool,
}

/// Where the value of a variable comes from.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// This expression.
    At(Origin),
    /// The parameter with this number.
    Argument(usize),
}

/// A root and steps.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Origin {
    pub(super) root: Root,
    pub(super) hops: Vec<Hop>,
}

/// What a reference starts from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Root {
    Input,
    Data,
    /// A variable of the body.
    Slot(usize),
    /// A rule's value.
    Rule(DataPath),
    /// A root of another body.
    Elsewhere(usize, Box<Root>),
    /// What a call gave: an operand that hands over its value, by its number in the body.
    Made(usize),
    /// A literal, or what cannot be told.
    Unknown,
}

/// One step of a reference.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Hop {
    /// A key that is written there.
    Key(Text),
    /// An index that is written there.
    Index(usize),
    /// A look-up by a bound variable.
    Slot(usize),
    /// Any element; the variable that it binds, if any.
    Each(Option<usize>),
    /// A look-up by something else; where its value comes from, if it is one that is read.
    Computed(Option<Box<Origin>>),
}

impl Hop {
    pub(super) fn segment(&self) -> crate::model::Segment {
        use crate::model::Segment;
        match self {
            Self::Key(key) => Segment::Key(key.text.clone()),
            Self::Index(at) => Segment::Index(*at),
            Self::Slot(_) | Self::Each(_) | Self::Computed(_) => Segment::Any,
        }
    }
}

/// A string, also as the engine holds it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) value: Value,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), value: text.into() }
    }
}

/// What the absence of a value means to the expression that reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// What a function with a default gives: the default speaks where it is absent.
    Defaulted,
    /// Compared, passed on, given a name: needed by some binding.
    Value,
    /// Ordered or computed with: needed by every binding.
    Number,
    /// A field of a measure: needed by every binding, also where it is looked up.
    Measured,
    /// Under `not`, where the engines disagree: needed by every binding.
    Negated,
    /// The list of an iteration.
    List,
    /// Whether it is true: absent means not set.
    Truth,
    /// Whether it is absent.
    Absence,
    /// `object.get`.
    Excused,
}

impl Need {
    /// Whether every binding needs it for something to be computed of it.
    pub(super) fn is_computed_with(self) -> bool {
        matches!(self, Self::Number | Self::Measured)
    }
}

/// One expression that reads something.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) origin: Origin,
    pub(super) need: Need,
    pub(super) text: String,
    pub(super) place: Place,
    /// The pattern it stands in, where it is a field of one.
    pub(super) pattern: Option<Pattern>,
}

/// What a pattern says of the element of which it takes a field: `some {"kind": "Job", "name": name} in …`.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// How many steps lead to the element.
    pub(super) element: usize,
    /// What must stand there for the pattern to fit.
    pub(super) given: Vec<(Vec<Text>, Value)>,
}

/// The value of one side.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    /// A read, by its number in the statement.
    Read(usize),
    /// A literal.
    Literal(Value),
    /// One that hands over its value, by its number in the body.
    Seen(usize),
    /// Not known.
    Unknown,
}

/// One side of a condition, as written.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) text: String,
    pub(super) operand: Operand,
}

/// Two operands that must be of one kind.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) left: Side,
    pub(super) right: Side,
    pub(super) kind: PairKind,
    pub(super) place: Place,
}

/// What two operands are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairKind {
    /// An order: two numbers, or no number at all.
    Order,
    /// Arithmetic: two numbers, or two sets.
    Arithmetic,
    /// The left is made a number: text may be one, and null, of which the engine makes 0, is none.
    Conversion,
}

/// String constants that a read is compared with.
#[derive(Debug, Clone)]
pub(super) struct Constants {
    /// The read, by its number in the statement.
    pub(super) read: usize,
    pub(super) texts: Vec<Text>,
    /// Whether the read is a list in which the constant is looked up.
    pub(super) in_list: bool,
    /// The parameter that they are handed in by, and as what.
    pub(super) argument: Option<(usize, Value)>,
    pub(super) place: Place,
}

/// A call of a function, or the use of a rule.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) rule: DataPath,
    /// The arguments, where it is a function.
    pub(super) arguments: Vec<Operand>,
    pub(super) negated: bool,
}

/// How a statement goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// It only gives names: `x := …`.
    Binds,
    /// `some … in …`.
    Some,
    /// It can fail.
    Test,
    /// `not …`.
    Not,
    /// `every … in …`.
    Every,
}

impl Form {
    /// Whether it asks something, and does not only give names.
    pub(super) fn is_condition(self) -> bool {
        matches!(self, Self::Test | Self::Not | Self::Every)
    }
}

/// What of a statement is a number whatever the facts are: a count, a difference.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    /// Operands that hand over their values.
    pub(super) seen: Vec<usize>,
    /// Variables that it binds.
    pub(super) slots: Vec<usize>,
    /// What a head makes.
    pub(super) head: bool,
}

/// One statement.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    /// As written, on one line.
    pub(super) text: String,
    pub(super) place: Place,
    /// Its number as written.
    pub(super) written: usize,
    pub(super) form: Form,
    /// How many variables are bound when it is reached.
    pub(super) bound: usize,
    pub(super) reads: Vec<Read>,
    /// The reads that iterate, by their number.
    pub(super) lists: Vec<usize>,
    pub(super) sides: Vec<Side>,
    pub(super) pairs: Vec<Pair>,
    pub(super) constants: Vec<Constants>,
    pub(super) numbers: Numbers,
    pub(super) calls: Vec<Call>,
    /// Comprehensions and the body of `every`.
    pub(super) nested: Vec<usize>,
    /// What of it cannot be followed.
    pub(super) unfollowed: Option<&'static str>,
    /// Whether it stands at the end and only puts together what the head is made of.
    pub(super) builds: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{self, PolicyFile},
        source::SourceFile,
    };

    /// The rules of a policy as the engine gets them: plain, then with all that tells.
    fn rewritten(text: &str) -> [String; 2] {
        let file =
            PolicyFile { file: SourceFile::new("p.rego", format!("package p\n{text}\n")), v0: false, others: None };
        let policies = policy::load(&[file], &[], &std::collections::BTreeSet::new())
            .map_err(|errors| errors[0].kind.to_string())
            .unwrap();
        let strip = |module: &Module| module.text.trim_start_matches("package p\n").trim_end().to_owned();
        [strip(&plain(&policies.rules).modules[0]), strip(&Program::of(&policies.rules).modules[0])]
    }

    #[test]
    fn heads_become_variables_of_their_bodies() {
        let [plain, told] = rewritten(
            "violation contains {\"msg\": s.n, \"subject\": s.p} if {\n\tsome s in input.svc.list\n\ts.bad # yes\n}",
        );
        assert_eq!(
            plain,
            "violation contains zzz__head if {\n\tsome s in __each(input.svc.list); s.bad; zzz__head := [[null, s], {\"msg\": s.n, \"subject\": s.p}][1] # yes\n}\n\nzzz__reached_0(_) if { some s in __each(input.svc.list) }"
        );
        assert_eq!(
            told,
            "violation contains zzz__head if {\n\t__at(0, 0, [input]); some s__at1, s in __each(input.svc.list); __at(0, 1, [input, s__at1, s]); s.bad; __at(0, 2, [input, s__at1, s]); zzz__head := __made(0, [input, s__at1, s], {\"msg\": s.n, \"subject\": s.p}) # yes\n}"
        );
    }
}
