//! What a sample cannot show: the rule of three.
//!
//! Of n observations none was of some kind: with 95 % confidence less than 3/n of all that happens is (Hanley and
//! Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249:1743, 1983).

use std::collections::BTreeSet;

use regorus::Value;

use super::presence::value_at;
use crate::{
    model::{Note, Path, Reason, Segment, Source},
    policy::Use,
    text::percent,
};

/// Says of a sampled source what could have gone unseen in it.
pub(super) fn sampled(source: &Source, uses: &[Use], input: &Value) -> Note {
    let share = source.sampling.filter(|share| *share < 1.0).map(|share| format!(" of {}", percent(share)));
    let sample = format!("the source `{}` is a sample{}", source.name, share.unwrap_or_default());
    let message = match observations(source, uses, input) {
        Some((list, calls)) => format!(
            "{sample}: with {calls} calls seen in `{list}`, what makes up more than {} of them would have been seen (95 %, \
             rule of three)",
            percent(3.0 / calls)
        ),
        None => format!("{sample}: what was not seen may still happen"),
    };
    Note { reason: Reason::Sampled, message, help: None, location: None }
}

/// How many calls the lists hold that an assumption goes through; only where their elements say how many they stand for.
fn observations(source: &Source, uses: &[Use], input: &Value) -> Option<(Path, f64)> {
    let lists: BTreeSet<Path> = uses
        .iter()
        .filter(|one| one.path.source() == Some(&source.name))
        .filter_map(|one| {
            let end = one.path.segments().iter().position(|segment| *segment == Segment::Any)?;
            Some(Path::new(one.path.segments()[..end].to_vec()))
        })
        .collect();
    let key = Value::from("calls");
    lists.into_iter().find_map(|list| {
        let elements = value_at(&list, input)?.as_array().ok()?;
        let calls: Option<Vec<f64>> =
            elements.iter().map(|element| element.as_object().ok()?.get(&key)?.as_f64().ok()).collect();
        let calls: f64 = calls?.into_iter().sum();
        // Of three or fewer nothing can be said.
        (calls > 3.0).then_some((list, calls))
    })
}
