//! Long reads, on threads of their own that stand back when the processor is busy: who lists a million alerts can wait, a
//! page cannot. What a read may see is decided elsewhere; here is only where its work is done.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use tokio::runtime::{Builder, Runtime};

/// How many threads work on long reads.
const THREADS: usize = 2;
/// How far the threads stand back: the nice value that they take, of at most 19.
const NICENESS: i32 = 10;

/// The threads. Cheap to clone; they begin with the first long read and end with the last clone.
#[derive(Clone, Default)]
pub struct LongReads(Arc<Threads>);

/// Inside, `None` when the threads could not be started: then long reads are done where everything else is.
#[derive(Default)]
struct Threads(OnceLock<Option<Runtime>>);

impl LongReads {
    /// Does some work there.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        match self.0.0.get_or_init(start) {
            Some(runtime) => drop(runtime.spawn(work)),
            None => drop(tokio::spawn(work)),
        }
    }
}

fn start() -> Option<Runtime> {
    let mut builder = Builder::new_multi_thread();
    let built = builder.worker_threads(THREADS).thread_name("long-reads").on_thread_start(stand_back).build();
    built.inspect_err(|error| tracing::warn!(%error, "long reads get no threads of their own")).ok()
}

impl fmt::Debug for LongReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LongReads").field(&self.0.0.get().is_some()).finish()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Nobody waits for the rest of a list when the server ends.
        if let Some(Some(runtime)) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lowers the priority of the calling thread. On Linux the priority belongs to the thread, not to the process.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "long reads keep the priority of everything else");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_reads_stand_back_and_nobody_else_does() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let (mine, reads) = (niceness(), LongReads::default());
        let (sender, theirs) = tokio::sync::oneshot::channel();
        reads.spawn(async move { sender.send(niceness()).unwrap() });
        assert_eq!(theirs.await.unwrap(), NICENESS.max(mine));
        assert_eq!(niceness(), mine);
    }
}
