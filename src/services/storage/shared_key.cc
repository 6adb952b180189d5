// SPDX-License-Identifier: Apache-2.0
#include "services/storage/shared_key.h"

#include <algorithm>
#include <map>

#include "base/strings.h"
#include "codec/text.h"
#include "services/storage/errors.h"
#include "services/storage/names.h"
#include "services/storage/signature.h"

namespace lazuli::storage {
namespace {

constexpr std::string_view kScheme = "SharedKey ";
constexpr std::string_view kLiteScheme = "SharedKeyLite ";
constexpr auto kClockSkewMax = std::chrono::minutes(15);

// A character's place in .NET's order of words: punctuation, digits, letters; '-' and '\'' do not
// count at first. Header names arrive in lower case.
int word_weight(char c) {
  if (c == '-' || c == '\'') return 0;
  if (c >= 'a' && c <= 'z') return 0x400 + c;
  if (c >= '0' && c <= '9') return 0x300 + c;
  if (c == '+') return 0x200;
  return 0x100 + c;
}

// Texts that differ in hyphens only: at the first difference, the hyphen is the greater.
bool less_by_hyphens(std::string_view a, std::string_view b) {
  size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  if (i == b.size()) return false;
  if (i == a.size()) return true;
  return b[i] == '-' && a[i] != '-';
}

bool less_as_words(std::string_view a, std::string_view b) {
  size_t i = 0, j = 0;
  for (;;) {
    while (i < a.size() && word_weight(a[i]) == 0) ++i;
    while (j < b.size() && word_weight(b[j]) == 0) ++j;
    if (i == a.size() || j == b.size()) break;
    int left = word_weight(a[i++]), right = word_weight(b[j++]);
    if (left != right) return left < right;
  }
  if (i < a.size()) return false;
  if (j < b.size()) return true;
  return less_by_hyphens(a, b);
}

using HeaderList = std::vector<std::pair<std::string, std::string>>;

HeaderList signed_headers(const http::RequestHead& head) {
  HeaderList list;
  for (const auto field : head.headers.fields())
    if (istarts_with(field.name, "x-ms-"))
      list.emplace_back(to_lower(field.name), std::string(trim(field.value)));
  std::sort(list.begin(), list.end());
  return list;
}

// One text per order of the headers; one alone where they agree.
std::vector<std::string> in_both_orders(const std::string& before, HeaderList headers,
                                        const std::string& after) {
  auto build = [&] {
    std::string text = before;
    for (const auto& [name, value] : headers) text += cat({name, ":", value, "\n"});
    return text + after;
  };
  std::vector<std::string> texts = {build()};
  std::sort(headers.begin(), headers.end(),
            [](const auto& a, const auto& b) { return less_as_words(a.first, b.first); });
  std::string other = build();
  if (other != texts.front()) texts.push_back(std::move(other));
  return texts;
}

// Values of one parameter are joined by commas in their order of text.
std::map<std::string, std::vector<std::string>> query_values(const http::RequestHead& head) {
  std::map<std::string, std::vector<std::string>> values;
  auto items = parse_query(head.query);
  if (!items.ok()) return values;
  for (auto& [name, value] : *items) values[to_lower(name)].push_back(std::move(value));
  for (auto& [name, list] : values) std::sort(list.begin(), list.end());
  return values;
}

std::string date_line(const http::RequestHead& head) {
  return head.headers.contains("x-ms-date") ? std::string()
                                            : std::string(head.headers.get_or("Date", ""));
}

std::string resource_path(const http::RequestHead& head, std::string_view account) {
  return cat({"/", account, head.raw_path});
}

Result<void> check_date(const http::RequestHead& head) {
  std::string_view text = head.headers.get_or("x-ms-date", head.headers.get_or("Date", ""));
  auto date = parse_http_date(text);
  if (!date.ok()) return authentication_failed("A valid x-ms-date header is needed.");
  if (std::chrono::abs(now() - *date) > kClockSkewMax)
    return authentication_failed("The date header in the request is incorrect.");
  return {};
}

struct Parsed {
  bool lite = false;
  std::string_view account, signature;
};

Result<Parsed> parse_authorization(std::string_view header) {
  Parsed parsed;
  parsed.lite = istarts_with(header, kLiteScheme);
  header.remove_prefix(parsed.lite ? kLiteScheme.size() : kScheme.size());
  header = trim(header);
  size_t colon = header.find(':');
  if (colon == std::string_view::npos || colon == 0)
    return Error{Code::kInvalidArgument,
                 "InvalidAuthenticationInfo",
                 "Authentication information is not given in the correct format. Check the value "
                 "of Authorization header.",
                 {},
                 {}};
  parsed.account = header.substr(0, colon);
  parsed.signature = header.substr(colon + 1);
  return parsed;
}

}  // namespace

std::vector<std::string> shared_key_texts(const http::RequestHead& head, std::string_view account) {
  auto header = [&](std::string_view name) { return std::string(head.headers.get_or(name, "")); };
  std::string length = header("Content-Length");
  if (length == "0") length.clear();
  std::string before = std::string(head.method_text) + "\n";
  for (const std::string& line :
       {header("Content-Encoding"), header("Content-Language"), length, header("Content-MD5"),
        header("Content-Type"), date_line(head), header("If-Modified-Since"), header("If-Match"),
        header("If-None-Match"), header("If-Unmodified-Since"), header("Range")})
    before += line + "\n";
  std::string after = resource_path(head, account);
  for (const auto& [name, values] : query_values(head))
    after += cat({"\n", name, ":", join(values, ",")});
  return in_both_orders(before, signed_headers(head), after);
}

std::vector<std::string> shared_key_lite_texts(const http::RequestHead& head,
                                               std::string_view account) {
  auto header = [&](std::string_view name) { return std::string(head.headers.get_or(name, "")); };
  std::string before = cat({head.method_text, "\n", header("Content-MD5"), "\n",
                            header("Content-Type"), "\n", date_line(head), "\n"});
  std::string after = resource_path(head, account);
  auto values = query_values(head);
  auto comp = values.find("comp");
  if (comp != values.end()) after += "?comp=" + join(comp->second, ",");
  return in_both_orders(before, signed_headers(head), after);
}

bool SharedKeyAuthenticator::present(const http::RequestHead& head) const {
  std::string_view header = head.headers.get_or("Authorization", "");
  return istarts_with(header, kScheme) || istarts_with(header, kLiteScheme);
}

Result<core::Verified> SharedKeyAuthenticator::verify(const http::RequestHead& head,
                                                      std::string_view) {
  Parsed parsed = TRY(parse_authorization(head.headers.get_or("Authorization", "")));
  Target target = TRY(target_of(head));
  if (parsed.account != target.account)
    return authentication_failed("The account in the Authorization header is another.");
  TRY(check_date(head));
  const auto account = TRY(account_of_caller(find_account_, target.account));
  const Account& found = *account;
  auto texts =
      parsed.lite ? shared_key_lite_texts(head, found.name) : shared_key_texts(head, found.name);
  for (const std::string& text : texts) {
    if (!equal_constant_time(TRY(sign(found.key, text)), parsed.signature)) continue;
    core::Verified verified;
    verified.name = "key of " + found.name;
    verified.kind = core::CredentialKind::kSharedKey;
    verified.expires = now() + kClockSkewMax;
    verified.grants = {{{"Microsoft.Storage/*"}, found.arm_id}};
    return verified;
  }
  return authentication_failed("The MAC signature is not the same as any computed signature.");
}

}  // namespace lazuli::storage
