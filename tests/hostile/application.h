#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hostile/host.h"
#include "hostile/moves.h"
#include "moqt/pubsub/endpoint.h"

namespace msquic_py::hostile {

/// Writers that several applications publish on their sessions.
using SharedWriters = std::vector<std::shared_ptr<moqt::pubsub::TrackWriter>>;

/// An application on a session, with writers and readers: it does what an application may, and now and then what it
/// must not, for which it is told so.
class Application final : public Host {
 public:
  explicit Application(SharedWriters& shared) noexcept : shared_(shared) {}

  void begin(moqt::session::Session& session, moqt::objects::Outlet& outlet) override;
  bool on_events(moqt::session::Time now) override;
  void end() override;

  /// One thing that an application can do.
  void move(Moves& moves);
  /// When its session is over: what has not ended with it; empty when all is well.
  [[nodiscard]] std::string what_is_left();

 private:
  struct Take;

  void make_writer(Moves& moves);
  void write(Moves& moves);
  void end_writer(Moves& moves);
  void subscribe(Moves& moves);
  void fetch(Moves& moves);
  void end_reader(Moves& moves);
  void answer(Moves& moves);
  void answer_fetch(Moves& moves);
  void ask(Moves& moves);
  void read(Moves& moves);
  void misuse(Moves& moves);
  [[nodiscard]] std::shared_ptr<moqt::pubsub::TrackWriter> writer(Moves& moves) const;
  [[nodiscard]] moqt::session::RequestHandle request(Moves& moves) const;

  SharedWriters& shared_;
  std::optional<moqt::pubsub::Endpoint> endpoint_;
  std::vector<std::shared_ptr<moqt::pubsub::TrackWriter>> writers_;
  std::vector<std::shared_ptr<moqt::pubsub::GroupWriter>> groups_;
  std::vector<std::shared_ptr<moqt::pubsub::TrackReader>> readers_;
  std::vector<std::shared_ptr<moqt::pubsub::FetchReader>> fetches_;
  std::vector<std::shared_ptr<moqt::pubsub::FetchResponse>> responses_;
  std::vector<moqt::session::RequestHandle> requests_;    ///< of the peer, and our own, of any kind
  std::vector<moqt::session::RequestHandle> offers_;      ///< PUBLISHes of the peer that are not answered
  std::vector<moqt::session::RequestHandle> subscribes_;  ///< SUBSCRIBEs of the peer that are not answered
};

}  // namespace msquic_py::hostile
