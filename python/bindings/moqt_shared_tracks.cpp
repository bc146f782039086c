#include "moqt_shared_tracks.h"

#include <utility>

#include "moqt_session_handles.h"
#include "moqt_session_link.h"
#include "moqt_session_thread.h"
#include "moqt_topics.h"
#include "moqt_track_options.h"
#include "msquic_errors.h"
#include "quic/library.h"

namespace msquic_py::python {

std::shared_ptr<TrackLink> SharedTracks::create(std::uint64_t target, moqt::FullTrackName name,
                                                const moqt::pubsub::TrackOptions& options) {
  auto track = std::make_shared<TrackLink>(channel_, target, owner_);
  session_loop().post([self = shared_from_this(), track, name = std::move(name), options] {
    track->writer = std::make_shared<moqt::pubsub::TrackWriter>(name, options, moqt::Draft::k15, self->account_);
    self->share(track);
  });
  return track;
}

void SharedTracks::share(const std::shared_ptr<TrackLink>& track) {
  if (closed_) return;
  std::erase_if(tracks_, [&](const std::shared_ptr<TrackLink>& each) {
    return each->writer->finished() && each->writer->track() == track->writer->track();
  });
  tracks_.push_back(track);
  for (const auto& session : sessions_) {
    if (const auto alive = session.lock()) alive->share(track);
  }
}

void SharedTracks::join(const std::shared_ptr<SessionLink>& session) {
  if (!account_) account_ = session->writers();
  std::erase_if(sessions_, [](const auto& each) { return each.expired(); });
  sessions_.push_back(session);
  for (const auto& track : tracks_) session->share(track);
}

void SharedTracks::close() {
  closed_ = true;
  for (const auto& track : std::exchange(tracks_, {})) track->give_up();
}

namespace {

/// The tracks of a client that comes back; dropping it gives them up.
struct SharedTracksHandle {
  explicit SharedTracksHandle(std::shared_ptr<SharedTracks> made) noexcept : tracks(std::move(made)) {}
  SharedTracksHandle(SharedTracksHandle&&) noexcept = default;
  SharedTracksHandle(const SharedTracksHandle&) = delete;
  SharedTracksHandle& operator=(const SharedTracksHandle&) = delete;
  ~SharedTracksHandle() {
    if (tracks && !quic::Library::forked()) session_loop().post([shared = tracks] { shared->close(); });
  }
  std::shared_ptr<SharedTracks> tracks;
};

}  // namespace

void bind_shared_tracks(nb::module_& m) {
  nb::class_<SharedTracksHandle>(m, "SharedTracks", "Tracks that a client's sessions have one after the other.",
                                 nb::is_final())
      .def(
          "__init__",
          [](SharedTracksHandle* self, const ChannelHandle& channel, std::uint64_t owner) {
            ensure_usable();
            new (self) SharedTracksHandle(std::make_shared<SharedTracks>(channel.channel, owner));
          },
          nb::arg("channel"), nb::arg("owner"))
      .def(
          "create_track",
          [](SharedTracksHandle& self, std::uint64_t track, nb::handle track_namespace, nb::handle name,
             const nb::dict& options) {
            ensure_usable();
            return TrackHandle{
                self.tracks->create(track, full_track_name(track_namespace, name), track_options(options))};
          },
          nb::arg("target"), nb::arg("namespace"), nb::arg("name"), nb::arg("options"),
          nb::sig(
              "def create_track(self, target: int, namespace: TrackNamespace | collections.abc.Sequence[str | bytes], "
              "name: str | bytes, options: dict[str, typing.Any]) -> TrackHandle"))
      .def(
          "join",
          [](SharedTracksHandle& self, SessionHandle& session) {
            session.link().post([shared = self.tracks](SessionLink& link) { shared->join(link.shared_from_this()); });
          },
          nb::arg("session"), "The session gets every track, those that come as well.");
}

}  // namespace msquic_py::python
