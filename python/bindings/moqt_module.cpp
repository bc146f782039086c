#include "module.h"
#include "moqt_topics.h"

namespace msquic_py::python {

void bind_moqt(nb::module_& m) {
  bind_error_codes(m);
  bind_enumerations(m);
  bind_varint(m);
  bind_location(m);
  bind_track_namespace(m);
  bind_subscription_filter(m);
  bind_range_filter(m);
  bind_authorization_token(m);
  bind_parameter(m);
  bind_control_message(m);
  bind_setup_messages(m);
  bind_session_messages(m);
  bind_request_messages(m);
  bind_subscribe_messages(m);
  bind_publish_messages(m);
  bind_fetch_messages(m);
  bind_namespace_messages(m);
  bind_object_extensions(m);
  bind_subgroup_header_type(m);
  bind_datagram_type(m);
  bind_subgroup(m);
  bind_fetch_stream(m);
  bind_datagram(m);
  bind_loc_values(m);
  bind_loc(m);
  bind_backoff(m);
  bind_track_progress(m);
  bind_session_channel(m);
  bind_session_transport(m);
  bind_session_tracks(m);
  bind_session_fetch(m);
  bind_session(m);
  bind_shared_tracks(m);
  bind_session_listener(m);
  bind_relay_server(m);
}

}  // namespace msquic_py::python
