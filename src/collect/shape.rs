//! The shapes of sources that others read by their names, checked before one is written.

use std::sync::LazyLock;

use jsonschema::Validator;

use super::Failed;
use crate::{model::Json, schema};

static PROMETHEUS: LazyLock<Option<Validator>> = LazyLock::new(|| validator(schema::PROMETHEUS));
static KUBERNETES: LazyLock<Option<Validator>> = LazyLock::new(|| validator(schema::KUBERNETES));

/// A shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `schemas/prometheus.schema.json`
    Prometheus,
    /// `schemas/kubernetes.schema.json`
    Kubernetes,
}

fn validator(schema: &str) -> Option<Validator> {
    jsonschema::validator_for(&serde_json::from_str(schema).ok()?).ok()
}

impl Shape {
    /// Checks a document.
    ///
    /// # Errors
    /// Where it differs first.
    pub fn check(self, document: &Json) -> Result<(), Failed> {
        let validator = match self {
            Self::Prometheus => &PROMETHEUS,
            Self::Kubernetes => &KUBERNETES,
        };
        let Some(validator) = validator.as_ref() else {
            return Err(Failed("the schema of this source cannot be read".to_owned()));
        };
        validator.validate(document).map_err(|error| {
            let said = crate::text::cut(&error.to_string(), 200, crate::text::ELLIPSIS);
            Failed(format!("what came is not of the shape of this source, at `{}`: {said}", error.instance_path()))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_of_another_shape_are_refused() {
        let labels = json!({"service": "checkout"});
        for good in [
            json!({}),
            json!({"p99": [{"labels": labels, "value": 0.2, "component": "checkout"}, {"labels": {}}]}),
            json!({"r": [{"labels": {}, "last": 1, "min": 1, "max": 3, "samples": 2, "first_at": "2026-11-21T01:00:00Z"}]}),
            json!({"alerts": [{"state": "firing"}], "rules": [], "targets": [{}]}),
        ] {
            assert_eq!(Shape::Prometheus.check(&good), Ok(()), "{good}");
        }
        for bad in [
            json!([]),
            json!({"p99": {}}),
            json!({"p99": [{"value": 1}]}),
            json!({"p99": [{"labels": {}, "value": "1"}]}),
            json!({"p99": [{"labels": {"a": 1}, "value": 1}]}),
            json!({"p99": [{"labels": {}, "valeu": 1}]}),
        ] {
            assert!(Shape::Prometheus.check(&bad).is_err(), "{bad}");
        }
        let deployment = json!({"kind": "Deployment", "metadata": {"name": "a"}, "status": {"replicas": 0}});
        assert_eq!(Shape::Kubernetes.check(&json!({"deployments": [deployment], "pods": []})), Ok(()));
        for bad in [
            json!({"Deployments": []}),
            json!({"deployments": [{"metadata": {}}]}),
            json!({"deployments": [{"kind": "Deployment", "metadata": {"name": "a", "managedFields": []}}]}),
            json!({"secrets": [{"kind": "Secret", "metadata": {"name": "a"}, "data": {}}]}),
        ] {
            assert!(Shape::Kubernetes.check(&bad).is_err(), "{bad}");
        }
    }
}
