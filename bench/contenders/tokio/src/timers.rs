//! Sleeps that end, and timers that are cancelled.
use std::future::ready;
use std::time::{Duration, Instant};

use suite::random::sleep_time;
use suite::system::processor_time;
use suite::{check_equal, repeat, Failure, Figures, Options, Timed};
use tokio::time::sleep;

use crate::runtime::Runtime;

pub fn sleepers(options: &Options) -> Result<Figures, Failure> {
    let size = options.size_or(1_000_000);
    let longest = (0..size).map(sleep_time).max().unwrap_or_default();
    let runtime = Runtime::new(options)?;
    let before = processor_time()?;
    let took = runtime.inside(async move {
        let mut tasks = Vec::with_capacity(size);
        let begin = Instant::now();
        tasks.extend((0..size).map(|i| tokio::spawn(sleep(sleep_time(i)))));
        for task in tasks {
            task.await.expect("it does not panic");
        }
        begin.elapsed()
    });
    let spent = processor_time()? - before;
    let late = took.as_secs_f64() - longest.as_secs_f64();
    Ok(Figures::new().add("late_s", late).add("cpu_s", spent.as_secs_f64()))
}

/// A sleep is armed when it is polled first, and cancelled when it is dropped: `timeout` does no more once it has to wait.
/// Unconstrained, as a task that has used up its turn would arm nothing. Another timer is due before all of these, as in most
/// programs: without one, each would wake the driver up, with a system call where there is one worker.
pub fn cancel(options: &Options) -> Result<Figures, Failure> {
    let runtime = Runtime::new(options)?;
    repeat(options, 0, |n| {
        let (took, armed) = runtime.inside(tokio::task::unconstrained(async move {
            tokio::spawn(sleep(Duration::from_secs(1800)));
            sleep(Duration::from_millis(2)).await; // the driver has gone to sleep and knows of it
            let mut armed = 0;
            let begin = Instant::now();
            for _ in 0..n {
                tokio::select! {
                    biased; // from the top
                    _ = sleep(Duration::from_secs(3600)) => {}
                    _ = ready(()) => armed += 1,
                }
            }
            (begin.elapsed(), armed)
        }));
        check_equal("the number of timers armed", armed, n)?;
        Ok(Timed { took, operations: n })
    })
}
