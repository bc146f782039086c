#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>

namespace msquic_py::base {

/// Memory that is held on somebody's behalf, in bytes. What an account holds, the account above it holds as well: a
/// track's memory is the tracks', theirs is the process's. Any thread may charge and give back.
class Account {
 public:
  static constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

  explicit Account(std::shared_ptr<Account> above = nullptr, std::size_t limit = kUnlimited) noexcept
      : above_(std::move(above)), limit_(limit) {}
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;
  /// Everything has been given back.
  ~Account() { assert(bytes() == 0); }

  void charge(std::size_t bytes) noexcept {
    for (Account* each = this; each != nullptr; each = each->above_.get())
      each->held_.fetch_add(bytes, std::memory_order_relaxed);
  }
  void give_back(std::size_t bytes) noexcept {
    for (Account* each = this; each != nullptr; each = each->above_.get())
      each->held_.fetch_sub(bytes, std::memory_order_relaxed);
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return held_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  /// It has reached its own limit, whatever those above have.
  [[nodiscard]] bool full() const noexcept { return bytes() >= limit_; }
  /// Whether neither this account nor one above it has reached its limit. Nothing stops a charge beyond it: whoever
  /// wants to begin something new asks first.
  [[nodiscard]] bool has_room() const noexcept {
    for (const Account* each = this; each != nullptr; each = each->above_.get()) {
      if (each->bytes() >= each->limit_) return false;
    }
    return true;
  }

 private:
  const std::shared_ptr<Account> above_;
  const std::size_t limit_;
  std::atomic<std::size_t> held_{0};
};

/// A part of an account that is given back when this goes. Not for several threads.
class Charge {
 public:
  Charge() noexcept = default;
  explicit Charge(std::shared_ptr<Account> account, std::size_t bytes = 0) noexcept : account_(std::move(account)) {
    set(bytes);
  }
  Charge(Charge&& other) noexcept
      : account_(std::move(other.account_)), bytes_(std::exchange(other.bytes_, std::size_t{0})) {}
  Charge& operator=(Charge&& other) noexcept {
    set(0);
    account_ = std::move(other.account_);
    bytes_ = std::exchange(other.bytes_, std::size_t{0});
    return *this;
  }
  ~Charge() { set(0); }

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  void set(std::size_t bytes) noexcept {
    if (account_ && bytes > bytes_) account_->charge(bytes - bytes_);
    if (account_ && bytes < bytes_) account_->give_back(bytes_ - bytes);
    bytes_ = bytes;
  }

 private:
  std::shared_ptr<Account> account_;
  std::size_t bytes_ = 0;
};

}  // namespace msquic_py::base
