//! A QUIC endpoint on quinn, for the tests of another implementation. It is driven by lines on standard input and
//! answers with one JSON object per line on standard output.
//!
//! quic-peer client --ca FILE --alpn A[,B…] [--version N]
//! quic-peer server --certificate FILE --key FILE --alpn A[,B…] [--versions N[,N…]] [--early-data] [--no-tickets] [--retry]
//!
//! Lines that both understand are in commands.rs; `connect ADDRESS NAME [early]` and `rebind ADDRESS` are the client's.
//! It ends when standard input ends.

mod commands;
mod connection;
mod endpoint;
mod options;
mod report;

use options::Options;
use report::report;
use serde_json::json;
use std::io::BufRead;
use tokio::sync::mpsc;

/// Standard input, read by a thread of its own: the program ends with it.
fn input_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let outcome = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => run(options).await,
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        report(json!({"event": "error", "message": error.to_string()}));
        std::process::exit(1);
    }
}

async fn run(options: Options) -> Result<(), report::Failure> {
    let mut lines = input_lines();
    let endpoint = endpoint::open(&options)?;
    let commands = commands::Commands::new(endpoint.clone(), options.is_server);
    report(json!({"event": "ready", "port": endpoint.local_addr()?.port()}));
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(line) => commands.run(&line),
                None => break,
            },
            Some(incoming) = endpoint.accept() => commands.accept(incoming, options.retry),
        }
    }
    endpoint.close(0u32.into(), b"");
    // Long enough to say so; the draining period of RFC 9000 may be long, and keeps nothing that a test waits for.
    let _ = tokio::time::timeout(std::time::Duration::from_millis(300), endpoint.wait_idle()).await;
    Ok(())
}
