//! Rego in Markdown: the fences of a document as modules, every byte of which leads back to the document.
//!
//! Two habits of people decide what is more than CommonMark here. Renderers ignore the case of a language, so `Rego`
//! is `rego`. And a fence that someone forgot to close takes the policies after it out of sight, so it is an error
//! instead of an assumption less.

use std::{collections::HashMap, ops::Range, sync::LazyLock};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

use super::{
    Module, PolicyError,
    annotation::{self, Found},
    module::Prose,
    tokens::Tokens,
};
use crate::{
    model::{Path, Segment},
    source::{At, Place, SourceFile, Span},
};

/// The modules of a Markdown file: one of each package, in the order in which the file names them, and one of each
/// test. What is wrong with the fences goes into the errors.
pub(crate) fn modules(file: &SourceFile, errors: &mut Vec<At<PolicyError>>) -> Vec<Module> {
    let mut packages: Vec<Package> = Vec::new();
    // The package named last, which the blocks after it continue.
    let mut current: Option<usize> = None;
    // Whether the first block was an error: those that continue it are none of their own.
    let mut is_lost = false;
    for fence in fences(file, errors) {
        let is_test = match fence.role {
            Role::Policy => false,
            Role::Test => true,
            Role::Example => continue,
        };
        let Head { package, metadata, imports, mut stray } = Head::of(&fence.module(file), errors);
        // A `package` further down was meant to be the name, and is an error already.
        is_lost |= package.is_none() && !stray.is_empty() && !is_test;
        let known = match &package {
            _ if is_test => None,
            Some(package) => packages.iter().position(|known| !known.is_test && known.names == package.names),
            None => current,
        };
        if let Some(known) = known {
            packages[known].check_repeated(&metadata, &imports, errors);
            stray.extend(package.map(|package| package.span));
            stray.extend(imports.into_iter().map(|(span, _)| span));
            packages[known].parts.push(Part { fence, cuts: stray });
            current = Some(known);
        } else if let Some(Statement { names, place, .. }) = package {
            if !is_test {
                current = Some(packages.len());
            }
            let metadata = metadata.into_iter().next();
            packages.push(Package { names, place, metadata, is_test, parts: vec![Part { fence, cuts: stray }] });
        } else if stray.is_empty() && (is_test || !is_lost) {
            is_lost |= !is_test;
            let example = current.map_or_else(|| "checkout.calls".to_owned(), |known| packages[known].name());
            errors.push(At::new(PolicyError::NoPackage { is_test, example }, file.at(fence.info)));
        }
    }
    let modules: Vec<_> = packages.into_iter().map(|package| assemble(file, package)).collect();
    errors.extend(modules.iter().filter_map(Module::nul));
    modules
}

/// What a fence of Rego is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Policy,
    Test,
    Example,
}

/// A fence of Rego.
#[derive(Debug, Clone)]
struct Fence {
    role: Role,
    /// Its info string in the file.
    info: Span,
    /// The line that opens it, from 1.
    opening: usize,
    lines: Vec<Line>,
    heading: Option<Heading>,
    paragraph: Option<String>,
}

/// A line of a fence's content.
#[derive(Debug, Clone)]
struct Line {
    /// From 1.
    number: usize,
    /// So many columns of a tab before it belong to the content, as spaces.
    pad: usize,
    /// Where that tab stands.
    tab: usize,
    /// What stands in the file, without the line's end.
    at: Span,
}

#[derive(Debug, Clone)]
struct Heading {
    text: String,
    anchor: String,
}

/// The blocks of one package, or one test.
struct Package {
    names: Vec<String>,
    place: Place,
    /// The METADATA block above its first `package`.
    metadata: Option<Place>,
    is_test: bool,
    parts: Vec<Part>,
}

/// A block and what of its text is left out.
struct Part {
    fence: Fence,
    cuts: Vec<Range<usize>>,
}

impl Package {
    fn name(&self) -> String {
        Path::new(self.names.iter().cloned().map(Segment::Key).collect()).to_string()
    }

    /// What a block must not have that continues the package.
    fn check_repeated(&self, metadata: &[Place], imports: &[(Range<usize>, Place)], errors: &mut Vec<At<PolicyError>>) {
        for place in metadata {
            let error = PolicyError::RepeatedMetadata { package: self.name(), second: self.metadata.is_some() };
            let error = At::new(error, place.clone());
            errors.push(match &self.metadata {
                Some(first) => error.and("the first METADATA block", first.clone()),
                None => error.and("the package is first named here", self.place.clone()),
            });
        }
        for (_, place) in imports {
            let error = At::new(PolicyError::ImportElsewhere { package: self.name() }, place.clone());
            errors.push(error.and("the package is first named here", self.place.clone()));
        }
    }
}

impl Fence {
    /// Its content alone.
    fn module(&self, file: &SourceFile) -> Module {
        let mut draft = Draft::new(file);
        for line in &self.lines {
            draft.push(line, 0..line.len());
            draft.end_line(line.at.end);
        }
        draft.finish(self.role == Role::Test, Vec::new())
    }
}

impl Line {
    fn len(&self) -> usize {
        self.pad + self.at.end - self.at.start
    }
}

/// What a block says of its package.
#[derive(Debug)]
struct Head {
    package: Option<Statement>,
    /// METADATA blocks above it.
    metadata: Vec<Place>,
    imports: Vec<(Range<usize>, Place)>,
    /// `package` statements after something else.
    stray: Vec<Range<usize>>,
}

/// A `package` statement.
#[derive(Debug)]
struct Statement {
    names: Vec<String>,
    span: Range<usize>,
    place: Place,
}

impl Head {
    /// Reads the statements of a fence; `package` and `import` are keywords, so outside of brackets and paths nothing
    /// else has their names.
    fn of(module: &Module, errors: &mut Vec<At<PolicyError>>) -> Self {
        let tokens = Tokens::of(&module.text);
        let mut head = Self { package: None, metadata: Vec::new(), imports: Vec::new(), stray: Vec::new() };
        let mut depth = 0_usize;
        let mut index = 0;
        while let Some((token, text)) = tokens.at(index) {
            let start = token.span.start;
            let in_path = index > 0 && tokens.at(index - 1).is_some_and(|(_, before)| before == ".");
            match text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                "package" | "import" if depth == 0 && !in_path && tokens.is_word(index, text) => {
                    let (names, mut next) = tokens.path(index + 1);
                    if text == "import" && tokens.is_word(next, "as") {
                        next = (next + 2).min(tokens.len());
                    }
                    let end = tokens.at(next - 1).map_or(start, |(last, _)| last.span.end);
                    let span = start..end;
                    let place = module.place(span.clone());
                    if text == "import" {
                        head.imports.push((span, place));
                    } else if index == 0 {
                        head.package = Some(Statement { names, span, place });
                    } else {
                        errors.push(At::new(PolicyError::PackageNotFirst, place));
                        head.stray.push(span);
                    }
                    index = next;
                    continue;
                }
                _ => {}
            }
            index += 1;
        }
        if let Some(package) = &head.package {
            head.metadata = annotation::scan(&module.text, &tokens)
                .into_iter()
                .filter_map(|found| match found {
                    Found::Block(block) if block.span.end <= package.span.start => Some(module.place(block.span)),
                    _ => None,
                })
                .collect();
        }
        head
    }
}

/// Text that grows with what leads it back to the file.
struct Draft<'f> {
    file: &'f SourceFile,
    text: String,
    runs: Vec<(usize, usize)>,
    /// The number of line ends.
    lines: usize,
}

impl<'f> Draft<'f> {
    fn new(file: &'f SourceFile) -> Self {
        Self { file, text: String::new(), runs: Vec::new(), lines: 0 }
    }

    /// Appends text that stands at a byte of the file.
    fn append(&mut self, text: &str, at: usize) {
        let follows =
            self.runs.last().is_some_and(|(start, file)| Some(self.text.len() - start) == at.checked_sub(*file));
        if !follows {
            self.runs.push((self.text.len(), at));
        }
        self.text.push_str(text);
    }

    /// Appends some bytes of a line.
    fn push(&mut self, line: &Line, range: Range<usize>) {
        for _ in range.start.min(line.pad)..range.end.min(line.pad) {
            // The columns of a tab share its byte.
            self.append(" ", line.tab);
        }
        let start = line.at.start + range.start.saturating_sub(line.pad);
        let end = line.at.start + range.end.saturating_sub(line.pad);
        if start < end {
            self.append(self.file.slice(Span { start, end }), start);
        }
    }

    fn end_line(&mut self, at: usize) {
        self.append("\n", at);
        self.lines += 1;
    }

    /// Empty lines up to a line, counted from 1.
    fn skip_to(&mut self, line: usize) {
        while self.lines + 1 < line {
            let end = self.file.line(self.lines + 1).end;
            self.end_line(end);
        }
    }

    fn finish(mut self, is_test: bool, prose: Vec<Prose>) -> Module {
        if self.runs.is_empty() {
            self.runs.push((0, 0));
        }
        Module::of_fences(self.file.clone(), self.text, is_test, self.runs, prose)
    }
}

/// The file with every line emptied that is none of the package's. What follows its last block is left out, so that
/// the end of the module is the end of that block.
fn assemble(file: &SourceFile, package: Package) -> Module {
    let mut draft = Draft::new(file);
    let mut prose = Vec::new();
    for Part { fence, cuts } in package.parts {
        draft.skip_to(fence.opening + 1);
        let mut start = None;
        let mut end = draft.text.len();
        // Where the line starts in the fence's own text, of which the cuts speak.
        let mut own = 0;
        for line in &fence.lines {
            draft.skip_to(line.number);
            start.get_or_insert(draft.text.len());
            for range in kept(file, line, own, &cuts) {
                draft.push(line, range);
            }
            own += line.len() + 1;
            end = draft.text.len();
            draft.end_line(line.at.end);
        }
        prose.push(Prose {
            span: Span { start: start.unwrap_or(end), end },
            info: fence.info,
            heading: fence.heading.as_ref().map(|heading| heading.text.clone()),
            anchor: fence.heading.map(|heading| heading.anchor),
            paragraph: fence.paragraph,
        });
    }
    draft.finish(package.is_test, prose)
}

/// The parts of a line that no cut takes; nothing if only a comment is left, which spoke of what was cut.
fn kept(file: &SourceFile, line: &Line, own: usize, cuts: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut at = 0;
    let mut cuts: Vec<_> = cuts.iter().filter(|cut| cut.start < own + line.len() && cut.end > own).collect();
    cuts.sort_by_key(|cut| cut.start);
    if cuts.is_empty() {
        ranges.push(0..line.len());
        return ranges;
    }
    for cut in cuts {
        ranges.push(at..cut.start.saturating_sub(own).max(at));
        at = at.max((cut.end - own).min(line.len()));
    }
    ranges.push(at..line.len());
    let text = " ".repeat(line.pad) + file.slice(line.at);
    let rest: String = ranges.iter().filter_map(|range| text.get(range.clone())).collect();
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') { Vec::new() } else { ranges }
}

/// The fences of Rego in a file, as CommonMark sees them.
fn fences(file: &SourceFile, errors: &mut Vec<At<PolicyError>>) -> Vec<Fence> {
    let text = file.text();
    let base = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let text = &text[base..];
    let mut reader = Reader {
        file,
        errors,
        front: base + front_matter(text),
        fences: Vec::new(),
        open: None,
        title: None,
        heading: None,
        above: None,
        images: 0,
        anchors: HashMap::new(),
    };
    // None of these changes where a fence stands; they keep tables, boxes and marks out of the prose.
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_GFM;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        reader.read(event, range.start + base..range.end + base);
    }
    reader.fences
}

/// The length of the YAML that site generators keep at the start of a file, which CommonMark takes for a heading.
fn front_matter(text: &str) -> usize {
    let mut lines = text.split_inclusive('\n');
    let mut length = match lines.next() {
        Some(first) if first.trim_end() == "---" => first.len(),
        _ => return 0,
    };
    for (index, line) in lines.enumerate() {
        length += line.len();
        match line.trim_end() {
            // A rule, as people draw it, has an empty line below.
            "" if index == 0 => return 0,
            "---" | "..." => return length,
            _ => {}
        }
    }
    0
}

/// Goes through the document from above, and remembers what the prose said last.
struct Reader<'a> {
    file: &'a SourceFile,
    errors: &'a mut Vec<At<PolicyError>>,
    /// Where the front matter ends.
    front: usize,
    fences: Vec<Fence>,
    open: Option<Code>,
    /// The heading being read: as text, and as what its anchor is made of.
    title: Option<(String, String)>,
    /// The nearest heading above.
    heading: Option<Heading>,
    /// The paragraph directly above, as far as it was read.
    above: Option<String>,
    /// How many images the text stands in: what they show instead is no prose.
    images: usize,
    anchors: HashMap<String, usize>,
}

/// A code block being read.
struct Code {
    block: Range<usize>,
    /// `None` of an indented block.
    info: Option<String>,
    /// The columns of a tab at the start of the next line, and the tab.
    pad: (usize, usize),
    lines: Vec<Line>,
}

impl Reader<'_> {
    fn read(&mut self, event: Event, range: Range<usize>) {
        if let Some(code) = &mut self.open {
            match event {
                Event::Text(text) => code.text(self.file, &text, range),
                Event::End(TagEnd::CodeBlock) => self.close(),
                _ => {}
            }
            return;
        }
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => Some(info.into_string()),
                    CodeBlockKind::Indented => None,
                };
                self.open = Some(Code { block: range, info, pad: (0, 0), lines: Vec::new() });
            }
            Event::Start(Tag::Heading { .. }) => {
                self.above = None;
                self.title = Some(Default::default());
            }
            Event::End(TagEnd::Heading(_)) => {
                let title = self.title.take().filter(|_| range.start >= self.front);
                if let Some((text, raw)) = title {
                    let anchor = self.anchor(&raw);
                    let text = squeezed(&text);
                    if !text.is_empty() {
                        self.heading = Some(Heading { text, anchor });
                    }
                }
            }
            Event::Start(Tag::Paragraph) => self.above = Some(String::new()),
            Event::Start(Tag::Image { .. }) => self.images += 1,
            Event::End(TagEnd::Image) => self.images = self.images.saturating_sub(1),
            Event::Text(text) | Event::Code(text) => self.say(&text, &text),
            Event::SoftBreak | Event::HardBreak => self.say(" ", ""),
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. })
            | Event::End(
                TagEnd::Emphasis
                | TagEnd::Strong
                | TagEnd::Strikethrough
                | TagEnd::Link
                | TagEnd::Paragraph
                | TagEnd::HtmlBlock,
            )
            | Event::InlineHtml(_)
            | Event::TaskListMarker(_)
            | Event::Html(_) => {}
            Event::Start(Tag::HtmlBlock) => {
                // A comment, as linters and this tool leave them, is not seen and stands between nothing.
                let html = self.file.slice(range.into()).trim();
                if !(html.starts_with("<!--") && html.ends_with("-->")) {
                    self.above = None;
                }
            }
            _ => self.above = None,
        }
    }

    /// Text of a heading or of a paragraph; the items of tight lists have theirs without a paragraph around it.
    fn say(&mut self, text: &str, raw: &str) {
        if self.images > 0 {
            return;
        }
        match &mut self.title {
            Some((title, anchor)) => {
                title.push_str(text);
                anchor.push_str(raw);
            }
            None => self.above.get_or_insert_default().push_str(text),
        }
    }

    /// The anchor that GitHub gives a heading; the n-th further one of the same text ends with `-n`.
    fn anchor(&mut self, text: &str) -> String {
        static REMOVED: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\- ]").expect("the expression is a constant")
        });
        let plain = REMOVED.replace_all(&text.to_lowercase(), "").replace(' ', "-");
        let mut anchor = plain.clone();
        while self.anchors.contains_key(&anchor) {
            let count = self.anchors.entry(plain.clone()).or_default();
            *count += 1;
            anchor = format!("{plain}-{count}");
        }
        self.anchors.insert(anchor.clone(), 0);
        anchor
    }

    /// The end of a code block.
    fn close(&mut self) {
        let paragraph = self.above.take().map(|text| squeezed(&text)).filter(|text| !text.is_empty());
        let Some(Code { block, info: Some(info), lines, .. }) = self.open.take() else { return };
        let opening = Opening::of(self.file, &block, &info);
        let content = lines.last().map_or(opening.line.end, |line| line.at.end);
        let is_closed = self.file.slice((content..block.end).into()).contains(opening.mark());
        let role = role(&info);
        let is_rego = !matches!(role, Ok(None));
        let mark = opening.marks.clone();
        let hidden = lines.iter().find(|line| opening.would_open_rego(self.file.slice(line.at), is_closed));
        if let Some(hidden) = hidden {
            let error = At::new(PolicyError::SwallowedFence { mark }, self.file.at(opening.line));
            self.errors.push(error.and("the fence inside", self.file.at(hidden.at)));
        } else if is_rego && !is_closed {
            self.errors.push(At::new(PolicyError::UnclosedFence { mark }, self.file.at(opening.line)));
        }
        match role {
            Ok(Some(role)) => self.fences.push(Fence {
                role,
                info: opening.info,
                opening: self.file.line_column(block.start).0,
                lines,
                heading: self.heading.clone(),
                paragraph,
            }),
            Ok(None) => {}
            Err((error, word)) => {
                // What stands in the file may be written with escapes; then the whole info string is the place.
                let span = if self.file.slice(opening.info) == info {
                    Span { start: opening.info.start + word.start, end: opening.info.start + word.end }
                } else {
                    opening.info
                };
                self.errors.push(At::new(error, self.file.at(span)));
            }
        }
    }
}

/// Text in one line with single spaces.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Code {
    /// Some content. A tab that reaches into it arrives as spaces which stand nowhere in the file.
    fn text(&mut self, file: &SourceFile, text: &str, range: Range<usize>) {
        if range.is_empty() {
            self.pad = (text.len(), range.start.saturating_sub(1));
            return;
        }
        let mut start = range.start;
        for piece in file.slice(range.into()).split_inclusive('\n') {
            let end = start + piece.strip_suffix('\n').map_or(piece.len(), str::len);
            let number = file.line_column(start).0;
            // The end of a line with a carriage return comes on its own, and is no line.
            if self.lines.last().is_none_or(|line| line.number != number) {
                let (pad, tab) = std::mem::take(&mut self.pad);
                self.lines.push(Line { number, pad, tab, at: Span { start, end } });
            }
            start += piece.len();
        }
    }
}

/// The line that opens a fence.
struct Opening {
    /// Its backticks or tildes.
    marks: String,
    /// From the first of them to the end of the info string.
    line: Span,
    /// The info string.
    info: Span,
}

impl Opening {
    fn of(file: &SourceFile, block: &Range<usize>, info: &str) -> Self {
        let text = file.slice(block.clone().into()).lines().next().unwrap_or_default().trim_end();
        let mark = text.chars().next().unwrap_or('`');
        let marks: String = text.chars().take_while(|c| *c == mark).collect();
        let start = text.len() - text[marks.len()..].trim_start().len();
        let line = Span { start: block.start, end: block.start + text.len() };
        // Without an info string the marks themselves are what one can point at.
        let info = if info.is_empty() { line } else { Span { start: block.start + start, end: line.end } };
        Self { marks, line, info }
    }

    fn mark(&self) -> char {
        self.marks.chars().next().unwrap_or('`')
    }

    /// Whether a line inside looks like the start of a fence of Rego. It may be shown inside another mark or a
    /// longer one, unless that is never closed.
    fn would_open_rego(&self, line: &str, is_closed: bool) -> bool {
        let line = line.trim_start_matches([' ', '\t', '>']);
        let Some(mark @ ('`' | '~')) = line.chars().next() else { return false };
        let info = line.trim_start_matches(mark);
        let length = line.len() - info.len();
        let is_shown = is_closed && (mark != self.mark() || length < self.marks.len());
        length >= 3 && !is_shown && matches!(role(info.trim()), Ok(Some(_)) | Err(_))
    }
}

/// What the info string of a fence says: nothing of Rego, or what the fence is for, or what is wrong with which of its
/// bytes. Words with `=` and groups in braces are attributes of site generators.
fn role(info: &str) -> Result<Option<Role>, (PolicyError, Range<usize>)> {
    if let Some(attributes) = info.strip_prefix('{') {
        // Pandoc's way of writing a language.
        let first = attributes.trim_start().split([' ', '\t', '}']).next().unwrap_or_default();
        let is_rego = first.strip_prefix('.').unwrap_or(first).eq_ignore_ascii_case("rego");
        return if is_rego { Err((PolicyError::FenceAttributes, 0..info.len())) } else { Ok(None) };
    }
    let end = info.find([' ', '\t', '{', ',', ':', ';']).unwrap_or(info.len());
    if !info[..end].eq_ignore_ascii_case("rego") {
        return Ok(None);
    }
    let mut role = None;
    for word in words(info, end) {
        role = match &info[word.clone()] {
            "test" if role.is_none() => Some(Role::Test),
            "example" if role.is_none() => Some(Role::Example),
            other => {
                let word_only = other.trim_start_matches([',', ':', ';']);
                return Err((PolicyError::UnknownFence { word: word_only.to_owned() }, word));
            }
        };
    }
    Ok(Some(role.unwrap_or(Role::Policy)))
}

/// The words of an info string from a byte on that are no attributes.
fn words(info: &str, from: usize) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = from;
    while let Some(skipped) = info[at..].find(|c: char| !c.is_whitespace()) {
        let start = at + skipped;
        let mut is_attribute = false;
        // What closes the braces or the quoted value in which spaces do not end the word.
        let mut closing = None;
        let mut before = ' ';
        let end = info[start..].find(|c: char| {
            let ends = closing.is_none() && c.is_whitespace();
            match closing {
                Some(mark) if mark == c => closing = None,
                None if c == '{' => closing = Some('}'),
                None if before == '=' && matches!(c, '"' | '\'') => closing = Some(c),
                _ => {}
            }
            is_attribute |= matches!(c, '=' | '{');
            before = c;
            ends
        });
        at = end.map_or(info.len(), |end| start + end);
        if !is_attribute {
            words.push(start..at);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::rendered;

    fn read(text: &str) -> (Vec<Module>, Vec<At<PolicyError>>) {
        let mut errors = Vec::new();
        let modules = modules(&SourceFile::new("docs/arch.md", text), &mut errors);
        check_places(&modules);
        (modules, errors)
    }

    /// The modules of a document without errors.
    fn good(text: &str) -> Vec<Module> {
        let (modules, errors) = read(text);
        assert!(errors.is_empty(), "{}", rendered(&errors));
        modules
    }

    fn bad(text: &str) -> String {
        let (_, errors) = read(text);
        assert!(!errors.is_empty(), "{text}");
        rendered(&errors)
    }

    /// Every character of a module leads back to itself, a tab's columns to the tab; lines keep their numbers.
    fn check_places(modules: &[Module]) {
        for module in modules {
            for (at, c) in module.text.char_indices().filter(|(_, c)| *c != '\n') {
                let place = module.place(at..at + c.len_utf8());
                let there = module.file.slice(place.span);
                assert!(there == c.to_string() || (c == ' ' && there == "\t"), "{c:?} leads to {there:?}");
                let line = module.text[..at].matches('\n').count() + 1;
                assert_eq!(module.file.line_column(place.span.start).0, line);
            }
            for prose in &module.prose {
                assert!(module.text.get(prose.span.start..prose.span.end).is_some());
            }
        }
    }

    fn texts(text: &str) -> Vec<String> {
        good(text).into_iter().map(|module| module.text).collect()
    }

    #[test]
    fn the_first_word_decides_and_the_second() {
        let shown = |info: &str| {
            let (modules, errors) = read(&format!("```{info}\npackage a\n```\n"));
            match (&modules[..], &errors[..]) {
                ([module], []) if module.is_test => "test".to_owned(),
                ([_], []) => "policy".to_owned(),
                ([], []) => "nothing".to_owned(),
                (_, [error]) => {
                    let place = error.place.clone().unwrap();
                    format!("{error} at {:?}", place.file.slice(place.span))
                }
                other => panic!("{other:?}"),
            }
        };
        for (info, what) in [
            ("rego", "policy"),
            (" rego ", "policy"),
            ("Rego", "policy"),
            ("REGO title=\"x\"", "policy"),
            ("rego title=\"two words\" hl_lines='1 2'", "policy"),
            ("rego {linenos=true, hl_lines=[1, 2]}", "policy"),
            ("rego{1,3-4}", "policy"),
            ("rego {1, 3}", "policy"),
            ("rego {.test}", "policy"),
            ("rego test", "test"),
            ("rego\ttest", "test"),
            ("rego title=\"a\" test", "test"),
            ("rego{1} test {2}", "test"),
            ("rego example", "nothing"),
            ("rego example title=\"x\"", "nothing"),
            ("", "nothing"),
            ("text", "nothing"),
            ("text rego", "nothing"),
            ("regolith", "nothing"),
            ("rego-v0", "nothing"),
            ("{.text}", "nothing"),
            ("{code-block} rego", "nothing"),
            ("r&#101;go", "policy"),
            ("rego tset", "unknown word `tset` at a fence of Rego at \"tset\""),
            ("rego Test", "unknown word `Test` at a fence of Rego at \"Test\""),
            ("rego test example", "unknown word `example` at a fence of Rego at \"example\""),
            ("rego a=1 showLineNumbers", "unknown word `showLineNumbers` at a fence of Rego at \"showLineNumbers\""),
            ("rego,ignore", "unknown word `ignore` at a fence of Rego at \",ignore\""),
            ("rego:a.rego", "unknown word `a.rego` at a fence of Rego at \":a.rego\""),
            ("r&#101;go nonsense", "unknown word `nonsense` at a fence of Rego at \"r&#101;go nonsense\""),
            (
                "{.rego .numberLines}",
                "this fence is shown as Rego but is no policy: its language stands in braces at \"{.rego .numberLines}\"",
            ),
            ("{rego}", "this fence is shown as Rego but is no policy: its language stands in braces at \"{rego}\""),
        ] {
            assert_eq!(shown(info), what, "{info}");
        }
    }

    #[test]
    fn lines_keep_their_numbers_and_others_are_empty() {
        let text = "# Title\n\n```rego\npackage a\n\nx := 1\n```\n\nprose\n\n~~~rego\ny := 2\n~~~\nend\n";
        assert_eq!(texts(text), ["\n\n\npackage a\n\nx := 1\n\n\n\n\n\ny := 2\n"]);
        assert_eq!(texts(&text.replace('\n', "\r\n")), texts(text));
        assert_eq!(texts(&format!("\u{feff}{text}")), texts(text));
        assert_eq!(texts("\u{feff}```rego\npackage a\n```"), ["\npackage a\n"]);
        assert_eq!(texts("no fences"), [""; 0]);
        assert_eq!(texts(""), [""; 0]);
    }

    #[test]
    fn fences_are_those_of_commonmark() {
        for (text, module) in [
            // In lists and quotes, in one another, behind tabs, and in longer marks.
            ("- item\n\n  ```rego\n  package a\n    x := 1\n  ```\n", "\n\n\npackage a\n  x := 1\n"),
            ("1. a\n   - b\n     ```rego\n     package a\n     ```\n", "\n\n\npackage a\n"),
            ("> quote\n> ```rego\n> package a\n>\n> x := 1\n> ```\n", "\n\npackage a\n\nx := 1\n"),
            ("- a\n  > ~~~ rego\n  > package a\n  >   x := 1\n  > ~~~\n", "\n\npackage a\n  x := 1\n"),
            ("> - a\n>\n>   ```rego\n>   package a\n>   ```\n", "\n\n\npackage a\n"),
            ("-\ta\n\n\t```rego\n\tpackage a\n\t\tx := 1\n\t```\n", "\n\n\npackage a\n\tx := 1\n"),
            ("- a\n\n  ```rego\n  package a\n\tx := 1\n  ```\n", "\n\n\npackage a\n  x := 1\n"),
            ("   ```rego\n   package a\n  x := 1\n     y := 1\n   ```\n", "\npackage a\nx := 1\n  y := 1\n"),
            (">```rego\r\n>package a\r\n>\t\r\n>x := 1\r\n>```\r\n", "\npackage a\n  \nx := 1\n"),
            ("````rego\npackage a\n# ```\n````\n", "\npackage a\n# ```\n"),
            ("~~~rego\npackage a\n```\n~~~\n", "\npackage a\n```\n"),
            ("text\n```rego\npackage a\n```\n", "\n\npackage a\n"),
            ("| a |\n|---|\n```rego\npackage a\n```\n", "\n\n\npackage a\n"),
            ("<details>\n\n```rego\npackage a\n```\n\n</details>\n", "\n\n\npackage a\n"),
            ("---\ntitle: x\n---\n```rego\npackage a\n```\n", "\n\n\n\npackage a\n"),
            ("```rego\npackage a\né := \"日本\"\n```\n", "\npackage a\né := \"日本\"\n"),
        ] {
            assert_eq!(texts(text), [module], "{text}");
        }
        for text in [
            "<!--\n```rego\npackage a\n```\n-->\n",
            "    ```rego\n    package a\n    ```\n",
            "<details>\n```rego\npackage a\n```\n</details>\n",
            "````text\n```rego\npackage a\n```\n````\n",
            "~~~text\n```rego\npackage a\n```\n~~~\n",
            "`` ```rego ``\n",
        ] {
            assert_eq!(texts(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn blocks_of_one_package_form_one_module() {
        let text = "```rego\npackage a[\"b-c\"] # why\nimport data.x\nx := 1\n```\n\
                    ```rego\ny := 2\n```\n\
                    ```rego\npackage d\nz := 3\n```\n\
                    ```rego\nw := 4\n```\n\
                    ```rego\n# of a\n\npackage a[\"b-c\"] # again\nv := 5\n```\n";
        assert_eq!(
            texts(text),
            [
                "\npackage a[\"b-c\"] # why\nimport data.x\nx := 1\n\n\ny := 2\n\n\n\n\n\n\n\n\n\n# of a\n\n\nv := 5\n",
                "\n\n\n\n\n\n\n\n\npackage d\nz := 3\n\n\nw := 4\n",
            ]
        );
        // The same package by another spelling, and a statement that shares its line.
        assert_eq!(
            texts("```rego\npackage a.b\n```\n```rego\npackage a[\"b\"]\nx := 1\n```\n"),
            ["\npackage a.b\n\n\n\nx := 1\n"]
        );
        assert_eq!(
            texts("```rego\npackage a\n```\n```rego\npackage\n  a x := 1\n```\n"),
            ["\npackage a\n\n\n\n x := 1\n"]
        );
    }

    #[test]
    fn the_engine_reads_every_module() {
        let text = "- é\n\n  ```rego\n  # METADATA\n  # title: x\n  package a[\"b-c\"]\n  import data.x\n  y := x\n  ```\n\n\
                    > ~~~rego\n> package a[\"b-c\"] # again\n> z := `\n> raw`\n> ~~~\n\n\
                    ```rego test\npackage t\nimport data.a\ntest_x if a\n```\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let modules = good(&text);
            assert_eq!(modules.len(), 2);
            for module in modules {
                regorus::Engine::new().add_policy("docs/arch.md".to_owned(), module.text).unwrap();
            }
        }
    }

    #[test]
    fn tests_are_modules_of_their_own_and_examples_none() {
        let text = "```rego example\nnot even rego (\n```\n\
                    ```rego test\npackage t\nimport data.a\ntest_x if a.x\n```\n\
                    ```rego\npackage a\nx := 1\n```\n\
                    ```rego test\npackage a\nimport data.b\ntest_y if x\n```\n\
                    ```rego\ny := 1\n```\n";
        let modules = good(text);
        let shown: Vec<_> = modules.iter().map(|module| (module.is_test, module.text.trim())).collect();
        assert_eq!(
            shown,
            [
                (true, "package t\nimport data.a\ntest_x if a.x"),
                (false, "package a\nx := 1\n\n\n\n\n\n\n\ny := 1"),
                (true, "package a\nimport data.b\ntest_y if x"),
            ]
        );
    }

    #[test]
    fn strings_and_comments_are_no_statements() {
        let text = "```rego\npackage a\n```\n```rego\n# import data.x\nx := `\nimport data.y\npackage z\n`\n\
                    y := input.package\nz := {\"import\": 1}\nw := input[\"package\"]\n```\n";
        assert_eq!(good(text).len(), 1);
    }

    #[test]
    fn every_fence_knows_its_prose() {
        let text = "# Shop *one*\n\nIntro.\n\nWhy it *matters*, with `code`,\na [link](http://x) and\\\nmore.\n\n\
                    ```rego\npackage a\n```\n\nbetween\n\n- list\n\n```rego\nx := 1\n```\n\n\
                    ## Shop: `one`\n\n<!-- lint off -->\n\n```rego\ny := 1\n```\n```rego\n```\n\n\
                    - tight\n  ```rego\n  z := 1\n  ```\n\n- the\n\n  loose <b>one</b>\n\n  ```rego\n  w := 1\n  ```\n\n\
                    > in a quote ![logo](x.png)\n>\n> ```rego\n> v := 1\n> ```\n";
        let modules = good(text);
        let shown: Vec<_> = modules[0]
            .prose
            .iter()
            .map(|prose| {
                let of = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
                let rego = &modules[0].text[prose.span.start..prose.span.end];
                [rego.to_owned(), of(&prose.heading), of(&prose.anchor), of(&prose.paragraph)].join(" | ")
            })
            .collect();
        assert_eq!(
            shown,
            [
                "package a | Shop one | shop-one | Why it matters, with code, a link and more.",
                "x := 1 | Shop one | shop-one | -",
                "y := 1 | Shop: one | shop-one-1 | -",
                " | Shop: one | shop-one-1 | -",
                "z := 1 | Shop: one | shop-one-1 | tight",
                "w := 1 | Shop: one | shop-one-1 | loose one",
                "v := 1 | Shop: one | shop-one-1 | in a quote",
            ]
        );
        let infos: Vec<_> = modules[0].prose.iter().map(|prose| modules[0].file.slice(prose.info)).collect();
        assert_eq!(infos, ["rego"; 7]);
        let in_y = modules[0].text.find("y :=").unwrap();
        assert_eq!(modules[0].prose_at(in_y).and_then(|prose| prose.anchor.as_deref()), Some("shop-one-1"));
    }

    #[test]
    fn anchors_are_those_of_github() {
        let text = "---\ntitle: front\n---\n\n# A  b\n# A-b!\n# a_b (c) §1.2\n# Ünïcode 日本\n# A  b\n# A  b-1\n\
                    # 🚀 Go\n# Two\\\nlines\n\nSetext\nof two\n===\n\n#\n";
        let mut errors = Vec::new();
        let file = SourceFile::new("a.md", text);
        let anchors: Vec<_> = text
            .match_indices('\n')
            .filter_map(|(at, _)| {
                let head = format!("{}\n\n```rego\n```\n", &text[..at]);
                let file = SourceFile::new("a.md", head);
                let fence = fences(&file, &mut errors).pop()?;
                fence.heading.map(|heading| heading.anchor)
            })
            .collect();
        let mut distinct = anchors.clone();
        distinct.dedup();
        assert_eq!(
            distinct,
            ["a--b", "a-b", "a_b-c-12", "ünïcode-日本", "a--b-1", "a--b-1-1", "-go", "two", "setextof-two"]
        );
        assert!(fences(&file, &mut errors).is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_fence_stands_at_the_fence() {
        let blocks = "```rego\npackage a\n\nimport data.x\n```\n\n```rego\nimport data.y as y\n\nz := y\n```\n";
        insta::assert_snapshot!("import_elsewhere", bad(blocks));
        let metadata = "```rego\n# METADATA\n# title: one\npackage a\n```\n\n\
                        ```rego\n# METADATA\n# title: two\npackage a\n\nx := 1\n```\n";
        insta::assert_snapshot!("second_metadata", bad(metadata));
        insta::assert_snapshot!("first_metadata_late", bad(&metadata.replacen("# METADATA\n# title: one\n", "", 1)));
        insta::assert_snapshot!("no_package", bad("# Shop\n\n```rego\nx := 1\n```\n\n```rego\ny := 1\n```\n"));
        insta::assert_snapshot!(
            "test_without_package",
            bad("```rego\npackage shop[\"a-b\"].c\n```\n\n```rego test\ntest_x if true\n```\n")
        );
        insta::assert_snapshot!(
            "package_not_first",
            bad("```rego\nimport data.x\n\npackage a.b\n```\n\n```rego\nx := 1\n```\n")
        );
        insta::assert_snapshot!("unknown_word", bad("> ```rego title=\"é\" tset\n> package a\n> ```\n"));
        insta::assert_snapshot!("attributes", bad("``` {.rego .numberLines}\npackage a\n```\n"));
        insta::assert_snapshot!("unclosed", bad("- item\n\n  ````rego\n  package a\n\nprose\n"));
        insta::assert_snapshot!("swallowed", bad("```text\nforgotten\n\n```rego\npackage a\n```\n"));
        insta::assert_snapshot!("nul", bad("```rego\npackage a\n# \0\nviolation contains 1\n```\n"));
    }

    #[test]
    fn only_fences_that_hide_something_must_be_closed() {
        assert_eq!(texts("```text\nabc\n"), [""; 0]);
        assert_eq!(texts("```rego\npackage a\n```\n```\n"), ["\npackage a\n"]);
        for text in [
            "~~~text\n```rego\npackage a\n```\n",
            "````text\n```rego test\npackage a\n```\n",
            "```rego example\n```rego\npackage a\n```\n",
            "> ```text\n> > ```rego\n> > package a\n> ```\n",
            "```rego\npackage a\n",
            "```rego example",
            "> ```rego\n> package a\n\nprose\n",
        ] {
            assert!(
                matches!(
                    read(text).1.first().map(|error| &error.kind),
                    Some(PolicyError::SwallowedFence { .. } | PolicyError::UnclosedFence { .. })
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn blocks_after_a_lost_first_one_are_no_errors_of_their_own() {
        let (modules, errors) =
            read("```rego\nx := 1\n```\n```rego\ny := 1\n```\n```rego\npackage a\n```\n```rego\nz := 1\n```\n");
        assert_eq!((modules.len(), errors.len()), (1, 1));
        assert_eq!(modules[0].text.trim(), "package a\n\n\nz := 1");
    }

    fn piece() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("package a".to_owned()),
            Just("package a.b # é".to_owned()),
            Just("import data.x".to_owned()),
            Just("# METADATA".to_owned()),
            Just("# title: é".to_owned()),
            Just("\tx := `".to_owned()),
            Just("y := \"日本\"".to_owned()),
            Just(String::new()),
            "[ -~é\t]{0,12}",
        ];
        let fence = (
            prop_oneof![Just("```"), Just("~~~"), Just("````"), Just(" ```")],
            prop_oneof![Just("rego"), Just("rego test"), Just("rego example"), Just("text"), Just("Rego {1 2}")],
            prop::collection::vec(line.clone(), 0..6),
            prop::bool::weighted(0.9),
        )
            .prop_map(|(mark, info, lines, is_closed)| {
                let end = if is_closed { mark } else { "" };
                format!("{mark}{info}\n{}\n{end}\n", lines.join("\n"))
            });
        let block = prop_oneof![
            4 => fence,
            1 => line.prop_map(|line| line + "\n\n"),
            1 => Just("# Heading\n".to_owned()),
            1 => Just("<!-- a -->\n".to_owned()),
        ];
        let within = (block, prop::collection::vec(prop_oneof![Just("> "), Just("- "), Just("1.\t"), Just(">")], 0..3));
        within.prop_map(|(text, containers)| {
            containers.iter().rev().fold(text, |text, container| {
                let rest = match *container {
                    "- " => "  ",
                    "1.\t" => "\t",
                    quote => quote,
                };
                let lines: Vec<_> = text
                    .lines()
                    .enumerate()
                    .map(|(at, line)| format!("{}{line}\n", if at == 0 { container } else { rest }))
                    .collect();
                lines.concat()
            })
        })
    }

    proptest! {
        #[test]
        fn all_text_leads_back(pieces in prop::collection::vec(piece(), 0..8), crlf: bool, bom: bool) {
            let mut text = pieces.join("\n");
            if crlf {
                text = text.replace('\n', "\r\n");
            }
            if bom {
                text.insert(0, '\u{feff}');
            }
            let (_, errors) = read(&text);
            rendered(&errors);
        }

        #[test]
        fn no_text_is_too_strange(text in "(```rego|\n|\r|~~~| |\t|>|- |`|\0|# METADATA|package|import|\\PC){0,40}") {
            let (modules, errors) = read(&text);
            rendered(&errors);
            let mut errors = Vec::new();
            for module in &modules {
                annotation::annotations(module, &mut errors);
            }
            rendered(&errors);
        }
    }
}
