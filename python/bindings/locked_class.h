#pragma once

#include <nanobind/nanobind.h>

#include <utility>

namespace msquic_py::python {

/// A bound class of which every method and property locks the object that it is called on, see ObjectLock. With the
/// GIL, which does this already, it is nanobind's own.
#if !defined(NB_FREE_THREADED)
template <class T, class... Options>
using LockedClass = nanobind::class_<T, Options...>;
#else
template <class T, class... Options>
class LockedClass : public nanobind::class_<T, Options...> {
  using Base = nanobind::class_<T, Options...>;

 public:
  using Base::Base;

  template <class Function, class... Extra>
  LockedClass& def(const char* name, Function&& function, const Extra&... extra) {
    Base::def(name, std::forward<Function>(function), extra..., nanobind::lock_self());
    return *this;
  }
  template <class Visitor, class... Extra>
  LockedClass& def(nanobind::def_visitor<Visitor>&& visitor, const Extra&... extra) {
    Base::def(std::move(visitor), extra...);
    return *this;
  }
  template <class Function, class... Extra>
  LockedClass& def_static(const char* name, Function&& function, const Extra&... extra) {
    Base::def_static(name, std::forward<Function>(function), extra...);
    return *this;
  }
  template <class Getter, class Setter, class... Extra>
  LockedClass& def_prop_rw(const char* name, Getter&& getter, Setter&& setter, const Extra&... extra) {
    Base::def_prop_rw(name, std::forward<Getter>(getter), std::forward<Setter>(setter), extra...,
                      nanobind::lock_self());
    return *this;
  }
  template <class Getter, class... Extra>
  LockedClass& def_prop_ro(const char* name, Getter&& getter, const Extra&... extra) {
    Base::def_prop_ro(name, std::forward<Getter>(getter), extra..., nanobind::lock_self());
    return *this;
  }
  template <class Owner, class Member, class... Extra>
  LockedClass& def_rw(const char* name, Member Owner::*member, const Extra&... extra) {
    Base::def_rw(name, member, extra..., nanobind::lock_self());
    return *this;
  }
  template <class Owner, class Member, class... Extra>
  LockedClass& def_ro(const char* name, Member Owner::*member, const Extra&... extra) {
    Base::def_ro(name, member, extra..., nanobind::lock_self());
    return *this;
  }
};
#endif

}  // namespace msquic_py::python
