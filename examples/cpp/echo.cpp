// A QUIC server that sends back what it gets, and a client that asks it, in one program.    usage: cpp-echo [TEXT]

#include <chrono>
#include <filesystem>
#include <future>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/shared_bytes.h"
#include "quic/configuration.h"
#include "quic/connection.h"
#include "quic/development_certificate.h"
#include "quic/listener.h"
#include "quic/registration.h"

namespace {

namespace base = msquic_py::base;
namespace quic = msquic_py::quic;

const std::vector<std::string> kAlpns{"echo"};

/// Sends back what comes, and takes no more while a client that does not read has this much coming.
class EchoStream final : public quic::StreamHandler {
 public:
  explicit EchoStream(quic::Stream stream) : stream_(std::move(stream)) {}

  std::uint64_t on_receive(const quic::ReceivedData& data) noexcept override {
    if (data.size != 0 && on_the_way_ >= kMost) return 0;  // on_send_complete() asks for it again
    std::vector<base::SharedBytes> copies;                 // the chunks are MsQuic's, for the length of this call
    for (const base::Bytes chunk : data.chunks) copies.push_back(base::SharedBytes::copy_of(chunk));
    on_the_way_ += data.size;
    const auto sent =
        stream_.send(copies, data.fin ? quic::SendFlags::Fin : quic::SendFlags::None, /*token=*/data.size);
    if (!sent || sent.value() == quic::SendOutcome::NothingToSend) on_the_way_ -= data.size;
    return data.size;
  }
  void on_send_complete(std::uint64_t size, bool) noexcept override {
    on_the_way_ -= size;
    (void)stream_.resume_receive();
  }
  void on_peer_send_aborted(std::uint64_t code) noexcept override { (void)stream_.abort_send(code); }
  void on_shutdown_complete(const quic::StreamShutdown&) noexcept override {}

 private:
  static constexpr std::uint64_t kMost = 1024 * 1024;
  quic::Stream stream_;
  std::uint64_t on_the_way_ = 0;  // no lock: one handler of a connection runs at a time
};

class EchoConnection final : public quic::ConnectionHandler {
 public:
  explicit EchoConnection(quic::Connection connection) : connection_(std::move(connection)) {}
  void on_connected(bool, std::string_view) noexcept override {}
  void on_shutdown_complete(const quic::CloseReason&) noexcept override {}
  std::shared_ptr<quic::StreamHandler> on_peer_stream(quic::Stream stream, bool) noexcept override {
    return std::make_shared<EchoStream>(std::move(stream));
  }

 private:
  quic::Connection connection_;  // whoever lets the last handle go closes the connection
};

class EchoListener final : public quic::ListenerHandler {
 public:
  explicit EchoListener(quic::Configuration configuration) : configuration_(std::move(configuration)) {}
  std::optional<quic::AcceptedConnection> on_new_connection(const quic::NewConnection& client) noexcept override {
    return quic::AcceptedConnection{std::make_shared<EchoConnection>(client.connection), configuration_};
  }

 private:
  quic::Configuration configuration_;
};

/// The client's stream: the whole answer, or nothing when the stream ended before its end.
class Answer final : public quic::StreamHandler {
 public:
  std::future<std::optional<std::string>> future() { return promise_.get_future(); }

  std::uint64_t on_receive(const quic::ReceivedData& data) noexcept override {
    for (const base::Bytes chunk : data.chunks) text_ += base::as_text(chunk);
    complete_ = complete_ || data.fin;
    return data.size;
  }
  void on_shutdown_complete(const quic::StreamShutdown&) noexcept override {
    promise_.set_value(complete_ ? std::optional(std::move(text_)) : std::nullopt);
  }

 private:
  std::promise<std::optional<std::string>> promise_;
  std::string text_;
  bool complete_ = false;
};

class Client final : public quic::ConnectionHandler {
 public:
  std::future<std::string> over() { return over_.get_future(); }
  void on_connected(bool, std::string_view) noexcept override {}
  void on_shutdown_complete(const quic::CloseReason& reason) noexcept override { over_.set_value(reason.message); }
  std::shared_ptr<quic::StreamHandler> on_peer_stream(quic::Stream, bool) noexcept override { return nullptr; }

 private:
  std::promise<std::string> over_;
};

quic::Result<std::string> run(const std::string& text, const std::filesystem::path& folder) {
  auto certificate = quic::DevelopmentCertificate::create(folder);
  if (!certificate) return base::Failure{certificate.error()};
  auto registration = quic::Registration::open("cpp-echo");
  if (!registration) return base::Failure{registration.error()};

  quic::Settings settings;
  settings.peer_bidi_stream_count = 100;
  settings.send_buffering_enabled = false;  // a send is complete when the peer has it
  auto serving = quic::Configuration::open(
      *registration, kAlpns, settings,
      quic::Credentials::server(certificate->certificate_file.string(), certificate->private_key_file.string()));
  if (!serving) return base::Failure{serving.error()};
  auto listener = quic::Listener::open(*registration, std::make_shared<EchoListener>(*serving));
  if (!listener) return base::Failure{listener.error()};
  if (auto started = listener->start(kAlpns, {}); !started) return base::Failure{started.error()};

  // The certificate is its own root; with a real one, quic::Credentials::client() trusts the system's.
  auto asking = quic::Configuration::open(*registration, kAlpns, {},
                                          quic::Credentials::client_trusting(certificate->certificate_file.string()));
  if (!asking) return base::Failure{asking.error()};
  const auto client = std::make_shared<Client>();
  const auto answer = std::make_shared<Answer>();
  auto over = client->over();
  auto answered = answer->future();
  auto connection = quic::Connection::open(*registration, client);
  if (!connection) return base::Failure{connection.error()};
  if (auto started = connection->start(*asking, "localhost", listener->local_address().port()); !started) {
    return base::Failure{started.error()};
  }
  auto stream = connection->open_stream(quic::StreamDirection::Bidirectional, answer);
  if (!stream) return base::Failure{stream.error()};
  const base::SharedBytes question = base::SharedBytes::copy_of(base::as_bytes(text));
  if (auto sent = stream->send({&question, 1}, quic::SendFlags::Start | quic::SendFlags::Fin); !sent) {
    return base::Failure{sent.error()};
  }

  const std::optional<std::string> got = answered.get();  // nothing when the connection fails, which has timers
  (void)connection->shutdown(0);
  const std::string why = over.get();
  if (!got) return base::Failure{quic::Error::own(quic::Status::Aborted, "no answer: " + why)};
  return *got;
}

}  // namespace

int main(int argc, char** argv) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  const auto folder = std::filesystem::temp_directory_path() / ("cpp-echo-" + std::to_string(now));
  auto answer = run(argc > 1 ? argv[1] : "hello", folder);
  std::filesystem::remove_all(folder);
  if (!answer) {
    std::cerr << answer.error().message << '\n';
    return 1;
  }
  std::cout << *answer << '\n';
}
