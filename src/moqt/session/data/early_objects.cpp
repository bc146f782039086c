#include "moqt/session/data/early_objects.h"

#include <algorithm>
#include <utility>

namespace msquic_py::moqt::session {

namespace {

base::SharedBytes* bytes_of(EarlyObjects::Piece& piece) noexcept {
  if (auto* object = std::get_if<ObjectReceived>(&piece)) return &object->wire;
  if (auto* payload = std::get_if<ObjectPayload>(&piece)) return &payload->bytes;
  return nullptr;
}

}  // namespace

void EarlyObjects::add(IncomingStreamId id, std::uint64_t alias, const SubgroupProperties& properties,
                       const Piece& piece, Time now, const Room& room) {
  Piece copy = piece;
  base::SharedBytes* const bytes = bytes_of(copy);
  const std::size_t size = bytes == nullptr ? 0 : bytes->size();
  if (size > room.bytes) return;
  const auto find = [&] {
    return std::find_if(streams_.begin(), streams_.end(), [id](const Stream& stream) { return stream.id == id; });
  };
  while (bytes_ + size > room.bytes && !streams_.empty()) drop_oldest();
  auto found = find();
  if (found == streams_.end()) {
    if (std::holds_alternative<ObjectPayload>(piece)) return;
    while (!streams_.empty() && streams_.size() >= room.streams) drop_oldest();
    streams_.push_back({id, alias, properties});
    found = streams_.end() - 1;
  }
  // Copies: they may wait for long, and would hold on to everything that came beside them on the connection.
  if (size > 0) *bytes = base::SharedBytes::copy_of(*bytes, room.account);
  found->pieces.push_back(std::move(copy));
  found->bytes += size;
  found->since = now;
  bytes_ += size;
}

void EarlyObjects::add(std::uint64_t alias, const DatagramReceived& event, Time now, const Room& room) {
  const std::size_t size = event.after_alias.size();
  if (size > room.bytes || room.datagrams == 0) return;
  while (bytes_ + size > room.bytes && !streams_.empty()) drop_oldest();
  while (!datagrams_.empty() && (datagrams_.size() >= room.datagrams || bytes_ + size > room.bytes)) {
    bytes_ -= datagrams_.front().event.after_alias.size();
    datagrams_.erase(datagrams_.begin());
  }
  datagrams_.push_back({alias, event, now});
  datagrams_.back().event.after_alias = base::SharedBytes::copy_of(event.after_alias, room.account);
  bytes_ += size;
}

std::vector<const EarlyObjects::Stream*> EarlyObjects::streams_of(std::uint64_t alias) const {
  std::vector<const Stream*> found;
  for (const Stream& stream : streams_) {
    if (stream.alias == alias) found.push_back(&stream);
  }
  std::sort(found.begin(), found.end(), [](const Stream* left, const Stream* right) { return left->id < right->id; });
  return found;
}

std::vector<const EarlyObjects::Datagram*> EarlyObjects::datagrams_of(std::uint64_t alias) const {
  std::vector<const Datagram*> found;
  for (const Datagram& datagram : datagrams_) {
    if (datagram.alias == alias) found.push_back(&datagram);
  }
  return found;
}

void EarlyObjects::drop(std::uint64_t alias) {
  std::erase_if(streams_, [&](const Stream& stream) {
    if (stream.alias != alias) return false;
    bytes_ -= stream.bytes;
    return true;
  });
  std::erase_if(datagrams_, [&](const Datagram& datagram) {
    if (datagram.alias != alias) return false;
    bytes_ -= datagram.event.after_alias.size();
    return true;
  });
}

void EarlyObjects::drop_before(Time oldest, const std::function<bool(std::uint64_t alias)>& spares) {
  std::erase_if(streams_, [&](const Stream& stream) {
    if (stream.since >= oldest || spares(stream.alias)) return false;
    bytes_ -= stream.bytes;
    return true;
  });
  std::erase_if(datagrams_, [&](const Datagram& datagram) {
    if (datagram.since >= oldest || spares(datagram.alias)) return false;
    bytes_ -= datagram.event.after_alias.size();
    return true;
  });
}

void EarlyObjects::drop_oldest() {
  bytes_ -= streams_.front().bytes;
  streams_.erase(streams_.begin());
}

void EarlyObjects::clear() {
  streams_.clear();
  datagrams_.clear();
  bytes_ = 0;
}

}  // namespace msquic_py::moqt::session
