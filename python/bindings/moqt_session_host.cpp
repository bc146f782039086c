#include "moqt_session_host.h"

#include <utility>

#include "moqt_session_thread.h"

namespace msquic_py::python {

SessionHost::SessionHost() : endpoint_(session_loop()) {}

void SessionHost::dial(runtime::Endpoint::DialOptions options, const std::shared_ptr<SessionLink>& link) {
  const auto driver = endpoint_.dial(std::move(options), *this);
  if (!driver) return link->fail(driver.error());
  links_[*driver] = link;
  link->attach(**driver);
}

quic::Result<std::uint16_t> SessionHost::listen(runtime::Endpoint::ListenOptions options,
                                                std::shared_ptr<SessionChannel> channel,
                                                SessionLink::Options link_options,
                                                std::shared_ptr<SharedTracks> tracks) {
  channel_ = std::move(channel);
  tracks_ = std::move(tracks);
  tracks_->charge_to(endpoint_.ledger().writers());
  link_options_ = link_options;
  if (const auto listening = endpoint_.listen(std::move(options), *this); !listening)
    return base::Failure{listening.error()};
  return endpoint_.port();
}

bool SessionHost::on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) {
  auto& link = links_[&driver];
  if (!link) {
    if (!channel_) return false;  // dial() has not returned yet
    link = std::make_shared<SessionLink>(channel_, channel_->next_target(), link_options_);
    link->attach(driver);
    tracks_->join(link);
  }
  return link->on_events(now);
}

std::optional<runtime::EventLoop::Time> SessionHost::next_deadline(const runtime::SessionDriver& driver) const {
  const auto found = links_.find(&driver);
  return found == links_.end() || !found->second ? std::nullopt : found->second->next_deadline();
}

void SessionHost::decide(std::uint64_t target, std::uint64_t request, const moqt::session::Verdict& verdict) {
  for (const auto& [driver, link] : links_) {
    if (!link || link->target() != target) continue;
    return link->decide(request, verdict);
  }
}

void SessionHost::on_finished(runtime::SessionDriver& driver, const transport::CloseReason&) {
  const auto found = links_.find(&driver);
  if (found == links_.end()) return;
  const std::shared_ptr<SessionLink> link = std::move(found->second);
  links_.erase(found);
  if (link) link->finish(runtime::quic_end(driver));
}

void SessionHost::on_ticket(runtime::SessionDriver& driver, const base::SharedBytes& ticket) {
  const auto found = links_.find(&driver);
  if (found != links_.end() && found->second) found->second->ticket(ticket.view());
}

namespace {

// Lives while there are client sessions, so that an idle process keeps nothing of MsQuic open.
std::unique_ptr<SessionHost>& client_host() {
  static auto* const host = new std::unique_ptr<SessionHost>;
  return *host;
}

void close_idle_client_host() {
  if (client_host() && client_host()->idle()) client_host().reset();
}

}  // namespace

void dial_session(runtime::Endpoint::DialOptions options, const std::shared_ptr<SessionLink>& link) {
  auto& host = client_host();
  if (!host) {
    auto fresh = std::make_unique<SessionHost>();
    fresh->on_idle([] { session_loop().post(close_idle_client_host); });
    host = std::move(fresh);
  }
  host->dial(std::move(options), link);
  close_idle_client_host();  // when it could not even begin
}

}  // namespace msquic_py::python
