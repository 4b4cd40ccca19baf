//! Reviews, contributing factors and actions, drafted from the journal and published by people.
