#include "moqt/session/requests/arrival.h"

#include <string>

namespace msquic_py::moqt::session {

void Arrival::accept() const { path_.answer(reference_, wire::RequestOk{}); }

void Arrival::refuse(RequestErrorCode code, std::string_view reason) const {
  path_.answer(reference_, wire::RequestError{code, std::string(reason)});
}

void Arrival::violate(std::string_view what) const { context_.close(SessionErrorCode::kProtocolViolation, what); }

}  // namespace msquic_py::moqt::session
