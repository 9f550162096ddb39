//! What a server answers: JSON of one shape around what it found.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::{
    Failed,
    web::{self, Client},
};
use crate::{
    facts::{Format, decode},
    model::Json,
    text::{ELLIPSIS, cut},
};

/// An answer that is a success.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) data: Json,
    /// Why it is not complete: servers that gather from others warn when they did not reach them all.
    pub(super) partial: Option<String>,
    /// What the server has to say beside.
    pub(super) infos: Vec<String>,
}

/// A series with its samples, as numbers that may not be finite.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) labels: BTreeMap<String, String>,
    /// Seconds since 1970, and values.
    pub(super) samples: Vec<(f64, f64)>,
}

/// Reads an answer.
pub(super) fn read(client: &Client<'_>, mut answer: web::Answer) -> Result<Answer, Failed> {
    let at = web::shown(&answer.url);
    let is_json = answer.json();
    let body = std::mem::take(&mut answer.body);
    let body = is_json.is_ok().then(|| decode(body, Format::Json, false, "the answer"));
    if let Some(Ok(decoded)) = &body
        && decoded.value["status"] == "error"
    {
        let said = decoded.value["error"].as_str().unwrap_or("an error");
        return Err(Failed(format!("{at}: {}", cut(said, 300, ELLIPSIS))));
    }
    if !answer.is_success() {
        return Err(client.refused(&answer));
    }
    is_json?;
    let mut value = match body {
        Some(Ok(decoded)) => decoded.value,
        Some(Err(error)) => return Err(Failed(format!("{at}: {error}"))),
        None => Json::Null,
    };
    if value["status"] != "success" {
        return Err(Failed(format!("{at}: this is no answer of Prometheus: it has no `status`")));
    }
    let texts = |key: &str| -> Vec<String> {
        let texts = value[key].as_array().into_iter().flatten();
        texts.filter_map(Json::as_str).map(|text| cut(text, 300, ELLIPSIS)).collect()
    };
    let mut warnings = texts("warnings");
    // VictoriaMetrics says so in a word of its own.
    if value["isPartial"] == true {
        warnings.push("the answer is partial".to_owned());
    }
    let partial = (!warnings.is_empty()).then(|| format!("the server warns: {}", warnings.join("; ")));
    let infos = texts("infos");
    Ok(Answer { data: value["data"].take(), partial, infos })
}

impl Answer {
    /// Whether it holds samples at several times.
    pub(super) fn is_matrix(&self) -> bool {
        self.data["resultType"] == "matrix"
    }

    /// The series of a query's answer.
    pub(super) fn series(&self) -> Result<Vec<Series>, Failed> {
        let other = |what: &str| Failed(format!("the query gives {what}, and no numbers"));
        let result = &self.data["result"];
        match self.data["resultType"].as_str().unwrap_or_default() {
            "scalar" => Ok(vec![Series { labels: BTreeMap::new(), samples: vec![sample(result)?] }]),
            "vector" | "matrix" => {
                result.as_array().ok_or_else(|| other("no list"))?.iter().map(one).collect::<Result<Vec<_>, _>>()
            }
            "string" => Err(other("text")),
            unknown => Err(other(&format!("`{}`", cut(unknown, 30, ELLIPSIS)))),
        }
    }
}

fn one(series: &Json) -> Result<Series, Failed> {
    if series.get("histogram").is_some() || series.get("histograms").is_some() {
        let advice = "take a number of them, as with `histogram_quantile`";
        return Err(Failed(format!("the query gives histograms: {advice}")));
    }
    let labels = series["metric"].as_object().into_iter().flatten();
    let labels = labels.filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_owned())));
    let samples = match (series.get("value"), series.get("values").and_then(Json::as_array)) {
        (Some(value), _) => vec![sample(value)?],
        (None, Some(values)) => values.iter().map(sample).collect::<Result<_, _>>()?,
        (None, None) => return Err(Failed("the answer has a series without a value".to_owned())),
    };
    Ok(Series { labels: labels.collect(), samples })
}

/// `[1795219317.8, "0.29"]`
fn sample(sample: &Json) -> Result<(f64, f64), Failed> {
    let parsed = || {
        let at = sample.get(0)?.as_f64()?;
        let value = match sample.get(1)? {
            Json::String(text) => number(text)?,
            other => other.as_f64()?,
        };
        Some((at, value))
    };
    parsed().ok_or_else(|| Failed(format!("the answer has `{}` for a sample", cut(&sample.to_string(), 60, ELLIPSIS))))
}

/// A number as Go writes it.
pub(super) fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        other => other.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

/// The number in JSON; one without a fraction is an integer. `None` where it is not finite.
pub(super) fn json(number: f64) -> Option<Json> {
    /// All integers up to here are floats as well.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "it is an integer that fits")]
        return Some((number as i64).into());
    }
    serde_json::Number::from_f64(number).map(Json::Number)
}

/// A time in whole seconds.
pub(super) fn time(seconds: f64) -> Result<Timestamp, Failed> {
    #[expect(clippy::cast_possible_truncation, reason = "what does not fit is no time")]
    let whole = seconds.floor() as i64;
    Timestamp::from_second(whole).map_err(|_| Failed(format!("the answer has {seconds} for a time")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn series(data: Json) -> Result<Vec<Series>, Failed> {
        Answer { data, partial: None, infos: Vec::new() }.series()
    }

    #[test]
    fn numbers_are_numbers() {
        for (text, expected) in
            [("1", json!(1)), ("0.25", json!(0.25)), ("1e+00", json!(1)), ("-3", json!(-3)), ("1e300", json!(1e300))]
        {
            assert_eq!(number(text).and_then(super::json), Some(expected), "{text}");
        }
        for text in ["NaN", "+Inf", "-Inf"] {
            assert_eq!(super::json(number(text).unwrap()), None, "{text}");
        }
        for text in ["", "x", "0x10", "1e999", "nan", "infinity"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn every_type_of_result_is_series_or_an_error() {
        let scalar = series(json!({"resultType": "scalar", "result": [1.5, "+Inf"]})).unwrap();
        assert_eq!(scalar[0].samples, [(1.5, f64::INFINITY)]);
        let vector = json!({"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1, "2"]}]});
        assert_eq!(series(vector).unwrap()[0].labels["a"], "b");
        let matrix = json!({"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2"], [2, "3"]]}]});
        assert_eq!(series(matrix).unwrap()[0].samples, [(1.0, 2.0), (2.0, 3.0)]);
        for wrong in [
            json!({"resultType": "string", "result": [1, "a"]}),
            json!({"resultType": "streams", "result": []}),
            json!({"resultType": "vector", "result": {}}),
            json!({"resultType": "vector", "result": [{"metric": {}}]}),
            json!({"resultType": "vector", "result": [{"metric": {}, "value": [1, "many"]}]}),
            json!({"resultType": "vector", "result": [{"metric": {}, "histogram": [1, {}]}]}),
            json!({}),
        ] {
            assert!(series(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
