#include "visitors.h"

#include <variant>

namespace msquic_py::bench {

namespace session = moqt::session;

bool Visitors::on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time) {
  std::uint64_t& taken = taken_[&driver];
  bool any = false;
  session::Event event;
  while (driver.session().poll_event(event)) {
    any = true;
    if (std::holds_alternative<session::Established>(event)) {
      (void)driver.session().subscribe(track_);  // who is not let in gets nothing and is turned away
    } else if (std::holds_alternative<session::RequestRejected>(event)) {
      driver.close(moqt::SessionErrorCode::kNoError, "");
    } else if (const auto* object = std::get_if<session::ObjectReceived>(&event)) {
      taken += object->complete() ? 1 : 0;
    } else if (const auto* payload = std::get_if<session::ObjectPayload>(&event)) {
      taken += payload->remaining == 0 ? 1 : 0;
    } else if (std::holds_alternative<session::DatagramReceived>(event)) {
      ++taken;
    }
  }
  if (taken >= kTakes) driver.close(moqt::SessionErrorCode::kNoError, "");
  return any;
}

void Visitors::on_finished(runtime::SessionDriver& driver, const transport::CloseReason&) {
  const auto found = taken_.find(&driver);
  const bool served = found != taken_.end() && found->second >= kTakes;
  if (found != taken_.end()) taken_.erase(found);
  (served ? served_ : turned_away_).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace msquic_py::bench
