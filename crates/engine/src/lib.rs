//! Runs the areas: one command path, one reaction table, one clock.
