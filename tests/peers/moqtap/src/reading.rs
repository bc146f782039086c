//! What bytes say, by moqtap-codec, and the bytes that it makes of that.

use bytes::Buf;
use moqtap_codec::data_dispatch::{
    AnyFetchEndOfRange, AnyFetchGroupOrder, AnyFetchObjectReader, AnySubgroupObjectReader, AnySubgroupObjectWriter,
};
use moqtap_codec::dispatch::{AnyControlMessage, AnyDatagramHeader, AnyFetchHeader, AnySubgroupHeader};
use moqtap_codec::version::DraftVersion;

use crate::text::{hex, listed, map_json, or_null, properties_json, quoted, told};

/// Bytes written again, in hex, where there is one way to write them; and what they say, as JSON.
pub struct Reading {
    pub again: Option<String>,
    pub says: String,
}

pub fn read(draft: DraftVersion, kind: &str, bytes: &[u8]) -> Result<Reading, String> {
    match kind {
        "control" => control(draft, bytes),
        "subgroup" => subgroup(draft, bytes),
        "fetch" => fetch(draft, bytes, AnyFetchGroupOrder::Ascending),
        "descending" => fetch(draft, bytes, AnyFetchGroupOrder::Descending),
        "datagram" => datagram(draft, bytes),
        _ => Err("unknown kind".into()),
    }
}

fn control(draft: DraftVersion, mut bytes: &[u8]) -> Result<Reading, String> {
    let message = told(AnyControlMessage::decode(draft, &mut bytes))?;
    if bytes.has_remaining() {
        return Err(format!("{} bytes behind the message", bytes.remaining()));
    }
    let mut out = Vec::new();
    told(message.encode(&mut out))?;
    let fields = map_json(&message.fields());
    let says = format!("{{\"type\":{},\"fields\":{fields}}}", quoted(message.message_type_name()));
    Ok(Reading { again: Some(hex(&out)), says })
}

/// What a header of a subgroup says. The structures of the drafts have the same fields and bits.
fn subgroup_header(header: &AnySubgroupHeader) -> Result<String, String> {
    macro_rules! told_by {
        ($header:expr, $first_object:expr) => {{
            let header = $header;
            let bits = header.header_type;
            let mode = ["zero", "first_object", "explicit"][usize::from((bits & 0x06) >> 1)];
            let subgroup = (mode == "explicit").then(|| header.subgroup_id.into_inner());
            Ok(format!(
                "{{\"type\":{bits},\"track_alias\":{},\"group_id\":{},\"subgroup_id_mode\":\"{mode}\",\"subgroup_id\":{},\
                 \"publisher_priority\":{},\"extensions_present\":{},\"contains_end_of_group\":{},\
                 \"begins_with_first_object\":{}}}",
                header.track_alias.into_inner(),
                header.group_id.into_inner(),
                or_null(subgroup),
                or_null(header.publisher_priority),
                bits & 0x01 != 0,
                bits & 0x08 != 0,
                $first_object,
            ))
        }};
    }
    match header {
        AnySubgroupHeader::Draft15(header) => told_by!(header, false),
        AnySubgroupHeader::Draft16(header) => told_by!(header, false),
        AnySubgroupHeader::Draft18(header) => told_by!(header, header.is_first_object()),
        AnySubgroupHeader::Draft22(header) => told_by!(header, header.is_first_object()),
    }
}

fn subgroup(draft: DraftVersion, mut bytes: &[u8]) -> Result<Reading, String> {
    let header = told(AnySubgroupHeader::decode_stream(draft, &mut bytes))?;
    let mut reader = told(AnySubgroupObjectReader::new(&header))?;
    let mut writer = told(AnySubgroupObjectWriter::new(&header))?;
    let mut out = Vec::new();
    header.encode_stream(&mut out);
    let mut objects = Vec::new();
    while bytes.has_remaining() {
        let object = told(reader.read_object(&mut bytes))?;
        told(writer.write_object(&object, &mut out))?;
        objects.push(format!(
            "{{\"object_id\":{},\"object_status\":{},\"extensions\":{},\"object_payload\":\"{}\"}}",
            object.object_id,
            object.status.unwrap_or(0),
            properties_json(draft, &object.extension_headers)?,
            hex(&object.payload)
        ));
    }
    let says = format!("{{\"header\":{},\"objects\":{}}}", subgroup_header(&header)?, listed(objects.into_iter()));
    Ok(Reading { again: Some(hex(&out)), says })
}

fn fetch(draft: DraftVersion, mut bytes: &[u8], order: AnyFetchGroupOrder) -> Result<Reading, String> {
    let header = told(AnyFetchHeader::decode_stream(draft, &mut bytes))?;
    let mut reader = told(AnyFetchObjectReader::new(&header, order))?;
    let mut objects = Vec::new();
    while bytes.has_remaining() {
        let object = told(reader.read_object(&mut bytes))?;
        if let Some(range) = object.end_of_range {
            let flags = match range {
                AnyFetchEndOfRange::NonExistent => 0x8c,
                AnyFetchEndOfRange::Unknown => 0x10c,
                AnyFetchEndOfRange::TimedOut => 0x20c,
            };
            objects.push(format!(
                "{{\"group_id\":{},\"object_id\":{},\"serialization_flags\":{flags}}}",
                object.group_id, object.object_id
            ));
            continue;
        }
        objects.push(format!(
            "{{\"group_id\":{},\"object_id\":{},\"subgroup_id\":{},\"publisher_priority\":{},\"object_status\":{},\
             \"extensions\":{},\"object_payload\":\"{}\"}}",
            object.group_id,
            object.object_id,
            or_null(object.has_subgroup_id.then_some(object.subgroup_id)),
            object.publisher_priority,
            object.status.unwrap_or(0),
            properties_json(draft, &object.extension_headers)?,
            hex(&object.payload)
        ));
    }
    let says = format!(
        "{{\"header\":{{\"type\":5,\"request_id\":{}}},\"objects\":{}}}",
        header.request_id(),
        listed(objects.into_iter())
    );
    Ok(Reading { again: None, says })
}

fn datagram(draft: DraftVersion, mut bytes: &[u8]) -> Result<Reading, String> {
    let header = told(AnyDatagramHeader::decode(draft, &mut bytes))?;
    if bytes.has_remaining() && !header.permits_payload() {
        return Err("a payload where there may be none".into());
    }
    let meta = header.meta();
    let (end_of_group, block) = match &header {
        AnyDatagramHeader::Draft15(each) => (each.is_end_of_group(), &each.extension_headers),
        AnyDatagramHeader::Draft16(each) => (each.is_end_of_group(), &each.extension_headers),
        AnyDatagramHeader::Draft18(each) => (each.is_end_of_group(), &each.properties),
        AnyDatagramHeader::Draft22(each) => (each.is_end_of_group(), &each.properties),
    };
    let payload = if meta.status.is_some() { "null".into() } else { quoted(&hex(bytes)) };
    let says = format!(
        "{{\"track_alias\":{},\"group_id\":{},\"object_id\":{},\"publisher_priority\":{},\"extensions\":{},\
         \"end_of_group\":{end_of_group},\"object_status\":{},\"object_payload\":{payload}}}",
        meta.track_alias,
        meta.group_id,
        meta.object_id,
        or_null(meta.publisher_priority),
        properties_json(draft, block)?,
        or_null(meta.status),
    );
    let mut out = Vec::new();
    told(header.encode(&mut out))?;
    out.extend_from_slice(bytes);
    Ok(Reading { again: Some(hex(&out)), says })
}
