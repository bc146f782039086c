#include "bare_server.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "bare_publisher.h"
#include "bare_subscriber.h"
#include "moqt/model/draft.h"
#include "moqt/wire/control_message.h"
#include "quic/platform_settings.h"
#include "runtime/transport_settings.h"

namespace msquic_py::bench {

namespace wire = moqt::wire;

namespace {

void require(QUIC_STATUS status, const char* what) {
  if (QUIC_FAILED(status)) {
    throw std::runtime_error(std::string(what) + " failed with status " + std::to_string(status));
  }
}

void append(const wire::ControlMessage& message, base::ByteVector& bytes) {
  if (!wire::encode_control_message(moqt::Draft::k15, message, bytes).ok()) {
    throw std::logic_error("an answer cannot be encoded");
  }
}

base::ByteVector encoded(const wire::MessageBody& body) {
  base::ByteVector bytes;
  append({{}, body}, bytes);
  return bytes;
}

base::ByteVector taking_up() {
  base::ByteVector bytes;
  append({{0}, wire::RequestOk{}}, bytes);
  append({{1}, wire::Subscribe{.track = moqt::FullTrackName(moqt::TrackNamespace{"bench", "fanout"}, "objects")}},
         bytes);
  return bytes;
}

QUIC_BUFFER buffer_of(base::ByteVector& bytes) noexcept {
  return {static_cast<std::uint32_t>(bytes.size()), bytes.data()};
}

wire::ServerSetup setup() {
  moqt::SetupParameters parameters;
  parameters.set_max_request_id(100);
  return {parameters};
}

}  // namespace

BareServer::BareServer(const FanoutShape& shape, const std::string& certificate, const std::string& key)
    : shape_(shape),
      pieces_(shape),
      server_setup_(encoded(setup())),
      subscribe_ok_(encoded(wire::SubscribeOk{.track_alias = FanoutPieces::kTrackAlias})),
      take_up_(taking_up()),
      server_setup_buffer_(buffer_of(server_setup_)),
      subscribe_ok_buffer_(buffer_of(subscribe_ok_)),
      take_up_buffer_(buffer_of(take_up_)) {
  require(MsQuicOpen2(&api_), "MsQuicOpen2");
  const QUIC_REGISTRATION_CONFIG registration{"bare_fanout", QUIC_EXECUTION_PROFILE_LOW_LATENCY};
  require(api_->RegistrationOpen(&registration, &registration_), "RegistrationOpen");
  std::string alpn(moqt::alpn(moqt::Draft::k15));
  const QUIC_BUFFER alpns{static_cast<std::uint32_t>(alpn.size()), reinterpret_cast<std::uint8_t*>(alpn.data())};
  const QUIC_SETTINGS settings = quic::to_msquic(runtime::transport_settings());
  require(api_->ConfigurationOpen(registration_, &alpns, 1, &settings, sizeof(settings), nullptr, &configuration_),
          "ConfigurationOpen");
  QUIC_CERTIFICATE_FILE files{key.c_str(), certificate.c_str()};
  QUIC_CREDENTIAL_CONFIG credentials{};
  credentials.Type = QUIC_CREDENTIAL_TYPE_CERTIFICATE_FILE;
  credentials.CertificateFile = &files;
  require(api_->ConfigurationLoadCredential(configuration_, &credentials), "ConfigurationLoadCredential");
  require(api_->ListenerOpen(registration_, on_listener, this, &listener_), "ListenerOpen");
  QUIC_ADDR address{};
  QuicAddrSetFamily(&address, QUIC_ADDRESS_FAMILY_INET);
  QuicAddrFromString("127.0.0.1", 0, &address);
  require(api_->ListenerStart(listener_, &alpns, 1, &address), "ListenerStart");
  std::uint32_t size = sizeof(address);
  require(api_->GetParam(listener_, QUIC_PARAM_LISTENER_LOCAL_ADDRESS, &size, &address), "the listener's address");
  port_ = QuicAddrGetPort(&address);
  timer_ = std::thread([this] { run(); });
}

BareServer::~BareServer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  timer_.join();
  api_->ListenerClose(listener_);
  api_->ConfigurationClose(configuration_);
  api_->RegistrationShutdown(registration_, QUIC_CONNECTION_SHUTDOWN_FLAG_NONE, 0);
  api_->RegistrationClose(registration_);  // after the last connection
  MsQuicClose(api_);
}

void BareServer::start() {
  {
    const std::lock_guard lock(mutex_);
    sending_ = true;
  }
  changed_.notify_one();
}

void BareServer::stop() {
  const std::lock_guard lock(mutex_);
  sending_ = false;
}

void BareServer::add(BareSubscriber& subscriber) {
  const std::lock_guard lock(mutex_);
  subscribers_.push_back(&subscriber);
}

void BareServer::remove(BareSubscriber& subscriber) {
  const std::lock_guard lock(mutex_);
  std::erase(subscribers_, &subscriber);
}

void BareServer::run() {
  using Clock = std::chrono::steady_clock;
  const auto interval = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1.0 / shape_.rate));
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return sending_ || ending_; });
  for (Clock::time_point next = Clock::now(); !ending_; next += interval) {
    changed_.wait_until(lock, next, [this] { return ending_; });
    if (ending_ || !sending_) break;
    if (subscribers_.empty()) continue;
    send(*pieces_.next(subscribers_.size()));
  }
}

void BareServer::send(Piece& piece) {
  for (BareSubscriber* subscriber : subscribers_) {
    shape_.datagrams ? subscriber->send_datagram(piece) : subscriber->send(piece);
  }
}

void BareServer::forward(std::span<const QUIC_BUFFER> bytes, bool first, bool last) {
  const std::lock_guard lock(mutex_);
  if (subscribers_.empty()) return;
  auto* const piece = new Piece{subscribers_.size(), {}};
  for (const QUIC_BUFFER& each : bytes) piece->bytes.insert(piece->bytes.end(), each.Buffer, each.Buffer + each.Length);
  piece->buffer = buffer_of(piece->bytes);
  piece->first = first;
  piece->last = last;
  send(*piece);
}

QUIC_STATUS QUIC_API BareServer::on_listener(HQUIC, void* context, QUIC_LISTENER_EVENT* event) {
  if (event->Type != QUIC_LISTENER_EVENT_NEW_CONNECTION) return QUIC_STATUS_SUCCESS;
  auto& server = *static_cast<BareServer*>(context);
  HQUIC connection = event->NEW_CONNECTION.Connection;
  if (server.shape_.forward && !std::exchange(server.has_publisher_, true)) {
    server.api_->SetCallbackHandler(connection, reinterpret_cast<void*>(&BarePublisher::on_connection),
                                    new BarePublisher(server));
    return server.api_->ConnectionSetConfiguration(connection, server.configuration_);
  }
  server.api_->SetCallbackHandler(connection, reinterpret_cast<void*>(&BareSubscriber::on_connection),
                                  new BareSubscriber(server, connection));
  return server.api_->ConnectionSetConfiguration(connection, server.configuration_);
}

}  // namespace msquic_py::bench
