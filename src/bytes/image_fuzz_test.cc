// SPDX-License-Identifier: Apache-2.0
// Any bytes as an object's image; and an image with some bytes changed, which is refused or right.
#include "base/testing.h"
#include "bytes/object_reader.h"
#include "bytes/object_sealer.h"

namespace lazuli::bytes {
namespace {

constexpr std::string_view kId = "00112233445566778899aabbccddeeff";
constexpr size_t kContentSize = 200;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

const WrappingKey& test_key() {
  static const WrappingKey key{"wwwwwwwwwwwwwwww", std::make_shared<const SecretBytes>(
                                                       bytes("0123456789abcdef0123456789abcdef"))};
  return key;
}

Result<std::string> read(std::string_view image) {
  auto reader = TRY(open_image(
      [](std::string_view) { return Result<WrappingKey>(test_key()); }, std::string(kId),
      {image.size(), [image](uint64_t at, std::span<std::byte> out) {
         const auto part = image.substr(std::min<uint64_t>(image.size(), at), out.size());
         std::memcpy(out.data(), part.data(), part.size());
         return Result<size_t>(part.size());
       }}));
  CHECK(reader->size() <= image.size());
  std::string out(reader->size(), '\0');
  out.resize(TRY(reader->read(0, std::as_writable_bytes(std::span(out)))));
  return out;
}

}  // namespace

// Three bytes to a change: place (two) and bits.
FUZZ_TARGET(bytes_image) {
  const auto taken = read(data);
  CHECK(!taken.ok());

  const std::string content(kContentSize, 'c');
  ObjectSealer sealer(test_key(), kId);
  sealer.add(bytes(content));
  sealer.finish();
  const auto sealed = sealer.take();
  const std::string good(reinterpret_cast<const char*>(sealed.data()), sealed.size());
  std::string image = good;
  for (size_t i = 0; i + 3 <= data.size(); i += 3) {
    const size_t place =
        (static_cast<unsigned char>(data[i]) << 8 | static_cast<unsigned char>(data[i + 1])) %
        image.size();
    image[place] = static_cast<char>(image[place] ^ data[i + 2]);
  }
  const auto changed = read(image);
  CHECK(changed.ok() == (image == good));
  if (changed.ok()) CHECK(*changed == content);
}

}  // namespace lazuli::bytes
