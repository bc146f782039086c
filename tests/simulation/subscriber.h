#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "moqt/model/fetch_range.h"
#include "simulation/journal.h"
#include "simulation/session_end.h"

namespace msquic_py::simulation {

/// One subscription of a subscriber, from SUBSCRIBE to its end, and everything that came of it.
struct ReceivedTrack {
  std::size_t track = 0;
  ms::RequestHandle request;
  std::size_t ordinal = 0;  ///< among those of its subscriber
  bool accepted = false;
  bool forwards = true;    ///< Forward State was never 0
  bool times_out = false;  ///< objects may expire on their way
  bool cancelled = false;  ///< UNSUBSCRIBE, or its session ended
  std::optional<ms::SubscriptionDone> done;
  std::optional<moqt::SubscriptionFilter> filter;
  moqt::Location start{};                 ///< of the filter
  std::optional<moqt::Location> largest;  ///< of SUBSCRIBE_OK or PUBLISH
  int losses = 0;                         ///< of the track, when it was accepted

  std::set<moqt::Location> received;
  /// A stream that ended without FIN, and the first and the last object on it.
  struct Unfinished {
    SubgroupName name;
    std::optional<moqt::Location> first;
    std::optional<moqt::Location> latest;
    auto operator<=>(const Unfinished&) const = default;
  };
  std::set<Unfinished> unfinished;
};

/// One FETCH, and what has come of it.
struct FetchedRange {
  std::size_t track = 0;
  moqt::FetchRange range;
  std::optional<moqt::Location> latest;
  std::uint64_t size = 0;  ///< of the object under way
  base::ByteVector payload;
  std::set<moqt::Location> received;
};

/// A client that subscribes as scripted, and checks what it receives as it comes.
class Subscriber {
 public:
  Subscriber(std::size_t number, Journal& journal) : number_(number), journal_(journal) {}

  void begin(SessionEnd& end) { end_ = &end; }
  void session_over();
  bool on_events();

  /// `filter`: 0 the largest object, 1 the next group, 2 from group 1 on, 3 none.
  /// `timeout`: DELIVERY_TIMEOUT in milliseconds; 0: none.
  void subscribe(std::size_t track, std::uint8_t priority, std::uint64_t filter, std::uint64_t timeout);
  /// SUBSCRIBE_NAMESPACE for everything that is offered by PUBLISH, or its end.
  void listen_or_not();
  void fetch(std::size_t track, std::uint64_t first_group, std::uint64_t last_group);
  void unsubscribe(std::size_t track);
  void reprioritize(std::size_t track, std::uint8_t priority);
  void forward(std::size_t track, bool on);
  void unsubscribe_all();

  /// Fetches that have not been answered to the end.
  [[nodiscard]] std::size_t open_fetches() const noexcept { return fetches_.size(); }
  [[nodiscard]] const std::vector<std::unique_ptr<ReceivedTrack>>& subscriptions() const noexcept { return all_; }

 private:
  struct Incoming {
    ReceivedTrack* subscription = nullptr;
    SubgroupName name;
    std::optional<moqt::Location> first;
    std::optional<moqt::Location> latest;
    std::uint64_t size = 0;  ///< of the object under way
    base::ByteVector payload;
    bool whole = true;
  };

  void handle(const ms::Event& event);
  void on_object(const ms::ObjectReceived& event);
  void on_payload(Incoming& stream, base::Bytes bytes);
  void complete(Incoming& stream);
  void check_next(const ReceivedTrack& subscription, SubgroupName name, moqt::Location before, moqt::Location location);
  void on_end(const ms::SubgroupEnded& event);
  void on_fetched(const ms::FetchObjectReceived& event);
  void on_fetched_payload(FetchedRange& fetch, base::Bytes bytes);
  void on_fetch_end(const ms::FetchEnded& event);
  void on_datagram(const ms::DatagramReceived& event);
  void check_object(ReceivedTrack& subscription, moqt::Location location, std::uint64_t subgroup, bool datagram,
                    base::Bytes payload);
  ReceivedTrack& add(std::size_t track, ms::RequestHandle request);
  void on_accepted(ReceivedTrack& subscription, std::optional<moqt::Location> largest);
  void on_offer(const ms::PublishReceived& event);
  ReceivedTrack* live(ms::RequestHandle request);
  ReceivedTrack* live_of_track(std::size_t track);
  void fault(const ReceivedTrack& subscription, const std::string& what);

  std::size_t number_;
  Journal& journal_;
  SessionEnd* end_ = nullptr;
  std::vector<std::unique_ptr<ReceivedTrack>> all_;
  std::map<ms::RequestHandle, ReceivedTrack*> live_;
  std::optional<ms::RequestHandle> listening_;
  std::map<ms::IncomingStreamId, Incoming> streams_;
  std::map<ms::RequestHandle, FetchedRange> fetches_;
  std::map<ms::IncomingStreamId, ms::RequestHandle> fetch_streams_;
};

/// Whether a subscription has to have received this object if nothing went wrong.
[[nodiscard]] bool expects(const ReceivedTrack& subscription, moqt::Location location);

}  // namespace msquic_py::simulation
