#include "hostile/hop.h"

#include <chrono>
#include <utility>

namespace msquic_py::hostile {

namespace session = moqt::session;

Hop::~Hop() {
  if (near_) lower_.detach(lower_number_, network_.now());
  if (far_) upper_.detach(upper_number_, network_.now());
}

void Hop::dial(moqt::Draft draft) {
  if (open()) return;
  session::SessionConfig near;
  near.perspective = moqt::Perspective::kClient;
  near.account = lower_.ledger().open_session();
  session::SessionConfig far;
  far.perspective = moqt::Perspective::kServer;
  far.account = upper_.ledger().open_session();
  near_ = std::make_shared<simulation::SessionEnd>(network_.timeline(), std::move(near), draft);
  far_ = std::make_shared<simulation::SessionEnd>(network_.timeline(), std::move(far), draft);
  transport::memory::LinkOptions options;
  options.to_server.latency = options.to_client.latency = transport::memory::Duration::zero();
  options.client.bidirectional_streams = options.server.bidirectional_streams = 64;
  options.idle_timeout = std::chrono::milliseconds(5);
  auto joined = network_.connect(options, near_, far_);
  near_->attach(std::move(joined.client));
  far_->attach(std::move(joined.server));
  link_ = std::move(joined.link);
  upper_number_ = upper_.attach(far_->session(), *far_);
  lower_number_ = lower_.attach_upstream(0, near_->session(), *near_);
}

void Hop::cut() {
  if (open()) link_->cut();
}

void Hop::read(std::uint64_t bytes) {
  if (near_ && (bytes == simulation::SessionEnd::kEverything || bytes == 0 || !near_->reads_everything()))
    near_->read(bytes);
}

void Hop::close() {
  if (near_) near_->close(moqt::SessionErrorCode::kNoError, "the end");
}

bool Hop::settle(std::shared_ptr<simulation::SessionEnd>& end, relay::Relay& relay, relay::Relay::PeerNumber peer) {
  if (!end || !end->take_turns(relay, peer, network_.now())) return false;
  if (!end->over()) return true;
  relay.detach(peer, network_.now());
  end.reset();
  return true;
}

bool Hop::pump(session::Time now) {
  auto& timeline = network_.timeline();
  bool any = false;
  while (timeline.next() && *timeline.next() <= now) any = timeline.step() || any;
  timeline.skip_to(now);
  any = settle(near_, lower_, lower_number_) || any;
  return settle(far_, upper_, upper_number_) || any;
}

void Hop::tick(session::Time now) {
  network_.timeline().skip_to(std::min(now, network_.timeline().next().value_or(now)));
  if (near_) near_->pass_deadline();
  if (far_) far_->pass_deadline();
}

}  // namespace msquic_py::hostile
