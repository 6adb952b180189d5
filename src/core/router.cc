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

// Lets a literal be looked up by a view.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
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
  std::unordered_map<std::string, std::unique_ptr<Node>, TextHash, std::equal_to<>> literals;
  // Segments with a parameter in the middle: "users('{id}')".
  struct Keyed {
    std::string prefix, suffix;  // lower case
    std::unique_ptr<Node> node;

    bool takes(std::string_view segment) const {
      return segment.size() > prefix.size() + suffix.size() && segment.starts_with(prefix) &&
             segment.ends_with(suffix);
    }
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
};

// One walk through the tree, depth first, most specific first.
struct Router::Search {
  http::Method method;
  std::string_view path;  // without the first slash
  const std::string& lower_path;
  const QueryItems& query;

  std::vector<std::string_view> values = {};  // of the parameters on the way
  const Leaf* best = nullptr;
  std::vector<std::string_view> best_values = {};
  bool path_known = false;

  // `at` is where the rest of the path begins; beyond its end when no segment is left.
  bool walk(const Node& node, size_t at) {
    if (at > path.size()) {
      if (visit(node.leaves)) return true;
    } else {
      const size_t end = std::min(path.find('/', at), path.size());
      const std::string_view segment = path.substr(at, end - at);
      const std::string_view lower = std::string_view(lower_path).substr(at, segment.size());
      const auto literal = node.literals.find(lower);
      if (literal != node.literals.end() && walk(*literal->second, end + 1)) return true;
      for (const Node::Keyed& each : node.keyed)
        if (each.takes(lower) && walk_keyed(each, segment, end + 1)) return true;
      if (node.parameter && !segment.empty()) {
        values.push_back(segment);
        if (walk(*node.parameter, end + 1)) return true;
        values.pop_back();
      }
    }
    if (node.tails.empty()) return false;
    values.push_back(path.substr(std::min(at, path.size())));
    if (visit(node.tails)) return true;
    values.pop_back();
    return false;
  }

  bool walk_keyed(const Node::Keyed& keyed, std::string_view segment, size_t behind) {
    segment.remove_prefix(keyed.prefix.size());
    segment.remove_suffix(keyed.suffix.size());
    values.push_back(segment);
    if (walk(*keyed.node, behind)) return true;
    values.pop_back();
    return false;
  }

  // The extension of a resource, from its last "providers" segment on: instead of what was found,
  // if there is one.
  void walk_extension(const Node& root) {
    constexpr std::string_view kProviders = "providers";
    for (size_t at = lower_path.rfind(kProviders); at != std::string::npos;
         at = at == 0 ? std::string::npos : lower_path.rfind(kProviders, at - 1)) {
      const size_t end = at + kProviders.size();
      const bool begins = at == 0 || lower_path[at - 1] == '/';
      if (!begins || (end < lower_path.size() && lower_path[end] != '/')) continue;
      const Leaf* before = std::exchange(best, nullptr);
      std::vector<std::string_view> values_before = std::move(best_values);
      values = {path.substr(0, at == 0 ? 0 : at - 1)};
      walk(root, at);
      if (best == nullptr) {
        best = before;
        best_values = std::move(values_before);
      }
      return;
    }
  }

  // Whether one of the leaves is the route.
  bool visit(const std::vector<Leaf>& leaves) {
    path_known = path_known || !leaves.empty();
    if (pick(method, leaves)) return true;
    return method == http::Method::kHead && pick(http::Method::kGet, leaves);
  }

  bool pick(http::Method wanted, const std::vector<Leaf>& leaves) {
    for (const Leaf& leaf : leaves) {
      if (leaf.route->method != wanted || !satisfied(leaf.needs, query)) continue;
      if (best && best->needs.size() >= leaf.needs.size()) continue;
      best = &leaf;
      best_values = values;
    }
    return best != nullptr;
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

Result<Match> Router::find(Host host, http::Method method, std::string_view raw_path,
                           std::string_view query) const {
  const auto missing = [&] {
    return not_found(cat({"there is nothing at ", raw_path.substr(0, 400)}), "NotFound");
  };
  if (raw_path.empty()) return missing();
  std::string_view path = raw_path.substr(1);
  if (!path.empty() && path.back() == '/' && host != Host::kBlob) path.remove_suffix(1);
  const QueryItems items = TRY(parse_query(query));
  const std::string lower_path = to_lower(path);
  Search search{method, path, lower_path, items};
  if (const auto root = roots_.find(host); root != roots_.end()) search.walk(*root->second, 0);
  if (search.best == nullptr || search.best->tail) {
    if (const auto root = extensions_.find(host); root != extensions_.end())
      search.walk_extension(*root->second);
  }
  if (search.best == nullptr) {
    if (!search.path_known) return missing();
    return Error{Code::kMethodNotAllowed,
                 "MethodNotAllowed",
                 cat({"the method is not allowed on ", raw_path.substr(0, 400)}),
                 {},
                 {}};
  }
  Match match{search.best->route, {}};
  const Leaf& leaf = *search.best;
  match.params.reserve(leaf.names.size());
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
  if (leaf.extension)
    if (std::string& scope = match.params["scope"]; !scope.empty()) scope.insert(0, "/");
  return match;
}

}  // namespace lazuli::core
