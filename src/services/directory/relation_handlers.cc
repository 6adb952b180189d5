// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/strings.h"
#include "core/arm.h"
#include "services/directory/graph.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

constexpr size_t kIdsMax = 1000;

using Related = Result<std::vector<Object>> (*)(db::Executor&, const std::string&);

Answer list_related(const Graph& graph, const Noun& noun, Context& context, Related related) {
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Object object = TRY(object_of(graph, reader, noun, context));
    return mixed(graph, context, TRY(related(reader, object.object_id)));
  });
}

std::string_view name_of(Relation relation) {
  return relation == Relation::kMember ? "members" : "owners";
}

Answer add_related(const Graph& graph, const Noun& noun, Context& context, Relation relation) {
  const Json body = TRY(context.json());
  std::string id = TRY(id_in_reference(body["@odata.id"].str()));
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object object = TRY(object_of(graph, tx, noun, context));
    auto other = TRY(Store::find(tx, id));
    if (!other) return no_such_object(id);
    if (other->kind == kApplication || (relation == Relation::kOwner && other->kind == kGroup))
      return bad_request(cat({"An object of the type '", other->kind, "' cannot be one of the ",
                              name_of(relation), "."}));
    if (id == object.object_id) return bad_request("An object cannot refer to itself.");
    if (!TRY(RelationStore::add(tx, relation, object.object_id, id)))
      return bad_request(
          cat({"One or more added object references already exist for the following "
               "modified properties: '",
               name_of(relation), "'."}));
    TRY(graph.changes.record(tx, object.object_id, object.kind, name_of(relation)));
    return no_content();
  });
}

Answer remove_related(const Graph& graph, const Noun& noun, Context& context, Relation relation) {
  std::string id = to_lower(context.param("other"));
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object object = TRY(object_of(graph, tx, noun, context));
    if (!TRY(RelationStore::remove(tx, relation, object.object_id, id))) return no_such_object(id);
    TRY(graph.changes.record(tx, object.object_id, object.kind, name_of(relation)));
    return no_content();
  });
}

Result<std::vector<Object>> groups_above(db::Executor& db, const std::string& id) {
  return Store::find_all(db, TRY(Store::groups_of(db, id)));
}

bool is_security_group(const Object& group) {
  const Json& properties = group.properties;
  return properties["securityEnabled"].boolean(true);
}

}  // namespace

Answer list_members(const Graph& graph, const Noun& noun, Context& context) {
  return list_related(graph, noun, context, [](db::Executor& db, const std::string& id) {
    return RelationStore::of(db, Relation::kMember, id);
  });
}

Answer list_transitive_members(const Graph& graph, const Noun& noun, Context& context) {
  return list_related(graph, noun, context, RelationStore::transitive_members);
}

Answer list_owners(const Graph& graph, const Noun& noun, Context& context) {
  return list_related(graph, noun, context, [](db::Executor& db, const std::string& id) {
    return RelationStore::of(db, Relation::kOwner, id);
  });
}

Answer list_member_of(const Graph& graph, const Noun& noun, Context& context) {
  return list_related(graph, noun, context, [](db::Executor& db, const std::string& id) {
    return RelationStore::held_by(db, Relation::kMember, id);
  });
}

Answer list_transitive_member_of(const Graph& graph, const Noun& noun, Context& context) {
  return list_related(graph, noun, context, groups_above);
}

Answer list_owned(const Graph& graph, const Noun& noun, Context& context) {
  return list_related(graph, noun, context, [](db::Executor& db, const std::string& id) {
    return RelationStore::held_by(db, Relation::kOwner, id);
  });
}

Answer add_member(const Graph& graph, const Noun& noun, Context& context) {
  return add_related(graph, noun, context, Relation::kMember);
}
Answer remove_member(const Graph& graph, const Noun& noun, Context& context) {
  return remove_related(graph, noun, context, Relation::kMember);
}
Answer add_owner(const Graph& graph, const Noun& noun, Context& context) {
  return add_related(graph, noun, context, Relation::kOwner);
}
Answer remove_owner(const Graph& graph, const Noun& noun, Context& context) {
  return remove_related(graph, noun, context, Relation::kOwner);
}

// https://learn.microsoft.com/graph/api/directoryobject-getmembergroups
Answer get_member_groups(const Graph& graph, const Noun& noun, Context& context) {
  const Json body = TRY(context.json());
  bool security_only = body["securityEnabledOnly"].boolean();
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Object object = TRY(object_of(graph, reader, noun, context));
    Json::Array ids;
    for (const Object& group : TRY(groups_above(reader, object.object_id)))
      if (!security_only || is_security_group(group)) ids.push_back(Json(group.object_id));
    return collection(context, "Collection(Edm.String)", std::move(ids));
  });
}

// https://learn.microsoft.com/graph/api/directoryobject-checkmembergroups
Answer check_member_groups(const Graph& graph, const Noun& noun, Context& context) {
  const Json body = TRY(context.json());
  const Json& asked = body["groupIds"];
  if (!asked.is_array() || asked.size() > kIdsMax)
    return bad_request("'groupIds' must list at most 1000 ids.");
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Object object = TRY(object_of(graph, reader, noun, context));
    std::vector<std::string> groups = TRY(Store::groups_of(reader, object.object_id));
    Json::Array ids;
    for (const Json& id : asked.items())
      if (std::find(groups.begin(), groups.end(), to_lower(id.str())) != groups.end())
        ids.push_back(id);
    return collection(context, "Collection(Edm.String)", std::move(ids));
  });
}

}  // namespace lazuli::directory
