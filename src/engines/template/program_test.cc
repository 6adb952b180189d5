// SPDX-License-Identifier: Apache-2.0
#include "engines/template/program.h"

#include <gtest/gtest.h>

#include "engines/template/parameters.h"

namespace lazuli::templates {
namespace {

constexpr const char* kGroup =
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";

// Answers reference() with the name asked for.
class Echo : public Runtime {
 public:
  Result<Json> reference(const std::string& name, const std::string& version, bool full) override {
    return Json::object({{"of", name}, {"version", version}, {"full", full}});
  }
  Result<Json> references(const std::string& symbol, bool) override {
    return Json::array({Json(symbol)});
  }
  Result<Json> list(const std::string& function, const std::string& id, const std::string&,
                    const Json&) override {
    return Json::object({{"keys", Json::array({Json(function + " " + id)})}});
  }
};

struct TemplatePrograms : testing::Test {
  TemplatePrograms() {
    facts.subscription_id = "11111111-1111-1111-1111-111111111111";
    facts.resource_group = "rg";
    facts.resource_group_json =
        Json::object({{"id", kGroup}, {"name", "rg"}, {"location", "local"}});
    facts.subscription_json = Json::object({{"subscriptionId", facts.subscription_id}});
  }
  // A template's document with `rest` put in.
  static Json document(std::string_view rest) {
    auto parsed = Json::parse(
        cat({R"({"$schema": "https://schema.management.azure.com/schemas/deploymentTemplate.json#",
             "contentVersion": "1.0.0.0", )",
             rest, "}"}));
    EXPECT_TRUE(parsed.ok()) << rest << parsed.error().message;
    return parsed.ok() ? *parsed : Json();
  }
  Result<NameMap<Json>> bind(const Json& source, std::string_view given = "{}") {
    Environment environment;
    environment.facts = &facts;
    return bind_parameters(source, Json::parse(given).value(), environment);
  }
  Result<std::unique_ptr<Program>> make(std::string_view rest, std::string_view given = "{}") {
    Json source = document(rest);
    NameMap<Json> parameters = TRY(bind(source, given));
    return Program::create(source, std::move(parameters), facts);
  }
  std::string fault(std::string_view rest, std::string_view given = "{}") {
    auto made = make(rest, given);
    return made.ok() ? "none" : made.error().message;
  }
  // "name<after,after>" of every resource, in order.
  static std::string shape(const Program& program) {
    std::string out;
    for (const PlannedResource& each : program.resources()) {
      out += (out.empty() ? "" : " ") + each.name + "<";
      for (size_t after : each.after)
        out += (out.ends_with('<') ? "" : ",") + program.resources()[after].name;
      out += ">";
    }
    return out;
  }
  Facts facts;
  Echo echo;
};

TEST_F(TemplatePrograms, OrdersByNamesIdsAndReferences) {
  auto program = make(R"("variables": {"x": "[reference('b').of]"}, "resources": [
    {"type": "A.B/c", "apiVersion": "1", "name": "a", "properties": {"v": "[variables('x')]"}},
    {"type": "A.B/c", "apiVersion": "1", "name": "b", "dependsOn": ["[resourceId('A.B/c', 'c')]"]},
    {"type": "A.B/c", "apiVersion": "1", "name": "c", "condition": "[equals(1, 1)]",
     "dependsOn": ["off", "A.B/c/d"], "tags": {"k": "[listKeys('d', '1').keys[0]]"}},
    {"type": "A.B/c", "apiVersion": "1", "name": "d"},
    {"type": "A.B/c", "apiVersion": "1", "name": "off", "condition": false},
    {"type": "A.B/c", "apiVersion": "1", "name": "", "condition": false}])");
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_EQ(shape(**program), "a<b> b<c> c<d> d<>");
  EXPECT_EQ((*program)->resources()[0].id, cat({kGroup, "/providers/A.B/c/a"}));
  EXPECT_EQ((*program)->body(0, &echo)->dump(), R"({"properties":{"v":"b"}})");
  EXPECT_EQ((*program)->body(2, &echo)->dump(), R"({"tags":{"k":"listKeys d"}})");
  EXPECT_EQ((*program)->body(0, nullptr)->dump(), R"({"properties":{"v":"[reference('b').of]"}})");
}

TEST_F(TemplatePrograms, RefusesCyclesUnknownNamesAndDoubles) {
  const char* kCycle = R"("resources": [
    {"type": "A.B/c", "apiVersion": "1", "name": "a", "dependsOn": ["b"]},
    {"type": "A.B/c", "apiVersion": "1", "name": "b", "properties": "[reference('a')]"}])";
  EXPECT_NE(fault(kCycle).find("Circular dependency"), std::string::npos);
  EXPECT_NE(fault(R"("resources": [{"type": "A.B/c", "apiVersion": "1", "name": "a",
                                    "dependsOn": ["a"]}])")
                .find("Circular"),
            std::string::npos);
  EXPECT_NE(fault(R"("resources": [{"type": "A.B/c", "apiVersion": "1", "name": "a",
                                    "dependsOn": ["z"]}])")
                .find("'z' is not defined"),
            std::string::npos);
  EXPECT_NE(fault(R"("resources": [{"type": "A.B/c", "apiVersion": "1", "name": "a"},
                                   {"type": "a.b/C", "apiVersion": "1", "name": "A"}])")
                .find("defined multiple times"),
            std::string::npos);
  EXPECT_NE(fault(R"("resources": [{"type": "A.B/c", "name": "a"}])").find("apiVersion"),
            std::string::npos);
  EXPECT_NE(fault(R"("resources": [{"type": "A.B/c/d", "apiVersion": "1", "name": "a"}])")
                .find("one segment less"),
            std::string::npos);
  EXPECT_NE(fault(R"("resources": {})").find("must be an array"), std::string::npos);
}

TEST_F(TemplatePrograms, UnrollsLoops) {
  auto program = make(R"("resources": [
    {"type": "A.B/c", "apiVersion": "1", "name": "[concat('s', copyIndex(1))]",
     "copy": {"name": "all", "count": 3},
     "properties": {"copy": [{"name": "disks", "count": 2,
                              "input": {"lun": "[copyIndex('disks')]", "of": "[copyIndex()]"}}]}},
    {"type": "A.B/c", "apiVersion": "1", "name": "[concat('t', copyIndex())]",
     "copy": {"name": "some", "count": 5, "mode": "serial", "batchSize": 2}},
    {"type": "A.B/c", "apiVersion": "1", "name": "none", "copy": {"name": "no", "count": 0}},
    {"type": "A.B/c", "apiVersion": "1", "name": "last", "dependsOn": ["all", "no"]}])");
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_EQ(shape(**program),
            "s1<> s2<> s3<> t0<> t1<> t2<t0,t1> t3<t0,t1> t4<t2,t3> last<s1,s2,s3>");
  EXPECT_EQ((*program)->body(1, &echo)->dump(),
            R"({"properties":{"disks":[{"lun":0,"of":1},{"lun":1,"of":1}]}})");
  EXPECT_NE(fault(R"("resources": [{"type": "A.B/c", "apiVersion": "1", "name": "a",
                     "copy": {"name": "x", "count": 801}}])")
                .find("0 to 800"),
            std::string::npos);
}

TEST_F(TemplatePrograms, PutsChildrenBelowTheirParents) {
  auto program =
      make(R"("resources": [{"type": "A.B/c", "apiVersion": "1", "name": "p", "resources": [
    {"type": "d", "apiVersion": "1", "name": "q"},
    {"type": "A.B/c/e", "apiVersion": "1", "name": "p/r"}]}])");
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_EQ(shape(**program), "p<> p/q<p> p/r<p>");
  EXPECT_EQ((*program)->resources()[1].id, cat({kGroup, "/providers/A.B/c/p/d/q"}));
  EXPECT_EQ((*program)->resources()[2].type, "A.B/c/e");
}

TEST_F(TemplatePrograms, TakesScopes) {
  auto program = make(R"("resources": [
    {"type": "M.A/locks", "apiVersion": "1", "name": "l", "scope": "A.B/c/x"},
    {"type": "M.A/locks", "apiVersion": "1", "name": "m", "scope": "[resourceGroup().id]"},
    {"type": "M.A/locks", "apiVersion": "1", "name": "n", "scope": "/"},
    {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "d",
     "resourceGroup": "o",
     "properties": {}},
    {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "e",
     "subscriptionId": "s",
     "properties": {}}])");
  ASSERT_TRUE(program.ok()) << program.error().message;
  auto id = [&](size_t index) { return (*program)->resources()[index].id; };
  EXPECT_EQ(id(0), cat({kGroup, "/providers/A.B/c/x/providers/M.A/locks/l"}));
  EXPECT_EQ(id(1), cat({kGroup, "/providers/M.A/locks/m"}));
  EXPECT_EQ(id(2), "/providers/M.A/locks/n");
  EXPECT_EQ(id(3),
            "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/o/providers/"
            "Microsoft.Resources/deployments/d");
  EXPECT_EQ(id(4), "/subscriptions/s/providers/Microsoft.Resources/deployments/e");
}

TEST_F(TemplatePrograms, KnowsSymbolsAndExistingResources) {
  auto program = make(R"("languageVersion": "2.0", "resources": {
    "old": {"existing": true, "type": "A.B/c", "apiVersion": "1", "name": "was"},
    "stores": {"type": "A.B/c", "apiVersion": "1", "name": "[format('s{0}', copyIndex())]",
               "copy": {"name": "stores", "count": 2}},
    "one": {"type": "A.B/c", "apiVersion": "1", "name": "one",
            "dependsOn": ["[format('stores[{0}]', 1)]"],
            "properties": {"v": "[reference('old').of]"}},
    "all": {"type": "A.B/c", "apiVersion": "1", "name": "all", "dependsOn": ["stores"],
            "properties": {"v": "[references('stores')]"}}})");
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_EQ(shape(**program), "was<> s0<> s1<> one<was,s1> all<s0,s1>");
  EXPECT_TRUE((*program)->resources()[0].existing);
  EXPECT_EQ((*program)->resources()[2].key, "stores[1]");
}

TEST_F(TemplatePrograms, HandsInnerTemplatesOn) {
  const char* kNested = R"("parameters": {"p": {"type": "string", "defaultValue": "[[x]"}},
    "variables": {"v": "[concat('v-', reference('r').of)]", "o": {"n": 1}}, "resources": [
    {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "out",
     "copy": {"name": "loop", "count": 1},
     "properties": {"mode": "Incremental", "template": {"resources": [
       {"type": "A.B/c", "name": "[parameters('p')]", "tags": "[variables('o')]",
        "properties": {"v": "[variables('v')]", "i": "[copyIndex()]"}},
       {"type": "A.B/c", "name": "[concat('n', copyIndex())]",
        "copy": {"name": "in", "count": 2}}]}}},
    {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "in",
     "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
       "parameters": {"q": {"value": "[parameters('p')]"}},
       "template": {"parameters": {"q": {"type": "string"}}, "resources": [
         {"name": "[parameters('q')]", "properties": "[reference('out')]"}]}}}])";
  auto program = make(kNested);
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_EQ(shape(**program), "out<> in<>");  // an inner template's references are its own
  Json outer = (*program)->body(0, &echo).value()["properties"]["template"];
  EXPECT_EQ(outer["resources"].items()[0].dump(),
            R"({"type":"A.B/c","name":"[[x]","tags":{"n":1},)"
            R"("properties":{"v":"[concat('v-', reference('r').of)]","i":0}})");
  EXPECT_EQ(outer["resources"].items()[1]["name"].str(), "[concat('n', copyIndex())]");
  Json inner = (*program)->body(1, &echo).value()["properties"];
  EXPECT_EQ(inner["parameters"].dump(), R"({"q":{"value":"[x]"}})");
  EXPECT_EQ(inner["template"]["resources"].items()[0]["name"].str(), "[parameters('q')]");
}

// In the outer scope an inner template has the outer values put in, but for secure ones.
TEST_F(TemplatePrograms, KeepsSecureValuesOutOfInnerTemplates) {
  const char* kSecrets = R"("parameters": {"p": {"type": "securestring"},
      "o": {"type": "secureObject"}, "plain": {"type": "string", "defaultValue": "seen"}},
    "variables": {"v": "[concat('user:', parameters('o').pass)]"}, "resources": [
    {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "out",
     "properties": {"mode": "Incremental", "template": {"resources": [
       {"type": "A.B/c", "name": "[parameters('plain')]", "properties": {
         "a": "[parameters('p')]", "b": "[base64(concat(parameters('plain'), variables('v')))]"}},
       {"type": "Microsoft.Resources/deployments", "name": "deeper", "properties": {
         "expressionEvaluationOptions": {"scope": "inner"},
         "parameters": {"q": {"value": "[parameters('p')]"}},
         "template": {"parameters": {"q": {"type": "securestring"}},
           "resources": [{"name": "[parameters('q')]"}]}}}]}}},
    {"type": "A.B/c", "apiVersion": "1", "name": "own", "properties": {
       "a": "[parameters('p')]", "n": "[parameters('plain')]"}},
    {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "none",
     "properties": {"mode": "Incremental", "template": {"resources": []}}}])";
  auto program =
      make(kSecrets, R"({"p": {"value": "[hush]"}, "o": {"value": {"pass": "hushhush"}}})");
  ASSERT_TRUE(program.ok()) << program.error().message;
  const Json out = (*program)->body(0, &echo).value()["properties"];
  EXPECT_EQ(out["template"].dump().find("hush"), std::string::npos) << out["template"].dump();
  const Json& inner = out["template"]["resources"].items()[0];
  EXPECT_EQ(inner["name"].str(), "seen");
  EXPECT_EQ(inner["properties"]["a"].str(), "[parameters('p')]");
  EXPECT_EQ(inner["properties"]["b"].str(),
            "[base64(concat('seen', concat('user:', parameters('o').pass)))]");
  EXPECT_EQ(out["template"]["parameters"].dump(),
            R"({"o":{"type":"secureObject"},"p":{"type":"securestring"}})");
  EXPECT_EQ(out["parameters"].dump(),
            R"({"o":{"value":{"pass":"hushhush"}},"p":{"value":"[hush]"}})");
  const Json& deeper = out["template"]["resources"].items()[1]["properties"];
  EXPECT_EQ(deeper["template"]["resources"].items()[0]["name"].str(), "[parameters('q')]");
  EXPECT_EQ(deeper["parameters"]["q"]["value"].str(), "[parameters('p')]");

  EXPECT_EQ((*program)->body(1, &echo)->dump(), R"({"properties":{"a":"[hush]","n":"seen"}})");
  EXPECT_EQ((*program)->shown_body(1)->dump(),
            R"({"properties":{"a":"[parameters('p')]","n":"seen"}})");
  EXPECT_EQ((*program)->shown_body(0)->dump().find("hush"), std::string::npos);
  EXPECT_EQ((*program)->body(2, &echo).value()["properties"].dump(),
            R"({"mode":"Incremental","template":{"resources":[]}})");
  // Before it is deployed: as a template writes it, and back.
  const Json before = (*program)->body(0, nullptr).value()["properties"]["parameters"];
  EXPECT_EQ(before["p"]["value"].str(), "[[hush]");
  EXPECT_EQ(from_template(before["p"]["value"])->str(), "[hush]");
  EXPECT_TRUE(is_deferred(from_template(Json("[reference('x')]")).error()));
}

TEST_F(TemplatePrograms, MakesOutputs) {
  auto program = make(R"("functions": [{"namespace": "own", "members": {"twice": {
      "parameters": [{"name": "x", "type": "string"}],
      "output": {"type": "string", "value": "[concat(parameters('x'), parameters('x'))]"}}}}],
    "variables": {"copy": [{"name": "list", "count": 2, "input": "[copyIndex('list', 5)]"}]},
    "resources": [], "outputs": {
      "a": {"type": "string", "value": "[own.twice('ab')]"},
      "b": {"type": "securestring", "value": "secret"},
      "c": {"type": "array", "copy": {"count": 2, "input": "[copyIndex()]"}},
      "d": {"type": "int", "condition": false, "value": 1},
      "e": {"type": "array", "value": "[variables('list')]"}})");
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_EQ((*program)->outputs(echo)->dump(),
            R"({"a":{"type":"String","value":"abab"},"b":{"type":"SecureString"},)"
            R"("c":{"type":"Array","value":[0,1]},"e":{"type":"Array","value":[5,6]}})");
}

TEST_F(TemplatePrograms, BindsParameters) {
  auto check = [&](std::string_view declarations, std::string_view given) {
    auto bound = bind(document(cat({"\"parameters\": ", declarations})), given);
    if (!bound.ok()) return bound.error().message;
    std::string all;
    for (const auto& [name, value] : *bound) all += cat({name, "=", value.dump(), " "});
    return all;
  };
  EXPECT_EQ(check(R"({"b": {"type": "string", "defaultValue": "[concat(parameters('a'), 'z')]"},
                      "a": {"type": "string"}})",
                  R"({"A": {"value": "x"}})"),
            R"(a="x" b="xz" )");
  auto refused = [&](std::string_view declaration, std::string_view value, std::string_view part) {
    const std::string found =
        check(cat({"{\"p\": ", declaration, "}"}),
              value.empty() ? "{}" : cat({"{\"p\": {\"value\": ", value, "}}"}));
    EXPECT_NE(found.find(part), std::string::npos) << declaration << value << ": " << found;
    EXPECT_EQ(found.find("hunter2"), std::string::npos);
  };
  refused(R"({"type": "string"})", "", "'p' is not provided");
  refused(R"({"type": "int"})", "\"hunter2\"", "should be of type 'int' but is of type 'String'");
  refused(R"({"type": "securestring", "minLength": 20})", "\"hunter2\"", "length of at least 20");
  refused(R"({"type": "string", "allowedValues": ["a", "b"]})", "\"hunter2\"", "allowed value(s)");
  refused(R"({"type": "int", "maxValue": 3})", "4", "at most 3");
  refused(R"({"type": "array", "maxLength": 1})", "[1, 2]", "at most 1");
  refused(R"({"type": "nonsense"})", "1", "nonsense");
  refused(R"({"type": "object", "properties": {"x": {"type": "int"}}})", "{}", "'x' is missing");
  refused(R"({"type": "object", "additionalProperties": false})", R"({"y": 1})", "not allowed");
  refused(R"({"type": "array", "items": {"type": "int"}})", R"(["a"])", "item 0");
  EXPECT_NE(check("{}", R"({"q": {"value": 1}})").find("not present in the original"),
            std::string::npos);
  EXPECT_NE(check(R"({"a": {"type": "string", "defaultValue": "[parameters('a')]"}})", "{}")
                .find("refers to itself"),
            std::string::npos);
  EXPECT_NE(check(R"({"a": {"type": "string"}})", R"({"a": {"reference": {}}})")
                .find("Vaults_ParameterReference"),
            std::string::npos);
  EXPECT_EQ(check(R"({"a": {"type": "string", "nullable": true}})", "{}"), "a=null ");
  EXPECT_EQ(check(R"({"a": {"type": "string", "defaultValue": "d"}})", R"({"a": {"value": null}})"),
            R"(a="d" )");
}

TEST_F(TemplatePrograms, KnowsTypesOfTheTemplate) {
  const char* kTypes = R"("definitions": {"size": {"type": "int", "minValue": 1},
      "cat": {"type": "object", "properties": {
        "kind": {"type": "string"}, "lives": {"$ref": "#/definitions/size"}}},
      "pet": {"type": "object", "discriminator": {"propertyName": "kind",
              "mapping": {"cat": {"$ref": "#/definitions/cat"}}}},
      "hidden": {"type": "secureObject"}},
    "parameters": {"p": {"$ref": "#/definitions/pet"}}, "resources": [])";
  EXPECT_EQ(fault(kTypes, R"({"p": {"value": {"kind": "cat", "lives": 9}}})"), "none");
  EXPECT_NE(fault(kTypes, R"({"p": {"value": {"kind": "cat", "lives": 0}}})").find("at least 1"),
            std::string::npos);
  EXPECT_NE(fault(kTypes, R"({"p": {"value": {"kind": "dog"}}})").find("known value"),
            std::string::npos);
  Json source = document(kTypes);
  EXPECT_TRUE(is_secure(Json::object({{"$ref", "#/definitions/hidden"}}), source["definitions"]));
}

TEST_F(TemplatePrograms, EndsWhatDoesTooMuch) {
  for (const char* bomb :
       {"[map(range(0, 10000), lambda('a', range(0, 10000)))]",
        "[length(map(range(0, 10000), lambda('a', map(range(0, 10000), lambda('b', 1)))))]"}) {
    auto made = make(
        cat({R"("resources": [], "outputs": {"a": {"type": "array", "value": ")", bomb, R"("}})"}));
    ASSERT_TRUE(made.ok());
    auto outputs = (*made)->outputs(echo);
    ASSERT_FALSE(outputs.ok());
    EXPECT_NE(outputs.error().message.find("does too much"), std::string::npos);
  }
  const char* kCopies =
      R"("resources": [{"type": "A.B/c", "apiVersion": "1", "name": "a", "properties": {
      "copy": [{"name": "x", "count": 800, "input": {"copy": [{"name": "y", "count": 800, "input":
              {"copy": [{"name": "z", "count": 800, "input": 1}]}}]}}]}}])";
  EXPECT_FALSE(make(kCopies).value()->body(0, nullptr).ok());
  EXPECT_NE(fault(R"("parameters": {"p": {"type": "array", "defaultValue":
                  "[map(range(0, 10000), lambda('a', range(0, 10000)))]"}}, "resources": [])")
                .find("does too much"),
            std::string::npos);
}

// The roleAssignments resource as the architecture text prints it.
TEST_F(TemplatePrograms, DeploysAnAssignmentAsPrinted) {
  auto program = make(R"("resources": [{
    "type": "Microsoft.Authorization/roleAssignments",
    "apiVersion": "2022-04-01",
    "name": "[guid(resourceGroup().id)]",
    "properties": {
      "roleDefinitionId": "[resourceId('Microsoft.Authorization/roleDefinitions', )"
                      R"('b24988ac-6180-42a0-ab88-20f7382dd24c')]",
      "principalId": "33333333-3333-3333-3333-333333333333",
      "scope": "[resourceGroup().id]"}}])");
  ASSERT_TRUE(program.ok()) << program.error().message;
  const PlannedResource& planned = (*program)->resources()[0];
  EXPECT_EQ(planned.id,
            cat({kGroup, "/providers/Microsoft.Authorization/roleAssignments/", planned.name}));
  EXPECT_EQ(planned.name.size(), 36u);
  EXPECT_EQ(
      (*program)->body(0, nullptr)->dump(),
      cat({R"({"properties":{"roleDefinitionId":")", kGroup,
           R"(/providers/Microsoft.Authorization/roleDefinitions/)"
           R"(b24988ac-6180-42a0-ab88-20f7382dd24c",)",
           R"("principalId":"33333333-3333-3333-3333-333333333333","scope":")", kGroup, R"("}})"}));
}

}  // namespace
}  // namespace lazuli::templates
