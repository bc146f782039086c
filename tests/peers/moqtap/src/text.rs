//! Hex, and the fields of a message as JSON.

use std::fmt::Write as _;

use moqtap_codec::fields::{FieldMap, FieldValue};
use moqtap_codec::object_properties::{parse_object_properties, PropertyValue};
use moqtap_codec::version::DraftVersion;

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

pub fn told<T, E: std::fmt::Debug>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| format!("{error:?}").replace('\n', " "))
}

/// Bytes are hex; a text is one, in quotation marks.
pub fn value_json(value: &FieldValue) -> String {
    match value {
        FieldValue::Uint(number) => number.to_string(),
        FieldValue::Bool(flag) => flag.to_string(),
        FieldValue::Text(text) => quoted(text),
        FieldValue::Bytes(bytes) => quoted(&hex(bytes)),
        FieldValue::Array(items) => listed(items.iter().map(value_json)),
        FieldValue::Map(map) => map_json(map),
    }
}

pub fn map_json(map: &FieldMap) -> String {
    let fields: Vec<String> =
        map.iter().map(|(name, value)| format!("{}:{}", quoted(name), value_json(value))).collect();
    format!("{{{}}}", fields.join(","))
}

pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for each in text.chars() {
        match each {
            '"' | '\\' => {
                out.push('\\');
                out.push(each);
            }
            // One line is one answer.
            '\0'..='\x1f' | '\u{7f}'.. => {
                let mut units = [0; 2];
                for unit in each.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            _ => out.push(each),
        }
    }
    out.push('"');
    out
}

pub fn listed(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

pub fn or_null<T: ToString>(value: Option<T>) -> String {
    value.map_or("null".into(), |each| each.to_string())
}

/// The properties of an object, from their block without its length.
pub fn properties_json(draft: DraftVersion, block: &[u8]) -> Result<String, String> {
    let properties = told(parse_object_properties(draft, block))?;
    Ok(listed(properties.iter().map(|each| match &each.value {
        PropertyValue::Varint(number) => format!("{{\"type\":{},\"value\":{number}}}", each.property_type),
        PropertyValue::Bytes(bytes) | PropertyValue::Immutable { bytes, .. } => {
            format!("{{\"type\":{},\"hex\":\"{}\"}}", each.property_type, hex(bytes))
        }
    })))
}
