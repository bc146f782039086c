#pragma once

#include <utility>

#include "moqt/objects/outlet.h"
#include "moqt/session/session.h"
#include "relay/relay.h"

namespace msquic_py::hostile {

/// What sits on the session that a peer talks to: a relay, or an application.
class Host {
 public:
  virtual ~Host() = default;
  /// The session lives until end().
  virtual void begin(moqt::session::Session& session, moqt::objects::Outlet& outlet) = 0;
  /// Handles the session's events until it has none. Whether there was any.
  virtual bool on_events(moqt::session::Time now) = 0;
  virtual void end() = 0;
};

/// A relay that has the session as a client's.
class RelayHost final : public Host {
 public:
  explicit RelayHost(relay::Relay& relay) noexcept : relay_(relay) {}
  void begin(moqt::session::Session& session, moqt::objects::Outlet& outlet) override {
    number_ = relay_.attach(session, outlet, "hostile");
  }
  bool on_events(moqt::session::Time now) override { return relay_.on_events(number_, now); }
  void end() override { relay_.detach(std::exchange(number_, 0), {}); }

 private:
  relay::Relay& relay_;
  relay::Relay::PeerNumber number_ = 0;
};

}  // namespace msquic_py::hostile
