//! The asking side of `stall`: one plain thread with an open loop over ppoll(). Due times are fixed beforehand, so that a
//! server that stalls cannot slow the questions down.
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::io::AsRawFd;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::time::{Duration, Instant};

use crate::figures::us;
use crate::{Failure, Figures};

pub const CONNECTIONS: usize = 64;
const MESSAGE_BYTES: usize = 64;
const INTERVAL: Duration = Duration::from_millis(5);
const DURATION: Duration = Duration::from_secs(3);
/// Beside the servers a task computes for so long, so often, without yielding.
pub const COMPUTES_EVERY: Duration = Duration::from_millis(100);
const COMPUTES: Duration = Duration::from_millis(1);

pub fn compute() {
    let begin = Instant::now();
    while begin.elapsed() < COMPUTES {}
}

struct Connection {
    end: UnixStream,
    due: Instant,
    unanswered: VecDeque<Instant>,
    received: usize, // bytes of the answer to the first of them
}

pub struct Asker {
    all: Vec<Connection>,
    latencies_us: Vec<f64>,
}

impl Asker {
    /// With the ends that the runtime serves, non-blocking. They read the end once asking is over.
    pub fn new(connections: usize) -> io::Result<(Self, Vec<UnixStream>)> {
        let mut all = Vec::new();
        let mut servers = Vec::new();
        for _ in 0..connections {
            let (end, server) = UnixStream::pair()?;
            server.set_nonblocking(true)?;
            servers.push(server);
            all.push(Connection { end, due: Instant::now(), unanswered: VecDeque::new(), received: 0 });
        }
        let most = connections * (DURATION.as_millis() / INTERVAL.as_millis() + 1) as usize;
        Ok((Asker { all, latencies_us: Vec::with_capacity(most) }, servers))
    }

    /// On a thread that runs no tasks.
    pub fn ask(mut self) -> Result<Figures, Failure> {
        // SAFETY: changes this thread's timers only: else the kernel adds 50 us to each pause.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1u64) };
        let mut ends: Vec<libc::pollfd> = self
            .all
            .iter()
            .map(|of| libc::pollfd { fd: of.end.as_raw_fd(), events: libc::POLLIN, revents: 0 })
            .collect();
        let begin = Instant::now() + Duration::from_millis(10);
        let connections = self.all.len() as u32;
        for (i, of) in self.all.iter_mut().enumerate() {
            of.due = begin + INTERVAL * i as u32 / connections;
        }
        while let Some(next) = self.ask_due(begin + DURATION)? {
            wait_for_any(&mut ends, next.saturating_duration_since(Instant::now()))?;
            for (of, end) in self.all.iter_mut().zip(&ends) {
                if end.revents != 0 {
                    of.take_answers(&mut self.latencies_us)?;
                }
            }
        }
        Ok(percentiles(self.latencies_us))
    }

    /// Sends what is due. When the next request is; nothing once all have been sent and answered.
    fn ask_due(&mut self, end: Instant) -> io::Result<Option<Instant>> {
        let now = Instant::now();
        let mut next = now + INTERVAL;
        let mut left = false;
        for of in &mut self.all {
            if of.due < end && of.due <= now {
                of.end.write_all(&[0; MESSAGE_BYTES])?;
                of.unanswered.push_back(of.due);
                of.due += INTERVAL;
            }
            if of.due < end {
                next = next.min(of.due);
            }
            left |= of.due < end || !of.unanswered.is_empty();
        }
        Ok(left.then_some(next))
    }
}

fn wait_for_any(ends: &mut [libc::pollfd], limit: Duration) -> io::Result<()> {
    let time = libc::timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos() as i64 };
    // SAFETY: the kernel reads `time` and writes within `ends`.
    if unsafe { libc::ppoll(ends.as_mut_ptr(), ends.len() as u64, &time, ptr::null()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

impl Connection {
    fn take_answers(&mut self, latencies_us: &mut Vec<f64>) -> Result<(), Failure> {
        let mut buffer = [0; 16 * MESSAGE_BYTES];
        let got = self.end.read(&mut buffer)?;
        let now = Instant::now();
        if got == 0 {
            return Err(Failure::Wrong("stall: a server closed its connection".into()));
        }
        self.received += got;
        while self.received >= MESSAGE_BYTES {
            self.received -= MESSAGE_BYTES;
            match self.unanswered.pop_front() {
                Some(due) => latencies_us.push(us(now - due)),
                None => return Err(Failure::Wrong("stall: more answers than questions".into())),
            }
        }
        Ok(())
    }
}

fn percentiles(mut latencies_us: Vec<f64>) -> Figures {
    latencies_us.sort_by(f64::total_cmp);
    let at = |part: f64| latencies_us[(part * (latencies_us.len() - 1) as f64) as usize];
    Figures::new()
        .add("p50_us", at(0.5))
        .add("p99_us", at(0.99))
        .add("p999_us", at(0.999))
        .add("operations", latencies_us.len() as f64)
}
