//! What the command line asks of one measurement.
use std::time::Duration;

use crate::Failure;

pub struct Options {
    pub workload: String, // empty: list them
    pub workers: usize,   // OS threads that run tasks
    pub size: usize,      // 0: the workload's default
    pub least: Duration,  // --milliseconds
    pub stack: usize,     // bytes; 0: the runtime's default
    variant: String,      // empty, a name, or names with commas between
}

const USAGE: &str =
    "usage: --list | WORKLOAD [--workers N] [--size N] [--milliseconds N] [--stack BYTES] [--variant NAME]";

impl Options {
    pub fn size_or(&self, preset: usize) -> usize {
        if self.size != 0 {
            self.size
        } else {
            preset
        }
    }

    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.variant.split(',').filter(|name| !name.is_empty())
    }

    pub fn has(&self, variant: &str) -> bool {
        self.variants().any(|name| name == variant)
    }

    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Options {
            workload: String::new(),
            workers: 1,
            size: 0,
            least: Duration::from_millis(100),
            stack: 0,
            variant: String::new(),
        };
        match arguments.next() {
            Some(list) if list == "--list" && arguments.next().is_none() => return Ok(options),
            Some(workload) if !workload.starts_with('-') => options.workload = workload,
            _ => return Err(Failure::Options(USAGE.into())),
        }
        while let Some(name) = arguments.next() {
            match arguments.next() {
                Some(value) => options.set(&name, value)?,
                None => return Err(Failure::Options(format!("{} wants a value", name))),
            }
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Failure> {
        match name {
            "--workers" => self.workers = number(name, &value, 1024)?,
            "--size" => self.size = number(name, &value, usize::MAX)?,
            "--milliseconds" => self.least = Duration::from_millis(number(name, &value, 100_000)? as u64),
            "--stack" => self.stack = number(name, &value, usize::MAX)?,
            "--variant" => self.variant = value,
            _ => return Err(Failure::Options(format!("no such option: {}", name))),
        }
        Ok(())
    }
}

fn number(option: &str, text: &str, most: usize) -> Result<usize, Failure> {
    match text.parse() {
        Ok(value) if value >= 1 && value <= most => Ok(value),
        _ => Err(Failure::Options(format!("{} wants a number from 1 to {}", option, most))),
    }
}
