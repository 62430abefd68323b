//! Tasks that yield in turn.
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use suite::random::random_order;
use suite::repeat::batches;
use suite::{repeat, Failure, Figures, Options, Timed};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::runtime::Runtime;

pub fn in_turn(options: &Options) -> Result<Figures, Failure> {
    in_order(options, None)
}

/// The queue is filled in a random order, so that what is done is the same as in `yield`, elsewhere in memory.
pub fn shuffled(options: &Options) -> Result<Figures, Failure> {
    in_order(options, Some(random_order(options.size_or(100))))
}

fn in_order(options: &Options, order: Option<Vec<usize>>) -> Result<Figures, Failure> {
    let size = options.size_or(100);
    let runtime = Runtime::new(options)?;
    repeat(options, size, |n| Ok(runtime.inside(rounds(size, batches(n, size), order.clone()))))
}

/// In the round in which the time begins and in the last one, some tasks start or end instead of yielding: with this many
/// rounds that is little of the whole.
const LEAST_ROUNDS: usize = 10;

struct Turns {
    rounds: usize,
    started: AtomicUsize,
    left: AtomicUsize,
    begun: AtomicBool,
    end: Mutex<Option<oneshot::Sender<Instant>>>,
}

impl Turns {
    async fn take_part(self: Arc<Self>) {
        self.started.fetch_add(1, SeqCst);
        while !self.begun.load(SeqCst) {
            yield_now().await; // the one during which the time begins is the first that counts
        }
        for _ in 1..self.rounds {
            yield_now().await;
        }
        if self.left.fetch_sub(1, SeqCst) == 1 {
            let end = self.end.lock().expect("nobody panics").take().expect("one is the last");
            end.send(Instant::now()).expect("somebody waits");
        }
    }
}

async fn rounds(size: usize, rounds: usize, order: Option<Vec<usize>>) -> Timed {
    let (sender, end) = oneshot::channel();
    let turns = Arc::new(Turns {
        rounds: rounds.max(LEAST_ROUNDS),
        started: AtomicUsize::new(0),
        left: AtomicUsize::new(size),
        begun: AtomicBool::new(false),
        end: Mutex::new(Some(sender)),
    });
    match order {
        None => (0..size).for_each(|_| drop(tokio::spawn(turns.clone().take_part()))),
        Some(order) => start_in_order(&turns, order).await,
    }
    while turns.started.load(SeqCst) < size {
        yield_now().await;
    }
    yield_now().await; // so that the last has yielded, too
    let begin = Instant::now();
    turns.begun.store(true, SeqCst);
    let end = end.await.expect("one is the last");
    Timed { took: end - begin, operations: size * turns.rounds }
}

async fn start_in_order(turns: &Arc<Turns>, order: Vec<usize>) {
    let mut gates: Vec<_> = order
        .iter()
        .map(|_| {
            let (gate, opened) = oneshot::channel::<()>();
            let turns = turns.clone();
            tokio::spawn(async move {
                opened.await.expect("it is opened");
                turns.take_part().await;
            });
            Some(gate)
        })
        .collect();
    yield_now().await; // all wait, as far as one thread is concerned
    for i in order {
        gates[i].take().expect("each once").send(()).expect("the task waits");
    }
}
