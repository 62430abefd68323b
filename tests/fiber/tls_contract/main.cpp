// Runs the contract; a first argument "teeth" asks that the wrong accessor is caught, too.
#include <cstdio>   // puts
#include <cstring>  // strcmp

__attribute__((visibility("default"))) int tls_contract(bool wrong_one_must_show);

int main(int argc, char** argv) {
  const int failed = tls_contract(argc > 1 && std::strcmp(argv[1], "teeth") == 0);
  if (failed == 0) std::puts("tls contract: end, it was kept");  // what ctest looks for
  return failed;
}
