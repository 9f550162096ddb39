//! Takes secrets out of everything that is said of an assumption, also where an author or the engine put them together
//! with something else.

use crate::{
    model::{Condition, Evidence, Judged},
    secret::Secrets,
};

/// Takes the secrets that are known out of a judged assumption.
pub(crate) fn withhold(judged: &mut Judged, secrets: &Secrets) {
    let Judged { message, help, notes, measures, conditions, violations, evidence, .. } = judged;
    message.iter_mut().chain(help).for_each(|text| secrets.hide(text));
    for note in notes {
        secrets.hide(&mut note.message);
        note.help.iter_mut().for_each(|text| secrets.hide(text));
    }
    measures.iter_mut().filter_map(|measure| measure.subject.as_mut()).for_each(|subject| secrets.hide_in(subject));
    of_conditions(conditions, secrets);
    of_evidence(evidence, secrets);
    for violation in violations {
        secrets.hide(&mut violation.message);
        let values = [&mut violation.subject, &mut violation.expected, &mut violation.observed];
        values.into_iter().flatten().chain(violation.details.values_mut()).for_each(|value| secrets.hide_in(value));
        let details = std::mem::take(&mut violation.details);
        let details = details.into_iter().map(|(key, value)| (secrets.without(&key).into_owned(), value));
        violation.details = details.collect();
        of_conditions(&mut violation.conditions, secrets);
        of_evidence(&mut violation.evidence, secrets);
    }
}

fn of_conditions(conditions: &mut [Condition], secrets: &Secrets) {
    for condition in conditions {
        condition.note.iter_mut().for_each(|note| secrets.hide(note));
        let values = condition.operands.iter_mut().filter_map(|operand| operand.value.as_mut());
        values.for_each(|value| secrets.hide_in(value));
    }
}

fn of_evidence(evidence: &mut [Evidence], secrets: &Secrets) {
    for fact in evidence {
        secrets.hide_in(&mut fact.value);
    }
}
