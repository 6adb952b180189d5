// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "codec/json.h"
#include "core/arm.h"

namespace lazuli::workspace {

struct WorkspaceRow {
  int64_t id = 0;
  std::string subscription, resource_group, name;  // in the casing they were made with
  std::string location, guid;
  std::string storage_account;
  std::string friendly_name, description;
  Json tags = Json::object();
  // What it was made with and only tells: "keyVault", "applicationInsights", "containerRegistry",
  // "publicNetworkAccess" and so on; "identity" beside them, as the directory gave it.
  Json settings = Json::object();
  core::SystemData system_data;
};

// How clients get at a datastore's account.
enum class CredentialsType { kNone, kAccountKey, kSas };

struct DatastoreRow {
  int64_t workspace = 0;
  std::string name;
  std::string account, container;
  bool is_default = false;
  CredentialsType credentials = CredentialsType::kAccountKey;
  std::string sealed_sas;  // of kSas; the account's key is not kept here
  std::string description;
  Json tags = Json::object(), properties = Json::object();
  core::SystemData system_data;
};

struct ComputeRow {
  int64_t workspace = 0;
  std::string name;
  std::string location;
  std::string description;
  Json tags = Json::object();
  Json settings = Json::object();  // the inner "properties" of an AmlCompute
  Json identity;                   // as the directory gave it; null: none was ever asked for
  core::SystemData system_data;
};

std::string arm_id(const WorkspaceRow& row);
std::string arm_id(const WorkspaceRow& workspace, const ComputeRow& row);
std::string to_string(CredentialsType type);

}  // namespace lazuli::workspace
