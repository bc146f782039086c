#include "relay/loop_guard.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace msquic_py::relay {

namespace session = moqt::session;

namespace {

/// The second but last field of a mark; the last is the relay's number, drawn at random.
constexpr std::string_view kMark = ".msquic-py-relay";
/// Marks that one client may pass on: relays below it, over all hops.
constexpr std::size_t kMostMarks = 1024;

moqt::TrackNamespace prefix_of(const moqt::TrackNamespace& mark) {
  std::vector<base::ByteVector> fields = mark.fields();
  fields.resize(fields.size() - 2);
  return moqt::TrackNamespace(std::move(fields));
}

moqt::TrackNamespace marked(const moqt::TrackNamespace& prefix, base::Bytes id) {
  moqt::TrackNamespace mark = prefix;
  mark.append(base::as_bytes(kMark));
  mark.append(id);
  return mark;
}

}  // namespace

bool LoopGuard::is_mark(const moqt::TrackNamespace& track_namespace) noexcept {
  const auto& fields = track_namespace.fields();
  if (fields.size() < 2 || fields.back().size() != sizeof(Id)) return false;
  const auto& name = fields[fields.size() - 2];
  return std::equal(name.begin(), name.end(), kMark.begin(), kMark.end(),
                    [](std::uint8_t byte, char letter) { return byte == static_cast<std::uint8_t>(letter); });
}

moqt::TrackNamespace LoopGuard::own_mark(const moqt::TrackNamespace& prefix) const { return marked(prefix, id_); }

std::optional<moqt::TrackNamespace> LoopGuard::at(const Upstream& upstream, const moqt::TrackNamespace& mark) {
  const moqt::TrackNamespace prefix = prefix_of(mark);
  if (upstream.prefix.is_prefix_of(prefix)) return mark;
  if (!prefix.is_prefix_of(upstream.prefix)) return std::nullopt;
  return marked(upstream.prefix, mark.fields().back());
}

bool LoopGuard::on_published(Peer& peer, const session::NamespacePublished& event) {
  const moqt::TrackNamespace& mark = event.track_namespace;
  const auto count = std::count_if(marks_.begin(), marks_.end(), [&](const auto& each) { return each.first == &peer; });
  if (peer.upstream != nullptr || static_cast<std::size_t>(count) >= kMostMarks) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kUninterested, "no marks are wanted from here");
    return true;
  }
  if (!peer.session.accept(event.request)) return true;
  const bool own = std::equal(id_.begin(), id_.end(), mark.fields().back().begin());
  peer.marked = true;
  peer.roles.insert_or_assign(event.request, MarkRole{mark, own});
  if (own) {
    const moqt::TrackNamespace prefix = prefix_of(mark);
    peer.looped.push_back(prefix);
    ++counters_.loops_noticed;
    // What it has passed on goes round as well.
    std::vector<moqt::TrackNamespace> its;
    std::erase_if(marks_, [&](const auto& each) {
      if (each.first != &peer || !peer.loops(prefix_of(each.second))) return false;
      its.push_back(each.second);
      return true;
    });
    for (const auto& each : its) take_back(each);
    return false;
  }
  if (peer.loops(prefix_of(mark))) return true;
  marks_.emplace_back(&peer, mark);
  pass_on(mark);
  return true;
}

void LoopGuard::on_done(Peer& peer, session::RequestHandle request) {
  const auto* role = peer.role<MarkRole>(request);
  if (role == nullptr) return;
  const moqt::TrackNamespace mark = role->mark;
  const bool own = role->own;
  peer.roles.erase(request);
  if (own) {
    // What it was refused meanwhile it does not ask again: it begins anew.
    peer.session.close(moqt::SessionErrorCode::kNoError, "the loop of relays is gone");
    peer.outlet.make_ready();
    return;
  }
  const auto found = std::find(marks_.begin(), marks_.end(), std::pair<const Peer*, moqt::TrackNamespace>(&peer, mark));
  if (found == marks_.end()) return;
  marks_.erase(found);
  take_back(mark);
}

void LoopGuard::pass_on(const moqt::TrackNamespace& mark) {
  for (const auto& upstream : sources_.upstreams()) tell(*upstream, mark);
}

void LoopGuard::tell(Upstream& upstream, const moqt::TrackNamespace& mark) {
  const auto called = upstream.peer == nullptr ? std::nullopt : at(upstream, mark);
  if (!called || !called->valid() || upstream.marks.contains(*called)) return;
  // It waits for credit as long as it takes.
  const auto request = upstream.peer->session.publish_namespace(*called, {}, {.limit = session::Duration::zero()});
  if (!request.ok()) return;  // on_requests_possible() says it then
  upstream.marks.emplace(*called, *request);
  upstream.peer->make_ready();
}

void LoopGuard::take_back(const moqt::TrackNamespace& mark) {
  for (const auto& upstream : sources_.upstreams()) {
    const auto called = upstream->peer == nullptr ? std::nullopt : at(*upstream, mark);
    if (!called) continue;
    const bool another = std::any_of(marks_.begin(), marks_.end(),
                                     [&](const auto& each) { return at(*upstream, each.second) == called; });
    const auto said = upstream->marks.find(*called);
    if (another || said == upstream->marks.end()) continue;
    (void)upstream->peer->session.cancel(said->second);
    upstream->peer->make_ready();
    upstream->marks.erase(said);
  }
}

void LoopGuard::upstream_came(Upstream& upstream) {
  // First those of others, its own last: a relay that closes a loop with this session is told of it before it passes
  // anything on, and only this session is refused.
  for (const auto& [peer, mark] : marks_) tell(upstream, mark);
  tell(upstream, own_mark(upstream.prefix));
}

void LoopGuard::on_requests_possible(Upstream& upstream) { upstream_came(upstream); }

void LoopGuard::peer_left(Peer& peer) {
  if (peer.upstream != nullptr) return peer.upstream->marks.clear();
  std::vector<moqt::TrackNamespace> its;
  std::erase_if(marks_, [&](auto& each) {
    if (each.first != &peer) return false;
    its.push_back(std::move(each.second));
    return true;
  });
  for (const auto& mark : its) take_back(mark);
}

}  // namespace msquic_py::relay
