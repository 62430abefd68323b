// All that moves bytes under faults of the system calls: by seeds, at each k-th call, and with more ends than a ring has room
// for. No byte is lost, doubled or out of order, nothing hangs, nothing stays open.
#include "net/session.hpp"

#include <optional>  // optional

namespace {

using namespace weft_test;
using weft::detail::os::call;
using weft::testing::seeded_random;
namespace d = weft::detail;

class Session : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Session, testing::Values(1U, 2U));

// \return how many faults were met
std::uint64_t expect_to_go_well(weft::runtime& rt, std::uint64_t seed, std::vector<fault_mix> mixes,
                                std::size_t bytes) {
  const open_things before;
  const seeded_faults plan(seed, std::move(mixes));
  try {
    rt.run([&] { session(seed, plan, bytes).run(); });
  } catch (const std::exception& failure) {
    ADD_FAILURE() << failure.what();
  }
  EXPECT_EQ(open_things(), before);
  return plan.planted();
}

TEST_P(Session, GoesWellUnderFaultsOfAnySeed) {
  weft::runtime rt(workers(GetParam()));
  std::uint64_t faults = 0;
  under_io_seeds(100, [&](std::uint64_t seed) {
    seeded_random drawn(seed);
    std::vector<fault_mix> mixes;
    for (fault_mix& mix : everyday_faults()) {
      constexpr std::array chances{4U, 10U, 30U};
      constexpr std::array runs{1U, 1U, 2U, 5U};
      mix.one_in = chances[drawn.below(chances.size())];
      mix.in_a_row = runs[drawn.below(runs.size())];
      if (drawn.below(2) == 0) mixes.push_back(mix);
    }
    faults += expect_to_go_well(rt, seed, std::move(mixes), 3000 + drawn.below(9000));
  });
  EXPECT_GT(faults, 0U);
}

TEST_P(Session, GoesWellWhicheverCallFailsOnce) {
  weft::runtime rt(workers(GetParam()));
  hang_guard guard;
  int met = 0, planted = 0;
  for (const fault_mix& mix : everyday_faults()) {
    for (const auto& fault : mix.faults) {
      for (std::uint64_t k = 0; k < (weft::testing::instrumented ? 2 : 4); ++k) {
        const std::string what = "call " + std::to_string(static_cast<int>(mix.which)) + ", number " +
                                 std::to_string(k) + ", errno " + std::to_string(fault.error);
        SCOPED_TRACE(what);
        guard.goes_on(what);
        met += expect_to_go_well(rt, k, {{.which = mix.which, .faults = {fault}, .only = k}}, 2000) != 0 ? 1 : 0;
        ++planted;
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_GT(met, planted / 2);
}

// Ends that find no room in the ring are kept by the kernel: those of the session among thousands of others.
TEST(RingSession, GoesWellWhileMoreEndsThanThereIsRoomFor) {
  if (d::why_no_uring() != 0) {
    GTEST_SKIP() << "no io_uring here: errno " << d::why_no_uring();
  }
  weft::runtime rt({.workers = 1, .io = weft::io_backend::uring});
  hang_guard guard;
  const open_things before;
  const seeded_faults none(1, {});
  rt.run([&] {
    for (int lap = 0; lap < rounds(3, 1); ++lap) {
      guard.goes_on("lap " + std::to_string(lap));
      const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
      weft::scope all;
      for (int i = 0; i < 2500; ++i) {
        all.spawn([fd] { weft::net::wait_readable(fd); });
      }
      std::optional<weft::fiber<void>> moving(weft::spawn([&] { session(7, none, 20000).run(); }));
      let_others_run(5 + lap);
      EXPECT_EQ(::eventfd_write(fd, 1), 0);
      all.join();
      moving->join();
      ::close(fd);
    }
  });
  EXPECT_EQ(open_things(), before);
}

}  // namespace
