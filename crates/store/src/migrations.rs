//! The tables of both databases, step by step. A step that was released never changes; a new one gets the next number,
//! the same on both.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// A step: its number, its name, its SQL.
pub(crate) type Step = (i64, &'static str, &'static str);

/// The steps on SQLite.
pub(crate) const SQLITE: &[Step] = &[
    (1, "journal", include_str!("../migrations/sqlite/0001_journal.sql")),
    (2, "nodes", include_str!("../migrations/sqlite/0002_nodes.sql")),
];

/// The steps on PostgreSQL.
pub(crate) const POSTGRES: &[Step] = &[
    (1, "journal", include_str!("../migrations/postgres/0001_journal.sql")),
    (2, "nodes", include_str!("../migrations/postgres/0002_nodes.sql")),
];

/// What performs steps and remembers which were done.
pub(crate) fn migrator(steps: &'static [Step]) -> Migrator {
    let migration = |(number, name, sql): &Step| {
        Migration::new(*number, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(steps.iter().map(migration).collect())
}
