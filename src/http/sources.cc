// SPDX-License-Identifier: Apache-2.0
#include "http/sources.h"

namespace lazuli::http {

std::shared_ptr<void> Sources::take(const SocketAddress& peer) {
  std::string source = peer.network();
  {
    const std::lock_guard lock(counts_->mutex);
    size_t& count = counts_->by_source[source];
    if (count >= each_max_) return nullptr;
    ++count;
  }
  return std::shared_ptr<void>(counts_.get(), [counts = counts_, source](void*) {
    const std::lock_guard lock(counts->mutex);
    const auto found = counts->by_source.find(source);
    if (--found->second == 0) counts->by_source.erase(found);
  });
}

}  // namespace lazuli::http
