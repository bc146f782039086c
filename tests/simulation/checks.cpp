// What has to be true at the end of a run, whatever happened in it.
#include <string>

#include "simulation/world.h"

namespace msquic_py::simulation {

void World::check_rest() {
  const auto check = [&](const SessionEnd* end, const std::string& whose) {
    if (end == nullptr) return;
    if (end->session().has_unsent()) journal_.fault(whose + " is at rest with something unsent");
    if (end->unsent_bytes() != 0)
      journal_.fault(whose + ": the carrier has not let go of " + std::to_string(end->unsent_bytes()) + " bytes");
    if (end->open_streams() != 0)
      journal_.fault(whose + " has " + std::to_string(end->open_streams()) + " streams left");
  };
  for (std::size_t number = 0; number < clients_.size(); ++number) {
    check(clients_[number].near.get(), "client " + std::to_string(number));
    check(clients_[number].far.get(), "the relay's session of client " + std::to_string(number));
  }
  for (std::size_t number = 0; number < hops_.size(); ++number) {
    check(hops_[number].near.get(), "the lower end of hop " + std::to_string(number));
    check(hops_[number].far.get(), "the upper end of hop " + std::to_string(number));
  }
}

void World::check_deliveries() {
  for (const auto& relay : relays_) note_losses_of(*relay);
  for (std::size_t track = 0; track < journal_.size(); ++track)
    outcome_.published += journal_.track(track).objects.size();
  for (std::size_t who = 0; who < subscribers_.size(); ++who) {
    for (const auto& subscription : subscribers_[who].subscriptions()) {
      outcome_.received += subscription->received.size();
      const TrackJournal& track = journal_.track(subscription->track);
      check_end(*subscription, who);
      if (!subscription->accepted || subscription->cancelled || subscription->done || !subscription->forwards) continue;
      if (track.losses != subscription->losses) continue;
      // Streams that it gave up, for example because they came long before SUBSCRIBE_OK [d15 §10.4.2].
      const bool stopped = clients_[script_.publishers + who].near->stops() > 0;
      // A session that may have few streams cancels the least urgent one, perhaps before anything of it has left.
      const bool cramped = script_.stream_limit < ms::Limits{}.max_outgoing_streams;
      // Without a relay nobody but the client's own publisher can bring it.
      const auto cut = [&](SubgroupName name) {
        return script_.direct ? track.subgroups.at(name).cut.contains(who) : track.cut_by_all(name);
      };
      // A subgroup that was cut with a hop may be left unfinished: its stream is reset when what it has is
      // acknowledged, or has waited for long enough, as it may for whoever is slow.
      // So may one that two publishers have brought apart.
      const bool apart = track.plan.publishers.size() > 1 && !track.plan.datagrams;
      const bool left = (hops_disturbed_ || apart) && is_slow(script_.publishers + who);
      const bool disturbed =
          stopped || left || cramped || subscription->times_out || outcome_.skips + outcome_.refusals > 0;
      for (const auto& [name, first, latest] : subscription->unfinished) {
        // Behind a hop that was cut it is not known what comes next.
        if (disturbed || hops_disturbed_ || cut(name)) continue;
        // What is not known to be the next object goes on a new stream [d15 §10.4.3].
        if (latest && track.next_may_be_unknown(name, *first, *latest)) continue;
        journal_.fault("subscriber " + std::to_string(script_.publishers + who) + ", track " +
                       std::to_string(subscription->track) + ", subscription " + std::to_string(subscription->ordinal) +
                       ": a stream of " + std::to_string(name.first) + "/" + std::to_string(name.second) +
                       (latest ? " with " + text(*first) + " to " + text(*latest) : " without an object") +
                       " was reset for no reason");
      }
      for (const auto& [location, object] : track.objects) {
        if (!object.whole || !expects(*subscription, location) || subscription->received.contains(location)) continue;
        const SubgroupName name{location.group, object.subgroup};
        const bool reset = !track.plan.datagrams && cut(name);
        const bool lost = track.plan.datagrams && journal_.datagrams_may_be_lost;
        if (disturbed || reset || lost || !object.offered) {
          ++outcome_.excused;
          continue;
        }
        journal_.fault("subscriber " + std::to_string(script_.publishers + who) + ", track " +
                       std::to_string(subscription->track) + ", subscription " + std::to_string(subscription->ordinal) +
                       ": " + text(location) + " of subgroup " + std::to_string(object.subgroup) + " never came");
      }
    }
  }
}

void World::check_end(const ReceivedTrack& subscription, std::size_t who) {
  using Code = moqt::PublishDoneCode;
  if (!subscription.done || subscription.cancelled) return;
  const auto code = static_cast<Code>(subscription.done->code);
  // Nobody withdraws a track before everything has arrived: it ends with its publisher, or for whoever is too slow.
  // A relay may not know yet that it is gone when it accepts.
  const bool lost = journal_.track(subscription.track).losses > 0;
  if (code != Code::kMalformedTrack && (lost || hops_disturbed_ || code == Code::kTooFarBehind)) return;
  journal_.fault("subscriber " + std::to_string(script_.publishers + who) + ", track " +
                 std::to_string(subscription.track) + ", subscription " + std::to_string(subscription.ordinal) +
                 ": ended for no reason, code " + std::to_string(subscription.done->code) + ", " +
                 subscription.done->reason);
}

void World::check_close(const SessionEnd& end, const std::string& whose) {
  using Cause = transport::CloseReason::Cause;
  const transport::CloseReason& reason = end.close_reason();
  if (reason.cause != Cause::LocalApplication || reason.code == 0) return;
  // Who was stalled, or far behind, is not waited for.
  const auto code = static_cast<moqt::SessionErrorCode>(reason.code);
  using Code = moqt::SessionErrorCode;
  if (code == Code::kControlMessageTimeout || code == Code::kDataStreamTimeout || code == Code::kGoawayTimeout) return;
  journal_.fault(whose + " was closed by it: " + std::to_string(reason.code) + ", " + reason.reason);
}

void World::check_accounts() {
  for (const auto& relay : relays_) check_account(*relay);
}

void World::check_account(const relay::Relay& relay) {
  const moqt::objects::DeliveryAccount account = relay.counters().deliveries;
  if (account.published == account.accounted()) return;
  journal_.fault("the relay's account does not add up: " + std::to_string(account.published) + " published, " +
                 std::to_string(account.accounted()) + " accounted for (" + std::to_string(account.delivered) +
                 " delivered, " + std::to_string(account.waiting) + " waiting)");
}

void World::check_ends() {
  for (std::size_t who = 0; who < subscribers_.size(); ++who) {
    if (subscribers_[who].open_fetches() == 0) continue;
    journal_.fault("subscriber " + std::to_string(script_.publishers + who) + " has fetches without an end");
  }
  const auto zero = [&](const char* what, std::uint64_t count) {
    if (count != 0)
      journal_.fault("the relay counts " + std::to_string(count) + " " + what + " although all have ended");
  };
  for (const auto& relay : relays_) {
    const auto counters = relay->counters();
    zero("downstream subscriptions", counters.downstream_subscriptions);
    zero("upstream subscriptions", counters.upstream_subscriptions);
    zero("tracks", counters.tracks);
    zero("published namespaces", counters.published_namespaces);
  }
  for (std::size_t number = 0; number < clients_.size(); ++number) {
    for (const bool near : {true, false}) {
      const SessionEnd* end = near ? clients_[number].near.get() : clients_[number].far.get();
      if (end == nullptr || end->session().open_requests() == 0) continue;
      journal_.fault((near ? "client " : "the relay's session of client ") + std::to_string(number) + " has " +
                     std::to_string(end->session().open_requests()) + " requests open");
    }
  }
}

}  // namespace msquic_py::simulation
