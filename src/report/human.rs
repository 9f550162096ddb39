//! The report for a person at a terminal. What a script wants is JSON; this may change from release to release.
//!
//! Of each assumption: the verdict and the sentence, then both ends (its own lines with the values they saw, the facts
//! in their files), then how much was looked at, then what to do.

use std::{borrow::Cow, collections::BTreeSet};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    Look,
    page::{Ink, Page},
    snippet::{Label, Mark, Snippet},
};
use crate::{
    model::{
        Condition, Direction, Evidence, ExitCode, FindingSeverity, Json, Judged, Measure, Note, Operand, Outcome,
        Reason, Report, Severity, Source, Status, Verdict, Violation, ViolationKind, ViolationStatus,
    },
    source::{Location, SourceFile, Span},
    text::{count, old, percent},
};

/// So many violations are shown in full.
const IN_FULL: usize = 3;

/// So many are shown at all; with `verbose` all are.
const SHOWN: usize = 10;

/// So many measures, facts of one violation and lines of rules are shown; with `verbose` all are.
const FEW: usize = 3;

/// So many lines of one fact are shown.
const LINES_OF_FACT: usize = 3;

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

struct Writer<'a> {
    report: &'a Report,
    look: Look,
    page: Page,
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
        let assumption = &judged.assumption;
        let (word, ink) = verdict(judged.verdict);
        let lead = [(Ink::Plain, " ".to_owned()), (ink, word.to_owned())];
        let pad = (Ink::Plain, " ".repeat(TITLE - 1 - word.len()));
        self.page.flow(0, &[&lead[..], &[pad]].concat(), Ink::Bold, &self.look.text(&assumption.title));

        // What nobody gave a title has its id for one.
        let id = (assumption.title != assumption.id).then(|| self.look.text(&assumption.id));
        let mut facts: Vec<_> = id.into_iter().collect();
        facts.extend(assumption.owner.as_deref().map(|owner| self.look.text(owner)));
        if assumption.severity != Severity::Error {
            facts.push(format!("severity {}", assumption.severity));
        }
        if judged.verdict == Verdict::Decayed && !judged.fails {
            facts.push("does not fail".to_owned());
        }
        if judged.verdict == Verdict::Holds {
            facts.push(examined(judged));
        }
        if !facts.is_empty() {
            let facts = self.join(facts);
            self.page.flow(TITLE, &[], Ink::Dim, &facts);
        }

        if judged.verdict == Verdict::Holds {
            self.measures(judged, TITLE);
            judged.notes.iter().for_each(|note| self.note(note, TITLE));
            return;
        }
        self.page.gap();
        self.reason(judged);
        if judged.verdict == Verdict::Unknown {
            self.why(&judged.conditions, &judged.evidence, &mut Told::new(Ink::Unknown));
            self.provisional(judged);
            self.violations(judged);
        } else {
            if judged.verdict == Verdict::Eroding || self.look.verbose {
                self.measures(judged, BODY);
            }
            self.violations(judged);
            self.why(&judged.conditions, &judged.evidence, &mut Told::new(ink));
        }
        if judged.conditions.is_empty() && judged.violations.is_empty() {
            self.lines(&assumption.rule);
        }
        self.page.flow(BODY, &[], Ink::Dim, &self.scope(judged));
        judged.notes.iter().for_each(|note| self.note(note, BODY));
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

    fn provisional(&mut self, judged: &Judged) {
        if judged.verdict != Verdict::Unknown {
            return;
        }
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
        // What somebody has to act upon comes first; the sort is stable.
        order.sort_by_key(|violation| (!violation.counts, violation.status));
        // One more line is better than "and 1 more".
        let shown = if self.look.verbose || order.len() <= SHOWN + 1 { order.len() } else { SHOWN };

        let mut rules: Vec<&Location> = Vec::new();
        let mut told = Told::new(Ink::Decayed);
        for (at, violation) in order[..shown].iter().enumerate() {
            if at >= IN_FULL {
                self.in_one_line(violation, judged);
                continue;
            }
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
        if shown < order.len() {
            let more = format!("and {} more: `stillholds check {} -v`", order.len() - shown, judged.assumption.id);
            self.page.flow(BODY, &[(Ink::Dim, format!("{} ", self.look.marks().ellipsis))], Ink::Plain, &more);
        }
        for rule in rules {
            self.lines(rule);
        }
    }

    fn in_full(&mut self, violation: &'a Violation, judged: &Judged, told: &mut Told<'a>) {
        let (mark, ink) = self.mark(violation);
        told.ink = ink;
        let text = format!("{}{}", self.sentence(violation, judged), standing(violation));
        self.page.flow(BODY, &[(ink, format!("{mark} "))], Ink::Bold, &text);

        let mut rows: Vec<(Cow<'_, str>, &Json)> = Vec::new();
        rows.extend(violation.expected.as_ref().map(|value| ("expected".into(), value)));
        rows.extend(violation.observed.as_ref().map(|value| ("observed".into(), value)));
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
        self.why(&violation.conditions, &violation.evidence, told);
    }

    fn in_one_line(&mut self, violation: &Violation, judged: &Judged) {
        let (mark, ink) = self.mark(violation);
        let place = violation.place.as_ref().or_else(|| violation.evidence.iter().find_map(|e| e.location.as_ref()));
        let observed = violation.observed.as_ref().map(|value| shorten(&self.look.value(value), 24, self.look));
        let standing = standing(violation);
        let mut end = [
            standing.to_owned(),
            observed.map(|value| format!("  observed {value}")).unwrap_or_default(),
            place.map(|place| format!("  {}", self.look.text(&place.to_string()))).unwrap_or_default(),
        ]
        .concat();
        // What stands at the end yields where it would leave no room for the sentence.
        let columns = self.look.columns() - INNER;
        if end.width() > columns / 2 {
            standing.clone_into(&mut end);
        }
        let sentence = shorten(&self.sentence(violation, judged), columns.saturating_sub(end.width()), self.look);
        self.page.line(BODY, &[(ink, format!("{mark} ")), (Ink::Plain, sentence), (Ink::Dim, end)]);
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
        for conditions in conditions.chunk_by(|a, b| a.location.path == b.location.path) {
            self.conditions(conditions, told);
        }
        let few = if self.look.verbose { evidence.len() } else { FEW };
        let mut left = 0;
        for (at, fact) in evidence.iter().enumerate() {
            let Some((location, file)) =
                fact.location.as_ref().and_then(|location| Some((location, self.file(location)?)))
            else {
                self.fact(fact);
                continue;
            };
            let of_file = |fact: &&Evidence| fact.location.as_ref().is_some_and(|other| other.path == location.path);
            if evidence[..at].iter().any(|fact| of_file(&fact)) {
                continue;
            }
            let places = evidence.iter().filter(of_file).filter_map(|fact| fact.location.as_ref());
            let facts: Vec<&Location> = places.filter(|location| told.facts.insert(location)).collect();
            let Some(first) = facts.first() else { continue };
            left += facts.len().saturating_sub(few);
            let caption = self.report.snapshot.source(&fact.source).map(|source| self.caption(source));
            let snippet = Snippet {
                file,
                line: first.line,
                column: first.column,
                caption: caption.unwrap_or_default(),
                marks: facts.iter().take(few).map(|location| fact_mark(file, location, told.ink)).collect(),
            };
            snippet.write(&mut self.page, self.look);
        }
        if left > 0 {
            self.page.line(INNER, &[(Ink::Dim, format!("and {}", count(left, "more fact")))]);
        }
    }

    fn conditions(&mut self, conditions: &'a [Condition], told: &mut Told<'a>) {
        let Some(decisive) = conditions.last() else { return };
        let Some(file) = self.file(&decisive.location) else {
            for condition in conditions {
                let place = self.look.text(&condition.location.to_string());
                let text = format!("{place}  {}", self.look.text(&condition.text));
                self.page.hang(INNER, INNER + 2, &[], Ink::Plain, &text);
                for operand in unwritten(condition) {
                    let text = format!("{} is {}", self.look.text(&operand.text), self.seen(operand));
                    self.page.flow(INNER + 2, &[], told.ink, &text);
                }
            }
            return;
        };
        let mut marks: Vec<Mark> = Vec::new();
        for condition in conditions {
            let mark = self.condition_mark(file, condition, told.ink);
            // What one violation of a rule has shown without comment need not stand under the next.
            let new = told.conditions.insert(&condition.location);
            if new || !(mark.labels.is_empty() && mark.said.is_empty()) {
                marks.push(mark);
            }
        }
        let (line, column) = (decisive.location.line, decisive.location.column);
        let snippet = Snippet { file, line, column, caption: String::new(), marks };
        snippet.write(&mut self.page, self.look);
    }

    fn condition_mark(&self, file: &SourceFile, condition: &Condition, ink: Ink) -> Mark {
        let location = &condition.location;
        let mut mark = Mark::lines(location);
        let mut within = Span {
            start: file.offset(location.line, location.column),
            end: file.offset(location.end_line, location.end_column),
        };
        for operand in unwritten(condition) {
            let (name, text) = (self.look.text(&operand.text), self.seen(operand));
            let Some(span) = find(file, within, &operand.text) else {
                mark.said.push((ink, format!("{name} is {text}")));
                continue;
            };
            within.start = span.end;
            let at = file.location(span);
            let end = if at.end_line == at.line { at.end_column } else { at.column + 1 };
            mark.labels.push(Label { line: at.line, columns: (at.column, end), name, text, ink });
        }
        let outcome = match condition.outcome {
            _ if condition.bindings == 0 => Some("never reached"),
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

    fn seen(&self, operand: &Operand) -> String {
        operand.value.as_ref().map_or_else(|| "no value".to_owned(), |value| self.look.value(value))
    }

    /// A fact whose file is not at hand.
    fn fact(&mut self, fact: &Evidence) {
        let path = self.look.text(&fact.path.to_string());
        let mut origin = vec![self.look.text(&fact.source)];
        if let Some(source) = self.report.snapshot.source(&fact.source) {
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
        let snippet = Snippet { file, line, column, caption: String::new(), marks };
        snippet.write(&mut self.page, self.look);
    }

    fn file(&self, location: &Location) -> Option<&'a SourceFile> {
        self.report.files.get(&location.path)
    }

    fn caption(&self, source: &Source) -> String {
        let mut words = vec![self.look.text(&source.name)];
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
        if all > 0 {
            let total = count(all, if judged.reason == Some(Reason::Warned) { "warning" } else { "violation" });
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

/// The operands whose values do not stand on the line anyway: no literals, and nothing that equals one.
fn unwritten(condition: &Condition) -> impl Iterator<Item = &Operand> {
    let literal = |operand: &Operand| serde_json::from_str::<Json>(&operand.text).ok();
    let literals: Vec<Json> = condition.operands.iter().filter_map(literal).collect();
    condition.operands.iter().filter(move |operand| {
        literal(operand).is_none() && operand.value.as_ref().is_none_or(|value| !literals.contains(value))
    })
}

/// The line of a fact. It is underlined unless the whole line is about it anyway.
fn fact_mark(file: &SourceFile, location: &Location, ink: Ink) -> Mark {
    let mut mark = Mark::lines(location);
    // Of a list or an object its beginning is enough to find it.
    mark.last_line = mark.last_line.min(mark.first_line + LINES_OF_FACT - 1);
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

/// What has been shown of one assumption, so that it is not shown again with its next violation.
struct Told<'a> {
    conditions: BTreeSet<&'a Location>,
    facts: BTreeSet<&'a Location>,
    /// What values are written with.
    ink: Ink,
}

impl Told<'_> {
    fn new(ink: Ink) -> Self {
        Self { conditions: BTreeSet::new(), facts: BTreeSet::new(), ink }
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
                let to_paste = line.contains("optional:") || line.trim_start().starts_with("\\::error");
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
