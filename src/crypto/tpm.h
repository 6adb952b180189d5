// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

// Sealing with a TPM 2.0 through the TCG's own library (tpm2-tss): what is sealed can be opened by
// the same chip alone. It is not bound to the software that was started (no PCR).
namespace lazuli::crypto {

// `tcti` names the way to the chip: "device:/dev/tpmrm0", "swtpm:host=localhost,port=2321"; empty:
// the library's default. At most 128 bytes can be sealed.
Result<std::string> seal_with_tpm(const std::string& tcti, std::span<const std::byte> plain);

// kUnavailable without a chip; kInternal with wire code "DataCorruption" for what this chip has not
// sealed.
Result<SecretBytes> open_with_tpm(const std::string& tcti, std::string_view sealed);

}  // namespace lazuli::crypto
