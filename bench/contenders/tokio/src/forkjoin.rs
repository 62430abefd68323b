//! Trees of tasks. A node is spawned by a function that is not async, so that its type does not contain itself and needs
//! no further box.
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use suite::figures::{ms, ns};
use suite::matmul::Matmul;
use suite::trees::*;
use suite::{check_equal, Failure, Figures, Options};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::runtime::Runtime;

/// The time that a tree takes from its root on, and its result.
fn walked<T: Send + 'static>(
    options: &Options,
    root: impl FnOnce() -> JoinHandle<T> + Send + 'static,
) -> Result<(Duration, T), Failure> {
    Ok(Runtime::new(options)?.inside(async {
        let begin = Instant::now();
        let result = root().await.expect("it does not panic");
        (begin.elapsed(), result)
    }))
}

async fn sum(children: Vec<JoinHandle<u64>>) -> u64 {
    let mut sum = 0;
    for child in children {
        sum += child.await.expect("it does not panic");
    }
    sum
}

// ---- skynet

fn skynet_node(first: u64, count: u64) -> JoinHandle<u64> {
    tokio::spawn(async move {
        if count == 1 {
            return first;
        }
        let part = count / SKYNET_CHILDREN;
        sum((0..SKYNET_CHILDREN).map(|i| skynet_node(first + i * part, part)).collect()).await
    })
}

/// One channel for each node, which keeps what it cannot hand over at once: the smallest room that Tokio's has.
fn skynet_send(to: mpsc::Sender<u64>, first: u64, count: u64) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut sum = first;
        if count > 1 {
            let (sender, mut receiver) = mpsc::channel(1);
            let part = count / SKYNET_CHILDREN;
            for i in 0..SKYNET_CHILDREN {
                skynet_send(sender.clone(), first + i * part, part);
            }
            sum = 0;
            for _ in 0..SKYNET_CHILDREN {
                sum += receiver.recv().await.expect("ten children send");
            }
        }
        to.send(sum).await.expect("the parent receives");
    })
}

pub fn skynet(options: &Options) -> Result<Figures, Failure> {
    let leaves = skynet_leaves(options)?;
    let (took, sum) = if options.has("channel") {
        walked(options, move || {
            tokio::spawn(async move {
                let (sender, mut receiver) = mpsc::channel(1);
                skynet_send(sender, 0, leaves);
                receiver.recv().await.expect("the root sends")
            })
        })?
    } else {
        walked(options, move || skynet_node(0, leaves))?
    };
    check_equal("the sum", sum, skynet_sum(leaves))?;
    Ok(Figures::new().add("ms", ms(took)))
}

// ---- fib

/// One half is spawned and the other called, in a box as every recursion in async functions: that is less than to spawn
/// both, which only makes the parent wait.
async fn fib_node(n: usize) -> u64 {
    if n < 2 {
        return n as u64;
    }
    let half = fib_spawned(n - 1);
    let other = fib_called(n - 2).await;
    half.await.expect("it does not panic") + other
}

fn fib_spawned(n: usize) -> JoinHandle<u64> {
    tokio::spawn(fib_node(n))
}

fn fib_called(n: usize) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(fib_node(n))
}

pub fn fib(options: &Options) -> Result<Figures, Failure> {
    let n = fib_size(options)?;
    let (took, value) = walked(options, move || fib_spawned(n))?;
    check_equal("fib", value, fib_value(n))?;
    let calls = fib_calls(n) as f64;
    Ok(Figures::new().add("ns", ns(took) / calls).add("operations", calls))
}

// ---- nqueens

fn queens_node(queens: Queens) -> JoinHandle<u64> {
    tokio::spawn(async move {
        if queens.done() {
            return 1;
        }
        sum(queens.next().map(queens_node).collect()).await
    })
}

pub fn nqueens(options: &Options) -> Result<Figures, Failure> {
    let n = queens_size(options)?;
    let (took, solutions) = walked(options, move || queens_node(Queens::new(n)))?;
    check_equal("the number of solutions", solutions, QUEENS_SOLUTIONS[n])?;
    Ok(Figures::new().add("ms", ms(took)))
}

// ---- matmul

pub fn matmul(options: &Options) -> Result<Figures, Failure> {
    let matmul = Arc::new(Matmul::new(options)?);
    let shared = matmul.clone();
    let (took, _) = walked(options, move || {
        tokio::spawn(async move {
            let block = |block| {
                let shared = shared.clone();
                // SAFETY: each block once.
                tokio::spawn(async move {
                    unsafe { shared.multiply(block) };
                    0
                })
            };
            sum((0..shared.blocks()).map(block).collect()).await
        })
    })?;
    let mut matmul = Arc::try_unwrap(matmul).ok().expect("all tasks have ended");
    matmul.check()?;
    Ok(Figures::new().add("ms", ms(took)))
}

// ---- tree_search

fn tree_node(node: u64, children: usize) -> JoinHandle<u64> {
    tokio::spawn(async move {
        let child = |i| {
            let child = tree_child(node, i);
            tree_node(child, tree_children(child))
        };
        1 + sum((0..children).map(child).collect()).await
    })
}

pub fn tree_search(options: &Options) -> Result<Figures, Failure> {
    let size = options.size_or(TREE_SIZE);
    let expected = tree_nodes(size);
    let (took, nodes) = walked(options, move || tree_node(0, tree_root_children(size)))?;
    check_equal("the number of nodes", nodes, expected)?;
    Ok(Figures::new().add("ns", ns(took) / nodes as f64).add("nodes", nodes as f64))
}
