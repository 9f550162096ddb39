//! One assumption with everything that is known about it.

use std::collections::BTreeSet;

use super::{
    super::Written, BODY, Ink, Judged, Location, Look, Mark, Page, Report, Snippet, Verdict, Writer, examined,
};
use crate::{
    model::{MaxAge, Presence},
    text::{old, percent},
};

pub(in crate::report) fn explain(report: &Report, written: &Written, look: Look) -> String {
    let look = Look { verbose: true, ..look };
    let mut writer = Writer { report, look, page: Page::new(look) };
    writer.header();
    for judged in &report.assumptions {
        writer.page.gap();
        writer.title(judged, true);
        writer.said(judged);
        writer.written(&written.rules);
        writer.section("why");
        writer.answer(judged);
        writer.reads(&judged.reads);
        writer.sources(judged);
        writer.not_followed(&written.not_followed);
    }
    writer.page.finish()
}

impl<'a> Writer<'a> {
    fn section(&mut self, name: &str) {
        self.page.gap();
        self.page.line(0, &[(Ink::Heading, name.to_owned())]);
        self.page.gap();
    }

    /// What the author says of it beside the rules.
    fn said(&mut self, judged: &Judged) {
        let assumption = &judged.assumption;
        if let Some(description) = &assumption.description {
            self.page.gap();
            self.page.flow(BODY, &[], Ink::Plain, &self.look.text(description));
        }
        let paths = |paths: &[crate::model::Path]| {
            paths.iter().map(|path| format!("`{}`", self.look.text(&path.to_string()))).collect::<Vec<_>>().join(", ")
        };
        let heading = assumption.document.heading.as_deref().filter(|heading| *heading != assumption.title);
        let place = self.look.text(&format!("{}:{}", assumption.location.path, assumption.location.line));
        let place = self.join([place].into_iter().chain(heading.map(|heading| self.look.text(heading))));
        let mut rows = vec![("stands in", place)];
        rows.extend(assumption.max_age.map(|max_age| {
            let max_age = match max_age {
                MaxAge::Limit(age) => age.to_string(),
                MaxAge::None => "none".to_owned(),
            };
            ("max age", max_age)
        }));
        rows.extend(assumption.review_by.map(|day| ("review by", day.to_string())));
        let lists = [("optional", &assumption.optional), ("required", &assumption.required)];
        rows.extend(lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(key, list)| (key, paths(list))));
        rows.extend(
            (!assumption.formerly.is_empty()).then(|| ("formerly", self.look.text(&assumption.formerly.join(", ")))),
        );
        rows.extend(assumption.related.iter().map(|related| {
            let description = related.description.as_deref().map(|description| self.look.text(description));
            ("see", self.join([self.look.text(&related.reference)].into_iter().chain(description)))
        }));
        self.page.gap();
        for (key, text) in rows {
            self.page.flow(BODY, &[(Ink::Dim, format!("{key:<11}"))], Ink::Plain, &text);
        }
    }

    /// The rules with all their lines, each file a snippet.
    fn written(&mut self, rules: &[Location]) {
        self.section("as written");
        for rules in rules.chunk_by(|a, b| a.path == b.path) {
            let Some(file) = self.file(&rules[0]) else {
                for rule in rules {
                    self.lines(rule);
                }
                continue;
            };
            let (line, column) = (rules[0].line, rules[0].column);
            let marks = rules.iter().map(Mark::lines).collect();
            let snippet = Snippet { file, line, column, caption: String::new(), marks, limit: usize::MAX };
            snippet.write(&mut self.page, self.look);
        }
    }

    fn answer(&mut self, judged: &'a Judged) {
        if judged.verdict != Verdict::Holds {
            self.body(judged);
            if judged.verdict == Verdict::Unknown && !judged.measures.is_empty() {
                self.page.gap();
                self.measures(judged, BODY);
            }
            return;
        }
        self.page.flow(BODY, &[], Ink::Plain, &format!("nothing speaks against it: {}", examined(judged)));
        self.measures(judged, BODY);
        self.why(&judged.conditions, &judged.evidence, &mut super::Told::new(Ink::Holds));
        self.notes(judged, BODY);
    }

    fn reads(&mut self, reads: &[Presence]) {
        if reads.is_empty() {
            return;
        }
        self.section("reads");
        let mut rows = vec![["PRESENT", "ABSENT", "NEEDED", "PATH"].map(str::to_owned).to_vec()];
        rows.extend(reads.iter().map(|read| {
            let needed = if read.needed { "yes" } else { "no" };
            let path = self.look.text(&read.path.to_string());
            vec![read.present.to_string(), read.absent.to_string(), needed.to_owned(), path]
        }));
        self.page.table(BODY, &rows);
    }

    /// What is known of the sources it reads.
    fn sources(&mut self, judged: &Judged) {
        let names: BTreeSet<&str> = judged.reads.iter().filter_map(|read| read.path.source()).collect();
        if names.is_empty() {
            return;
        }
        self.section("rests on");
        let mut rows = vec![["SOURCE", "STATUS", "AGE", "BASIS", "SAMPLED", "FILE"].map(str::to_owned).to_vec()];
        let mut remarks = Vec::new();
        let none = || "-".to_owned();
        for name in names {
            let Some(source) = self.report.snapshot.source(name) else {
                rows.push(vec![self.look.text(name), "not collected".to_owned(), none(), none(), none(), none()]);
                continue;
            };
            let name = self.look.text(name);
            rows.push(vec![
                name.clone(),
                source.status.as_str().to_owned(),
                old(source.age_seconds(self.report.evaluated_at)),
                source.basis.map_or_else(none, |basis| basis.as_str().to_owned()),
                source.sampling.map_or_else(none, percent),
                source.file.as_deref().map_or_else(none, |file| self.look.text(file)),
            ]);
            let parts = source.parts.iter().map(|(part, of)| (format!("{name}.{part}"), of.status, &of.error));
            for (name, status, error) in [(name.clone(), source.status, &source.error)].into_iter().chain(parts) {
                let error = error.as_ref().map(|error| format!(": {error}"));
                let is_whole = status == crate::model::Status::Ok && error.is_none();
                remarks.extend((!is_whole).then(|| format!("{name} {}{}", status.as_str(), error.unwrap_or_default())));
            }
            remarks.extend(source.omitted.iter().map(|what| format!("{name} omits {what}")));
        }
        self.page.table(BODY, &rows);
        for remark in remarks {
            self.page.hang(BODY, BODY + 2, &[], Ink::Plain, &self.look.text(&remark));
        }
    }

    fn not_followed(&mut self, not_followed: &[(String, Location)]) {
        if not_followed.is_empty() {
            return;
        }
        self.section("not followed");
        for (what, place) in not_followed {
            let text = format!("what {} at {}:{} reads", self.look.text(what), self.look.text(&place.path), place.line);
            self.page.hang(BODY, BODY + 2, &[], Ink::Plain, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{report::fixture, source::is_unsafe};

    fn explained(look: Look) -> Vec<String> {
        let mixed = fixture::mixed();
        let each = mixed.assumptions.iter().map(|judged| {
            let not_followed = vec![("`walk` \u{1b}[31m".to_owned(), judged.assumption.rule.clone())];
            let written = Written { rules: vec![judged.assumption.rule.clone()], not_followed };
            explain(&Report { assumptions: vec![judged.clone()], ..mixed.clone() }, &written, look)
        });
        each.collect()
    }

    #[test]
    fn nothing_hostile_reaches_the_terminal() {
        for width in [20, 63, 80, 200] {
            for text in explained(Look { width, ..Look::default() }) {
                assert!(!text.contains(|c| c != '\n' && is_unsafe(c)), "{text}");
                assert!(text.lines().all(|line| !line.trim_start().starts_with("::")), "{text}");
                assert!(text.contains("\nnot followed\n\n   what `walk` "), "{text}");
            }
        }
    }

    #[test]
    fn rules_are_shown_as_a_whole() {
        let look = Look { unicode: false, width: 60, ..Look::default() };
        let rules: String = explained(look)[0]
            .split("as written")
            .nth(1)
            .unwrap()
            .lines()
            .take(13)
            .map(|line| line.to_owned() + "\n")
            .collect();
        insta::assert_snapshot!(rules);
    }

    #[test]
    fn without_unicode_nothing_of_ours_is_beyond_ascii() {
        let ascii = explained(Look { unicode: false, ..Look::default() });
        assert!(explained(Look::default())[0].contains('╭'));
        for ascii in ascii {
            assert!(!ascii.contains(['╭', '│', '·', '╰', '⋮', '×', '─']), "{ascii}");
        }
    }
}
