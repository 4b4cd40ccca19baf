//! What a database says, as a [`StoreFailure`]. Inside the crate, statements fail with [`Trouble`], so that `?` serves
//! for both a database's errors and our own refusals.

use std::time::Duration;

use kernel::port::StoreFailure;

/// The longest that one call may take, the wait for a connection included.
pub(crate) const CALL_MAX: Duration = Duration::from_secs(30);

/// Why a call did not succeed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The database failed.
    Database(sqlx::Error),
    /// The database works, but what was asked must not be.
    Refused(StoreFailure),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<sqlx::migrate::MigrateError> for Trouble {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Database(error.into())
    }
}

impl From<StoreFailure> for Trouble {
    fn from(failure: StoreFailure) -> Self {
        Self::Refused(failure)
    }
}

impl Trouble {
    /// The failure, in the words of the port. `doing` is "written", "read" or "opened".
    pub(crate) fn into_failure(self, doing: &'static str) -> StoreFailure {
        match self {
            Self::Refused(failure) => failure,
            Self::Database(error) if says_damaged(&error) => damaged("the database's own files", error),
            Self::Database(error) => StoreFailure::Unavailable { doing, cause: error.to_string() },
        }
    }
}

/// What was read is not what was written.
pub(crate) fn damaged(place: impl ToString, cause: impl ToString) -> StoreFailure {
    StoreFailure::Damaged { place: place.to_string(), cause: cause.to_string() }
}

/// Bounds a call in time and names its failure.
pub(crate) async fn bounded<T>(
    doing: &'static str,
    call: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, StoreFailure> {
    match tokio::time::timeout(CALL_MAX, call).await {
        Ok(done) => done.map_err(|trouble| trouble.into_failure(doing)),
        Err(_) => Err(StoreFailure::Unavailable { doing, cause: format!("no answer within {}s", CALL_MAX.as_secs()) }),
    }
}

/// SQLite says so by its result codes CORRUPT (11) and NOTADB (26), PostgreSQL by the states `XX001` and `XX002`.
fn says_damaged(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(said) = error else { return false };
    let Some(code) = said.code() else { return false };
    match code.parse::<u32>() {
        Ok(number) => matches!(number & 0xff, 11 | 26),
        Err(_) => matches!(&*code, "XX001" | "XX002"),
    }
}
