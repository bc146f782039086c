#include "relay/answers.h"

#include <utility>

namespace msquic_py::relay {

namespace session = moqt::session;

void shorten_times(moqt::MessageParameters& said, moqt::Draft draft) {
  const std::uint64_t most = moqt::largest_number(draft);
  if (said.expires().value_or(0) > most) said.set_expires(most);
  if (said.track_delivery_timeout().value_or(0) > most) said.set_track_delivery_timeout(most);
  if (said.track_subgroup_delivery_timeout().value_or(0) > most) said.set_track_subgroup_delivery_timeout(most);
  if (said.max_cache_duration().value_or(0) > most) said.set_max_cache_duration(most);
}

bool can_say(moqt::Location location, moqt::Draft draft) noexcept {
  const std::uint64_t most = moqt::largest_number(draft);
  return location.group <= most && location.object <= most;
}

bool accept_in_draft(session::Session& session, session::RequestHandle request, moqt::MessageParameters said) {
  if (const auto largest = said.largest_object(); largest && !can_say(*largest, session.draft())) {
    (void)session.reject(request, moqt::RequestErrorCode::kNotSupported,
                         "the IDs of the track's objects are too large for this draft");
    return false;
  }
  shorten_times(said, session.draft());
  return session.accept(request, std::move(said)).ok();
}

}  // namespace msquic_py::relay
