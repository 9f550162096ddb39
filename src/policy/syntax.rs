//! The engine's syntax tree with exact places: parsing one module, tokens, references, and errors of the parser.
//!
//! The engine's spans leave out the quotes of strings and its columns count bytes or characters as it goes; only byte
//! offsets are relied upon here, and every offset that touches a string is repaired (see [`Parsed::span`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    num::{NonZeroU32, NonZeroUsize},
};

use regorus::unstable::{self as ast, Expr, Lexer, Parser, Token, TokenKind};

use super::{
    Module, PolicyError, diagnosis,
    tokens::{self, Kind, Tokens},
    walk, with_room,
};
use crate::{
    quiet::quietly,
    source::{At, Place, Span},
};

/// The engine's limits on one policy file, far above what people write and low enough to stop an accident.
pub(crate) const MAX_COLUMNS: NonZeroU32 = NonZeroU32::new(1 << 20).unwrap();
pub(crate) const MAX_BYTES: NonZeroUsize = NonZeroUsize::new(16 << 20).unwrap();
pub(crate) const MAX_LINES: NonZeroUsize = NonZeroUsize::new(1 << 20).unwrap();

/// The engine's parser takes about twice as long for each further level of `[` and `{`: 14 levels take 0.3 s, 18 take 5 s.
const MAX_NESTING: usize = 14;

/// How deep an expression may be: its operators, calls and keys, whether one after the other or one in the other. In a
/// debug build the engine takes up to 10 kB of stack for each.
const MAX_STEPS: usize = 500;

/// A depth that is no more than ordinary.
const ORDINARY: usize = 8;

/// A module with its syntax tree.
pub(crate) struct Parsed {
    pub(crate) module: Module,
    pub(crate) ast: ast::Module,
    quotes: Quotes,
    /// Where expressions are deeper than ordinary, and how deep. Sorted.
    deep: Vec<(usize, usize)>,
    /// Where the brace stands that is closed before this byte.
    opened: BTreeMap<usize, usize>,
    /// Where what stands first in braces begins.
    firsts: BTreeSet<usize>,
}

/// Where string tokens start and end, by which the engine's spans are off by one.
#[derive(Default)]
struct Quotes {
    starts: BTreeSet<u32>,
    ends: BTreeSet<u32>,
}

/// The name by which the engine knows the module at this index; people never see it.
pub(crate) fn label(index: usize) -> String {
    format!("module-{index}")
}

/// Parses one module.
///
/// # Errors
/// What the engine's parser says first, at its place; what is so deep that it would hang or break it.
pub(crate) fn parse(module: Module) -> Result<Parsed, Box<At<PolicyError>>> {
    let source = source(&module)?;
    let mut quotes = Quotes::default();
    let mut depth = Depth::default();
    let (mut deep, mut open, mut opened) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (mut firsts, mut is_first) = (BTreeSet::new(), false);
    let tokens = Tokens::of(&module.text);
    for (token, text) in (0..tokens.len()).filter_map(|at| tokens.at(at)) {
        if token.kind == Kind::Text {
            quotes.starts.insert(offset(token.span.start + 1));
            quotes.ends.insert(offset(token.span.end - 1));
        }
        if is_first {
            firsts.insert(token.span.start);
        }
        is_first = token.kind != Kind::Text && text == "{";
        match text {
            "[" | "{" if token.kind != Kind::Text => open.push(token.span.start),
            "]" | "}" if token.kind != Kind::Text => opened.extend(open.pop().map(|start| (token.span.end, start))),
            _ => {}
        }
        depth.add(token, text);
        if let Some(error) = depth.too_much() {
            return Err(Box::new(At::new(error, module.place(token.span.clone()))));
        }
        if depth.steps >= ORDINARY {
            deep.push((token.span.start, depth.steps));
        }
    }
    if let Some((word, span)) = new_keyword(&module, &tokens) {
        return Err(Box::new(At::new(PolicyError::NewKeyword { word: word.to_owned() }, module.place(span))));
    }
    let parsed = quietly(|| {
        Parser::new(&source).and_then(|mut parser| {
            parser.set_max_col(MAX_COLUMNS);
            if !module.v0 {
                parser.enable_rego_v1()?;
            }
            parser.parse()
        })
    });
    match parsed {
        Ok(Ok(ast)) => Ok(Parsed { module, ast, quotes, deep, opened, firsts }),
        Ok(Err(error)) => Err(Box::new(parser_error(&module, &error.to_string()))),
        Err(message) => Err(Box::new(broken(&module, &message))),
    }
}

/// What the engine's parser breaks on. It writes the place of an error with as many spaces before it as there are
/// columns, and breaks where these are more than a format may have.
fn broken(module: &Module, message: &str) -> At<PolicyError> {
    const FAR: usize = u16::MAX as usize;
    // A tab counts as four columns.
    const TAB: usize = 4;
    let mut start = 0;
    for line in module.text.split_inclusive('\n') {
        if line.len() * TAB >= FAR {
            let end = start + line.chars().next().map_or(0, char::len_utf8);
            return At::new(PolicyError::FarRight { columns: FAR }, module.place(start..end));
        }
        start += line.len();
    }
    let message = format!("the parser broke: {message}");
    At::new(PolicyError::Syntax { message, help: None }, module.place(0..0))
}

/// The keywords that Rego v0 knows only where they are imported. Without that the engine takes them for names, and says
/// so on a terminal.
const NEW_KEYWORDS: [&str; 4] = ["contains", "every", "if", "in"];

/// The first keyword that a module in Rego v0 uses without importing it, and where it stands.
fn new_keyword<'t>(module: &Module, tokens: &Tokens<'t>) -> Option<(&'t str, Span)> {
    if module.v0 {
        let imports = (0..tokens.len()).filter(|at| tokens.is_word(*at, "import")).map(|at| tokens.path(at + 1).0);
        let mut known = BTreeSet::new();
        for path in imports {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            match path.as_slice() {
                ["rego", "v1"] | ["future", "keywords"] => known.extend(NEW_KEYWORDS),
                ["future", "keywords", "every"] => known.extend(["every", "in"]),
                ["future", "keywords", word] => known.extend(NEW_KEYWORDS.iter().filter(|new| *new == word)),
                _ => {}
            }
        }
        return (0..tokens.len()).find_map(|at| {
            let (token, text) = tokens.at(at).filter(|(token, _)| token.kind == Kind::Word)?;
            let is =
                |at: Option<usize>, sign: &str| at.and_then(|at| tokens.at(at)).is_some_and(|(_, text)| text == sign);
            // `contains(…)` is a built-in function, and behind a dot stands a key.
            let is_name = is(at.checked_sub(1), ".") || text == "contains" && is(Some(at + 1), "(");
            let is_new = NEW_KEYWORDS.contains(&text) && !known.contains(text) && !is_name;
            is_new.then(|| (text, token.span.clone().into()))
        });
    }
    None
}

/// What is wrong with a query: statements as they stand in a rule's body, of which a module makes no rule yet.
///
/// # Errors
/// What the engine's parser says first, at its place.
pub(crate) fn check_query(query: &Module) -> Result<(), Box<At<PolicyError>>> {
    let source = source(query)?;
    let mut depth = Depth::default();
    let tokens = Tokens::of(&query.text);
    for (token, text) in (0..tokens.len()).filter_map(|at| tokens.at(at)) {
        depth.add(token, text);
        if let Some(error) = depth.too_much() {
            return Err(Box::new(At::new(error, query.place(token.span.clone()))));
        }
    }
    let parsed = with_room(|| {
        quietly(|| {
            Parser::new(&source).and_then(|mut parser| {
                parser.set_max_col(MAX_COLUMNS);
                if !query.v0 {
                    parser.enable_rego_v1()?;
                }
                parser.parse_user_query().map(drop)
            })
        })
    });
    match parsed {
        Ok(parsed) => parsed.map_err(|error| Box::new(parser_error(query, &error.to_string()))),
        Err(message) => Err(Box::new(broken(query, &message))),
    }
}

/// How deep the expressions of a text go, token by token. The parser would be the one to ask, but it, its tree and the
/// evaluator all recurse. It is never less than the tree's depth: what stands behind an operator counts as being below
/// what stands before it.
#[derive(Default)]
struct Depth {
    /// All steps down to the expression at hand.
    steps: usize,
    /// How many `[` and `{` are open.
    brackets: usize,
    /// The expressions around the one at hand, each with whether its bracket is one of those.
    outer: Vec<(Steps, bool)>,
    own: Steps,
    /// The end of the token before, and whether an operand ends with it.
    before: (usize, bool),
}

/// The steps of one expression.
#[derive(Default, Clone, Copy)]
struct Steps {
    operators: usize,
    /// Those of its last operand.
    keys: usize,
}

impl Depth {
    fn add(&mut self, token: &tokens::Token, text: &str) {
        let (end, is_behind) = self.before;
        let is_word = token.kind == Kind::Word && text != "in";
        let is_number = text.starts_with(|c: char| c.is_ascii_digit());
        let is_name = is_behind && end == token.span.start;
        let mut is_operand = is_word || is_number || token.kind == Kind::Text;
        match text.as_bytes().last() {
            // Two operands side by side belong to two expressions.
            _ if is_operand && is_behind => self.set(Steps::default()),
            _ if is_operand => {}
            Some(b',' | b';' | b':') => self.set(Steps::default()),
            // `set(` is one token.
            Some(bracket @ (b'(' | b'[' | b'{')) => {
                match self.own {
                    Steps { operators, keys } if is_name => self.set(Steps { operators, keys: keys + 1 }),
                    _ if is_behind => self.set(Steps::default()),
                    _ => {}
                }
                let counts = *bracket != b'(';
                self.brackets += usize::from(counts);
                self.outer.push((self.own, counts));
                self.own = Steps::default();
                // The bracket itself.
                self.steps += 1;
            }
            Some(b')' | b']' | b'}') => {
                self.set(Steps::default());
                if let Some((own, counted)) = self.outer.pop() {
                    self.own = own;
                    self.steps -= 1;
                    self.brackets -= usize::from(counted);
                }
                is_operand = true;
            }
            Some(b'.') => self.set(Steps { keys: self.own.keys + 1, ..self.own }),
            // `-1` is one token, too, and an operator behind an operand.
            _ => {
                self.set(Steps { operators: self.own.operators + 1, keys: 0 });
                is_operand = text.len() > 1 && text.ends_with(|c: char| c.is_ascii_digit());
            }
        }
        self.before = (token.span.end, is_operand);
    }

    /// What would hang or break the engine.
    fn too_much(&self) -> Option<PolicyError> {
        if self.brackets > MAX_NESTING {
            Some(PolicyError::TooDeep { max: MAX_NESTING })
        } else if self.steps > MAX_STEPS {
            Some(PolicyError::TooManySteps { max: MAX_STEPS })
        } else {
            None
        }
    }

    fn set(&mut self, own: Steps) {
        self.steps = self.steps + own.operators + own.keys - self.own.operators - self.own.keys;
        self.own = own;
    }
}

fn source(module: &Module) -> Result<ast::Source, Box<At<PolicyError>>> {
    ast::Source::from_contents_with_limits(label(0), module.text.clone(), MAX_BYTES, MAX_LINES).map_err(|_| {
        let error = PolicyError::TooLong { bytes: MAX_BYTES.get(), lines: MAX_LINES.get() };
        Box::new(At::new(error, module.place(0..0)))
    })
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Parsed {
    /// The bytes of the module's text that a span of the engine means.
    pub(crate) fn span(&self, span: &ast::Span) -> Span {
        Span {
            start: span.start as usize - usize::from(self.quotes.starts.contains(&span.start)),
            end: span.end as usize + usize::from(self.quotes.ends.contains(&span.end)),
        }
    }

    /// Whether what begins at this byte is the first that stands in braces.
    pub(crate) fn is_first_in_braces(&self, at: usize) -> bool {
        self.firsts.contains(&at)
    }

    /// The bytes of an expression. The engine's span of an object begins at its last field.
    pub(crate) fn span_of(&self, expr: &Expr) -> Span {
        let span = self.span(expr.span());
        let opened = match expr {
            Expr::Object { .. } => self.opened.get(&span.end).copied(),
            _ => None,
        };
        Span { start: opened.unwrap_or(span.start), ..span }
    }

    /// Where that stands in the file.
    pub(crate) fn place(&self, span: &ast::Span) -> Place {
        self.module.place(self.span(span))
    }

    /// How much more than an ordinary rule this one takes of the evaluator's stack: one for each so many statements and
    /// levels of expressions.
    pub(crate) fn weight(&self, rule: &ast::Rule) -> usize {
        let span = self.span(rule.span());
        let first = self.deep.partition_point(|(at, _)| *at < span.start);
        let inside = self.deep[first..].iter().take_while(|(at, _)| *at < span.end);
        let depth = inside.map(|(_, depth)| *depth).max().unwrap_or(0);
        (depth + walk::statements(rule)) / ORDINARY
    }

    /// The package's path.
    pub(crate) fn package(&self) -> Vec<String> {
        Reference::of(&self.ast.package.refr).map(|reference| reference.full_path()).unwrap_or_default()
    }

    /// The name that an import binds, and the path it stands for.
    pub(crate) fn imports(&self) -> impl Iterator<Item = (String, Vec<String>, &ast::Import)> {
        self.ast.imports.iter().filter_map(|import| {
            let path = Reference::of(&import.refr)?.full_path();
            let name = match &import.r#as {
                Some(name) => name.text().to_owned(),
                None => path.last()?.clone(),
            };
            Some((name, path, import))
        })
    }
}

/// One step of a reference.
#[derive(Clone, Copy)]
pub(crate) enum Step<'a> {
    /// `.key` or `["key"]`.
    Key(&'a str),
    /// `[3]`.
    Number(&'a Expr),
    /// `[name]`.
    Variable(&'a Expr, &'a str),
    /// `[anything else]`.
    Dynamic(&'a Expr),
}

/// A chain of `.` and `[]`, taken apart.
pub(crate) struct Reference<'a> {
    /// What it starts from: a variable, or any expression.
    pub(crate) root: &'a Expr,
    /// The steps.
    pub(crate) steps: Vec<Step<'a>>,
}

impl<'a> Reference<'a> {
    /// The reference that an expression is; a bare variable is one without steps.
    pub(crate) fn of(expr: &'a Expr) -> Option<Self> {
        let mut steps = Vec::new();
        let mut root = expr;
        loop {
            match root {
                Expr::RefDot { refr, field, .. } => {
                    steps.push(Step::Key(field.0.text()));
                    root = refr;
                }
                Expr::RefBrack { refr, index, .. } => {
                    steps.push(match index.as_ref() {
                        Expr::String { .. } | Expr::RawString { .. } => Step::Key(text_of(index)?),
                        Expr::Number { .. } => Step::Number(index),
                        Expr::Var { span, .. } => Step::Variable(index, span.text()),
                        other => Step::Dynamic(other),
                    });
                    root = refr;
                }
                Expr::Var { .. } => break,
                _ if steps.is_empty() => return None,
                _ => break,
            }
        }
        steps.reverse();
        Some(Self { root, steps })
    }

    /// The variable it starts from.
    pub(crate) fn variable(&self) -> Option<&'a str> {
        match self.root {
            Expr::Var { span, .. } => Some(span.text()),
            _ => None,
        }
    }

    /// The keys up to the first step that is none.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.steps.iter().map_while(|step| match step {
            Step::Key(key) => Some(*key),
            _ => None,
        })
    }

    /// Root and keys, where all steps are keys; else up to the first that is none.
    pub(crate) fn full_path(&self) -> Vec<String> {
        self.variable().into_iter().chain(self.keys()).map(str::to_owned).collect()
    }
}

/// The value of a string expression.
pub(crate) fn text_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::String { value, .. } | Expr::RawString { value, .. } => value.as_string().ok().map(AsRef::as_ref),
        _ => None,
    }
}

/// The engine's text of an error, taken apart: `--> FILE:LINE:COL`, an excerpt of three lines, `error: MESSAGE`; or
/// `FILE:LINE:COL error: MESSAGE`.
struct Complaint<'a> {
    message: &'a str,
    places: Vec<(&'a str, u32, u32)>,
}

impl<'a> Complaint<'a> {
    fn of(text: &'a str) -> Self {
        let mut blocks = text.split("--> ");
        let mut message = blocks.next().unwrap_or_default().trim();
        let mut places = Vec::new();
        if let Some((place, rest)) =
            message.split_once(" error: ").and_then(|(head, rest)| Some((place_of(head)?, rest)))
        {
            places.push(place);
            message = rest;
        }
        for block in blocks {
            let (head, rest) = block.split_once('\n').unwrap_or((block, ""));
            places.extend(place_of(head));
            if let Some(said) = rest.splitn(4, '\n').nth(3).map(str::trim).filter(|said| !said.is_empty()) {
                message = said.strip_prefix("error: ").unwrap_or(said);
            }
        }
        Self { message, places }
    }
}

fn place_of(head: &str) -> Option<(&str, u32, u32)> {
    let mut parts = head.rsplitn(3, ':').map(str::trim);
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some((parts.next()?, line, column))
}

fn parser_error(module: &Module, text: &str) -> At<PolicyError> {
    let complaint = Complaint::of(text);
    let span =
        complaint.places.first().map_or_else(Span::default, |(_, line, column)| token_at(module, *line, *column));
    diagnosis::of_parser(module, complaint.message, span)
}

/// The text of an error of the engine's evaluator as an error at its place.
pub(crate) fn engine_error<'a>(text: &str, module: impl Fn(&str) -> Option<&'a Module>) -> At<PolicyError> {
    let complaint = Complaint::of(text);
    let places = complaint.places.iter().filter_map(|(label, line, column)| {
        let module = module(label)?;
        Some(module.place(token_at(module, *line, *column)))
    });
    let mut places: Vec<_> = places.collect();
    places.dedup();
    let mut places = places.into_iter();
    let kind = diagnosis::of_evaluator(&super::without_mark(complaint.message));
    let error = match places.next() {
        Some(place) => At::new(kind, place),
        None => At::nowhere(kind),
    };
    places.fold(error, |error, place| error.and("through here", place))
}

/// The token at the engine's line and column, which count in its own way: the lexer is asked again.
fn token_at(module: &Module, line: u32, column: u32) -> Span {
    let Ok(source) = source(module) else { return Span::default() };
    let mut lexer = Lexer::new(&source);
    lexer.set_max_col(MAX_COLUMNS);
    while let Ok(Ok(Token(kind, span))) = quietly(|| lexer.next_token()) {
        if (span.line, span.col) >= (line, column) || kind == TokenKind::Eof {
            let end = module.text.len();
            let quote = usize::from(matches!(kind, TokenKind::String | TokenKind::RawString));
            let start = (span.start as usize).saturating_sub(quote).min(end);
            return Span { start, end: (span.end as usize + quote).clamp(start, end) };
        }
    }
    // The lexer stops at a character it does not know, which is then the place.
    let start = module.text.split_inclusive('\n').take(line.saturating_sub(1) as usize).map(str::len).sum::<usize>();
    let text = module.text.get(start..).unwrap_or_default();
    let ahead: usize =
        text.chars().take(column.saturating_sub(1) as usize).take_while(|c| *c != '\n').map(char::len_utf8).sum();
    let width = text[ahead..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    Span { start: start + ahead, end: start + ahead + width }
}
