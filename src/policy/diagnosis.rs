//! What the engine complains about, said in the author's terms: the mistakes people make, told from where its parser
//! gave up.

use super::{
    Module, PolicyError,
    tokens::{Kind, Tokens},
};
use crate::source::{At, Span};

/// The parser's complaint about a module, at the bytes of its text where it gave up.
pub(super) fn of_parser(module: &Module, message: &str, span: Span) -> At<PolicyError> {
    let tokens = Tokens::of(&module.text);
    let tokens = (0..tokens.len()).filter_map(|at| tokens.at(at));
    let tokens =
        tokens.map(|(token, text)| Token { kind: token.kind, span: token.span.clone().into(), text }).collect();
    let spot = Spot { text: &module.text, tokens, span, message };
    if message == "invalid character" && (spot.starts_with("$\"") || spot.starts_with("$`")) {
        return At::new(PolicyError::Interpolated, module.place(span));
    }
    // The engine counts the expression in the innermost brackets as well.
    if let Some(max) = message.strip_prefix("expression nesting too deep (>").and_then(|rest| rest.strip_suffix(')'))
        && let Ok(max) = max.parse::<usize>()
    {
        return At::new(PolicyError::TooDeep { max: max.saturating_sub(1) }, module.place(span));
    }
    let mistake = spot
        .character()
        .or_else(|| spot.word())
        .or_else(|| spot.old(module))
        .or_else(|| spot.statement())
        .or_else(|| spot.bracket())
        .or_else(|| spot.comma())
        .unwrap_or_else(|| spot.anything());
    let Mistake { kind, span, other } = mistake;
    let error = At::new(kind, module.place(span));
    match other {
        Some((words, place)) => error.and(words, module.place(place)),
        None => error,
    }
}

/// The evaluator's complaint.
pub(super) fn of_evaluator(message: &str) -> PolicyError {
    let message = message.trim();
    if let Some((_, rest)) = message.split_once("var `")
        && let Some((name, rest)) = rest.split_once('`')
    {
        if rest.contains("used before definition") {
            return PolicyError::Shadowed(name.to_owned());
        }
        if rest.contains("unsafe") {
            return PolicyError::Unbound { name: name.to_owned(), near: None, import: None };
        }
    }
    // What is left where the engine says first that a variable is used before its definition.
    if message == "definition:" {
        return PolicyError::Engine("this variable is given a value twice, or used before it has one".to_owned());
    }
    if ["multiple outputs", "conflicts with rule", "generated multiple times"].iter().any(|part| message.contains(part))
    {
        return PolicyError::SeveralValues;
    }
    // "`startswith` expects string argument. Got `5` instead."
    if let Some((function, rest)) = message.split_once(" expects ")
        && let Some((kind, got)) = rest.split_once(" argument. Got ")
    {
        let kind = match kind {
            "string" => "text",
            "numeric" => "a number",
            "array" => "a list",
            "object" => "an object",
            "set" => "a set",
            "boolean" => "true or false",
            other => other,
        };
        let function = match function {
            "`add`" => "`+`",
            "`sub`" => "`-`",
            "`mul`" => "`*`",
            "`div`" => "`/`",
            "`mod`" => "`%`",
            other => other,
        };
        let got = got.trim_end_matches('.').trim_end_matches(" instead");
        return PolicyError::Engine(format!("{function} needs {kind}, and got {got}"));
    }
    PolicyError::Engine(lower(message))
}

/// A message in the project's own style: lower case, no full stop.
fn lower(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut chars = message.chars();
    let second_is_lower = chars.clone().nth(1).is_some_and(char::is_lowercase);
    match chars.next() {
        Some(first) if second_is_lower => first.to_lowercase().chain(chars).collect(),
        _ => message.to_owned(),
    }
}

/// What is wrong, where, and another place that belongs to it.
struct Mistake {
    kind: PolicyError,
    span: Span,
    other: Option<(&'static str, Span)>,
}

fn mistake(span: Span, message: impl Into<String>, help: impl Into<String>) -> Mistake {
    Mistake { kind: PolicyError::Syntax { message: message.into(), help: Some(help.into()) }, span, other: None }
}

struct Token<'a> {
    kind: Kind,
    span: Span,
    text: &'a str,
}

/// Where the parser gave up.
struct Spot<'a> {
    text: &'a str,
    /// The tokens up to the first that is none.
    tokens: Vec<Token<'a>>,
    span: Span,
    message: &'a str,
}

const AND: &str = "the conditions of a body hold together: put each into a line of its own, or `;` between them";
const OR: &str = "alternatives are rules of the same name: write the rule once more with the other condition";

impl Spot<'_> {
    fn starts_with(&self, start: &str) -> bool {
        self.text[self.span.start..].starts_with(start)
    }

    /// The token that stands so many before the place; 0 is the one at it.
    fn before(&self, count: usize) -> Option<(&str, Span)> {
        let at = self.tokens.partition_point(|token| token.span.start < self.span.start);
        let token = self.tokens.get(at.checked_sub(count)?)?;
        Some((token.text, token.span))
    }

    /// Where the next token starts behind a place: behind blanks and comments.
    fn next_token(&self, from: usize) -> usize {
        let mut at = from;
        loop {
            let rest = &self.text[at..];
            at += rest.len() - rest.trim_start().len();
            if !self.text[at..].starts_with('#') {
                return at;
            }
            at += self.text[at..].find('\n').unwrap_or(self.text.len() - at);
        }
    }

    fn line_end(&self, from: usize) -> usize {
        from + self.text[from..].find('\n').unwrap_or(self.text.len() - from)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// What stands at the place, for messages.
    fn found(&self) -> String {
        match self.before(0) {
            None => "the end of the file".to_owned(),
            Some((text, _)) if text.len() <= 40 => format!("`{text}`"),
            Some(_) => "this".to_owned(),
        }
    }

    /// A character or text that is no token.
    fn character(&self) -> Option<Mistake> {
        let start = self.next_token(self.tokens.last().map_or(0, |token| token.span.end));
        let quoted = Span { start, end: self.line_end(start) };
        match self.message {
            "invalid character" => {
                let c = self.text[start..].chars().next()?;
                let span = Span { start, end: start + c.len_utf8() };
                Some(match c {
                    '!' => mistake(span, "`!` is not Rego", "write `not`"),
                    '\'' => {
                        let text = self.text[span.end..quoted.end].split_once('\'').map_or("…", |(text, _)| text);
                        mistake(span, "text stands between double quotes", format!("write `\"{text}\"`"))
                    }
                    '“' | '”' | '„' | '‟' | '‘' | '’' => {
                        mistake(span, format!("`{c}` is not the quotation mark of Rego"), "write `\"`")
                    }
                    '≥' => mistake(span, "`≥` is not Rego", "write `>=`"),
                    '≤' => mistake(span, "`≤` is not Rego", "write `<=`"),
                    '≠' => mistake(span, "`≠` is not Rego", "write `!=`"),
                    '?' => mistake(span, "`?` is not Rego", "write one rule for each case, or a rule with `else`"),
                    c if c.is_whitespace() || crate::source::is_unsafe(c) => {
                        let message = format!("the character U+{:04X} is no ordinary blank", u32::from(c));
                        mistake(span, message, "write a blank, or take it out")
                    }
                    c => mistake(span, format!("`{c}` means nothing in Rego"), "take it out, or put it into a text"),
                })
            }
            message if message.starts_with("invalid character in string") || message.starts_with("unmatched") => {
                let inside = self.text[start..].strip_prefix('"').unwrap_or_default();
                let stop = inside.find(|c: char| c.is_control()).unwrap_or(inside.len());
                match inside[stop..].chars().next().filter(|c| *c != '\n' && *c != '\r') {
                    Some(c) => {
                        let at = start + 1 + stop;
                        let help = format!("write it as `\\u{:04x}`", u32::from(c));
                        Some(mistake((at..at + c.len_utf8()).into(), "a text has no control characters", help))
                    }
                    None if inside.is_empty() => {
                        Some(mistake(quoted, "this text is not closed", "close it with a backtick"))
                    }
                    None => Some(mistake(
                        quoted,
                        "this text is not closed",
                        "close it with `\"`; text of several lines stands between backticks",
                    )),
                }
            }
            "invalid escape sequence" | "invalid hex escape sequence" => {
                let (at, escape) = bad_escape(&self.text[quoted.start..quoted.end])?;
                let at = quoted.start + at;
                let help = format!(
                    "write `\\{escape}`, or put the text between backticks, where a backslash stands for itself"
                );
                let message = format!("`{escape}` is no escape sequence");
                Some(mistake((at..at + escape.len()).into(), message, help))
            }
            message if message.starts_with("invalid number") => Some(mistake(
                self.span,
                "this is not a number that 64 bits hold",
                "write it with fewer digits, or as text",
            )),
            _ => None,
        }
    }

    /// Words and signs of other languages.
    fn word(&self) -> Option<Mistake> {
        let (word, span) = self.before(0)?;
        let (previous, at) = self.before(1).unwrap_or_default();
        for (sign, help) in [("&", AND), ("|", OR)] {
            if word == sign && previous == sign {
                return Some(mistake((at.start..span.end).into(), format!("`{sign}{sign}` is not Rego"), help));
            }
        }
        if word == previous && matches!(word, "in" | "if" | "contains" | "some" | "not" | ":=" | "=" | "==" | ",") {
            return Some(mistake(span, format!("`{word}` stands here twice"), "take one of them out"));
        }
        if matches!(word, ":=" | "=") {
            let rest = self.text[self.next_token(span.end)..].chars().next();
            if rest.is_none_or(|c| matches!(c, '}' | ']' | ')' | ',' | ';')) {
                return Some(mistake(span, format!("nothing stands behind `{word}`"), "write the value behind it"));
            }
        }
        let same_line = self.text.get(at.end..span.start).is_some_and(|between| !between.contains('\n'));
        match (word, previous) {
            ("and", _) => Some(mistake(span, "`and` is not Rego", AND)),
            ("or", _) => Some(mistake(span, "`or` is not Rego", OR)),
            (_, "elif") => Some(mistake(at, "`elif` is not Rego", "write `else := … if { … }`, or a second rule")),
            (name, "for" | "foreach") if same_line => {
                let help = format!("write `some {name} in …`; the rule then holds for every one it finds");
                Some(mistake(at, format!("`{previous}` is not Rego"), help))
            }
            (_, "return") if same_line => {
                Some(mistake(at, "`return` is not Rego", "give the head the value: `f(x) := value if { … }`"))
            }
            (":=" | "=", name) if self.before(2).is_some_and(|(text, _)| text == "some") => {
                let help = format!("write `some {name} in …` for each element, or `{name} := …` for one value");
                Some(mistake((self.before(2)?.1.start..span.end).into(), "`some` gives no value", help))
            }
            _ => None,
        }
    }

    /// Rego v0.
    fn old(&self, module: &Module) -> Option<Mistake> {
        let is_body = self.message.contains("`if` keyword is required");
        if !is_body && !self.message.contains("`contains` keyword is required") {
            return None;
        }
        let start = self.line_start(self.span.start);
        let head = match self.text[start..self.span.start].trim() {
            // The brace stands in a line of its own.
            "" if start > 0 => self.text[self.line_start(start - 1)..start].trim(),
            head => head,
        };
        let head = head.trim_start_matches('}').trim();
        let head = match head.split_once('[').and_then(|(name, key)| Some((name, key.strip_suffix(']')?))) {
            Some((name, key)) if !name.contains(['(', ' ']) => format!("{name} contains {key}"),
            _ => head.to_owned(),
        };
        let instead = if is_body { format!("{head} if {{") } else { head };
        // Fences are Rego v1.
        let path = module.prose.is_empty().then(|| module.file.path().to_owned());
        let missing = if is_body { "if" } else { "contains" };
        let kind = PolicyError::OldSyntax { missing, instead, path };
        Some(Mistake { kind, span: self.span, other: None })
    }

    /// Statements that stand where they may not, or lack something.
    fn statement(&self) -> Option<Mistake> {
        let message = self.message;
        if message.contains("Missing package declaration") {
            const HELP: &str = "begin it with `package`, named after what it is about: `package shop.checkout`";
            let message =
                if self.tokens.is_empty() { "this file is empty" } else { "this file does not begin with `package`" };
            return Some(mistake(self.span, message, HELP));
        }
        if message == "unexpected keyword `import`" {
            return Some(mistake(self.span, "an import below a rule", "move it up, below `package`"));
        }
        if message == "unexpected keyword `package`" {
            let help = "a file has one package: put what follows into a file of its own";
            return Some(mistake(self.span, "a second `package`", help));
        }
        if let Some(word) = message.strip_prefix("unexpected keyword ") {
            return Some(mistake(self.span, format!("{word} is a keyword"), "choose another name"));
        }
        if self.before(1).is_some_and(|(text, _)| text == "import") {
            let help = "write the path of a package or a rule: `import data.shop.helpers`";
            return Some(mistake(self.span, "an import needs a path", help));
        }
        if message.contains("Failed to parse `every` statement") {
            let every = self.tokens.iter().rev().find(|token| token.text == "every")?;
            let help = "write `every x in … { … }`, with what must be true of each between the braces";
            return Some(mistake(every.span, "this `every` is not complete", help));
        }
        if message == "rule must have a body or assignment" {
            return self.no_rule();
        }
        if message == "else cannot be used with set rules" && self.starts_with("{") {
            let help = "write the head of the rule once more before it";
            return Some(mistake(self.span, "a second body of a rule that makes a set is not supported here", help));
        }
        if let (Some((".", dot)), Some((_, name))) = (self.before(0), self.before(1))
            && self.text[name.end..dot.start].contains('\n')
        {
            let help = "write it on one line, or give its beginning a name with `:=`";
            return Some(mistake(dot, "a reference that goes on in the next line is not supported here", help));
        }
        None
    }

    /// A name where a rule should be.
    fn no_rule(&self) -> Option<Mistake> {
        const CONTAINS: usize = 2;
        let (name, at) = self.before(0)?;
        let misspelt = |word: &str, at: Span| {
            let near = if strsim::damerau_levenshtein(word, "contains") <= CONTAINS {
                "contains"
            } else if matches!(word.to_ascii_lowercase().as_str(), "if" | "iff" | "when" | "where" | "fi" | "unless") {
                "if"
            } else {
                return None;
            };
            Some(mistake(at, format!("`{word}` is no keyword"), format!("did you mean `{near}`?")))
        };
        let is_first = self.text[self.line_start(at.start)..at.start].trim().is_empty();
        if !is_first {
            let help = "begin a line for every rule, and put conditions behind `if`";
            return Some(misspelt(name, at).unwrap_or_else(|| mistake(at, "the rule before this is complete", help)));
        }
        let end = self.line_end(at.start);
        let next = self.tokens.iter().find(|token| token.span.start >= at.end && token.span.start < end);
        let Some(next) = next else {
            let help = format!("write `{name} := …`, or `{name} if …`");
            return Some(mistake(at, format!("`{name}` has neither a value nor a condition"), help));
        };
        if next.kind == Kind::Word
            && let Some(mistake) = misspelt(next.text, next.span)
        {
            return Some(mistake);
        }
        let help = match name.split('_').next() {
            Some("holds") => format!("write `{name} if …`"),
            Some("violation" | "deny" | "warn" | "subjects") => format!("write `{name} contains … if …`"),
            _ => format!("write `{name} if …`, or `{name} contains … if …`"),
        };
        Some(mistake(next.span, format!("neither `if` nor `contains` stands behind `{name}`"), help))
    }

    /// Brackets that are not closed, or close nothing.
    fn bracket(&self) -> Option<Mistake> {
        let mut open: Vec<(char, Span)> = Vec::new();
        let unclosed = |(bracket, span): (char, Span), other| {
            let help = format!("close it with `{}`", closing(bracket));
            Mistake { other, ..mistake(span, format!("this `{bracket}` is not closed"), help) }
        };
        for token in self.tokens.iter().filter(|token| token.kind != Kind::Text) {
            // `set(` is one token.
            match token.text.chars().last()? {
                bracket @ ('(' | '[' | '{') => open.push((bracket, token.span)),
                bracket @ (')' | ']' | '}') => match open.pop() {
                    None => {
                        let message = format!("this `{bracket}` closes nothing");
                        return Some(mistake(token.span, message, "take it out"));
                    }
                    Some(one) if closing(one.0) != bracket => {
                        return Some(unclosed(one, Some(("this closes another one", token.span))));
                    }
                    Some(_) => {}
                },
                _ => {}
            }
        }
        let one =
            open.pop().filter(|(_, span)| span.start < self.span.start && self.message.contains("expecting `"))?;
        Some(unclosed(one, None))
    }

    /// Two values side by side.
    fn comma(&self) -> Option<Mistake> {
        let is_list = ["while parsing object", "while parsing set", "while parsing array", "while parsing call expr"]
            .iter()
            .any(|context| self.message.ends_with(context));
        let at = self.tokens.iter().find(|token| token.span.start == self.span.start)?;
        let is_value =
            at.kind != Kind::Other || at.text.starts_with(|c: char| c.is_ascii_digit() || c == '{' || c == '[');
        let is_keyword = matches!(at.text, "if" | "in" | "contains" | "every" | "some" | "not" | "else");
        (is_list && is_value && !is_keyword).then(|| {
            mistake(at.span, "a comma is missing before this", "elements, fields and arguments stand between commas")
        })
    }

    /// Whatever else.
    fn anything(&self) -> Mistake {
        let found = self.found();
        let message =
            if let Some(wanted) = self.message.strip_prefix("expecting `").and_then(|rest| rest.split_once('`')) {
                format!("`{}` should stand here, not {found}", wanted.0)
            } else if self.message.starts_with("expecting expression") {
                format!("a value should stand here, not {found}")
            } else if self.message.starts_with("expecting identifier")
                || self.message.contains("while expecting identifier")
            {
                format!("a name should stand here, not {found}")
            } else if self.message == "expecting EOF" {
                format!("the query should end before {found}, or go on behind a `;`")
            } else {
                lower(self.message)
            };
        Mistake { kind: PolicyError::Syntax { message, help: None }, span: self.span, other: None }
    }
}

fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// The first escape of a quoted text that is none, and where.
fn bad_escape(quoted: &str) -> Option<(usize, &str)> {
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            continue;
        }
        let (next, escaped) = chars.next()?;
        let end = next + escaped.len_utf8();
        let is_escape = match escaped {
            '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => true,
            'u' => quoted.get(end..end + 4).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())),
            _ => false,
        };
        if !is_escape {
            return Some((at, &quoted[at..end]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{policy::syntax, source::SourceFile};

    const POLICY: &str = r#"# Größe "x
	package shop["a b"]

import data.lib as l

default holds := false

violation contains {"msg": "größer", `k`: [1, -2.5e3]} if {
	some i, e in input.a["b"]
	not l.f(e.c) # why
	every x in e { x > 3 }
}

level := "\u00e9" if { a == {1} | set() } else := 2 if a
"#;

    /// Whatever is taken out, put in or cut off: an error has words and stands in the text.
    fn assert_said(text: &str) {
        let module = Module::of_file(SourceFile::new("p.rego", text), false);
        if let Err(error) = syntax::parse(module) {
            let place = error.place.as_ref().unwrap();
            assert!(text.get(place.span.range()).is_some(), "{place:?} in {text:?}");
            let said = error.to_string();
            assert!(!said.is_empty() && !said.contains("module-0") && !said.contains('\n'), "{said:?} of {text:?}");
        }
    }

    #[test]
    fn without_a_mistake_it_is_rego() {
        let module = Module::of_file(SourceFile::new("p.rego", POLICY), false);
        assert!(syntax::parse(module).is_ok());
    }

    proptest! {
        #[test]
        fn every_mistake_has_a_place_and_words(
            at in 0..POLICY.len(),
            out in 0_usize..4,
            put in prop::sample::select(vec![
                "", "\"", "`", "'", "\\", "$\"", "&&", "||", "!", "?", "≥", "“", "\u{a0}", "\u{1b}", "\0", "(", ")", "{", "}", "[",
                "]", ",", ";", "\n", "\r\n", "if ", "in ", " for x ", " and ", "iff", "import ", "package ", "some x := ", "every ",
                ":=", "=", "1e999", "0x", "\\u12", "return ", "elif ", "contain ", "else ", ". ", "#",
            ]),
            cut in any::<bool>(),
        ) {
            let start = (0..=at).rev().find(|at| POLICY.is_char_boundary(*at)).unwrap_or(0);
            let end = (start + out..=POLICY.len()).find(|at| POLICY.is_char_boundary(*at)).unwrap_or(POLICY.len());
            let rest = if cut { "" } else { &POLICY[end..] };
            assert_said(&format!("{}{put}{rest}", &POLICY[..start]));
        }
    }
}
