// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "db/db.h"

namespace lazuli::identity {

// How and when a person proved who they are.
struct Proof {
  std::string object_id;
  Timestamp time{};
  std::vector<std::string> methods;  // amr
};

// What a code was made for; both kinds of code are kept as hashes.
struct AuthorizationCode {
  std::string hash;
  std::string app_id, redirect_uri, challenge, scopes, nonce;
  Proof proof;
  Timestamp expires{};
  std::string session;  // of the tokens made from it; empty while unused
};

struct DeviceCode {
  std::string hash, user_code, app_id, scopes;
  std::string state;  // "pending", "approved", "denied", "used"
  Proof proof;
  Timestamp expires{}, polled{};
  int64_t interval_s = 5;
};

// A sign-in to one application that lives on by refresh tokens.
struct Session {
  std::string id;  // UUID; the claim `sid`
  std::string app_id, scopes;
  Proof proof;
  int64_t counter = 0;  // of the refresh token that is good now
  Timestamp rotated{}, expires{};
  bool ended = false;
};

// A browser that is signed in; kept by the hash of its cookie.
struct Browser {
  std::string hash;
  Proof proof;
  Timestamp expires{};
};

// SQL of codes, sessions and browsers. Functions run in the caller's transaction.
class SessionStore {
 public:
  static Result<void> add_code(db::Tx& tx, const AuthorizationCode& code);
  static Result<std::optional<AuthorizationCode>> code(db::Executor& db, const std::string& hash);
  static Result<void> use_code(db::Tx& tx, const std::string& hash, const std::string& session);

  // False when the user code is taken.
  static Result<bool> add_device(db::Tx& tx, const DeviceCode& code);
  static Result<std::optional<DeviceCode>> device(db::Executor& db, const std::string& hash);
  static Result<std::optional<DeviceCode>> device_by_user_code(db::Executor& db,
                                                               const std::string& user_code);
  static Result<void> set_device_state(db::Tx& tx, const std::string& hash,
                                       const std::string& state, const Proof& proof);
  static Result<void> set_device_polled(db::Tx& tx, const std::string& hash, Timestamp time,
                                        int64_t interval_s);

  static Result<void> add_session(db::Tx& tx, const Session& session);
  static Result<std::optional<Session>> session(db::Executor& db, const std::string& id);
  static Result<void> rotate_session(db::Tx& tx, const std::string& id, int64_t counter,
                                     Timestamp time, Timestamp expires);
  static Result<void> end_session(db::Tx& tx, const std::string& id);

  static Result<void> add_browser(db::Tx& tx, const Browser& browser);
  static Result<std::optional<Browser>> browser(db::Executor& db, const std::string& hash);
  static Result<void> remove_browser(db::Tx& tx, const std::string& hash);

  // Remembers an assertion's id until it expires; false when it has been seen.
  static Result<bool> use_assertion(db::Tx& tx, const std::string& app_id, const std::string& id,
                                    Timestamp expires);

  static Result<void> drop_expired(db::Tx& tx, Timestamp time);
};

}  // namespace lazuli::identity
