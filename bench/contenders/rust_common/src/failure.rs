//! Why a workload has no figures.
use std::fmt::Display;
use std::io;

pub enum Failure {
    Options(String),
    Unavailable(String), // cannot be run like this here
    Wrong(String),       // a result that was checked
    System(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::System(error)
    }
}

pub fn unavailable<T>(why: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Unavailable(why.into()))
}

pub fn check_equal<T: PartialEq + Display>(what: &str, got: T, wanted: T) -> Result<(), Failure> {
    if got == wanted {
        return Ok(());
    }
    Err(Failure::Wrong(format!("{} is {}, should be {}", what, got, wanted)))
}
