//! One channel for many. Tokio's own has one receiver: this is one that its authors recommend instead, async-channel.
use std::time::Instant;

use suite::repeat::batches;
use suite::{check_equal, repeat, Failure, Figures, Options, Timed};

use crate::runtime::Runtime;

const SENDERS: usize = 8;
const RECEIVERS: usize = 8;

pub fn many(options: &Options) -> Result<Figures, Failure> {
    let capacity = options.size_or(1024);
    let runtime = Runtime::new(options)?;
    repeat(options, capacity, |n| {
        let each = batches(n, SENDERS);
        let (timed, sum) = runtime.inside(pass(capacity, each));
        check_equal("the sum", sum, SENDERS * each * (each + 1) / 2)?;
        Ok(timed)
    })
}

async fn pass(capacity: usize, each: usize) -> (Timed, usize) {
    let (sender, receiver) = async_channel::bounded(capacity);
    let mut receivers = Vec::with_capacity(RECEIVERS);
    let begin = Instant::now();
    for _ in 0..RECEIVERS {
        let receiver = receiver.clone();
        receivers.push(tokio::spawn(async move {
            let mut own = 0;
            while let Ok(value) = receiver.recv().await {
                own += value;
            }
            own
        }));
    }
    for _ in 0..SENDERS {
        let sender = sender.clone();
        tokio::spawn(async move {
            for value in 1..=each {
                sender.send(value).await.expect("somebody receives");
            }
        });
    }
    drop(sender); // the last sender that ends closes the channel
    let mut sum = 0;
    for receiver in receivers {
        sum += receiver.await.expect("it does not panic");
    }
    (Timed { took: begin.elapsed(), operations: SENDERS * each }, sum)
}
