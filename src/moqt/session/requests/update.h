#pragma once

#include <utility>

#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// REQUEST_UPDATE (SUBSCRIBE_UPDATE in draft-15), from either side: a request of its own about another one, which is
/// what every kind of it has in common.
class Update : public Request {
 public:
  static constexpr bool kBeginsAfterGoaway = true;  ///< it belongs to a request that lives on [d15 §3.5-2]

  [[nodiscard]] RequestHandle updated() const noexcept override { return subscription_; }
  [[nodiscard]] wire::MessageBody first_message() const override;
  [[nodiscard]] bool obsolete() const override;
  /// It comes of something else, or goes with it, and the application hears of that.
  void be_quiet() noexcept { quiet_ = true; }
  void on_request_error(const wire::RequestError& message) override;
  void on_deadline() override;

 protected:
  Update(RequestContext& context, RequestHandle handle, bool ours, RequestHandle subscription,
         MessageParameters parameters)
      : Request(context, handle, ours), subscription_(subscription), parameters_(std::move(parameters)) {}

  RequestHandle subscription_;  ///< what it is about
  MessageParameters parameters_;
  bool quiet_ = false;
};

}  // namespace msquic_py::moqt::session
