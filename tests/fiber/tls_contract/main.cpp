// Runs the contract; a first argument "teeth" asks that the wrong accessor is caught, too.
#include <cstring>  // strcmp

__attribute__((visibility("default"))) int tls_contract(bool wrong_one_must_show);

int main(int argc, char** argv) { return tls_contract(argc > 1 && std::strcmp(argv[1], "teeth") == 0); }
