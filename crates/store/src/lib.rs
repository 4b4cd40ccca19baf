//! The journal, its index, snapshots and the vault on SQLite and on PostgreSQL.
