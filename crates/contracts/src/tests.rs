//! Tests of several rooms at once.

mod incidents;
