//! Work that comes from a thread that runs no tasks.
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::thread;
use std::time::Instant;

use suite::outside::wake_figures;
use suite::repeat::batches;
use suite::{check_equal, repeat, Failure, Figures, Options, Timed};

use crate::runtime::Runtime;
use crate::spawn::{count, COUNT};

pub fn spawn(options: &Options) -> Result<Figures, Failure> {
    let size = options.size_or(10_000);
    let runtime = Runtime::new(options)?;
    repeat(options, size, |n| {
        COUNT.store(0, Relaxed);
        let times = batches(n, size);
        let took = runtime.outside(|handle| {
            let mut spawned = Vec::with_capacity(size);
            let begin = Instant::now();
            for _ in 0..times {
                spawned.extend((0..size).map(|_| handle.spawn(count())));
                handle.block_on(async {
                    for task in spawned.drain(..) {
                        task.await.expect("it does not panic");
                    }
                });
            }
            begin.elapsed()
        });
        check_equal("the count", COUNT.load(Relaxed), times * size)?;
        Ok(Timed { took, operations: times * size })
    })
}

pub fn post(options: &Options) -> Result<Figures, Failure> {
    let runtime = Runtime::new(options)?;
    repeat(options, 0, |n| {
        COUNT.store(0, Relaxed);
        let took = runtime.outside(|handle| {
            let begin = Instant::now();
            for _ in 1..n {
                handle.spawn(async { COUNT.fetch_add(1, Release) });
            }
            let poster = thread::current();
            handle.spawn(async move {
                COUNT.fetch_add(1, Release);
                while COUNT.load(Acquire) < n {
                    tokio::task::yield_now().await; // another worker has some of the others
                }
                poster.unpark();
            });
            while COUNT.load(Acquire) < n {
                thread::park();
            }
            begin.elapsed()
        });
        check_equal("the count", COUNT.load(Relaxed), n)?;
        Ok(Timed { took, operations: n })
    })
}

pub fn wake(options: &Options) -> Result<Figures, Failure> {
    let runtime = Runtime::new(options)?;
    Ok(runtime.outside(|handle| {
        wake_figures(options, |moment| {
            handle.spawn(async { moment.is_now() });
        })
    }))
}
