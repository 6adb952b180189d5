// SPDX-License-Identifier: Apache-2.0
// Ours: Azure rotates its keys itself, and cannot end a single token.
#include "services/identity/key_handlers.h"

#include "base/strings.h"
#include "core/arm.h"
#include "services/identity/tokens.h"

namespace lazuli::identity {
namespace {

Json time_json(Timestamp time) {
  return time == Timestamp{} ? Json() : Json(format_iso8601_seconds(time));
}

Json key_json(const KeyRing::Described& key) {
  return Json::object({{"keyId", key.kid},
                       {"algorithm", crypto::to_string(key.algorithm)},
                       {"state", key.state},
                       {"createdDateTime", time_json(key.created)},
                       {"startDateTime", time_json(key.active)},
                       {"endDateTime", time_json(key.expires)}});
}

http::Response keys_answer(const KeyParts& parts) {
  Json::Array items;
  for (const KeyRing::Described& each : parts.keys.describe(now())) items.push_back(key_json(each));
  return no_store(core::json_response(Json::object({{"value", Json::array(std::move(items))}})));
}

}  // namespace

Answer list_signing_keys(const KeyParts& parts, Context&) { return keys_answer(parts); }

Answer rotate_signing_keys(const KeyParts& parts, Context& context) {
  const Json body = TRY(context.json());
  const Json& at_once = body["atOnce"];
  if (!at_once.is_null() && !at_once.is_bool())
    return invalid_argument("'atOnce' must be true or false.", "Request_BadRequest");
  TRY(parts.keys.rotate(now(),
                        at_once.boolean() ? KeyRing::Start::kAtOnce : KeyRing::Start::kAhead));
  return keys_answer(parts);
}

Answer delete_signing_key(const KeyParts& parts, Context& context) {
  TRY(parts.keys.drop(context.param("id"), now()));
  return http::Response(204);
}

// Kept until the longest-lived token of that time has ended.
Answer revoke_token(const KeyParts& parts, Context& context) {
  const Json body = TRY(context.json());
  std::string uti = body["uti"].text();
  auto made = time_of_uti(uti);
  if (!made || *made > now() + std::chrono::minutes(5))
    return invalid_argument("'uti' must be the id of a token, as its claim of that name tells it.",
                            "Request_BadRequest");
  TRY(parts.handle.write([&](db::Tx& tx) {
    return parts.revocations.add(tx, kTokenDenied, uti, *made + kTokenLifetimeMax);
  }));
  return http::Response(204);
}

}  // namespace lazuli::identity
