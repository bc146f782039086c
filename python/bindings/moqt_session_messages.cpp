#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>

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
      [](Message<wire::Goaway>* self, std::string new_session_uri, IntegerArgument timeout,
         std::optional<IntegerArgument> request_id) {
        wire::Goaway fields{std::move(new_session_uri), timeout.checked("timeout"), {}};
        if (request_id) fields.request_id = request_id->checked("request_id");
        new (self) Message<wire::Goaway>(std::move(fields));
      },
      nb::arg("new_session_uri") = "", nb::arg("timeout") = 0, nb::arg("request_id").none() = nb::none());
  goaway.fields("Where to continue, at most 8192 bytes; empty: at the same URI. Always empty when a client sends it.");
  goaway.later_fields(
      "From draft 17 on: milliseconds until the sender ends what is open. 0: it does not say.",
      "Draft-18, on the control stream alone: the smallest Request ID of the receiver that may not have been\n"
      "processed. None: it is not there.");

  bind_limit<wire::MaxRequestId>(m, "MaxRequestId", "MAX_REQUEST_ID: raises the limit on Request IDs (section 9.5).",
                                 "One more than the largest Request ID that the receiver may use.");
  bind_limit<wire::RequestsBlocked>(m, "RequestsBlocked",
                                    "REQUESTS_BLOCKED: a request waits for a higher limit (section 9.6).",
                                    "The limit that the sender has reached.");
}

}  // namespace msquic_py::python
