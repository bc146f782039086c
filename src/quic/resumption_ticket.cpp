#include "quic/resumption_ticket.h"

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace msquic_py::quic {
namespace {

constexpr std::string_view kMagic = "mqt2";

}  // namespace

base::ByteVector ResumptionTicket::encode() const {
  base::ByteVector out;
  base::ByteWriter writer(out);
  writer.write_bytes(base::as_bytes(kMagic));
  for (const std::string_view text : {server_name, alpn, trust}) {
    writer.write_varint(text.size());
    writer.write_bytes(base::as_bytes(text));
  }
  writer.write_bytes(opaque);
  return out;
}

std::optional<ResumptionTicket> ResumptionTicket::decode(base::Bytes bytes) noexcept {
  base::ByteReader reader(bytes);
  const auto magic = reader.read_bytes(kMagic.size());
  if (!magic || base::as_text(*magic) != kMagic) return std::nullopt;
  ResumptionTicket ticket;
  for (std::string_view* text : {&ticket.server_name, &ticket.alpn, &ticket.trust}) {
    const auto size = reader.read_varint();
    const auto content = size ? reader.read_bytes(*size) : std::nullopt;
    if (!content) return std::nullopt;
    *text = base::as_text(*content);
  }
  ticket.opaque = reader.rest();
  if (ticket.opaque.empty()) return std::nullopt;
  return ticket;
}

}  // namespace msquic_py::quic
