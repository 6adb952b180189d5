// SPDX-License-Identifier: Apache-2.0
#include "core/router.h"

#include <unordered_map>

#include "base/strings.h"
#include "codec/text.h"

namespace lazuli::core {
namespace {

constexpr std::string_view kScope = "{scope*}/";

struct QueryNeed {
  std::string name, value;  // an empty value: the parameter must merely be there
  bool any_value = false;
};

struct Leaf {
  const Route* route;
  std::vector<std::string> names;
  std::vector<QueryNeed> needs;
  bool tail = false;
  bool extension = false;  // behind "{scope*}"
};

std::vector<QueryNeed> parse_needs(std::string_view query) {
  std::vector<QueryNeed> needs;
  if (query.empty()) return needs;
  for (std::string_view item : split(query, '&')) {
    size_t equal = item.find('=');
    if (equal == std::string_view::npos)
      needs.push_back({std::string(item), {}, true});
    else
      needs.push_back({std::string(item.substr(0, equal)), std::string(item.substr(equal + 1))});
  }
  return needs;
}

bool satisfied(const std::vector<QueryNeed>& needs, const QueryItems& items) {
  for (const QueryNeed& need : needs) {
    bool found = false;
    for (const auto& [name, value] : items)
      found = found || (iequals(name, need.name) && (need.any_value || iequals(value, need.value)));
    if (!found) return false;
  }
  return true;
}

// A name is what its segment decodes to, and stays a segment: an encoded slash would mean another
// place than the one whose rights are checked.
bool is_name(std::string_view text, bool is_tail) {
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  if (!is_utf8(text)) return false;
  return is_tail || (text.find_first_of("/\\") == text.npos && text != "." && text != "..");
}

Result<std::string> decode_name(std::string_view raw, bool is_tail) {
  std::string name = TRY(url_decode(raw));
  if (is_name(name, is_tail)) return name;
  return invalid_argument(cat({"'", raw.substr(0, 400), "' in the path is no name"}),
                          "InvalidResourceName");
}

Result<std::string> decode_scope(std::string_view raw) {
  if (!raw.empty())
    for (std::string_view segment : split(raw, '/')) TRY(decode_name(segment, false));
  return url_decode(raw);
}

}  // namespace

struct Router::Node {
  std::unordered_map<std::string, std::unique_ptr<Node>> literals;
  // Segments with a parameter in the middle: "users('{id}')".
  struct Keyed {
    std::string prefix, suffix;  // lower case
    std::unique_ptr<Node> node;
  };
  std::vector<Keyed> keyed;
  std::unique_ptr<Node> parameter;
  std::vector<Leaf> leaves;
  std::vector<Leaf> tails;  // "{name*}" below this node

  Node* keyed_node(std::string prefix, std::string suffix) {
    for (Keyed& each : keyed)
      if (each.prefix == prefix && each.suffix == suffix) return each.node.get();
    keyed.push_back({std::move(prefix), std::move(suffix), std::make_unique<Node>()});
    return keyed.back().node.get();
  }

  using Visit = std::function<bool(const std::vector<Leaf>&, std::vector<std::string_view>&)>;

  // Depth first, most specific first; `visit` says whether it took one of the leaves.
  bool walk(const std::vector<std::string_view>& segments, size_t index, std::string_view rest,
            std::vector<std::string_view>& values, const Visit& visit) const {
    if (index == segments.size()) {
      if (visit(leaves, values)) return true;
    } else {
      std::string_view segment = segments[index];
      std::string_view after = rest.substr(std::min(rest.size(), segment.size() + 1));
      if (auto found = literals.find(to_lower(segment)); found != literals.end())
        if (found->second->walk(segments, index + 1, after, values, visit)) return true;
      for (const Keyed& each : keyed) {
        if (segment.size() <= each.prefix.size() + each.suffix.size()) continue;
        if (!istarts_with(segment, each.prefix)) continue;
        std::string_view value = segment.substr(each.prefix.size());
        if (!iequals(value.substr(value.size() - each.suffix.size()), each.suffix)) continue;
        values.push_back(value.substr(0, value.size() - each.suffix.size()));
        if (each.node->walk(segments, index + 1, after, values, visit)) return true;
        values.pop_back();
      }
      if (parameter && !segment.empty()) {
        values.push_back(segment);
        if (parameter->walk(segments, index + 1, after, values, visit)) return true;
        values.pop_back();
      }
    }
    if (tails.empty()) return false;
    values.push_back(rest);
    if (visit(tails, values)) return true;
    values.pop_back();
    return false;
  }
};

Router::Router() = default;
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;

Result<void> Router::add(const Route& route) {
  std::string_view path = std::string_view(route.path).substr(1);
  Leaf leaf{&route, {}, parse_needs(route.query)};
  leaf.extension = path.starts_with(kScope);
  if (leaf.extension) {
    path.remove_prefix(kScope.size());
    leaf.names.emplace_back("scope");
  }
  auto& root = (leaf.extension ? extensions_ : roots_)[route.host];
  if (!root) root = std::make_unique<Node>();
  Node* node = root.get();
  bool tail = false;
  std::vector<std::string_view> segments = split(path, '/');
  for (std::string_view segment : segments) {
    if (tail) return invalid_argument("nothing may follow a tail: " + route.path);
    bool braces = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
    if (size_t open = segment.find('{'); !braces && open != std::string_view::npos) {
      size_t close = segment.find('}');
      if (close == std::string_view::npos || close < open)
        return invalid_argument("a parameter has no end: " + route.path);
      leaf.names.emplace_back(segment.substr(open + 1, close - open - 1));
      node =
          node->keyed_node(to_lower(segment.substr(0, open)), to_lower(segment.substr(close + 1)));
      continue;
    }
    if (!braces) {
      auto& next = node->literals[to_lower(segment)];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
      continue;
    }
    std::string_view name = segment.substr(1, segment.size() - 2);
    tail = name.back() == '*';
    if (tail) name.remove_suffix(1);
    leaf.names.emplace_back(name);
    if (tail) continue;
    if (!node->parameter) node->parameter = std::make_unique<Node>();
    node = node->parameter.get();
  }
  leaf.tail = tail;
  std::vector<Leaf>& leaves = tail ? node->tails : node->leaves;
  for (const Leaf& other : leaves) {
    if (other.route->method == route.method && iequals(other.route->query, route.query))
      return invalid_argument(cat(
          {"two routes for ", http::to_string(route.method), " ", route.path, "?", route.query}));
  }
  leaves.push_back(std::move(leaf));
  return {};
}

// One look-up, and the best leaf it has met.
struct Router::Search {
  http::Method method;
  const QueryItems* items;
  const Leaf* best = nullptr;
  std::vector<std::string_view> best_values;
  bool path_known = false;

  bool pick(http::Method wanted, const std::vector<Leaf>& leaves,
            const std::vector<std::string_view>& values) {
    for (const Leaf& leaf : leaves) {
      if (leaf.route->method != wanted || !satisfied(leaf.needs, *items)) continue;
      if (best && best->needs.size() >= leaf.needs.size()) continue;
      best = &leaf;
      best_values.assign(values.begin(), values.end());
    }
    return best != nullptr;
  }

  void walk(const Node& root, const std::vector<std::string_view>& segments, std::string_view rest,
            std::vector<std::string_view> values) {
    root.walk(segments, 0, rest, values,
              [&](const std::vector<Leaf>& leaves, std::vector<std::string_view>& found) {
                path_known = path_known || !leaves.empty();
                if (pick(method, leaves, found)) return true;
                return method == http::Method::kHead && pick(http::Method::kGet, leaves, found);
              });
  }

  // The extension of a resource: from its last "providers" segment on.
  void walk_extension(const Node& root, std::string_view path) {
    std::vector<std::string_view> segments = split(path, '/');
    for (size_t i = segments.size(); i-- > 0;) {
      if (!iequals(segments[i], "providers")) continue;
      const size_t offset = segments[i].data() - path.data();
      const std::string_view scope = path.substr(0, offset == 0 ? 0 : offset - 1);
      std::vector<std::string_view> behind(segments.begin() + static_cast<long>(i), segments.end());
      walk(root, behind, path.substr(offset), {scope});
      return;
    }
  }
};

Result<Match> Router::find(Host host, http::Method method, std::string_view raw_path,
                           std::string_view query) const {
  Error missing = not_found(cat({"there is nothing at ", raw_path.substr(0, 400)}), "NotFound");
  if (raw_path.empty()) return missing;
  std::string_view rest = raw_path.substr(1);
  if (!rest.empty() && rest.back() == '/' && host != Host::kBlob) rest.remove_suffix(1);
  QueryItems items = TRY(parse_query(query));
  Search search{method, &items};
  if (auto root = roots_.find(host); root != roots_.end())
    search.walk(*root->second, split(rest, '/'), rest, {});
  if (auto root = extensions_.find(host);
      root != extensions_.end() && (search.best == nullptr || search.best->tail)) {
    Search extension{method, &items};
    extension.walk_extension(*root->second, rest);
    extension.path_known = extension.path_known || search.path_known;
    if (extension.best != nullptr || search.best == nullptr) search = std::move(extension);
  }
  if (!search.best) {
    if (!search.path_known) return missing;
    return Error{Code::kMethodNotAllowed,
                 "MethodNotAllowed",
                 cat({"the method is not allowed on ", raw_path.substr(0, 400)}),
                 {},
                 {}};
  }
  Match match{search.best->route, {}};
  const Leaf& leaf = *search.best;
  for (size_t i = 0; i < leaf.names.size(); ++i) {
    const std::string_view raw = search.best_values[i];
    std::string& value = match.params[leaf.names[i]];
    if (host == Host::kBlob)
      value = TRY(url_decode(raw));  // storage has rules of its own for names
    else if (leaf.extension && i == 0)
      value = TRY(decode_scope(raw));
    else
      value = TRY(decode_name(raw, leaf.tail && i + 1 == leaf.names.size()));
  }
  if (auto scope = match.params.find("scope"); leaf.extension && !scope->second.empty())
    scope->second.insert(0, "/");
  return match;
}

}  // namespace lazuli::core
