//! Reads lines "DRAFT KIND HEX" and answers each with one line: "ok ..." or "no REASON".
//!
//! control    the message encoded again, in hex
//! subgroup   the whole stream encoded again, in hex
//! fetch      one entry for each object or end of a range: group object subgroup priority properties payload
//! descending the same, of a fetch in descending order
//! datagram   the header encoded again and the payload behind it, in hex

use std::fmt::Write as _;
use std::io::{self, BufRead, Write as _};

use bytes::Buf;
use moqtap_codec::data_dispatch::{
    AnyFetchGroupOrder, AnyFetchObjectReader, AnySubgroupObjectReader, AnySubgroupObjectWriter,
};
use moqtap_codec::dispatch::{AnyControlMessage, AnyDatagramHeader, AnyFetchHeader, AnySubgroupHeader};
use moqtap_codec::version::DraftVersion;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

fn told<T, E: std::fmt::Debug>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| format!("{error:?}").replace('\n', " "))
}

fn control(draft: DraftVersion, mut bytes: &[u8]) -> Result<String, String> {
    let message = told(AnyControlMessage::decode(draft, &mut bytes))?;
    if bytes.has_remaining() {
        return Err(format!("{} bytes behind the message", bytes.remaining()));
    }
    let mut out = Vec::new();
    told(message.encode(&mut out))?;
    Ok(hex(&out))
}

fn subgroup(draft: DraftVersion, mut bytes: &[u8]) -> Result<String, String> {
    let header = told(AnySubgroupHeader::decode_stream(draft, &mut bytes))?;
    let mut reader = told(AnySubgroupObjectReader::new(&header))?;
    let mut writer = told(AnySubgroupObjectWriter::new(&header))?;
    let mut out = Vec::new();
    header.encode_stream(&mut out);
    while bytes.has_remaining() {
        let object = told(reader.read_object(&mut bytes))?;
        told(writer.write_object(&object, &mut out))?;
    }
    Ok(hex(&out))
}

fn fetch(draft: DraftVersion, mut bytes: &[u8], order: AnyFetchGroupOrder) -> Result<String, String> {
    let header = told(AnyFetchHeader::decode_stream(draft, &mut bytes))?;
    let mut reader = told(AnyFetchObjectReader::new(&header, order))?;
    let mut text = format!("{}", header.request_id());
    while bytes.has_remaining() {
        let object = told(reader.read_object(&mut bytes))?;
        if let Some(range) = object.end_of_range {
            let _ = write!(text, " | {} {} {range:?}", object.group_id, object.object_id);
            continue;
        }
        let subgroup = if object.has_subgroup_id { object.subgroup_id.to_string() } else { "-".into() };
        let _ = write!(
            text,
            " | {} {} {} {} x{} x{}",
            object.group_id,
            object.object_id,
            subgroup,
            object.publisher_priority,
            hex(&object.extension_headers),
            hex(&object.payload)
        );
    }
    Ok(text)
}

fn datagram(draft: DraftVersion, mut bytes: &[u8]) -> Result<String, String> {
    let header = told(AnyDatagramHeader::decode(draft, &mut bytes))?;
    if bytes.has_remaining() && !header.permits_payload() {
        return Err("a payload where there may be none".into());
    }
    let mut out = Vec::new();
    header.encode(&mut out);
    out.extend_from_slice(bytes);
    Ok(hex(&out))
}

fn answer(line: &str) -> Result<String, String> {
    let mut words = line.split(' ');
    let (Some(draft), Some(kind), Some(bytes)) = (words.next(), words.next(), words.next()) else {
        return Err("not DRAFT KIND HEX".into());
    };
    let draft = match draft {
        "15" => DraftVersion::Draft15,
        "16" => DraftVersion::Draft16,
        "18" => DraftVersion::Draft18,
        "22" => DraftVersion::Draft22,
        _ => return Err("unknown draft".into()),
    };
    let bytes = unhex(bytes).ok_or("not hex")?;
    match kind {
        "control" => control(draft, &bytes),
        "subgroup" => subgroup(draft, &bytes),
        "fetch" => fetch(draft, &bytes, AnyFetchGroupOrder::Ascending),
        "descending" => fetch(draft, &bytes, AnyFetchGroupOrder::Descending),
        "datagram" => datagram(draft, &bytes),
        _ => Err("unknown kind".into()),
    }
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        match answer(&line?) {
            Ok(text) => writeln!(out, "ok {text}")?,
            Err(reason) => writeln!(out, "no {reason}")?,
        }
        out.flush()?;
    }
    Ok(())
}
