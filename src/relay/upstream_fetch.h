#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "moqt/model/fetch_range.h"
#include "moqt/model/group_order.h"
#include "moqt/objects/fetch_delivery.h"
#include "moqt/objects/fetch_writer.h"
#include "moqt/session/handles.h"
#include "relay/peer.h"
#include "relay/track.h"

namespace msquic_py::relay {

/// One FETCH of the relay to a publisher, and the fetches of clients that wait for what it brings.
struct UpstreamFetch {
  UpstreamFetch(Track& track_, Peer& publisher_, moqt::session::RequestHandle request_, moqt::FetchRange range_,
                moqt::GroupOrder order_)
      : track(&track_),
        publisher(&publisher_),
        request(request_),
        range(range_),
        asked_end(range_.end),
        order(order_),
        writer(track_.publisher(), publisher_.session.draft(), range_, order_) {}

  Track* track;
  Peer* publisher;
  moqt::session::RequestHandle request;
  moqt::FetchRange range;    ///< as far as FETCH_OK says that it goes
  moqt::Location asked_end;  ///< of the range
  moqt::GroupOrder order;
  moqt::objects::FetchWriter writer;
  bool accepted = false;
  bool end_of_track = false;
  bool ending = false;  ///< it has ended; its askers are being told
  std::vector<moqt::objects::FetchDelivery*> askers;

  // How far it is ahead of those who ask.
  std::optional<moqt::session::IncomingStreamId> stream;
  std::size_t unread_bytes = 0;  ///< that came since one of the askers had everything
  bool paused = false;
};

}  // namespace msquic_py::relay
