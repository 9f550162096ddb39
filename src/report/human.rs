//! The report for a person at a terminal. What a script wants is JSON; this may change from release to release.
//!
//! Of each assumption: the verdict and the sentence, then both ends (its own lines with the values they saw, the facts
//! in their files), then how much was looked at, then what to do.

mod explain;
mod testing;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(super) use self::{explain::explain, testing::tests};
use super::{
    Look,
    page::{Ink, Page},
    snippet::{Label, MAX_LINES, Mark, Snippet},
};
use crate::{
    model::{
        Condition, Direction, Evidence, ExitCode, FindingSeverity, Json, Judged, Measure, Note, Operand, Outcome,
        Reason, Report, Severity, Source, Status, Verdict, Violation, ViolationKind, ViolationStatus,
    },
    source::{Location, SourceFile, Span},
    text::{count, old, percent, tenths},
};

/// So many violations are shown in full.
const IN_FULL: usize = 3;

/// So many are shown at all; with `verbose` all are.
const SHOWN: usize = 10;

/// So many measures, facts of one violation and lines of rules are shown; with `verbose` all are.
const FEW: usize = 3;

/// So many lines of one fact are shown.
const LINES_OF_FACT: usize = 3;

/// Columns that the frame of a snippet takes.
const GUTTER: usize = 10;

/// So many columns of a value are shown under a line, and never fewer than the second; with `verbose` the third.
const VALUE: usize = 48;
const LEAST_VALUE: usize = 24;
const LONG_VALUE: usize = 200;

/// A name that is indented so much deeper than an object's own keys may still be its own, as in `metadata`.
const NESTED: usize = 4;

/// Where titles start: after the longest verdict word.
const TITLE: usize = 10;

/// Where everything said of an assumption starts.
const BODY: usize = 3;

/// Where what belongs to one violation starts.
const INNER: usize = 5;

pub(super) fn render(report: &Report, look: Look) -> String {
    let mut writer = Writer { report, look, page: Page::new(look) };
    writer.header();
    writer.documents();
    writer.holding();
    writer.findings();
    writer.summary();
    writer.page.finish()
}

struct Writer<'a, R = Report> {
    report: &'a R,
    look: Look,
    page: Page,
}

/// What has the files that it speaks of.
trait Files {
    /// The files by their paths.
    fn files(&self) -> &BTreeMap<String, SourceFile>;
}

impl Files for Report {
    fn files(&self) -> &BTreeMap<String, SourceFile> {
        &self.files
    }
}

impl<'a> Writer<'a> {
    fn header(&mut self) {
        let snapshot = &self.report.snapshot;
        let facts = match snapshot.collected_at() {
            Some(collected) => {
                let age = self.report.evaluated_at.as_second() - collected.as_second();
                format!("facts of {} UTC ({})", collected.strftime("%Y-%m-%d %H:%M"), old(Some(age)))
            }
            None if snapshot.sources.is_empty() => "no facts".to_owned(),
            None => "facts of unknown age".to_owned(),
        };
        let name = self.look.text(&self.report.project.name);
        let environment = snapshot.environment.as_deref().map(|environment| self.look.text(environment));
        let rest = self.join(environment.into_iter().chain([facts]));
        let dot = format!(" {} ", self.look.marks().dot);
        self.page.flow(0, &[(Ink::Bold, name), (Ink::Dim, dot)], Ink::Plain, &rest);

        for source in &snapshot.sources {
            self.trouble(&source.name, source.status, source.error.as_deref());
            for (name, part) in &source.parts {
                self.trouble(&format!("{}.{name}", source.name), part.status, part.error.as_deref());
            }
        }
    }

    /// A source that is not whole concerns whoever reads on, so it is said first.
    fn trouble(&mut self, name: &str, status: Status, error: Option<&str>) {
        if status == Status::Ok {
            return;
        }
        let name = format!("{} {}", self.look.text(name), status.as_str());
        let error = error.map(|error| self.look.text(error)).unwrap_or_default();
        let colon = if error.is_empty() { "" } else { ": " };
        self.page.hang(2, 4, &[(Ink::Unknown, name), (Ink::Plain, colon.to_owned())], Ink::Plain, &error);
    }

    fn documents(&mut self) {
        let (report, verbose) = (self.report, self.look.verbose);
        for document in report.assumptions.chunk_by(|a, b| a.assumption.document.path == b.assumption.document.path) {
            let mut shown = document.iter().filter(|judged| verbose || judged.verdict != Verdict::Holds).peekable();
            if let Some(first) = shown.peek() {
                let path = self.look.text(&first.assumption.document.path);
                self.page.gap();
                self.page.line(0, &[(Ink::Heading, path)]);
            }
            let mut previous = None;
            for judged in shown {
                // Passes have little to say and stand close together.
                if previous != Some(Verdict::Holds) || judged.verdict != Verdict::Holds {
                    self.page.gap();
                }
                previous = Some(judged.verdict);
                self.assumption(judged);
            }
        }
    }

    fn assumption(&mut self, judged: &'a Judged) {
        self.title(judged, false);
        if judged.verdict == Verdict::Holds {
            self.measures(judged, TITLE);
            self.notes(judged, TITLE);
            return;
        }
        self.page.gap();
        self.body(judged);
    }

    /// The verdict, and what it is about.
    fn title(&mut self, judged: &Judged, is_whole: bool) {
        let assumption = &judged.assumption;
        let (word, ink) = verdict(judged.verdict);
        let lead = [(Ink::Plain, " ".to_owned()), (ink, word.to_owned())];
        let pad = (Ink::Plain, " ".repeat(TITLE - 1 - word.len()));
        self.page.flow(0, &[&lead[..], &[pad]].concat(), Ink::Bold, &self.look.text(&assumption.title));

        // What nobody gave a title has its id for one.
        let id = (assumption.title != assumption.id).then(|| self.look.text(&assumption.id));
        let mut facts: Vec<_> = id.into_iter().collect();
        facts.extend(assumption.owner.as_deref().map(|owner| self.look.text(owner)));
        if is_whole || assumption.severity != Severity::Error {
            facts.push(format!("severity {}", assumption.severity));
        }
        if judged.verdict == Verdict::Decayed && !judged.fails {
            facts.push("does not fail".to_owned());
        }
        if judged.verdict == Verdict::Holds && !is_whole {
            facts.push(examined(judged));
        }
        if !facts.is_empty() {
            let facts = self.join(facts);
            self.page.flow(TITLE, &[], Ink::Dim, &facts);
        }
    }

    /// Why the answer is no pass, and what to do about it.
    fn body(&mut self, judged: &'a Judged) {
        let assumption = &judged.assumption;
        self.reason(judged);
        if judged.verdict == Verdict::Unknown {
            self.provisional(judged);
            self.why(&judged.conditions, &judged.evidence, &mut Told::new(Ink::Unknown));
            if judged.conditions.is_empty() {
                self.readers(judged);
            }
            if !judged.violations.is_empty() {
                self.page.gap();
            }
            self.violations(judged);
        } else {
            if judged.verdict == Verdict::Eroding || self.look.verbose {
                self.measures(judged, BODY);
            }
            self.violations(judged);
            self.why(&judged.conditions, &judged.evidence, &mut Told::new(verdict(judged.verdict).1));
            if judged.conditions.is_empty() && judged.violations.is_empty() {
                self.lines(&assumption.rule);
            }
        }
        self.page.flow(BODY, &[], Ink::Dim, &self.scope(judged));
        self.notes(judged, BODY);
        match (&judged.help, judged.verdict) {
            (Some(help), _) => self.help(help, BODY),
            // Nobody is left alone with an unknown.
            (None, Verdict::Unknown) => {
                self.help("`stillholds facts` shows what was collected", BODY);
            }
            (None, _) => {}
        }
    }

    /// The reason in a sentence, unless it stands right above or below anyway.
    fn reason(&mut self, judged: &Judged) {
        let Some(message) = &judged.message else { return };
        let said_by_measures = judged.reason == Some(Reason::Margin) && !judged.measures.is_empty();
        let said_by_violation = judged.violations.iter().any(|violation| violation.message == *message);
        let said_by_rule = judged.reason == Some(Reason::NotHeld);
        if said_by_measures || said_by_violation || said_by_rule || *message == judged.assumption.title {
            return;
        }
        let lead = match judged.verdict {
            Verdict::Unknown => vec![(Ink::Unknown, "nobody can tell: ".to_owned())],
            _ => Vec::new(),
        };
        self.page.hang(BODY, BODY, &lead, Ink::Plain, &self.look.text(message));
    }

    /// Where the sources and lists are read that the reason speaks of; else the rule.
    fn readers(&mut self, judged: &Judged) {
        let says = |words: &str| judged.message.as_ref().is_some_and(|said| said.contains(words));
        let mut reads: Vec<_> = judged.assumption.reads.iter().map(|read| (&read.location, &read.path)).collect();
        reads.sort();
        let mut marks: Vec<(&Location, Mark)> = Vec::new();
        let mut known = BTreeSet::new();
        for (location, path) in reads {
            let list = path.to_string();
            let (name, text) = if judged.reason == Some(Reason::Vacuous) {
                (format!("`{list}`"), "no element".to_owned())
            } else {
                let (words, source) = match (path.source(), path.reference()) {
                    (Some(name), _) if !says(&format!("`{name}` of the reference")) => {
                        (format!("`{name}`"), self.report.snapshot.source(name))
                    }
                    (None, Some((of, name))) => {
                        let source = self.report.references.get(of).and_then(|snapshot| snapshot.source(name));
                        (format!("`{name}` of the reference `{of}`"), source)
                    }
                    _ => continue,
                };
                let text = match source {
                    None => "not collected".to_owned(),
                    Some(source) if source.status == Status::Ok => old(source.age_seconds(self.report.evaluated_at)),
                    Some(source) => source.status.as_str().to_owned(),
                };
                (words, text)
            };
            // The first place of each in the first of the files is enough.
            let is_elsewhere = marks.iter().any(|(other, _)| other.path != location.path);
            if !says(&name) || is_elsewhere || !known.insert(name) {
                continue;
            }
            let mut mark = Mark::lines(location);
            if location.line == location.end_line {
                let columns = (location.column, location.end_column);
                let name = String::new();
                mark.labels.push(Label { line: location.line, columns, name, text, ink: Ink::Unknown });
            }
            marks.push((location, mark));
        }
        let first = marks.first().map(|(location, _)| *location);
        let Some((location, file)) = first.and_then(|location| Some((location, self.file(location)?))) else {
            // Without violations nothing else would show what was assumed.
            if judged.violations.is_empty() {
                self.lines(&judged.assumption.rule);
            }
            return;
        };
        let marks = marks.into_iter().map(|(_, mark)| mark);
        let (line, column, marks) = (location.line, location.column, marks.collect());
        Snippet { file, line, column, caption: String::new(), marks, limit: MAX_LINES }
            .write(&mut self.page, self.look);
    }

    fn provisional(&mut self, judged: &Judged) {
        let condition = match judged.reason {
            Some(Reason::Stale) => "if the facts were fresh: ",
            Some(Reason::Partial) => "if the facts were complete: ",
            _ => "if the evidence were there: ",
        };
        let (word, ink) = match judged.provisional {
            Some(Verdict::Holds) => ("it would hold", Ink::Holds),
            Some(Verdict::Eroding) => ("eroding", Ink::Eroding),
            Some(Verdict::Decayed) => ("decayed", Ink::Decayed),
            Some(Verdict::Unknown) | None => return,
        };
        self.page.line(BODY, &[(Ink::Plain, condition.to_owned()), (ink, word.to_owned())]);
    }

    fn violations(&mut self, judged: &'a Judged) {
        let mut order: Vec<&Violation> = judged.violations.iter().collect();
        // What somebody has to act upon comes first, the worst before the rest; the sort is stable.
        order.sort_by(|a, b| {
            let key = |violation: &Violation| (!violation.counts, violation.status);
            key(a).cmp(&key(b)).then_with(|| excess(b).total_cmp(&excess(a)))
        });
        // One more line is better than "and 1 more".
        let shown = if self.look.verbose || order.len() <= SHOWN + 1 { order.len() } else { SHOWN };
        let full = if self.look.verbose { shown } else { shown.min(IN_FULL) };

        let mut rules: Vec<&Location> = Vec::new();
        let mut told = Told::new(Ink::Decayed);
        for (at, violation) in order[..full].iter().enumerate() {
            self.in_full(violation, judged, &mut told);
            // Boxes need room around them, sentences do not.
            if at + 1 < shown && !(violation.conditions.is_empty() && violation.evidence.is_empty()) {
                self.page.gap();
            }
            let explained = !violation.conditions.is_empty() || !judged.conditions.is_empty();
            if !explained && !rules.contains(&&violation.rule.location) {
                rules.push(&violation.rule.location);
            }
        }
        self.table(&order[full..shown], judged);
        if shown < order.len() {
            let more = format!("and {} more: `stillholds explain {}`", order.len() - shown, judged.assumption.id);
            self.page.flow(BODY, &[(Ink::Dim, format!("{} ", self.look.marks().ellipsis))], Ink::Plain, &more);
        }
        for rule in rules {
            self.lines(rule);
        }
    }

    fn in_full(&mut self, violation: &'a Violation, judged: &Judged, told: &mut Told<'a>) {
        let (mark, ink) = self.mark(violation);
        told.ink = ink;
        let sentence = self.sentence(violation, judged);
        let text = format!("{sentence}{}", standing(violation));
        self.page.flow(BODY, &[(ink, format!("{mark} "))], Ink::Bold, &text);

        let mut rows: Vec<(Cow<'_, str>, &Json)> = Vec::new();
        let measured = [("expected", &violation.expected), ("observed", &violation.observed)];
        let measured = measured.into_iter().filter_map(|(key, value)| Some((Cow::from(key), value.as_ref()?)));
        // The sentence of a measure has both numbers, and so may that of an author; else they may stand in what decided.
        let decisive: Vec<_> = violation.conditions.iter().flat_map(unwritten).filter(|_| !self.look.verbose).collect();
        let is_said = |(_, value): &(_, &Json)| {
            names(&sentence, &self.look.subject(value))
                || decisive.iter().any(|operand| operand.value.as_ref() == Some(*value))
        };
        if violation.kind != ViolationKind::Measure && !measured.clone().all(|row| is_said(&row)) {
            rows.extend(measured);
        }
        rows.extend(
            violation.details.iter().map(|(key, value)| (shorten(&self.look.text(key), 24, self.look).into(), value)),
        );
        let width = rows.iter().map(|(key, _)| key.width()).max().unwrap_or_default();
        for (key, value) in rows {
            let pad = " ".repeat(width - key.width() + 2);
            self.page.flow(INNER, &[(Ink::Dim, format!("{key}{pad}"))], Ink::Plain, &self.look.value(value));
        }
        if let Some(place) = &violation.place {
            self.lines(place);
        }
        told.violation(violation);
        self.why(&violation.conditions, &violation.evidence, told);
    }

    /// Violations in one line each: the sentence, what was observed, where.
    fn table(&mut self, violations: &[&'a Violation], judged: &Judged) {
        const LEAST: usize = 24;
        let fact = |violation: &'a Violation| {
            // The last fact decided; the design is the same for all of them.
            let facts = violation.evidence.iter().rev().filter(|fact| fact.path.source().is_some());
            violation
                .place
                .as_ref()
                .or_else(|| facts.chain(&violation.evidence).find_map(|fact| fact.location.as_ref()))
        };
        let rows: Vec<[String; 3]> = violations
            .iter()
            .map(|violation| {
                let observed = violation.observed.as_ref().filter(|_| violation.kind != ViolationKind::Measure);
                [
                    self.sentence(violation, judged),
                    observed.map(|value| format!("observed {}", self.look.brief(value, LEAST))).unwrap_or_default(),
                    fact(violation).map(|place| self.look.text(&place.to_string())).unwrap_or_default(),
                ]
            })
            .collect();
        let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or_default();
        let sentences =
            rows.iter().zip(violations).map(|(row, violation)| row[0].width() + standing(violation).width());
        let mut widths = [sentences.max().unwrap_or_default(), width(1), width(2)];
        // What stands beside the sentences yields where it would leave too little room for them, the values first.
        let room = self.look.columns() - INNER;
        let taken = |widths: &[usize; 3]| widths[1..].iter().filter(|width| **width > 0).map(|width| width + 2).sum();
        for column in [1, 2] {
            let beside: usize = taken(&widths);
            if beside + widths[0].min(room / 2) > room {
                widths[column] = 0;
            }
        }
        widths[0] = widths[0].min(room - taken(&widths));
        for (violation, row) in violations.iter().zip(&rows) {
            let (mark, ink) = self.mark(violation);
            let beside: Vec<_> = row.iter().zip(widths).skip(1).filter(|(_, width)| *width > 0).collect();
            // Where nothing stands beside it, a sentence may go on.
            let is_alone = beside.iter().all(|(text, _)| text.is_empty());
            let (width, standing) = (if is_alone { room } else { widths[0] }, standing(violation));
            let sentence = shorten(&row[0], width.saturating_sub(standing.width()), self.look) + standing;
            let mut pad = widths[0].saturating_sub(sentence.width());
            let mut runs = vec![(ink, format!("{mark} ")), (Ink::Plain, sentence)];
            for (text, width) in beside {
                runs.push((Ink::Dim, format!("{}{text}", " ".repeat(pad + 2))));
                pad = width - text.width();
            }
            self.page.line(BODY, &runs);
        }
    }

    /// The author's sentence, led by the subject where it does not name it.
    fn sentence(&self, violation: &Violation, judged: &Judged) -> String {
        let message = if violation.kind == ViolationKind::Holds && violation.message == judged.assumption.title {
            "`holds` is not true".to_owned()
        } else {
            self.look.text(&violation.message)
        };
        match &violation.subject {
            Some(subject) => {
                let subject = self.look.subject(subject);
                if names(&message, &subject) { message } else { format!("{subject}: {message}") }
            }
            None => message,
        }
    }

    fn mark(&self, violation: &Violation) -> (&'static str, Ink) {
        match (violation.counts, violation.status, violation.kind) {
            (false, ..) => ("?", Ink::Unknown),
            (true, ViolationStatus::Known | ViolationStatus::Waived, _) => ("-", Ink::Dim),
            (true, ViolationStatus::New, ViolationKind::Warn) => ("!", Ink::Eroding),
            (true, ViolationStatus::New, _) => (self.look.marks().refutes, Ink::Decayed),
        }
    }

    /// Both ends: the conditions in their file with the values they saw, the facts in theirs.
    fn why(&mut self, conditions: &'a [Condition], evidence: &'a [Evidence], told: &mut Told<'a>) {
        // Helpers may stand in other files; each file is one snippet.
        let conditions = self.news(conditions, told);
        let mut paths: Vec<&str> = Vec::new();
        for condition in &conditions {
            if !paths.contains(&condition.location.path.as_str()) {
                paths.push(&condition.location.path);
            }
        }
        for path in paths {
            let of_file: Vec<_> =
                conditions.iter().copied().filter(|condition| condition.location.path == path).collect();
            self.conditions(&of_file, told);
        }
        self.evidence(evidence, told);
    }

    fn evidence(&mut self, evidence: &'a [Evidence], told: &mut Told<'a>) {
        let few = if self.look.verbose { evidence.len() } else { FEW };
        let mut left = 0;
        // What was found comes before what was meant.
        let (found, meant): (Vec<_>, Vec<_>) = evidence.iter().partition(|fact| fact.path.source().is_some());
        let evidence = [found, meant].concat();
        for (at, fact) in evidence.iter().enumerate() {
            let Some((location, file)) =
                fact.location.as_ref().and_then(|location| Some((location, self.file(location)?)))
            else {
                self.fact(fact);
                continue;
            };
            let of_file = |fact: &&&Evidence| fact.location.as_ref().is_some_and(|other| other.path == location.path);
            if evidence[..at].iter().any(|fact| of_file(&fact)) {
                continue;
            }
            let places = evidence.iter().filter(of_file).filter_map(|fact| fact.location.as_ref());
            let facts: Vec<&Location> = places.filter(|location| told.facts.insert(location)).collect();
            let mut marks: Vec<(&Location, Mark)> =
                facts.into_iter().map(|location| (location, fact_mark(file, location, told.ink))).collect();
            // Lines that stand above already, because of something around them, say nothing twice.
            marks.retain(|(_, mark)| {
                let mut lines = mark.first_line..=mark.last_line;
                !mark.labels.is_empty() || lines.any(|line| !told.lines.contains(&(file.path(), line)))
            });
            left += marks.len().saturating_sub(few);
            marks.truncate(few);
            let Some((first, mark)) = marks.first() else { continue };
            let (line, column) = match mark.first_line {
                line if line == first.line => (line, first.column),
                line => (line, file.slice(file.line(line)).chars().take_while(|c| c.is_whitespace()).count() + 1),
            };
            for (_, mark) in &marks {
                told.lines.extend((mark.first_line..=mark.last_line).map(|line| (file.path(), line)));
            }
            let caption =
                self.source_of(fact).map(|source| self.caption(source, fact.path.reference().map(|(of, _)| of)));
            let marks = marks.into_iter().map(|(_, mark)| mark).collect();
            let snippet = Snippet { file, line, column, caption: caption.unwrap_or_default(), marks, limit: MAX_LINES };
            snippet.write(&mut self.page, self.look);
        }
        if left > 0 {
            self.page.line(INNER, &[(Ink::Dim, format!("and {}", count(left, "more fact")))]);
        }
    }

    /// A fact whose file is not at hand.
    fn fact(&mut self, fact: &Evidence) {
        let path = self.look.text(&fact.path.to_string());
        let mut origin = vec![self.look.text(&fact.source)];
        if let Some(source) = self.source_of(fact) {
            origin.push(old(source.age_seconds(self.report.evaluated_at)));
        }
        if let Some(location) = &fact.location {
            origin.insert(0, self.look.text(&location.to_string()));
        }
        let text = format!("{path} is {} ({})", self.look.value(&fact.value), origin.join(", "));
        self.page.hang(INNER, INNER + 2, &[], Ink::Plain, &text);
    }

    /// The lines of a place, or its name where its file is not at hand.
    fn lines(&mut self, location: &Location) {
        let Some(file) = self.file(location) else {
            let place = self.look.text(&location.to_string());
            self.page.line(INNER, &[(Ink::Dim, format!("at {place}"))]);
            return;
        };
        let (line, column, marks) = (location.line, location.column, vec![Mark::lines(location)]);
        let snippet = Snippet { file, line, column, caption: String::new(), marks, limit: MAX_LINES };
        snippet.write(&mut self.page, self.look);
    }

    /// The source that a fact is from, in the facts or in what they are compared with.
    fn source_of(&self, fact: &Evidence) -> Option<&'a Source> {
        match fact.path.reference() {
            Some((reference, source)) => self.report.references.get(reference)?.source(source),
            None => self.report.snapshot.source(fact.path.source()?),
        }
    }

    fn caption(&self, source: &Source, reference: Option<&str>) -> String {
        let name = self.look.text(&source.name);
        let mut words = vec![reference.map_or_else(|| name.clone(), |of| format!("{name} of {}", self.look.text(of)))];
        if source.status != Status::Ok {
            words.push(source.status.as_str().to_owned());
        }
        match (source.sampling, source.basis) {
            (Some(sampling), _) => words.push(format!("sampled {}", percent(sampling))),
            (None, Some(basis)) => words.push(basis.as_str().to_owned()),
            (None, None) => {}
        }
        words.push(old(source.age_seconds(self.report.evaluated_at)));
        self.join(words)
    }

    fn measures(&mut self, judged: &Judged, indent: usize) {
        let mut order: Vec<&Measure> = judged.measures.iter().collect();
        let margin = |measure: &Measure| measure.margin().unwrap_or(f64::INFINITY);
        order.sort_by(|a, b| margin(a).total_cmp(&margin(b)));
        // What has room enough is no news where something erodes.
        let threshold = judged.assumption.eroding_under;
        let is_news = |measure: &&&Measure| match (judged.verdict, threshold) {
            (Verdict::Eroding, Some(threshold)) => margin(measure) < threshold,
            _ => true,
        };
        let shown = if self.look.verbose { order.len() } else { order.iter().take_while(is_news).count().min(FEW) };
        for measure in &order[..shown] {
            let text = self.measure(measure, threshold);
            self.page.flow(indent, &[], Ink::Plain, &text);
        }
        if (1..order.len()).contains(&shown) {
            let more = format!("and {}", count(order.len() - shown, "more measure"));
            self.page.line(indent, &[(Ink::Dim, more)]);
        }
    }

    fn measure(&self, measure: &Measure, threshold: Option<f64>) -> String {
        let subject = measure.subject.as_ref().map(|subject| format!("{}: ", self.look.subject(subject)));
        let unit = measure.unit.as_deref().map(|unit| format!(" {}", self.look.text(unit))).unwrap_or_default();
        let side = match measure.direction {
            Direction::Max => "at most",
            Direction::Min => "at least",
        };
        let values = format!("{} of {side} {}{unit}", measure.value, measure.limit);
        let text = match measure.margin() {
            Some(margin) if margin < 0.0 => format!("{} beyond its limit: {values}", percent(-margin)),
            // Nobody has more than all of something left.
            Some(margin) if margin > 1.0 && measure.direction == Direction::Min && measure.limit > 0.0 => {
                format!("{} times what it must be: {values}", tenths(measure.value / measure.limit))
            }
            Some(margin) if margin > 1.0 => format!("far within its limit: {values}"),
            Some(margin) => format!("{} of margin left: {values}", percent(margin)),
            None => values,
        };
        // Beyond its limit a measure is judged by that alone.
        let under = |threshold: &f64| measure.margin().is_some_and(|margin| (0.0..*threshold).contains(&margin));
        let threshold = threshold.filter(under).map(|threshold| format!(" (threshold {})", percent(threshold)));
        format!("{}{text}{}", subject.unwrap_or_default(), threshold.unwrap_or_default())
    }

    /// How much speaks against it, and how much was looked at.
    fn scope(&self, judged: &Judged) -> String {
        let tally = judged.tally();
        let mut parts = Vec::new();
        let all = judged.violations.len();
        // One that stands right above needs no counting.
        if all > 1 || tally.new < all {
            let only_warnings = judged.violations.iter().all(|violation| violation.kind == ViolationKind::Warn);
            let total = count(all, if only_warnings { "warning" } else { "violation" });
            let verb = if tally.uncounted == 1 { "does" } else { "do" };
            let mut standing = said(&[(tally.new, "new"), (tally.known, "known"), (tally.waived, "waived")]);
            parts.push(if tally.new == all {
                total
            } else if tally.uncounted == all {
                format!("{total} that {verb} not count")
            } else {
                standing.extend((tally.uncounted > 0).then(|| format!("{} {verb} not count", tally.uncounted)));
                format!("{total}: {}", standing.join(", "))
            });
        }
        parts.push(examined(judged));
        self.join(parts)
    }

    /// What else is to be said, unless a violation says it in the same words.
    fn notes(&mut self, judged: &Judged, indent: usize) {
        let is_said = |note: &&Note| judged.violations.iter().any(|violation| violation.message == note.message);
        judged.notes.iter().filter(|note| !is_said(note)).for_each(|note| self.note(note, indent));
    }

    fn note(&mut self, note: &Note, indent: usize) {
        let place = note.location.as_ref().map(|location| format!(" ({})", self.look.text(&location.to_string())));
        let text = self.look.text(&note.message) + &place.unwrap_or_default();
        self.page.flow(indent, &[(Ink::Help, "note: ".to_owned())], Ink::Plain, &text);
        if let Some(help) = &note.help {
            self.help(help, indent + 2);
        }
    }

    /// Help may have lines to paste; each is a line here.
    fn help(&mut self, help: &str, indent: usize) {
        const LEAD: &str = "help: ";
        for (at, line) in help.lines().enumerate() {
            let text = self.look.text(line);
            if at == 0 {
                self.page.flow(indent, &[(Ink::Help, LEAD.to_owned())], Ink::Plain, &text);
            } else {
                self.page.line(indent + LEAD.len(), &[(Ink::Plain, text)]);
            }
        }
    }

    fn holding(&mut self) {
        let holding = self.report.summary().holds;
        let Some(grounds) = self.report.grounds().filter(|_| !self.look.verbose) else { return };
        let how_many = match holding {
            1 if self.report.assumptions.len() == 1 => "1".to_owned(),
            all if all == self.report.assumptions.len() => format!("all {all}"),
            some => format!("{some} more"),
        };
        let facts = match (grounds.fewest_facts, grounds.most_facts) {
            (few, many) if few == many => count(many, "fact"),
            (few, many) => format!("{few} to {many} facts"),
        };
        let each = if holding == 1 { "" } else { "each " };
        let oldest = grounds.oldest_seconds.map(|seconds| format!(", oldest {}", old(Some(seconds))));
        let text = format!("{how_many}, {each}on {facts}{}", oldest.unwrap_or_default());
        let lead = [(Ink::Plain, " ".to_owned()), (Ink::Holds, "holds".to_owned()), (Ink::Plain, " ".repeat(4))];
        self.page.gap();
        self.page.flow(0, &lead, Ink::Plain, &format!("{text} (-v shows each)"));
    }

    fn findings(&mut self) {
        if self.report.findings.is_empty() {
            return;
        }
        self.page.gap();
        self.page.line(0, &[(Ink::Heading, "findings".to_owned())]);
        self.page.gap();
        for finding in &self.report.findings {
            let ink = match finding.severity {
                FindingSeverity::Warning => Ink::Eroding,
                FindingSeverity::Note => Ink::Help,
            };
            let word = finding.severity.as_str();
            let pad = " ".repeat(TITLE - 1 - word.len());
            let lead = [(Ink::Plain, " ".to_owned()), (ink, word.to_owned()), (Ink::Plain, pad)];
            self.page.flow(0, &lead, Ink::Plain, &self.look.text(&finding.message));
            let place = finding.location.as_ref().map(|location| self.look.text(&location.to_string()));
            let origin = self.join([finding.code.to_owned()].into_iter().chain(place));
            self.page.flow(TITLE, &[], Ink::Dim, &origin);
        }
    }

    /// Always printed, with every count, and ending in the exit code: no silence is ever taken for a pass.
    fn summary(&mut self) {
        let summary = self.report.summary();
        let exit = self.report.exit_code();
        self.page.gap();
        let violations = summary.new + summary.known + summary.waived;
        let mut before = Vec::new();
        if violations > 0 {
            let standing = [(summary.new, "new"), (summary.known, "known"), (summary.waived, "waived")];
            let mut all = self.report.assumptions.iter().flat_map(|judged| &judged.violations);
            let only_warnings = !all.any(|one| one.counts && one.kind != ViolationKind::Warn);
            let what = if only_warnings { "warning" } else { "violation" };
            before.push(format!("{}: {}", count(violations, what), said(&standing).join(", ")));
        }
        if !self.report.findings.is_empty() {
            before.push(count(self.report.findings.len(), "finding"));
        }
        if !before.is_empty() {
            let before = self.join(before);
            self.page.flow(0, &[], Ink::Plain, &before);
        }
        if exit == ExitCode::Unknown {
            let text = if self.report.exit_code_if(true) == ExitCode::Unknown {
                "nothing fails, but something unknown would if its facts were fresh and complete"
            } else {
                "nothing fails, but something unknown could (`--allow-unknown` lets it pass)"
            };
            self.page.flow(0, &[], Ink::Plain, text);
        }
        if exit == ExitCode::Failed && summary.failing == 0 {
            self.page.flow(0, &[], Ink::Plain, "no decay fails, but an erosion does (`--fail-on eroding`)");
        }
        let counts = format!(
            "{}: {} decayed, {} unknown, {} eroding, {} hold{}",
            count(summary.assumptions, "assumption"),
            summary.decayed,
            summary.unknown,
            summary.eroding,
            summary.holds,
            if summary.holds == 1 { "s" } else { "" },
        );
        let fails = format!("{} fail{}", summary.failing, if summary.failing == 1 { "s" } else { "" });
        let ink = match exit {
            ExitCode::Clean => Ink::Holds,
            ExitCode::Failed | ExitCode::Unusable => Ink::Decayed,
            ExitCode::Unknown => Ink::Unknown,
        };
        let line = self.join([counts, fails, String::new()]);
        self.page.line(0, &[(Ink::Bold, line), (ink, format!("exit {}", exit as u8))]);
    }

    fn join(&self, parts: impl IntoIterator<Item = String>) -> String {
        let dot = format!(" {} ", self.look.marks().dot);
        parts.into_iter().collect::<Vec<_>>().join(&dot)
    }
}

impl<'a, R: Files> Writer<'a, R> {
    /// The conditions that tell the reader something: those of the rule itself, and of the helpers it went through those
    /// that saw a value nobody has seen yet.
    fn news(&self, conditions: &'a [Condition], told: &mut Told<'a>) -> Vec<&'a Condition> {
        if self.look.verbose {
            return conditions.iter().collect();
        }
        let Some(first) = conditions.first() else { return Vec::new() };
        let (start, end) = self.file(&first.location).map_or((0, usize::MAX), |file| rule_around(file, first));
        let is_own = |condition: &&Condition| {
            condition.location.path == first.location.path && (start..=end).contains(&condition.location.line)
        };
        let mut seen: Vec<&Json> = Vec::new();
        for condition in conditions.iter().filter(is_own) {
            seen.extend(unwritten(condition).filter_map(|operand| operand.value.as_ref()));
        }
        let mut helpers = 0;
        let mut news = Vec::new();
        for condition in conditions {
            if is_own(&condition) {
                // That a name is bound to what the sentence is about needs no second telling.
                let binds = condition.text.contains(":=") && told.is_repeated;
                let is_subject = |operand: &Operand| operand.value.is_some() && operand.value.as_ref() == told.subject;
                if !(binds && unwritten(condition).next().is_some() && unwritten(condition).all(is_subject)) {
                    news.push(condition);
                }
                continue;
            }
            let is_new = |operand: &Operand| {
                let is_known = |value| seen.contains(&value) || told.values.contains(&(&condition.location, value));
                operand.value.as_ref().is_some_and(|value| !is_known(value))
            };
            let says = condition.outcome != Outcome::True || condition.note.is_some();
            // That two values were equal shows one value, and it decided nothing where it stands in a helper.
            let mut values = unwritten(condition).map(|operand| &operand.value);
            let is_equality =
                condition.operands.len() == 2 && values.next().is_some_and(|one| values.next() == Some(one));
            if (says || !is_equality && unwritten(condition).any(is_new)) && helpers < FEW {
                helpers += 1;
                news.push(condition);
                seen.extend(unwritten(condition).filter_map(|operand| operand.value.as_ref()));
            }
        }
        for condition in &news {
            let values = unwritten(condition).filter_map(|operand| operand.value.as_ref());
            told.repeated.extend(values.map(|value| (&condition.location, value)));
        }
        news
    }

    /// Conditions of one file.
    fn conditions(&mut self, conditions: &[&'a Condition], told: &mut Told<'a>) {
        let Some(last) = conditions.last() else { return };
        let Some(file) = self.file(&last.location) else {
            for condition in conditions {
                let place = self.look.text(&condition.location.to_string());
                let text = format!("{place}  {}", self.look.text(&condition.text));
                self.page.hang(INNER, INNER + 2, &[], Ink::Plain, &text);
                for operand in unwritten(condition) {
                    let name = self.look.text(&operand.text);
                    let text = format!("{name} is {}", self.seen(operand, VALUE));
                    self.page.flow(INNER + 2, &[], told.ink, &text);
                }
            }
            return;
        };
        let is_first = told.conditions.is_empty();
        let mut decisive = None;
        let mut marks: Vec<Mark> = Vec::new();
        for condition in conditions {
            // What is false for something inside it is false there.
            let is_around = conditions.iter().any(|other| {
                let (inner, outer) = (&other.location, &condition.location);
                inner != outer
                    && (outer.line, outer.column) <= (inner.line, inner.column)
                    && (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
            });
            let mark = self.condition_mark(file, condition, is_around, told);
            let says = !(mark.labels.is_empty() && mark.said.is_empty());
            if says && !is_around {
                decisive = Some(*condition);
            }
            // What one violation of a rule has shown without comment need not stand under the next.
            let new = told.conditions.insert(&condition.location);
            if new || says {
                marks.push(mark);
            }
        }
        told.values.append(&mut told.repeated);
        // Lines without a word on them are the rule as it stands: once that is worth its room.
        if decisive.is_none() && (marks.is_empty() || !is_first) {
            return;
        }
        let Location { line, column, .. } = decisive.unwrap_or(last).location;
        let snippet = Snippet { file, line, column, caption: String::new(), marks, limit: MAX_LINES };
        snippet.write(&mut self.page, self.look);
    }

    fn condition_mark(&self, file: &SourceFile, condition: &'a Condition, is_around: bool, told: &Told<'a>) -> Mark {
        let (location, ink) = (&condition.location, told.ink);
        let mut mark = Mark::lines(location);
        if is_around {
            // What is inside is told by itself; here the first line is enough.
            mark.last_line = mark.first_line;
        }
        let mut within = Span {
            start: file.offset(location.line, location.column),
            end: file.offset(location.end_line, location.end_column),
        };
        for operand in unwritten(condition) {
            let name = self.look.text(&operand.text);
            let found = find(file, within, &operand.text);
            within.start = found.map_or(within.start, |span| span.end);
            // A value stands under its place or, after its name, in a line of its own.
            let line = found
                .map(|span| file.slice(Span { start: file.line(file.location(span).line).start, end: span.start }));
            let before = line.map_or(usize::MAX, |line| line.trim_start().width());
            let room = self.look.columns().saturating_sub(before.min(name.width() + " is ".len()) + GUTTER);
            let text = self.seen(operand, room);
            // A long value that stands above on the same line stays the same.
            let is_told = operand.value.as_ref().is_some_and(|value| told.values.contains(&(location, value)));
            if is_told && text.width() > LEAST_VALUE && !self.look.verbose {
                continue;
            }
            let Some(span) = found else {
                mark.said.push((ink, format!("{name} is {text}")));
                continue;
            };
            let at = file.location(span);
            let end = if at.end_line == at.line { at.end_column } else { at.column + 1 };
            mark.labels.push(Label { line: at.line, columns: (at.column, end), name, text, ink });
        }
        let outcome = match condition.outcome {
            _ if condition.bindings == 0 => Some("never reached"),
            Outcome::False if is_around => None,
            Outcome::True => None,
            Outcome::False => Some("false"),
            Outcome::Undefined if condition.operands.iter().any(|operand| operand.value.is_none()) => None,
            Outcome::Undefined => Some("no value"),
            Outcome::NotExplained => Some("not explained"),
        };
        if let Some(outcome) = outcome {
            if mark.labels.is_empty() && location.line == location.end_line {
                let columns = (location.column, location.end_column);
                let (name, text) = (String::new(), outcome.to_owned());
                mark.labels.push(Label { line: location.line, columns, name, text, ink });
            } else {
                mark.said.push((ink, outcome.to_owned()));
            }
        }
        mark.said.extend(condition.note.iter().map(|note| (Ink::Help, self.look.text(note))));
        mark
    }

    /// What an operand was, in so many columns.
    fn seen(&self, operand: &Operand, room: usize) -> String {
        match &operand.value {
            None => "no value".to_owned(),
            Some(value) if self.look.verbose => self.look.brief(value, LONG_VALUE),
            Some(value) => self.look.brief(value, room.clamp(LEAST_VALUE, VALUE)),
        }
    }

    fn file(&self, location: &Location) -> Option<&'a SourceFile> {
        self.report.files().get(&location.path)
    }
}

fn verdict(verdict: Verdict) -> (&'static str, Ink) {
    match verdict {
        Verdict::Decayed => ("DECAYED", Ink::Decayed),
        Verdict::Unknown => ("UNKNOWN", Ink::Unknown),
        Verdict::Eroding => ("ERODING", Ink::Eroding),
        Verdict::Holds => ("holds", Ink::Holds),
    }
}

/// What else than new a violation is.
fn standing(violation: &Violation) -> &'static str {
    match (violation.counts, violation.status) {
        (false, _) => " (does not count)",
        (true, ViolationStatus::New) => "",
        (true, ViolationStatus::Known) => " (known)",
        (true, ViolationStatus::Waived) => " (waived)",
    }
}

/// The counts that are not zero.
fn said(counts: &[(usize, &str)]) -> Vec<String> {
    counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect()
}

fn examined(judged: &Judged) -> String {
    let subjects = judged.subjects.map(|subjects| format!("{}, ", count(subjects, "subject")));
    let facts = count(judged.facts, "fact");
    let age = match judged.oldest_seconds {
        Some(seconds) => format!(", the oldest {}", old(Some(seconds))),
        None if judged.facts > 0 => ", age not known".to_owned(),
        None => String::new(),
    };
    format!("{}{facts} examined{age}", subjects.unwrap_or_default())
}

/// One line of at most `width` columns.
fn shorten(text: &str, width: usize, look: Look) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let ellipsis = look.marks().ellipsis;
    let mut room = width.saturating_sub(ellipsis.width());
    let fits = |c: &char| {
        let wide = c.width().unwrap_or_default();
        let fits = wide <= room;
        room = room.saturating_sub(wide);
        fits
    };
    let head: String = text.chars().take_while(fits).collect();
    format!("{}{ellipsis}", head.trim_end())
}

/// Whether a sentence names a subject, as a word of its own.
fn names(sentence: &str, subject: &str) -> bool {
    !subject.is_empty() && position(sentence, subject).is_some()
}

/// Where `word` stands in `text` and is not part of a longer name.
fn position(text: &str, word: &str) -> Option<usize> {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back().is_some_and(|c| joins(c) || c == '.');
        let after = text[at + word.len()..].chars().next().is_some_and(joins);
        let longer = before && word.starts_with(joins) || after && word.ends_with(joins);
        !longer
    })
}

/// Where an operand stands within a condition.
fn find(file: &SourceFile, within: Span, operand: &str) -> Option<Span> {
    if operand.is_empty() {
        return None;
    }
    let start = within.start + position(file.slice(within), operand)?;
    Some(Span { start, end: start + operand.len() })
}

/// The operands whose values do not stand on the line anyway: no literals, and nothing that is true for equalling one.
/// What a condition needs to be true has a value, also where nobody could tell which; only under `not` it may have none.
fn unwritten(condition: &Condition) -> impl Iterator<Item = &Operand> {
    let is_true = condition.outcome == Outcome::True;
    let literals: Vec<Json> = condition.operands.iter().filter(|_| is_true).filter_map(literal).collect();
    let may_lack = condition.outcome != Outcome::True || condition.text.starts_with("not ");
    condition.operands.iter().filter(move |operand| {
        literal(operand).is_none() && operand.value.as_ref().map_or(may_lack, |value| !literals.contains(value))
    })
}

/// The value of an operand that is written as one, sets among them.
fn literal(operand: &Operand) -> Option<Json> {
    let text = operand.text.as_str();
    let set = || Some(format!("[{}]", text.strip_prefix('{')?.strip_suffix('}')?));
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&set()?).ok())
}

/// The first and last line of the rule that a condition stands in, by indentation.
fn rule_around(file: &SourceFile, condition: &Condition) -> (usize, usize) {
    let indent = |line: usize| {
        let text = file.slice(file.line(line));
        let rest = text.trim_start_matches([' ', '\t']);
        (!rest.trim_end().is_empty()).then_some(text.len() - rest.len())
    };
    let at = condition.location.line;
    let inside = indent(at).unwrap_or_default();
    let start = (1..at).rev().find(|line| indent(*line).is_some_and(|indent| indent < inside)).unwrap_or(at);
    let head = indent(start).unwrap_or_default();
    let last = file.line_column(file.text().len()).0;
    let end = (at.max(start) + 1..=last).find(|line| indent(*line).is_some_and(|indent| indent <= head));
    (start, end.map_or(last, |end| end - 1))
}

/// How far what was observed is from what was expected, as a ratio; what are no numbers are not.
fn excess(violation: &Violation) -> f64 {
    let number = |value: &Option<Json>| value.as_ref().and_then(Json::as_f64);
    match (number(&violation.observed), number(&violation.expected)) {
        (Some(value), Some(limit)) if limit != 0.0 => ((value - limit) / limit).abs(),
        (Some(value), Some(_)) => value.abs(),
        _ => 0.0,
    }
}

/// The line of a fact. It is underlined unless the whole line is about it anyway.
fn fact_mark(file: &SourceFile, location: &Location, ink: Ink) -> Mark {
    let mut mark = Mark::lines(location);
    if mark.last_line >= mark.first_line + LINES_OF_FACT {
        // Of an object its name is enough to know it, of anything else its beginning to find it.
        let name = name_within(file, mark.first_line, mark.last_line);
        mark.first_line = name.unwrap_or(mark.first_line);
        mark.last_line = name.unwrap_or(mark.first_line + LINES_OF_FACT - 1);
        return mark;
    }
    let span = Span {
        start: file.offset(location.line, location.column),
        end: file.offset(location.end_line, location.end_column),
    };
    let line = file.line(location.line);
    let before = file.slice(Span { start: line.start, end: span.start }).trim_start_matches([' ', '-']);
    let after = file.slice(Span { start: span.end, end: line.end }).trim();
    let alone = !before.contains(['{', '[', ',']) && (after.is_empty() || after == ",");
    if location.line == location.end_line && !alone {
        let columns = (location.column, location.end_column);
        let (name, text) = (String::new(), String::new());
        mark.labels.push(Label { line: location.line, columns, name, text, ink });
    }
    mark
}

/// The line that names an object: of all names in it the one that is nested least.
fn name_within(file: &SourceFile, first: usize, last: usize) -> Option<usize> {
    const SEARCHED: usize = 200;
    let lines = (first..=last).take(SEARCHED).filter_map(|line| {
        let text = file.slice(file.line(line));
        // The mark of a list's element is no depth of its own.
        let key = text.trim_start_matches([' ', '\t', '-', '{']);
        let is_name = ["\"name\":", "\"id\":", "name:", "id:"].iter().any(|name| key.starts_with(name));
        is_name.then_some((text.len() - key.len(), line))
    });
    let (depth, name) = lines.min()?;
    // One that is nested deeper than the object's own first key names something else inside it.
    let inner = (first..=last)
        .map(|line| file.slice(file.line(line)))
        .map(|text| text.len() - text.trim_start_matches([' ', '\t', '-', '{']).len());
    let is_own = inner.take(2).max().is_some_and(|own| depth <= own + NESTED);
    is_own.then_some(name)
}

/// What has been shown of one assumption, so that it is not shown again with its next violation.
struct Told<'a> {
    conditions: BTreeSet<&'a Location>,
    facts: BTreeSet<&'a Location>,
    /// Lines of files of facts.
    lines: BTreeSet<(&'a str, usize)>,
    /// The values that stand under conditions, and those that the present violation adds to them.
    values: Vec<(&'a Location, &'a Json)>,
    repeated: Vec<(&'a Location, &'a Json)>,
    /// Whether a violation has been shown before this one, and what this one is about.
    is_repeated: bool,
    subject: Option<&'a Json>,
    /// What values are written with.
    ink: Ink,
}

impl<'a> Told<'a> {
    fn new(ink: Ink) -> Self {
        Self {
            conditions: BTreeSet::new(),
            facts: BTreeSet::new(),
            lines: BTreeSet::new(),
            values: Vec::new(),
            repeated: Vec::new(),
            is_repeated: false,
            subject: None,
            ink,
        }
    }

    /// The next violation begins.
    fn violation(&mut self, violation: &'a Violation) {
        self.is_repeated = !self.conditions.is_empty();
        self.subject = violation.subject.as_ref();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{report::fixture, source::is_unsafe};

    const PLAIN: Look = Look { color: false, unicode: true, width: 80, verbose: false };

    #[test]
    fn plain() {
        insta::assert_snapshot!(render(&fixture::mixed(), PLAIN));
    }

    #[test]
    fn ascii() {
        insta::assert_snapshot!(render(&fixture::mixed(), Look { unicode: false, ..PLAIN }));
    }

    #[test]
    fn verbose() {
        insta::assert_snapshot!(render(&fixture::mixed(), Look { verbose: true, width: 100, ..PLAIN }));
    }

    #[test]
    fn color() {
        let text = render(&fixture::mixed(), Look { color: true, ..PLAIN });
        insta::assert_snapshot!(text.replace('\u{1b}', "^"));
    }

    #[test]
    fn narrow() {
        insta::assert_snapshot!(render(&fixture::mixed(), Look { width: 0, ..PLAIN }));
    }

    #[test]
    fn all_hold() {
        insta::assert_snapshot!(render(&fixture::all_hold(), PLAIN), @"
        storefront · production · facts of 2026-11-21 01:00 UTC (1 h old)

         holds    all 2, each on 12 to 212 facts, oldest 1 h 30 min old (-v shows each)

        2 assumptions: 0 decayed, 0 unknown, 0 eroding, 2 hold · 0 fail · exit 0
        ");
    }

    #[test]
    fn nobody_can_tell() {
        let text = render(&fixture::nobody_can_tell(), PLAIN);
        let (_, last) = text.rsplit_once("\n\n").unwrap();
        insta::assert_snapshot!(last, @"
        nothing fails, but something unknown would if its facts were fresh and complete
        2 assumptions: 0 decayed, 2 unknown, 0 eroding, 0 hold · 0 fail · exit 3
        ");
    }

    #[test]
    fn an_assumption_without_a_title_is_named_once() {
        let mut report = fixture::nobody_can_tell();
        for judged in &mut report.assumptions {
            judged.assumption.title.clone_from(&judged.assumption.id);
        }
        let text = render(&report, PLAIN);
        for judged in &report.assumptions {
            let times = text.matches(&judged.assumption.id).count();
            assert_eq!(times, 1, "{}: {text}", judged.assumption.id);
        }
    }

    #[test]
    fn measures_with_room_are_no_news_of_what_erodes() {
        let mut report = fixture::mixed();
        report.assumptions.retain(|judged| judged.verdict == Verdict::Eroding && judged.measures.len() > 1);
        for judged in &mut report.assumptions {
            judged.assumption.eroding_under = Some(0.0);
        }
        assert!(!report.assumptions.is_empty());
        let text = render(&report, PLAIN);
        assert!(!text.contains("of margin left") && !text.contains("more measure"), "{text}");
    }

    #[test]
    fn nobody_has_more_margin_left_than_there_is() {
        let report = fixture::empty();
        let writer = Writer { report: &report, look: PLAIN, page: Page::new(PLAIN) };
        let measure = |value, limit, direction| Measure {
            subject: None,
            value,
            limit,
            unit: Some("replicas".to_owned()),
            direction,
            from: "measure".to_owned(),
        };
        for (measure, said) in [
            (measure(5.0, 4.0, Direction::Min), "25 % of margin left: 5 of at least 4 replicas"),
            (measure(8.0, 4.0, Direction::Min), "100 % of margin left: 8 of at least 4 replicas"),
            (measure(41.7, 4.0, Direction::Min), "10.4 times what it must be: 41.7 of at least 4 replicas"),
            (measure(0.0, 4.0, Direction::Max), "100 % of margin left: 0 of at most 4 replicas"),
            (measure(-9.0, 4.0, Direction::Max), "far within its limit: -9 of at most 4 replicas"),
            (measure(9.0, -4.0, Direction::Min), "far within its limit: 9 of at least -4 replicas"),
        ] {
            assert_eq!(writer.measure(&measure, None), said);
        }
    }

    #[test]
    fn the_worst_come_first() {
        let mut report = fixture::mixed();
        let is_decayed = |judged: &Judged| judged.violations.len() > 1 && judged.verdict == Verdict::Decayed;
        let mut judged = report.assumptions.iter().find(|judged| is_decayed(judged)).unwrap().clone();
        let one = Violation {
            kind: ViolationKind::Violation,
            counts: true,
            status: ViolationStatus::New,
            expected: Some(100.into()),
            ..judged.violations[0].clone()
        };
        let named = |(name, observed): (&str, i64)| Violation {
            message: format!("{name} is slow"),
            subject: Some(name.into()),
            observed: Some(observed.into()),
            ..one.clone()
        };
        judged.violations = [("a", 101), ("b", 130), ("c", 900), ("d", 101)].map(named).to_vec();
        report.assumptions = vec![judged];
        let text = render(&report, PLAIN);
        let places: Vec<_> = ["c is", "b is", "a is", "d is"].map(|said| text.find(said).unwrap()).to_vec();
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn warnings_alone_are_not_called_violations() {
        let mut report = fixture::mixed();
        report.assumptions.retain(|judged| judged.reason == Some(Reason::Warned));
        let text = render(&report, PLAIN);
        assert!(text.contains(" warning") && !text.contains("violation"), "{text}");
    }

    #[test]
    fn nothing_is_said_even_of_nothing() {
        insta::assert_snapshot!(render(&fixture::empty(), PLAIN), @"
        storefront · no facts

        0 assumptions: 0 decayed, 0 unknown, 0 eroding, 0 hold · 0 fail · exit 0
        ");
    }

    fn looks() -> impl Iterator<Item = Look> {
        [20, 40, 63, 80, 81, 200].into_iter().flat_map(|width| {
            [(false, false), (false, true), (true, false), (true, true)]
                .into_iter()
                .flat_map(move |(color, unicode)| [false, true].map(|verbose| Look { color, unicode, width, verbose }))
        })
    }

    /// Takes away the colours, as a terminal does.
    fn uncolored(text: &str) -> String {
        let mut parts = text.split("\u{1b}[");
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |text, part| {
            let (code, rest) = part.split_once('m').unwrap();
            assert!(code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{code}");
            text + rest
        })
    }

    #[test]
    fn nothing_hostile_reaches_the_terminal_or_a_build_log() {
        let report = fixture::mixed();
        for look in looks() {
            let rendered = render(&report, look);
            assert_eq!(rendered.contains('\u{1b}'), look.color, "{look:?}");
            let text = uncolored(&rendered);
            assert!(!text.contains(|c| c != '\n' && is_unsafe(c)), "{look:?}");
            for line in text.lines() {
                assert!(!line.trim_start().starts_with("::"), "{look:?} {line}");
                assert!(!line.to_lowercase().contains("##vso[") && !line.contains("##["), "{look:?} {line}");
            }
        }
    }

    #[test]
    fn colors_change_no_text() {
        let report = fixture::mixed();
        for look in looks().filter(|look| look.color) {
            assert_eq!(uncolored(&render(&report, look)), render(&report, Look { color: false, ..look }));
        }
    }

    #[test]
    fn lines_keep_to_the_width() {
        let report = fixture::mixed();
        for look in looks().filter(|look| look.width >= 80) {
            for line in uncolored(&render(&report, look)).lines() {
                // Lines to paste stay in one piece; the backslash that protects a build log is one column more.
                let is_quoted = line.trim_start().starts_with('`');
                let to_paste = is_quoted || line.contains("optional:") || line.trim_start().starts_with("\\::error");
                assert!(to_paste || line.width() <= look.width + line.matches("#\\#").count(), "{look:?} {line}");
            }
        }
    }

    #[test]
    fn without_unicode_nothing_of_ours_is_beyond_ascii() {
        let mut report = fixture::mixed();
        report.assumptions.retain(|judged| judged.assumption.title.is_ascii());
        let text = render(&report, Look { unicode: false, ..PLAIN });
        assert!(text.is_ascii(), "{text}");
    }
}
