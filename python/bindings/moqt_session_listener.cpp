#include "moqt_session_listener.h"

#include <nanobind/stl/string.h>

#include <utility>

#include "moqt_session_handles.h"
#include "moqt_session_options.h"
#include "moqt_session_thread.h"
#include "moqt_topics.h"
#include "moqt_track_options.h"
#include "msquic_errors.h"
#include "msquic_registration.h"
#include "quic/library.h"

namespace msquic_py::python {

void SessionListener::listen(quic::Registration registration, runtime::Endpoint::ListenOptions options,
                             SessionLink::Options link_options) {
  session_loop().post(
      [self = shared_from_this(), registration = std::move(registration), options = std::move(options), link_options] {
        auto host = std::make_unique<SessionHost>();
        host->open(registration);
        auto port = host->listen(options, self->channel_, link_options, self->tracks_);
        if (!port) {
          self->channel_->push({.target = self->target_, .kind = Notice::Kind::NotListening, .error = port.error()});
          return;
        }
        host->on_idle([weak = self->weak_from_this()] {
          session_loop().post([weak] {
            if (const auto alive = weak.lock()) alive->stop_if_idle();
          });
        });
        self->socket_.set(host->listener());
        self->host_ = std::move(host);
        self->channel_->push({.target = self->target_, .kind = Notice::Kind::Listening, .code = *port});
        if (self->closing_) self->stop_if_idle();
      });
}

void SessionListener::stop_accepting() {
  (void)socket_.get().stop();
  close();
}

void SessionListener::close() {
  session_loop().post([self = shared_from_this()] {
    if (self->closing_) return;
    self->closing_ = true;
    if (self->host_) self->host_->stop_listening();
    self->stop_if_idle();
  });
}

void SessionListener::decide(std::uint64_t target, std::uint64_t request, moqt::session::Verdict verdict) {
  session_loop().post([self = shared_from_this(), target, request, verdict = std::move(verdict)] {
    if (self->host_) self->host_->decide(target, request, verdict);
  });
}

void SessionListener::stop_if_idle() {
  if (!closing_ || (host_ && !host_->idle())) return;
  socket_.set({});
  host_.reset();
  tracks_->close();
  channel_->push({.target = target_, .kind = Notice::Kind::Stopped});
}

namespace {

struct ListenerHandle {
  explicit ListenerHandle(std::shared_ptr<SessionListener> made) noexcept : listener(std::move(made)) {}
  ListenerHandle(ListenerHandle&&) noexcept = default;
  ListenerHandle(const ListenerHandle&) = delete;
  ListenerHandle& operator=(const ListenerHandle&) = delete;
  ~ListenerHandle() {
    if (listener && !quic::Library::forked()) listener->close();
  }
  std::shared_ptr<SessionListener> listener;
};

ListenerHandle listen(const ChannelHandle& channel, std::uint64_t target, nb::handle registration,
                      nb::handle configuration, const std::string& host, std::uint16_t port, const nb::dict& options) {
  ensure_usable();
  SessionOptions session = session_options(options);
  session.link.server = target;
  auto listen_options = listening_options(channel, target, configuration, host, port, options, session.driver);
  auto listener = std::make_shared<SessionListener>(channel.channel, target);
  listener->listen(RegistrationObject::open_handle(registration), std::move(listen_options), session.link);
  return ListenerHandle(std::move(listener));
}

}  // namespace

void bind_session_listener(nb::module_& m) {
  nb::class_<ListenerHandle>(m, "ListenerHandle", "A server on the sessions' thread.", nb::is_final())
      .def("close", [](ListenerHandle& self) { self.listener->close(); })
      .def("stop_accepting", [](ListenerHandle& self) { self.listener->stop_accepting(); })
      .def(
          "decide",
          [](ListenerHandle& self, std::uint64_t whose, std::uint64_t request, nb::handle code,
             const std::string& reason, nb::handle session_code, nb::handle expires) {
            self.listener->decide(whose, request, verdict_of(code, reason, session_code, expires));
          },
          nb::arg("whose"), nb::arg("request"), nb::arg("code").none(), nb::arg("reason"),
          nb::arg("session_code").none(), nb::arg("expires").none(), nb::sig(kDecide))
      .def(
          "replace_certificates",
          [](const ListenerHandle& self, nb::handle configuration, nb::handle certificates) {
            replace_certificates(self.listener->socket(), configuration, certificates);
          },
          nb::arg("configuration"), nb::arg("certificates"), nb::sig(kReplaceCertificates))
      .def_prop_ro(
          "local_address", [](const ListenerHandle& self) { return local_address_of(self.listener->socket()); },
          nb::sig(kLocalAddress))
      .def(
          "create_track",
          [](ListenerHandle& self, std::uint64_t track, nb::handle track_namespace, nb::handle name,
             const nb::dict& options) {
            ensure_usable();
            return TrackHandle{
                self.listener->tracks().create(track, full_track_name(track_namespace, name), track_options(options))};
          },
          nb::arg("target"), nb::arg("namespace"), nb::arg("name"), nb::arg("options"),
          nb::sig(
              "def create_track(self, target: int, namespace: TrackNamespace | collections.abc.Sequence[str | bytes], "
              "name: str | bytes, options: dict[str, typing.Any]) -> TrackHandle"));
  m.def("listen", listen, nb::arg("channel"), nb::arg("target"), nb::arg("registration"), nb::arg("configuration"),
        nb::arg("host"), nb::arg("port"), nb::arg("options"),
        nb::sig("def listen(channel: SessionChannel, target: int, registration: msquic._native.quic.Registration, "
                "configuration: msquic._native.quic.Configuration, host: str, port: int, options: dict[str, "
                "typing.Any]) -> ListenerHandle"),
        "Begins to listen; Listening or NotListening follows for `target`, then Accepted per session.");
}

}  // namespace msquic_py::python
