#pragma once

#include "module.h"

namespace msquic_py::python {

// One function per file moqt_<topic>.cpp. A class must be bound before a function that takes or returns it, so that
// signatures name it.
void bind_varint(nb::module_& m);
void bind_error_codes(nb::module_& m);
void bind_enumerations(nb::module_& m);
void bind_location(nb::module_& m);
void bind_track_namespace(nb::module_& m);
void bind_subscription_filter(nb::module_& m);
void bind_range_filter(nb::module_& m);
void bind_authorization_token(nb::module_& m);
void bind_parameter(nb::module_& m);
void bind_control_message(nb::module_& m);
void bind_setup_messages(nb::module_& m);
void bind_session_messages(nb::module_& m);
void bind_request_messages(nb::module_& m);
void bind_subscribe_messages(nb::module_& m);
void bind_publish_messages(nb::module_& m);
void bind_fetch_messages(nb::module_& m);
void bind_namespace_messages(nb::module_& m);
void bind_object_extensions(nb::module_& m);
void bind_subgroup_header_type(nb::module_& m);
void bind_datagram_type(nb::module_& m);
void bind_subgroup(nb::module_& m);
void bind_fetch_stream(nb::module_& m);
void bind_datagram(nb::module_& m);
void bind_loc_values(nb::module_& m);
void bind_loc(nb::module_& m);
void bind_backoff(nb::module_& m);
void bind_track_progress(nb::module_& m);
void bind_session_channel(nb::module_& m);
void bind_session_transport(nb::module_& m);
void bind_session_tracks(nb::module_& m);
void bind_session_fetch(nb::module_& m);
void bind_session(nb::module_& m);
void bind_shared_tracks(nb::module_& m);
void bind_session_listener(nb::module_& m);
void bind_relay_server(nb::module_& m);

}  // namespace msquic_py::python
