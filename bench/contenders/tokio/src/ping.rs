//! Messages between two tasks. With two workers, too, they run where the scheduler puts them, mostly both on one: Tokio
//! cannot bind a task to a worker. `pinned` says so.
use std::sync::Arc;
use std::time::Instant;

use suite::repeat::batches;
use suite::{check_equal, repeat, Failure, Figures, Options, Timed};
use tokio::sync::{mpsc, Notify};

use crate::runtime::Runtime;

pub fn event(options: &Options) -> Result<Figures, Failure> {
    let runtime = Runtime::new(options)?;
    repeat(options, 0, |n| {
        let rounds = batches(n, 2);
        let took = runtime.inside(async move {
            let there = Arc::new(Notify::new());
            let back = Arc::new(Notify::new());
            let (heard, answer) = (there.clone(), back.clone());
            let other = tokio::spawn(async move {
                for _ in 0..rounds {
                    heard.notified().await;
                    answer.notify_one();
                }
            });
            let begin = Instant::now();
            for _ in 0..rounds {
                there.notify_one();
                back.notified().await;
            }
            let took = begin.elapsed();
            other.await.expect("it does not panic");
            took
        });
        Ok(Timed { took, operations: 2 * rounds })
    })
}

/// Tokio's channel has room for one at least, where others have none. What is done is the same as without room: the
/// receiver waits, is woken, and finds the message.
pub fn channel(options: &Options) -> Result<Figures, Failure> {
    let capacity = options.size_or(1);
    let runtime = Runtime::new(options)?;
    let figures = repeat(options, 0, |n| {
        let rounds = batches(n, 2);
        let (took, sum) = runtime.inside(async move {
            let (there, mut heard) = mpsc::channel(capacity);
            let (answer, mut back) = mpsc::channel(capacity);
            tokio::spawn(async move {
                while let Some(value) = heard.recv().await {
                    answer.send(value + 1).await.expect("the other receives");
                }
            });
            let mut sum = 0;
            let begin = Instant::now();
            for i in 0..rounds {
                there.send(i).await.expect("the other receives");
                sum += back.recv().await.expect("the other sends");
            }
            (begin.elapsed(), sum)
        });
        check_equal("the sum", sum, rounds * (rounds + 1) / 2)?;
        Ok(Timed { took, operations: 2 * rounds })
    })?;
    Ok(figures.add("pinned", 0.0))
}
