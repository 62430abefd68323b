//! Tasks that wait for good: what they cost in memory, and in processor time.
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;

use suite::system::{idle_figures, ParkedMeter};
use suite::{Failure, Figures, Options};
use tokio::sync::Notify;
use tokio::task::{yield_now, JoinHandle};

use crate::runtime::Runtime;

#[derive(Default)]
struct Gate {
    open: Notify,
    waiting: AtomicUsize,
}

struct Crowd {
    gate: Arc<Gate>,
    tasks: Vec<JoinHandle<()>>,
}

impl Crowd {
    /// Returns once all wait.
    async fn park(size: usize) -> Self {
        let gate = Arc::new(Gate::default());
        let tasks = (0..size)
            .map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move {
                    let opened = gate.open.notified(); // counts as waiting from here on
                    gate.waiting.fetch_add(1, SeqCst);
                    opened.await;
                })
            })
            .collect();
        while gate.waiting.load(SeqCst) < size {
            yield_now().await;
        }
        Crowd { gate, tasks }
    }

    async fn release(self) {
        self.gate.open.notify_waiters();
        for task in self.tasks {
            task.await.expect("it does not panic");
        }
    }
}

pub fn parked(options: &Options) -> Result<Figures, Failure> {
    let size = options.size_or(10_000);
    let warm = options.has("warm");
    Runtime::new(options)?.inside(async move {
        if warm {
            Crowd::park(size).await.release().await;
        }
        let meter = ParkedMeter::new(size)?;
        let crowd = Crowd::park(size).await;
        let meter = meter.all_wait()?;
        crowd.release().await;
        Ok(meter.all_joined())
    })
}

pub fn idle(options: &Options) -> Result<Figures, Failure> {
    let size = options.size_or(100_000);
    let runtime = Runtime::new(options)?;
    let crowd = runtime.inside(Crowd::park(size));
    let figures = runtime.outside(|_| idle_figures());
    runtime.inside(crowd.release());
    figures
}
