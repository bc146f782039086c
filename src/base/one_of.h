#pragma once

#include <type_traits>

namespace msquic_py::base {

/// T is one of Ts. For visitors that name what they pass over: an alternative that is added later does not compile
/// before somebody has said what becomes of it.
template <class T, class... Ts>
concept OneOf = (std::is_same_v<std::remove_cvref_t<T>, Ts> || ...);

}  // namespace msquic_py::base
