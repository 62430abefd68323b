// The torture with branch target identification in force: the program asks the kernel to guard the pages of its own code,
// where from then on an indirect branch traps unless it meets a landing pad. (What a loader does for a program that is
// marked throughout, the C runtime's start files included, and few distributions have those.)
// Exit codes: 0 passed, 1 values lost, 77 this processor or kernel does not enforce it.
#define main torture_main
#include "torture_main.cpp"
#undef main

#include <csignal>     // SIGILL
#include <cstdio>      // printf, fflush
#include <link.h>      // dl_iterate_phdr
#include <sys/auxv.h>  // getauxval
#include <sys/mman.h>  // mprotect
#include <unistd.h>    // write, _exit

namespace {

constexpr unsigned long hwcap2_bti = 1UL << 17;
constexpr int prot_bti = 0x10;

int guard_first_module(dl_phdr_info* module, std::size_t /*bytes*/, void* /*nothing*/) {
  constexpr std::uintptr_t page = 4096;
  int error = 0;
  for (int i = 0; i < module->dlpi_phnum; ++i) {
    const auto& part = module->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
    const std::uintptr_t begin = (module->dlpi_addr + part.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = module->dlpi_addr + part.p_vaddr + part.p_memsz;
    error |= ::mprotect(reinterpret_cast<void*>(begin), end - begin, PROT_READ | PROT_EXEC | prot_bti);  // NOLINT
  }
  return error == 0 ? 1 : 2;  // the program itself comes first, and is enough
}

}  // namespace

// `trap`: jumps to where no landing pad stands, to prove that the guard is in force.
int main(int argc, char** /*argv*/) {
  if ((::getauxval(AT_HWCAP2) & hwcap2_bti) == 0 || ::dl_iterate_phdr(guard_first_module, nullptr) != 1) {
    std::printf("skipped: no branch target identification here\n");
    return 77;
  }
  if (argc > 1) {
    std::signal(SIGILL, [](int) { ::_exit(::write(STDOUT_FILENO, "trapped\n", 8) == 8 ? 0 : 1); });
    asm volatile("adr x2, 1f\n\tbr x2\n1:\n\tnop" : : : "x2");
    std::printf("not stopped\n");
    return 1;
  }
  const int result = torture_main();
  std::fflush(stdout);
  ::_exit(result);  // not through the start files' _fini, which has no landing pad
}
