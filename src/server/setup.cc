// SPDX-License-Identifier: Apache-2.0
#include "server/setup.h"

#include <unistd.h>

#include <optional>

#include "base/files.h"
#include "core/arm.h"

namespace lazuli::server {
namespace {

constexpr uint64_t kBodyBytesMax = 16 * 1024;

class Setup final : public core::Service {
 public:
  Setup(const core::Installation& installation, directory::Directory& directory,
        authorization::Authorization& authorization)
      : installation_(installation), directory_(directory), authorization_(authorization) {}

  void describe(core::Manifest& manifest) const override {
    manifest.service = "setup";
    manifest.depends_on = {"directory", "authorization"};
    core::Route route;
    route.host = core::Host::kPlain;
    route.method = http::Method::kPost;
    route.path = "/setup";
    route.anonymous = true;
    route.body_bytes_max = kBodyBytesMax;
    route.operation_id = "Setup_Redeem";
    route.summary = "Makes the first person with the one-time code of the first start.";
    route.handler = [this](core::RequestContext& context) { return redeem(context); };
    manifest.routes.push_back(std::move(route));
  }
  Result<void> start(const core::ServiceContext& context) override {
    handle_.emplace(context.db);
    return {};
  }
  void stop() noexcept override {}

 private:
  // One transaction: the code is used up exactly if there is an Owner by it.
  Result<http::Response> redeem(core::RequestContext& context) const {
    // Jobs reach the server through a relay on a unix socket, which counts as this machine
    // elsewhere.
    const bool from_a_job = context.head().peer.starts_with("unix");
    if (!context.head().loopback_peer || from_a_job || !context.head().tls)
      return permission_denied("the setup code is taken from this machine alone, over TLS",
                               "InvalidSetupCode");
    const Json body = TRY(context.json());
    directory::FirstPerson person{body["userPrincipalName"].text(), body["displayName"].text(), {}};
    SecretString code(body["code"].str());
    TRY(directory_.check_setup_code(code));  // before a hash that takes memory and time
    person.password_hash = TRY(directory_.hash_password(SecretString(body["password"].str())));
    directory::Principal made = TRY(handle_->write([&](db::Tx& tx) -> Result<directory::Principal> {
      directory::Principal owner = TRY(directory_.redeem_setup_code(tx, code, person));
      TRY(authorization_.assign(tx, owner.object_id, std::string(authorization::kOwnerRole), "/"));
      return owner;
    }));
    ::unlink(setup_code_file(installation_.data_dir).c_str());
    return core::json_response(
        Json::object({{"id", made.object_id}, {"userPrincipalName", made.upn}}), 201);
  }

  const core::Installation& installation_;
  directory::Directory& directory_;
  authorization::Authorization& authorization_;
  std::optional<db::Database::Handle> handle_;
};

}  // namespace

std::string setup_code_file(const std::string& data_dir) { return data_dir + "/setup-code"; }

Result<void> write_setup_code(directory::Directory& directory, const std::string& data_dir) {
  SecretString code = TRY(directory.make_setup_code());
  return write_file_durably(setup_code_file(data_dir), code.expose());
}

std::unique_ptr<core::Service> make_setup(const core::Installation& installation,
                                          directory::Directory& directory,
                                          authorization::Authorization& authorization) {
  return std::make_unique<Setup>(installation, directory, authorization);
}

}  // namespace lazuli::server
