// Echo on Tokio, as one writes it: a task for each connection. With one worker everything runs on one thread.
use std::io::{self, Read};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

async fn give_back(mut client: TcpStream) -> io::Result<()> {
    let mut buffer = [0u8; 4096];
    loop {
        let n = client.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        client.write_all(&buffer[..n]).await?;
    }
}

async fn serve(port_file: Option<String>) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    println!("{}", port);
    if let Some(path) = port_file {
        let unfinished = format!("{}.part", path);
        std::fs::write(&unfinished, format!("{}\n", port))?;
        std::fs::rename(&unfinished, &path)?;
    }
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(async move {
            let _ = give_back(client).await; // a client that breaks off has ended
        });
    }
}

fn main() -> io::Result<()> {
    let mut workers = 1;
    let mut port_file = None;
    let mut given = std::env::args().skip(1);
    while let (Some(name), Some(value)) = (given.next(), given.next()) {
        match name.as_str() {
            "--workers" => workers = value.parse().expect("--workers takes a number"),
            "--port-file" => port_file = Some(value),
            _ => panic!("unknown argument {}", name),
        }
    }
    std::thread::spawn(|| {
        // ends with its input
        let _ = io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink());
        std::process::exit(0);
    });
    let runtime = if workers == 1 {
        Builder::new_current_thread().enable_io().build()?
    } else {
        Builder::new_multi_thread().worker_threads(workers).enable_io().build()?
    };
    runtime.block_on(serve(port_file))
}
