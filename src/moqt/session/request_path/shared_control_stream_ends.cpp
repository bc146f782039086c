// How a request on the shared control stream is given up: by a message of its own for each kind.
#include <string>

#include "moqt/session/request_path/shared_control_stream.h"
#include "moqt/session/requests/namespace_publication.h"
#include "moqt/session/session_core.h"
#include "moqt/wire/message_fields.h"

namespace msquic_py::moqt::session {

// ---- this endpoint ----

void SharedControlStream::write_cancellation(const Request& request, const Cancellation& cancellation) {
  switch (request.kind()) {
    case RequestKind::kSubscriptionAsSubscriber: (void)send(request, wire::Unsubscribe{}); break;
    case RequestKind::kNamespaceSubscription: (void)send(request, wire::UnsubscribeNamespace{}); break;
    case RequestKind::kFetchAsSubscriber: (void)send(request, wire::FetchCancel{}); break;  // [d15 §5.2-2]
    case RequestKind::kNamespacePublication: {
      const TrackNamespace& withdrawn = static_cast<const NamespacePublication&>(request).track_namespace();
      if (request.ours()) {
        (void)send(request, wire::PublishNamespaceDone{withdrawn});
      } else {
        (void)send(request, wire::PublishNamespaceCancel{withdrawn, cancellation.code, cancellation.reason});
      }
      break;
    }
    case RequestKind::kSubscriptionAsPublisher:  // ends with PUBLISH_DONE
    case RequestKind::kFetchAsPublisher:         // ends with its stream
    case RequestKind::kNamespaceUpdate:
    case RequestKind::kSubscriptionUpdate:  // have no message for it
    case RequestKind::kNamespaceAnnouncement:
    case RequestKind::kTrackStatus: break;
  }
}

// ---- the peer ----

Request* SharedControlStream::named(Reference request, std::string_view message) {  // [d15 §9.12-1]
  Request* found = find(request);
  if (found == nullptr && !ids_.issued(request.id) && !ids_.received(request.id)) {
    violate(std::string(message) + " for a request that never was");
  }
  return found;
}

void SharedControlStream::on(Reference request, const wire::PublishDone& message) {
  if (Request* found = named(request, "PUBLISH_DONE")) found->on_publish_done(message);
}

void SharedControlStream::cancelled(Reference request, RequestKind kind, std::string_view message) {
  Request* found = named(request, message);
  if (found == nullptr) return;
  if (found->kind() != kind) return violate(std::string(message) + " does not fit the request it names");
  found->on_cancelled({});
}

void SharedControlStream::on(Reference request, const wire::Unsubscribe&) {
  cancelled(request, RequestKind::kSubscriptionAsPublisher, "UNSUBSCRIBE");
}

void SharedControlStream::on(Reference request, const wire::UnsubscribeNamespace&) {
  cancelled(request, RequestKind::kNamespaceSubscription, "UNSUBSCRIBE_NAMESPACE");
}

void SharedControlStream::on(Reference request, const wire::FetchCancel&) {
  cancelled(request, RequestKind::kFetchAsPublisher, "FETCH_CANCEL");
}

Request* SharedControlStream::publication(Reference request, const TrackNamespace& track_namespace, bool ours,
                                          std::string_view message) {
  if (!wire::kRequestId<wire::PublishNamespaceDone>.contains(core_.draft)) {
    return core_.requests.find_first<NamespacePublication>([&](const NamespacePublication& each) {
      return each.ours() == ours && each.reference() && each.track_namespace() == track_namespace;
    });
  }
  Request* const found = named(request, message);
  if (found == nullptr || (found->kind() == RequestKind::kNamespacePublication && found->ours() == ours)) return found;
  violate(std::string(message) + " does not fit the request it names");
  return nullptr;
}

void SharedControlStream::on(Reference request, const wire::PublishNamespaceDone& message) {
  Request* const found = publication(request, message.track_namespace, /*ours=*/false, "PUBLISH_NAMESPACE_DONE");
  // [d15 §6.2-5]
  if (found != nullptr) found->on_cancelled({});  // otherwise it was cancelled meanwhile
}

void SharedControlStream::on(Reference request, const wire::PublishNamespaceCancel& message) {
  Request* const found = publication(request, message.track_namespace, /*ours=*/true, "PUBLISH_NAMESPACE_CANCEL");
  // Otherwise it was withdrawn meanwhile [d15 §6.2-5].
  if (found != nullptr) found->on_cancelled({message.error_code, message.error_reason});
}

}  // namespace msquic_py::moqt::session
