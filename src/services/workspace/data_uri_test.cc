// SPDX-License-Identifier: Apache-2.0
#include "services/workspace/data_uri.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace lazuli::workspace {
namespace {

std::string parse(std::string_view text) {
  auto uri = parse_data_uri(text);
  if (!uri.ok()) return "error";
  switch (uri->kind) {
    case DataUri::Kind::kDatastore:
      return cat({uri->workspace, "/", uri->datastore, ":", uri->path});
    case DataUri::Kind::kJobOutput:
      return cat({"job ", uri->job, "/", uri->output, ":", uri->path});
    case DataUri::Kind::kBlob:
      return cat({uri->account, "@", uri->host_suffix, "/", uri->container, ":", uri->path});
  }
  return "?";
}

TEST(WorkspaceDataUri, Datastores) {
  EXPECT_EQ(parse("azureml://datastores/d/paths/a/b.csv"), "/d:a/b.csv");
  EXPECT_EQ(parse("azureml://datastores/d/paths/"), "/d:");
  EXPECT_EQ(parse("azureml://datastores/d/"), "/d:");
  EXPECT_EQ(parse("file:azureml://datastores/d/paths/a"), "/d:a");
  EXPECT_EQ(parse("folder:azureml://datastores/d/paths/a/"), "/d:a/");
  EXPECT_EQ(parse("azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/d/paths/a b"),
            "w/d:a b");
  EXPECT_EQ(parse("azureml://subscriptions/s/resourceGroups/r/providers/"
                  "Microsoft.MachineLearningServices/workspaces/w/datastores/d/paths/a"),
            "w/d:a");
}

TEST(WorkspaceDataUri, Jobs) {
  EXPECT_EQ(parse("azureml://jobs/j/outputs/model/paths/x/y"), "job j/model:x/y");
  EXPECT_EQ(parse("azureml://jobs/j/outputs/model"), "job j/model:");
  EXPECT_EQ(parse("runs:/j/model"), "job j/artifacts:model");
}

TEST(WorkspaceDataUri, Blobs) {
  EXPECT_EQ(parse("https://a.blob.core.lazuli.localhost:8443/c/p/%C3%A4%20b?sv=1&sig=x"),
            "a@core.lazuli.localhost/c:p/\xC3\xA4 b");
  EXPECT_EQ(parse("https://a.blob.core.lazuli.localhost/c"), "a@core.lazuli.localhost/c:");
  EXPECT_EQ(parse("wasbs://c@a.blob.core.x/p/q"), "a@core.x/c:p/q");
  EXPECT_EQ(parse("abfss://c@a.dfs.core.x/p"), "a@core.x/c:p");
}

TEST(WorkspaceDataUri, RefusesWhatIsNone) {
  for (const char* bad :
       {"", "data.csv", "azureml://datastores/", "azureml://datastores/d/path/x",
        "azureml://datastores/d/paths/../x", "azureml://datastores/d/paths/a/./x",
        "azureml://datastores/../paths/x", "azureml://jobs/j", "https://example.com/x",
        "https://a.blob.core.x", "https://a.blob.core.x/c/%2e%2e/x", "wasbs://a.blob.core.x/p",
        "azureml://datastores/d/paths/\xFF", "azureml://datastores/d/paths/a\nb", "file:///etc"})
    EXPECT_EQ(parse(bad), "error") << bad;
}

}  // namespace
}  // namespace lazuli::workspace
