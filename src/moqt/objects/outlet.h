#pragma once

namespace msquic_py::moqt::objects {

/// Whoever drives a session, as those see it who give the session something to send.
class Outlet {
 public:
  virtual ~Outlet() = default;
  /// The session has something to send.
  virtual void make_ready() = 0;
  /// A subscription of the session has something to do later: Subscription::settle().
  virtual void settle_later() {}
};

}  // namespace msquic_py::moqt::objects
