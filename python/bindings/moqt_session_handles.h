#pragma once

// What Python holds of the things on the sessions' thread. Each gives its thing up when Python drops it. In a forked
// child, where that thread does not exist, none does anything.

#include <nanobind/nanobind.h>

#include <memory>

#include "moqt_session_link.h"

namespace msquic_py::python {

namespace nb = nanobind;

/// The channel of one asyncio loop. Never handed to nanobind as a shared pointer of its own: that would take the GIL
/// on the sessions' thread.
struct ChannelHandle {
  std::shared_ptr<SessionChannel> channel;
};

/// A session; dropping it closes it, after what was written has arrived.
class SessionHandle {
 public:
  explicit SessionHandle(std::shared_ptr<SessionLink> link) noexcept : link_(std::move(link)) {}
  SessionHandle(SessionHandle&&) noexcept = default;
  SessionHandle(const SessionHandle&) = delete;
  SessionHandle& operator=(const SessionHandle&) = delete;
  ~SessionHandle();
  [[nodiscard]] SessionLink& link() const noexcept { return *link_; }
  [[nodiscard]] const std::shared_ptr<SessionLink>& shared() const noexcept { return link_; }

 private:
  std::shared_ptr<SessionLink> link_;
};

/// A track that is published; dropping it ends nothing: the session keeps its tracks.
struct TrackHandle {
  std::shared_ptr<TrackLink> track;
};

/// A group that is written; dropping it unended resets its streams.
class GroupHandle {
 public:
  explicit GroupHandle(std::shared_ptr<GroupLink> group) noexcept : group_(std::move(group)) {}
  GroupHandle(GroupHandle&&) noexcept = default;
  GroupHandle(const GroupHandle&) = delete;
  GroupHandle& operator=(const GroupHandle&) = delete;
  ~GroupHandle();
  [[nodiscard]] const std::shared_ptr<GroupLink>& group() const noexcept { return group_; }
  void end(std::optional<moqt::StreamResetCode> reset);

 private:
  std::shared_ptr<GroupLink> group_;
  bool ended_ = false;
};

/// A track that is received; dropping it unsubscribes.
class ReaderHandle {
 public:
  ReaderHandle(std::shared_ptr<SessionLink> session, std::shared_ptr<ReaderLink> reader) noexcept
      : session_(std::move(session)), reader_(std::move(reader)) {}
  ReaderHandle(ReaderHandle&&) noexcept = default;
  ReaderHandle(const ReaderHandle&) = delete;
  ReaderHandle& operator=(const ReaderHandle&) = delete;
  ~ReaderHandle();
  [[nodiscard]] SessionLink& session() const noexcept { return *session_; }
  [[nodiscard]] const std::shared_ptr<ReaderLink>& reader() const noexcept { return reader_; }
  void unsubscribe();

 private:
  std::shared_ptr<SessionLink> session_;
  std::shared_ptr<ReaderLink> reader_;
};

/// A notice as Python gets it: (target, kind, ticket, value).
nb::tuple to_python(Notice& notice);

/// One field is a name of a track or namespace; raises EncodeError when they are outside the limits of [d15 §2.4.1].
moqt::FullTrackName full_track_name(nb::handle track_namespace, nb::handle name);

}  // namespace msquic_py::python
