// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "codec/json.h"
#include "db/db.h"

namespace lazuli::core {
class Authorizer;
class Events;
class Principal;
class Vault;
}  // namespace lazuli::core

namespace lazuli::directory {

enum class PrincipalKind { kUser, kGroup, kServicePrincipal };
// "User", "Group", "ServicePrincipal": Azure's principalType.
std::string_view to_string(PrincipalKind kind);

// Who can be given a role. A disabled one is found, and must not be let in.
struct Principal {
  std::string object_id;
  PrincipalKind kind = PrincipalKind::kServicePrincipal;
  std::string name;         // displayName
  std::string app_id;       // service principals alone
  std::string upn;          // users alone: userPrincipalName
  std::string resource_id;  // managed identities alone: the ARM id that xms_mirid names
  bool enabled = true;
  Timestamp not_before{};  // tokens issued earlier are refused
};

// What a request needs to know of its principal, kept in memory (a microsecond), never stale once
// the change has been answered.
struct Standing {
  bool exists = false;
  bool enabled = false;
  Timestamp not_before{};
  // Object ids of all groups that hold it, directly or through others.
  std::shared_ptr<const std::vector<std::string>> groups;

  bool admits(Timestamp issued) const { return exists && enabled && issued >= not_before; }
};

// A delegated permission that an application exposes.
struct AppScope {
  std::string id, value;
};

// An app registration, as sign-in needs it.
struct Application {
  std::string object_id, app_id, name;
  std::vector<std::string> identifier_uris;
  std::vector<std::string> web_redirects, spa_redirects, public_redirects;
  bool public_client = false;    // may go without a credential (device code, native clients)
  std::vector<AppScope> scopes;  // enabled ones
  // Ids of scopes that it says it needs, with the app ids of those who expose them.
  std::vector<std::pair<std::string, std::string>> required_scopes;
  int token_version = 1;  // of the access tokens that it takes
};

// What an application gives a principal.
struct AppAccess {
  // Values of the app roles assigned to it; to people also through groups they are in directly.
  std::vector<std::string> roles;
  bool refused = false;  // it lets in who is assigned alone, and this one is not
};

// A certificate that proves an application. Times are its validity.
struct Certificate {
  std::string key_id;
  std::string der;
  std::string sha1, sha256;  // raw bytes over `der`: x5t, x5t#S256
  Timestamp start{}, end{};
};

// A foreign token with exactly this issuer, subject and one of the audiences proves the
// application.
struct FederatedCredential {
  std::string id, name, issuer, subject;
  std::vector<std::string> audiences;
};

struct NewSecret {
  std::string key_id;
  SecretString text;
};

enum class PasswordVerdict {
  kAccepted,
  kMustChange,  // right, but good for a new password alone
  kRefused,     // wrong, or nobody of that name: which of both is not told
  kLocked,      // too many wrong ones; the password was not looked at
  kDisabled,    // right, but the account is disabled
};
struct PasswordAnswer {
  PasswordVerdict verdict = PasswordVerdict::kRefused;
  std::optional<Principal> user;  // set for kAccepted and kMustChange
};

// An external OpenID Connect provider that people may sign in with.
struct IdentityProvider {
  std::string id;      // GUID
  std::string name;    // on the button
  std::string issuer;  // exact `iss`; its discovery document is below it
  std::string client_id;
  std::string scopes;  // "openid profile email"
  // Whoever has no account linked yet is the user whose name is the e-mail address that the
  // provider says it has verified. Only for providers that own the addresses' domain.
  bool match_email = false;
};

// Who signed in there: the provider's own id of the account, and the address it vouches for, if
// any.
struct ExternalAccount {
  std::string subject, verified_email;
};
struct ExternalAnswer {
  std::optional<Principal> user;  // nothing: no account is linked
  bool linked_now = false;
};

// The identities that a resource asks for in its "identity":
// https://learn.microsoft.com/azure/templates/microsoft.machinelearningservices/workspaces
struct WantedIdentity {
  std::string type;  // "None", "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned"
  bool system_assigned = false;
  std::vector<std::string> user_assigned;  // ARM ids, in the casing they were sent with
};

// How what is sent meets what the resource has: a PUT names all user-assigned identities, a PATCH
// those that change (null takes one off).
enum class IdentityChange { kReplace, kMerge };

// `before` is what assign_identity gave, or null. Nothing where nothing is sent: the resource keeps
// what it has. 400 for what is no identity.
Result<std::optional<WantedIdentity>> read_identity(const Json& sent, const Json& before,
                                                    IdentityChange change);

// Who gives a resource an identity can act as it: each user-assigned one needs
// userAssignedIdentities/assign/action; 403 LinkedAuthorizationFailed.
Result<void> check_assignable(core::Authorizer& authorizer, const core::Principal& caller,
                              const WantedIdentity& wanted);

// The managed identities of resources; writes join the transaction that writes the resource. They
// end with it, when "resource.deleted" is published. Thread-safe.
class Identities {
 public:
  virtual ~Identities() = default;

  // Gives the ARM resource what it asks for: its system-assigned principal is made if absent, and
  // deleted if no longer wanted. What comes back is the resource's "identity" for clients, with
  // principalId, tenantId and each user-assigned one's principalId and clientId; keep it. 400
  // FailedIdentityOperation where a user-assigned one is not there.
  virtual Result<Json> assign_identity(db::Tx& tx, const std::string& resource_id,
                                       const WantedIdentity& wanted) = 0;
};

struct FirstPerson {
  std::string upn, name;
  std::string password_hash;  // of hash_password
};

// Principals and their credentials. Writes that take a Tx join the caller's transaction. Every
// change is an event of the topic "directory.changed" {objectId, kind, change}, published in its
// transaction; `change` is created, updated, disabled, deleted, credentials, members or sessions.
// Thread-safe.
class Directory : public Identities {
 public:
  // Names compare without case. Nothing where nobody is; what has been deleted is nobody.
  virtual Result<std::optional<Principal>> find_by_object_id(const std::string& object_id) = 0;
  virtual Result<std::optional<Principal>> find_by_app_id(const std::string& app_id) = 0;
  virtual Result<std::optional<Principal>> find_by_upn(const std::string& upn) = 0;
  virtual Result<std::optional<Principal>> find_by_resource_id(const std::string& resource_id) = 0;
  virtual Result<std::optional<Application>> find_application(const std::string& app_id) = 0;
  // By one of its identifier URIs, exactly.
  virtual Result<std::optional<Application>> find_application_by_uri(const std::string& uri) = 0;
  virtual Result<AppAccess> app_access(const std::string& object_id, const std::string& app_id) = 0;

  virtual Result<Standing> standing(const std::string& object_id) = 0;
  // Rises with every change: a cache that stores it with what it read knows when it is old.
  virtual uint64_t generation() const = 0;

  // Credentials of the application or service principal with this app id; expired ones are left
  // out. Whether the principal is enabled is the caller's to check.
  virtual Result<bool> verify_client_secret(const std::string& app_id,
                                            const SecretString& secret) = 0;
  virtual Result<std::vector<Certificate>> certificates(const std::string& app_id) = 0;
  virtual Result<std::vector<FederatedCredential>> federated_credentials(
      const std::string& app_id) = 0;

  // People's passwords. Each attempt counts before it is looked at: ten wrong ones lock the account
  // for a minute, then longer, up to an hour.
  virtual Result<PasswordAnswer> verify_password(const std::string& upn,
                                                 const SecretString& password) = 0;
  // By the user (the old one is verified as above) and by an administrator. Both end all sessions.
  virtual Result<PasswordVerdict> change_password(const std::string& upn, const SecretString& old,
                                                  const SecretString& fresh) = 0;
  // Azure's rule for strength; refused with what it lacks. Not within a transaction: it takes long.
  virtual Result<std::string> hash_password(const SecretString& password) = 0;

  // The server's own service principal of that name with its application, made if absent. (What
  // clients make never has such a name, though it may be displayed like it.)
  virtual Result<Principal> ensure_service_principal(const std::string& name) = 0;
  // A new client secret (the plain text is never stored); earlier ones stay valid. Two years.
  virtual Result<NewSecret> add_secret(const std::string& app_id, const std::string& name) = 0;

  // The one-time code of the first start: made when the directory has never had one, or with the
  // server stopped. Redeeming it ends it and makes a person, whom the caller gives rights.
  virtual Result<bool> is_first_start() = 0;
  virtual Result<SecretString> make_setup_code() = 0;
  virtual Result<void> check_setup_code(
      const SecretString& code) = 0;  // refuses as redeeming would
  virtual Result<Principal> redeem_setup_code(db::Tx& tx, const SecretString& code,
                                              const FirstPerson& person) = 0;

  // Sign-in of people through other providers; accounts are linked by (issuer, subject) alone, by
  // an administrator or, where the provider's rule says so, at the first sign-in.
  virtual Result<std::vector<IdentityProvider>> identity_providers() = 0;
  virtual Result<SecretString> provider_secret(const std::string& provider_id) = 0;
  virtual Result<ExternalAnswer> external_person(const IdentityProvider& provider,
                                                 const ExternalAccount& account) = 0;
};

// For tests of services that stand on this one: a directory on a database that went through these
// migrations, without a server, in which things happen to principals that clients do through Graph.
class DirectoryOfTests : public Directory {
 public:
  virtual Result<void> set_password(db::Tx& tx, const std::string& object_id,
                                    const std::string& password_hash, bool must_change) = 0;
  // Tokens and refresh tokens issued until now are refused from now on.
  virtual Result<void> end_sessions(db::Tx& tx, const std::string& object_id) = 0;
  virtual Result<void> set_enabled(db::Tx& tx, const std::string& object_id, bool enabled) = 0;
  virtual Result<void> remove(db::Tx& tx, const std::string& object_id) = 0;
};
std::vector<db::Migration> directory_migrations();
Result<std::unique_ptr<DirectoryOfTests>> open_directory(db::Database::Handle handle,
                                                         core::Vault& vault, core::Events& events);

}  // namespace lazuli::directory
