// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lazuli::cli {

// Checks the audit log of a data directory, whether or not a server runs on it: kSuccess only when
// every record is as it was written and none is missing.
// With `public_key` (a PEM file) and `folder`, a copy of the log is checked by its signatures
// alone.
struct AuditVerifyOptions {
  std::string data_dir, public_key, folder;
  bool json = false;
};
int audit_verify(const AuditVerifyOptions& options);

struct AuditListOptions {
  std::string data_dir, scope, kind;
  int count = 50;
  bool json = false;
};
// Prints the newest records, read from the data directory.
int audit_list(const AuditListOptions& options);

}  // namespace lazuli::cli
