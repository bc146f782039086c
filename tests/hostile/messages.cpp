#include "hostile/messages.h"

#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace msquic_py::hostile {

namespace {

namespace wire = moqt::wire;
using moqt::MessageParameters;

moqt::SubscriptionFilter make_filter(Moves& moves) {
  const moqt::Location start = make_location(moves);
  switch (moves.choose(4)) {
    case 0: return moqt::SubscriptionFilter::next_group_start();
    case 1: return moqt::SubscriptionFilter::absolute_start(start);
    case 2: return moqt::SubscriptionFilter::absolute_range(start, start.group + moves.choose(4));
    default: return moqt::SubscriptionFilter::largest_object();
  }
}

moqt::GroupOrder make_order(Moves& moves) {
  return moves.flip() ? moqt::GroupOrder::kAscending : moqt::GroupOrder::kDescending;
}

void add_any(Moves& moves, MessageParameters& parameters) {
  if (moves.choose(64) != 63) return;
  switch (moves.choose(6)) {
    case 0: parameters.set_largest_object(make_location(moves)); break;
    case 1: parameters.set_max_cache_duration(moves.number()); break;
    case 2: parameters.set_filter(make_filter(moves)); break;
    case 3: parameters.set_dynamic_groups(moves.flip()); break;
    case 4: parameters.set_new_group_request(moves.number()); break;
    default: parameters.set_publisher_priority(moves.byte());
  }
}

/// What a publisher may say of its track.
MessageParameters of_publisher(Moves& moves) {
  MessageParameters parameters;
  if (moves.choose(8) == 1) parameters.set_track_delivery_timeout(1 + 50 * moves.number());
  if (moves.choose(8) == 1) parameters.set_max_cache_duration(100 * moves.number());
  if (moves.choose(4) == 1) parameters.set_publisher_priority(moves.byte());
  if (moves.choose(8) == 1) parameters.set_track_group_order(make_order(moves));
  if (moves.choose(8) == 1) parameters.set_dynamic_groups(moves.flip());
  if (moves.choose(8) == 1) parameters.set_expires(500 * moves.number());
  if (moves.choose(2) == 1) parameters.set_largest_object(make_location(moves));
  add_any(moves, parameters);
  return parameters;
}

MessageParameters none(Moves& moves) {
  MessageParameters parameters;
  add_any(moves, parameters);
  return parameters;
}

MessageParameters of_fetch(Moves& moves) {
  MessageParameters parameters;
  if (moves.choose(3) == 1) parameters.set_group_order(make_order(moves));
  if (moves.choose(4) == 1) parameters.set_subscriber_priority(moves.byte());
  add_any(moves, parameters);
  return parameters;
}

wire::FetchScope make_range(Moves& moves, wire::RequestReference joinable) {
  if (moves.flip()) return wire::JoiningFetch{moves.flip(), joinable, moves.number()};
  wire::StandaloneFetch fetch;
  fetch.track = make_track(moves);
  fetch.start = make_location(moves);
  fetch.end = {fetch.start.group + moves.choose(5), moves.choose(8)};
  return fetch;
}

moqt::RequestErrorCode make_error(Moves& moves) {
  constexpr moqt::RequestErrorCode kCodes[] = {
      moqt::RequestErrorCode::kInternalError, moqt::RequestErrorCode::kUnauthorized, moqt::RequestErrorCode::kTimeout,
      moqt::RequestErrorCode::kNotSupported, moqt::RequestErrorCode::kDoesNotExist};
  return kCodes[moves.choose(std::size(kCodes))];
}

}  // namespace

moqt::TrackNamespace make_namespace(Moves& moves) {
  std::vector<base::ByteVector> fields;
  for (std::size_t count = 1 + moves.choose(2); count > 0; --count) {
    fields.push_back(base::ByteVector(1, static_cast<std::uint8_t>('a' + moves.choose(2))));
  }
  return moqt::TrackNamespace(std::move(fields));
}

moqt::FullTrackName make_track(Moves& moves) {
  return {make_namespace(moves), base::ByteVector(1, static_cast<std::uint8_t>('t' + moves.choose(2)))};
}

moqt::MessageParameters make_subscriber_parameters(Moves& moves) {
  MessageParameters parameters;
  if (moves.choose(8) == 1) parameters.set_delivery_timeout(1 + 50 * moves.number());
  if (moves.choose(4) == 1) parameters.set_group_order(make_order(moves));
  if (moves.choose(4) == 1) parameters.set_subscriber_priority(moves.byte());
  if (moves.choose(4) == 1) parameters.set_forward(moves.choose(4) != 0);
  if (moves.choose(3) == 1) parameters.set_filter(make_filter(moves));
  add_any(moves, parameters);
  return parameters;
}

moqt::Location make_location(Moves& moves) {
  const std::uint64_t group = moves.number();
  return {group, moves.number()};
}

wire::MessageBody make_request(Moves& moves, std::uint64_t next_alias, wire::RequestReference joinable) {
  switch (moves.choose(10)) {
    case 0:
    case 1:
    case 2: return wire::Subscribe{make_track(moves), make_subscriber_parameters(moves)};
    case 3:
    case 4: return wire::Publish{make_track(moves), next_alias, of_publisher(moves)};
    case 5: return wire::PublishNamespace{make_namespace(moves), none(moves)};
    case 6: return wire::SubscribeNamespace{make_namespace(moves), none(moves)};
    case 7: return wire::SubscribeTracks{make_namespace(moves), none(moves)};
    case 8: return wire::Fetch{make_range(moves, joinable), of_fetch(moves)};
    default: return wire::TrackStatus{make_track(moves), none(moves)};
  }
}

wire::MessageBody make_answer(Moves& moves, const wire::MessageBody& asked, std::uint64_t next_alias) {
  if (moves.choose(8) == 1) return wire::RequestError{make_error(moves), "no"};
  if (std::holds_alternative<wire::Subscribe>(asked)) return wire::SubscribeOk{next_alias, of_publisher(moves)};
  if (std::holds_alternative<wire::Publish>(asked)) return wire::PublishOk{make_subscriber_parameters(moves)};
  if (std::holds_alternative<wire::Fetch>(asked))
    return wire::FetchOk{moves.choose(8) == 1, {moves.choose(8), moves.choose(8)}, none(moves)};
  return wire::RequestOk{none(moves)};
}

wire::MessageBody make_sequel(Moves& moves, const wire::MessageBody& begun, wire::RequestReference request) {
  if (const auto* told = std::get_if<wire::PublishNamespace>(&begun))
    return wire::PublishNamespaceDone{told->track_namespace};
  if (std::holds_alternative<wire::SubscribeNamespace>(begun)) return wire::UnsubscribeNamespace{};
  if (std::holds_alternative<wire::Publish>(begun))
    return wire::PublishDone{moqt::PublishDoneCode::kTrackEnded, moves.number(), "over"};
  if (std::holds_alternative<wire::Fetch>(begun)) return wire::FetchCancel{};
  if (moves.choose(4) != 0) return wire::RequestUpdate{request, make_subscriber_parameters(moves)};
  return wire::Unsubscribe{};
}

wire::ControlMessage make_any(Moves& moves) {
  const wire::RequestReference any{moves.number()};
  switch (moves.choose(12)) {
    case 0: return {any, wire::SubscribeOk{moves.number(), of_publisher(moves)}};
    case 1: return {any, wire::PublishOk{make_subscriber_parameters(moves)}};
    case 2: return {any, wire::RequestOk{none(moves)}};
    case 3: return {any, wire::RequestError{make_error(moves), "no"}};
    case 4: return {any, wire::FetchOk{moves.flip(), make_location(moves), none(moves)}};
    case 5: return {any, wire::PublishNamespaceCancel{make_namespace(moves), make_error(moves), "no"}};
    case 6: return {any, wire::MaxRequestId{400 + moves.number()}};
    case 7: return {any, wire::RequestsBlocked{moves.number()}};
    case 8: return {any, wire::Goaway{}};
    case 9: return {any, wire::Namespace{make_namespace(moves)}};
    case 10: return {any, wire::PublishSkipped{make_namespace(moves), base::ByteVector(1, 't')}};
    default: return {any, make_sequel(moves, make_request(moves, moves.number(), any), any)};
  }
}

wire::ControlMessage make_setup(moqt::Draft draft, moqt::Perspective sender) {
  moqt::SetupParameters parameters;
  if (moqt::has_own_control_streams(draft)) return {{}, wire::Setup{std::move(parameters)}};
  parameters.set_max_request_id(400);
  if (sender == moqt::Perspective::kServer) return {{}, wire::ServerSetup{std::move(parameters)}};
  return {{}, wire::ClientSetup{std::move(parameters)}};
}

}  // namespace msquic_py::hostile
