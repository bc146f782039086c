#include "simulation/session_end.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace msquic_py::simulation {

namespace {

/// What the carrier gets before it has said what it can use; as the driver of real sessions has it.
constexpr std::size_t kFirstWindow = 12 * 1024;

// Stream keys: those of the peer are the carrier's IDs, which are below 2^62.
constexpr transport::StreamKey kControl = ~std::uint64_t{0};
constexpr transport::StreamKey kOwn = std::uint64_t{1} << 63;
constexpr transport::StreamKey kRequest = std::uint64_t{1} << 62;  ///< of a request's stream, whoever opened it
constexpr bool carries_request(transport::StreamKey stream) noexcept {
  return stream != kControl && (stream & kRequest) != 0;
}

std::span<const base::SharedBytes> slices_of(const ms::GatherList& list) noexcept {
  return {list.begin(), list.size()};
}

}  // namespace

SessionEnd::SessionEnd(transport::memory::Timeline& timeline, ms::SessionConfig config, moqt::Draft draft)
    : timeline_(timeline), session_(draft, std::move(config)) {}

std::size_t SessionEnd::open_streams() const noexcept {
  const auto control = std::count_if(incoming_.begin(), incoming_.end(),
                                     [this](const auto& entry) { return is_peers_control(entry.first); });
  return outgoing_.size() + incoming_.size() - static_cast<std::size_t>(control);
}

bool SessionEnd::take_turns(relay::Relay& relay, relay::Relay::PeerNumber peer, ms::Time now) {
  if (!take_ready()) return false;
  perform_actions();
  while (relay.on_events(peer, now)) perform_actions();
  perform_actions();
  return true;
}

void SessionEnd::pass_deadline() {
  const auto deadline = session_.next_deadline();
  if (!deadline || *deadline > now()) return;
  session_.on_deadline(now());
  make_ready();
}

bool SessionEnd::perform_actions() {
  bool any = false;
  ms::Action action;
  while (session_.poll_action(now(), action)) {
    any = true;
    std::visit([this](auto& what) { perform(what); }, action);
  }
  return any;
}

void SessionEnd::close(moqt::SessionErrorCode code, std::string_view reason) {
  session_.close(code, reason);
  make_ready();
}

void SessionEnd::read(std::uint64_t bytes) {
  readable_ = bytes == kEverything ? kEverything : (readable_ == kEverything ? 0 : readable_) + bytes;
  if (readable_ == 0) return;
  for (const std::uint64_t id : std::exchange(paused_, {})) {
    if (const auto found = incoming_.find(id); found != incoming_.end()) found->second->resume_receive();
  }
}

// ---- from the session ----

void SessionEnd::perform(ms::SendControl& action) {
  if (!control_) {
    const bool own = moqt::has_own_control_streams(session_.draft());
    if (!own && connection_->is_server()) return;
    auto opened = connection_->open_stream(
        own ? transport::Direction::Unidirectional : transport::Direction::Bidirectional, kControl);
    if (!opened) return;
    control_ = std::move(*opened);
    control_->set_priority(ms::kControlStreamPriority);
  }
  (void)control_->send({&action.bytes, 1}, false, action.bytes.size());
}

void SessionEnd::perform(ms::OpenRequestStream& action) {
  auto opened = connection_->open_stream(transport::Direction::Bidirectional, action.stream.value | kRequest);
  if (!opened) return;
  (*opened)->set_priority(ms::kRequestStreamPriority);
  requests_.emplace(action.stream, std::move(*opened));
}

void SessionEnd::perform(ms::SendRequest& action) {
  const auto found = requests_.find(action.stream);
  if (found == requests_.end()) return;
  const std::span<const base::SharedBytes> slices(&action.bytes, action.bytes.empty() ? 0 : 1);
  (void)found->second->send(slices, action.fin, action.bytes.size());
}

void SessionEnd::perform(ms::ResetRequest& action) {
  if (const auto found = requests_.find(action.stream); found != requests_.end()) found->second->reset(action.code);
}

void SessionEnd::perform(ms::StopRequest& action) {
  if (const auto found = requests_.find(action.stream); found != requests_.end()) found->second->stop(action.code);
}

void SessionEnd::perform(ms::OpenStream& action) {
  auto opened = connection_->open_stream(transport::Direction::Unidirectional, action.stream.value | kOwn);
  if (!opened) return;
  (*opened)->set_priority(action.priority);
  outgoing_.emplace(action.stream.value, std::move(*opened));
}

void SessionEnd::perform(ms::PrioritizeStream& action) {
  const auto found = outgoing_.find(action.stream.value);
  if (found != outgoing_.end()) found->second->set_priority(action.priority);
}

void SessionEnd::perform(ms::SendStream& action) {
  const auto found = outgoing_.find(action.stream.value);
  if (found == outgoing_.end()) return;
  const std::size_t size = action.slices.bytes();
  if (loses && loses(action)) return session_.on_stream_bytes_sent(action.stream, size);
  if (!found->second->send(slices_of(action.slices), action.fin, size)) {
    return session_.on_stream_bytes_sent(action.stream, size);
  }
  unsent_ += size;
  if (size > 0) unsent_of_[action.stream.value] += size;
}

void SessionEnd::perform(ms::ResetStream& action) {
  const auto found = outgoing_.find(action.stream.value);
  if (found != outgoing_.end()) found->second->reset(action.code);
}

void SessionEnd::perform(ms::StopSending& action) {
  ++stops_;
  const auto found = incoming_.find(action.stream);
  held_.erase(action.stream);
  if (found != incoming_.end()) found->second->stop(action.code);
}

void SessionEnd::perform(ms::PauseStream& action) { held_.insert(action.stream); }

void SessionEnd::perform(ms::ResumeStream& action) {
  held_.erase(action.stream);
  const auto found = incoming_.find(action.stream);
  if (found != incoming_.end() && !paused_.contains(action.stream)) found->second->resume_receive();
}

void SessionEnd::perform(ms::SendDatagram& action) {
  const std::size_t size = action.slices.bytes();
  if (!connection_->send_datagram(slices_of(action.slices), size)) return session_.on_datagram_sent(size);
  unsent_ += size;
}

void SessionEnd::perform(ms::CloseSession& action) {
  connection_->close(action.code, std::string_view(action.reason).substr(0, connection_->longest_reason()));
}

// ---- from the carrier ----

void SessionEnd::on_connected(const transport::Capabilities&) noexcept {
  session_.set_send_window(std::min(kFirstWindow, session_.config().send_window));
  session_.start(now());
  make_ready();
}

void SessionEnd::on_closed(const transport::CloseReason& reason) noexcept {
  using Cause = transport::CloseReason::Cause;
  const bool by_application = reason.cause == Cause::PeerApplication || reason.cause == Cause::LocalApplication;
  const auto code = by_application ? reason.code : static_cast<std::uint64_t>(moqt::SessionErrorCode::kInternalError);
  session_.on_transport_closed(now(), code, by_application ? reason.reason : reason.message, reason.remote);
  closed_ = reason;
  control_.reset();
  incoming_.clear();
  outgoing_.clear();
  requests_.clear();
  paused_.clear();
  make_ready();
}

void SessionEnd::on_report(const transport::Report& report) noexcept {
  report_ = report;
  session_.on_transport_report({.congestion_window = report.congestion_window,
                                .bytes_in_flight = report.bytes_in_flight,
                                .posted_bytes = report.posted_bytes,
                                .round_trip = report.round_trip});
  make_ready();
}

std::optional<transport::StreamKey> SessionEnd::on_peer_stream(transport::PeerStream stream) noexcept {
  make_ready();
  if (stream.direction == transport::Direction::Bidirectional) {
    const bool shared_control = !moqt::has_own_control_streams(session_.draft());
    if (shared_control && !control_) {
      control_ = std::move(stream.stream);
      control_->set_priority(ms::kControlStreamPriority);
      return kControl;
    }
    if (!moqt::has_request_streams(session_.draft())) {
      session_.on_bidi_stream_opened(now());
      return std::nullopt;
    }
    requests_.emplace(ms::RequestStreamId{stream.id}, std::move(stream.stream));
    return stream.id | kRequest;
  }
  incoming_.emplace(stream.id, std::move(stream.stream));
  return stream.id;
}

std::uint64_t SessionEnd::on_received(transport::StreamKey stream, const transport::ReceivedData& data) noexcept {
  make_ready();
  base::ByteVector bytes;
  for (const base::Bytes chunk : data.chunks) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  if (stream == kControl) {
    if (!bytes.empty()) session_.on_control_data(now(), bytes);
    if (data.fin) session_.on_control_closed(now());
    return data.size;
  }
  if (carries_request(stream)) {
    session_.on_request_data(now(), {stream & ~kRequest}, bytes, data.fin);
    return data.size;
  }
  if (held_.contains(stream) && !data.last && data.size > 0) return 0;
  if (readable_ != kEverything && !data.last && data.size > 0 && !is_peers_control(stream)) {
    bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), readable_)));
    readable_ -= bytes.size();
  }
  const bool all = bytes.size() == data.size;
  if (!all) paused_.insert(stream);
  if (!bytes.empty() || (all && data.fin)) {
    session_.on_uni_stream_data(now(), stream, bytes.empty() ? base::SharedBytes{} : base::SharedBytes::copy_of(bytes),
                                all && data.fin);
  }
  return bytes.size();
}

void SessionEnd::on_sent(transport::StreamKey stream, std::uint64_t token, bool) noexcept {
  if (stream == kControl || carries_request(stream)) return;
  unsent_ -= token;
  if (const auto of = unsent_of_.find(stream & ~kOwn); of != unsent_of_.end() && (of->second -= token) == 0) {
    unsent_of_.erase(of);
  }
  session_.on_stream_bytes_sent({stream & ~kOwn}, token);
  make_ready();
}

void SessionEnd::on_peer_reset(transport::StreamKey stream, std::uint64_t code) noexcept {
  make_ready();
  if (stream == kControl) return session_.on_control_closed(now());
  if (carries_request(stream)) return session_.on_request_reset(now(), {stream & ~kRequest}, code);
  session_.on_uni_stream_reset(now(), stream, code);
}

void SessionEnd::on_peer_stop(transport::StreamKey stream, std::uint64_t code) noexcept {
  make_ready();
  if (stream == kControl) return session_.on_control_closed(now());
  if (carries_request(stream)) return session_.on_request_stopped(now(), {stream & ~kRequest}, code);
  session_.on_stop_sending(now(), {stream & ~kOwn}, code);
}

void SessionEnd::on_stream_closed(transport::StreamKey stream, bool with_connection) noexcept {
  make_ready();
  if (stream == kControl) {
    if (!with_connection) session_.on_control_closed(now());
  } else if (carries_request(stream)) {
    requests_.erase({stream & ~kRequest});
    session_.on_request_closed({stream & ~kRequest});
  } else if ((stream & kOwn) != 0) {
    outgoing_.erase(stream & ~kOwn);
  } else {
    paused_.erase(stream);
    incoming_.erase(stream);
  }
}

void SessionEnd::on_datagram_size(std::size_t largest) noexcept {
  session_.on_datagram_max_size(largest);
  make_ready();
}

void SessionEnd::on_datagram(base::Bytes datagram) noexcept {
  session_.on_datagram(now(), base::SharedBytes::copy_of(datagram));
  make_ready();
}

void SessionEnd::on_datagram_sent(std::uint64_t token, bool) noexcept {
  unsent_ -= token;
  session_.on_datagram_sent(token);
  make_ready();
}

}  // namespace msquic_py::simulation
