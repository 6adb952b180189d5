// SPDX-License-Identifier: Apache-2.0
#include "services/identity/store.h"

namespace lazuli::identity {
std::vector<db::Migration> Store::migrations() {
  return {
      {"identity", 1,
       "CREATE TABLE identity_signing_key (kid {text} PRIMARY KEY, sealed_pem {blob} NOT NULL, "
       "created_us {int} NOT NULL); "
       "CREATE TABLE identity_principal (app_id {text} PRIMARY KEY, object_id {text} NOT NULL "
       "UNIQUE, name {text} NOT NULL UNIQUE, created_us {int} NOT NULL); "
       "CREATE TABLE identity_secret (app_id {text} NOT NULL REFERENCES identity_principal "
       "(app_id) "
       "ON DELETE CASCADE, hash {text} NOT NULL, created_us {int} NOT NULL, "
       "PRIMARY KEY (app_id, hash)); "
       "CREATE TABLE identity_role_assignment (name {text} PRIMARY KEY, object_id {text} NOT NULL, "
       "role_id {text} NOT NULL, scope {text} NOT NULL, created_us {int} NOT NULL, "
       "UNIQUE (object_id, role_id, scope)); "
       "CREATE TABLE identity_revoked_job (job_id {text} PRIMARY KEY, revoked_us {int} NOT NULL)"},
      {"identity", 2,
       "ALTER TABLE identity_signing_key ADD COLUMN algorithm {text} NOT NULL DEFAULT 'RS256'; "
       "ALTER TABLE identity_signing_key ADD COLUMN active_us {int} NOT NULL DEFAULT 0; "
       "ALTER TABLE identity_signing_key ADD COLUMN expires_us {int} NOT NULL DEFAULT 0; "
       "UPDATE identity_signing_key SET active_us = created_us; "
       "CREATE TABLE identity_revocation (id {id}, kind {text} NOT NULL, subject {text} NOT NULL, "
       "until_us {int} NOT NULL); "
       // Tokens that name an ended job live at most 31 days longer.
       "INSERT INTO identity_revocation (kind, subject, until_us) "
       "SELECT 'job', job_id, revoked_us + 2678400000000 FROM identity_revoked_job; "
       "DROP TABLE identity_revoked_job; "
       "CREATE TABLE identity_code (hash {text} PRIMARY KEY, app_id {text} NOT NULL, "
       "redirect_uri {text} NOT NULL, challenge {text} NOT NULL, scopes {text} NOT NULL, "
       "nonce {text} NOT NULL, object_id {text} NOT NULL, proof_us {int} NOT NULL, "
       "methods {text} NOT NULL, expires_us {int} NOT NULL, session {text} NOT NULL); "
       "CREATE TABLE identity_device (hash {text} PRIMARY KEY, user_code {text} NOT NULL UNIQUE, "
       "app_id {text} NOT NULL, scopes {text} NOT NULL, state {text} NOT NULL, "
       "expires_us {int} NOT NULL, polled_us {int} NOT NULL, interval_s {int} NOT NULL, "
       "object_id {text} NOT NULL, proof_us {int} NOT NULL, methods {text} NOT NULL); "
       "CREATE TABLE identity_session (id {text} PRIMARY KEY, app_id {text} NOT NULL, "
       "scopes {text} NOT NULL, counter {int} NOT NULL, rotated_us {int} NOT NULL, "
       "expires_us {int} NOT NULL, ended {int} NOT NULL, object_id {text} NOT NULL, "
       "proof_us {int} NOT NULL, methods {text} NOT NULL); "
       "CREATE TABLE identity_browser (hash {text} PRIMARY KEY, object_id {text} NOT NULL, "
       "proof_us {int} NOT NULL, methods {text} NOT NULL, expires_us {int} NOT NULL); "
       "CREATE TABLE identity_assertion (app_id {text} NOT NULL, jti {text} NOT NULL, "
       "expires_us {int} NOT NULL, PRIMARY KEY (app_id, jti)); "
       "CREATE TABLE identity_sign_in (id {id}, time_us {int} NOT NULL, object_id {text} NOT NULL, "
       "name {text} NOT NULL, app_id {text} NOT NULL, resource {text} NOT NULL, "
       "grant_type {text} NOT NULL, peer {text} NOT NULL, agent {text} NOT NULL, "
       "request_id {text} NOT NULL, error {int} NOT NULL, failure {text} NOT NULL)"}};
}

}  // namespace lazuli::identity
