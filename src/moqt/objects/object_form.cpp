#include "moqt/objects/object_form.h"

#include <algorithm>
#include <utility>

#include "moqt/objects/stored_group.h"
#include "moqt/objects/stored_object.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::moqt::objects {

namespace {

/// The form of the object in that draft; makes one with `make` when there is none.
template <class Make>
const ObjectForm* find_or_make(StoredObject& object, Draft draft, Make make) {
  if (!object.forms) object.forms = std::make_unique<std::vector<ObjectForm>>();
  auto& forms = *object.forms;
  auto found = std::find_if(forms.begin(), forms.end(), [&](const ObjectForm& form) { return form.draft == draft; });
  if (found == forms.end()) {
    forms.push_back(make());
    found = forms.end() - 1;
    found->draft = draft;
  }
  return found->sayable ? &*found : nullptr;
}

}  // namespace

const ObjectForm* stream_form(StoredObject& object, Draft draft, bool has_extensions, base::SlabArena& arena) {
  return find_or_make(object, draft, [&] {
    ObjectForm form;
    form.sayable = false;
    base::ByteVector block;
    if (has_extensions && object.extensions_size > 0) {
      auto translated = session::translate_extension_block(object.draft, draft, object.extensions().view());
      if (!translated.ok()) return form;
      block = std::move(*translated);
    }
    const auto encoded = session::encode_object(draft, arena, object.id,
                                                has_extensions ? std::optional<base::Bytes>(block) : std::nullopt,
                                                object.payload_length, object.status);
    if (!encoded.ok()) return form;
    form.wire = encoded->wire;
    form.delta_size = static_cast<std::uint32_t>(encoded->delta_size);
    form.sayable = true;
    return form;
  });
}

const ObjectForm* datagram_form(StoredObject& object, Draft draft, const StoredGroup& group, base::SlabArena& arena) {
  return find_or_make(object, draft, [&] {
    ObjectForm form;
    form.sayable = false;
    auto block = session::translate_extension_block(object.draft, draft, object.extensions().view());
    if (!block.ok()) return form;
    session::DatagramFields fields;
    fields.location = {group.id(), object.id};
    fields.publisher_priority = object.publisher_priority;
    fields.extension_block = *block;
    if (object.status != ObjectStatus::kNormal) fields.status = object.status;
    fields.end_of_group = !fields.status && group.end == object.id + 1;
    const base::SharedBytes payload = object.payload_at(0);
    fields.payload = payload.view();
    auto encoded = session::encode_datagram(draft, arena, fields);
    if (!encoded.ok()) return form;
    form.wire = std::move(encoded->after_alias);
    form.datagram_type = encoded->properties.type;
    form.sayable = true;
    return form;
  });
}

base::SharedBytes extensions_for(const StoredObject& object, Draft draft, base::SlabArena& arena) {
  if (object.extensions_size == 0) return {};
  if (session::same_object_form(object.draft, draft)) return object.extensions();
  const auto block = session::translate_extension_block(object.draft, draft, object.extensions().view());
  return block.ok() ? arena.copy(*block) : base::SharedBytes{};
}

}  // namespace msquic_py::moqt::objects
