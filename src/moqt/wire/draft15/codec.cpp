#include "moqt/wire/draft15/codec.h"

namespace msquic_py::moqt::wire::draft15 {

const Codec kCodec{
    .decode_control_message = decode_control_message,
    .encode_control_message = encode_control_message,
    .decode_stream_kind = decode_stream_kind,
    .decode_stream_header = decode_stream_header,
    .encode_subgroup_header = encode_subgroup_header,
    .encode_fetch_header = encode_fetch_header,
    .decode_subgroup_object_header = decode_subgroup_object_header,
    .encode_subgroup_object_header = encode_subgroup_object_header,
    .encode_object_id_delta = encode_object_id_delta,
    .decode_fetch_object_header = decode_fetch_object_header,
    .encode_fetch_object_header = encode_fetch_object_header,
    .decode_object_datagram = decode_object_datagram,
    .encode_object_datagram_header = encode_object_datagram_header,
    .decode_extensions = decode_extensions,
    .encode_extensions = encode_extensions,
    .check_extensions = check_extensions,
    .inspect_extensions = inspect_extensions,
};

}  // namespace msquic_py::moqt::wire::draft15
