//! The trees that the fork-join workloads walk, the same in every program, and what must come out.
use crate::failure::unavailable;
use crate::random::splitmix64;
use crate::{Failure, Options};

pub fn fib_value(n: usize) -> u64 {
    (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0
}

pub fn fib_calls(n: usize) -> u64 {
    2 * fib_value(n + 1) - 1
}

pub fn fib_size(options: &Options) -> Result<usize, Failure> {
    match options.size_or(35) {
        n if n <= 90 => Ok(n),
        _ => unavailable("fib: the size must be 90 at most"),
    }
}

// skynet: a node has ten children, down to the leaves.
pub const SKYNET_CHILDREN: u64 = 10;

pub fn skynet_sum(leaves: u64) -> u64 {
    leaves * (leaves - 1) / 2
}

pub fn skynet_leaves(options: &Options) -> Result<u64, Failure> {
    let leaves = options.size_or(1_000_000) as u64;
    let mut left = leaves;
    while left > 1 && left % SKYNET_CHILDREN == 0 {
        left /= SKYNET_CHILDREN;
    }
    if left != 1 {
        return unavailable("skynet: the size must be a power of ten");
    }
    Ok(leaves)
}

/// n queens: a row's columns as bits.
#[derive(Clone, Copy)]
pub struct Queens {
    all: u32,
    columns: u32,
    left: u32,
    right: u32,
}

pub const QUEENS_SOLUTIONS: [u64; 17] =
    [1, 1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712, 365596, 2279184, 14772512];

impl Queens {
    pub fn new(n: usize) -> Self {
        Queens { all: (1 << n) - 1, columns: 0, left: 0, right: 0 }
    }

    pub fn done(&self) -> bool {
        self.columns == self.all
    }

    /// The safe placements in the next row.
    pub fn next(self) -> impl ExactSizeIterator<Item = Queens> {
        let mut free = self.all & !(self.columns | self.left | self.right);
        (0..free.count_ones() as usize).map(move |_| {
            let column = 1 << free.trailing_zeros();
            free &= free - 1;
            Queens {
                all: self.all,
                columns: self.columns | column,
                left: (self.left | column) << 1,
                right: (self.right | column) >> 1,
            }
        })
    }
}

pub fn queens_size(options: &Options) -> Result<usize, Failure> {
    match options.size_or(12) {
        n if n < QUEENS_SOLUTIONS.len() => Ok(n),
        _ => unavailable("nqueens: the size must be 16 at most"),
    }
}

// tree_search: node 0 has size / 100 children, every other node a geometric number of them with mean 0.99.
pub const TREE_SIZE: usize = 200_000;

pub fn tree_root_children(size: usize) -> usize {
    (size / 100).max(1)
}

pub fn tree_child(node: u64, i: usize) -> u64 {
    splitmix64(node.wrapping_add(1 + i as u64))
}

pub fn tree_children(node: u64) -> usize {
    const LIMIT: u64 = 0x7f5b5630e2697cc8;
    let mut n = 0;
    let mut draw = splitmix64(node);
    while draw < LIMIT {
        n += 1;
        draw = splitmix64(draw);
    }
    n
}

/// All nodes, counted serially.
pub fn tree_nodes(size: usize) -> u64 {
    1 + (0..tree_root_children(size)).map(|i| tree_nodes_below(tree_child(0, i))).sum::<u64>()
}

fn tree_nodes_below(node: u64) -> u64 {
    // the node itself counted
    1 + (0..tree_children(node)).map(|i| tree_nodes_below(tree_child(node, i))).sum::<u64>()
}
