//! All of main(): lists the workloads, or measures one and prints its line.
use std::process::ExitCode;

use crate::{Failure, Figures, Options};

pub struct Workload {
    pub name: &'static str,
    pub measure: fn(&Options) -> Result<Figures, Failure>,
    pub variants: &'static [&'static str], // what --variant may say besides nothing
}

pub const fn workload(name: &'static str, measure: fn(&Options) -> Result<Figures, Failure>) -> Workload {
    Workload { name, measure, variants: &[] }
}

const TIME_LIMIT_S: u32 = 600;

pub fn run(all: &[Workload]) -> ExitCode {
    let (code, why) = match run_checked(all) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Options(why)) => (2, why),
        Err(Failure::Unavailable(why)) => (77, why),
        Err(Failure::Wrong(why)) => (1, why),
        Err(Failure::System(error)) => (1, error.to_string()),
    };
    eprintln!("{}", why);
    ExitCode::from(code)
}

fn run_checked(all: &[Workload]) -> Result<(), Failure> {
    let options = Options::parse(std::env::args().skip(1))?;
    if options.workload.is_empty() {
        all.iter().for_each(|workload| println!("{}", workload.name));
        return Ok(());
    }
    let found = all
        .iter()
        .find(|workload| workload.name == options.workload)
        .ok_or_else(|| Failure::Unavailable(format!("no such workload here: {}", options.workload)))?;
    if let Some(unknown) = options.variants().find(|name| !found.variants.contains(name)) {
        return Err(Failure::Unavailable(format!("no variant of {} here: {}", options.workload, unknown)));
    }
    // SAFETY: only asks for a signal, which ends a program that hangs.
    unsafe { libc::alarm(TIME_LIMIT_S) };
    println!("{}", (found.measure)(&options)?.json());
    Ok(())
}
