// SPDX-License-Identifier: Apache-2.0
#include "services/endpoints/store.h"

#include "base/strings.h"
#include "db/find.h"

namespace lazuli::endpoints {
namespace {

constexpr std::string_view kEndpointColumns =
    "workspace_id, name, location, auth_mode, properties, traffic, mirror_traffic, tags, identity, "
    "primary_key, secondary_key, created_us, modified_us, created_by, modified_by";
constexpr std::string_view kDeploymentColumns =
    "workspace_id, endpoint, name, properties, sku, tags, state, operation_id, log, created_us, "
    "modified_us, created_by, modified_by";

core::SystemData system_data_from(const db::Row& row, size_t at) {
  return {row.text(at + 2), row.text(at + 3), from_micros(row.integer(at)),
          from_micros(row.integer(at + 1))};
}

Result<Endpoint> endpoint_from(const db::Row& row) {
  Endpoint endpoint;
  endpoint.workspace_id = row.text(0), endpoint.name = row.text(1);
  endpoint.location = row.text(2), endpoint.auth_mode = row.text(3);
  endpoint.properties = TRY(Json::parse(row.text(4)));
  endpoint.traffic = TRY(Json::parse(row.text(5)));
  endpoint.mirror_traffic = TRY(Json::parse(row.text(6)));
  endpoint.tags = TRY(Json::parse(row.text(7)));
  endpoint.identity = TRY(Json::parse(row.text(8)));
  endpoint.sealed_primary_key = row.blob(9), endpoint.sealed_secondary_key = row.blob(10);
  endpoint.system_data = system_data_from(row, 11);
  return endpoint;
}

Result<Deployment> deployment_from(const db::Row& row) {
  Deployment deployment;
  deployment.workspace_id = row.text(0), deployment.endpoint = row.text(1);
  deployment.name = row.text(2);
  deployment.properties = TRY(Json::parse(row.text(3)));
  deployment.sku = TRY(Json::parse(row.text(4)));
  deployment.tags = TRY(Json::parse(row.text(5)));
  deployment.state = static_cast<DeploymentState>(row.integer(6));
  deployment.operation_id = row.text(7), deployment.log = row.text(8);
  deployment.system_data = system_data_from(row, 9);
  return deployment;
}

Result<std::vector<Endpoint>> all_endpoints(db::Executor& db) {
  return db::find_all(db,
                      cat({"SELECT ", kEndpointColumns, " FROM endpoints_endpoint ORDER BY name"}),
                      {}, endpoint_from);
}

}  // namespace

std::string endpoint_id(std::string_view workspace_id, std::string_view endpoint) {
  return cat({workspace_id, "/onlineEndpoints/", endpoint});
}

std::string deployment_id(const Deployment& deployment) {
  return cat({endpoint_id(deployment.workspace_id, deployment.endpoint), "/deployments/",
              deployment.name});
}

std::vector<db::Migration> Store::migrations() {
  return {{"endpoints", 1,
           "CREATE TABLE endpoints_endpoint (name {text} PRIMARY KEY, workspace_id {text} NOT "
           "NULL, location {text} NOT NULL, auth_mode {text} NOT NULL, properties {text} NOT "
           "NULL, traffic {text} NOT NULL, mirror_traffic {text} NOT NULL, tags {text} NOT NULL, "
           "identity {text} NOT NULL, primary_key {blob} NOT NULL, secondary_key {blob} NOT NULL, "
           "created_us {int} NOT NULL, modified_us {int} NOT NULL, created_by {text} NOT NULL, "
           "modified_by {text} NOT NULL); "
           "CREATE TABLE endpoints_deployment (endpoint {text} NOT NULL, name {text} NOT NULL, "
           "workspace_id {text} NOT NULL, properties {text} NOT NULL, sku {text} NOT NULL, tags "
           "{text} NOT NULL, state {int} NOT NULL, operation_id {text} NOT NULL, log {text} NOT "
           "NULL, created_us {int} NOT NULL, modified_us {int} NOT NULL, created_by {text} NOT "
           "NULL, modified_by {text} NOT NULL, PRIMARY KEY (endpoint, name))"}};
}

Result<std::optional<Endpoint>> Store::endpoint(const std::string& name) {
  return handle_.read([&](db::Reader& reader) -> Result<std::optional<Endpoint>> {
    return db::find_one(
        reader, cat({"SELECT ", kEndpointColumns, " FROM endpoints_endpoint WHERE name = ?"}),
        {name}, endpoint_from);
  });
}

Result<std::vector<Endpoint>> Store::endpoints() {
  return handle_.read([&](db::Reader& reader) { return all_endpoints(reader); });
}

Result<std::vector<Endpoint>> Store::endpoints(db::Tx& caller) {
  return all_endpoints(handle_.join(caller));
}

Result<void> Store::put(db::Tx& caller, const Endpoint& endpoint) {
  const core::SystemData& data = endpoint.system_data;
  TRY(handle_.join(caller).exec(
      cat({"INSERT INTO endpoints_endpoint (", kEndpointColumns,
           ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE "
           "SET auth_mode = excluded.auth_mode, properties = excluded.properties, traffic = "
           "excluded.traffic, mirror_traffic = excluded.mirror_traffic, tags = excluded.tags, "
           "identity = excluded.identity, primary_key = excluded.primary_key, secondary_key = "
           "excluded.secondary_key, modified_us = excluded.modified_us, modified_by = "
           "excluded.modified_by"}),
      {endpoint.workspace_id, endpoint.name, endpoint.location, endpoint.auth_mode,
       endpoint.properties.dump(), endpoint.traffic.dump(), endpoint.mirror_traffic.dump(),
       endpoint.tags.dump(), endpoint.identity.dump(), db::Blob{endpoint.sealed_primary_key},
       db::Blob{endpoint.sealed_secondary_key}, to_micros(data.created_at),
       to_micros(data.last_modified_at), data.created_by, data.last_modified_by}));
  return {};
}

Result<void> Store::remove_endpoint(db::Tx& caller, const std::string& name) {
  db::Tx& tx = handle_.join(caller);
  TRY(tx.exec("DELETE FROM endpoints_deployment WHERE endpoint = ?", {name}));
  TRY(tx.exec("DELETE FROM endpoints_endpoint WHERE name = ?", {name}));
  return {};
}

Result<std::optional<Deployment>> Store::deployment(const std::string& endpoint,
                                                    const std::string& name) {
  return handle_.read([&](db::Reader& reader) -> Result<std::optional<Deployment>> {
    return db::find_one(reader,
                        cat({"SELECT ", kDeploymentColumns,
                             " FROM endpoints_deployment WHERE endpoint = ? AND "
                             "name = ?"}),
                        {endpoint, name}, deployment_from);
  });
}

Result<std::vector<Deployment>> Store::deployments(const std::string& endpoint) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<Deployment>> {
    return db::find_all(reader,
                        cat({"SELECT ", kDeploymentColumns,
                             " FROM endpoints_deployment WHERE endpoint = ? ORDER BY name"}),
                        {endpoint}, deployment_from);
  });
}

Result<std::vector<Deployment>> Store::all_deployments() {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<Deployment>> {
    return db::find_all(
        reader,
        cat({"SELECT ", kDeploymentColumns, " FROM endpoints_deployment ORDER BY endpoint, name"}),
        {}, deployment_from);
  });
}

Result<void> Store::put(db::Tx& caller, const Deployment& deployment) {
  const core::SystemData& data = deployment.system_data;
  TRY(handle_.join(caller).exec(
      cat({"INSERT INTO endpoints_deployment (", kDeploymentColumns,
           ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (endpoint, name) DO "
           "UPDATE SET properties = excluded.properties, sku = excluded.sku, tags = "
           "excluded.tags, state = excluded.state, operation_id = excluded.operation_id, log = "
           "excluded.log, modified_us = excluded.modified_us, modified_by = "
           "excluded.modified_by"}),
      {deployment.workspace_id, deployment.endpoint, deployment.name, deployment.properties.dump(),
       deployment.sku.dump(), deployment.tags.dump(), static_cast<int>(deployment.state),
       deployment.operation_id, deployment.log, to_micros(data.created_at),
       to_micros(data.last_modified_at), data.created_by, data.last_modified_by}));
  return {};
}

Result<void> Store::put_state(db::Tx& caller, const Deployment& deployment) {
  TRY(
      handle_.join(caller).exec("UPDATE endpoints_deployment SET state = ?, log = ? "
                                "WHERE endpoint = ? AND name = ? AND operation_id = ?",
                                {static_cast<int>(deployment.state), deployment.log,
                                 deployment.endpoint, deployment.name, deployment.operation_id}));
  return {};
}

Result<void> Store::remove_deployment(db::Tx& caller, const std::string& endpoint,
                                      const std::string& name) {
  TRY(handle_.join(caller).exec("DELETE FROM endpoints_deployment WHERE endpoint = ? AND name = ?",
                                {endpoint, name}));
  return {};
}

}  // namespace lazuli::endpoints
