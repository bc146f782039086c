#include "moqt_message.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

template <class W>
void bind_limit(nb::module_& m, const char* name, const char* doc, const char* field_doc) {
  MessageClass<W> message(m, name, doc);
  const char* const field = std::get<0>(wire::kFields<W>).name;
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument value) {
        W fields;
        wire::for_each_field_of<moqt::Draft::k15>(
            fields, [&](const auto& its, std::uint64_t& number) { number = value.checked(its.name); });
        new (self) Message<W>(fields);
      },
      nb::arg(field) = 0);
  message.fields(field_doc);
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
  goaway.fields("Where to continue, at most 8192 bytes; empty: at the same URI. Always empty when a client sends it.");

  bind_limit<wire::MaxRequestId>(m, "MaxRequestId", "MAX_REQUEST_ID: raises the limit on Request IDs (section 9.5).",
                                 "One more than the largest Request ID that the receiver may use.");
  bind_limit<wire::RequestsBlocked>(m, "RequestsBlocked",
                                    "REQUESTS_BLOCKED: a request waits for a higher limit (section 9.6).",
                                    "The limit that the sender has reached.");
}

}  // namespace msquic_py::python
