//! The one connection that writes. A database allows more, but one writer in line is faster than several in each other's
//! way, and gives the journal its order.

use std::sync::Arc;

use futures::future::BoxFuture;
use kernel::port::{Block, StoreFailure};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, MutexGuard};

use crate::failure::{Trouble, bounded};

/// The span of an append, for whoever collects traces; at the level debug, because there are many.
pub(crate) fn append_span(block: &Block) -> tracing::Span {
    // Collectors know signed numbers only.
    let bytes = || i64::try_from(block.bytes.len()).unwrap_or(i64::MAX);
    tracing::debug_span!("append", facts = i64::from(block.count), bytes = bytes())
}

/// The connection that writes, and how to make it again.
pub(crate) struct Writer<C: Connection> {
    options: C::Options,
    connection: Mutex<Option<C>>,
}

impl<C> Writer<C>
where
    C: Connection + 'static,
    C::Options: ConnectOptions<Connection = C>,
{
    /// A writer that connects when it is first used.
    pub(crate) fn new(options: C::Options) -> Arc<Self> {
        Arc::new(Self { options, connection: Mutex::new(None) })
    }

    /// Does work on the connection, in a task of its own: a caller who goes away does not stop it. After anything but
    /// success the connection is thrown away, so that no half-done transaction, full disk or lost server can reach the
    /// next caller.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        doing: &'static str,
        work: impl for<'c> FnOnce(&'c mut C) -> BoxFuture<'c, Result<T, Trouble>> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        let this = Arc::clone(self);
        let task = tokio::spawn(async move {
            bounded(doing, async {
                let mut slot = this.connection.lock().await;
                let mut connection = this.connect(&mut slot).await?;
                let done = work(&mut connection).await;
                match done {
                    Ok(_) => *slot = Some(connection),
                    // Waiting for the end lets go of locks before the next caller wants them.
                    Err(_) => _ = connection.close().await,
                }
                done
            })
            .await
        });
        task.await.unwrap_or_else(|error| Err(StoreFailure::Unavailable { doing, cause: error.to_string() }))
    }

    /// The connection at hand when it still answers, otherwise a new one.
    async fn connect(&self, slot: &mut MutexGuard<'_, Option<C>>) -> Result<C, Trouble> {
        if let Some(mut connection) = slot.take()
            && connection.ping().await.is_ok()
        {
            return Ok(connection);
        }
        Ok(self.options.connect().await?)
    }
}
