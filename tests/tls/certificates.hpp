// Certificates made while the tests run: nothing secret is checked in, and none expires on the shelf.
#pragma once
#include <memory>  // shared_ptr
#include <string>  // string
#include <vector>  // vector

#include <weft/tls/context.hpp>  // identity

struct evp_pkey_st;
struct x509_st;

namespace weft_test {

struct certificate_request {
  std::string name = "localhost";  // the subject's CN
  std::vector<std::string> alternatives = {"DNS:localhost", "IP:127.0.0.1"};
  long valid_from_s = -3600, valid_until_s = 3600;  // from now on
  bool for_client = false;
  bool self_signed = false;
  bool rsa = false;  // instead of an elliptic curve
  int padding = 0;   // bytes of an organization's name, for certificates that are large
};

class authority {
 public:
  explicit authority(const std::string& name = "weft test authority");
  weft::tls::identity issue(const certificate_request& wanted = {}) const;
  // An authority whose own certificate this one has signed. Its identities bring that certificate along.
  authority intermediate(const std::string& name) const;
  const std::string& pem() const { return pem_; }

 private:
  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<x509_st> certificate_;
  std::string pem_;
  std::string chain_;  // what identities show besides their own
};

// The same with its key encrypted.
weft::tls::identity encrypted(weft::tls::identity own, const std::string& password);

// One for all tests that do not care.
const authority& common_authority();

}  // namespace weft_test
