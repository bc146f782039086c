#pragma once

#include <array>
#include <cstddef>

#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire {

/// A text as a template argument.
template <std::size_t Size>
struct Text {
  char characters[Size]{};
  constexpr Text(const char (&text)[Size]) noexcept {  // NOLINT(google-explicit-constructor)
    for (std::size_t i = 0; i < Size; ++i) characters[i] = text[i];
  }
};

namespace cited {

template <Text What, Text Section>
struct Joined {
  static constexpr std::size_t kSize = sizeof What.characters + sizeof Section.characters + 10;
  static constexpr std::array<char, kSize> kText = [] {
    std::array<char, kSize> out{};
    std::size_t at = 0;
    const auto put = [&](const char* text) {
      while (*text != '\0') out[at++] = *text++;
    };
    put(What.characters);
    put(" (section ");
    put(Section.characters);
    put(")");
    return out;
  }();
};

}  // namespace cited

/// "What (section 9.2)": what was violated and where a draft says so. The sections are the draft's own.
template <Text What, Text Section>
inline constexpr const char* kCited = cited::Joined<What, Section>::kText.data();

template <Text What, Text Section>
inline constexpr base::Violation kViolates = protocol_violation(kCited<What, Section>);

}  // namespace msquic_py::moqt::wire
