//! Alerts, rules and targets, as the API answers them.

use url::Url;

use super::{
    super::Failed,
    answer::{json, number},
};
use crate::{model::Json, project::PrometheusList};

/// The list that an answer holds, sorted, so that two equal systems give equal bytes.
pub(super) fn read(list: PrometheusList, mut data: Json) -> Result<Json, Failed> {
    let (key, order): (_, &[&str]) = match list {
        PrometheusList::Alerts => ("alerts", &["/labels", "/activeAt"]),
        PrometheusList::Rules => ("groups", &["/file", "/name"]),
        PrometheusList::Targets => ("activeTargets", &["/scrapePool", "/scrapeUrl"]),
    };
    let Json::Array(mut elements) = data[key].take() else {
        return Err(Failed(format!("the answer has no list `{key}`")));
    };
    for element in &mut elements {
        match list {
            PrometheusList::Alerts => with_number(element),
            PrometheusList::Rules => {
                let rules = element.get_mut("rules").and_then(Json::as_array_mut).into_iter().flatten();
                let alerts = rules.filter_map(|rule| rule.get_mut("alerts")?.as_array_mut()).flatten();
                alerts.for_each(with_number);
            }
            PrometheusList::Targets => {
                for key in ["scrapeUrl", "globalUrl", "lastError"] {
                    if let Some(Json::String(text)) = element.get_mut(key) {
                        *text = without_queries(text);
                    }
                }
            }
        }
    }
    let place = |element: &Json| -> Vec<String> {
        order.iter().map(|pointer| element.pointer(pointer).map(ToString::to_string).unwrap_or_default()).collect()
    };
    elements.sort_by_cached_key(place);
    Ok(Json::Array(elements))
}

/// The value of an alert as a number; one that is not finite is no value.
fn with_number(alert: &mut Json) {
    let Some(fields) = alert.as_object_mut() else { return };
    let Some(parsed) = fields.get("value").and_then(Json::as_str).and_then(number) else { return };
    match json(parsed) {
        Some(value) => fields.insert("value".to_owned(), value),
        None => fields.remove("value"),
    };
}

/// A text whose addresses have lost what could be secret in them: queries, users and passwords.
fn without_queries(text: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = ["http://", "https://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let end = rest[start..].find(is_end).map_or(rest.len(), |end| start + end);
        shown.push_str(&rest[..start]);
        match Url::parse(&rest[start..end]) {
            Ok(url) => {
                shown.push_str(&url.origin().ascii_serialization());
                shown.push_str(url.path());
            }
            Err(_) => shown.push_str("(an address)"),
        }
        rest = &rest[end..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_as_the_api_answers_them_with_numbers_and_without_secrets() {
        let alerts =
            json!({"alerts": [{"labels": {"a": "2"}, "value": "1e+00"}, {"labels": {"a": "1"}, "value": "NaN"}]});
        let expected = json!([{"labels": {"a": "1"}}, {"labels": {"a": "2"}, "value": 1}]);
        assert_eq!(read(PrometheusList::Alerts, alerts), Ok(expected));
        let rules =
            json!({"groups": [{"name": "g", "rules": [{"alerts": [{"value": "2.5"}]}, {"type": "recording"}]}]});
        assert_eq!(read(PrometheusList::Rules, rules).unwrap()[0]["rules"][0]["alerts"][0]["value"], json!(2.5));
        let targets = json!({"activeTargets": [{
            "scrapeUrl": "http://u:s3cret@a.test:9100/metrics?token=s3cret",
            "lastError": "Get \"http://a.test:9100/metrics?token=s3cret\": connection refused",
            "health": "down",
        }]});
        let targets = read(PrometheusList::Targets, targets).unwrap();
        assert!(!targets.to_string().contains("s3cret"), "{targets}");
        assert_eq!(targets[0]["lastError"], "Get \"http://a.test:9100/metrics\": connection refused");
        assert!(read(PrometheusList::Rules, json!({})).is_err());
    }
}
