#include "quic/trust_roots_openssl.h"

#include <cstdlib>
#include <filesystem>
#include <mutex>

namespace msquic_py::quic {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool load_file(X509_STORE* store, const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && X509_STORE_load_file(store, path.c_str()) == 1;
}

bool load_directory(X509_STORE* store, const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error) && X509_STORE_load_path(store, path.c_str()) == 1;
}

openssl::StorePtr load_system_roots(const std::string& file, const std::string& directory) {
  const openssl::ErrorScope errors;
  openssl::StorePtr store(X509_STORE_new());
  if (!file.empty() || !directory.empty()) {
    if (!file.empty()) load_file(store.get(), file);
    if (!directory.empty()) load_directory(store.get(), directory);
    return store;
  }
  // OpenSSL's own default is a path of the machine that it was built on.
  for (const char* path :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
        "/usr/local/share/certs/ca-root-nss.crt"}) {
    if (load_file(store.get(), path)) return store;
  }
  if (!load_directory(store.get(), "/etc/ssl/certs")) X509_STORE_set_default_paths(store.get());
  return store;
}

}  // namespace

openssl::StorePtr system_roots() {
  struct Cache {
    std::mutex mutex;
    std::string file;
    std::string directory;
    openssl::StorePtr store;
  };
  static Cache* const cache = new Cache;  // never destroyed: MsQuic's threads may outlive static destruction
  std::string file = environment("SSL_CERT_FILE");
  std::string directory = environment("SSL_CERT_DIR");
  const std::lock_guard lock(cache->mutex);
  if (!cache->store || cache->file != file || cache->directory != directory) {
    cache->store = load_system_roots(file, directory);
    cache->file = std::move(file);
    cache->directory = std::move(directory);
  }
  X509_STORE_up_ref(cache->store.get());
  return openssl::StorePtr(cache->store.get());
}

Result<openssl::StorePtr> roots_from_pem(base::Bytes pem, const std::string& source) {
  const openssl::ErrorScope errors;
  openssl::StorePtr store(X509_STORE_new());
  const openssl::Bio text = openssl::memory(pem);
  int count = 0;
  while (true) {
    const openssl::X509Ptr root(PEM_read_bio_X509_AUX(text.get(), nullptr, nullptr, nullptr));
    if (!root) break;
    X509_STORE_add_cert(store.get(), root.get());
    ++count;
  }
  const unsigned long error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (count == 0 || !at_end) {
    return base::Failure{
        Error::own(Status::CertificateFileInvalid,
                   source + (count == 0 ? " holds no PEM certificate" : " holds a malformed certificate"))};
  }
  return store;
}

}  // namespace msquic_py::quic
