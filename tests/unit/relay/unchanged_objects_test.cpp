// An object leaves the relay as it came: its properties and its extensions, from a stream, a datagram or the cache
// [d15 §8.6] [d15 §10.2.1.2] [d15 §11].

#include <gtest/gtest.h>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;

// Two of type 0x45, which nobody here knows (odd: length 1 and a byte each); Prior Group ID Gap 0x3c with 2; Prior
// Object ID Gap 0x3e with 1; Immutable Extensions 0x0b, seven bytes long, with 0x46 = 7 and 0x45 "z" inside.
constexpr std::string_view kBlock = "4045 01 78 | 4045 01 79 | 3c 02 | 3e 01 | 0b 07 4046 07 4045 01 7a";
constexpr std::string_view kBlockSize = "15";

std::string text_of(base::Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

class UnchangedObjectsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    publisher_.announce();
    ASSERT_TRUE(viewer_.session().subscribe(track_name()).ok());
    network_.run();
    publisher_.accept();
  }
  /// Object 1 of group 2, subgroup 3, priority 9, with the extensions above and the payload "hi".
  void publish() {
    ms::SubgroupProperties properties;
    properties.group = 2;
    properties.subgroup = 3;
    properties.publisher_priority = 9;
    properties.extensions = true;
    properties.end_of_group = true;
    const auto stream = publisher_client_.session().open_subgroup(publisher_.subscription, properties);
    ASSERT_TRUE(stream.ok());
    const auto wire = hex("01" + std::string(kBlockSize) + std::string(kBlock) + "02 6869");
    ASSERT_TRUE(publisher_client_.session().append_object(*stream, 1, base::SharedBytes::copy_of(wire), 1).ok());
    publisher_.finish(*stream);
  }

  RelayNetwork network_;
  RelayClient& publisher_client_ = network_.connect();
  RelayClient& viewer_ = network_.connect();
  RelayClient& fetcher_ = network_.connect();
  TestPublisher publisher_{network_, publisher_client_};
};

// [d15 §8.6-1, §8.6-2, §8.6-3, §2.1-2, §10.2.1.2-3, §10.2.1.2-4]
// [d15 §11.1-1, §11.1-2, §11.1-4, §11.1-5, §11.1-6, §11.2-1, §11.2-2]
TEST_F(UnchangedObjectsTest, FromAStream) {
  publish();
  const auto object = viewer_.only<ms::ObjectReceived>();
  EXPECT_EQ(object.location, (moqt::Location{2, 1}));
  EXPECT_EQ(object.subgroup, 3u);
  EXPECT_EQ(object.publisher_priority, 9);
  EXPECT_EQ(text_of(object.extensions()), text_of(hex(kBlock)));
  EXPECT_EQ(objects(viewer_), std::vector<std::string>{"2/1 hi"});
  const auto opened = viewer_.only<ms::SubgroupOpened>();
  EXPECT_TRUE(opened.properties.end_of_group);
}

// [d15 §8.1-3, §10.2.1.2-4, §11.1-2, §11.1-5, §11.1-6, §11.2-2]
TEST_F(UnchangedObjectsTest, OutOfTheCache) {
  publish();
  ASSERT_TRUE(fetcher_.session().fetch(track_name(), {2, 1}, {2, 2}).ok());
  network_.run();
  ASSERT_EQ(publisher_client_.count<ms::FetchReceived>(), 0u) << "it is there";
  const auto object = fetcher_.only<ms::FetchObjectReceived>();
  EXPECT_EQ(object.location, (moqt::Location{2, 1}));
  EXPECT_EQ(object.subgroup, 3u);
  EXPECT_EQ(object.publisher_priority, 9);
  EXPECT_EQ(text_of(object.extensions), text_of(hex(kBlock)));
  std::string payload = text_of(object.payload);
  for (const auto& more : fetcher_.all<ms::ObjectPayload>()) payload += text_of(more.bytes);
  EXPECT_EQ(payload, "6869");
}

// [d15 §8.6-1, §10.2.1.2-3, §10.2.1.2-4, §11.1-1, §11.1-2, §11.1-4, §11.1-5, §11.1-6, §11.2-1, §11.2-2]
TEST_F(UnchangedObjectsTest, FromADatagram) {
  // Type 0x01: with extensions, Object ID and Publisher Priority.
  const ms::DatagramProperties properties{0x01, {2, 1}, std::uint8_t{9}};
  const auto after_alias = hex("02 01 09" + std::string(kBlockSize) + std::string(kBlock) + "6869");
  ASSERT_TRUE(publisher_client_.session()
                  .send_datagram(publisher_.subscription, properties, base::SharedBytes::copy_of(after_alias))
                  .ok());
  network_.run();
  const auto object = viewer_.only<ms::DatagramReceived>();
  EXPECT_EQ(text_of(object.after_alias), text_of(after_alias));
  EXPECT_EQ(text_of(object.extensions()), text_of(hex(kBlock)));
}

// [d15 §8.1-3]
TEST_F(UnchangedObjectsTest, WhatDoesNotExistIsKept) {
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  // Object 1: length 0, status 0x1 (Does Not Exist); object 2: status 0x3 (End of Group).
  for (const std::string_view wire : {"00 00 01", "00 00 03"}) {
    const std::uint64_t id = wire == "00 00 01" ? 1 : 2;
    ASSERT_TRUE(publisher_client_.session().append_object(stream, id, base::SharedBytes::copy_of(hex(wire)), 1).ok());
  }
  publisher_.finish(stream);
  const auto received = viewer_.all<ms::ObjectReceived>();
  ASSERT_EQ(received.size(), 3u);
  EXPECT_EQ(received[1].status, moqt::ObjectStatus::kDoesNotExist);
  EXPECT_EQ(received[2].status, moqt::ObjectStatus::kEndOfGroup);
  ASSERT_TRUE(fetcher_.session().fetch(track_name(), {0, 0}, {0, 0}).ok());
  network_.run();
  EXPECT_EQ(publisher_client_.count<ms::FetchReceived>(), 0u) << "the relay knows the whole group";
  EXPECT_TRUE(fetcher_.only<ms::FetchEnded>().finished);
}

}  // namespace
}  // namespace msquic_py::relay
