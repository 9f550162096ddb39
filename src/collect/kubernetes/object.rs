//! Objects of Kubernetes: lists taken apart, noise left out, and zeros written that the API leaves out.

use crate::{
    collect::secrets::below,
    model::{Json, Segment},
    secret,
};

/// What tells objects apart: namespace, name, kind and API.
pub(super) type Identity = [String; 4];

pub(super) fn identity(object: &Json) -> Identity {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    [text(&metadata["namespace"]), text(&metadata["name"]), text(&object["kind"]), text(&object["apiVersion"])]
}

/// The objects of a list, or the one object; `None` for what is neither.
pub(super) fn listed(document: Json) -> Option<Vec<Json>> {
    let kind = document["kind"].as_str()?.to_owned();
    let api = document["apiVersion"].clone();
    let Json::Object(mut fields) = document else { return None };
    let Some(items) = fields.remove("items").filter(|_| kind.ends_with("List")) else {
        return fields.contains_key("metadata").then(|| vec![Json::Object(fields)]);
    };
    let Json::Array(mut items) = items else {
        // Go writes an empty list so.
        return items.is_null().then(Vec::new);
    };
    // Of a list of one kind the objects do not say what they are.
    let kind = kind.strip_suffix("List").unwrap_or_default();
    for item in &mut items {
        let fields = item.as_object_mut()?;
        if !kind.is_empty() {
            fields.entry("kind").or_insert_with(|| kind.into());
            fields.entry("apiVersion").or_insert_with(|| api.clone());
        }
        if !fields.get("kind").is_some_and(Json::is_string) {
            return None;
        }
    }
    Some(items)
}

/// The plural of a kind in lower case, as the API makes it.
pub(super) fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    let before = kind.chars().rev().nth(1);
    if kind == "endpoints" {
        kind
    } else if let Some(stem) = kind.strip_suffix('y').filter(|_| !before.is_some_and(|c| "aeiou".contains(c))) {
        format!("{stem}ies")
    } else if ["s", "x", "ch", "sh"].iter().any(|end| kind.ends_with(end)) {
        format!("{kind}es")
    } else {
        format!("{kind}s")
    }
}

/// The counts of a status that the API leaves out when they are zero.
fn counts(kind: &str) -> &'static [&'static str] {
    match kind {
        "Deployment" => &["replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "unavailableReplicas"],
        "StatefulSet" => &["replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "currentReplicas"],
        "ReplicaSet" | "ReplicationController" => &["replicas", "readyReplicas", "availableReplicas"],
        "DaemonSet" => &["numberAvailable", "numberUnavailable", "numberReady"],
        "HorizontalPodAutoscaler" => &["currentReplicas"],
        "Job" => &["active", "succeeded", "failed"],
        _ => &[],
    }
}

/// Writes zeros, and leaves out what only the cluster's own bookkeeping needs.
///
/// A status that is not there at all belongs to a manifest, of which nobody counted anything.
pub(super) fn normalise(object: &mut Json) {
    let counts = object["kind"].as_str().map_or(&[] as &[&str], counts);
    if let Some(status) = object.get_mut("status").and_then(Json::as_object_mut) {
        for count in counts {
            status.entry(*count).or_insert_with(|| 0.into());
        }
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Json::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Json::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
}

/// Takes out what a Secret holds; gives the keys.
pub(super) fn without_contents(object: &mut Json) -> Vec<&'static str> {
    let is_secret = object["kind"] == "Secret";
    let Some(fields) = object.as_object_mut().filter(|_| is_secret) else { return Vec::new() };
    ["data", "stringData"].into_iter().filter(|key| fields.remove(*key).is_some()).collect()
}

/// Whether an object is what an alias could stand for. Pods and replica sets belong to something that is.
pub(super) fn is_service_like(object: &Json) -> bool {
    ["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Service"].iter().any(|kind| object["kind"] == *kind)
}

/// Whether a key that sounds like a secret only says which one is meant, where, or how it is handed out.
pub(super) fn is_reference(key: &str, value: &Json) -> bool {
    const ENDS: [&str; 8] = ["name", "namespace", "ref", "refs", "selector", "type", "mode", "path"];
    const HOLDERS: [&str; 5] = ["secret", "secrets", "imagePullSecrets", "serviceAccountToken", "tokenRequests"];
    let is_named = ENDS.iter().any(|end| key.to_ascii_lowercase().ends_with(end));
    is_named || HOLDERS.contains(&key) && (value.is_object() || value.is_array())
}

/// What stands in place of the value of an argument.
const ARGUMENT: &str = secret::WITHHELD;

/// Takes values out of arguments such as `--password=…`, wherever containers have them; gives the paths.
pub(super) fn without_secret_arguments(document: &mut Json) -> Vec<String> {
    let mut withheld = Vec::new();
    arguments(document, &mut Vec::new(), &mut withheld);
    withheld
}

fn arguments(value: &mut Json, way: &mut Vec<Segment>, withheld: &mut Vec<String>) {
    match value {
        Json::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                way.push(Segment::Key(key.clone()));
                match value {
                    Json::Array(words) if key == "args" || key == "command" => words_of(words, way, withheld),
                    other => arguments(other, way, withheld),
                }
                way.pop();
            }
        }
        Json::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                way.push(Segment::Index(at));
                arguments(item, way, withheld);
                way.pop();
            }
        }
        _ => {}
    }
}

fn words_of(words: &mut [Json], way: &mut Vec<Segment>, withheld: &mut Vec<String>) {
    let is_secret = |name: &str| secret::is_secret_name(name) && !is_reference(name, &Json::Null);
    let mut is_value = false;
    for (at, word) in words.iter_mut().enumerate() {
        let Json::String(text) = word else { continue };
        let option = text.strip_prefix('-').map(|option| option.trim_start_matches('-').to_owned());
        let found = match option.as_deref().map(|option| option.split_once('=')) {
            Some(Some((name, _))) if is_secret(name) => {
                let kept = text.find('=').map_or(0, |at| at + 1);
                text.truncate(kept);
                text.push_str(ARGUMENT);
                true
            }
            None if is_value => {
                ARGUMENT.clone_into(text);
                true
            }
            _ => false,
        };
        // `--password word`: the next word is the value.
        is_value = option.is_some_and(|option| !option.contains('=') && is_secret(&option));
        if found {
            way.push(Segment::Index(at));
            withheld.push(below(way));
            way.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plurals_are_those_of_the_api() {
        for (kind, expected) in [
            ("Deployment", "deployments"),
            ("NetworkPolicy", "networkpolicies"),
            ("Ingress", "ingresses"),
            ("IngressClass", "ingressclasses"),
            ("Endpoints", "endpoints"),
            ("Gateway", "gateways"),
            ("HorizontalPodAutoscaler", "horizontalpodautoscalers"),
            ("PodDisruptionBudget", "poddisruptionbudgets"),
        ] {
            assert_eq!(plural(kind), expected);
        }
    }

    #[test]
    fn lists_are_taken_apart() {
        let list = json!({"kind": "DeploymentList", "apiVersion": "apps/v1", "items": [{"metadata": {"name": "a"}}]});
        let expected = json!({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "a"}});
        assert_eq!(listed(list), Some(vec![expected.clone()]));
        assert_eq!(listed(json!({"kind": "List", "items": [expected]})), Some(vec![expected.clone()]));
        assert_eq!(listed(expected.clone()), Some(vec![expected]));
        assert_eq!(listed(json!({"kind": "PodList", "items": null})), Some(vec![]));
        for neither in [
            json!([]),
            json!(1),
            json!({"items": []}),
            json!({"kind": "List", "items": [1]}),
            json!({"kind": "A"}),
            json!({"kind": "List", "items": [{}]}),
        ] {
            assert_eq!(listed(neither.clone()), None, "{neither}");
        }
    }

    #[test]
    fn zeros_are_written_where_somebody_counted() {
        let mut job = json!({"kind": "Job", "metadata": {"managedFields": []}, "status": {"succeeded": 1}});
        normalise(&mut job);
        assert_eq!(job, json!({"kind": "Job", "metadata": {}, "status": {"active": 0, "failed": 0, "succeeded": 1}}));
        let mut manifest = json!({"kind": "Deployment", "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}});
        normalise(&mut manifest);
        assert_eq!(manifest, json!({"kind": "Deployment", "metadata": {"annotations": {}}}));
    }

    #[test]
    fn arguments_lose_their_secrets() {
        let mut document = json!({"args": ["--db-password=x", "--port=1", "--token", "y", "z", "--token-ttl-mode", "a", "--secret-name=n"]});
        let withheld = without_secret_arguments(&mut document);
        assert_eq!(
            document["args"],
            json!([
                "--db-password=(withheld)",
                "--port=1",
                "--token",
                "(withheld)",
                "z",
                "--token-ttl-mode",
                "a",
                "--secret-name=n"
            ])
        );
        assert_eq!(withheld, ["args[0]", "args[3]"]);
    }
}
