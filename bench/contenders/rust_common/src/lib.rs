//! What the benchmark suite's programs in Rust share; bench/README.md says how such a program behaves.
pub mod asker;
pub mod failure;
pub mod figures;
pub mod matmul;
pub mod options;
pub mod outside;
pub mod program;
pub mod random;
pub mod repeat;
pub mod system;
pub mod trees;

pub use failure::{check_equal, Failure};
pub use figures::Figures;
pub use options::Options;
pub use repeat::{repeat, Timed};
