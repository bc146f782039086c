// Requests that are to be made elsewhere: GOAWAY on the stream of one.
#include <string>

#include "moqt_session_link.h"

namespace msquic_py::python {

using moqt::session::RequestHandle;
using moqt::session::SessionError;

void SessionLink::move(std::uint64_t ticket, RequestHandle request, const std::string& uri) {
  if (session().is_ours(request)) return failed(ticket, SessionError::kWrongRole);
  const auto sent = session().goaway(request, uri);
  if (!sent.ok()) return failed(ticket, sent.error());
  answered(ticket);
}

void SessionLink::move_namespace(std::uint64_t ticket, const moqt::TrackNamespace& track_namespace,
                                 const std::string& uri) {
  for (const auto& [request, each] : peer_namespaces_) {
    if (each == track_namespace) return move(ticket, request, uri);
  }
  failed(ticket, SessionError::kUnknownRequest);
}

std::uint64_t SessionLink::target_of(RequestHandle request) const {
  for (const auto& [reader, link] : readers_) {
    if (reader->subscription() == request) return link->target();
  }
  for (const auto& [reader, link] : fetches_) {
    if (reader->request() == request) return link->target();
  }
  const auto found = tracks_.find(endpoint_->published_with(request).get());
  return found == tracks_.end() ? 0 : found->second->target;
}

}  // namespace msquic_py::python
