#pragma once

#include <gtest/gtest.h>

#include <utility>

#include "harness/relay_network.h"

namespace msquic_py::relay {

/// A relay, somebody who is subscribed to a track, and two publishers of it: one that was asked for it first, and one
/// that announced it later and says `later` of it.
class TwoPublishers : public ::testing::Test {
 protected:
  explicit TwoPublishers(moqt::MessageParameters later = {}) : later_(std::move(later)) {}
  void SetUp() override {
    first_.announce();
    ASSERT_TRUE(viewer_.session().subscribe(testing::track_name()).ok());
    network_.run();
    first_.accept();
    second_.announce({"live"});
    second_.accept(later_);
  }

  testing::RelayNetwork network_;
  testing::RelayClient& first_client_ = network_.connect();
  testing::RelayClient& second_client_ = network_.connect();
  testing::RelayClient& viewer_ = network_.connect();
  testing::TestPublisher first_{network_, first_client_};
  testing::TestPublisher second_{network_, second_client_};

 private:
  moqt::MessageParameters later_;
};

}  // namespace msquic_py::relay
