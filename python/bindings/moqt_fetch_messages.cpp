#include <optional>
#include <utility>
#include <variant>

#include "moqt_message.h"
#include "moqt_parameter_properties.h"
#include "moqt_request_forms.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using enum moqt::MessageParameter;
using moqt::Location;
using wire::FetchType;
using wire::JoiningFetch;
using wire::RelativeFetch;
using wire::StandaloneFetch;

moqt::wire::FetchScope make_range(FetchType type, moqt::FullTrackName track, Location start, Location end,
                                  std::uint64_t joining_request_id, std::uint64_t joining_start) {
  if (type == FetchType::kStandalone) return StandaloneFetch{std::move(track), start, end};
  return JoiningFetch{type == FetchType::kRelativeJoining, {joining_request_id}, joining_start};
}

/// What a field of the other kind of FETCH shows, and why it cannot be assigned.
const StandaloneFetch kNoStandalone{};
const JoiningFetch kNoJoining{};

template <class Range>
const Range& read(const wire::Fetch& fetch) {
  const auto* range = std::get_if<Range>(&fetch.range);
  if constexpr (std::is_same_v<Range, StandaloneFetch>)
    return range != nullptr ? *range : kNoStandalone;
  else
    return range != nullptr ? *range : kNoJoining;
}

template <class Range>
Range& write(wire::Fetch& fetch, const char* field) {
  auto* range = std::get_if<Range>(&fetch.range);
  if (range == nullptr)
    raise_encode_error(field, "is not a field of this fetch_type (section 9.16); assign fetch_type first");
  return *range;
}

void assign_type(Message<wire::Fetch>& self, FetchType type) {
  const bool standalone = type == FetchType::kStandalone;
  if (standalone && !std::holds_alternative<StandaloneFetch>(self.fields.range)) {
    self.fields.range = StandaloneFetch{};
  } else if (!standalone) {
    JoiningFetch joining = read<JoiningFetch>(self.fields);
    joining.relative = type == FetchType::kRelativeJoining;
    self.fields.range = joining;
  }
}

/// The track of the two kinds that name one.
const moqt::FullTrackName& track_of(const wire::Fetch& fetch) {
  const auto* relative = std::get_if<RelativeFetch>(&fetch.range);
  return relative != nullptr ? relative->track : read<StandaloneFetch>(fetch).track;
}
moqt::FullTrackName& track_of(wire::Fetch& fetch, const char* field) {
  auto* relative = std::get_if<RelativeFetch>(&fetch.range);
  return relative != nullptr ? relative->track : write<StandaloneFetch>(fetch, field).track;
}

void assign_groups_back(Message<wire::Fetch>& self, std::optional<IntegerArgument> value) {
  const moqt::FullTrackName track = track_of(self.fields);
  if (value)
    self.fields.range = RelativeFetch{track, value->checked("groups_back")};
  else if (std::holds_alternative<RelativeFetch>(self.fields.range))
    self.fields.range = StandaloneFetch{track, {}, {}};
}

void bind_fetch_range(LockedClass<Message<wire::Fetch>, ControlMessage>& cls) {
  using Self = Message<wire::Fetch>;
  cls.def_prop_rw(
         "fetch_type", [](const Self& self) { return self.fields.fetch_type(); }, &assign_type,
         "Which of the fields that follow count. Assigning another kind clears those that no longer do.")
      .def_prop_rw(
          "track_namespace", [](const Self& self) { return track_of(self.fields).track_namespace; },
          [](Self& self, const NamespaceArgument& value) {
            track_of(self.fields, "track_namespace").track_namespace = value.value("track_namespace");
          },
          "STANDALONE: 1 to 32 fields; with the track name at most 4096 bytes (section 2.4.1).")
      .def_prop_rw(
          "track_name", [](const Self& self) { return to_python(track_of(self.fields).track_name); },
          [](Self& self, nb::handle value) {
            track_of(self.fields, "track_name").track_name = text_or_bytes(value, "track_name");
          },
          nb::for_setter(nb::sig("def track_name(self, value: str | bytes | bytearray | memoryview, /) -> None")),
          "STANDALONE: bytes, which may be empty; a str is taken as UTF-8.")
      .def_prop_rw(
          "start_location", [](const Self& self) { return read<StandaloneFetch>(self.fields).start; },
          [](Self& self, Location value) { write<StandaloneFetch>(self.fields, "start_location").start = value; },
          "STANDALONE: the first object wanted.")
      .def_prop_rw(
          "start", [](const Self& self) { return read<StandaloneFetch>(self.fields).start; },
          [](Self& self, Location value) { write<StandaloneFetch>(self.fields, "start").start = value; },
          "The same as start_location.")
      .def_prop_rw(
          "end", [](const Self& self) { return read<StandaloneFetch>(self.fields).end; },
          [](Self& self, Location value) { write<StandaloneFetch>(self.fields, "end").end = value; },
          "The same as end_location.")
      .def_prop_rw(
          "end_location", [](const Self& self) { return read<StandaloneFetch>(self.fields).end; },
          [](Self& self, Location value) { write<StandaloneFetch>(self.fields, "end_location").end = value; },
          "STANDALONE: the last object wanted plus one; object 0 means all of the group.")
      .def_prop_rw(
          "joining_request_id", [](const Self& self) { return read<JoiningFetch>(self.fields).joined.id; },
          [](Self& self, IntegerArgument value) {
            write<JoiningFetch>(self.fields, "joining_request_id").joined.id = value.checked("joining_request_id");
          },
          "Joining: the Request ID of the subscription up to whose beginning is fetched.")
      .def_prop_rw(
          "joining_start", [](const Self& self) { return read<JoiningFetch>(self.fields).joining_start; },
          [](Self& self, IntegerArgument value) {
            write<JoiningFetch>(self.fields, "joining_start").joining_start = value.checked("joining_start");
          },
          "RELATIVE_JOINING: groups before the largest one; ABSOLUTE_JOINING: the first Group ID.")
      .def_prop_rw(
          "groups_back",
          [](const Self& self) {
            const auto* relative = std::get_if<RelativeFetch>(&self.fields.range);
            return relative != nullptr ? std::optional(relative->groups_back) : std::nullopt;
          },
          &assign_groups_back, nb::for_setter(nb::arg("value").none()),
          "STANDALONE, from draft 20 on, in place of the two locations: up to the largest object, from the beginning "
          "of\n"
          "a group before the one that comes next; 1 is the group of the largest object. None: the locations count.");
}

void bind_fetch(nb::module_& m) {
  using W = wire::Fetch;
  MessageClass<W> message(m, "Fetch",
                          "FETCH: past objects of a track, please (section 9.16).\n\n"
                          "STANDALONE names the track and a range. The two joining types take the track of a\n"
                          "subscription of this session, from `joining_start` up to where that one begins. The\n"
                          "second form of the constructor is for STANDALONE alone: `start` and `end` are\n"
                          "`start_location` and `end_location`.");
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, FetchType fetch_type, const NamespaceArgument& track_namespace,
         nb::handle track_name, Location start_location, Location end_location, IntegerArgument joining_request_id,
         IntegerArgument joining_start, nb::handle parameters, std::optional<IntegerArgument> groups_back) {
        W fields;
        fields.range =
            make_range(fetch_type, {track_namespace.value("track_namespace"), text_or_bytes(track_name, "track_name")},
                       start_location, end_location, joining_request_id.checked("joining_request_id"),
                       joining_start.checked("joining_start"));
        if (groups_back) {
          auto* standalone = std::get_if<StandaloneFetch>(&fields.range);
          if (standalone == nullptr) raise_encode_error("groups_back", "is for STANDALONE alone");
          fields.range = RelativeFetch{std::move(standalone->track), groups_back->checked("groups_back")};
        }
        construct(self, std::move(fields), parameters, reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("fetch_type") = FetchType::kStandalone,
      nb::arg("track_namespace") = nb::make_tuple(), nb::arg("track_name") = nb::bytes("", 0),
      nb::arg("start_location") = Location{}, nb::arg("end_location") = Location{}, nb::arg("joining_request_id") = 0,
      nb::arg("joining_start") = 0, nb::arg("parameters") = nb::make_tuple(),
      nb::arg("groups_back").none() = nb::none(),
      nb::sig("def __init__(self, request_id: int = 0, fetch_type: FetchType = ..., track_namespace: "
              "TrackNamespace | collections.abc.Sequence[str | bytes] = (), track_name: str | bytes | bytearray | "
              "memoryview = b'', start_location: Location = ..., end_location: Location = ..., joining_request_id: int "
              "= 0, "
              "joining_start: int = 0, parameters: collections.abc.Iterable[Parameter] = (), groups_back: int | None "
              "= None) -> None"));
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, const NamespaceArgument& track_namespace, nb::handle track_name,
         Location start, Location end, nb::handle parameters) {
        W fields;
        fields.range = StandaloneFetch{
            {track_namespace.value("track_namespace"), text_or_bytes(track_name, "track_name")}, start, end};
        construct(self, std::move(fields), parameters, reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("track_namespace") = nb::make_tuple(),
      nb::arg("track_name") = nb::bytes("", 0), nb::arg("start") = Location{}, nb::arg("end") = Location{},
      nb::arg("parameters") = nb::make_tuple(),
      nb::sig("def __init__(self, request_id: int = 0, track_namespace: TrackNamespace | "
              "collections.abc.Sequence[str | bytes] = (), track_name: str | bytes | bytearray | memoryview = b'', "
              "start: Location = ..., end: Location = ..., parameters: collections.abc.Iterable[Parameter] = ()) -> "
              "None"));
  message.request_id("The sender's next Request ID (section 9.1).");
  bind_fetch_range(message.get());
  message.parameters().field_names("request_id", "fetch_type", "track_namespace", "track_name", "start_location",
                                   "end_location", "joining_request_id", "joining_start", "parameters", "groups_back");
  bind_parameter_access(message.get());
  bind_typed_parameters(message, {kAuthorizationToken, kSubscriberPriority, kGroupOrder});
}

void bind_fetch_ok(nb::module_& m) {
  using W = wire::FetchOk;
  MessageClass<W> message(m, "FetchOk", "FETCH_OK: a fetch is being answered, and where it ends (section 9.17).");
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, bool end_of_track, Location end_location,
         nb::handle parameters) {
        construct(self, W{end_of_track, end_location, {}}, parameters, reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("end_of_track") = false, nb::arg("end_location") = Location{},
      nb::arg("parameters") = nb::make_tuple(),
      nb::sig("def __init__(self, request_id: int = 0, end_of_track: bool = False, end_location: Location = ..., "
              "parameters: collections.abc.Iterable[Parameter] = ()) -> None"));
  message.fields("Of the FETCH.", "Whether end_location is behind the last object of the track.",
                 "The last object of the answer plus one; object 0 means all of the group.");
  bind_parameter_access(message.get());
  bind_typed_parameters(message, {kMaxCacheDuration});
}

}  // namespace

void bind_fetch_messages(nb::module_& m) {
  bind_fetch(m);
  bind_fetch_ok(m);
  bind_request_reference<wire::FetchCancel>(m, "FetchCancel", "FETCH_CANCEL: ends a fetch (section 9.18).",
                                            "Of the FETCH.");
}

}  // namespace msquic_py::python
