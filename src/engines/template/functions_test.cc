// SPDX-License-Identifier: Apache-2.0
// The functions against the values that their documentation gives:
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions
#include <gtest/gtest.h>

#include "engines/template/evaluate.h"
#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

struct TemplateFunctions : testing::Test {
  TemplateFunctions() {
    facts.subscription_id = "11111111-1111-1111-1111-111111111111";
    facts.resource_group = "rg";
    facts.management_group = "mg";
    facts.resource_group_json = Json::object(
        {{"id", "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg"},
         {"location", "local"}});
    facts.subscription_json = Json::object({{"subscriptionId", facts.subscription_id}});
    facts.tenant_json = Json::object({{"tenantId", "t"}});
    facts.deployer_json = Json::object({{"objectId", "me"}});
    facts.deployment_json = Json::object({{"name", "d"}});
    facts.environment_json = Json::object({{"name", "Lazuli"}});
    facts.providers = Json::array({Json::object(
        {{"namespace", "Microsoft.Web"},
         {"resourceTypes", Json::array({Json::object({{"resourceType", "sites"}})})}})});
    facts.roles = Json::array({Json::object({{"roleName", "Reader"}, {"id", "acdd72a7"}})});
    facts.time = parse_iso8601("2019-03-05T17:53:18Z").value();
    environment.facts = &facts;
    environment.parameters = &parameters;
  }
  // The value as JSON, or "error: message".
  std::string value(std::string_view text) {
    auto result = evaluate_text(cat({"[", text, "]"}), environment);
    return result.ok() ? result->dump() : cat({"error: ", result.error().message});
  }
  void is(std::string_view text, std::string_view expected) {
    EXPECT_EQ(value(text), expected) << text;
  }
  void fails(std::string_view text, std::string_view part) {
    const std::string found = value(text);
    EXPECT_TRUE(found.starts_with("error") && found.find(part) != found.npos)
        << text << " " << found;
  }
  Facts facts;
  NameMap<Json> parameters;
  Environment environment;
};

TEST_F(TemplateFunctions, Hashes) {
  is("guid('foo','bar','baz')", R"("2ed86837-7c7c-5eaa-9864-dd077fd19b0d")");
  is("guid('asdf')", R"("228d27cc-6fdb-5934-b7ac-1efccebade04")");
  is("uniqueString('snap','crackle','pop')", R"("byghxckddilkc")");
  is("uniqueString('/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myRg')",
     R"("js26ofeqkqeve")");
}

TEST_F(TemplateFunctions, Strings) {
  is("concat('a', 1, true(), '-', 'b')", R"("a1True-b")");
  is("concat(createArray('1-1'), createArray('2-1', '2-2'))", R"(["1-1","2-1","2-2"])");
  is("format('{0}, {1}. Formatted number: {2:N0}', 'Hello', 'User', 8175133)",
     R"("Hello, User. Formatted number: 8,175,133")");
  is("format('>{0}<>{1}<>{2}<>{3}<', false(), 12948, createObject('a','b','!c',2), "
     "createArray(true(), 2893, 'abc'))",
     R"(">False<>12948<>{'a':'b','!c':2}<>[true,2893,'abc']<")");
  is("format('{{{0,-4}|{0,4}|{1:D4}|{1:X}|{1:x4}|{1:000}}}', 'ab', 42)",
     R"("{ab  |  ab|0042|2A|002a|042}")");
  is("format('{0:F1} {0:P0} {0:#,##0.0#}', 1234)", R"("1234.0 123,400 % 1,234.0")");
  fails("format('{1}', 'a')", "argument 1");
  fails("format('{', 'a')", "format string");
  is("toLower('One TWO')", R"("one two")");
  is("toUpper('One Two')", R"("ONE TWO")");
  is("trim('   one two three   ')", R"("one two three")");
  is("replace('123-123-1234', '-', '')", R"("1231231234")");
  is("replace('123-123-1234', '1234', 'xxxx')", R"("123-123-xxxx")");
  is("split('one,two,three', ',')", R"(["one","two","three"])");
  is("split('one;two,three', createArray(',', ';'))", R"(["one","two","three"])");
  is("join(createArray('one', 'two'), ';')", R"("one;two")");
  is("substring('one two three', 4, 3)", R"("two")");
  is("substring('one two', 4)", R"("two")");
  fails("substring('one', 2, 5)", "start index and length");
  is("startsWith('abcdef', 'AB')", "true");
  is("endsWith('abcdef', 'e')", "false");
  is("endsWith('abcdef', 'EF')", "true");
  is("indexOf('test', 't')", "0");
  is("indexOf('abcdef', 'CD')", "2");
  is("indexOf('abcdef', 'z')", "-1");
  is("lastIndexOf('test', 't')", "3");
  is("lastIndexOf(createArray(1, 2, 1), 1)", "2");
  is("padLeft('123', 10, '0')", R"("0000000123")");
  is("padLeft(123, 5)", R"("  123")");
  is("string(createObject('a', 10, 'b', 'Example Text'))",
     R"("{\"a\":10,\"b\":\"Example Text\"}")");
  is("string(createArray('a', 'b'))", R"("[\"a\",\"b\"]")");
  is("string(5)", R"("5")");
  is("'it''s'", R"("it's")");
}

TEST_F(TemplateFunctions, Encodings) {
  is("base64('one, two, three')", R"("b25lLCB0d28sIHRocmVl")");
  is("base64ToString('b25lLCB0d28sIHRocmVl')", R"("one, two, three")");
  is("base64ToJson(base64('{''one'': 1}'))",
     "error: Unable to evaluate the template function "
     "'base64ToJson': the argument is not valid JSON.");
  is("base64ToJson('eyJvbmUiOiAiYSIsICJ0d28iOiAiYiJ9')", R"({"one":"a","two":"b"})");
  fails("base64ToString('!!')", "decode");
  is("dataUri('Hello')", R"("data:text/plain;charset=utf8;base64,SGVsbG8=")");
  is("dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", R"("Hello, World!")");
  is("uriComponent('http://contoso.com/resources/nested/azuredeploy.json')",
     R"("http%3A%2F%2Fcontoso.com%2Fresources%2Fnested%2Fazuredeploy.json")");
  is("uriComponentToString('http%3A%2F%2Fcontoso.com')", R"("http://contoso.com")");
  is("uri('http://contoso.org/firstpath', 'myscript.sh')", R"("http://contoso.org/myscript.sh")");
  is("uri('http://contoso.org/firstpath/', 'myscript.sh')",
     R"("http://contoso.org/firstpath/myscript.sh")");
  is("uri('http://contoso.org/firstpath/azuredeploy.json', 'myscript.sh')",
     R"("http://contoso.org/firstpath/myscript.sh")");
  is("uri('http://contoso.org/firstpath/azuredeploy.json/', '/myscript.sh')",
     R"("http://contoso.org/firstpath/azuredeploy.json/myscript.sh")");
  is("json('{\"a\": [1, null]}')", R"({"a":[1,null]})");
  is("json('null')", "null");
  is("parseUri('https://example.com:8080/a?b=c').port", "8080");
  is("buildUri(createObject('scheme', 'https', 'host', 'example.com', 'path', 'a', 'query', "
     "'b=c'))",
     R"("https://example.com/a?b=c")");
}

TEST_F(TemplateFunctions, Arrays) {
  is("array(1)", "[1]");
  is("array(createObject('a', 'b'))", R"([{"a":"b"}])");
  is("contains('OneTwoThree', 'e')", "true");
  is("contains('OneTwoThree', 'z')", "false");
  is("contains(createObject('one', 'a'), 'ONE')", "true");
  is("contains(createArray('one', 'two'), 'three')", "false");
  is("empty(createArray())", "true");
  is("empty('')", "true");
  is("empty(null())", "true");
  is("length(createArray('one', 'two', 'three'))", "3");
  is("length('One Two Three')", "13");
  is("length('\xC3\xA4\xF0\x9F\x98\x80')", "3");  // UTF-16 units
  is("first(createArray('one', 'two'))", R"("one")");
  is("first('One Two Three')", R"("O")");
  is("last('One Two Three')", R"("e")");
  is("last(createArray())", "null");
  is("skip('one two three', 4)", R"("two three")");
  is("skip(createArray(1, 2, 3), 2)", "[3]");
  is("take('one two three', 2)", R"("on")");
  is("take(createArray(1, 2, 3), 5)", "[1,2,3]");
  is("range(5, 3)", "[5,6,7]");
  fails("range(0, 10001)", "10000");
  is("union(createArray('one', 'two', 'three'), createArray('three', 'four'))",
     R"(["one","two","three","four"])");
  is("union(createObject('one', 'a', 'two', 'b', 'three', 'c1'), "
     "createObject('three', 'c2', 'four', 'd', 'five', 'e'))",
     R"({"one":"a","two":"b","three":"c2","four":"d","five":"e"})");
  is("union(json('{\"p\":{\"one\":\"a\",\"three\":\"c1\"}}'), "
     "json('{\"p\":{\"three\":\"c2\",\"four\":\"d\"}}'))",
     R"({"p":{"one":"a","three":"c2","four":"d"}})");
  is("intersection(createArray('one', 'two', 'three'), createArray('two', 'three'))",
     R"(["two","three"])");
  is("intersection(createObject('one', 'a', 'two', 'b', 'three', 'c'), "
     "createObject('one', 'a', 'two', 'z', 'three', 'c'))",
     R"({"one":"a","three":"c"})");
  is("flatten(createArray(createArray('one', 'two'), createArray('three')))",
     R"(["one","two","three"])");
  is("distinct(createArray('a', 'b', 'a'))", R"(["a","b"])");
}

TEST_F(TemplateFunctions, Objects) {
  is("createObject('intProp', 1, 'nested', createObject('b', true()))",
     R"({"intProp":1,"nested":{"b":true}})");
  is("items(createObject('item002', 2, 'item001', 1))",
     R"([{"key":"item001","value":1},{"key":"item002","value":2}])");
  is("objectKeys(createObject('b', 1, 'a', 2))", R"(["a","b"])");
  is("tryGet(createObject('a', createArray(1, 2)), 'a', 1)", "2");
  is("tryGet(createObject('a', 1), 'b', 'c')", "null");
  is("shallowMerge(createArray(createObject('a', createObject('x', 1)), "
     "createObject('a', createObject('y', 2), 'b', 3)))",
     R"({"a":{"y":2},"b":3})");
  is("createObject('A', 1).a", "1");
  is("createObject('a', createArray(5))['a'][0]", "5");
  fails("createObject('one', 1).two", "available properties are 'one'");
  fails("createArray(1)[1]", "out of bounds");
}

TEST_F(TemplateFunctions, Numbers) {
  is("add(5, 3)", "8");
  is("sub(7, 3)", "4");
  is("mul(5, 3)", "15");
  is("div(8, 3)", "2");
  is("mod(7, 3)", "1");
  is("div(-7, 3)", "-2");
  fails("div(1, 0)", "division by zero");
  fails("add(9223372036854775807, 1)", "64 bits");
  fails("div(-9223372036854775808, -1)", "64 bits");
  is("min(createArray(0, 3, 2, 5, 4))", "0");
  is("max(0, 3, 2, 5, 4)", "5");
  is("int('4')", "4");
  is("float('3.0')", "3.0");
  fails("int('x')", "whole number");
}

TEST_F(TemplateFunctions, Logic) {
  is("and(true(), not(false()))", "true");
  is("or(false(), bool('true'))", "true");
  is("if(equals('a', 'a'), 'yes', fail('never'))", R"("yes")");
  is("and(false(), bool('broken'))", "false");
  fails("fail('on purpose')", "on purpose");
  is("bool(1)", "true");
  is("bool('False')", "false");
  is("equals(createObject('a', 1, 'b', 2), createObject('b', 2, 'a', 1))", "true");
  is("equals('a', 'A')", "false");
  is("less(1, 2)", "true");
  is("lessOrEquals('b', 'a')", "false");
  is("greater('b', 'a')", "true");
  is("greaterOrEquals(2, 2)", "true");
  is("coalesce(null(), 'string')", R"("string")");
  is("coalesce(null(), null())", "null");
}

TEST_F(TemplateFunctions, Dates) {
  is("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", R"("4/7/2023 2:53:14 PM")");
  is("dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')", R"("3/29/2020 2:53:14 PM")");
  is("dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H')", R"("4/7/2020 3:53:14 PM")");
  is("dateTimeAdd('2024-01-31T00:00:00Z', 'P1M')", R"("2024-02-29T00:00:00Z")");
  is("dateTimeAdd('20190305T175318Z', 'P1D', 'u')", R"("2019-03-06 17:53:18Z")");
  is("dateTimeFromEpoch(1683040573)", R"("2023-05-02T15:16:13Z")");
  is("dateTimeToEpoch('2023-05-02T15:16:13Z')", "1683040573");
  fails("dateTimeAdd('2020-04-07', 'P')", "duration");
  fails("dateTimeAdd('2020-04-07T00:00:00Z', 'P9999Y')", "beyond");
  fails("utcNow()", "default value of a parameter");
  fails("newGuid()", "default value of a parameter");
  environment.in_default = true;
  is("utcNow()", R"("20190305T175318Z")");
  is("utcNow('d')", R"("03/05/2019")");
  is("utcNow('M d')", R"("3 5")");
  is("utcNow('dddd, dd MMM yy hh:mm tt')", R"("Tuesday, 05 Mar 19 05:53 PM")");
  is("length(newGuid())", "36");
}

TEST_F(TemplateFunctions, Networks) {
  is("parseCidr('10.144.0.0/20')",
     R"({"network":"10.144.0.0","netmask":"255.255.240.0","broadcast":"10.144.15.255",)"
     R"("firstUsable":"10.144.0.1","lastUsable":"10.144.15.254","cidr":20})");
  is("parseCidr('fdad:3236:5555::/48')",
     R"({"network":"fdad:3236:5555::","netmask":"ffff:ffff:ffff::",)"
     R"("firstUsable":"fdad:3236:5555::",)"
     R"("lastUsable":"fdad:3236:5555:ffff:ffff:ffff:ffff:ffff","cidr":48})");
  is("cidrSubnet('10.144.0.0/20', 24, 4)", R"("10.144.4.0/24")");
  is("cidrSubnet('fdad:3236:5555::/48', 52, 4)", R"("fdad:3236:5555:4000::/52")");
  is("cidrHost('10.144.3.0/24', 4)", R"("10.144.3.5")");
  is("cidrHost('fdad:3236:5555:3000::/52', 0)", R"("fdad:3236:5555:3000::1")");
  fails("cidrSubnet('10.144.0.0/20', 24, 16)", "no subnet");
  fails("cidrHost('10.144.3.0/24', 254)", "no host");
  fails("parseCidr('10.0.0.0/33')", "CIDR");
  fails("cidrSubnet('10.0.0.0/8', 8, -1)", "no subnet");
}

TEST_F(TemplateFunctions, Lambdas) {
  parameters["dogs"] = Json::parse(R"([{"name":"Evie","age":5,"interests":["Ball","Frisbee"]},
      {"name":"Casper","age":3,"interests":["Other dogs"]},
      {"name":"Indy","age":2,"interests":["Butter"]},
      {"name":"Kira","age":8,"interests":["Rubs"]}])")
                           .value();
  is("map(filter(parameters('dogs'), lambda('dog', greaterOrEquals(lambdaVariables('dog').age, "
     "5))), "
     "lambda('dog', lambdaVariables('dog').name))",
     R"(["Evie","Kira"])");
  is("map(range(0, 3), lambda('i', 'j', add(lambdaVariables('i'), lambdaVariables('j'))))",
     "[0,2,4]");
  is("reduce(map(parameters('dogs'), lambda('d', lambdaVariables('d').age)), 0, "
     "lambda('cur', 'next', add(lambdaVariables('cur'), lambdaVariables('next'))))",
     "18");
  is("map(sort(parameters('dogs'), lambda('a', 'b', less(lambdaVariables('a').age, "
     "lambdaVariables('b').age))), lambda('d', lambdaVariables('d').name))",
     R"(["Indy","Casper","Evie","Kira"])");
  is("toObject(parameters('dogs'), lambda('e', lambdaVariables('e').name), "
     "lambda('e', lambdaVariables('e').age))",
     R"({"Evie":5,"Casper":3,"Indy":2,"Kira":8})");
  is("groupBy(createArray('foo', 'bar', 'baz'), lambda('x', substring(lambdaVariables('x'), 0, "
     "1)))",
     R"({"f":["foo"],"b":["bar","baz"]})");
  is("mapValues(createObject('foo', 'a'), lambda('v', toUpper(lambdaVariables('v'))))",
     R"({"foo":"A"})");
  is("map(createArray(1), lambda('a', map(createArray(2), lambda('b', "
     "add(lambdaVariables('a'), lambdaVariables('b'))))))",
     "[[3]]");
  fails("map(createArray(1), 'x')", "expects a lambda");
  fails("lambda('x', 1)", "not expected");
}

TEST_F(TemplateFunctions, Ids) {
  const std::string group = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/";
  is("resourceId('Microsoft.Storage/storageAccounts', 'examplestorage')",
     cat({"\"", group, "rg/providers/Microsoft.Storage/storageAccounts/examplestorage\""}));
  is("resourceId('otherRG', 'Microsoft.Sql/servers/databases', 's', 'd')",
     cat({"\"", group, "otherRG/providers/Microsoft.Sql/servers/s/databases/d\""}));
  is("resourceId('22222222-1111-1111-1111-111111111111', 'rg2', 'A.B/c', 'd')",
     R"("/subscriptions/22222222-1111-1111-1111-111111111111/resourceGroups/rg2)"
     R"(/providers/A.B/c/d")");
  is("resourceId('A.B/c/d', 'x/y')", cat({"\"", group, "rg/providers/A.B/c/x/d/y\""}));
  fails("resourceId('A.B/c/d', 'x')", "one segment less");
  is("subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')",
     R"("/subscriptions/11111111-1111-1111-1111-111111111111)"
     R"(/providers/Microsoft.Authorization/roleDefinitions/r")");
  is("tenantResourceId('Microsoft.Authorization/policyDefinitions', 'p')",
     R"("/providers/Microsoft.Authorization/policyDefinitions/p")");
  is("managementGroupResourceId('A.B/c', 'd')",
     R"("/providers/Microsoft.Management/managementGroups/mg/providers/A.B/c/d")");
  is("extensionResourceId(resourceId('A.B/c', 'd'), 'Microsoft.Authorization/locks', 'l')",
     cat({"\"", group, "rg/providers/A.B/c/d/providers/Microsoft.Authorization/locks/l\""}));
  is("guid(resourceGroup().id)", value(cat({"guid('", group, "rg')"})));
  is("subscription().subscriptionId", R"("11111111-1111-1111-1111-111111111111")");
  is("tenant().tenantId", R"("t")");
  is("deployer().objectId", R"("me")");
  is("deployment().name", R"("d")");
  is("environment().name", R"("Lazuli")");
  is("providers('Microsoft.Web', 'sites').resourceType", R"("sites")");
  is("roleDefinitions('Reader').id",
     R"("/providers/Microsoft.Authorization/roleDefinitions/acdd72a7")");
  is("pickZones('A.B', 'c', 'local')", "[]");
  fails("managementGroup()", "no such scope");
  fails("reference('x')", "deployed");
  fails("listKeys('x', '2020-01-01')", "deployed");
  fails("copyIndex()", "no loop");
}

TEST_F(TemplateFunctions, RefusesNonsense) {
  fails("nosuch(1)", "'nosuch' is not valid");
  fails("concat('a'", "expected ',' or ')'");
  fails("concat", "expected '('");
  fails("'a", "no end");
  fails("1.5", "expected a name");
  fails("99999999999999999999", "64 bits");
  fails("toLower(1)", "expects its parameter at index 0 to be of type 'String'");
  fails("not('x')", "Boolean");
  fails("substring('x')", "does not take 1 arguments");
  fails("parameters('absent')", "'absent' is not found");
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += "array(";
  fails(deep, "nested too deeply");
  std::string wide = "createArray()";
  for (int i = 0; i < 500; ++i) wide += "[0]";
  fails(wide, "nested too deeply");
}

TEST(TemplateExpressions, Literals) {
  EXPECT_FALSE(is_expression("plain"));
  EXPECT_FALSE(is_expression("[[escaped]"));
  EXPECT_FALSE(is_expression("[open"));
  EXPECT_TRUE(is_expression("[concat()]"));
  EXPECT_EQ(unescape_literal("[[escaped]"), "[escaped]");
  EXPECT_EQ(unescape_literal("[[open"), "[[open");
  EXPECT_EQ(unescape_literal(escape_literal("[concat()]")), "[concat()]");
}

TEST(TemplateExpressions, PrintsWhatItParsed) {
  for (std::string_view text :
       {"[concat('it''s', parameters('a').b[0]['c'], -5)]", "[ns.own(1, variables('x'))]"}) {
    auto parsed = parse_expression(text);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(cat({"[", print_expression(*parsed), "]"}), text);
  }
}

}  // namespace
}  // namespace lazuli::templates
