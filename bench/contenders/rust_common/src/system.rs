//! What the kernel says of this process: processor time, memory, and the figures that are made of them.
use std::fs;
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::figures::{ms, us};
use crate::{Failure, Figures};

/// Processor time of the whole process.
pub fn processor_time() -> io::Result<Duration> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is the kernel's to write.
    if unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Duration::new(now.tv_sec as u64, now.tv_nsec as u32))
}

/// The figure of `idle`: called by a thread that runs no tasks once everything is parked.
pub fn idle_figures() -> Result<Figures, Failure> {
    sleep(Duration::from_millis(200)); // what spins before it sleeps shall have ended
    let before = processor_time()?;
    let begin = Instant::now();
    sleep(Duration::from_secs(2));
    let spent = processor_time()? - before;
    Ok(Figures::new().add("cpu_ms", ms(spent) / begin.elapsed().as_secs_f64()))
}

/// Resident pages with the page tables over them, and mappings.
struct Memory {
    bytes: f64,
    mappings: f64,
}

impl Memory {
    fn now() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let kilobytes: f64 = status
            .lines()
            .filter(|line| line.starts_with("VmRSS:") || line.starts_with("VmPTE:"))
            .filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok())
            .sum();
        let mappings = fs::read_to_string("/proc/self/maps")?.lines().count();
        Ok(Memory { bytes: kilobytes * 1024.0, mappings: mappings as f64 })
    }
}

/// The figures of `parked`: made before the first spawn, told when all wait and when all are joined.
pub struct ParkedMeter {
    fibers: f64,
    before: Memory,
    begin: Instant,
    figures: Figures,
}

impl ParkedMeter {
    pub fn new(fibers: usize) -> io::Result<Self> {
        let before = Memory::now()?;
        Ok(ParkedMeter { fibers: fibers as f64, before, begin: Instant::now(), figures: Figures::new() })
    }

    pub fn all_wait(self) -> io::Result<Self> {
        let spawned = self.begin.elapsed();
        let now = Memory::now()?;
        let figures = self
            .figures
            .add("bytes", (now.bytes - self.before.bytes) / self.fibers)
            .add("mappings", now.mappings - self.before.mappings)
            .add("us", us(spawned) / self.fibers);
        Ok(ParkedMeter { figures, begin: Instant::now(), ..self })
    }

    pub fn all_joined(self) -> Figures {
        let woken = self.begin.elapsed();
        self.figures.add("wake_us", us(woken) / self.fibers)
    }
}
