//! What happens on a connection: streams that the peer opens, and those that a command opens.

use crate::commands::Slot;
use crate::report::{report, report_closed, Failure};
use quinn::crypto::rustls::HandshakeData;
use quinn::{Connecting, Connection, ReadError, RecvStream, SendStream, VarInt, WriteError, ZeroRttAccepted};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// What to do with a stream of the peer.
#[derive(Clone, Copy, Default)]
pub enum Mode {
    /// Send back what comes: on the same stream, or on a new one when it is unidirectional.
    #[default]
    Echo,
    /// Read it all, answer nothing, and finish.
    Sink,
    /// Read nothing until the connection is over.
    Hold,
    /// RESET_STREAM in answer to the first bytes.
    Reset(VarInt),
    /// STOP_SENDING in answer to the first bytes.
    Stop(VarInt),
}

#[derive(Default)]
pub struct Shared {
    pub current: Slot<Option<Connection>>,
    pub mode: Slot<Mode>,
    count: AtomicU64,
}

/// Bytes that are unlike each other at different offsets; the tests make the same ones.
fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index ^ (index >> 8) ^ (index >> 16)) as u8).collect()
}

fn report_connected(number: u64, connection: &Connection, early: Option<bool>) {
    let data = connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    report(json!({
        "event": "connected", "connection": number,
        "alpn": data.as_ref().and_then(|data| data.protocol.as_deref().map(text)),
        "server_name": data.as_ref().and_then(|data| data.server_name.clone()),
        "early_data_accepted": early,
        "max_datagram_size": connection.max_datagram_size(),
    }));
}

pub async fn dial(connecting: Connecting, early: bool, shared: Arc<Shared>) {
    let number = shared.count.fetch_add(1, Ordering::Relaxed) + 1;
    if early {
        match connecting.into_0rtt() {
            Ok((connection, accepted)) => {
                let sending = tokio::spawn(echo(connection.clone(), 1000));
                let accepted = accepted.await;
                report_connected(number, &connection, Some(accepted));
                if let Ok(Err(error)) = sending.await {
                    report(json!({"event": "failed", "message": error.to_string()}));
                }
                follow(number, connection, shared).await;
            }
            Err(_) => report(json!({"event": "error", "message": "there is no ticket for early data"})),
        }
        return;
    }
    match connecting.await {
        Ok(connection) => {
            report_connected(number, &connection, None);
            follow(number, connection, shared).await;
        }
        Err(error) => report_closed(number, &error),
    }
}

pub async fn serve(connection: Connection, handshake: ZeroRttAccepted, shared: Arc<Shared>) {
    let number = shared.count.fetch_add(1, Ordering::Relaxed) + 1;
    let connected = connection.clone();
    tokio::spawn(async move {
        handshake.await;
        if connected.close_reason().is_none() {
            report_connected(number, &connected, None);
        }
    });
    follow(number, connection, shared).await;
}

/// Serves the peer's streams and datagrams until the connection is over.
async fn follow(number: u64, connection: Connection, shared: Arc<Shared>) {
    *shared.current.lock().expect("no panic") = Some(connection.clone());
    loop {
        let mode = || *shared.mode.lock().expect("no panic");
        tokio::select! {
            Ok((send, receive)) = connection.accept_bi() => {
                tokio::spawn(answer(connection.clone(), mode(), Some(send), receive));
            }
            Ok(receive) = connection.accept_uni() => {
                tokio::spawn(answer(connection.clone(), mode(), None, receive));
            }
            Ok(datagram) = connection.read_datagram() => {
                report(json!({"event": "datagram", "text": String::from_utf8_lossy(&datagram)}));
                let _ = connection.send_datagram(datagram);
            }
            error = connection.closed() => {
                report_closed(number, &error);
                return;
            }
        }
    }
}

async fn answer(connection: Connection, mode: Mode, mut send: Option<SendStream>, mut receive: RecvStream) {
    let (mut size, mut echoed) = (0, true);
    let id = u64::from(receive.id());
    let early = receive.is_0rtt();
    if matches!(mode, Mode::Hold) {
        connection.closed().await;
        return;
    }
    let end = loop {
        match receive.read_chunk(1 << 16, true).await {
            Ok(Some(chunk)) => {
                size += chunk.bytes.len();
                match mode {
                    Mode::Reset(code) => {
                        if let Some(mut send) = send.take() {
                            let _ = send.reset(code);
                        }
                    }
                    Mode::Stop(code) => {
                        let _ = receive.stop(code);
                        if let Some(mut send) = send.take() {
                            let _ = send.finish();
                        }
                        break json!("stopped");
                    }
                    Mode::Echo if echoed => {
                        if send.is_none() {
                            send = connection.open_uni().await.ok();
                        }
                        if let Some(writer) = send.as_mut() {
                            if let Err(error) = writer.write_chunk(chunk.bytes).await {
                                report_stopped(id, &error);
                                echoed = false;
                            }
                        }
                    }
                    _ => {}
                }
            }
            Ok(None) => {
                if let Some(mut send) = send.take() {
                    let _ = send.finish();
                    let _ = send.stopped().await;
                }
                break json!("fin");
            }
            Err(ReadError::Reset(code)) => break json!({"reset": code.into_inner()}),
            Err(error) => break json!(error.to_string()),
        }
    };
    report(json!({"event": "stream", "id": id, "bytes": size, "end": end, "early_data": early}));
}

fn report_stopped(id: u64, error: &WriteError) {
    match error {
        WriteError::Stopped(code) => report(json!({"event": "stopped", "id": id, "code": code.into_inner()})),
        other => report(json!({"event": "failed", "message": other.to_string()})),
    }
}

/// Sends a pattern on a new stream, and reads the answer at the same time.
pub async fn echo(connection: Connection, size: usize) -> Result<(), Failure> {
    let (mut send, mut receive) = connection.open_bi().await?;
    let id = u64::from(send.id());
    let data = pattern(size);
    let expected = data.clone();
    let writing = tokio::spawn(async move {
        match send.write_all(&data).await {
            Ok(()) => {
                let _ = send.finish();
            }
            Err(error) => report_stopped(id, &error),
        }
    });
    match receive.read_to_end(size + 1).await {
        Ok(answer) => report(json!({
            "event": "echo", "id": id, "bytes": answer.len(), "equal": answer == expected
        })),
        Err(quinn::ReadToEndError::Read(ReadError::Reset(code))) => {
            report(json!({"event": "reset", "id": id, "code": code.into_inner()}));
        }
        Err(error) => return Err(error.into()),
    }
    writing.await?;
    Ok(())
}

pub async fn send_uni(connection: Connection, size: usize) -> Result<(), Failure> {
    let mut send = connection.open_uni().await?;
    let id = u64::from(send.id());
    match send.write_all(&pattern(size)).await {
        Ok(()) => {
            send.finish()?;
            send.stopped().await?;
            report(json!({"event": "acknowledged", "id": id}));
        }
        Err(error) => report_stopped(id, &error),
    }
    Ok(())
}

pub async fn reset(connection: Connection, code: VarInt) -> Result<(), Failure> {
    let (mut send, _receive) = connection.open_bi().await?;
    send.write_all(&pattern(100)).await?;
    send.reset(code)?;
    report(json!({"event": "resetting", "id": u64::from(send.id())}));
    connection.closed().await;
    Ok(())
}

pub async fn stop(connection: Connection, code: VarInt) -> Result<(), Failure> {
    let (mut send, mut receive) = connection.open_bi().await?;
    send.write_all(&pattern(100)).await?;
    receive.stop(code)?;
    report(json!({"event": "stopping", "id": u64::from(send.id())}));
    connection.closed().await;
    Ok(())
}

pub fn report_statistics(connection: &Connection) {
    let statistics = connection.stats();
    report(json!({
        "event": "stats", "remote": connection.remote_address().to_string(),
        "lost_packets": statistics.path.lost_packets, "mtu": statistics.path.current_mtu,
        "rtt_us": statistics.path.rtt.as_micros() as u64, "datagrams_received": statistics.frame_rx.datagram,
        "resets_received": statistics.frame_rx.reset_stream, "stops_received": statistics.frame_rx.stop_sending,
    }));
}
