//! The asking side of `wake`: a plain thread hands work to an idle runtime and is told when it ran.
use std::sync::mpsc::{channel, Sender};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::figures::us;
use crate::{Figures, Options};

/// When the work ran: what the runtime is handed.
pub struct Moment(Sender<Instant>);

impl Moment {
    pub fn is_now(self) {
        let now = Instant::now();
        self.0.send(now).expect("the asking thread waits");
    }
}

/// `hand` lets the runtime call is_now() once. The asking thread sleeps until it has.
pub fn wake_figures(options: &Options, hand: impl Fn(Moment)) -> Figures {
    const ASLEEP: Duration = Duration::from_millis(25);
    let times = ((options.least.as_millis() / ASLEEP.as_millis()) as usize).max(5);
    let (sender, receiver) = channel();
    let mut samples: Vec<f64> = (0..times)
        .map(|_| {
            sleep(ASLEEP);
            let moment = Moment(sender.clone());
            let before = Instant::now();
            hand(moment);
            us(receiver.recv().expect("the sender lives") - before)
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    Figures::new().add("us", samples[times / 2]).add("operations", times as f64)
}
