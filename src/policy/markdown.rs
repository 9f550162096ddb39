//! Rego in Markdown.
