//! Queries over scripted samples.
