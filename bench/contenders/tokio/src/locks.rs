//! tokio::sync::Mutex: alone, contended, and held over a yield.
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use suite::figures::us;
use suite::repeat::{batches, calibrate};
use suite::{check_equal, repeat, Failure, Figures, Options, Timed};
use tokio::sync::Mutex;
use tokio::task::yield_now;

use crate::runtime::Runtime;

pub fn alone(options: &Options) -> Result<Figures, Failure> {
    let runtime = Runtime::new(options)?;
    repeat(options, 0, |n| {
        let took = runtime.inside(async move {
            let mutex = Mutex::new(());
            let begin = Instant::now();
            for _ in 0..n {
                drop(mutex.lock().await);
            }
            begin.elapsed()
        });
        Ok(Timed { took, operations: n })
    })
}

/// On cache lines of its own.
#[repr(align(64))]
struct Counter(Mutex<usize>);

/// What a task does with the counter, so often; what comes of it is the longest of its waits, where they are timed.
async fn contend<Task>(size: usize, task: impl Fn(Arc<Counter>) -> Task) -> (Duration, Duration, usize)
where
    Task: Future<Output = Duration> + Send + 'static,
{
    let counter = Arc::new(Counter(Mutex::new(0)));
    let mut tasks = Vec::with_capacity(size);
    let mut longest = Duration::ZERO;
    let begin = Instant::now();
    for _ in 0..size {
        tasks.push(tokio::spawn(task(counter.clone())));
    }
    for task in tasks {
        longest = longest.max(task.await.expect("it does not panic"));
    }
    let took = begin.elapsed();
    let count = *counter.0.lock().await;
    (took, longest, count)
}

async fn add(counter: Arc<Counter>, rounds: usize) -> Duration {
    for _ in 0..rounds {
        *counter.0.lock().await += 1;
    }
    Duration::ZERO
}

async fn add_timed(counter: Arc<Counter>, rounds: usize) -> Duration {
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        let before = Instant::now();
        let mut value = counter.0.lock().await;
        longest = longest.max(before.elapsed());
        *value += 1;
    }
    longest
}

async fn add_yielding(counter: Arc<Counter>, rounds: usize) -> Duration {
    for _ in 0..rounds {
        let mut value = counter.0.lock().await;
        yield_now().await;
        *value += 1;
    }
    Duration::ZERO
}

pub fn contended(options: &Options) -> Result<Figures, Failure> {
    let size = options.size_or(64);
    let runtime = Runtime::new(options)?;
    let result = calibrate(options, size, |n| {
        let rounds = batches(n, size);
        let (took, _, count) = runtime.inside(contend(size, move |counter| add(counter, rounds)));
        check_equal("the count", count, size * rounds)?;
        Ok(Timed { took, operations: count })
    })?;
    let rounds = result.operations / size;
    let (_, longest, count) = runtime.inside(contend(size, move |counter| add_timed(counter, rounds)));
    check_equal("the count", count, result.operations)?;
    Ok(result.per_operation().add("longest_us", us(longest)))
}

pub fn yielding(options: &Options) -> Result<Figures, Failure> {
    let size = options.size_or(64);
    let runtime = Runtime::new(options)?;
    repeat(options, size, |n| {
        let rounds = batches(n, size);
        let (took, _, count) = runtime.inside(contend(size, move |counter| add_yielding(counter, rounds)));
        check_equal("the count", count, size * rounds)?;
        Ok(Timed { took, operations: count })
    })
}
