//! Spawning and joining from a task.
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use suite::repeat::batches;
use suite::{check_equal, repeat, Failure, Figures, Options, Timed};

use crate::runtime::Runtime;

/// What the tasks count. Each call of a workload begins anew, once all tasks of the last have been joined.
pub static COUNT: AtomicUsize = AtomicUsize::new(0);

pub async fn count() {
    COUNT.fetch_add(1, Relaxed); // read once all are joined
}

pub fn join(options: &Options) -> Result<Figures, Failure> {
    let runtime = Runtime::new(options)?;
    repeat(options, 0, |n| {
        COUNT.store(0, Relaxed);
        let took = runtime.inside(async move {
            let begin = Instant::now();
            for _ in 0..n {
                tokio::spawn(count()).await.expect("it does not panic");
            }
            begin.elapsed()
        });
        check_equal("the count", COUNT.load(Relaxed), n)?;
        Ok(Timed { took, operations: n })
    })
}

pub fn batch(options: &Options) -> Result<Figures, Failure> {
    let size = options.size_or(10_000);
    let runtime = Runtime::new(options)?;
    repeat(options, size, |n| {
        COUNT.store(0, Relaxed);
        let times = batches(n, size);
        let took = runtime.inside(async move {
            let mut spawned = Vec::with_capacity(size);
            let begin = Instant::now();
            for _ in 0..times {
                spawned.extend((0..size).map(|_| tokio::spawn(count())));
                for task in spawned.drain(..) {
                    task.await.expect("it does not panic");
                }
            }
            begin.elapsed()
        });
        check_equal("the count", COUNT.load(Relaxed), times * size)?;
        Ok(Timed { took, operations: times * size })
    })
}
