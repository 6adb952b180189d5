// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "db/lease.h"
#include "engines/workflow/store.h"

namespace lazuli::workflow {
namespace {

constexpr std::string_view kSchema1 = R"sql(
CREATE TABLE workflow_definition (
  hash {text} PRIMARY KEY,
  body {text} NOT NULL);
CREATE TABLE workflow_run (
  id {text} PRIMARY KEY,
  definition {text} NOT NULL REFERENCES workflow_definition (hash),
  state {text} NOT NULL,
  cancel_requested {int} NOT NULL,
  error {text} NOT NULL,
  created_us {int} NOT NULL,
  ended_us {int} NOT NULL);
CREATE TABLE workflow_step (
  run_id {text} NOT NULL REFERENCES workflow_run (id),
  position {int} NOT NULL,
  name {text} NOT NULL,
  state {text} NOT NULL,
  attempt {int} NOT NULL,
  timed_out {int} NOT NULL,
  result {text} NOT NULL,
  error {text} NOT NULL,
  started_us {int} NOT NULL,
  ended_us {int} NOT NULL,
  PRIMARY KEY (run_id, name));
CREATE INDEX workflow_step_state ON workflow_step (state);
CREATE TABLE workflow_journal (
  id {id},
  run_id {text} NOT NULL REFERENCES workflow_run (id),
  at_us {int} NOT NULL,
  event {text} NOT NULL,
  step {text} NOT NULL,
  attempt {int} NOT NULL,
  outcome {text} NOT NULL);
CREATE INDEX workflow_journal_run ON workflow_journal (run_id, id);
CREATE TABLE workflow_timer (
  attempt_id {text} PRIMARY KEY,
  kind {int} NOT NULL,
  due_us {int} NOT NULL);
CREATE INDEX workflow_timer_due ON workflow_timer (due_us);
)sql";

// The projection keeps its own timers, a row for each step that ever began, and what a node needs
// to know which runs are its own.
constexpr std::string_view kSchema2 = R"sql(
ALTER TABLE workflow_run ADD COLUMN seq {int} NOT NULL DEFAULT 0;
ALTER TABLE workflow_run ADD COLUMN owner {text} NOT NULL DEFAULT '';
ALTER TABLE workflow_run ADD COLUMN due_us {int} NOT NULL DEFAULT 0;
ALTER TABLE workflow_run ADD COLUMN timed_out {int} NOT NULL DEFAULT 0;
ALTER TABLE workflow_run ADD COLUMN compacted {int} NOT NULL DEFAULT 0;
ALTER TABLE workflow_run ADD COLUMN parent {text} NOT NULL DEFAULT '';
CREATE INDEX workflow_run_owner ON workflow_run (owner) WHERE ended_us = 0;
CREATE INDEX workflow_run_ended ON workflow_run (ended_us) WHERE compacted = 0 AND ended_us > 0;
CREATE INDEX workflow_run_definition ON workflow_run (definition);
ALTER TABLE workflow_step ADD COLUMN due_us {int} NOT NULL DEFAULT 0;
ALTER TABLE workflow_step ADD COLUMN failures {int} NOT NULL DEFAULT 0;
ALTER TABLE workflow_step ADD COLUMN skipped {int} NOT NULL DEFAULT 0;
ALTER TABLE workflow_step ADD COLUMN reused_from {text} NOT NULL DEFAULT '';
UPDATE workflow_step SET failures = attempt - 1 WHERE attempt > 1;
UPDATE workflow_step SET due_us = COALESCE((SELECT t.due_us FROM workflow_timer t
  WHERE t.attempt_id = run_id || '/' || name || '/' || attempt), 0);
DROP INDEX workflow_step_state;
DROP TABLE workflow_timer;
ALTER TABLE workflow_journal ADD COLUMN seq {int} NOT NULL DEFAULT 0;
UPDATE workflow_journal SET seq = id;
UPDATE workflow_run SET seq = COALESCE((SELECT MAX(j.id) FROM workflow_journal j
  WHERE j.run_id = workflow_run.id), 0);
DROP INDEX workflow_journal_run;
CREATE UNIQUE INDEX workflow_journal_run ON workflow_journal (run_id, seq);
CREATE TABLE workflow_growth (
  run_id {text} NOT NULL REFERENCES workflow_run (id),
  seq {int} NOT NULL,
  step {text} NOT NULL,
  body {text} NOT NULL,
  PRIMARY KEY (run_id, seq));
CREATE TABLE workflow_signal (
  run_id {text} NOT NULL REFERENCES workflow_run (id),
  seq {int} NOT NULL,
  name {text} NOT NULL,
  payload {text} NOT NULL,
  PRIMARY KEY (run_id, seq));
CREATE TABLE workflow_letter (
  id {id},
  run_id {text} NOT NULL REFERENCES workflow_run (id),
  body {text} NOT NULL);
CREATE INDEX workflow_letter_run ON workflow_letter (run_id);
CREATE TABLE workflow_reuse (
  key {text} PRIMARY KEY,
  source {text} NOT NULL,
  result {text} NOT NULL);
CREATE TABLE workflow_history (
  run_id {text} PRIMARY KEY REFERENCES workflow_run (id),
  steps {text} NOT NULL,
  events {text} NOT NULL);
)sql";

}  // namespace

std::vector<db::Migration> Store::migrations() {
  return {{"workflow", 1, std::string(kSchema1)},
          {"workflow", 2, cat({kSchema2, db::Leases::schema("workflow")})}};
}

}  // namespace lazuli::workflow
