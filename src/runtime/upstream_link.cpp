#include "runtime/upstream_link.h"

#include <algorithm>
#include <utility>

namespace msquic_py::runtime {

namespace {

/// A session that has lasted as long was a good one: what comes after it is a first failure again.
constexpr EventLoop::Clock::duration kLasted = std::chrono::seconds(5);

}  // namespace

UpstreamLink::UpstreamLink(Endpoint& endpoint, SessionUser& user, std::size_t number, UpstreamOptions options,
                           Notify notify)
    : endpoint_(endpoint),
      user_(user),
      number_(number),
      options_(std::move(options)),
      notify_(std::move(notify)),
      backoff_(options_.backoff) {
  endpoint_.loop().add(*this);
}

UpstreamLink::~UpstreamLink() { endpoint_.loop().remove(*this); }

std::optional<EventLoop::Time> UpstreamLink::turn(EventLoop::Time now) {
  if (stopped_ || driver_ != nullptr) return std::nullopt;
  if (now < due_) return due_;
  dial();
  return driver_ == nullptr && !stopped_ ? std::optional(due_) : std::nullopt;
}

void UpstreamLink::dial() {
  leaving_ = false;
  established_.reset();
  Endpoint::DialOptions options = options_.dial;
  if (successor_) options.set_server(*successor_);
  const auto longest = std::chrono::duration_cast<base::Backoff::Duration>(options.session.handshake_timeout);
  const base::Backoff::Duration limit = base::attempt_limit(++attempts_, longest);
  options.session.handshake_timeout = limit;
  options.session.session.timeouts.setup =
      std::min<moqt::session::Duration>(options.session.session.timeouts.setup, limit);
  const auto driver = endpoint_.dial(std::move(options), user_);
  if (driver) {
    driver_ = *driver;
  } else {
    successor_.reset();
    wait(driver.error().message, false);
  }
}

void UpstreamLink::look(EventLoop::Time now) {
  if (driver_ == nullptr || !driver_->has_session()) return;
  if (!established_ && driver_->session().state() == moqt::session::SessionState::kEstablished) {
    established_ = now;
    attempts_ = 0;
    if (notify_) notify_({.upstream = number_, .connected = true, .reason = {}, .redial = {}});
  }
  if (!driver_->session().going_away() || std::exchange(leaving_, true)) return;
  follow(driver_->session().new_session_uri());
  driver_->close(moqt::SessionErrorCode::kNoError, "gone, as GOAWAY asks");
}

void UpstreamLink::follow(std::string_view uri) {
  why_left_ = "it asked to be left (GOAWAY)";
  if (uri.empty() || options_.dial.carrier) return;
  auto url = MoqtUrl::parse(uri);
  if (url) {
    why_left_ += ", for " + std::string(uri);
    successor_ = std::move(url).value();
  } else {
    why_left_ += ", for what is no place: " + url.error();
  }
}

void UpstreamLink::on_finished(const transport::CloseReason& reason, EventLoop::Time now) {
  driver_ = nullptr;
  const bool lasted = established_ && now - *established_ >= kLasted;
  if (lasted) backoff_.reset();
  if (!established_) successor_.reset();
  std::string why = reason.reason.empty() ? reason.message : reason.message + ": " + reason.reason;
  wait(leaving_ ? why_left_ : std::move(why), leaving_ && lasted);
}

void UpstreamLink::wait(std::string reason, bool at_once) {
  UpstreamNotice notice{.upstream = number_, .connected = false, .reason = std::move(reason), .redial = {}};
  if (!stopped_) {
    notice.redial = at_once ? std::chrono::milliseconds(0) : backoff_.next();
    due_ = EventLoop::Clock::now() + *notice.redial;
    endpoint_.loop().ready(*this);
  }
  if (notify_) notify_(notice);
}

void UpstreamLink::stop(bool close) {
  stopped_ = true;
  if (close && driver_ != nullptr) driver_->close(moqt::SessionErrorCode::kNoError, "the relay is shutting down");
}

}  // namespace msquic_py::runtime
