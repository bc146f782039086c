#include "command_line/comeback.h"

#include <utility>

#include "command_line/client_program.h"
#include "command_line/connection_end.h"
#include "command_line/logging.h"
#include "moqt/model/error_codes.h"
#include "quic/status.h"
#include "runtime/moqt_url.h"

namespace msquic_py::apps {

namespace {

using runtime::EventLoop;

/// Whether another session may do better than one that ended so. The other ends are about what this side did, or about
/// who the server is.
bool worth_another(const transport::CloseReason& reason) {
  using Cause = transport::CloseReason::Cause;
  if (reason.cause == Cause::PeerApplication ||
      (reason.cause == Cause::LocalApplication && reason.handshake_completed)) {
    switch (static_cast<moqt::SessionErrorCode>(reason.code)) {
      case moqt::SessionErrorCode::kNoError:
      case moqt::SessionErrorCode::kInternalError:
      case moqt::SessionErrorCode::kGoawayTimeout:
      case moqt::SessionErrorCode::kControlMessageTimeout:
      case moqt::SessionErrorCode::kDataStreamTimeout: return true;
      default: return false;
    }
  }
  switch (static_cast<quic::Status>(reason.carrier_status)) {
    case quic::Status::CertificateNameMismatch:
    case quic::Status::ExpiredCertificate:
    case quic::Status::BadCertificate:
    case quic::Status::UnknownCertificate:
    case quic::Status::UntrustedRoot:
    case quic::Status::UnknownCa:
    case quic::Status::CertificateRefused:
    case quic::Status::CertificateFileInvalid:
    case quic::Status::AlpnNegotiationFailure: return false;
    default: return true;
  }
}

}  // namespace

Comeback::Comeback(EventLoop& loop, runtime::Endpoint& endpoint, ClientOptions options, ClientRole& role)
    : loop_(loop),
      endpoint_(endpoint),
      options_(std::move(options)),
      role_(role),
      backoff_({std::chrono::milliseconds(100), std::chrono::milliseconds(5000)}),
      connect_timeout_(options_.connect_timeout) {
  loop_.add(*this);
}

Comeback::~Comeback() { loop_.remove(*this); }

void Comeback::established() {
  established_at_ = EventLoop::Clock::now();
  lost_at_.reset();
  attempts_ = 0;
  if (++sessions_ > 1)
    log_info("there is a session again, with " + options_.host + ":" + std::to_string(options_.port));
}

bool Comeback::after(const transport::CloseReason& reason) {
  const auto now = EventLoop::Clock::now();
  if (sessions_ == 0 || !worth_another(reason)) return false;  // the first attempt tells what is wrong
  if (established_at_ && now - *established_at_ >= kLasting) backoff_.reset();
  if (!lost_at_) {
    lost_at_ = now;
    log_warning(describe_connection_end(options_, reason) + "; coming back");
  }
  established_at_.reset();
  const std::chrono::duration<double> away = now - *lost_at_;
  if (options_.give_up_after > 0 && away.count() >= options_.give_up_after) return false;
  dial_at_ = now + backoff_.next();
  loop_.ready(*this);
  return true;
}

bool Comeback::go_to(std::string_view uri) {
  if (uri.empty()) return false;
  const auto url = runtime::MoqtUrl::parse(uri);
  if (!url) {
    log_warning("the server is going away, to " + url.error());
    return false;
  }
  log_info("the server sends us to " + std::string(uri));
  options_.host = url->host;
  options_.port = url->port;
  options_.path = url->path;
  return true;
}

std::optional<Comeback::Time> Comeback::turn(Time now) {
  if (!dial_at_) return std::nullopt;
  if (now < *dial_at_) return dial_at_;
  dial_at_.reset();
  const base::Backoff::Duration longest(static_cast<base::Backoff::Duration::rep>(connect_timeout_ * 1000));
  options_.connect_timeout = std::chrono::duration<double>(base::attempt_limit(++attempts_, longest)).count();
  const auto dialled = endpoint_.dial(options_.dial_options(), role_);
  if (dialled) {
    role_.on_dialled(**dialled);
  } else {
    log_warning(dialled.error().message);
    dial_at_ = now + backoff_.next();
  }
  return dial_at_;
}

}  // namespace msquic_py::apps
