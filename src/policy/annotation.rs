//! `# METADATA` blocks.
