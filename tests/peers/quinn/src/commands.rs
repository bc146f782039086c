//! Lines of standard input. All but `connect` and `rebind` concern the newest connection.
//!
//! connect ADDRESS NAME [early]   early: 0-RTT, when a ticket is at hand; `echo 1000` is then sent as early data
//! rebind ADDRESS:PORT            another local address (port 0: any) for all connections
//! mode echo|sink|hold|reset CODE|stop CODE   what happens to the peer's next streams; see connection.rs
//! echo SIZE                      opens a bidirectional stream and compares what comes back
//! uni SIZE                       opens a unidirectional stream and waits until all is acknowledged
//! reset CODE / stop CODE         opens a bidirectional stream, sends a little, then RESET_STREAM / STOP_SENDING
//! datagram TEXT                  sends it
//! key-update                     with the next packet
//! stats                          prints counters
//! close CODE [REASON…]           CONNECTION_CLOSE of the application

use crate::connection::{self, Mode, Shared};
use crate::report::{report, report_closed, Failure};
use quinn::{Connection, Endpoint, Incoming, VarInt};
use serde_json::json;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};

pub struct Commands {
    endpoint: Endpoint,
    shared: Arc<Shared>,
    is_server: bool,
}

impl Commands {
    pub fn new(endpoint: Endpoint, is_server: bool) -> Commands {
        Commands { endpoint, shared: Arc::new(Shared::default()), is_server }
    }

    pub fn accept(&self, incoming: Incoming, retry: bool) {
        if retry && incoming.may_retry() && !incoming.remote_address_validated() {
            let _ = incoming.retry();
            return;
        }
        match incoming.accept() {
            Ok(connecting) => {
                // A server may talk, and gets 0-RTT data, before the handshake is over.
                if let Ok((accepted, handshake)) = connecting.into_0rtt() {
                    tokio::spawn(connection::serve(accepted, handshake, self.shared.clone()));
                }
            }
            Err(error) => report_closed(0, &error),
        }
    }

    pub fn run(&self, line: &str) {
        if let Err(error) = self.execute(line) {
            report(json!({"event": "error", "message": format!("{line}: {error}")}));
        }
    }

    fn execute(&self, line: &str) -> Result<(), Failure> {
        let mut words = line.split_whitespace();
        let command = words.next().unwrap_or("");
        let words: Vec<&str> = words.collect();
        let word = |index: usize| words.get(index).copied().ok_or("an argument is missing");
        let size = || -> Result<usize, Failure> { Ok(word(0)?.parse()?) };
        let code = |index| -> Result<VarInt, Failure> { Ok(VarInt::from_u64(word(index)?.parse()?)?) };
        match command {
            "connect" if !self.is_server => {
                let connecting = self.endpoint.connect(word(0)?.parse()?, word(1)?)?;
                let early = words.get(2) == Some(&"early");
                tokio::spawn(connection::dial(connecting, early, self.shared.clone()));
            }
            "rebind" => {
                self.endpoint.rebind(UdpSocket::bind(word(0)?)?)?;
                report(json!({"event": "rebound", "address": self.endpoint.local_addr()?.to_string()}));
            }
            "mode" => {
                *self.shared.mode.lock().expect("no panic") = match word(0)? {
                    "echo" => Mode::Echo,
                    "sink" => Mode::Sink,
                    "hold" => Mode::Hold,
                    "reset" => Mode::Reset(code(1)?),
                    "stop" => Mode::Stop(code(1)?),
                    other => return Err(format!("no mode {other}").into()),
                };
                report(json!({"event": "mode"}));
            }
            "echo" => self.spawn(connection::echo(self.current()?, size()?)),
            "uni" => self.spawn(connection::send_uni(self.current()?, size()?)),
            "reset" => self.spawn(connection::reset(self.current()?, code(0)?)),
            "stop" => self.spawn(connection::stop(self.current()?, code(0)?)),
            "datagram" => self.current()?.send_datagram(words.join(" ").into_bytes().into())?,
            "key-update" => {
                self.current()?.force_key_update();
                report(json!({"event": "key-update"}));
            }
            "stats" => connection::report_statistics(&self.current()?),
            "close" => self.current()?.close(code(0)?, words[1..].join(" ").as_bytes()),
            other => return Err(format!("no command {other:?}").into()),
        }
        Ok(())
    }

    fn current(&self) -> Result<Connection, Failure> {
        self.shared.current.lock().expect("no panic").clone().ok_or("there is no connection".into())
    }

    fn spawn(&self, work: impl std::future::Future<Output = Result<(), Failure>> + Send + 'static) {
        tokio::spawn(async move {
            if let Err(error) = work.await {
                report(json!({"event": "failed", "message": error.to_string()}));
            }
        });
    }
}

/// Only the mutex of this type is shared between tasks, and never held across an await.
pub type Slot<T> = Mutex<T>;
