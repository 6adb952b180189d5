// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "core/context.h"
#include "core/events.h"
#include "core/service.h"
#include "http/message.h"
#include "services/storage/accounts.h"
#include "services/storage/blobs.h"

// The operations of the Blob service; each cites its page at
// learn.microsoft.com/rest/api/storageservices/{name} and follows its steps.
namespace lazuli::storage {

// What every handler works with. Lives as long as the service runs.
struct Parts {
  explicit Parts(const core::ServiceContext& context)
      : accounts(context.db, context.vault),
        blobs(context.db, context.bytes),
        authorizer(context.authorizer),
        events(context.events) {}
  Accounts accounts;
  Blobs blobs;
  core::Authorizer& authorizer;
  core::Events& events;
};

using Answer = Result<http::Response>;

Answer list_containers(Parts& parts, core::RequestContext& context);
Answer get_account_information(Parts& parts, core::RequestContext& context);
Answer get_user_delegation_key(Parts& parts, core::RequestContext& context);
Answer create_container(Parts& parts, core::RequestContext& context);
Answer get_container_properties(Parts& parts, core::RequestContext& context);
Answer set_container_metadata(Parts& parts, core::RequestContext& context);
Answer delete_container(Parts& parts, core::RequestContext& context);
Answer list_blobs(Parts& parts, core::RequestContext& context);

Answer put_blob(Parts& parts, core::RequestContext& context);
Answer get_blob(Parts& parts, core::RequestContext& context);
Answer get_blob_properties(Parts& parts, core::RequestContext& context);
Answer get_blob_metadata(Parts& parts, core::RequestContext& context);
Answer set_blob_metadata(Parts& parts, core::RequestContext& context);
Answer set_blob_properties(Parts& parts, core::RequestContext& context);
Answer delete_blob(Parts& parts, core::RequestContext& context);

Answer put_block(Parts& parts, core::RequestContext& context);
Answer put_block_list(Parts& parts, core::RequestContext& context);
Answer get_block_list(Parts& parts, core::RequestContext& context);

// Of Azure Resource Manager.
Answer list_container_resources(Parts& parts, core::RequestContext& context);
Answer get_container_resource(Parts& parts, core::RequestContext& context);
Answer put_container_resource(Parts& parts, core::RequestContext& context);
Answer patch_container_resource(Parts& parts, core::RequestContext& context);
Answer delete_container_resource(Parts& parts, core::RequestContext& context);
// Deletes a container, and with it the rights on it; false where there is none.
Result<bool> remove_container(Parts& parts, const std::string& account, const std::string& name,
                              const Conditions& conditions);
// What a deleted resource of Azure Resource Manager takes along, within the transaction that
// deletes it: the accounts at or below its id, with all containers and blobs.
Result<void> remove_accounts(Parts& parts, const core::Installation& installation, db::Tx& tx,
                             const std::string& resource_id);

// Refuses a SAS without one of these letters: the letters are finer than the roles' operations.
Result<void> require_letters(const core::RequestContext& context, std::string_view letters);
// Refuses what would change the meaning of a request and is not here: an unknown comp, leases,
// snapshots, versions, customer keys, tags.
Result<void> refuse_unknown(const core::RequestContext& context, std::string_view comp);
// The body the chain has streamed into the byte store; an empty object where none was sent.
Result<StagedObject> received(Blobs& blobs, core::RequestContext& context);
// Whether the caller may replace a blob that is there (a SAS with "c" alone may not).
bool may_replace(const core::RequestContext& context);

}  // namespace lazuli::storage
