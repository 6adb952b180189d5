// SPDX-License-Identifier: Apache-2.0
// Source: msal/managed_identity.py; azure-identity _credentials/{app_service,azure_ml,imds,
// cloud_shell}.py; https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/
// how-to-use-vm-token
#include "services/identity/managed_identity.h"

#include "base/strings.h"
#include "core/arm.h"
#include "core/grant_json.h"
#include "services/identity/token_grants.h"

namespace lazuli::identity {
namespace {

constexpr std::string_view kSealContext = "identity.job_credential";

// What says that somebody else sent this, and had it passed on (server-side request forgery).
constexpr std::string_view kForwarding[] = {
    "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-IP"};

Error refused(std::string_view error, std::string message) {
  Code code = error == "unauthorized_client" ? Code::kUnauthenticated : Code::kInvalidArgument;
  return Error{code, std::string(error), std::move(message), {}, {}};
}

Json to_json(const JobIdentity& job) {
  return Json::object({{"object", job.object_id},
                       {"job", job.job_id},
                       {"grants", core::to_json(job.grants)},
                       {"since", to_micros(job.since)},
                       {"until", to_micros(job.expires)}});
}

JobIdentity from_json(const Json& json) {
  return {json["object"].text(), json["job"].text(), core::grants_from_json(json["grants"]),
          from_micros(json["since"].integer()), from_micros(json["until"].integer())};
}

// A name that is given must be the identity's own.
bool is_named(std::string_view given, std::string_view own) {
  return given.empty() || iequals(given, own);
}

// App Service reads statusCode and message, the others OAuth's members.
http::Response error_answer(const Error& error) {
  return core::json_response(Json::object({{"error", error.wire_code},
                                           {"error_description", error.message},
                                           {"statusCode", http_status(error.code)},
                                           {"message", error.message}}),
                             http_status(error.code));
}

}  // namespace

// Hexadecimal, since @azure/identity for JavaScript writes an IMDS host in lower case, its path
// too.
SecretString ManagedIdentity::credential(const JobIdentity& job) const {
  return SecretString(to_hex(vault_.seal(kSealContext, to_json(job).dump())));
}

Result<JobIdentity> ManagedIdentity::open(std::string_view credential) const {
  Error unknown = refused("unauthorized_client", "The job's credential is missing or not valid.");
  auto bytes = from_hex(credential);
  if (!bytes.ok() || bytes->empty()) return unknown;
  auto text = vault_.open(kSealContext, *bytes);
  if (!text.ok()) return unknown;
  JobIdentity job = from_json(TRY(Json::parse(text->expose())));
  if (job.expires <= now() || revocations_.contains(kJobEnded, job.job_id))
    return refused("unauthorized_client", "The job that this credential belongs to has ended.");
  return job;
}

Answer ManagedIdentity::get_token(Context& context) const {
  Asking asking;
  asking.resource = context.query_or("resource", {});
  asking.client_id = context.query_or("client_id", context.query_or("clientid", {}));
  asking.object_id = context.query_or("object_id", context.query_or("principal_id", {}));
  asking.resource_id = context.query_or("mi_res_id", context.query_or("msi_res_id", {}));
  if (const std::string& in_path = context.param("credential"); !in_path.empty()) {
    if (!iequals(context.header("Metadata"), "true"))
      return error_answer(refused("invalid_request", "Required metadata header not specified"));
    asking.credential = in_path;
    asking.form = "managed_identity_imds";
  } else if (!context.header("X-IDENTITY-HEADER").empty()) {
    asking.credential = context.header("X-IDENTITY-HEADER");
    asking.form = "managed_identity_app_service";
  } else {
    asking.credential = context.header("secret");
    asking.form = "managed_identity_ml";
  }
  return answer(context, asking);
}

Answer ManagedIdentity::post_cloud_shell(Context& context) const {
  if (!iequals(context.header("Metadata"), "true"))
    return error_answer(refused("invalid_request", "Required metadata header not specified"));
  Fields form = TRY(Fields::of_form(context));
  Asking asking;
  asking.credential = context.param("credential");
  asking.resource = form["resource"];
  asking.client_id = form["client_id"];
  asking.object_id = form["object_id"];
  asking.resource_id = form["msi_res_id"];
  asking.form = "managed_identity_cloud_shell";
  return answer(context, asking);
}

Answer ManagedIdentity::answer(Context& context, const Asking& asking) const {
  if (!parts_.requests.take(source_of(context))) return too_many_requests(context);
  SignIn log;
  log.grant = asking.form;
  log.resource = asking.resource.substr(0, 256);
  Result<http::Response> issued = issue(context, asking, log);
  if (!issued.ok() && issued.error().code == Code::kInternal) return issued;
  TRY(record(parts_, context, std::move(log), issued.ok() ? nullptr : &issued.error()));
  return issued.ok() ? std::move(*issued) : error_answer(issued.error());
}

Result<http::Response> ManagedIdentity::issue(const Context& context, const Asking& asking,
                                              SignIn& log) const {
  for (std::string_view header : kForwarding)
    if (context.head().headers.contains(header))
      return refused("invalid_request", "The request was forwarded; ask this endpoint directly.");
  JobIdentity job = TRY(open(asking.credential));
  if (asking.resource.empty())
    return refused("invalid_request", "The parameter 'resource' is missing.");
  Asked asked = TRY(
      parse_asked(parts_.installation, parts_.directory, {{}, std::string(asking.resource), {}}));
  auto subject = TRY(parts_.directory.find_by_object_id(job.object_id));
  directory::Standing standing = TRY(parts_.directory.standing(job.object_id));
  if (!subject || !standing.admits(job.since))
    return refused(
        "invalid_request",
        "The job's identity was disabled, deleted or signed out since it was submitted.");
  log.object_id = subject->object_id;
  log.name = subject->name;
  if (!is_named(asking.client_id, subject->app_id) ||
      !is_named(asking.object_id, subject->object_id) ||
      !is_named(asking.resource_id, subject->resource_id))
    return refused("invalid_request", "Identity not found");
  Access access;
  access.subject = *subject;
  access.audience = asked.audience;
  access.version = asked.version;
  access.proof = ClientProof::kAssertion;
  access.grants = job.grants;
  access.job_id = job.job_id;
  access.lifetime = std::min<Duration>(draw_lifetime(), job.expires - now());
  if (subject->kind == directory::PrincipalKind::kUser) access.scopes = "user_impersonation";
  TRY(add_roles(parts_.directory, asked, access));
  int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(access.lifetime).count();
  int64_t time = to_micros(now()) / 1000000;
  return no_store(
      core::json_response(Json::object({{"access_token", parts_.tokens.issue(access).expose()},
                                        {"client_id", subject->app_id},
                                        {"expires_in", std::to_string(seconds)},
                                        {"ext_expires_in", std::to_string(seconds)},
                                        {"expires_on", std::to_string(time + seconds)},
                                        {"not_before", std::to_string(time)},
                                        {"resource", asking.resource},
                                        {"token_type", "Bearer"}})));
}

}  // namespace lazuli::identity
