//! Chance with a fixed seed, the same in every program and language.
use std::time::Duration;

pub fn splitmix64(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e3779b97f4a7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58476d1ce4e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d049bb133111eb);
    x ^ x >> 31
}

/// 0 to n - 1 in a random order.
pub fn random_order(n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (2..=n).rev() {
        order.swap(i - 1, (splitmix64(i as u64) % i as u64) as usize);
    }
    order
}

/// The i-th of the sleeps of `sleepers`: 1 to 2 s.
pub fn sleep_time(i: usize) -> Duration {
    Duration::from_nanos(1_000_000_000 + splitmix64(i as u64) % 1_000_000_000)
}
