#include "moqt_message.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

template <class W>
void bind_limit(nb::module_& m, const char* name, const char* field, std::uint64_t W::*member, const char* doc,
                const char* field_doc) {
  MessageClass<W> message(m, name, doc);
  message.get().def(
      "__init__",
      [member, field](Message<W>* self, IntegerArgument value) {
        const std::uint64_t number = value.checked(field);
        (new (self) Message<W>())->fields.*member = number;
      },
      nb::arg(field) = 0);
  message.integer(field, member, field_doc).field_names(field);
}

}  // namespace

void bind_session_messages(nb::module_& m) {
  MessageClass<wire::Goaway> goaway(m, "Goaway", "GOAWAY: no new requests, please (section 9.4).");
  goaway.get().def(
      "__init__",
      [](Message<wire::Goaway>* self, std::string new_session_uri) {
        new (self) Message<wire::Goaway>({std::move(new_session_uri)});
      },
      nb::arg("new_session_uri") = "");
  goaway
      .text("new_session_uri", &wire::Goaway::new_session_uri,
            "Where to continue, at most 8192 bytes; empty: at the same URI. Always empty when a client sends it.")
      .field_names("new_session_uri");

  bind_limit<wire::MaxRequestId>(m, "MaxRequestId", "request_id", &wire::MaxRequestId::max_request_id,
                                 "MAX_REQUEST_ID: raises the limit on Request IDs (section 9.5).",
                                 "One more than the largest Request ID that the receiver may use.");
  bind_limit<wire::RequestsBlocked>(
      m, "RequestsBlocked", "maximum_request_id", &wire::RequestsBlocked::maximum_request_id,
      "REQUESTS_BLOCKED: a request waits for a higher limit (section 9.6).", "The limit that the sender has reached.");
}

}  // namespace msquic_py::python
