#include "moqt_message.h"
#include "moqt_parameter_properties.h"
#include "moqt_request_forms.h"
#include "moqt_topics.h"

namespace msquic_py::python {

using enum moqt::MessageParameter;

void bind_request_messages(nb::module_& m) {
  auto request_ok = bind_request_answer<wire::RequestOk>(
      m, "RequestOk",
      "REQUEST_OK: accepts SUBSCRIBE_UPDATE, TRACK_STATUS, SUBSCRIBE_NAMESPACE or PUBLISH_NAMESPACE (section 9.7).",
      "Of the request.");
  bind_typed_parameters(request_ok,
                        {kDeliveryTimeout, kMaxCacheDuration, kExpires, kLargestObject, kForward, kGroupOrder});

  using W = wire::RequestError;
  MessageClass<W> request_error(m, "RequestError", "REQUEST_ERROR: refuses any request (section 9.8).");
  request_error.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, IntegerArgument error_code, std::string reason_phrase) {
        new (self) Message<W>(
            W{static_cast<moqt::RequestErrorCode>(error_code.checked("error_code")), std::move(reason_phrase)},
            reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("error_code") = moqt::RequestErrorCode::kInternalError,
      nb::arg("reason_phrase") = "");
  request_error.fields("Of the request.", kReasonPhraseDoc);
}

}  // namespace msquic_py::python
