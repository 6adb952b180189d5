// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"
#include "services/directory/api.h"
#include "services/identity/revocations.h"
#include "services/identity/session_store.h"

namespace lazuli::identity {

inline constexpr Duration kSessionLife = std::chrono::hours(24 * 90);  // since its last use
// A client whose answer was lost, or two processes with one cache, may present a refresh token
// twice within this time; both get the same successor.
inline constexpr Duration kReuseLeeway = std::chrono::seconds(10);

// Sign-ins that live on by refresh tokens. A refresh token names its session and how many were
// before it, under a MAC: one row per session, whatever the number of refreshes. One that comes
// again after its successor ends the session: one of its two holders is a thief. Thread-safe.
class Sessions {
 public:
  Sessions(db::Database::Handle handle, directory::Directory& directory, Revocations& revocations,
           SecretBytes key)
      : handle_(std::move(handle)),
        directory_(directory),
        revocations_(revocations),
        key_(std::move(key)) {}

  struct Grant {
    Session session;
    SecretString refresh_token;
  };

  // Joins the caller's transaction.
  Result<void> add(db::Tx& tx, const Session& session) {
    return SessionStore::add_session(tx, session);
  }
  static Session fresh(const std::string& app_id, const std::string& scopes, const Proof& proof,
                       Timestamp time);
  SecretString refresh_token(const Session& session) const;

  // The session that a refresh token names; whether the token is still good is redeem()'s to say.
  Result<Session> look(std::string_view refresh_token);
  // The session of a refresh token, and its successor. Errors are OAuth's.
  Result<Grant> redeem(std::string_view refresh_token, const std::string& app_id,
                       Timestamp time = now());
  // Ends a session with all its tokens.
  Result<void> end(db::Tx& tx, const std::string& id, Timestamp time = now());
  // Whether the person may go on, and has not signed out or changed the password since the proof.
  Result<directory::Principal> check_person(const Proof& proof);

 private:
  struct Named {
    std::string id;
    int64_t counter = 0;
  };
  std::string make_token(const std::string& id, int64_t counter) const;
  Result<Named> read_token(std::string_view token) const;

  db::Database::Handle handle_;
  directory::Directory& directory_;
  Revocations& revocations_;
  SecretBytes key_;
};

}  // namespace lazuli::identity
