#include "moqt/session/requests/update.h"

namespace msquic_py::moqt::session {

wire::MessageBody Update::first_message() const {
  const Request* const subscription = context_.find(subscription_);
  const auto reference = subscription == nullptr ? std::nullopt : subscription->reference();
  return wire::RequestUpdate{reference.value_or(wire::kLongestReference), parameters_};
}

bool Update::obsolete() const { return context_.find(subscription_) == nullptr; }

// What is quiet ends with what it is about, whose own end tells.
void Update::on_request_error(const wire::RequestError& message) {
  if (!quiet_) return Request::on_request_error(message);
  if (take_refusal(message)) context_.end(handle());
}

void Update::on_deadline() {
  if (!quiet_) return Request::on_deadline();
  context_.end(handle());
}

}  // namespace msquic_py::moqt::session
