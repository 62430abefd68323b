//! Calibration of workloads that repeat.
use std::time::Duration;

use crate::figures::ns;
use crate::{Failure, Figures, Options};

/// What one call has measured: it may do more operations than it was asked for.
pub struct Timed {
    pub took: Duration,
    pub operations: usize,
}

const FIRST_OPERATIONS: usize = 1000;

/// Calls `measure` with four times as many operations until a call lasts long enough: the calls before are the warm-up.
pub fn calibrate(
    options: &Options,
    size: usize,
    mut measure: impl FnMut(usize) -> Result<Timed, Failure>,
) -> Result<Timed, Failure> {
    let mut n = size.max(FIRST_OPERATIONS);
    loop {
        let result = measure(n)?;
        if result.took >= options.least {
            return Ok(result);
        }
        n *= 4;
    }
}

impl Timed {
    pub fn per_operation(&self) -> Figures {
        let operations = self.operations as f64;
        Figures::new().add("ns", ns(self.took) / operations).add("operations", operations)
    }
}

pub fn repeat(
    options: &Options,
    size: usize,
    measure: impl FnMut(usize) -> Result<Timed, Failure>,
) -> Result<Figures, Failure> {
    Ok(calibrate(options, size, measure)?.per_operation())
}

/// How many batches of `size` make at least n operations.
pub fn batches(n: usize, size: usize) -> usize {
    (n + size - 1) / size
}
