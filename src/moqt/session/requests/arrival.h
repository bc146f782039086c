#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "moqt/session/request_path/request_path.h"
#include "moqt/session/requests/request.h"
#include "moqt/session/requests/request_context.h"
#include "moqt/session/requests/request_table.h"

namespace msquic_py::moqt::session {

/// A request of the peer that has come, and of which there is nothing yet. Its class decides in `admit` whether the
/// application hears of it: with make(), refuse(), or violate().
class Arrival {
 public:
  Arrival(RequestContext& context, RequestTable& requests, RequestPath& path, wire::RequestReference request) noexcept
      : context_(context), requests_(requests), path_(path), reference_(request) {}

  [[nodiscard]] RequestContext& context() const noexcept { return context_; }
  [[nodiscard]] const RequestTable& requests() const noexcept { return requests_; }
  [[nodiscard]] const Limits& limits() const { return context_.config().limits; }
  /// The request that the message names besides its own; null when there is none.
  [[nodiscard]] Request* named(wire::RequestReference request) const { return path_.find(request); }
  /// Whether our PUBLISH_DONE for that one has crossed the message.
  [[nodiscard]] bool ended(wire::RequestReference request) const { return path_.ended(request); }

  /// The request exists from now on.
  template <class T, class... Arguments>
  T& make(Arguments&&... arguments) const {
    T& request = requests_.add(
        std::make_unique<T>(context_, requests_.next_handle(), /*ours=*/false, std::forward<Arguments>(arguments)...));
    request.received(reference_);
    path_.adopt(request);
    return request;
  }
  /// Answers a request for which no object is worth making.
  void accept() const;
  void refuse(RequestErrorCode code, std::string_view reason) const;
  /// The peer may not do this: the session closes.
  void violate(std::string_view what) const;

 private:
  RequestContext& context_;
  RequestTable& requests_;
  RequestPath& path_;
  wire::RequestReference reference_;
};

}  // namespace msquic_py::moqt::session
