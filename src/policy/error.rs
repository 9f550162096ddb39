//! What can be wrong with policies.

use crate::{model::ID_HELP, source::Advice, spelling::nearest, yaml::YamlError};

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// What is no Rego.
    #[error("{message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// A body without `if`, or a set without `contains`: Rego v0.
    #[error("a rule without `{missing}`, as in Rego v0")]
    OldSyntax {
        /// The word.
        missing: &'static str,
        /// The same in Rego v1.
        instead: String,
        /// The file, where it may be Rego v0.
        path: Option<String>,
    },
    /// A keyword of Rego v1 where Rego v0 is read.
    #[error("`{word}` is a keyword only where it is imported: this is read as Rego v0")]
    NewKeyword {
        /// The keyword.
        word: String,
    },
    /// Text with values in it, `$"…{x}"`.
    #[error("interpolated strings are of OPA 1.12 and later, and not supported here")]
    Interpolated,
    /// A comprehension's variable has the name of a rule.
    #[error("the variable `{0}` has the name of a rule of this package")]
    Shadowed(String),
    /// A rule or function whose definitions disagree.
    #[error("this has several values at once")]
    SeveralValues,
    /// The engine found it while it evaluated the rules.
    #[error("{0}")]
    Engine(String),
    /// Brackets nested so deep that they would hang the parser.
    #[error("brackets nested deeper than {max}")]
    TooDeep {
        /// The limit.
        max: usize,
    },
    /// An expression that would exhaust the stack.
    #[error("an expression with more than {max} operators, calls and keys")]
    TooManySteps {
        /// The limit.
        max: usize,
    },
    /// A policy too long for the engine.
    #[error("a policy may have {bytes} bytes and {lines} lines at most")]
    TooLong {
        /// The limit in bytes.
        bytes: usize,
        /// The limit in lines.
        lines: usize,
    },
    /// What the engine cannot say, for where it stands.
    #[error("what begins here cannot be read, and the line is too long to say where")]
    FarRight {
        /// How far to the right the engine can say it.
        columns: usize,
    },
    /// A call of what is neither a built-in nor defined.
    #[error("unknown function `{name}`")]
    UnknownFunction {
        /// As it is called.
        name: String,
        /// What was probably meant.
        near: Option<String>,
        /// The import that would bring it.
        import: Option<String>,
    },
    /// A call of what is a rule.
    #[error("`{name}` is a rule, not a function")]
    NotAFunction {
        /// As it is called.
        name: String,
    },
    /// Too many or too few arguments.
    #[error("`{name}` takes {expected} argument{}, not {found}", if *expected == 1 { "" } else { "s" })]
    Arity {
        /// As it is called.
        name: String,
        /// How many it takes.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A call that reaches out.
    #[error("`{name}` reaches outside, which a policy must not")]
    Outside {
        /// As it is called.
        name: String,
    },
    /// A call whose answer differs from run to run.
    #[error("`{name}` gives another answer every time, so the verdict would too")]
    Random {
        /// As it is called.
        name: String,
    },
    /// A built-in that OPA has and the engine lacks.
    #[error("`{name}` is a built-in function of OPA{} that is not supported here", .since.map(|since| format!(" {since} and later")).unwrap_or_default())]
    OpaOnly {
        /// As it is called.
        name: String,
        /// The version of OPA that brought it, where that is not every version.
        since: Option<&'static str>,
        /// What says the same.
        instead: Option<&'static str>,
    },
    /// A name that nothing binds.
    #[error("nothing here is called `{name}`")]
    Unbound {
        /// The name.
        name: String,
        /// What was probably meant.
        near: Option<String>,
        /// The import that would bring it.
        import: Option<String>,
    },
    /// A variable that only look-ups under `not` would bind.
    #[error("nothing outside of `not` binds `{name}`")]
    Loose {
        /// The variable.
        name: String,
    },
    /// A path below `data` that leads nowhere.
    #[error("`{path}` leads nowhere")]
    Nowhere {
        /// The path.
        path: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// A rule that each of many files has for itself.
    #[error("`{path}` is not one rule: each file with `input:` has its own, kept apart from the others'")]
    KeptApart {
        /// The path.
        path: String,
    },
    /// A rule that uses itself.
    #[error("`{name}` uses itself")]
    Recursion {
        /// The rule.
        name: String,
    },
    /// A chain of rules that could exhaust the stack. A rule with many statements counts as several.
    #[error("a chain of more than {max} rules, each using the next")]
    LongChain {
        /// The limit.
        max: usize,
    },
    /// A policy in a package that means something else.
    #[error("the package `{package}` is reserved")]
    Reserved {
        /// The package.
        package: String,
    },
    /// `violation.x contains`.
    #[error("`{word}` has a further segment, which makes it an object")]
    FurtherSegment {
        /// The head as written.
        word: String,
        /// The suffix that would say the same.
        suffix: String,
    },
    /// A head of another kind than its rule word needs.
    #[error("`{name}` must be {needed}, not {found}")]
    WrongHead {
        /// The rule.
        name: String,
        /// What it must be.
        needed: &'static str,
        /// What it is.
        found: &'static str,
        /// The right form.
        form: String,
    },
    /// An element of `violation`, `deny` or `warn` that can be seen to be neither text nor an object with `msg`.
    #[error("an element of `{name}` {found}, and must be text or an object with a text `msg`")]
    WrongElement {
        /// The rule.
        name: String,
        /// What is wrong with it.
        found: String,
    },
    /// A group of only `subjects`, with a suffix.
    #[error("`{name}` has a population and nothing to say of it")]
    OnlySubjects {
        /// The rule.
        name: String,
    },
    /// A rule name that is nearly a rule word: what it says would not be checked.
    #[error("`{name}` is no rule word, and nothing uses it")]
    NearWord {
        /// As written.
        name: String,
        /// What was probably meant.
        near: String,
    },
    /// A file or fence that makes no assumption and serves none.
    #[error("{what} makes no assumption, and none uses it")]
    Useless {
        /// What it is.
        what: &'static str,
    },
    /// An assumption that reads nothing that can change.
    #[error("`{id}` reads neither facts, design, a reference nor the snapshot, so it can never change")]
    ReadsNothing {
        /// The assumption.
        id: String,
    },
    /// An id with characters that ids do not have.
    #[error("`{id}` is no id")]
    BadId {
        /// The id.
        id: String,
    },
    /// Two assumptions with one id.
    #[error("two assumptions have the id `{id}`")]
    SameId {
        /// The id.
        id: String,
    },
    /// Two assumptions whose ids many tools would take for one.
    #[error("the ids `{first}` and `{id}` differ only in case")]
    IdsByCase {
        /// One id.
        first: String,
        /// The other.
        id: String,
    },
    /// An earlier id that is another assumption's id.
    #[error("`{id}` was formerly `{former}`, which is another assumption's id")]
    FormerIdInUse {
        /// The assumption that was renamed.
        id: String,
        /// Its earlier id.
        former: String,
    },
    /// An earlier id of two assumptions.
    #[error("two assumptions were formerly `{former}`")]
    SameFormerId {
        /// The earlier id.
        former: String,
    },
    /// A METADATA block that says something about no assumption.
    #[error("no assumption takes this `custom.assumption`")]
    NoTaker,
    /// `id` or `formerly` of a package that has only suffixed groups.
    #[error("`{key}` of a package belongs to its assumption without a suffix, and there is none")]
    NoPlainGroup {
        /// The key.
        key: &'static str,
    },
    /// `custom.assumption` on one of several rule blocks.
    #[error("`custom.assumption` on one of several rules of `{id}`")]
    OneOfSeveral {
        /// The assumption.
        id: String,
    },
    /// Two METADATA blocks of the same scope for the same thing.
    #[error("a second METADATA block for {what}")]
    SecondBlock {
        /// What it is for.
        what: String,
    },
    /// A pattern under `optional` or `required` that meets nothing the assumption reads.
    #[error("nothing in `{id}` reads `{path}`")]
    UnreadPath {
        /// The assumption.
        id: String,
        /// The pattern.
        path: String,
        /// A path that it reads and that was probably meant.
        near: Option<String>,
    },
    /// A pattern under `library` that matches no shipped assumption.
    #[error("no shipped assumption is called `{pattern}`")]
    NotShipped {
        /// The pattern.
        pattern: String,
        /// What is shipped.
        known: Vec<String>,
    },
    /// A `!` pattern of the library that takes out nothing that is switched on above it.
    #[error("`!{pattern}` takes nothing out")]
    TakesNothingOut {
        /// The pattern.
        pattern: String,
    },

    // Of the text itself, of Markdown and of METADATA.
    /// The engine takes a NUL character for the end of the policy: what follows would vanish.
    #[error("a NUL character stands in the policy")]
    NulCharacter,
    /// A fence of Rego with a word that says nothing known.
    #[error("unknown word `{word}` at a fence of Rego")]
    UnknownFence {
        /// The word.
        word: String,
    },
    /// A fence whose language stands in attributes: shown as Rego, but no policy.
    #[error("this fence is shown as Rego but is no policy: its language stands in braces")]
    FenceAttributes,
    /// A fence of Rego that runs to the end of what it stands in.
    #[error("this fence is never closed")]
    UnclosedFence {
        /// The line that closes it.
        mark: String,
    },
    /// A fence with the start of a fence of Rego inside.
    #[error("this fence is not closed before a fence of Rego starts")]
    SwallowedFence {
        /// The line that closes it.
        mark: String,
    },
    /// The first block of a file, or a test, names no package.
    #[error("{} names no package", if *.is_test { "a test in Markdown" } else { "the first block of a file" })]
    NoPackage {
        /// Whether it is a test.
        is_test: bool,
        /// A package that would do.
        example: String,
    },
    /// A `package` after something else.
    #[error("`package` must be the first statement of its fence")]
    PackageNotFirst,
    /// An `import` in a block that does not name its package first.
    #[error("`import` must stand in the first block of its package")]
    ImportElsewhere {
        /// The package.
        package: String,
    },
    /// METADATA above a repeated `package`.
    #[error("{}", if *.second {
        format!("a second METADATA block for one package, `{package}`")
    } else {
        format!("METADATA for package `{package}` in a block that does not name it first")
    })]
    RepeatedMetadata {
        /// The package.
        package: String,
        /// Whether the block that names it first has one, too.
        second: bool,
    },
    /// What stands in a METADATA block.
    #[error("{}", in_metadata(.0))]
    Metadata(YamlError),
    /// A METADATA block with nothing in it.
    #[error("this METADATA block is empty")]
    EmptyMetadata,
    /// A METADATA block that is not at the start of its line.
    #[error("a METADATA block starts at the first column")]
    MetadataIndented,
    /// A comment that is no METADATA block but has its keys below.
    #[error("`{0}` starts no METADATA block")]
    NotMetadata(String),
    /// A tab where YAML wants spaces.
    #[error("a tab cannot indent METADATA")]
    MetadataTab,
}

impl PolicyError {
    /// Whether this may be nothing but the consequence of another error: something seems to be missing, and what
    /// cannot be read or leads nowhere may be just that.
    pub(crate) fn may_follow(&self) -> bool {
        matches!(
            self,
            Self::Useless { .. }
                | Self::ReadsNothing { .. }
                | Self::OnlySubjects { .. }
                | Self::NoTaker
                | Self::NoPlainGroup { .. }
                | Self::UnreadPath { .. }
        )
    }

    /// Whether something that was meant to be used is not.
    pub(crate) fn leaves_unused(&self) -> bool {
        matches!(
            self,
            Self::Unbound { .. }
                | Self::UnknownFunction { .. }
                | Self::Nowhere { .. }
                | Self::FurtherSegment { .. }
                | Self::NearWord { .. }
        )
    }
}

/// YAML speaks of files; here it is a block of one.
fn in_metadata(error: &YamlError) -> String {
    match error {
        YamlError::Syntax(message) => format!("this METADATA is not valid YAML: {message}"),
        YamlError::SeveralDocuments => "this METADATA block has more than one YAML document".to_owned(),
        error => error.to_string(),
    }
}

impl Advice for PolicyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "policy::syntax",
            Self::OldSyntax { .. } => "policy::old_syntax",
            Self::NewKeyword { .. } => "policy::new_keyword",
            Self::Interpolated => "policy::interpolated",
            Self::Shadowed(_) => "policy::shadowed",
            Self::SeveralValues => "policy::several_values",
            Self::Engine(_) => "policy::engine",
            Self::TooDeep { .. } => "policy::too_deep",
            Self::TooManySteps { .. } => "policy::too_many_steps",
            Self::TooLong { .. } => "policy::too_long",
            Self::FarRight { .. } => "policy::far_right",
            Self::UnknownFunction { .. } => "policy::unknown_function",
            Self::NotAFunction { .. } => "policy::not_a_function",
            Self::Arity { .. } => "policy::arity",
            Self::Outside { .. } => "policy::outside",
            Self::Random { .. } => "policy::random",
            Self::OpaOnly { .. } => "policy::opa_only",
            Self::Unbound { .. } => "policy::unbound",
            Self::Loose { .. } => "policy::loose",
            Self::Nowhere { .. } => "policy::nowhere",
            Self::KeptApart { .. } => "policy::kept_apart",
            Self::Recursion { .. } => "policy::recursion",
            Self::LongChain { .. } => "policy::long_chain",
            Self::Reserved { .. } => "policy::reserved",
            Self::FurtherSegment { .. } => "policy::further_segment",
            Self::WrongHead { .. } => "policy::wrong_head",
            Self::WrongElement { .. } => "policy::wrong_element",
            Self::OnlySubjects { .. } => "policy::only_subjects",
            Self::NearWord { .. } => "policy::near_word",
            Self::Useless { .. } => "policy::useless",
            Self::ReadsNothing { .. } => "policy::reads_nothing",
            Self::BadId { .. } => "policy::bad_id",
            Self::SameId { .. } => "policy::same_id",
            Self::IdsByCase { .. } => "policy::ids_by_case",
            Self::FormerIdInUse { .. } => "policy::former_id_in_use",
            Self::SameFormerId { .. } => "policy::same_former_id",
            Self::NoTaker => "policy::no_taker",
            Self::NoPlainGroup { .. } => "policy::no_plain_group",
            Self::OneOfSeveral { .. } => "policy::one_of_several",
            Self::SecondBlock { .. } => "policy::second_block",
            Self::UnreadPath { .. } => "policy::unread_path",
            Self::NotShipped { .. } => "policy::not_shipped",
            Self::TakesNothingOut { .. } => "policy::takes_nothing_out",

            Self::NulCharacter => "policy::nul_character",
            Self::UnknownFence { .. } => "policy::unknown_fence",
            Self::FenceAttributes => "policy::fence_attributes",
            Self::UnclosedFence { .. } => "policy::unclosed_fence",
            Self::SwallowedFence { .. } => "policy::swallowed_fence",
            Self::NoPackage { .. } => "policy::no_package",
            Self::PackageNotFirst => "policy::package_not_first",
            Self::ImportElsewhere { .. } => "policy::import_elsewhere",
            Self::RepeatedMetadata { .. } => "policy::repeated_metadata",
            Self::Metadata(_) => "policy::metadata",
            Self::EmptyMetadata => "policy::empty_metadata",
            Self::MetadataIndented => "policy::metadata_indented",
            Self::NotMetadata(_) => "policy::not_metadata",
            Self::MetadataTab => "policy::metadata_tab",
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind")]
    fn help(&self) -> Option<String> {
        let near = |near: &Option<String>| near.as_ref().map(|near| format!("did you mean `{near}`?"));
        let import =
            |import: &Option<String>| import.as_ref().map(|path| format!("write `import {path}` above the rules"));
        Some(match self {
            Self::Syntax { help, .. } => return help.clone(),
            Self::OldSyntax { instead, path: None, .. } => format!("write `{instead}`"),
            Self::OldSyntax { instead, path: Some(path), .. } => {
                format!("write `{instead}`, or list the file as `{{path: \"{path}\", rego: v0}}` under `policies`")
            }
            Self::SeveralValues => {
                "where several definitions apply, they must agree: make their conditions exclude each other, or join them with `else`"
                    .to_owned()
            }
            Self::NewKeyword { word } => format!(
                "write `import future.keywords.{word}` below `package`; or, if it is Rego v1, take `rego: v0` out of its entry"
            ),
            Self::Interpolated => "write `sprintf(\"… %s\", [x])`".to_owned(),
            Self::Shadowed(name) => format!("rename the variable: in this package `{name}` already stands for the rule"),
            Self::TooDeep { .. } => "give the inner part a name of its own".to_owned(),
            Self::TooManySteps { .. } => {
                "give parts of it names of their own; many values of one kind are a set, a list or a design document"
                    .to_owned()
            }
            Self::TooLong { .. } => "move tables to a design document and read them as `data.design`".to_owned(),
            Self::FarRight { columns } => format!("write lines of fewer than {columns} characters, and it is said"),
            Self::UnknownFunction { near: known, import: path, .. } => import(path).or_else(|| near(known)).unwrap_or_else(|| {
                "define it or import its package; the built-in functions are those of OPA's policy reference".to_owned()
            }),
            Self::NotAFunction { name } => format!("use it without brackets: `{name}`"),
            Self::Outside { .. } => "collect what it would ask for as a fact, and read it from `input`".to_owned(),
            Self::Random { .. } => "use a value from the facts; `time.now_ns()` is the check's `--now`".to_owned(),
            Self::OpaOnly { instead: Some(instead), .. } => format!("write `{instead}`"),
            Self::OpaOnly { .. } => "compute it when the facts are collected, or write a helper".to_owned(),
            Self::Unbound { near: known, import: path, .. } => import(path).or_else(|| near(known)).unwrap_or_else(|| {
                "bind it with `some … in` or `:=`, define a rule of this name, or import it in this file".to_owned()
            }),
            Self::Loose { name } => {
                format!("bind it before, as with `some {name} in …`; that no element is so is said by `not` and a helper rule")
            }
            Self::KeptApart { .. } => "use it in the file that defines it, or name what it asks in a helper".to_owned(),
            Self::Nowhere { near: known, .. } => near(known).unwrap_or_else(|| {
                "no package, rule or document has this path; what was declared is below `data.design`".to_owned()
            }),
            Self::Recursion { .. } => "Rego has no recursion: break the circle".to_owned(),
            Self::LongChain { .. } => "compute it in fewer steps; a rule with many statements counts as several".to_owned(),
            Self::Reserved { .. } => {
                "choose another package; `data.design`, `data.snapshot` and `data.reference` are documents".to_owned()
            }
            Self::FurtherSegment { suffix, .. } => format!("a suffix makes it an assumption of its own: `{suffix} contains v if`"),
            Self::WrongHead { form, .. } => format!("write `{form}`"),
            Self::WrongElement { .. } => "write `\"…\"` or `{\"msg\": \"…\", \"subject\": …}`".to_owned(),
            Self::OnlySubjects { name } => {
                format!("add a `violation`, `warn`, `holds` or `measure` with the same suffix, or rename `{name}`")
            }
            Self::NearWord { near, .. } => format!("did you mean `{near}`?"),
            Self::Useless { .. } => {
                "define `violation`, `deny`, `warn`, `holds` or `measure` in it, use its rules, or take it out of `policies`; a fence that is only shown is marked `rego example`".to_owned()
            }
            Self::ReadsNothing { .. } => "read something from `input`, `data.design`, `data.reference` or `data.snapshot`".to_owned(),
            Self::BadId { .. } => ID_HELP.to_owned(),
            Self::SameId { .. } | Self::IdsByCase { .. } => {
                "rename one; where METADATA gives no `id`, it is the package".to_owned()
            }
            Self::FormerIdInUse { .. } | Self::SameFormerId { .. } => {
                "what was accepted and waived under it follows one assumption only: take it out of `formerly`".to_owned()
            }
            Self::NoTaker => "put it above the rules of an assumption or above its package".to_owned(),
            Self::NoPlainGroup { key } => format!("put `{key}` above the rule of the suffixed assumption"),
            Self::OneOfSeveral { .. } => "a suffix makes it an assumption of its own; or put the block above all of them with `scope: document`".to_owned(),
            Self::SecondBlock { .. } => "merge it into the first".to_owned(),
            Self::UnreadPath { near: known, .. } => near(known).unwrap_or_else(|| "take it out, or write the path as the rules read it".to_owned()),
            Self::TakesNothingOut { .. } => {
                "the lines of `library` count in their order: move it below the line that switches them on, or take it out"
                    .to_owned()
            }
            Self::NotShipped { known, .. } => format!("shipped are: {}", known.join(", ")),
            Self::NulCharacter => "remove it; the engine would end the policy there".to_owned(),
            Self::UnknownFence { word } => match nearest(&word.to_ascii_lowercase(), ["test", "example"]) {
                Some(near) => format!("did you mean `rego {near}`?"),
                None => "write `rego` for policies, `rego test` for tests, `rego example` for what is only shown; \
                         words with `=` or in braces are ignored"
                    .to_owned(),
            },
            Self::FenceAttributes => {
                "write the language first, `rego`, and attributes after it, `rego {…}`; `rego example` is only shown"
                    .to_owned()
            }
            Self::UnclosedFence { mark } => format!("close it with a line that holds only {mark}"),
            Self::SwallowedFence { mark } => {
                format!("close it with a line that holds only {mark}; to show a fence inside, make its mark longer")
            }
            Self::NoPackage { example, .. } => format!("start it with a line such as `package {example}`"),
            Self::PackageNotFirst => {
                "move it to the first line of its fence; another package needs a fence of its own".to_owned()
            }
            Self::ImportElsewhere { package } => {
                format!("move it below the `package {package}` that stands first: it counts for all its blocks")
            }
            Self::RepeatedMetadata { second, .. } => {
                if *second { "merge it into the first" } else { "move it above the `package` that stands first" }
                    .to_owned()
            }
            Self::Metadata(error) => {
                return error.help().or_else(|| match error {
                    YamlError::WrongType { name, .. } | YamlError::NotAMapping { what: name, .. } if name == "METADATA" => Some(
                        "write a key on each line, such as `# title: …`; leave an empty line before other comments"
                            .to_owned(),
                    ),
                    YamlError::Syntax(_) => Some(
                        "every comment line directly below `# METADATA` is YAML; leave an empty line before other \
                         comments"
                            .to_owned(),
                    ),
                    _ => None,
                });
            }
            Self::EmptyMetadata => {
                "write its keys directly below, each line from the first column: `# title: …`".to_owned()
            }
            Self::MetadataIndented => "start each of its lines at the first column, with `#`".to_owned(),
            Self::NotMetadata(_) => "write `# METADATA`".to_owned(),
            Self::MetadataTab => "indent with spaces".to_owned(),
            Self::Engine(_) | Self::Arity { .. } => return None,
        })
    }

    fn label(&self) -> Option<String> {
        match self {
            Self::UnclosedFence { .. } | Self::SwallowedFence { .. } => Some("opened here".to_owned()),
            _ => None,
        }
    }
}
