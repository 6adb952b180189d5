// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lazuli::cli {

// Checks the audit log of a data directory, whether or not a server runs on it: kSuccess only when
// every record is as it was written and none is missing.
int audit_verify(const std::string& data_dir, bool json);

struct AuditListOptions {
  std::string data_dir, scope, kind;
  int count = 50;
  bool json = false;
};
// Prints the newest records, read from the data directory.
int audit_list(const AuditListOptions& options);

}  // namespace lazuli::cli
