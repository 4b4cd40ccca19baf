//! Tests of the watchbook.
