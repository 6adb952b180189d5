// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-cidr
#include <arpa/inet.h>

#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

__extension__ typedef unsigned __int128 Address;

struct Network {
  Address base = 0;  // the address as given
  int bits = 32;     // 32 or 128
  int prefix = 0;

  Address mask() const {
    const Address all = bits == 32 ? Address{0xFFFFFFFF} : ~Address{0};
    return prefix == 0 ? Address{0} : all & ~(host_span() - 1);
  }
  // How many addresses; of a whole v6 space, zero.
  Address host_span() const { return bits == prefix ? 1 : Address{1} << (bits - prefix); }
  Address first() const { return base & mask(); }
  Address last() const {
    const Address all = bits == 32 ? Address{0xFFFFFFFF} : ~Address{0};
    return first() | (all & ~mask());
  }
};

std::string print(Address address, int bits) {
  unsigned char bytes[16];
  const int size = bits / 8;
  for (int i = size; i-- > 0; address >>= 8) bytes[i] = static_cast<unsigned char>(address);
  char text[INET6_ADDRSTRLEN];
  inet_ntop(bits == 32 ? AF_INET : AF_INET6, bytes, text, sizeof text);
  return text;
}

Result<Network> parse(const Call& call, size_t index) {
  const std::string text = TRY(call.text(index));
  const size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  unsigned char bytes[16];
  Network network;
  if (inet_pton(AF_INET, address.c_str(), bytes) == 1)
    network.bits = 32;
  else if (inet_pton(AF_INET6, address.c_str(), bytes) == 1)
    network.bits = 128;
  else
    return call.fault("the argument is no network in CIDR notation.");
  for (int i = 0; i < network.bits / 8; ++i) network.base = network.base << 8 | bytes[i];
  auto prefix =
      slash == text.npos ? std::nullopt : parse_int(std::string_view(text).substr(slash + 1));
  if (!prefix || *prefix < 0 || *prefix > network.bits)
    return call.fault("the argument is no network in CIDR notation.");
  network.prefix = static_cast<int>(*prefix);
  return network;
}

Result<Json> call_parse_cidr(const Call& call) {
  const Network network = TRY(parse(call, 0));
  const bool v4 = network.bits == 32;
  const bool has_edges = v4 && network.prefix < 31;  // a network and a broadcast address
  Json parsed = Json::object({{"network", print(network.first(), network.bits)},
                              {"netmask", print(network.mask(), network.bits)}});
  if (v4) parsed.set("broadcast", print(network.last(), network.bits));
  parsed.set("firstUsable", print(network.first() + (has_edges ? 1 : 0), network.bits));
  parsed.set("lastUsable", print(network.last() - (has_edges ? 1 : 0), network.bits));
  parsed.set("cidr", network.prefix);
  return parsed;
}

Result<Json> call_cidr_subnet(const Call& call) {
  Network network = TRY(parse(call, 0));
  const int64_t prefix = TRY(call.integer(1)), index = TRY(call.integer(2));
  if (prefix < network.prefix || prefix > network.bits)
    return call.fault("the new CIDR must not be smaller than the network's.");
  const int64_t spread = prefix - network.prefix;
  if (index < 0 || (spread < 63 && index >= int64_t{1} << spread))
    return call.fault("there is no subnet of that index.");
  const Address base = network.first();
  network.prefix = static_cast<int>(prefix);
  const Address subnet = base + network.host_span() * static_cast<Address>(index);
  return Json(cat({print(subnet, network.bits), "/", std::to_string(prefix)}));
}

Result<Json> call_cidr_host(const Call& call) {
  const Network network = TRY(parse(call, 0));
  const int64_t index = TRY(call.integer(1));
  if (index < 0) return call.fault("there is no host of that index.");
  const bool single = network.prefix >= network.bits - 1;
  const Address host = network.first() + static_cast<Address>(index) + (single ? 0 : 1);
  const bool edge = network.bits == 32 && !single && host == network.last();
  if (host > network.last() || host < network.first() || edge)
    return call.fault("there is no host of that index.");
  return Json(print(host, network.bits));
}

constexpr Function kFunctions[] = {
    {"parseCidr", 1, 1, call_parse_cidr},
    {"cidrSubnet", 3, 3, call_cidr_subnet},
    {"cidrHost", 2, 2, call_cidr_host},
};

}  // namespace

std::span<const Function> cidr_functions() { return kFunctions; }

}  // namespace lazuli::templates
