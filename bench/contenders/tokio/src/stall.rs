//! Echo beside a task that computes now and then.
use std::io;
use std::os::unix::net::UnixStream as Plain;

use suite::asker::{compute, Asker, COMPUTES_EVERY, CONNECTIONS};
use suite::{Failure, Figures, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::interval;

use crate::runtime::Runtime;

async fn give_back(mut client: UnixStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let n = client.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        client.write_all(&buffer[..n]).await?;
    }
}

async fn compute_now_and_then() {
    let mut ticks = interval(COMPUTES_EVERY);
    loop {
        ticks.tick().await;
        compute();
    }
}

async fn start(ends: Vec<Plain>) -> io::Result<()> {
    for end in ends {
        tokio::spawn(give_back(UnixStream::from_std(end)?));
    }
    tokio::spawn(compute_now_and_then());
    Ok(())
}

pub fn stall(options: &Options) -> Result<Figures, Failure> {
    let (asker, ends) = Asker::new(options.size_or(CONNECTIONS))?;
    let runtime = Runtime::new(options)?;
    runtime.inside(start(ends))?;
    runtime.outside(|_| asker.ask())
}
