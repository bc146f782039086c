#include <nanobind/stl/string.h>

#include "moqt/model/authorization_token.h"
#include "moqt_arguments.h"
#include "moqt_topics.h"
#include "moqt_value.h"

namespace msquic_py::python {

using moqt::AuthorizationToken;
using moqt::TokenAliasType;

void bind_authorization_token(nb::module_& m) {
  using enum TokenAliasType;
  nb::enum_<TokenAliasType>(m, "TokenAliasType", nb::is_arithmetic(),
                            "What a token does with the token cache of its receiver (section 9.2.1.1).")
      .value("DELETE", kDelete)
      .value("REGISTER", kRegister)
      .value("USE_ALIAS", kUseAlias)
      .value("USE_VALUE", kUseValue);

  nb::class_<AuthorizationToken> cls(m, "AuthorizationToken",
                                     "The value of an AUTHORIZATION_TOKEN parameter (section 9.2.1.1). Immutable.\n\n"
                                     "`alias` counts for all alias types but USE_VALUE; `token_type` and `value` for\n"
                                     "REGISTER and USE_VALUE. Token type 0 means a form agreed out of band.");
  cls.def(
         "__init__",
         [](AuthorizationToken* self, TokenAliasType alias_type, IntegerArgument alias, IntegerArgument token_type,
            const BufferArgument& value) {
           new (self) AuthorizationToken{alias_type, alias.checked("alias"), token_type.checked("token_type"),
                                         to_vector(value.bytes())};
         },
         nb::arg("alias_type") = kUseValue, nb::arg("alias") = 0, nb::arg("token_type") = 0,
         nb::arg("value") = nb::bytes("", 0))
      .def_ro("alias_type", &AuthorizationToken::alias_type)
      .def_ro("alias", &AuthorizationToken::alias)
      .def_ro("token_type", &AuthorizationToken::token_type)
      .def_prop_ro("value", [](const AuthorizationToken& self) { return to_python(self.value); })
      // A token is a secret: it does not go into logs by way of repr().
      .def("__repr__", [](nb::handle self) {
        const auto& token = nb::cast<const AuthorizationToken&>(self);
        return representation(self,
                              {{"alias_type", nb::cast(token.alias_type)},
                               {"alias", nb::cast(token.alias)},
                               {"token_type", nb::cast(token.token_type)},
                               {"value", nb::str(("<" + std::to_string(token.value.size()) + " bytes>").c_str())}});
      });
  bind_value_semantics<AuthorizationToken>(cls, [](const AuthorizationToken& token) {
    return nb::make_tuple(token.alias_type, token.alias, token.token_type, to_python(token.value));
  });
}

}  // namespace msquic_py::python
