//! Subgroups, fetches and datagrams of each draft, chosen at random. The bits of the headers are the same in all of them.

use moqtap_codec::varint::VarInt;

use crate::dice::Dice;
use crate::text::told;

const NORMAL: u64 = 0x0;
const END_OF_GROUP: u64 = 0x3;
const END_OF_TRACK: u64 = 0x4;

/// What is written of one object.
struct Chosen {
    block: Vec<u8>,
    status: u64,
    payload: Vec<u8>,
}

/// Only objects with the status Normal have properties; a status stands in the place of a payload.
fn chosen(dice: &mut Dice, with_properties: bool) -> Chosen {
    if dice.below(8) == 0 {
        let status = dice.one_of(&[END_OF_GROUP, END_OF_TRACK]);
        return Chosen { block: Vec::new(), status, payload: Vec::new() };
    }
    let block = if with_properties { dice.block() } else { Vec::new() };
    Chosen { block, status: NORMAL, payload: dice.bytes(0, 40) }
}

pub fn subgroup(dice: &mut Dice) -> Result<Vec<u8>, String> {
    macro_rules! write {
        ($draft:ident) => {{
            use moqtap_codec::$draft::{data_stream as d, types::ObjectStatus};
            let mode = dice.one_of(&[0x00, 0x02, 0x04]) as u8;
            let first = if dice.draft >= 18 && dice.coin() { 0x40 } else { 0 };
            let default_priority = dice.coin();
            let properties = dice.coin();
            let header = d::SubgroupHeader {
                header_type: 0x10
                    | mode
                    | first
                    | u8::from(properties)
                    | if dice.coin() { 0x08 } else { 0 }
                    | if default_priority { 0x20 } else { 0 },
                track_alias: dice.number(),
                group_id: dice.number(),
                subgroup_id: if mode == 0x04 { dice.number() } else { dice.varint(0) },
                publisher_priority: (!default_priority).then(|| dice.below(256) as u8),
            };
            let mut out = Vec::new();
            told(header.encode_checked(&mut out))?;
            let mut writer = d::SubgroupObjectReader::new(&header);
            let mut id = dice.up_to(300);
            for _ in 0..dice.below(5) {
                let each = chosen(dice, properties);
                let object = d::SubgroupObject {
                    object_id: dice.varint(id),
                    extension_headers: each.block,
                    payload_length: VarInt::from_usize(each.payload.len()),
                    object_status: if each.payload.is_empty() { ObjectStatus::from_u64(each.status) } else { None },
                    payload: each.payload,
                };
                told(writer.write_object(&object, &mut out))?;
                id += 1 + dice.up_to(300);
            }
            Ok(out)
        }};
    }
    match dice.draft {
        15 => write!(draft15),
        16 => write!(draft16),
        18 => write!(draft18),
        _ => write!(draft22),
    }
}

pub fn datagram(dice: &mut Dice) -> Result<Vec<u8>, String> {
    macro_rules! write {
        ($draft:ident, $block:ident) => {{
            use moqtap_codec::$draft::{data_stream as d, types::ObjectStatus};
            let each = chosen(dice, true);
            let status = if each.status == NORMAL { None } else { ObjectStatus::from_u64(each.status) };
            let default_priority = dice.coin();
            // A status and an absent priority: drafts disagree about the Object ID then.
            let zero = dice.coin() && !(status.is_some() && default_priority);
            let header = d::DatagramHeader {
                datagram_type: u8::from(!each.block.is_empty())
                    | if status.is_none() && dice.coin() { 0x02 } else { 0 }
                    | if zero { 0x04 } else { 0 }
                    | if default_priority { 0x08 } else { 0 }
                    | if status.is_some() { 0x20 } else { 0 },
                track_alias: dice.number(),
                group_id: dice.number(),
                object_id: if zero { dice.varint(0) } else { dice.number() },
                publisher_priority: (!default_priority).then(|| dice.below(256) as u8),
                $block: each.block,
                object_status: status,
            };
            let mut out = Vec::new();
            told(header.encode_checked(&mut out))?;
            out.extend(each.payload);
            Ok(out)
        }};
    }
    match dice.draft {
        15 => write!(draft15, extension_headers),
        16 => write!(draft16, extension_headers),
        18 => write!(draft18, properties),
        _ => write!(draft22, properties),
    }
}

/// Where the next object of a fetch is, and which of its fields are said.
struct Next {
    group: u64,
    object: u64,
    /// The flags for the fields that the place needs, and for others by chance.
    flags: u64,
}

fn next(dice: &mut Dice, prior: Option<(u64, u64)>, descending: bool) -> Next {
    let Some((group, object)) = prior else {
        return Next { group: 10_000 + dice.up_to(10_000), object: dice.up_to(300), flags: 0x1C };
    };
    let absolute = dice.draft < 17;
    let priority = if dice.coin() { 0x10 } else { 0 };
    if dice.coin() {
        // In the group of the object before. There is no delta of 0 from draft 17 on.
        let step = 1 + dice.up_to(300);
        let says_object = step > 1 || dice.coin();
        let says_group = absolute && dice.coin();
        let flags = priority | if says_object { 0x04 } else { 0 } | if says_group { 0x08 } else { 0 };
        return Next { group, object: object + step, flags };
    }
    let step = 1 + dice.up_to(300);
    let group = if descending { group - step } else { group + step };
    Next { group, object: dice.up_to(300), flags: priority | 0x0C }
}

pub fn fetch(dice: &mut Dice, descending: bool) -> Result<Vec<u8>, String> {
    let request = dice.int();
    let mut out = dice.written(&[5, request]);
    let mut prior: Option<(u64, u64)> = None;
    let mut has_subgroup = false;
    for _ in 0..dice.below(6) {
        let next = next(dice, prior, descending);
        let is_first = prior.is_none();
        // 0: Subgroup ID 0, 1: that of the object before, 2: that and 1, 3: said.
        let mode = if has_subgroup { dice.below(4) } else { dice.one_of(&[0, 3]) };
        let datagram = dice.draft >= 16 && dice.below(4) == 0;
        let properties = dice.coin();
        let block = if properties { dice.block() } else { Vec::new() };
        let payload = dice.bytes(u64::from(dice.draft == 15), 20);
        let flags = next.flags | if properties { 0x20 } else { 0 } | if datagram { 0x40 } else { mode };
        let explicit = !datagram && mode == 3;
        let subgroup = dice.up_to(4);
        let priority = dice.below(256) as u8;
        let length = VarInt::from_usize(payload.len());
        let (group, object) = match (dice.draft >= 17, prior) {
            (true, Some((before, _))) if flags & 0x08 != 0 => (before.abs_diff(next.group) - 1, next.object),
            (true, Some((_, before))) => (0, next.object.wrapping_sub(before)),
            _ => (next.group, next.object),
        };
        let group = dice.varint(group);
        let object = dice.varint(object);
        let said = |flag: u64, value: VarInt| (flags & flag != 0).then_some(value);
        let said_priority = (flags & 0x10 != 0).then_some(priority);
        let said_subgroup = explicit.then(|| dice.varint(subgroup));
        told(match dice.draft {
            15 => moqtap_codec::draft15::data_stream::FetchObjectHeader {
                serialization_flags: flags as u8,
                group_id: group,
                subgroup_id: dice.varint(subgroup),
                object_id: object,
                publisher_priority: priority,
                extension_headers: block,
                payload_length: length,
                object_status: None,
            }
            .encode(&mut out),
            16 => moqtap_codec::draft16::data_stream::FetchObjectHeader {
                serialization_flags: dice.varint(flags),
                group_id: said(0x08, group),
                subgroup_id: said_subgroup,
                object_id: said(0x04, object),
                publisher_priority: said_priority,
                extensions: properties.then_some(block),
                payload_length: length,
            }
            .encode(&mut out),
            18 => moqtap_codec::draft18::data_stream::FetchObjectHeader {
                serialization_flags: flags,
                group_id_delta: said(0x08, group),
                subgroup_id: said_subgroup,
                object_id_delta: said(0x04, object),
                publisher_priority: said_priority,
                properties: block,
                payload_length: length,
            }
            .encode(&mut out),
            _ => moqtap_codec::draft22::data_stream::FetchObjectHeader {
                serialization_flags: dice.varint(flags),
                group_id_delta: said(0x08, group),
                subgroup_id: said_subgroup,
                object_id_delta: said(0x04, object),
                publisher_priority: said_priority,
                properties: properties.then_some(block),
                payload_length: length,
            }
            .encode(&mut out),
        })?;
        out.extend(payload);
        debug_assert!(!is_first || flags & 0x1C == 0x1C);
        // An object that was a datagram has no Subgroup ID. Drafts from 17 on say that the one before it counts then.
        has_subgroup = !datagram || (has_subgroup && dice.draft >= 17);
        prior = Some((next.group, next.object));
    }
    Ok(out)
}
