// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engines/template/evaluate.h"

namespace lazuli::templates {

// One resource of a template, after loops and conditions.
struct PlannedResource {
  std::string key;     // unique in the template: its symbol ("stores[0]"), or its id
  std::string symbol;  // the symbol or the loop's name, without an index; may be empty
  std::string type, name, api_version, id;
  bool existing = false;      // only referred to
  std::vector<size_t> after;  // indexes of those that come before
};

// A template with its parameters, ready to be carried out: which resources, in which order, with
// which bodies. Pure: what only a running deployment knows comes from a Runtime. Several threads
// may use one.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/syntax
class Program {
 public:
  // `parameters` are the bound ones, `facts` what the functions about the surroundings answer.
  // kInvalidArgument "InvalidTemplate" says what is wrong with the template.
  static Result<std::unique_ptr<Program>> create(Json source, NameMap<Json> parameters,
                                                 Facts facts);
  virtual ~Program() = default;

  virtual const std::vector<PlannedResource>& resources() const = 0;
  // What is sent to create the resource; with a null Runtime, expressions that need one stay as
  // they are. An inner template of the outer scope never has a secure value in it: it gets the
  // secure parameters as its own, and asks for them.
  virtual Result<Json> body(size_t index, Runtime* runtime) const = 0;
  // The same to be shown: what needs a Runtime or a secure parameter stays an expression.
  virtual Result<Json> shown_body(size_t index) const = 0;
  // {"name": {"type", "value"}}; secure values are left out.
  virtual Result<Json> outputs(Runtime& runtime) const = 0;
};

// The functions that a template declares itself, by "namespace.name".
Result<NameMap<UserFunction>> user_functions(const Json& source);

// Whether a document is a template at all, and within Azure's limits.
Result<void> check_template(const Json& source);

}  // namespace lazuli::templates
