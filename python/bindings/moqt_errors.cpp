#include "moqt_errors.h"

#include <nanobind/nanobind.h>

#include <string>

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

// The tree lives in Python, where it can have two bases. It is looked up when it is needed: this extension is
// loaded before the package that defines it.
nb::object exception_class(const char* name) { return nb::module_::import_("moqt.exceptions").attr(name); }

const char* field_of(moqt::wire::EncodeError error) noexcept {
  using enum moqt::wire::EncodeError;
  switch (error) {
    case kNamespaceFieldCount:
    case kNamespaceFieldEmpty: return "track_namespace";
    case kTrackNameTooLong: return "track_name";
    case kReasonPhraseTooLong: return "reason_phrase";
    case kNewSessionUriTooLong: return "new_session_uri";
    case kKeyValueKind:
    case kKeyValueTooLong:
    case kParameterOutOfRange:
    case kParameterRepeated:
    case kFilterRangeReversed:
    case kTokenNotAllowed:
    case kParameterNotDefined: return "parameters";
    case kObjectIdNotIncreasing: return "object_id";
    case kStatusInFetch: return "object_status";
    case kGroupOrderReversed: return "group_id";
    case kRedirectMismatch: return "redirect";
    case kExtensionsNotAnnounced:
    case kExtensionsMalformed:
    case kStatusWithExtensions: return "extensions";
    case kStatusWithPayload: return "payload";
    case kDatagramFlags: return "end_of_group";
    case kSubgroupIdMode: return "subgroup_id";
    case kNumberTooLarge:
    case kNotInDraft:
    case kPayloadTooLong: return "message";
  }
  return "message";
}

[[noreturn]] void raise(const nb::object& type, const nb::object& exception) {
  PyErr_SetObject(type.ptr(), exception.ptr());
  throw nb::python_error();
}

}  // namespace

void raise_need_more_data(const char* what) {
  const nb::object type = exception_class("NeedMoreData");
  const std::string message = std::string("incomplete ") + what + ": append the bytes that follow and decode again";
  raise(type, type(message.c_str()));
}

void raise_violation(const base::Violation& violation) {
  const nb::object type = exception_class("ProtocolViolation");
  raise(type, type(violation.what, violation.code));
}

void raise_encode_error(const char* field, const char* problem) {
  const nb::object type = exception_class("EncodeError");
  raise(type, type(field, problem));
}

void raise_encode_error(const char* field, const char* problem, moqt::wire::EncodeError error) {
  const nb::object type = exception_class("EncodeError");
  raise(type, type(field, problem, std::string(moqt::wire::name(error)).c_str()));
}

void raise_encode_error(moqt::wire::EncodeError error) {
  raise_encode_error(field_of(error), std::string(describe(error)).c_str(), error);
}

void raise_not_in_draft(const char* field, moqt::Draft draft) {
  const std::string problem = "draft-" + std::to_string(static_cast<unsigned>(draft)) + " has no place for it";
  raise_encode_error(field, problem.c_str(), moqt::wire::EncodeError::kNotInDraft);
}

void raise_malformed_extension(const char* header, const char* problem) {
  const nb::object type = exception_class("MalformedExtension");
  raise(type, type(header, problem));
}

void raise_out_of_range(const char* field, std::uint64_t largest) {
  raise_encode_error(field, ("must be from 0 to " + std::to_string(largest)).c_str());
}

}  // namespace msquic_py::python
