//! A series in few numbers.

use serde_json::Map;

use super::answer::{Series, json, time};
use crate::{model::Json, text::count};

/// Writes the value of a series at one time into its element; gives the key of one that is not finite.
pub(super) fn at_once(series: &Series, element: &mut Map<String, Json>) -> Vec<&'static str> {
    let value = series.samples.last().map_or(f64::NAN, |(_, value)| *value);
    put(element, [("value", Some(value))])
}

/// Writes the summary of a series over a time into its element; gives the keys of what is not finite.
///
/// A sample that is `NaN` is a gap: nothing was there to be divided, or measured. An infinite one counts, and makes what
/// it decides unknown.
pub(super) fn of_range(
    series: &Series,
    element: &mut Map<String, Json>,
    omitted: &mut Vec<String>,
) -> Vec<&'static str> {
    let samples: Vec<_> = series.samples.iter().copied().filter(|(_, value)| !value.is_nan()).collect();
    let gaps = series.samples.len() - samples.len();
    if gaps > 0 {
        let labels: Vec<_> = series.labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
        omitted.push(format!("{} of {{{}}} without a number", count(gaps, "sample"), labels.join(", ")));
    }
    element.insert("samples".to_owned(), samples.len().into());
    let (Some((first, _)), Some((last, value))) = (samples.first(), samples.last()) else {
        return put(element, ["last", "min", "max", "mean", "p50", "p95"].map(|key| (key, Some(f64::NAN))));
    };
    for (key, at) in [("first_at", first), ("last_at", last)] {
        if let Ok(at) = time(*at) {
            element.insert(key.to_owned(), at.to_string().into());
        }
    }
    let mut sorted: Vec<_> = samples.iter().map(|(_, value)| *value).collect();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "11,000 samples at most")]
    let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
    put(
        element,
        [
            ("last", Some(*value)),
            ("min", sorted.first().copied()),
            ("max", sorted.last().copied()),
            ("mean", Some(mean)),
            ("p50", Some(quantile(&sorted, 0.5))),
            ("p95", Some(quantile(&sorted, 0.95))),
            ("slope_per_day", slope(&samples)),
        ],
    )
}

/// Writes numbers into an element; gives the keys of those that are not finite.
fn put<const N: usize>(
    element: &mut Map<String, Json>,
    numbers: [(&'static str, Option<f64>); N],
) -> Vec<&'static str> {
    let mut lost = Vec::new();
    for (key, number) in numbers.into_iter().filter_map(|(key, number)| Some((key, number?))) {
        match json(number) {
            Some(number) => _ = element.insert(key.to_owned(), number),
            None => lost.push(key),
        }
    }
    lost
}

/// Between samples as `quantile_over_time` has it.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "11,000 samples at most")]
    let rank = share * (sorted.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank is an index")]
    let (below, weight) = (rank.floor() as usize, rank.fract());
    let above = sorted.get(below + 1).copied();
    match above.filter(|_| weight > 0.0) {
        // Of two that are equal nothing is computed: the difference of infinite ones is no number.
        Some(above) if above.total_cmp(&sorted[below]).is_ne() => sorted[below] * (1.0 - weight) + above * weight,
        _ => sorted[below],
    }
}

/// How much a series grows in a day, by least squares; `None` for one sample, which does not grow.
fn slope(samples: &[(f64, f64)]) -> Option<f64> {
    const DAY: f64 = 86_400.0;
    let start = samples.first()?.0;
    #[expect(clippy::cast_precision_loss, reason = "11,000 samples at most")]
    let count = samples.len() as f64;
    let days = |at: f64| (at - start) / DAY;
    let mean_at = samples.iter().map(|(at, _)| days(*at)).sum::<f64>() / count;
    let mean = samples.iter().map(|(_, value)| value).sum::<f64>() / count;
    let spread: f64 = samples.iter().map(|(at, _)| (days(*at) - mean_at).powi(2)).sum();
    let both: f64 = samples.iter().map(|(at, value)| (days(*at) - mean_at) * (value - mean)).sum();
    (spread > 0.0).then(|| both / spread)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn summary(values: &[f64]) -> (Json, Vec<&'static str>, Vec<String>) {
        let at = |index: usize| 1_795_219_200.0 + f64::from(u32::try_from(index).unwrap()) * 43_200.0;
        let samples = values.iter().enumerate().map(|(index, value)| (at(index), *value)).collect();
        let series = Series { labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]), samples };
        let (mut element, mut omitted) = (Map::new(), Vec::new());
        let lost = of_range(&series, &mut element, &mut omitted);
        (Json::Object(element), lost, omitted)
    }

    #[test]
    fn a_series_is_summed_up() {
        let (element, lost, omitted) = summary(&[4.0, 1.0, 3.0, 2.0, 10.0]);
        assert_eq!(
            element,
            json!({
                "last": 10, "min": 1, "max": 10, "mean": 4, "p50": 3, "p95": 8.799_999_999_999_999, "slope_per_day": 2.6,
                "samples": 5, "first_at": "2026-11-21T00:00:00Z", "last_at": "2026-11-23T00:00:00Z",
            })
        );
        assert!(lost.is_empty() && omitted.is_empty());
        let (element, ..) = summary(&[7.5]);
        assert_eq!((&element["p95"], element.get("slope_per_day")), (&json!(7.5), None));
    }

    #[test]
    fn gaps_are_left_out_and_the_infinite_is_not_hidden() {
        let (element, lost, omitted) = summary(&[1.0, f64::NAN, 3.0]);
        assert_eq!((&element["mean"], &element["samples"]), (&json!(2), &json!(2)));
        assert_eq!((lost, omitted), (vec![], vec!["1 sample of {a=b} without a number".to_owned()]));
        let (element, lost, _) = summary(&[1.0, f64::INFINITY, 3.0]);
        assert_eq!(lost, ["max", "mean", "p95", "slope_per_day"]);
        assert_eq!((&element["min"], &element["last"], &element["p50"]), (&json!(1), &json!(3), &json!(3)));
        let (element, lost, _) = summary(&[f64::NAN]);
        assert_eq!((element, lost.len()), (json!({"samples": 0}), 6));
    }
}
