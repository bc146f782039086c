#pragma once

#include <string_view>

namespace msquic_py::moqt::wire {

/// authority of RFC 3986 section 3.2 with a host that is not empty (section 3.1.2): [userinfo@]host[:port].
bool is_authority(std::string_view text) noexcept;

/// path-abempty of RFC 3986 section 3.3, then optionally '?' and a query.
bool is_path_and_query(std::string_view text) noexcept;

}  // namespace msquic_py::moqt::wire
