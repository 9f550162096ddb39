//! A document like the plan of a large cloud estate, and rules as people write them for one: each picks the resources of
//! its type and asks one thing of them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::lcg::Lcg;

/// So many types of resources there are.
const TYPES: u32 = 80;
/// So many rules.
pub(crate) const RULES: u32 = 163;

/// What a rule asks of a resource `r`, and what violates it.
const QUESTIONS: [&str; 6] = [
    "not r.values.encrypted",
    "r.values.public",
    "r.values.retention_days < 7",
    "not r.values.tags.owner",
    "r.values.version == \"1.0\"",
    "some port in r.values.ports\n\tport == 22",
];

/// The document of so many resources, about 3 kB each.
pub(crate) fn document(resources: u32) -> String {
    let mut chance = Lcg::new(11);
    let resources: Vec<Value> = (0..resources).map(|at| resource(&mut chance, at)).collect();
    json!({"format_version": "1.2", "resources": resources}).to_string()
}

fn resource(chance: &mut Lcg, at: u32) -> Value {
    let kind = format!("cloud_type_{}", at % TYPES);
    let good = !at.is_multiple_of(997);
    json!({
        "address": format!("module.area_{}.{kind}.item_{at}", at % 40),
        "mode": "managed",
        "type": kind,
        "name": format!("item_{at}"),
        "provider": "registry.example.com/cloud/cloud",
        "values": {
            "encrypted": good,
            "public": !good,
            "retention_days": if good { 7 + chance.below(80) } else { 1 },
            "tags": if good { json!({"owner": format!("team-{}", at % 30), "cost": "shared"}) } else { json!({"cost": "shared"}) },
            "version": if good { "1.2" } else { "1.0" },
            "ports": if good { json!([80, 443]) } else { json!([22, 443]) },
            "settings": (0..24)
                .map(|key| (format!("setting_{key}"), json!({"value": chance.hex(24), "default": chance.happens(50)})))
                .collect::<serde_json::Map<_, Value>>(),
            "notes": (0..8).map(|_| chance.hex(48)).collect::<Vec<_>>(),
        },
    })
}

/// The rules.
pub(crate) fn policies() -> String {
    let mut text = "package plan\n".to_owned();
    for rule in 0..RULES {
        let question = QUESTIONS[rule as usize % QUESTIONS.len()];
        let kind = rule % TYPES;
        let _ = write!(
            text,
            "\nviolation_{rule} contains {{\"msg\": sprintf(\"%s is not as it should be\", [r.address]), \"subject\": r.address}} if {{\n\tsome r in input.plan.resources\n\tr.type == \"cloud_type_{kind}\"\n\t{question}\n}}\n"
        );
    }
    text
}
