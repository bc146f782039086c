#include "unit/vectors/random_message.h"

#include <concepts>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "moqt/wire/message_fields.h"

namespace msquic_py::tests {
namespace {

using moqt::Draft;
using namespace moqt::wire;

/// One overload for every type that a field of a message has.
struct Fill {
  RandomValues& values;

  void operator()(std::uint64_t& field) const { field = values.number(); }
  void operator()(std::optional<std::uint64_t>& field) const {
    if (values.coin()) field = values.number();
  }
  void operator()(bool& field) const { field = values.coin(); }
  void operator()(moqt::RequestErrorCode& field) const {
    const auto codes = {moqt::RequestErrorCode::kTimeout, moqt::RequestErrorCode::kDoesNotExist,
                        moqt::RequestErrorCode::kUninterested, moqt::RequestErrorCode::kPrefixOverlap};
    field = *std::next(codes.begin(), static_cast<std::ptrdiff_t>(values.below(codes.size())));
  }
  void operator()(moqt::PublishDoneCode& field) const { field = static_cast<moqt::PublishDoneCode>(values.below(9)); }
  void operator()(NamespaceInterest& field) const { field = static_cast<NamespaceInterest>(values.below(3)); }
  void operator()(RequestReference& field) const { field.id = values.number(); }
  void operator()(moqt::Location& field) const { field = values.location(); }
  void operator()(moqt::TrackNamespace& field) const { field = values.track_namespace(1); }
  void operator()(moqt::FullTrackName& field) const { field = values.track(); }
  void operator()(base::ByteVector& field) const { field = values.bytes(0, 9); }
  void operator()(std::string& field) const { field = values.text(30); }
  void operator()(std::optional<Redirect>&) const {}  // goes with one error code, see below
  void operator()(FetchScope& field) const {
    const moqt::Location start{values.number(1000), values.number(1000)};
    const moqt::Location end{start.group + 1 + values.number(1000), values.number(1000)};
    switch (values.below(4)) {
      case 0: field = StandaloneFetch{values.track(), start, end}; return;
      case 1:
        if (values.draft() == Draft::k22) {
          field = StandaloneFetch{values.track(), start, {std::numeric_limits<std::uint64_t>::max(), 0}};
        } else {
          field = StandaloneFetch{values.track(), start, {start.group, start.object + 1}};
        }
        return;
      default:
        if (values.draft() == Draft::k22) {
          field = RelativeFetch{values.track(), 1 + values.number(1000)};
        } else {
          field = JoiningFetch{values.coin(), {values.number()}, values.number()};
        }
    }
  }
};

/// Where the parameters of the message are. What a REQUEST_OK or REQUEST_UPDATE may have depends on the request.
Places places_in(MessageType type, RandomValues& values) {
  switch (type) {
    case MessageType::kRequestOk: return at(Place::kRequestUpdateOk);
    case MessageType::kRequestUpdate:
      return at(values.draft() >= Draft::k18 && values.coin() ? Place::kSubscribeTracksUpdate
                                                              : Place::kSubscriptionUpdate);
    default: return places_of(type);
  }
}

bool has_properties(MessageType type, Draft draft) {
  return draft != Draft::k15 &&
         (type == MessageType::kSubscribeOk || type == MessageType::kPublish || type == MessageType::kFetchOk);
}

template <class Body>
MessageBody body_of(RandomValues& values) {
  Body body;
  const MessageType type = type_of(body);
  for_each_field(values.draft(), body, [&](const char*, auto& field) {
    using Field = std::remove_reference_t<decltype(field)>;
    if constexpr (std::same_as<Field, moqt::SetupParameters>) {
      for (moqt::Parameter& item : values.setup_options(places_of(type))) field.append(std::move(item));
    } else if constexpr (std::same_as<Field, moqt::MessageParameters>) {
      for (moqt::Parameter& item : values.parameters(places_in(type, values))) {
        // The range of a FETCH is a filter in draft-22.
        if (type == MessageType::kFetch && std::holds_alternative<moqt::SubscriptionFilter>(item.value)) continue;
        field.append(std::move(item));
      }
      if (has_properties(type, values.draft())) {
        for (moqt::Parameter& item : values.properties()) field.append(std::move(item));
      }
    } else {
      Fill{values}(field);
    }
  });
  if constexpr (std::same_as<Body, RequestError>) {
    if (values.draft() >= Draft::k18 && values.below(3) == 0) {
      body.error_code = moqt::RequestErrorCode::kRedirect;
      body.redirect = Redirect{values.text(30), {values.track_namespace(0), values.bytes(0, 12)}};
    }
  }
  // Drafts from 16 on have a prefix of no fields, and suffixes in any.
  if constexpr (std::same_as<Body, SubscribeNamespace> || std::same_as<Body, SubscribeTracks>) {
    if (values.draft() != Draft::k15 && values.below(4) == 0) body.track_namespace_prefix = {};
  }
  if constexpr (std::same_as<Body, Namespace> || std::same_as<Body, NamespaceDone> ||
                std::same_as<Body, PublishSkipped>) {
    if (values.below(4) == 0) body.track_namespace_suffix = {};
  }
  return body;
}

/// Draft-18 lists PUBLISH_OK and explains it away: it is read, and not written.
template <class Body>
bool is_written(Draft draft) {
  return number_in<Body>(draft).has_value() && !(std::same_as<Body, PublishOk> && draft == Draft::k18);
}

template <std::size_t... Indices>
std::optional<MessageBody> body_at(std::size_t index, RandomValues& values, std::index_sequence<Indices...>) {
  std::optional<MessageBody> body;
  const auto make = [&]<class Body>(std::size_t each, std::type_identity<Body>) {
    if (each == index && is_written<Body>(values.draft())) body = body_of<Body>(values);
  };
  (make(Indices, std::type_identity<std::variant_alternative_t<Indices, MessageBody>>{}), ...);
  return body;
}

}  // namespace

ControlMessage random_message(RandomValues& values) {
  constexpr std::size_t kMessages = std::variant_size_v<MessageBody>;
  std::optional<MessageBody> body;
  while (!body) body = body_at(values.below(kMessages), values, std::make_index_sequence<kMessages>{});
  return {{values.number()}, std::move(*body)};
}

}  // namespace msquic_py::tests
