// micro_bench: what takes nanoseconds, all contenders in one program.
#include "micro/micro.hpp"

int main(int argc, char** argv) {
  micro::add_switches();
  micro::add_locks();
  micro::add_messages();
  micro::add_values();
  micro::add_boost();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
