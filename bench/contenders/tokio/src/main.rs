//! The benchmark suite's workloads on Tokio; bench/README.md says what each does and how this program behaves.
mod channels;
mod forkjoin;
mod locks;
mod outside;
mod parked;
mod ping;
mod runtime;
mod spawn;
mod stall;
mod timers;
mod yields;

use std::process::ExitCode;

use suite::program::{run, workload, Workload};

/// No `ping_channel --variant asleep`: a task that is woken by another runs on that one's worker and is never taken by one
/// that sleeps, so the sender would have to end first. `wake` has what it costs to wake a worker.
const WORKLOADS: [Workload; 23] = [
    workload("yield", yields::in_turn),
    workload("yield_shuffled", yields::shuffled),
    workload("spawn_join", spawn::join),
    workload("spawn_batch", spawn::batch),
    workload("spawn_outside", outside::spawn),
    Workload { variants: &["warm"], ..workload("parked", parked::parked) },
    workload("ping_event", ping::event),
    workload("ping_channel", ping::channel),
    workload("many_channel", channels::many),
    workload("lock", locks::alone),
    workload("lock_contended", locks::contended),
    workload("lock_yielding", locks::yielding),
    Workload { variants: &["channel"], ..workload("skynet", forkjoin::skynet) },
    workload("fib", forkjoin::fib),
    workload("nqueens", forkjoin::nqueens),
    workload("matmul", forkjoin::matmul),
    workload("tree_search", forkjoin::tree_search),
    workload("sleepers", timers::sleepers),
    workload("timer_cancel", timers::cancel),
    workload("post", outside::post),
    workload("wake", outside::wake),
    workload("idle", parked::idle),
    workload("stall", stall::stall),
];

fn main() -> ExitCode {
    run(&WORKLOADS)
}
