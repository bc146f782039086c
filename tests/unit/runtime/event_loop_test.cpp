#include "runtime/event_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace msquic_py::runtime {
namespace {

using namespace std::chrono_literals;

class Counter : public EventLoop::Participant {
 public:
  std::optional<EventLoop::Time> turn(EventLoop::Time now) override {
    ++turns;
    if (on_turn) on_turn();
    if (again_after) return now + *again_after;
    return std::nullopt;
  }
  int turns = 0;
  std::optional<std::chrono::milliseconds> again_after;
  std::function<void()> on_turn;
};

TEST(EventLoop, RunsTasksInTheOrderOfPosting) {
  EventLoop loop;
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) loop.post([&order, i] { order.push_back(i); });
  loop.stop();
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(EventLoop, IsWokenLaterOrWhenItIsGone) {
  Counter counter;
  std::shared_ptr<EventLoop::Alarm> alarm;
  {
    EventLoop loop;
    alarm = loop.alarm();
    loop.add(counter);
    const auto run_ready = [&] {
      loop.post([&] { loop.stop(); });  // takes effect a round later
      loop.run();
    };
    run_ready();
    EXPECT_TRUE(loop.prepare(counter));
    EXPECT_FALSE(loop.prepare(counter)) << "it is ready already";
    alarm->ring();
    run_ready();
    EXPECT_EQ(counter.turns, 2);
    loop.remove(counter);
  }
  alarm->ring();
}

TEST(EventLoop, RunsTasksPostedByOtherThreads) {
  EventLoop loop;
  int count = 0;
  constexpr int kThreads = 4, kEach = 5000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        loop.post([&] {
          if (++count == kThreads * kEach) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kEach);
}

TEST(EventLoop, GivesATurnToWhoIsReadyAndToNobodyElse) {
  EventLoop loop;
  Counter busy, idle;
  loop.add(busy);
  loop.add(idle);
  busy.on_turn = [&] {
    if (busy.turns == 10) {
      loop.stop();
    } else {
      loop.ready(busy);
    }
  };
  loop.run();
  EXPECT_EQ(busy.turns, 10);
  EXPECT_EQ(idle.turns, 1);  // the one that add() gives
}

TEST(EventLoop, GivesATurnWhenADeadlinePasses) {
  EventLoop loop;
  Counter timed;
  timed.again_after = 5ms;
  timed.on_turn = [&] {
    if (timed.turns == 3) loop.stop();
  };
  const auto before = EventLoop::Clock::now();
  loop.add(timed);
  loop.run();
  EXPECT_EQ(timed.turns, 3);
  EXPECT_GE(EventLoop::Clock::now() - before, 10ms);
}

TEST(EventLoop, ForgetsAParticipantThatIsRemovedWhileReady) {
  EventLoop loop;
  auto doomed = std::make_unique<Counter>();
  Counter remover;
  remover.on_turn = [&] {
    if (!doomed) return;
    loop.ready(*doomed);
    loop.remove(*doomed);
    doomed.reset();  // the address sanitizer proves that the loop does not touch it again
    loop.stop();
  };
  loop.add(remover);
  loop.add(*doomed);
  loop.run();
  EXPECT_EQ(remover.turns, 1);
}

TEST(EventLoop, KeepsManyDeadlinesInOrderThatChangeAllTheTime) {
  DeadlineHeap heap;
  std::vector<DeadlineHeap::Time> expected(200, DeadlineHeap::kNever);
  std::uint32_t random = 1;
  const auto draw = [&] { return random = random * 1664525u + 1013904223u; };
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t slot = (draw() >> 8) % expected.size();
    const std::uint32_t when = (draw() >> 8) % 1000;
    expected[slot] = when < 300 ? DeadlineHeap::kNever : DeadlineHeap::Time(std::chrono::seconds(when));
    heap.set(slot, expected[slot]);
    ASSERT_EQ(heap.earliest(), *std::min_element(expected.begin(), expected.end()));
    if (step % 7 != 0 || heap.empty()) continue;
    const auto earliest = heap.earliest();
    const std::size_t taken = heap.pop();
    ASSERT_EQ(expected[taken], earliest);
    expected[taken] = DeadlineHeap::kNever;
  }
}

TEST(EventLoop, TurnsOfOneAreNoTurnsOfThoseThatWait) {
  EventLoop loop;
  std::vector<std::unique_ptr<Counter>> waiting;
  for (int i = 0; i < 1000; ++i) {
    waiting.push_back(std::make_unique<Counter>());
    waiting.back()->again_after = 1h;
    loop.add(*waiting.back());
  }
  Counter busy;
  busy.on_turn = [&] { busy.turns < 1000 ? loop.ready(busy) : loop.stop(); };
  loop.add(busy);
  loop.run();
  loop.remove(busy);
  EXPECT_EQ(busy.turns, 1000);
  for (auto& each : waiting) {
    EXPECT_LE(each->turns, 1) << "its first";
    loop.remove(*each);
  }
}

TEST(EventLoop, StopWorksFromAnotherThreadWhileWaiting) {
  EventLoop loop;
  std::thread stopper([&] { loop.stop(); });
  loop.run();
  stopper.join();
  EXPECT_FALSE(loop.on_loop_thread());
}

}  // namespace
}  // namespace msquic_py::runtime
