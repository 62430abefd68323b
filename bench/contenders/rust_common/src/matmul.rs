//! C = A * B of n x n doubles, by blocks of 64 x 64: each block of C can be computed by itself.
use std::cell::UnsafeCell;

use crate::failure::unavailable;
use crate::{check_equal, Failure, Options};

const BLOCK: usize = 64;
type Row = [f64; BLOCK]; // a block's part of a row

pub struct Matmul {
    n: usize,
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<UnsafeCell<Row>>,
}

// SAFETY: who calls multiply() promises that each block is computed once, and check() comes after all.
unsafe impl Sync for Matmul {}

/// Small whole numbers, so that every sum is exact in whatever order.
fn value(i: usize, j: usize) -> f64 {
    ((i * 3 + j * 7) % 11) as f64 - 5.0
}

impl Matmul {
    pub fn new(options: &Options) -> Result<Self, Failure> {
        let n = options.size_or(1024);
        if n % BLOCK != 0 {
            return unavailable("matmul: the size must be a multiple of 64");
        }
        let all = |value: fn(usize, usize) -> f64| (0..n * n).map(|at| value(at / n, at % n)).collect();
        let c = (0..n * n / BLOCK).map(|_| UnsafeCell::new([0.0; BLOCK])).collect();
        Ok(Matmul { n, a: all(value), b: all(|i, j| value(j, i + 1)), c })
    }

    /// Blocks in all.
    pub fn blocks(&self) -> usize {
        self.blocks_in_row() * self.blocks_in_row()
    }

    fn blocks_in_row(&self) -> usize {
        self.n / BLOCK
    }

    /// # Safety
    /// No block may be computed by two at the same time.
    pub unsafe fn multiply(&self, block: usize) {
        let (row, column) = (block / self.blocks_in_row(), block % self.blocks_in_row());
        let first = column * BLOCK;
        for i in row * BLOCK..(row + 1) * BLOCK {
            let mut sums = [0.0; BLOCK];
            for k in 0..self.n {
                let factor = self.a[i * self.n + k];
                let row = &self.b[k * self.n + first..][..BLOCK];
                for j in 0..BLOCK {
                    sums[j] += factor * row[j];
                }
            }
            *self.c[i * self.blocks_in_row() + column].get() = sums;
        }
    }

    pub fn check(&mut self) -> Result<(), Failure> {
        let n = self.n;
        for sample in 0..64 {
            let (i, j) = (sample * 7919 % n, sample * 104729 % n);
            let sum: f64 = (0..n).map(|k| self.a[i * n + k] * self.b[k * n + j]).sum();
            let at = i * self.blocks_in_row() + j / BLOCK;
            check_equal("an element of the product", self.c[at].get_mut()[j % BLOCK], sum)?;
        }
        Ok(())
    }
}
