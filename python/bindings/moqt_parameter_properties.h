#pragma once

// The typed properties that stand for the parameters of a message. Each is None when the parameter is absent, and
// assigning None removes it. What a value means and which ones there are is the model's business.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>

#include <initializer_list>
#include <type_traits>

#include "moqt/model/message_parameters.h"
#include "moqt_message.h"

namespace msquic_py::python {

/// The parameters of that type, understood as a receiver of `message` does.
moqt::MessageParameters parameters_of_type(const ControlMessage& message, moqt::MessageParameter type);
/// Puts the first parameter that `replacement` holds in the place of the first one with its type.
void replace_parameter(ControlMessage& message, const moqt::ParameterList& replacement);
/// Adds the parameters of `addition` behind those that are there.
void append_parameters(ControlMessage& message, const moqt::ParameterList& addition);

/// A property over a getter and a setter of MessageParameters. `convert` makes the setter's argument from what
/// Python gave, an `Argument`.
template <class Argument, class Class, class Value, class SetArgument, class Convert>
void bind_typed_parameter(Class& cls, moqt::MessageParameter type, const char* name, const char* doc,
                          std::optional<Value> (moqt::MessageParameters::*get)() const noexcept,
                          void (moqt::MessageParameters::*set)(SetArgument), Convert convert) {
  cls.def_prop_rw(
      name, [get, type](const ControlMessage& self) { return (parameters_of_type(self, type).*get)(); },
      [set, type, convert](ControlMessage& self, std::optional<Argument> value) {
        if (!value) return remove_parameter(self.parameters, static_cast<std::uint64_t>(type));
        moqt::MessageParameters replacement;
        (replacement.*set)(convert(*value));
        replace_parameter(self, replacement);
      },
      nb::for_setter(nb::arg("value").none()), doc);
}

template <class Class>
void bind_authorization_tokens(Class& cls) {
  cls.def_prop_ro(
      "authorization_tokens",
      [](const ControlMessage& self) {
        nb::list tokens;
        for (auto& token :
             parameters_of_type(self, moqt::MessageParameter::kAuthorizationToken).authorization_tokens()) {
          tokens.append(std::move(token));
        }
        return nb::tuple(tokens);
      },
      nb::sig("def authorization_tokens(self) -> tuple[AuthorizationToken, ...]"),
      "Every AUTHORIZATION_TOKEN (section 9.2.1.1), in order.");
  cls.def(
      "add_authorization_token",
      [](ControlMessage& self, const moqt::AuthorizationToken& token) {
        moqt::MessageParameters addition;
        addition.add_authorization_token(token);
        append_parameters(self, addition);
      },
      nb::arg("token"), "Appends an AUTHORIZATION_TOKEN; a message may carry several (section 9.2.1.1).");
}

template <class Class>
void bind_typed_parameter(Class& cls, moqt::MessageParameter type) {
  using moqt::MessageParameters;
  using enum moqt::MessageParameter;
  const auto number = [&](const char* name, const char* doc, auto get, auto set) {
    bind_typed_parameter<IntegerArgument>(cls, type, name, doc, get, set,
                                          [name](IntegerArgument value) { return value.checked(name); });
  };
  const auto octet = [&](const char* name, const char* doc, auto get, auto set) {
    bind_typed_parameter<IntegerArgument>(cls, type, name, doc, get, set, [name](IntegerArgument value) {
      return static_cast<std::uint8_t>(value.checked(name, 255));
    });
  };
  const auto same = [&]<class Argument>(std::type_identity<Argument>, const char* name, const char* doc, auto get,
                                        auto set) {
    bind_typed_parameter<Argument>(cls, type, name, doc, get, set, [](const Argument& value) { return value; });
  };
  switch (type) {
    case kDeliveryTimeout:
      return number("delivery_timeout", "DELIVERY_TIMEOUT in milliseconds (section 9.2.1.2). None: no timeout.",
                    &MessageParameters::delivery_timeout, &MessageParameters::set_delivery_timeout);
    case kAuthorizationToken: return bind_authorization_tokens(cls);
    case kMaxCacheDuration:
      return number("max_cache_duration", "MAX_CACHE_DURATION in milliseconds (section 9.2.1.3). None: unlimited.",
                    &MessageParameters::max_cache_duration, &MessageParameters::set_max_cache_duration);
    case kExpires:
      return number("expires", "EXPIRES in milliseconds (section 9.2.1.8). 0 or None: no expiry is known.",
                    &MessageParameters::expires, &MessageParameters::set_expires);
    case kLargestObject:
      return same(std::type_identity<moqt::Location>{}, "largest_object",
                  "LARGEST_OBJECT, the largest Location of the track (section 9.2.1.9). None: no object yet.",
                  &MessageParameters::largest_object, &MessageParameters::set_largest_object);
    case kPublisherPriority:
      return octet("publisher_priority", "PUBLISHER_PRIORITY, 0 (most urgent) to 255 (section 9.2.1.4). None: 128.",
                   &MessageParameters::publisher_priority, &MessageParameters::set_publisher_priority);
    case kForward:
      return same(std::type_identity<bool>{}, "forward",
                  "FORWARD: whether objects are to flow (section 9.2.1.10). None: yes; in SUBSCRIBE_UPDATE: unchanged.",
                  &MessageParameters::forward, &MessageParameters::set_forward);
    case kSubscriberPriority:
      return octet("subscriber_priority", "SUBSCRIBER_PRIORITY, 0 (most urgent) to 255 (section 9.2.1.5). None: 128.",
                   &MessageParameters::subscriber_priority, &MessageParameters::set_subscriber_priority);
    case kSubscriptionFilter:
      return same(std::type_identity<moqt::SubscriptionFilter>{}, "filter",
                  "SUBSCRIPTION_FILTER (section 9.2.1.7). None: unfiltered; in SUBSCRIBE_UPDATE: unchanged.",
                  &MessageParameters::filter, &MessageParameters::set_filter);
    case kGroupOrder:
      return same(std::type_identity<moqt::GroupOrder>{}, "group_order",
                  "GROUP_ORDER (section 9.2.1.6). None: the publisher's choice in a request, ascending in an answer.",
                  &MessageParameters::group_order, &MessageParameters::set_group_order);
    case kDynamicGroups:
      return same(std::type_identity<bool>{}, "dynamic_groups",
                  "DYNAMIC_GROUPS: whether NEW_GROUP_REQUEST is understood (section 9.2.1.11). None: no.",
                  &MessageParameters::dynamic_groups, &MessageParameters::set_dynamic_groups);
    case kNewGroupRequest:
      return number("new_group_request",
                    "NEW_GROUP_REQUEST, the largest group known plus one, 0 when none is (section 9.2.1.12).",
                    &MessageParameters::new_group_request, &MessageParameters::set_new_group_request);
    default: return;  // of no message of draft-15
  }
}

/// The typed properties of a message for which these parameters are defined.
template <class W>
void bind_typed_parameters(MessageClass<W>& message, std::initializer_list<moqt::MessageParameter> types) {
  for (const moqt::MessageParameter type : types) bind_typed_parameter(message.get(), type);
}

}  // namespace msquic_py::python
