//! The fork-join workloads of the benchmark suite on Rayon; bench/README.md says what each does and how this program
//! behaves. A task of Rayon's cannot wait for anything but those that it has forked, so the other workloads are not for it.
use std::process::ExitCode;
use std::time::{Duration, Instant};

use suite::failure::unavailable;
use suite::figures::{ms, ns};
use suite::matmul::Matmul;
use suite::program::{run, workload, Workload};
use suite::trees::*;
use suite::{check_equal, Failure, Figures, Options};

const WORKLOADS: [Workload; 5] = [
    Workload { variants: &["forkjoin"], ..workload("skynet", skynet) },
    workload("fib", fib),
    workload("nqueens", nqueens),
    workload("matmul", matmul),
    workload("tree_search", tree_search),
];

fn main() -> ExitCode {
    run(&WORKLOADS)
}

/// The time that `walk` takes from its call inside a pool of --workers threads, and its result.
fn walked<T: Send>(options: &Options, walk: impl FnOnce() -> T + Send) -> Result<(Duration, T), Failure> {
    let mut builder = rayon::ThreadPoolBuilder::new().num_threads(options.workers);
    if options.stack != 0 {
        builder = builder.stack_size(options.stack);
    }
    let pool = builder.build().map_err(|error| Failure::Unavailable(error.to_string()))?;
    Ok(pool.install(|| {
        let begin = Instant::now();
        let result = walk();
        (begin.elapsed(), result)
    }))
}

/// The sum over children `first` to `end` - 1, each forked: halves of halves, as Rayon's own iterators fork.
fn sum(first: usize, end: usize, child: &(impl Fn(usize) -> u64 + Sync)) -> u64 {
    match end - first {
        0 => 0,
        1 => child(first),
        n => {
            let middle = first + n / 2;
            let (a, b) = rayon::join(|| sum(first, middle, child), || sum(middle, end, child));
            a + b
        }
    }
}

fn skynet_node(first: u64, count: u64) -> u64 {
    if count == 1 {
        return first;
    }
    let part = count / SKYNET_CHILDREN;
    sum(0, SKYNET_CHILDREN as usize, &|i| skynet_node(first + i as u64 * part, part))
}

fn skynet(options: &Options) -> Result<Figures, Failure> {
    if !options.has("forkjoin") {
        return unavailable("skynet: fork-join only (--variant forkjoin)");
    }
    let leaves = skynet_leaves(options)?;
    let (took, sum) = walked(options, || skynet_node(0, leaves))?;
    check_equal("the sum", sum, skynet_sum(leaves))?;
    Ok(Figures::new().add("ms", ms(took)))
}

fn fib_node(n: usize) -> u64 {
    if n < 2 {
        return n as u64;
    }
    let (a, b) = rayon::join(|| fib_node(n - 1), || fib_node(n - 2));
    a + b
}

fn fib(options: &Options) -> Result<Figures, Failure> {
    let n = fib_size(options)?;
    let (took, value) = walked(options, || fib_node(n))?;
    check_equal("fib", value, fib_value(n))?;
    let calls = fib_calls(n) as f64;
    Ok(Figures::new().add("ns", ns(took) / calls).add("operations", calls))
}

fn queens_node(queens: Queens) -> u64 {
    if queens.done() {
        return 1;
    }
    let mut next = [queens; QUEENS_SOLUTIONS.len()];
    let safe = queens.next();
    let n = safe.len();
    next.iter_mut().zip(safe).for_each(|(place, placed)| *place = placed);
    sum(0, n, &|i| queens_node(next[i]))
}

fn nqueens(options: &Options) -> Result<Figures, Failure> {
    let n = queens_size(options)?;
    let (took, solutions) = walked(options, || queens_node(Queens::new(n)))?;
    check_equal("the number of solutions", solutions, QUEENS_SOLUTIONS[n])?;
    Ok(Figures::new().add("ms", ms(took)))
}

fn matmul(options: &Options) -> Result<Figures, Failure> {
    let mut matmul = Matmul::new(options)?;
    let (took, _) = walked(options, || {
        sum(0, matmul.blocks(), &|block| {
            // SAFETY: each block once.
            unsafe { matmul.multiply(block) };
            0
        })
    })?;
    matmul.check()?;
    Ok(Figures::new().add("ms", ms(took)))
}

fn tree_node(node: u64, children: usize) -> u64 {
    1 + sum(0, children, &|i| {
        let child = tree_child(node, i);
        tree_node(child, tree_children(child))
    })
}

fn tree_search(options: &Options) -> Result<Figures, Failure> {
    let size = options.size_or(TREE_SIZE);
    let expected = tree_nodes(size);
    let (took, nodes) = walked(options, || tree_node(0, tree_root_children(size)))?;
    check_equal("the number of nodes", nodes, expected)?;
    Ok(Figures::new().add("ns", ns(took) / nodes as f64).add("nodes", nodes as f64))
}
