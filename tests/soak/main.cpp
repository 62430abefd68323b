// Everything at once for hours, with data that checks itself: phases of all loads together, and between them a quiet moment in
// which memory, descriptors, mappings and threads are measured. Fails on wrong data, on a load that stands still, on growth.
#include <cstdio>     // printf
#include <exception>  // exception
#include <iterator>   // size
#include <optional>   // optional
#include <unistd.h>   // getpid

#include <CLI/CLI.hpp>
#include <weft/weft.hpp>

#include "load.hpp"
#include "watch.hpp"

namespace {

using namespace std::chrono_literals;

struct named_load {
  const char* name;
  void (*run)(const soak::phase&);
};
constexpr named_load loads[] = {
    {"trees", soak::trees},
    {"detached", soak::detached},
    {"exceptions", soak::exceptions},
    {"stops", soak::stops},
    {"plain_threads", soak::plain_threads},
    {"channels", soak::channels},
    {"locks", soak::locks},
    {"timers", soak::timers},
    {"connections", soak::connections},
    {"pipes", soak::pipes},
    {"files", soak::files},
    {"blocking_calls", soak::blocking_calls},
    {"children", soak::children},
};

struct settings {
  double seconds = 20, phase_seconds = 60, patience_seconds = 120;
  std::uint64_t seed = 1;
  unsigned workers = 2;
  std::string io = "automatic";
  std::vector<std::string> only;
};

using watched = soak::watchdog::watched;

std::optional<std::string> run_load(const named_load& load, const soak::phase& p, watched& its) {
  its.runs.store(true);
  std::optional<std::string> wrong;
  try {
    std::filesystem::create_directories(p.folder);
    load.run(p);
    std::filesystem::remove_all(p.folder);
  } catch (const std::exception& e) {
    wrong = e.what();
  } catch (const weft::cancelled&) {
    wrong = "a stop that nobody asked for";
  }
  its.runs.store(false);
  return wrong;
}

// All loads together. \return whether each found what it has to find
bool run_phase(const settings& s, std::uint64_t number, const std::filesystem::path& folder,
               std::vector<std::unique_ptr<watched>>& watching) {
  const auto end = soak::clock::now() +
                   std::chrono::duration_cast<soak::clock::duration>(std::chrono::duration<double>(s.phase_seconds));
  std::vector<weft::fiber<std::optional<std::string>>> running;
  for (std::size_t i = 0; i < watching.size(); ++i) {
    running.push_back(weft::spawn({.name = watching[i]->name, .spread = true}, [&, i, number] {
      const named_load& load = *std::find_if(std::begin(loads), std::end(loads),
                                             [&](const named_load& l) { return l.name == watching[i]->name; });
      return run_load(load,
                      {s.seed + number, end, std::filesystem::read_symlink("/proc/self/exe"), folder / load.name,
                       watching[i]->rounds},
                      *watching[i]);
    }));
  }
  bool good = true;
  for (auto& f : running) {
    if (const auto wrong = f.join()) {
      std::printf("soak: FAILED in phase %llu, seed %llu: %s\n", static_cast<unsigned long long>(number),
                  static_cast<unsigned long long>(s.seed + number), wrong->c_str());
      good = false;
    }
  }
  return good;
}

void print(std::uint64_t number, const soak::footprint& f, const std::vector<std::unique_ptr<watched>>& watching) {
  std::printf("phase %llu: %zu KiB resident, %zu KiB of heap, %zu descriptors, %zu mappings, %zu threads; rounds:",
              static_cast<unsigned long long>(number), f.resident_kib, f.heap_kib, f.descriptors, f.mappings,
              f.threads);
  for (const auto& w : watching) std::printf(" %s %llu", w->name, static_cast<unsigned long long>(w->rounds.load()));
  std::printf("\n");
  std::fflush(stdout);
}

weft::io_backend backend(const std::string& name) {
  if (name == "epoll") return weft::io_backend::epoll;
  return name == "uring" ? weft::io_backend::uring : weft::io_backend::automatic;
}

int soak_for(const settings& s) {
  std::vector<std::unique_ptr<watched>> watching;
  for (const named_load& l : loads) {
    if (s.only.empty() || std::find(s.only.begin(), s.only.end(), l.name) != s.only.end())
      watching.push_back(std::make_unique<watched>(l.name));
  }
  const auto folder = std::filesystem::temp_directory_path() / ("weft-soak-" + std::to_string(::getpid()));
  const auto end =
      soak::clock::now() + std::chrono::duration_cast<soak::clock::duration>(std::chrono::duration<double>(s.seconds));
  const soak::footprint before = soak::measure();
  std::vector<soak::footprint> quiet;
  bool good = true;
  {
    const soak::watchdog dog(watching, std::chrono::seconds(static_cast<long>(s.patience_seconds)));
    good = weft::run({.workers = s.workers, .io = backend(s.io)}, [&] {
      for (std::uint64_t number = 0; soak::clock::now() < end; ++number) {
        if (!run_phase(s, number, folder, watching)) return false;
        weft::this_fiber::sleep_for(3s);  // until the stacks of those that have ended are given back
        quiet.push_back(soak::measure());
        print(number, quiet.back(), watching);
      }
      return true;
    });
  }
  std::filesystem::remove_all(folder);
  const std::size_t left = soak::measure().descriptors;
  if (good && left > before.descriptors + s.workers) {  // a worker keeps the eventfd that wakes it for the next runtime
    std::printf("soak: FAILED: %zu descriptors before the runtime, %zu after it:\n%s", before.descriptors, left,
                soak::open_descriptors().c_str());
    good = false;
  }
  for (const std::string& grown : soak::drift(quiet)) {
    std::printf("soak: FAILED: it grows: %s\n", grown.c_str());
    good = false;
  }
  if (quiet.size() < soak::least_for_drift) std::printf("soak: too few phases to judge growth: %zu\n", quiet.size());
  if (good) std::printf("soak: passed: %zu phases\n", quiet.size());
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  std::string child;
  CLI::App app("weft's soak: every kind of work at once, checked, with memory and descriptors watched");
  app.add_option("--seconds", s.seconds, "how long, rounded up to whole phases")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--phase", s.phase_seconds, "seconds of one phase")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--patience", s.patience_seconds, "seconds without a round after which a load counts as stuck")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  app.add_option("--seed", s.seed, "of the first phase; each next one has the next")->capture_default_str();
  app.add_option("--workers", s.workers, "of the runtime")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--io", s.io, "how descriptors are waited for")
      ->check(CLI::IsMember({"automatic", "epoll", "uring"}))
      ->capture_default_str();
  std::vector<std::string> names;
  for (const named_load& l : loads) names.emplace_back(l.name);
  app.add_option("--only", s.only, "loads to run")->check(CLI::IsMember(names));
  app.add_option("--child", child, "how to end, for a child of the program")->group("");
  CLI11_PARSE(app, argc, argv);
  return child.empty() ? soak_for(s) : soak::be_child(child);
}
