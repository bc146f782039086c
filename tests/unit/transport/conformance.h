#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/transport/carrier.h"

namespace msquic_py::transport::testing {

/// What every carrier has to do. The parameter names the carrier.
class Conformance : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { connect({}); }
  void TearDown() override {
    let_go();
    carrier.reset();
  }
  /// A new connection in place of the one that is there.
  void connect(const ServerAdmits& admits) {
    let_go();
    carrier = make_carrier(GetParam());
    ASSERT_TRUE(carrier);
    ends = carrier->connect(admits);
    ASSERT_TRUE(ends.client && ends.server);
  }
  /// Waits until `look` is true of what `at` was told.
  template <class Look>
  [[nodiscard]] ::testing::AssertionResult until(Recorder& at, Look look) {
    const bool done = carrier->run_until([&] {
      const std::lock_guard lock(at.mutex);
      return look(at);
    });
    return done ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << "did not happen in time";
  }
  static std::vector<base::SharedBytes> slices(std::initializer_list<std::string_view> texts) {
    std::vector<base::SharedBytes> result;
    for (const std::string_view text : texts) result.push_back(base::SharedBytes::copy_of(base::as_bytes(text)));
    return result;
  }
  StreamHandle open(StreamKey key, Direction direction = Direction::Unidirectional) {
    auto opened = ends.client->open_stream(direction, key);
    EXPECT_TRUE(opened.ok());
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  static void send(Stream& stream, std::string_view text, bool fin = false, std::uint64_t token = 1) {
    EXPECT_TRUE(stream.send(slices({text}), fin, token).ok());
  }
  [[nodiscard]] Recorder& client() const { return *ends.at_client; }
  [[nodiscard]] Recorder& server() const { return *ends.at_server; }

  void let_go() {
    for (const auto& each : {ends.at_client, ends.at_server}) {
      if (each) each->let_go();
    }
    ends = Ends{};
  }

  std::unique_ptr<Carrier> carrier;
  Ends ends;
};

}  // namespace msquic_py::transport::testing
