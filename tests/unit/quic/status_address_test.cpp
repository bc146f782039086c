#include <gtest/gtest.h>

#include <set>

#include "quic/address.h"
#include "quic/address_kind.h"
#include "quic/status.h"

namespace msquic_py::quic {
namespace {

TEST(StatusTest, EveryStatusHasAnOwnNameAndAText) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Status::WouldDeadlock); ++i) {
    const auto status = static_cast<Status>(i);
    EXPECT_TRUE(names.insert(status_name(status)).second) << i << " " << status_name(status);
    EXPECT_FALSE(status_text(status).empty());
  }
}

#if defined(__linux__)
TEST(StatusTest, RawNumbersOfLinux) {
  const std::pair<std::int64_t, Status> table[] = {
      {0, Status::Success},
      {-2, Status::Pending},
      {12, Status::OutOfMemory},
      {22, Status::InvalidParameter},
      {1, Status::InvalidState},
      {95, Status::NotSupported},
      {75, Status::BufferTooSmall},
      {2, Status::NotFound},
      {103, Status::HandshakeFailure},
      {93, Status::VersionNegotiationError},
      {92, Status::AlpnNegotiationFailure},
      {126, Status::TlsError},
      {111, Status::ConnectionRefused},
      {113, Status::Unreachable},
      {101, Status::Unreachable},
      {13, Status::Unreachable},
      {98, Status::AddressInUse},
      {99, Status::AddressNotAvailable},
      {97, Status::InvalidAddress},
      {110, Status::ConnectionTimeout},
      {62, Status::ConnectionIdle},
      {125, Status::Aborted},
      {130, Status::UserCanceled},
      {71, Status::ProtocolError},
      {5, Status::InternalError},
      {86, Status::StreamLimitReached},
      {91, Status::AlpnInUse},
      {200000256 + 42, Status::BadCertificate},
      {200000256 + 45, Status::ExpiredCertificate},
      {200000256 + 48, Status::UnknownCa},
      {200000256 + 116, Status::RequiredCertificate},
      {200000256 + 49, Status::AccessDenied},
      {200000256 + 47, Status::TlsAlert},
      {200000256 + 40, Status::HandshakeFailure},
      {200000256 + 90, Status::UserCanceled},
      {200000256 + 120, Status::AlpnNegotiationFailure},
      {200000513, Status::ExpiredCertificate},
      {200000514, Status::UntrustedRoot},
      {200000515, Status::NoCertificate},
      {424242, Status::Unknown},
  };
  for (const auto& [raw, status] : table)
    EXPECT_EQ(status_from_raw(raw), status) << raw << " " << status_name(status_from_raw(raw));
}

TEST(StatusTest, WhatTheSystemSaysKeepsItsName) {
  EXPECT_EQ(Error::from_raw(13, "connecting").message, "connecting: Permission denied [EACCES, status 13]");
  EXPECT_EQ(Error::from_raw(24, "").message, "Too many open files [EMFILE, status 24]");
  EXPECT_EQ(Error::from_raw(101, "").message,
            "nothing listens at that address, or it cannot be reached [Unreachable, status 101]");
}
#endif

TEST(AddressTest, ALinkLocalOneNeedsItsInterface) {
  const auto error = check_kind(*Address::parse("fe80::1", 4433), "listen on");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->status, Status::InvalidAddress);
  EXPECT_EQ(error->message,
            "cannot listen on 'fe80::1': a link-local address means something on one interface only: name the "
            "interface, as in 'fe80::1%eth0'");
  EXPECT_TRUE(check_kind(*Address::parse("febf:ffff::1", 1), "listen on"));
  EXPECT_FALSE(check_kind(*Address::parse("fe80::1%7", 1), "listen on"));
  EXPECT_FALSE(check_kind(*Address::parse("fec0::1", 1), "listen on"));
}

TEST(AddressTest, OneOfManyMachinesIsForNoConnection) {
  for (const char* many : {"ff02::1", "ff02::1%7", "224.0.0.1", "239.255.255.255", "255.255.255.255"}) {
    const auto error = check_kind(*Address::parse(many, 1), "connect to");
    ASSERT_TRUE(error) << many;
    EXPECT_NE(error->message.find("cannot connect to '"), std::string::npos) << error->message;
    EXPECT_NE(error->message.find("many machines"), std::string::npos) << error->message;
  }
  for (const char* one : {"::", "::1", "0.0.0.0", "127.0.0.1", "223.255.255.255", "240.0.0.1", "255.255.255.254"}) {
    EXPECT_FALSE(check_kind(*Address::parse(one, 1), "connect to")) << one;
  }
  EXPECT_FALSE(check_kind(Address(), "connect from"));
}

TEST(AddressTest, ParsesLiteralsOnly) {
  EXPECT_EQ(Address::parse("192.0.2.1", 1)->to_string(), "192.0.2.1:1");
  EXPECT_EQ(Address::parse("2001:DB8::1", 2)->to_string(), "[2001:db8::1]:2");
  EXPECT_EQ(Address::parse("[::1]", 3)->to_string(), "[::1]:3");
  EXPECT_EQ(Address::parse("fe80::1%7", 4)->scope_id(), 7u);
  for (const char* bad : {"", "localhost", "1.2.3", "1.2.3.4.5", "::1::", "192.0.2.1%1", "[", "[]", "fe80::1%"}) {
    EXPECT_FALSE(Address::parse(bad, 1)) << bad;
  }
  EXPECT_TRUE(Address::any(5).is_any());
  EXPECT_FALSE(Address::parse("127.0.0.1", 1)->is_any());
}

}  // namespace
}  // namespace msquic_py::quic
