//! Control messages of each draft, chosen at random.

use moqtap_codec::dispatch::AnyControlMessage;
use moqtap_codec::kvp::KeyValuePair;
use moqtap_codec::{types::TrackNamespace, varint::VarInt};

use crate::dice::Dice;

/// Which parameters may be in a message, by the text of the draft: "MAY appear in".
fn keys(draft: u64, message: &str) -> &'static [u64] {
    match (draft, message) {
        (15, "ClientSetup" | "ServerSetup") | (16, "ClientSetup") => &[0x01, 0x02, 0x03, 0x04, 0x05, 0x07],
        (16, "ServerSetup") => &[0x02, 0x03, 0x04, 0x07],
        (18, "Setup") => &[0x01, 0x03, 0x04, 0x05, 0x07, 0x3A5A],
        (22, "Setup") => &[0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x3A5A],
        // Section 9.2.1.
        (15, "Subscribe") => &[0x02, 0x03, 0x10, 0x20, 0x21, 0x22, 0x32],
        (15, "SubscribeOk") => &[0x02, 0x04, 0x08, 0x09, 0x0E, 0x22, 0x30],
        (15, "SubscribeUpdate") => &[0x02, 0x03, 0x10, 0x20, 0x21, 0x32],
        (15, "Publish") => &[0x02, 0x03, 0x04, 0x08, 0x09, 0x0E, 0x10, 0x22, 0x30],
        (15, "PublishOk") => &[0x02, 0x08, 0x10, 0x20, 0x21, 0x22, 0x32],
        (15, "TrackStatus") => &[0x02, 0x03, 0x10, 0x20, 0x21, 0x22],
        (15, "Fetch") => &[0x03, 0x20, 0x22],
        (15, "FetchOk") => &[0x04],
        (15, "RequestOk") => &[0x08, 0x09],
        (15, "PublishNamespace") => &[0x03],
        (15, "SubscribeNamespace") => &[0x03, 0x10],
        // Section 9.2.2.
        (16, "Subscribe") => &[0x02, 0x03, 0x10, 0x20, 0x21, 0x22, 0x32],
        (16, "SubscribeOk") => &[0x08, 0x09],
        (16, "RequestUpdate") => &[0x02, 0x03, 0x10, 0x20, 0x21, 0x32],
        (16, "Publish") => &[0x03, 0x08, 0x09, 0x10],
        (16, "PublishOk") => &[0x02, 0x08, 0x10, 0x20, 0x21, 0x22, 0x32],
        (16, "TrackStatus" | "PublishNamespace") => &[0x03],
        (16, "Fetch") => &[0x03, 0x20, 0x22],
        (16, "RequestOk") => &[0x08, 0x09],
        (16, "SubscribeNamespace") => &[0x03, 0x10],
        // Section 10.2.
        (18, "Subscribe") => &[0x02, 0x03, 0x04, 0x06, 0x10, 0x20, 0x21, 0x22, 0x32],
        (18, "SubscribeOk") => &[0x08, 0x09],
        (18, "RequestUpdate") => &[0x02, 0x03, 0x06, 0x10, 0x20, 0x21, 0x32, 0x34],
        (18, "Publish") => &[0x03, 0x08, 0x09, 0x10],
        (18, "RequestOk") => &[0x02, 0x06, 0x08, 0x09, 0x10, 0x20, 0x21, 0x22, 0x32],
        (18, "TrackStatus" | "PublishNamespace" | "SubscribeNamespace") => &[0x03],
        (18, "SubscribeTracks") => &[0x03, 0x10],
        (18, "Fetch") => &[0x03, 0x0A, 0x20, 0x22],
        // Section 9.20.
        (22, "Subscribe") => &[0x02, 0x03, 0x04, 0x06, 0x10, 0x20, 0x21, 0x22, 0x23, 0x25, 0x26, 0x27, 0x28, 0x32, 0x35],
        (22, "SubscribeOk") => &[0x08, 0x09],
        (22, "RequestUpdate") => &[0x02, 0x03, 0x06, 0x10, 0x20, 0x21, 0x23, 0x25, 0x26, 0x27, 0x28, 0x29, 0x32, 0x34],
        (22, "Publish") => &[0x02, 0x03, 0x06, 0x08, 0x09, 0x10, 0x20, 0x21, 0x22],
        (22, "PublishStateNotify") => &[0x09, 0x10, 0x21],
        (22, "RequestOk") => &[0x08, 0x09],
        (22, "TrackStatus") => &[0x03, 0x35],
        (22, "PublishNamespace" | "SubscribeNamespace") => &[0x03],
        (22, "SubscribeTracks") => &[0x03, 0x10, 0x21, 0x22, 0x23, 0x25, 0x26, 0x27, 0x28, 0x29, 0x35],
        (22, "Fetch") => &[0x03, 0x0A, 0x20, 0x21, 0x22, 0x25, 0x26, 0x27, 0x28, 0x35],
        _ => &[],
    }
}

/// A function for each name that a field has; `message` is whose it is.
mod field {
    use super::{keys, Dice, KeyValuePair, TrackNamespace, VarInt};

    macro_rules! numbers {
        ($($name:ident)*) => {
            $(pub fn $name(dice: &mut Dice, _message: &str) -> VarInt { dice.number() })*
        };
    }
    numbers!(request_id existing_request_id subscription_request_id maximum_request_id track_alias timeout
             retry_interval stream_count end_group end_object);

    pub fn end_of_track(dice: &mut Dice, _message: &str) -> u8 {
        dice.below(2) as u8
    }
    pub fn subscribe_options(dice: &mut Dice, _message: &str) -> VarInt {
        let choice = dice.below(3);
        dice.varint(choice)
    }
    /// What every draft has, with the same meaning.
    pub fn error_code(dice: &mut Dice, _message: &str) -> VarInt {
        let code = dice.one_of(&[0x0, 0x1, 0x2, 0x3, 0x4, 0x5, 0x10, 0x11, 0x12, 0x20, 0x30]);
        dice.varint(code)
    }
    pub fn status_code(dice: &mut Dice, _message: &str) -> VarInt {
        let code = dice.one_of(&[0x0, 0x1, 0x2, 0x4, 0x5, 0x6, 0x8]);
        dice.varint(code)
    }
    pub fn new_session_uri(dice: &mut Dice, _message: &str) -> Vec<u8> {
        dice.text(30)
    }
    pub fn reason_phrase(dice: &mut Dice, _message: &str) -> Vec<u8> {
        dice.text(30)
    }
    pub fn track_namespace(dice: &mut Dice, _message: &str) -> TrackNamespace {
        dice.namespace(1)
    }
    /// Drafts from 16 on have one of no fields.
    pub fn namespace_prefix(dice: &mut Dice, _message: &str) -> TrackNamespace {
        dice.namespace(u64::from(dice.draft == 15))
    }
    pub fn namespace_suffix(dice: &mut Dice, _message: &str) -> TrackNamespace {
        dice.namespace(0)
    }
    pub fn track_name(dice: &mut Dice, _message: &str) -> Vec<u8> {
        dice.bytes(0, 12)
    }
    pub fn parameters(dice: &mut Dice, message: &str) -> Vec<KeyValuePair> {
        let keys = keys(dice.draft, message);
        if message.ends_with("Setup") {
            dice.setup_options(keys)
        } else {
            dice.parameters(keys)
        }
    }
    pub fn options(dice: &mut Dice, message: &str) -> Vec<KeyValuePair> {
        dice.setup_options(keys(dice.draft, message))
    }
    pub fn track_extensions(dice: &mut Dice, message: &str) -> Vec<KeyValuePair> {
        track_properties(dice, message)
    }
    pub fn track_properties(dice: &mut Dice, message: &str) -> Vec<KeyValuePair> {
        let of_draft: &[u64] = if dice.draft >= 18 {
            &[0x02, 0x04, 0x06, 0x0B, 0x0E, 0x22, 0x30, 0x9D, 0x3801]
        } else {
            &[0x02, 0x04, 0x0B, 0x0E, 0x22, 0x30, 0x9D, 0x3801]
        };
        // Of the messages REQUEST_OK answers, TRACK_STATUS alone (section 10.5 of draft-18, 9.3 of draft-22).
        if message == "RequestOk" && dice.coin() {
            return Vec::new();
        }
        dice.properties(of_draft)
    }
}

/// One of the messages of a draft whose fields have nothing to do with each other, or one of `others`.
macro_rules! one_of {
    ($dice:ident, $draft:ident, $variant:ident; $($name:ident { $($field:ident)* })*; $($other:expr),*) => {{
        use moqtap_codec::$draft::message as m;
        let choices: &[fn(&mut Dice) -> m::ControlMessage] = &[
            $(|dice| m::ControlMessage::$name(m::$name { $($field: field::$field(dice, stringify!($name))),* }),)*
            $($other),*
        ];
        let choice = $dice.below(choices.len() as u64) as usize;
        AnyControlMessage::$variant(choices[choice]($dice))
    }};
}

/// FETCH of drafts that have three types of it. The end is behind the start.
macro_rules! fetch {
    ($draft:ident) => {
        |dice| {
            use moqtap_codec::$draft::message as m;
            let (fetch_type, fetch_payload) = match dice.below(3) {
                0 => {
                    let (group, object, more) = (dice.below(1000), dice.below(1000), 1 + dice.below(1000));
                    let last = dice.below(1000);
                    (
                        m::FetchType::Standalone,
                        m::FetchPayload::Standalone {
                            track_namespace: dice.namespace(1),
                            track_name: dice.bytes(0, 12),
                            start_group: dice.varint(group),
                            start_object: dice.varint(object),
                            end_group: dice.varint(group + more),
                            end_object: dice.varint(last),
                        },
                    )
                }
                choice => (
                    if choice == 1 { m::FetchType::RelativeJoining } else { m::FetchType::AbsoluteJoining },
                    m::FetchPayload::Joining { joining_request_id: dice.number(), joining_start: dice.number() },
                ),
            };
            m::ControlMessage::Fetch(m::Fetch {
                request_id: dice.number(),
                fetch_type,
                fetch_payload,
                parameters: field::parameters(dice, "Fetch"),
            })
        }
    };
}

/// REQUEST_ERROR of drafts with a Redirect, which is there for that code alone.
macro_rules! request_error {
    ($draft:ident) => {
        |dice| {
            use moqtap_codec::$draft::message as m;
            let redirected = dice.below(3) == 0;
            m::ControlMessage::RequestError(m::RequestError {
                error_code: if redirected { dice.varint(0x34) } else { field::error_code(dice, "") },
                retry_interval: dice.number(),
                reason_phrase: dice.text(30),
                redirect: redirected.then(|| m::Redirect {
                    connect_uri: dice.text(30),
                    track_namespace: dice.namespace(0),
                    track_name: dice.bytes(0, 12),
                }),
            })
        }
    };
}

pub fn message(dice: &mut Dice) -> AnyControlMessage {
    match dice.draft {
        15 => one_of!(dice, draft15, Draft15;
            ClientSetup { parameters }
            ServerSetup { parameters }
            GoAway { new_session_uri }
            MaxRequestId { request_id }
            RequestsBlocked { maximum_request_id }
            RequestOk { request_id parameters }
            RequestError { request_id error_code reason_phrase }
            Subscribe { request_id track_namespace track_name parameters }
            SubscribeOk { request_id track_alias parameters }
            SubscribeUpdate { request_id subscription_request_id parameters }
            Unsubscribe { request_id }
            Publish { request_id track_namespace track_name track_alias parameters }
            PublishOk { request_id parameters }
            PublishDone { request_id status_code stream_count reason_phrase }
            PublishNamespace { request_id track_namespace parameters }
            PublishNamespaceDone { track_namespace }
            PublishNamespaceCancel { track_namespace error_code reason_phrase }
            SubscribeNamespace { request_id namespace_prefix parameters }
            UnsubscribeNamespace { request_id }
            TrackStatus { request_id track_namespace track_name parameters }
            FetchOk { request_id end_of_track end_group end_object parameters }
            FetchCancel { request_id };
            fetch!(draft15)),
        16 => one_of!(dice, draft16, Draft16;
            ClientSetup { parameters }
            ServerSetup { parameters }
            GoAway { new_session_uri }
            MaxRequestId { request_id }
            RequestsBlocked { maximum_request_id }
            RequestOk { request_id parameters }
            RequestError { request_id error_code retry_interval reason_phrase }
            Subscribe { request_id track_namespace track_name parameters }
            SubscribeOk { request_id track_alias parameters track_extensions }
            RequestUpdate { request_id existing_request_id parameters }
            Unsubscribe { request_id }
            Publish { request_id track_namespace track_name track_alias parameters track_extensions }
            PublishOk { request_id parameters }
            PublishDone { request_id status_code stream_count reason_phrase }
            PublishNamespace { request_id track_namespace parameters }
            PublishNamespaceDone { request_id }
            PublishNamespaceCancel { request_id error_code reason_phrase }
            Namespace { namespace_suffix }
            NamespaceDone { namespace_suffix }
            SubscribeNamespace { request_id namespace_prefix subscribe_options parameters }
            TrackStatus { request_id track_namespace track_name parameters }
            FetchOk { request_id end_of_track end_group end_object parameters track_extensions }
            FetchCancel { request_id };
            fetch!(draft16)),
        18 => one_of!(dice, draft18, Draft18;
            Setup { options }
            RequestOk { parameters track_properties }
            Subscribe { request_id track_namespace track_name parameters }
            SubscribeOk { track_alias parameters track_properties }
            RequestUpdate { request_id parameters }
            Publish { request_id track_namespace track_name track_alias parameters track_properties }
            PublishDone { status_code stream_count reason_phrase }
            PublishNamespace { request_id track_namespace parameters }
            Namespace { namespace_suffix }
            NamespaceDone { namespace_suffix }
            SubscribeNamespace { request_id namespace_prefix parameters }
            SubscribeTracks { request_id namespace_prefix parameters }
            TrackStatus { request_id track_namespace track_name parameters }
            FetchOk { end_of_track end_group end_object parameters track_properties }
            PublishBlocked { namespace_suffix track_name };
            fetch!(draft18),
            request_error!(draft18),
            |dice| m::ControlMessage::GoAway(m::GoAway {
                new_session_uri: dice.text(30),
                timeout: dice.number(),
                request_id: if dice.coin() { Some(dice.number()) } else { None },
            })),
        _ => one_of!(dice, draft22, Draft22;
            Setup { options }
            GoAway { new_session_uri timeout }
            RequestOk { parameters track_properties }
            Subscribe { request_id track_namespace track_name parameters }
            SubscribeOk { track_alias parameters track_properties }
            RequestUpdate { request_id parameters }
            Publish { request_id track_namespace track_name track_alias parameters track_properties }
            PublishStateNotify { parameters }
            PublishDone { status_code stream_count reason_phrase }
            PublishNamespace { request_id track_namespace parameters }
            Namespace { namespace_suffix }
            NamespaceDone { namespace_suffix }
            SubscribeNamespace { request_id namespace_prefix parameters }
            SubscribeTracks { request_id namespace_prefix parameters }
            TrackStatus { request_id track_namespace track_name parameters }
            Fetch { request_id track_namespace track_name parameters }
            FetchOk { end_of_track end_group end_object parameters track_properties }
            PublishSkipped { namespace_suffix track_name };
            request_error!(draft22)),
    }
}
