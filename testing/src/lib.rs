//! Dev-only tools.
