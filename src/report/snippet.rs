//! Lines of a file with what is to be said of places in them.
//!
//! miette draws the errors of this tool; a verdict needs more than it offers: values side by side under one line,
//! lines cut at the terminal's width around what matters (facts may be one line of a million characters), and the
//! indentation of deep documents taken away.

use std::collections::BTreeSet;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::page::{Ink, Page, Run, wrap};
use crate::{
    report::Look,
    source::{Location, SourceFile, is_unsafe},
};

/// More lines than these are not shown at once, unless somebody asked for all of them.
pub(super) const MAX_LINES: usize = 12;

/// The column the frame stands at.
const INDENT: usize = 3;

const TAB: &str = "    ";

/// Lines of one file.
pub(super) struct Snippet<'a> {
    pub(super) file: &'a SourceFile,
    /// The line and column that the frame names.
    pub(super) line: usize,
    pub(super) column: usize,
    /// Where the file comes from, said beside its name.
    pub(super) caption: String,
    pub(super) marks: Vec<Mark>,
    /// No more lines than these are shown.
    pub(super) limit: usize,
}

/// A place of the file.
pub(super) struct Mark {
    pub(super) first_line: usize,
    pub(super) last_line: usize,
    /// What is underlined.
    pub(super) labels: Vec<Label>,
    /// What is said under its last line, without a place on it.
    pub(super) said: Vec<Run>,
}

/// Characters of a line with words under them.
pub(super) struct Label {
    pub(super) line: usize,
    /// 1-based, exclusive at the end.
    pub(super) columns: (usize, usize),
    /// What stands there, as it is called where it cannot be underlined.
    pub(super) name: String,
    /// What is said of it; nothing where the line alone says it.
    pub(super) text: String,
    pub(super) ink: Ink,
}

impl Mark {
    /// All lines of a location, nothing underlined.
    pub(super) fn lines(location: &Location) -> Self {
        // A location that ends before the first column of a line does not reach into it.
        let last = if location.end_column == 1 { location.end_line.saturating_sub(1) } else { location.end_line };
        Self {
            first_line: location.line.max(1),
            last_line: last.max(location.line),
            labels: Vec::new(),
            said: Vec::new(),
        }
    }
}

impl Snippet<'_> {
    pub(super) fn write(&self, page: &mut Page, look: Look) {
        let lines = self.lines();
        let Some(last) = lines.last() else {
            // The file has changed since, or somebody named a line it never had.
            let place = format!("at {}:{}:{}", look.text(self.file.path()), self.line, self.column);
            page.line(INDENT + 2, &[(Ink::Dim, place)]);
            return;
        };
        let digits = last.to_string().len().max(2);
        let pad = " ".repeat(digits + 1);
        let marks = look.marks();

        let title = format!("{}[{}:{}:{}]", marks.top, look.text(self.file.path()), self.line, self.column);
        let fits = INDENT + pad.len() + title.width() + 2 + self.caption.width() <= look.columns();
        let caption = |lead: &str| {
            if self.caption.is_empty() { Vec::new() } else { vec![(Ink::Dim, format!("{lead}{}", self.caption))] }
        };
        let mut top = vec![(Ink::Dim, format!("{pad}{title}"))];
        if fits {
            top.extend(caption("  "));
        }
        page.line(INDENT, &top);

        let room = look.columns().saturating_sub(INDENT + digits + 3);
        let dedent = self.dedent(&lines);
        let mut previous = None;
        for line in &lines {
            if previous.is_some_and(|previous: usize| previous + 1 < *line) {
                page.line(INDENT, &[(Ink::Dim, format!("{pad}{}", marks.gap))]);
            }
            previous = Some(*line);
            self.write_line(page, look, *line, &Gutter { digits, room, dedent });
        }
        if self.marks.iter().any(|mark| mark.last_line > *last) {
            page.line(INDENT, &[(Ink::Dim, format!("{pad}{}", marks.gap))]);
        }
        let mut bottom = vec![(Ink::Dim, format!("{pad}{}", marks.bottom))];
        if !fits {
            bottom.extend(caption(" "));
        }
        page.line(INDENT, &bottom);
    }

    /// The lines to show: all of them, or, where they are many, those that something is said of and the first ones.
    fn lines(&self) -> Vec<usize> {
        let count = self.file.line_column(self.file.text().len()).0;
        let mut said = BTreeSet::new();
        for mark in &self.marks {
            said.extend(mark.labels.iter().map(|label| label.line));
            said.extend((!mark.said.is_empty()).then_some(mark.last_line));
        }
        said.retain(|line| *line <= count);
        let mut shown: BTreeSet<usize> = said.iter().copied().take(self.limit).collect();
        let all = self.marks.iter().flat_map(|mark| (mark.first_line..=mark.last_line.min(count)).take(self.limit));
        for line in all.collect::<BTreeSet<usize>>() {
            if shown.len() < self.limit {
                shown.insert(line);
            }
        }
        shown.into_iter().collect()
    }

    /// The characters of white space that all lines start with.
    fn dedent(&self, lines: &[usize]) -> usize {
        let indent = |line: &usize| {
            let text = self.file.slice(self.file.line(*line));
            let blank = text.len() - text.trim_start_matches([' ', '\t']).len();
            (blank < text.len()).then_some(blank)
        };
        lines.iter().filter_map(indent).min().unwrap_or_default()
    }

    fn write_line(&self, page: &mut Page, look: Look, line: usize, gutter: &Gutter) {
        let Gutter { digits, room, .. } = *gutter;
        let labels: Vec<&Label> =
            self.marks.iter().flat_map(|mark| &mark.labels).filter(|label| label.line == line).collect();
        let cells = Cells::new(self.file.slice(self.file.line(line)), &labels, gutter, look);

        let bar = look.marks().bar;
        if self.limit == usize::MAX {
            // Who asked for all lines asked for the whole of them.
            for (at, part) in folded(self.file.slice(self.file.line(line)), gutter).into_iter().enumerate() {
                let number = if at == 0 { line.to_string() } else { String::new() };
                page.line(INDENT, &[(Ink::Dim, format!("{number:>digits$} {bar} ")), (Ink::Plain, part)]);
            }
            return;
        }
        page.line(INDENT, &[(Ink::Dim, format!("{line:>digits$} {bar} ")), (Ink::Plain, cells.text.clone())]);
        let beside = |runs: Vec<Run>, page: &mut Page| {
            let lead = (Ink::Dim, format!("{:digits$} {} ", "", look.marks().label));
            page.line(INDENT, &[vec![lead], runs].concat());
        };

        let mut placed = Vec::new();
        let mut said: Vec<Run> = Vec::new();
        for label in labels {
            let start = cells.column(label.columns.0, room);
            let end = cells.column(label.columns.1, room).max(start + 1);
            let overlaps = placed.iter().any(|other: &Placed| start < other.end && other.start < end);
            if start >= room || overlaps {
                said.extend(label.aside());
                continue;
            }
            let words = label.text.clone();
            placed.push(Placed { start, end: end.min(room), at: start, row: 0, words, label });
        }
        placed.sort_by_key(|placed| placed.start);
        said.extend(arrange(&mut placed, room));
        for row in rows(&placed, look) {
            beside(row, page);
        }
        said.extend(self.marks.iter().filter(|mark| mark.last_line == line).flat_map(|mark| mark.said.clone()));
        for (ink, words) in said {
            for words in wrap(&words, room, room) {
                beside(vec![(ink, words)], page);
            }
        }
    }
}

/// A line in as many parts as it takes, the later ones indented further.
fn folded(line: &str, gutter: &Gutter) -> Vec<String> {
    const FURTHER: usize = 2;
    let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
    let indent: usize = line.chars().take(blank).skip(gutter.dedent).map(|c| cell(c).1).sum();
    let indent = if indent < gutter.room / 2 { indent } else { 0 };
    let text: String = line.chars().skip(blank).map(|c| cell(c).0).collect();
    if indent + text.width() <= gutter.room {
        return vec![" ".repeat(indent) + &text];
    }
    let (first, later) = (gutter.room - indent, gutter.room.saturating_sub(indent + FURTHER).max(1));
    let parts = wrap(&text, first, later).into_iter().enumerate();
    parts.map(|(at, part)| " ".repeat(indent + if at == 0 { 0 } else { FURTHER }) + &part).collect()
}

/// The measures that all lines of a snippet share.
struct Gutter {
    digits: usize,
    room: usize,
    dedent: usize,
}

/// The visible part of a line, and where its characters stand.
struct Cells {
    text: String,
    /// The first character shown, counted from 0.
    first: usize,
    /// The columns at which the characters shown start, and the one after the last.
    starts: Vec<usize>,
}

impl Cells {
    /// Takes what fits into `room`, starting later where the first label would not be seen.
    fn new(line: &str, labels: &[&Label], gutter: &Gutter, look: Look) -> Self {
        let (room, dedent) = (gutter.room, gutter.dedent);
        let ellipsis = look.marks().ellipsis;
        let whole = Self::from(line, dedent, room, "", "");
        if line.chars().nth(dedent + whole.starts.len() - 1).is_none() {
            return whole;
        }
        let inner = room - ellipsis.width();
        let ending = Self::from(line, dedent, inner, "", ellipsis);
        let focus = labels.iter().map(|label| label.columns).min();
        match focus {
            Some((start, end)) if ending.column(end, room) >= inner && start > dedent + room / 4 => {
                let first = start - 1 - room / 4;
                let middle = Self::from(line, first, inner - ellipsis.width(), ellipsis, ellipsis);
                if line.chars().nth(first + middle.starts.len() - 1).is_some() {
                    return middle;
                }
                // The rest of the line fits: it fills the room to its end.
                let mut left = inner;
                let fits = |c: &char| {
                    let wide = cell(*c).1;
                    let fits = wide <= left;
                    left = left.saturating_sub(wide);
                    fits
                };
                let last = line.chars().rev().take_while(fits).count();
                Self::from(line, line.chars().count() - last, inner, ellipsis, "")
            }
            _ => ending,
        }
    }

    fn from(line: &str, first: usize, room: usize, before: &str, after: &str) -> Self {
        let mut text = before.to_owned();
        let mut column = before.width();
        let end = column + room;
        let mut starts = vec![column];
        for c in line.chars().skip(first) {
            let (cell, wide) = cell(c);
            if column + wide > end {
                break;
            }
            text.push_str(&cell);
            column += wide;
            starts.push(column);
        }
        text.push_str(after);
        Self { text, first, starts }
    }

    /// Where a 1-based character column starts; `beyond` for what is not shown.
    fn column(&self, column: usize, beyond: usize) -> usize {
        match column.saturating_sub(1).checked_sub(self.first) {
            Some(at) => self.starts.get(at).copied().unwrap_or(beyond),
            None => self.starts[0],
        }
    }
}

impl Label {
    /// The same without a place.
    fn aside(&self) -> Option<Run> {
        let verb = if self.name.is_empty() { "" } else { " is " };
        (!self.text.is_empty()).then(|| (self.ink, format!("{}{verb}{}", self.name, self.text)))
    }
}

/// A character as it is shown, with its width.
fn cell(c: char) -> (String, usize) {
    let shown = match c {
        '\t' => TAB.to_owned(),
        c if is_unsafe(c) => c.escape_default().to_string(),
        c => return (c.to_string(), c.width().unwrap_or_default()),
    };
    let wide = shown.len();
    (shown, wide)
}

/// A label with its place on the line.
struct Placed<'a> {
    start: usize,
    end: usize,
    /// The column its words start at.
    at: usize,
    /// The row its words stand in.
    row: usize,
    words: String,
    label: &'a Label,
}

impl Placed<'_> {
    fn width(&self) -> usize {
        self.words.width()
    }
}

/// Gives every label the highest row in which its words run into nothing, from right to left; takes out the words that
/// are too long for their place.
fn arrange(placed: &mut [Placed<'_>], room: usize) -> Vec<Run> {
    let mut said = Vec::new();
    let alone = placed.len() == 1;
    for placed in placed.iter_mut().filter(|placed| placed.start + placed.width() > room) {
        if alone && placed.width() <= room {
            placed.at = room - placed.width();
        } else {
            placed.words.clear();
            said.extend(placed.label.aside());
        }
    }
    for at in (0..placed.len()).rev() {
        let end = placed[at].at + placed[at].width() + 2;
        let collides = |row: usize| {
            placed[at + 1..].iter().filter(|other| !other.words.is_empty()).any(|other| match other.row.cmp(&row) {
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Equal => end > other.at,
                std::cmp::Ordering::Greater => end > other.start,
            })
        };
        placed[at].row = (0..placed.len()).find(|row| !collides(*row)).unwrap_or(placed.len());
    }
    said
}

/// The row of underlines and the rows of words, with a bar under each underline whose words stand further below.
fn rows(placed: &[Placed<'_>], look: Look) -> Vec<Vec<Run>> {
    let mut rows = Vec::new();
    if placed.is_empty() {
        return rows;
    }
    let put = |runs: &mut Vec<Run>, column: &mut usize, at: usize, ink: Ink, words: String| {
        runs.push((Ink::Plain, " ".repeat(at.saturating_sub(*column))));
        *column = at + words.width();
        runs.push((ink, words));
    };
    let (mut under, mut column) = (Vec::new(), 0);
    for place in placed {
        put(&mut under, &mut column, place.start, place.label.ink, look.marks().under.repeat(place.end - place.start));
    }
    rows.push(under);
    let spoken = || placed.iter().filter(|place| !place.words.is_empty());
    for row in 0..=spoken().map(|place| place.row).max().unwrap_or_default() {
        let (mut runs, mut column) = (Vec::new(), 0);
        for place in spoken() {
            if place.row == row {
                put(&mut runs, &mut column, place.at, place.label.ink, place.words.clone());
            } else if place.row > row {
                put(&mut runs, &mut column, place.start, place.label.ink, look.marks().lead.to_owned());
            }
        }
        if !runs.is_empty() {
            rows.push(runs);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws labels under the first line of a text; each is what stands there and what is said of it.
    fn draw(text: &str, labels: &[(&str, &str)], width: usize) -> String {
        let file = SourceFile::new("a.rego", text);
        let label = |(name, text): &(&str, &str)| {
            let start = file.text().find(name).unwrap();
            let at = file.location((start..start + name.len()).into());
            let columns = (at.column, at.end_column);
            Label { line: 1, columns, name: (*name).to_owned(), text: (*text).to_owned(), ink: Ink::Plain }
        };
        let labels = labels.iter().map(label).collect();
        let marks = vec![Mark { first_line: 1, last_line: 1, labels, said: Vec::new() }];
        drawn(&Snippet { file: &file, line: 1, column: 1, caption: String::new(), marks, limit: MAX_LINES }, width)
    }

    fn drawn(snippet: &Snippet<'_>, width: usize) -> String {
        let look = Look { width, ..Look::default() };
        let mut page = Page::new(look);
        snippet.write(&mut page, look);
        page.finish()
    }

    #[test]
    fn words_stand_side_by_side_where_there_is_room() {
        insta::assert_snapshot!(draw("a.b == c.d", &[("a.b", "1"), ("c.d", "2")], 80), @"
          ╭─[a.rego:1:1]
        1 │ a.b == c.d
          · ───    ───
          · 1      2
          ╰─
        ");
    }

    #[test]
    fn words_that_would_run_into_others_stand_further_down() {
        let labels = [("a", "\"the first\""), ("bc", "\"the second\""), ("d", "3")];
        insta::assert_snapshot!(draw("f(a, bc, d)", &labels, 80), @r#"
          ╭─[a.rego:1:1]
        1 │ f(a, bc, d)
          ·   ─  ──  ─
          ·   │  │   3
          ·   │  "the second"
          ·   "the first"
          ╰─
        "#);
    }

    #[test]
    fn columns_hold_behind_tabs_wide_characters_and_what_is_escaped() {
        insta::assert_snapshot!(draw("x\t東京\u{1b}é == limit", &[("東京", "1"), ("limit", "2")], 80), @r"
          ╭─[a.rego:1:1]
        1 │ x    東京\u{1b}é == limit
          ·      ────           ─────
          ·      1              2
          ╰─
        ");
    }

    #[test]
    fn long_lines_are_cut_around_what_is_said() {
        let line = format!("{} needle {} other", "hay ".repeat(30), "hay ".repeat(30));
        insta::assert_snapshot!(draw(&line, &[("needle", "found"), ("other", "elsewhere")], 50), @"
          ╭─[a.rego:1:1]
        1 │ … hay hay  needle hay hay hay hay hay hay…
          ·            ──────
          ·            found
          · other is elsewhere
          ╰─
        ");
        insta::assert_snapshot!(draw(&format!("{line} last"), &[("last", "found")], 50), @"
          ╭─[a.rego:1:1]
        1 │ …y hay hay hay hay hay hay hay  other last
          ·                                       ────
          ·                                      found
          ╰─
        ");
    }

    #[test]
    fn long_words_move_left_or_below() {
        let long = "a sentence that is longer than what is left of the line";
        insta::assert_snapshot!(draw("the value stands in the middle here", &[("here", &long[..30])], 50), @"
          ╭─[a.rego:1:1]
        1 │ the value stands in the middle here
          ·                                ────
          ·             a sentence that is longer than
          ╰─
        ");
        insta::assert_snapshot!(draw("the value stands in the middle here", &[("here", long)], 50), @"
          ╭─[a.rego:1:1]
        1 │ the value stands in the middle here
          ·                                ────
          · here is a sentence that is longer than
          · what is left of the line
          ╰─
        ");
    }

    #[test]
    fn of_many_lines_the_first_and_those_that_matter_are_shown() {
        let text = (1..=40).map(|n| format!("    line {n}")).collect::<Vec<_>>().join("\n");
        let file = SourceFile::new("a.rego", text);
        let all = Location { path: "a.rego".to_owned(), line: 1, column: 1, end_line: 40, end_column: 1 };
        let label = Label { line: 30, columns: (5, 9), name: String::new(), text: "here".to_owned(), ink: Ink::Plain };
        let marks = vec![Mark { labels: vec![label], ..Mark::lines(&all) }];
        let snippet = Snippet { file: &file, line: 30, column: 5, caption: String::new(), marks, limit: MAX_LINES };
        insta::assert_snapshot!(drawn(&snippet, 80), @"
           ╭─[a.rego:30:5]
         1 │ line 1
         2 │ line 2
         3 │ line 3
         4 │ line 4
         5 │ line 5
         6 │ line 6
         7 │ line 7
         8 │ line 8
         9 │ line 9
        10 │ line 10
        11 │ line 11
           ⋮
        30 │ line 30
           · ────
           · here
           ⋮
           ╰─
        ");
    }

    #[test]
    fn a_line_the_file_does_not_have_is_named() {
        let file = SourceFile::new("a.rego", "one line");
        let place = Location { path: "a.rego".to_owned(), line: 7, column: 0, end_line: 0, end_column: 0 };
        let marks = vec![Mark::lines(&place)];
        let snippet = Snippet { file: &file, line: 7, column: 0, caption: String::new(), marks, limit: MAX_LINES };
        assert_eq!(drawn(&snippet, 80), "     at a.rego:7:0\n");
    }
}
