#include "moqt/model/object_status.h"

#include "moqt/model/group_order.h"

namespace msquic_py::moqt {

std::string_view name(ObjectStatus status) noexcept {
  switch (status) {
    case ObjectStatus::kNormal: return "NORMAL";
    case ObjectStatus::kDoesNotExist: return "DOES_NOT_EXIST";
    case ObjectStatus::kEndOfGroup: return "END_OF_GROUP";
    case ObjectStatus::kEndOfTrack: return "END_OF_TRACK";
  }
  return "UNKNOWN";
}

std::string_view name(GroupOrder order) noexcept {
  switch (order) {
    case GroupOrder::kAscending: return "ASCENDING";
    case GroupOrder::kDescending: return "DESCENDING";
  }
  return "UNKNOWN";
}

}  // namespace msquic_py::moqt
