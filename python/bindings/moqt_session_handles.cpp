#include "moqt_session_handles.h"

#include "moqt_arguments.h"
#include "moqt_errors.h"
#include "moqt_track_namespace.h"
#include "quic/library.h"

namespace msquic_py::python {

namespace {

constexpr std::chrono::milliseconds kPatience{5000};

}  // namespace

SessionHandle::~SessionHandle() {
  if (!link_ || quic::Library::forked()) return;
  link_->post_close(0, {}, kPatience);
}

void GroupHandle::end(std::optional<moqt::StreamResetCode> reset) {
  if (ended_) return;
  ended_ = true;
  group_->track->post([group = group_, reset] { group->track->end_group(group, reset); });
}

GroupHandle::~GroupHandle() {
  if (group_ && !quic::Library::forked()) end(moqt::StreamResetCode::kCancelled);
}

void ReaderHandle::unsubscribe() {
  session_->post([reader = reader_](SessionLink& link) { link.unsubscribe(reader); });
}

ReaderHandle::~ReaderHandle() {
  if (reader_ && !quic::Library::forked()) unsubscribe();
}

moqt::FullTrackName full_track_name(nb::handle track_namespace, nb::handle name) {
  moqt::FullTrackName result{NamespaceArgument{nb::borrow(track_namespace)}.value("namespace"),
                             text_or_bytes(name, "name")};
  if (!result.valid()) {
    raise_encode_error("namespace",
                       "must have 1 to 32 fields, together with the track name at most 4096 bytes (section 2.4.1)");
  }
  return result;
}

}  // namespace msquic_py::python
