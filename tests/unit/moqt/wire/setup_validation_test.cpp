#include <gtest/gtest.h>

#include "moqt/model/error_codes.h"
#include "moqt/wire/setup.h"

namespace msquic_py::moqt::wire {
namespace {

std::uint64_t code(const std::optional<base::Violation>& violation) { return violation ? violation->code : 0; }
constexpr std::uint64_t number(SessionErrorCode error) { return static_cast<std::uint64_t>(error); }

ClientSetup with_path(std::string_view path) {
  ClientSetup setup;
  setup.parameters.set_path(path);
  return setup;
}
ClientSetup with_authority(std::string_view authority) {
  ClientSetup setup;
  setup.parameters.set_authority(authority);
  return setup;
}

// [d15 §9.3.1.2-4]
TEST(SetupValidation, PathSyntax) {
  for (const char* path : {"", "/", "/moqt", "/a/b;v=1:@", "/a%20b", "?q", "/a?x=1&y=/?", "//"}) {
    EXPECT_EQ(code(validate_client_setup(with_path(path), SessionTransport::kQuic)), 0u) << path;
  }
  for (const char* path : {"moqt", "/a b", "/%2", "/%zz", "/a#f", "/a?x#f", "/\x80", "/a[b"}) {
    EXPECT_EQ(code(validate_client_setup(with_path(path), SessionTransport::kQuic)),
              number(SessionErrorCode::kMalformedPath))
        << path;
  }
}

// [d15 §3.1.2-1, §9.3.1.1-4]
TEST(SetupValidation, AuthoritySyntax) {
  for (const char* authority : {"localhost", "localhost:4443", "127.0.0.1:1", "[::1]:443", "[2001:db8::1]",
                                "[1:2:3:4:5:6:7:8]", "[::ffff:192.0.2.1]", "[v1.a:b]", "user:pw@host", "h:", "a%20b"}) {
    EXPECT_EQ(code(validate_client_setup(with_authority(authority), SessionTransport::kQuic)), 0u) << authority;
  }
  for (const char* authority : {"", ":443", "@", "a b", "h:44x", "[::1", "[:::]", "[1:2]", "[1::2::3]", "[12345::]",
                                "[::256.1.1.1]", "[v.a]", "[::1]x", "h/p", "a@b@c", "[1:2:3:4:5:6:7::8]"}) {
    EXPECT_EQ(code(validate_client_setup(with_authority(authority), SessionTransport::kQuic)),
              number(SessionErrorCode::kMalformedAuthority))
        << authority;
  }
}

// [d15 §9.3.1.1-2, §9.3.1.2-2]
TEST(SetupValidation, NeitherOverWebTransportNorFromAServer) {
  EXPECT_EQ(code(validate_client_setup(with_path("/a"), SessionTransport::kWebTransport)),
            number(SessionErrorCode::kInvalidPath));
  EXPECT_EQ(code(validate_client_setup(with_authority("a"), SessionTransport::kWebTransport)),
            number(SessionErrorCode::kInvalidAuthority));
  EXPECT_EQ(code(validate_client_setup({}, SessionTransport::kWebTransport)), 0u);
  EXPECT_EQ(code(validate_server_setup({with_path("/a").parameters})), number(SessionErrorCode::kInvalidPath));
  EXPECT_EQ(code(validate_server_setup({with_authority("a").parameters})), number(SessionErrorCode::kInvalidAuthority));
  EXPECT_EQ(code(validate_server_setup({})), 0u);
}

// [d15 §9.4-5]
TEST(SetupValidation, GoawayWithAUriIsForClients) {
  EXPECT_EQ(code(validate_goaway({"moqt://b"}, Perspective::kServer)), number(SessionErrorCode::kProtocolViolation));
  EXPECT_EQ(code(validate_goaway({"moqt://b"}, Perspective::kClient)), 0u);
  EXPECT_EQ(code(validate_goaway({""}, Perspective::kServer)), 0u);
}

}  // namespace
}  // namespace msquic_py::moqt::wire
