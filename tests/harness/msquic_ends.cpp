// Every program of tests with MsQuic in it, linked with this, closes MsQuic when its tests are over: whatever they left
// open fails it, and MsQuic's threads let go of their sockets before a sanitizer looks for what was never freed.

#include <gtest/gtest.h>

#include <chrono>

#include "quic/library.h"

namespace msquic_py {
namespace {

class MsQuicEnds : public testing::Environment {
  void TearDown() override {
    using quic::Library;
    if (!Library::is_open() || Library::forked() || Library::finalizing()) return;
    EXPECT_TRUE(Library::wait_until_idle(std::chrono::seconds(30))) << "a test left a registration open";
    EXPECT_TRUE(Library::close());
  }
};

const testing::Environment* const kMsQuicEnds = testing::AddGlobalTestEnvironment(new MsQuicEnds);

}  // namespace
}  // namespace msquic_py
