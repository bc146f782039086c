//! What the program says: one JSON object per line.

use quinn::ConnectionError;
use serde_json::{json, Value};
use std::io::Write;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

pub fn report(value: Value) {
    let mut output = std::io::stdout().lock();
    // Whoever read this has gone: then nobody misses it.
    let _ = writeln!(output, "{value}").and_then(|()| output.flush());
}

/// How a connection ended, and who ended it.
pub fn report_closed(number: u64, error: &ConnectionError) {
    let mut value = match error {
        ConnectionError::ApplicationClosed(frame) => json!({
            "kind": "application", "code": frame.error_code.into_inner(),
            "reason": String::from_utf8_lossy(&frame.reason),
        }),
        ConnectionError::ConnectionClosed(frame) => json!({
            "kind": "transport", "code": u64::from(frame.error_code),
            "reason": String::from_utf8_lossy(&frame.reason),
        }),
        ConnectionError::TransportError(error) => json!({
            "kind": "violation", "code": u64::from(error.code), "reason": error.reason,
        }),
        ConnectionError::VersionMismatch => json!({"kind": "version"}),
        ConnectionError::Reset => json!({"kind": "stateless-reset"}),
        ConnectionError::TimedOut => json!({"kind": "timeout"}),
        ConnectionError::LocallyClosed => json!({"kind": "local"}),
        ConnectionError::CidsExhausted => json!({"kind": "connection-ids"}),
    };
    value["event"] = json!("closed");
    value["connection"] = json!(number);
    report(value);
}
