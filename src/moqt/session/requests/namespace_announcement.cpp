#include "moqt/session/requests/namespace_announcement.h"

#include "moqt/session/requests/namespace_subscription.h"

namespace msquic_py::moqt::session {

RequestResult NamespaceAnnouncement::cancel() {
  if (auto* subscription = as<NamespaceSubscription>(context_.find(subscription_))) subscription->withdraw(*this);
  context_.end(handle());
  return {};
}

}  // namespace msquic_py::moqt::session
