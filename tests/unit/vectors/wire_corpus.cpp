// For tools/compare_codecs.py, which gives what this prints to another codec, and what that prints to this.
//
//                                                          usage: wire_corpus make DRAFT SEED COUNT
//                                                                 wire_corpus read
// make prints so many lines "DRAFT KIND HEX JSON", chosen at random: the bytes and what was meant. A KIND is control,
// subgroup, fetch, descending (a fetch in descending order) or datagram.
// read answers each line "DRAFT KIND HEX" of its input with "ok AGAIN JSON", the bytes encoded again ("-" where there
// are several ways) and what they say, or with "no REASON".

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "moqt/wire/codec.h"
#include "unit/vectors/message_json.h"
#include "unit/vectors/random_message.h"
#include "unit/vectors/random_streams.h"
#include "unit/vectors/stream_json.h"
#include "unit/vectors/stream_reading.h"

namespace msquic_py::tests {
namespace {

using moqt::Draft;
using moqt::GroupOrder;
using namespace moqt::wire;

/// What is malformed, or another one's fault; the text of the answer.
using Refused = std::runtime_error;

std::string reason(const EncodeError& error) { return std::string(moqt::wire::describe(error)); }

void print(Draft draft, const char* kind, const Written& made) {
  std::cout << static_cast<int>(draft) << ' ' << kind << ' ' << to_hex(made.bytes) << ' ' << made.says << '\n';
}

void print_one(RandomValues& values) {
  const Draft draft = values.draft();
  switch (values.below(6)) {
    case 0: return print(draft, "subgroup", random_subgroup(values));
    case 1: return print(draft, "datagram", random_datagram(values));
    case 2:
      return values.coin() ? print(draft, "descending", random_fetch(values, GroupOrder::kDescending))
                           : print(draft, "fetch", random_fetch(values, GroupOrder::kAscending));
    default: break;
  }
  const ControlMessage message = random_message(values);
  Written made;
  if (const auto encoded = encode_control_message(draft, message, made.bytes); !encoded.ok()) {
    throw Refused(std::string(name(type_of(message.body), draft)) + ": " + reason(encoded.error()));
  }
  made.says = to_json(draft, message);
  print(draft, "control", made);
}

struct Reading {
  std::string again = "-";
  Json says;
};

Reading read_control(Draft draft, base::Bytes bytes) {
  const auto decoded = decode_control_message(draft, bytes);
  if (decoded.violated()) throw Refused(describe(decoded.violation()));
  if (!decoded.ok() || decoded->size != bytes.size()) throw Refused("not one whole message");
  base::ByteVector again;
  const auto encoded = encode_control_message(draft, decoded->message, again);
  if (!encoded.ok()) throw Refused(std::string("read, but not written: ") + reason(encoded.error()));
  return {to_hex(again), to_json(draft, decoded->message)};
}

Reading read_stream(const StreamReading& stream) {
  if (stream.violation) throw Refused(describe(*stream.violation));
  if (stream.at_fin) throw Refused(describe(*stream.at_fin));
  return {"-", {{"header", stream.header}, {"objects", stream.objects}}};
}

Reading read_datagram(Draft draft, base::Bytes bytes) {
  const auto decoded = decode_object_datagram(draft, base::SharedBytes::copy_of(bytes));
  if (!decoded.ok()) throw Refused(describe(decoded.violation()));
  base::ByteVector again;
  if (const auto encoded = encode_object_datagram(draft, *decoded, again); !encoded.ok()) {
    throw Refused(std::string("read, but not written: ") + reason(encoded.error()));
  }
  return {to_hex(again), datagram_json(draft, *decoded)};
}

Reading read(Draft draft, std::string_view kind, base::Bytes bytes) {
  if (kind == "control") return read_control(draft, bytes);
  if (kind == "datagram") return read_datagram(draft, bytes);
  // In chunks, as a session reads.
  const auto order = kind == "descending" ? GroupOrder::kDescending : GroupOrder::kAscending;
  return read_stream(read_in_chunks(draft, bytes, 7, order));
}

void answer_lines() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    int draft = 0;
    std::string kind;
    std::string hex;
    words >> draft >> kind >> hex;
    try {
      const Reading reading = read(static_cast<Draft>(draft), kind, bytes_of(Json(hex)));
      std::cout << "ok " << reading.again << ' ' << reading.says << '\n';
    } catch (const std::exception& refused) {
      std::cout << "no " << refused.what() << '\n';
    }
  }
}

}  // namespace
}  // namespace msquic_py::tests

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "read" && argc == 2) {
    msquic_py::tests::answer_lines();
    return 0;
  }
  if (what != "make" || argc != 5) {
    std::cerr << "usage: wire_corpus make DRAFT SEED COUNT | wire_corpus read\n";
    return 2;
  }
  msquic_py::tests::RandomValues values(static_cast<msquic_py::moqt::Draft>(std::atoi(argv[2])),
                                        static_cast<unsigned>(std::atoi(argv[3])));
  try {
    for (int i = std::atoi(argv[4]); i > 0; --i) msquic_py::tests::print_one(values);
  } catch (const std::exception& failure) {
    std::cerr << "wire_corpus: " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
