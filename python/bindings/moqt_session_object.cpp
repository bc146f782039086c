// The session as Python holds it, and how a client's begins.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <utility>

#include "moqt_arguments.h"
#include "moqt_errors.h"
#include "moqt_session_handles.h"
#include "moqt_session_host.h"
#include "moqt_session_options.h"
#include "moqt_session_thread.h"
#include "moqt_session_transport.h"
#include "moqt_topics.h"
#include "moqt_track_namespace.h"
#include "moqt_track_options.h"
#include "msquic_arguments.h"
#include "msquic_configuration.h"
#include "msquic_errors.h"
#include "msquic_registration.h"
#include "msquic_settings.h"
#include "runtime/transport_settings.h"

namespace msquic_py::python {
namespace {

using moqt::session::RequestHandle;
using moqt::session::SessionResult;

SessionHandle connect(const ChannelHandle& channel, std::uint64_t target, nb::handle registration,
                      nb::handle configuration, const std::string& server_name, const std::string& address,
                      std::uint16_t port, nb::handle local_address, nb::handle ticket, const nb::dict& options) {
  ensure_usable();
  check_alpns(configuration);
  SessionOptions session = session_options(options);
  runtime::Endpoint::DialOptions dial;
  dial.host = server_name;
  dial.address = address_argument(address, port, "address");
  if (!local_address.is_none()) dial.local_address = local_address_argument(local_address);
  dial.configuration = ConfigurationObject::loaded(configuration);
  dial.registration = RegistrationObject::open_handle(registration);
  if (!ticket.is_none()) {
    const HeldBuffer held(ticket, "ticket");
    dial.ticket = {held.bytes().begin(), held.bytes().end()};
  }
  dial.session = std::move(session.driver);
  if (ConfigurationObject::has_verifier(configuration)) dial.judge = judge_in_python(channel.channel, target);
  auto link = std::make_shared<SessionLink>(channel.channel, target, session.link);
  session_loop().post([link, dial = std::move(dial)] { dial_session(dial, link); });
  return SessionHandle(std::move(link));
}

/// Begins a request that needs nothing but the session.
template <class Begin>
void request(SessionHandle& self, std::uint64_t ticket, Begin begin) {
  ensure_usable();
  self.link().post(
      [ticket, begin = std::move(begin)](SessionLink& link) { link.expect(ticket, begin(link.session())); });
}

moqt::TrackNamespace checked_namespace(const NamespaceArgument& argument) {
  moqt::TrackNamespace value = argument.value("namespace");
  // None at all is something in later drafts, which the session knows.
  if (!value.valid() && value.field_count() > 0)
    raise_encode_error("namespace", "must have 1 to 32 fields of together at most 4096 bytes (section 2.4.1)");
  return value;
}

moqt::MessageParameters token_parameters(const nb::list& tokens) {
  moqt::MessageParameters parameters;
  add_tokens(parameters, tokens);
  return parameters;
}

ReaderHandle new_reader(SessionHandle& self, std::uint64_t target, const nb::dict& options) {
  return {self.shared(),
          std::make_shared<ReaderLink>(self.link().channel(), target,
                                       flag_argument(nb::object(options["group_ends"]), "group_ends"),
                                       flag_argument(nb::object(options["renew"]), "renew"), progress_of(options))};
}

ReaderHandle subscribe(SessionHandle& self, std::uint64_t ticket, std::uint64_t target, nb::handle track_namespace,
                       nb::handle name, const nb::dict& options) {
  ensure_usable();
  auto track = full_track_name(track_namespace, name);
  auto parameters = subscription_parameters(options);
  ReaderHandle reader = new_reader(self, target, options);
  self.link().post([link = reader.reader(), ticket, track = std::move(track), parameters = std::move(parameters)](
                       SessionLink& session) { session.subscribe(link, ticket, track, parameters); });
  return reader;
}

ReaderHandle accept_offer(SessionHandle& self, std::uint64_t offer, std::uint64_t ticket, std::uint64_t target,
                          const nb::dict& options) {
  ensure_usable();
  auto parameters = subscription_parameters(options);
  ReaderHandle reader = new_reader(self, target, options);
  self.link().post([link = reader.reader(), offer, ticket, parameters = std::move(parameters)](SessionLink& session) {
    session.accept_offer(offer, link, ticket, parameters);
  });
  return reader;
}

FetchHandle fetch(SessionHandle& self, std::uint64_t ticket, std::uint64_t target, nb::handle track_namespace,
                  nb::handle name, const moqt::Location& start, const moqt::Location& end, const nb::dict& options) {
  ensure_usable();
  auto track = full_track_name(track_namespace, name);
  auto link = std::make_shared<FetchLink>(self.shared(), target, progress_of(options));
  self.link().post([link, ticket, track = std::move(track), range = moqt::FetchRange{start, end},
                    parameters = fetch_parameters(options)](SessionLink& session) {
    session.fetch(link, ticket, track, range, parameters);
  });
  return {self.shared(), std::move(link)};
}

FetchHandle join(SessionHandle& self, std::uint64_t ticket, std::uint64_t target, ReaderHandle& reader, bool relative,
                 std::uint64_t groups, const nb::dict& options) {
  ensure_usable();
  auto link = std::make_shared<FetchLink>(self.shared(), target, progress_of(options));
  using moqt::session::JoiningStart;
  const JoiningStart start = relative ? JoiningStart::relative(groups) : JoiningStart::absolute(groups);
  self.link().post([link, ticket, reader = reader.reader(), start, parameters = fetch_parameters(options)](
                       SessionLink& session) { session.join(link, ticket, reader, start, parameters); });
  return {self.shared(), std::move(link)};
}

TrackHandle create_track(SessionHandle& self, std::uint64_t target, nb::handle track_namespace, nb::handle name,
                         const nb::dict& options) {
  ensure_usable();
  auto full_name = full_track_name(track_namespace, name);
  auto track = std::make_shared<TrackLink>(self.shared(), target);
  self.link().post([track, full_name = std::move(full_name), made = track_options(options)](SessionLink& link) {
    link.create_track(track, full_name, made);
  });
  return {std::move(track)};
}

}  // namespace

void bind_session(nb::module_& m) {
  nb::class_<SessionHandle>(m, "SessionHandle", "A session on the sessions' thread.", nb::is_final())
      .def_prop_ro("target", [](SessionHandle& self) { return self.link().target(); })
      .def(
          "publish_namespace",
          [](SessionHandle& self, std::uint64_t ticket, const NamespaceArgument& argument, const nb::list& tokens) {
            request(self, ticket,
                    [value = checked_namespace(argument), parameters = token_parameters(tokens)](
                        moqt::session::Session& session) { return session.publish_namespace(value, parameters); });
          },
          nb::arg("ticket"), nb::arg("namespace"), nb::arg("tokens"),
          nb::sig("def publish_namespace(self, ticket: int, namespace: TrackNamespace | collections.abc.Sequence[str | "
                  "bytes], tokens: list[AuthorizationToken]) -> None"))
      .def(
          "subscribe_namespace",
          [](SessionHandle& self, std::uint64_t ticket, const NamespaceArgument& argument, const nb::list& tokens) {
            request(self, ticket,
                    [value = checked_namespace(argument), parameters = token_parameters(tokens)](
                        moqt::session::Session& session) { return session.subscribe_namespace(value, parameters); });
          },
          nb::arg("ticket"), nb::arg("prefix"), nb::arg("tokens"),
          nb::sig("def subscribe_namespace(self, ticket: int, prefix: TrackNamespace | collections.abc.Sequence[str | "
                  "bytes], tokens: list[AuthorizationToken]) -> None"))
      .def(
          "track_status",
          [](SessionHandle& self, std::uint64_t ticket, nb::handle track_namespace, nb::handle name,
             const nb::list& tokens) {
            request(self, ticket,
                    [track = full_track_name(track_namespace, name), parameters = token_parameters(tokens)](
                        moqt::session::Session& session) { return session.track_status(track, parameters); });
          },
          nb::arg("ticket"), nb::arg("namespace"), nb::arg("name"), nb::arg("tokens"),
          nb::sig(
              "def track_status(self, ticket: int, namespace: TrackNamespace | collections.abc.Sequence[str | bytes], "
              "name: str | bytes, tokens: list[AuthorizationToken]) -> None"))
      .def(
          "cancel",
          [](SessionHandle& self, std::uint64_t ticket) {
            self.link().post([ticket](SessionLink& link) { link.cancel(ticket); });
          },
          nb::arg("ticket"))
      .def(
          "publish",
          [](SessionHandle& self, std::uint64_t ticket, const TrackHandle& track, bool forward,
             const nb::list& tokens) {
            self.link().post([track = track.track, ticket, forward, parameters = token_parameters(tokens)](
                                 SessionLink& link) { link.publish(track, ticket, forward, parameters); });
          },
          nb::arg("ticket"), nb::arg("track"), nb::arg("forward"), nb::arg("tokens"),
          nb::sig("def publish(self, ticket: int, track: TrackHandle, forward: bool, tokens: list[AuthorizationToken]) "
                  "-> None"))
      .def_prop_ro(
          "publishing", [](const SessionHandle& self) { return self.link().publishing(); },
          "Subscriptions to tracks of this side that are open.")
      .def("create_track", create_track, nb::arg("target"), nb::arg("namespace"), nb::arg("name"), nb::arg("options"),
           nb::sig(
               "def create_track(self, target: int, namespace: TrackNamespace | collections.abc.Sequence[str | bytes], "
               "name: str | bytes, options: dict[str, typing.Any]) -> TrackHandle"))
      .def("subscribe", subscribe, nb::arg("ticket"), nb::arg("target"), nb::arg("namespace"), nb::arg("name"),
           nb::arg("options"),
           nb::sig("def subscribe(self, ticket: int, target: int, namespace: TrackNamespace | "
                   "collections.abc.Sequence[str | "
                   "bytes], name: str | bytes, options: dict[str, typing.Any]) -> ReaderHandle"))
      .def("fetch", fetch, nb::arg("ticket"), nb::arg("target"), nb::arg("namespace"), nb::arg("name"),
           nb::arg("start"), nb::arg("end"), nb::arg("options"),
           nb::sig("def fetch(self, ticket: int, target: int, namespace: TrackNamespace | "
                   "collections.abc.Sequence[str | bytes], name: str | bytes, start: Location, end: Location, options: "
                   "dict[str, typing.Any]) -> FetchHandle"))
      .def("join", join, nb::arg("ticket"), nb::arg("target"), nb::arg("reader"), nb::arg("relative"),
           nb::arg("groups"), nb::arg("options"),
           nb::sig("def join(self, ticket: int, target: int, reader: ReaderHandle, relative: bool, groups: int, "
                   "options: dict[str, typing.Any]) -> FetchHandle"))
      .def("accept_offer", accept_offer, nb::arg("offer"), nb::arg("ticket"), nb::arg("target"), nb::arg("options"),
           nb::sig("def accept_offer(self, offer: int, ticket: int, target: int, options: dict[str, typing.Any]) -> "
                   "ReaderHandle"))
      .def(
          "refuse_offer",
          [](SessionHandle& self, std::uint64_t offer, std::uint64_t code, const std::string& reason) {
            self.link().post([offer, code, reason](SessionLink& link) {
              link.refuse_offer(offer, static_cast<moqt::RequestErrorCode>(code), reason);
            });
          },
          nb::arg("offer"), nb::arg("code"), nb::arg("reason"))
      .def(
          "answer_namespace",
          [](SessionHandle& self, std::uint64_t request, nb::handle refusal, const std::string& reason) {
            std::optional<moqt::RequestErrorCode> code;
            if (!refusal.is_none()) code = static_cast<moqt::RequestErrorCode>(nb::cast<std::uint64_t>(refusal));
            self.link().post(
                [request, code, reason](SessionLink& link) { link.answer_namespace(request, code, reason); });
          },
          nb::arg("request"), nb::arg("refusal").none(), nb::arg("reason"),
          nb::sig("def answer_namespace(self, request: int, refusal: int | None, reason: str) -> None"))
      .def(
          "decide",
          [](SessionHandle& self, std::uint64_t, std::uint64_t request, nb::handle code, const std::string& reason,
             nb::handle session_code, nb::handle expires) {
            self.link().post([request, verdict = verdict_of(code, reason, session_code, expires)](SessionLink& link) {
              link.decide(request, verdict);
            });
          },
          nb::arg("whose"), nb::arg("request"), nb::arg("code").none(), nb::arg("reason"),
          nb::arg("session_code").none(), nb::arg("expires").none(), nb::sig(kDecide))
      .def(
          "move_namespace",
          [](SessionHandle& self, std::uint64_t ticket, const moqt::TrackNamespace& track_namespace,
             const std::string& uri) {
            self.link().post([ticket, track_namespace, uri](SessionLink& link) {
              link.move_namespace(ticket, track_namespace, uri);
            });
          },
          nb::arg("ticket"), nb::arg("track_namespace"), nb::arg("uri"))
      .def(
          "goaway",
          [](SessionHandle& self, std::uint64_t ticket, const std::string& uri) {
            self.link().post([ticket, uri](SessionLink& link) {
              const auto sent = link.session().goaway(uri);
              if (!sent.ok()) return link.failed(ticket, sent.error());
              link.answered(ticket);
            });
          },
          nb::arg("ticket"), nb::arg("uri"))
      .def(
          "close",
          [](SessionHandle& self, std::uint64_t code, const std::string& reason, double patience) {
            const std::chrono::milliseconds time(static_cast<std::int64_t>(patience * 1000));
            self.link().post_close(code, reason, time);
          },
          nb::arg("code"), nb::arg("reason"), nb::arg("patience"));
  m.def("connect", connect, nb::arg("channel"), nb::arg("target"), nb::arg("registration"), nb::arg("configuration"),
        nb::arg("server_name"), nb::arg("address"), nb::arg("port"), nb::arg("local_address").none(),
        nb::arg("ticket").none(), nb::arg("options"),
        nb::sig("def connect(channel: SessionChannel, target: int, registration: msquic._native.quic.Registration, "
                "configuration: msquic._native.quic.Configuration, server_name: str, address: str, port: int, "
                "local_address: str | tuple[str, int] | None, ticket: bytes | None, options: dict[str, typing.Any]) -> "
                "SessionHandle"),
        "Begins a client session; Connected, and Established or Closed, follow for `target`.");
  m.def(
      "certificate_verifier",
      [](nb::handle configuration) -> nb::object {
        if (!ConfigurationObject::has_verifier(configuration)) return nb::none();
        std::chrono::milliseconds timeout{0};
        return nb::steal(ConfigurationObject::verifier_of(configuration, timeout));
      },
      nb::arg("configuration"),
      nb::sig("def certificate_verifier(configuration: msquic._native.quic.Configuration) -> "
              "collections.abc.Callable[[msquic._peer_certificate.PeerCertificate], object] | None"),
      "Who decides about certificates for it.");
  m.def(
      "transport_defaults", [] { return settings_dict(runtime::transport_settings()); },
      nb::sig("def transport_defaults() -> dict[str, typing.Any]"), "The transport settings that suit MOQT.");
  m.def(
      "alpns",
      [] {
        nb::list names;
        for (const std::string& name : runtime::supported_alpns()) names.append(nb::str(name.c_str()));
        return names;
      },
      nb::sig("def alpns() -> list[str]"), "The ALPNs of the drafts that are spoken, the preferred first.");
}

}  // namespace msquic_py::python
