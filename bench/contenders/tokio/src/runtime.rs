//! The runtime that is measured, and the two places from which a workload is run: a task, and a plain thread.
//!
//! One worker is the runtime of one thread, more are the one that steals. Drivers for I/O and time are there in all
//! workloads, as in a program with `#[tokio::main]` and in the other contenders. They are not free: a yield, for one, is
//! over only after the driver for I/O has been asked, which takes a system call for each round of up to 61 tasks.
use std::future::Future;
use std::io;
use std::thread;

use suite::Options;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

pub struct Runtime(tokio::runtime::Runtime);

impl Runtime {
    pub fn new(options: &Options) -> io::Result<Self> {
        let mut builder =
            if options.workers == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
        Ok(Runtime(builder.worker_threads(options.workers).enable_all().build()?))
    }

    /// Runs `work` in a task.
    pub fn inside<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        self.0.block_on(async { tokio::spawn(work).await.expect("a task panicked") })
    }

    /// Runs `work` on a thread that runs no tasks; the runtime goes on meanwhile.
    pub fn outside<T: Send>(&self, work: impl FnOnce(&Handle) -> T + Send) -> T {
        let (ended, end) = oneshot::channel();
        let handle = self.0.handle();
        thread::scope(|scope| {
            scope.spawn(move || {
                let result = work(handle);
                ended.send(result).ok().expect("the runtime waits");
            });
            self.0.block_on(end).expect("the plain thread panicked")
        })
    }
}
